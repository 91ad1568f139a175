/* metric_from_points.c: reads points into samples, groups them by resource and metric, and writes them as
 * OTLP. Keeps no state. Called by the http receiver.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/metric_from_points.h"

#include <stdlib.h>

#include "translators/metrics/metric_wire.h"

enum { RESOURCE_ATTRIBUTES = 1, FIRST_FRAMES = 16 };

/* Bytes in reader.texts, by offset, because the buffer may move while it grows. */
struct bytes {
    size_t at, len;
};

struct sample {
    struct bytes resource, name, attributes;
    gw_str resource_text, name_text, attributes_text;
    uint64_t time;
    size_t place; /* position in the request */
    bool is_int;
    union {
        int64_t i;
        double d;
    };
};

struct reader {
    struct points *from;
    const struct metric_points_options *options;
    struct metric_points_made *made;
    struct otlp_buf texts, samples;
    struct bytes resource; /* of the previous point */
};

/* --- points to samples --- */

/* Tags that go to the resource; for a point without such a tag, the attribute's default. */
enum { SERVICE, ENV, VERSION, HOST, RESOURCE_TAGS };
static const struct {
    gw_str tag, attribute;
} resource_tags[RESOURCE_TAGS] = {[SERVICE] = {GW_LIT("service"), GW_LIT("service.name")},
                                  [ENV] = {GW_LIT("env"), GW_LIT("deployment.environment.name")},
                                  [VERSION] = {GW_LIT("version"), GW_LIT("service.version")},
                                  [HOST] = {GW_LIT("host"), GW_LIT("host.name")}};

static int resource_tag(gw_str name)
{
    for (int i = 0; i < RESOURCE_TAGS; i++)
        if (gw_str_eq(name, resource_tags[i].tag))
            return i;
    return -1;
}

static bool is_set(const struct gw_map *map, gw_str key)
{
    for (size_t i = 0; i < map->n; i++)
        if (gw_str_eq(map->items[i].key, key))
            return true;
    return false;
}

static struct bytes end_bytes(const struct otlp_buf *w, size_t at)
{
    return (struct bytes){at, w->len - at};
}

/* Writes the attributes of the resource. If they equal those of the previous point, the same bytes are
 * used. */
static struct bytes put_resource(struct reader *r, const struct point *p)
{
    const struct metric_points_options *o = r->options;
    gw_str said[RESOURCE_TAGS] = {o->service, o->env, o->version, o->host};
    size_t at = r->texts.len;
    for (size_t i = 0; i < p->tags.n; i++) {
        int tag = resource_tag(p->tags.list[i].name);
        if (tag >= 0 && p->tags.list[i].text.len)
            said[tag] = p->tags.list[i].text;
    }
    for (int i = 0; i < RESOURCE_TAGS; i++)
        if (said[i].len && !is_set(&o->resource, resource_tags[i].attribute))
            otlp_attr_text(&r->texts, RESOURCE_ATTRIBUTES, resource_tags[i].attribute, said[i]);
    for (size_t i = 0; i < o->resource.n; i++)
        otlp_attr_text(&r->texts, RESOURCE_ATTRIBUTES, o->resource.items[i].key, o->resource.items[i].value);
    struct bytes now = end_bytes(&r->texts, at);
    if (r->made->items && !r->texts.failed && now.len == r->resource.len &&
        memcmp(r->texts.data + at, r->texts.data + r->resource.at, now.len) == 0) {
        r->texts.len = at;
        return r->resource;
    }
    return r->resource = now;
}

static int compare(gw_str a, gw_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    const struct point_value *const *x = a, *const *y = b;
    int c = compare((*x)->name, (*y)->name);
    return c ? c : (*x > *y) - (*x < *y);
}

/* Writes the attributes sorted by name. If a name occurs twice, the last one wins. */
static struct bytes put_attributes(struct reader *r, const struct point *p)
{
    size_t n = 0, at = r->texts.len;
    const struct point_value **tags = gw_arena_raw(r->from->arena, p->tags.n, sizeof *tags);
    for (size_t i = 0; tags && i < p->tags.n; i++)
        if (resource_tag(p->tags.list[i].name) < 0)
            tags[n++] = &p->tags.list[i];
    if (n > 1)
        qsort(tags, n, sizeof *tags, by_name);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || !gw_str_eq(tags[i]->name, tags[i + 1]->name))
            otlp_attr_text(&r->texts, NUMBER_ATTRIBUTES, tags[i]->name, tags[i]->text);
    return end_bytes(&r->texts, at);
}

