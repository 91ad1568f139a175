/* Builds the bytes of a series' resource and attributes from a line's tags and origin.
 *
 * The state is in the caller's struct dsd_series. Called by the dogstatsd receiver: dsd_series_raw for every
 * line, the rest only for a line that its shard does not know.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/dogstatsd_series.h"

#include <stdlib.h>

#include "translators/metrics/metric_unit.h"
#include "translators/tags/dd_origin.h"
#include "translators/tags/dd_tag_rows.h"

enum where { POINT, RESOURCE, NOWHERE };
enum { RESOURCE_ATTRIBUTES = 1, FIRST_TAGS = 32 };

void dsd_series_fini(struct dsd_series *s)
{
    otlp_fini(&s->raw);
    otlp_fini(&s->attributes);
    otlp_fini(&s->resource_bytes);
    free(s->tags);
    s->tags = NULL;
    s->tags_cap = 0;
}

static enum metric_kind kind_of(enum dsd_type type)
{
    return type == DSD_COUNT   ? METRIC_SUM
           : type == DSD_GAUGE ? METRIC_GAUGE
           : type == DSD_SET   ? METRIC_SET
                               : METRIC_HISTOGRAM;
}

gw_str dsd_series_raw(struct dsd_series *s, const struct dsd_line *l, gw_str peer_host)
{
    const struct dsd_origin *o = &l->origin;
    const gw_str parts[] = {l->metric.name, o->tags, o->container, o->external};
    size_t n = 2;
    if (o->time)
        return GW_NOSTR;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        n += parts[i].len + 1;
    s->raw.len = 0;
    if (!otlp_room(&s->raw, n))
        return s->raw.failed = false, GW_NOSTR;
    uint8_t *p = s->raw.data;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        p = otlp_put_bytes(p, parts[i]);
        *p++ = '\n'; /* no line contains a line feed */
    }
    *p++ = (uint8_t)l->metric.type;
    *p++ = peer_host.len != 0;
    otlp_end(&s->raw, p);
    return otlp_written(&s->raw);
}

/* --- where a tag goes --- */

struct name {
    gw_str tag, attribute;
};

static const struct name unified[] = {
    {GW_LIT("service"), GW_LIT("service.name")},
    {GW_LIT("env"), GW_LIT("deployment.environment.name")},
    {GW_LIT("version"), GW_LIT("service.version")},
    {GW_LIT("host"), GW_LIT("host.name")},
    {GW_LIT("runtime-id"), GW_LIT("service.instance.id")},
    {GW_LIT("runtime_id"), GW_LIT("service.instance.id")},
    {GW_LIT("dd.internal.entity_id"), GW_LIT("k8s.pod.uid")},
    /* tags by which tracers describe their process, on spans too */
    {GW_LIT("entrypoint.name"), GW_LIT("process.executable.name")},
    {GW_LIT("entrypoint.workdir"), GW_LIT("datadog.process.entrypoint.workdir")},
    {GW_LIT("entrypoint.basedir"), GW_LIT("datadog.process.entrypoint.basedir")},
    {GW_LIT("entrypoint.type"), GW_LIT("datadog.process.entrypoint.type")},
    {GW_LIT("svc.user"), GW_LIT("datadog.process.svc.user")},
    {GW_LIT("svc.auto"), GW_LIT("datadog.process.svc.auto")},
};

/* Container tags with names that applications also use for their own counts. They stay on the point. */
static const gw_str ordinary[] = {
    GW_LIT("runtime"),           GW_LIT("region"),         GW_LIT("zone"),       GW_LIT("availability_zone"),
    GW_LIT("availability-zone"), GW_LIT("cloud_provider"), GW_LIT("aws_account")};

static bool is_one_of(const gw_str *list, size_t n, gw_str key)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(key, list[i]))
            return true;
    return false;
}

static bool is_unified(gw_str attribute)
{
    for (size_t i = 0; i < sizeof unified / sizeof *unified; i++)
        if (gw_str_eq(attribute, unified[i].attribute))
            return true;
    return false;
}

