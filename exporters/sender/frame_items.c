/* frame_items.c: walks once down to the items and remembers their positions; requests are then written from
 * these, without reading the rest again. Owns its two tables. Called by frame_split.c, and by exporters that
 * send a batch in parts that are not its frames.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/frame_items.h"

#include <stdlib.h>

enum { LEVELS = 4 /* enclosing messages, at most: resource, scope, metric, data */ };

/* --- reading --- */

/* Returns whether field f of a message at this depth contains items; the request has depth 0. */
static bool leads_on(enum gw_signal signal, const struct wire_field *f, unsigned depth)
{
    static const unsigned way[] = {1, 2, 2};
    if (f->type != WIRE_LEN)
        return false;
    if (depth < sizeof way / sizeof *way)
        return f->number == way[depth];
    if (depth == 4)
        return f->number == 1;
    /* gauge, sum, histogram, exponential histogram, summary */
    return signal == GW_METRICS && (f->number == 5 || f->number == 7 || (f->number >= 9 && f->number <= 11));
}

static unsigned item_depth(enum gw_signal signal)
{
    return signal == GW_METRICS ? 4 : 2;
}

static bool grow(void **table, uint32_t n, uint32_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    uint32_t more = *cap ? *cap * 2 : 256;
    void *grown = more > *cap ? realloc(*table, more * size) : NULL;
    if (!grown)
        return false;
    *table = grown;
    *cap = more;
    return true;
}

static bool add_item(struct gw_items *all, const struct wire_field *f, uint32_t box, uint32_t frame)
{
    if (!grow((void **)&all->items, all->n, &all->items_cap, sizeof *all->items))
        return false;
    all->items[all->n] = (struct gw_item){f->whole, f->body, box, frame, all->n + 1};
    all->n++;
    return true;
}

static bool add_box(struct gw_items *all, const struct wire_field *f, uint32_t parent)
{
    if (!grow((void **)&all->boxes, all->boxes_n, &all->boxes_cap, sizeof *all->boxes))
        return false;
    all->boxes[all->boxes_n++] = (struct gw_item_box){.body = f->body, .parent = parent, .number = f->number};
    return true;
}

enum { RUNS = sizeof(((struct gw_item_box *)0)->runs) / sizeof(struct wire_view) };

static void add_own(struct gw_item_box *box, struct wire_view whole)
{
    box->own += (size_t)(whole.end - whole.at);
    if (box->runs_n && box->runs_n <= RUNS && box->runs[box->runs_n - 1].end == whole.at)
        box->runs[box->runs_n - 1].end = whole.end;
    else if (box->runs_n++ < RUNS)
        box->runs[box->runs_n - 1] = whole;
}

/* Returns false if there is no memory. */
static bool read_message(struct gw_items *all, struct wire_view v, uint32_t box, uint32_t frame,
                         unsigned depth)
{
    for (struct wire_field f; wire_next(&v, &f);) {
        if (!leads_on(all->signal, &f, depth)) {
            if (box != GW_NO_ITEM)
                add_own(&all->boxes[box], f.whole);
        } else if (depth == item_depth(all->signal)) {
            if (!add_item(all, &f, box, frame))
                return false;
        } else if (!add_box(all, &f, box) || !read_message(all, f.body, all->boxes_n - 1, frame, depth + 1)) {
            return false;
        }
    }
    return true;
}

enum gw_items_read gw_items_read(struct gw_items *all, enum gw_signal signal, struct gw_frame *const *frames,
                                 size_t n)
{
    enum gw_items_read how = GW_ITEMS_READ;
    *all = (struct gw_items){.signal = signal};
    for (size_t i = 0; i < n && how == GW_ITEMS_READ; i++) {
        uint32_t before = all->n;
        struct wire_view whole = {frames[i]->data, frames[i]->data + frames[i]->len};
        if (!read_message(all, whole, GW_NO_ITEM, (uint32_t)i, 0))
            how = GW_ITEMS_NO_MEMORY;
        else if (all->n - before != frames[i]->items)
            how = GW_ITEMS_UNKNOWN;
    }
    if (how == GW_ITEMS_READ && all->n)
        all->items[all->n - 1].next = GW_NO_ITEM;
    if (how != GW_ITEMS_READ)
        gw_items_drop(all);
    return how;
}

void gw_items_drop(struct gw_items *all)
{
    free(all->items);
    free(all->boxes);
    *all = (struct gw_items){0};
}

bool gw_item_trace_id(const struct gw_items *all, uint32_t item, uint8_t id[16])
{
    unsigned number = all->signal == GW_LOGS ? 9 : 1; /* LogRecord.trace_id, Span.trace_id */
    struct wire_view v = all->items[item].body;
    if (all->signal == GW_METRICS)
        return false;
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == number && f.type == WIRE_LEN && f.body.end - f.body.at == 16) {
            memcpy(id, f.body.at, 16);
            return true;
        }
    return false;
}

/* --- writing --- */