static struct bytes put_metric_name(struct reader *r, gw_str measurement, gw_str field)
{
    size_t at = r->texts.len;
    otlp_append(&r->texts, measurement);
    if (!gw_str_eq(field, GW_STR("value"))) {
        otlp_append(&r->texts, GW_STR("."));
        otlp_append(&r->texts, field);
    }
    return end_bytes(&r->texts, at);
}

/* Returns false if the value is not a number. */
static bool set_number(struct sample *s, const struct point_value *v)
{
    s->is_int = v->type == POINT_INT || v->type == POINT_BOOL;
    switch (v->type) {
    case POINT_INT:
        s->i = v->i;
        return true;
    case POINT_BOOL:
        s->i = v->b;
        return true;
    case POINT_UINT:
        s->d = (double)v->u;
        return true;
    case POINT_DOUBLE:
        s->d = v->d;
        return true;
    default:
        return false;
    }
}

static bool has_number(const struct point *p)
{
    struct sample ignored;
    for (size_t i = 0; i < p->fields.n; i++)
        if (set_number(&ignored, &p->fields.list[i]))
            return true;
    return false;
}

static void take_point(struct reader *r, const struct point *p)
{
    struct sample s = {.time = p->time ? p->time : r->options->now};
    s.resource = put_resource(r, p);
    s.attributes = put_attributes(r, p);
    for (size_t i = 0; i < p->fields.n; i++) {
        const struct point_value *field = &p->fields.list[i];
        if (!set_number(&s, field)) {
            r->made->left_out++;
            continue;
        }
        s.name = put_metric_name(r, p->measurement, field->name);
        s.place = (size_t)r->made->items++;
        otlp_append(&r->samples, gw_str_n((const char *)&s, sizeof s));
    }
}

static bool read_all(struct reader *r)
{
    struct points *from = r->from;
    struct point point;
    struct metric_points_made *made = r->made;
    for (struct gw_snap snap = gw_arena_snap(from->arena);; gw_arena_back(from->arena, snap)) {
        enum points_got got = points_next(from, &point);
        if (from->arena->spent || r->texts.failed || r->samples.failed)
            return false;
        if (got == POINTS_END)
            return true;
        const char *why = got == POINTS_BAD    ? from->why
                          : has_number(&point) ? NULL
                                               : "a point has no field that is a number";
        if (why)
            (void)!gw_fail(made->bad++ ? NULL : &made->first, points_code(from), from->pos, "%s", why);
        else
            take_point(r, &point);
    }
}

/* --- samples to frames --- */

static int by_metric(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int c = x->resource.at == y->resource.at ? 0 : compare(x->resource_text, y->resource_text);
    c = c ? c : compare(x->name_text, y->name_text);
    return c ? c : (x->place > y->place) - (x->place < y->place);
}

static gw_str text_at(const struct reader *r, struct bytes b)
{
    return gw_str_n((const char *)r->texts.data + b.at, b.len);
}

static struct sample *sort_samples(struct reader *r, size_t *n)
{
    struct sample *list = (struct sample *)(void *)r->samples.data;
    *n = r->samples.len / sizeof *list;
    for (size_t i = 0; i < *n; i++) {
        list[i].resource_text = text_at(r, list[i].resource);
        list[i].name_text = text_at(r, list[i].name);
        list[i].attributes_text = text_at(r, list[i].attributes);
    }
    if (*n > 1)
        qsort(list, *n, sizeof *list, by_metric);
    return list;
}

/* The frame that is being written. `open` is the sample that was written last. */
struct frame_writer {
    struct otlp_buf w;
    const struct sample *open;
    size_t resource, scope, metric, data;
    uint32_t items;
};

static void open_resource(struct frame_writer *f, const struct sample *s)
{
    f->resource = otlp_open(&f->w, RESOURCE_METRICS, 3);
    size_t resource = otlp_open(&f->w, RM_RESOURCE, 2);
    otlp_append(&f->w, s->resource_text);
    otlp_close(&f->w, resource, 2);
    f->scope = otlp_open(&f->w, RM_SCOPE_METRICS, 3);
    size_t scope = otlp_open(&f->w, SM_SCOPE, 1);
    otlp_bytes(&f->w, SCOPE_NAME, GW_STR("datakit"));
    otlp_close(&f->w, scope, 1);
}