static bool rename_unified(struct dsd_tag *t)
{
    for (size_t i = 0; i < sizeof unified / sizeof *unified; i++)
        if (gw_str_eq(t->key, unified[i].tag)) {
            t->key = unified[i].attribute;
            return true;
        }
    return false;
}

static bool rename_container(struct dsd_tag *t)
{
    const struct dd_tag_row *row = dd_tag_find(DD_TAGS_CONTAINER, t->key);
    if (row)
        t->key = row->attribute;
    return row != NULL;
}

static void place_tag(const struct dsd_series *s, struct dsd_tag *t)
{
    t->where = POINT;
    if (gw_str_starts(t->key, GW_STR("dd.internal.")) && !gw_str_eq(t->key, GW_STR("dd.internal.entity_id")))
        t->where = NOWHERE; /* dd.internal.card tells the agent how many container tags to add; it describes
                             * nothing */
    else if (rename_unified(t))
        t->where = t->value.len ? RESOURCE : NOWHERE;
    else if (s->as_resource && is_one_of(s->as_resource->items, s->as_resource->n, t->key))
        t->where = RESOURCE;
    else if (!is_one_of(ordinary, sizeof ordinary / sizeof *ordinary, t->key) && rename_container(t))
        t->where = t->value.len ? RESOURCE : NOWHERE;
}

static bool add_tag(struct dsd_series *s, size_t *n, struct dsd_tag t)
{
    if (*n == s->tags_cap) {
        size_t cap = s->tags_cap ? 2 * s->tags_cap : FIRST_TAGS;
        struct dsd_tag *more = realloc(s->tags, cap * sizeof *more);
        if (!more)
            return false;
        s->tags = more;
        s->tags_cap = cap;
    }
    s->tags[(*n)++] = t;
    return true;
}

static bool add_resource(struct dsd_series *s, size_t *n, gw_str key, gw_str value)
{
    return !value.len || add_tag(s, n, (struct dsd_tag){key, value, RESOURCE});
}

/* Unified tags (service, env, version, host) have one value in a resource: the last tag wins. */
static bool replace(struct dsd_series *s, size_t n, const struct dsd_tag *t)
{
    for (size_t i = 0; i < n; i++)
        if (s->tags[i].where == RESOURCE && gw_str_eq(s->tags[i].key, t->key)) {
            s->tags[i].value = t->value;
            return true;
        }
    return false;
}

static bool read_tags(struct dsd_series *s, gw_str tags, size_t *n)
{
    gw_str item;
    while (gw_str_next(&tags, ',', &item)) {
        size_t colon = gw_str_find(item, ':');
        struct dsd_tag t = {.key = gw_str_n(item.ptr, colon), .value = gw_str_from(item, colon + 1)};
        if (!t.key.len)
            continue;
        place_tag(s, &t);
        bool replaced = t.where == RESOURCE && is_unified(t.key) && replace(s, *n, &t);
        if (t.where != NOWHERE && !replaced && !add_tag(s, n, t))
            return false;
    }
    return true;
}

/* --- who sent it --- */

static bool add_pod(struct dsd_series *s, size_t *n, const struct dd_origin *o)
{
    return add_resource(s, n, GW_STR("k8s.container.name"), o->k8s_container) &&
           add_resource(s, n, GW_STR("k8s.pod.uid"), o->k8s_pod_uid);
}

/* A text that is neither a container id nor an inode in Datadog's forms is taken as a bare container id. */
static bool read_origin(struct dsd_series *s, const struct dsd_origin *from, size_t *n)
{
    struct dd_origin o = {.inode = 0};
    dd_origin_read_entity(from->container, &o);
    dd_origin_read_external(from->external, &o);
    if (!o.container_id.len && o.inode)
        return add_resource(s, n, GW_STR("datadog.entity_id"), from->container) && add_pod(s, n, &o);
    return add_resource(s, n, GW_STR("container.id"),
                        o.container_id.len ? o.container_id : from->container) &&
           add_pod(s, n, &o);
}