/* The messages around an item, outermost first. */
struct way {
    uint32_t box[LEVELS];
    unsigned n;
};

static struct way way_to(const struct gw_items *all, uint32_t item)
{
    struct way w = {.n = item_depth(all->signal)};
    uint32_t box = all->items[item].box;
    for (unsigned i = w.n; i--; box = all->boxes[box].parent)
        w.box[i] = box;
    return w;
}

/* Returns how many of the outer messages both have. */
static unsigned in_common(const struct way *a, const struct way *b)
{
    unsigned n = 0;
    while (n < a->n && n < b->n && a->box[n] == b->box[n])
        n++;
    return n;
}

/* All inner messages except the first `keep` are complete: adds the size of each to the one around it, that
 * of the outermost to *total. */
static void close_boxes(struct gw_items *all, const struct way *open, unsigned keep, size_t *total)
{
    for (unsigned i = open->n; i-- > keep;) {
        const struct gw_item_box *box = &all->boxes[open->box[i]];
        size_t field = wire_len_field_size(box->length);
        *(i ? &all->boxes[open->box[i - 1]].length : total) += field;
    }
}

size_t gw_items_size(struct gw_items *all, uint32_t first)
{
    struct way open = {.n = 0};
    size_t total = 0;
    for (uint32_t at = first; at != GW_NO_ITEM; at = all->items[at].next) {
        const struct gw_item *item = &all->items[at];
        struct way way = way_to(all, at);
        unsigned same = in_common(&open, &way);
        close_boxes(all, &open, same, &total);
        for (unsigned i = same; i < way.n; i++)
            all->boxes[way.box[i]].length = all->boxes[way.box[i]].own;
        all->boxes[item->box].length += (size_t)(item->whole.end - item->whole.at);
        open = way;
    }
    close_boxes(all, &open, 0, &total);
    return total;
}

static uint8_t *write_view(struct wire_view v, uint8_t *out)
{
    memcpy(out, v.at, (size_t)(v.end - v.at));
    return out + (v.end - v.at);
}

static uint8_t *write_own(const struct gw_items *all, const struct gw_item_box *box, unsigned depth,
                          uint8_t *out)
{
    struct wire_view v = box->body;
    for (unsigned i = 0; i < box->runs_n && box->runs_n <= RUNS; i++)
        out = write_view(box->runs[i], out);
    if (box->runs_n <= RUNS)
        return out;
    for (struct wire_field f; wire_next(&v, &f);)
        if (!leads_on(all->signal, &f, depth))
            out += wire_put_whole(out, &f);
    return out;
}

void gw_items_write(const struct gw_items *all, uint32_t first, uint8_t *out)
{
    struct way open = {.n = 0};
    for (uint32_t at = first; at != GW_NO_ITEM; at = all->items[at].next) {
        struct wire_view whole = all->items[at].whole;
        struct way way = way_to(all, at);
        for (unsigned i = in_common(&open, &way); i < way.n; i++) {
            const struct gw_item_box *box = &all->boxes[way.box[i]];
            out = write_own(all, box, i + 1, wire_put_len_head(out, box->number, box->length));
        }
        out = write_view(whole, out);
        open = way;
    }
}

struct gw_frame *gw_items_frame(struct gw_items *all, uint32_t first, const struct gw_frame *like)
{
    uint32_t items = 0;
    size_t len = gw_items_size(all, first);
    uint8_t *data = malloc(len);
    if (!data)
        return NULL;
    gw_items_write(all, first, data);
    for (uint32_t at = first; at != GW_NO_ITEM; at = all->items[at].next)
        items++;
    struct gw_frame *f = gw_frame_new(like->signal, like->schema, data, len, len, items);
    if (f)
        f->arrived = like->arrived;
    else
        free(data);
    return f;
}

/* --- what is left --- */

/* Items begin to end - 1 are those of the frame. */
static struct gw_frame *rest_of(struct gw_items *items, const bool *are_left, uint32_t begin, uint32_t end,
                                struct gw_frame *whole)
{
    uint32_t first = GW_NO_ITEM, last = GW_NO_ITEM, n = 0;
    for (uint32_t i = begin; i < end; i++) {
        if (!are_left[i])
            continue;
        if (last == GW_NO_ITEM)
            first = i;
        else
            items->items[last].next = i;
        items->items[i].next = GW_NO_ITEM;
        last = i;
        n++;
    }
    if (n == 0 || n == end - begin)
        return n ? whole : NULL;
    struct gw_frame *rest = gw_items_frame(items, first, whole);
    return rest ? rest : whole;
}

void gw_items_left(struct gw_items *all, const bool *are_left, struct gw_frame *const *frames,
                   struct gw_frame **left)
{
    for (uint32_t begin = 0, end; begin < all->n; begin = end) {
        uint32_t frame = all->items[begin].frame;
        for (end = begin; end < all->n && all->items[end].frame == frame;)
            end++;
        left[frame] = rest_of(all, are_left, begin, end, frames[frame]);
    }
}