static void open_metric(struct frame_writer *f, const struct sample *s)
{
    f->metric = otlp_open(&f->w, SM_METRICS, 3);
    otlp_text(&f->w, METRIC_NAME, s->name_text);
    f->data = otlp_open(&f->w, METRIC_IS_GAUGE, 3);
}

/* Closes the messages that do not contain the next sample (NULL: the frame ends), and opens those that do. */
static void move_to(struct frame_writer *f, const struct sample *next)
{
    const struct sample *open = f->open;
    bool other_resource = !next || !open || !gw_str_eq(open->resource_text, next->resource_text);
    bool other_metric = other_resource || !gw_str_eq(open->name_text, next->name_text);
    if (open && other_metric) {
        otlp_close(&f->w, f->data, 3);
        otlp_close(&f->w, f->metric, 3);
    }
    if (open && other_resource) {
        otlp_close(&f->w, f->scope, 3);
        otlp_close(&f->w, f->resource, 3);
    }
    if (next && other_resource)
        open_resource(f, next);
    if (next && other_metric)
        open_metric(f, next);
    f->open = next;
}

static void put_sample(struct frame_writer *f, const struct sample *s)
{
    move_to(f, s);
    size_t point = otlp_open(&f->w, DATA_POINTS, 2);
    otlp_append(&f->w, s->attributes_text);
    otlp_fixed64(&f->w, NUMBER_TIME, s->time);
    if (s->is_int)
        metric_put_fixed64(&f->w, NUMBER_INT, (uint64_t)s->i);
    else
        metric_put_double(&f->w, NUMBER_DOUBLE, s->d);
    otlp_close(&f->w, point, 2);
    f->items++;
}

static bool keep_frame(struct metric_points_made *made, struct gw_arena *arena, struct gw_frame *frame)
{
    size_t n = made->frames_n;
    if (n == 0 || (n >= FIRST_FRAMES && !(n & (n - 1)))) {
        struct gw_frame **more = gw_arena_raw(arena, n ? 2 * n : FIRST_FRAMES, sizeof(struct gw_frame *));
        if (!more)
            return false;
        if (n)
            memcpy(more, made->frames, n * sizeof(struct gw_frame *));
        made->frames = more;
    }
    made->frames[made->frames_n++] = frame;
    return true;
}

static bool end_frame(struct frame_writer *f, struct metric_points_made *made, struct gw_arena *arena)
{
    move_to(f, NULL);
    struct gw_frame *frame =
        f->w.failed ? NULL : gw_frame_new(GW_METRICS, GW_OTEL, f->w.data, f->w.len, f->w.cap, f->items);
    if (!frame) {
        gw_budget_no_memory(f->w.account);
        otlp_fini(&f->w);
        return false;
    }
    frame->budget = f->w.account; /* the writer's budget pays until the frame is offered */
    frame->charged = f->w.cap;
    f->w = (struct otlp_buf){.account = f->w.account};
    f->items = 0;
    if (keep_frame(made, arena, frame))
        return true;
    gw_frame_drop(frame);
    return false;
}

static bool write_frames(struct reader *r)
{
    struct frame_writer f = {.w.account = r->texts.account};
    size_t n;
    const struct sample *list = sort_samples(r, &n);
    bool good = true;
    for (size_t i = 0; i < n && good; i++) {
        put_sample(&f, &list[i]);
        if (f.w.len >= GW_FRAME_BYTES || i + 1 == n)
            good = end_frame(&f, r->made, r->from->arena);
    }
    return good;
}

enum gw_code metric_from_points(struct points *from, const struct metric_points_options *options,
                                struct gw_budget *account, struct metric_points_made *made,
                                struct gw_err *err)
{
    struct reader r = {.from = from,
                       .options = options,
                       .made = made,
                       .texts = {.account = account},
                       .samples = {.account = account}};
    *made = (struct metric_points_made){0};
    bool good = read_all(&r) && write_frames(&r);
    otlp_fini(&r.texts);
    otlp_fini(&r.samples);
    if (good)
        return GW_OK;
    while (made->frames_n)
        gw_frame_drop(made->frames[--made->frames_n]);
    return gw_fail(err, GW_BUDGET, from->pos, "the points");
}