static bool has_key(const struct dsd_series *s, size_t n, gw_str key)
{
    for (size_t i = 0; i < n; i++)
        if (s->tags[i].where == RESOURCE && gw_str_eq(s->tags[i].key, key))
            return true;
    return false;
}

/* The option `resource` wins over the line, and the line wins over what is known about its sender. */
static bool complete(struct dsd_series *s, gw_str host, size_t *n)
{
    const struct gw_map *over = s->resource;
    for (size_t i = 0; over && i < over->n; i++) {
        for (size_t t = 0; t < *n; t++)
            if (s->tags[t].where == RESOURCE && gw_str_eq(s->tags[t].key, over->items[i].key))
                s->tags[t].where = NOWHERE;
        if (!add_resource(s, n, over->items[i].key, over->items[i].value))
            return false;
    }
    return has_key(s, *n, GW_STR("host.name")) || add_resource(s, n, GW_STR("host.name"), host);
}

/* --- writing --- */

static int compare(gw_str a, gw_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_place_and_key(const void *a, const void *b)
{
    const struct dsd_tag *x = a, *y = b;
    if (x->where != y->where)
        return x->where < y->where ? -1 : 1;
    int c = compare(x->key, y->key);
    return c ? c : compare(x->value, y->value);
}

/* Writes the tags of one key, in order. Equal values are written once; several values become an array. */
static void write_key(struct otlp_buf *w, unsigned field, struct dsd_tag *t, size_t n)
{
    size_t different = 1, mark, value;
    for (size_t i = 1; i < n; i++)
        if (!gw_str_eq(t[i].value, t[different - 1].value))
            t[different++].value = t[i].value;
    if (different == 1) {
        otlp_attr_text(w, field, t->key, t->value);
        return;
    }
    mark = otlp_attr_open(w, field, t->key, &value);
    size_t array = otlp_open(w, 5, 1); /* AnyValue.array_value */
    for (size_t i = 0; i < different; i++) {
        size_t element = otlp_open(w, 1, 1);
        otlp_any_text(w, t[i].value);
        otlp_close(w, element, 1);
    }
    otlp_close(w, array, 1);
    otlp_attr_close(w, mark, value);
}

static gw_str write_tags(struct otlp_buf *w, unsigned field, struct dsd_tag *tags, size_t n, enum where where)
{
    w->len = 0;
    for (size_t i = 0, same; i < n; i += same) {
        for (same = 1; i + same < n && tags[i + same].where == tags[i].where &&
                       gw_str_eq(tags[i + same].key, tags[i].key);)
            same++;
        if (tags[i].where == where)
            write_key(w, field, &tags[i], same);
    }
    return otlp_written(w);
}

/* A timing is always in milliseconds, even if its name suggests another unit. */
static gw_str unit_of(const struct dsd_metric *m)
{
    return m->type == DSD_TIMING ? GW_STR("ms") : m->type == DSD_SET ? GW_NOSTR : metric_unit_of(m->name);
}

bool dsd_series_id(struct dsd_series *s, const struct dsd_line *l, gw_str peer_host, struct metric_id *id)
{
    const struct dsd_origin *o = &l->origin;
    size_t n = 0;
    if (!read_tags(s, o->tags, &n) || !read_origin(s, o, &n) || !complete(s, peer_host, &n))
        return false;
    if (n)
        qsort(s->tags, n, sizeof *s->tags, by_place_and_key);
    *id = (struct metric_id){.kind = kind_of(l->metric.type),
                             .name = l->metric.name,
                             .unit = unit_of(&l->metric),
                             .time = o->time * GW_SEC};
    id->resource = write_tags(&s->resource_bytes, RESOURCE_ATTRIBUTES, s->tags, n, RESOURCE);
    id->attributes = write_tags(&s->attributes, metric_attributes_field(id->kind), s->tags, n, POINT);
    bool good = !s->attributes.failed && !s->resource_bytes.failed;
    s->attributes.failed = s->resource_bytes.failed = false;
    return good;
}
