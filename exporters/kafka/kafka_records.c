/* kafka_records.c: plans which items or frames go into which record, then writes the values. Owns records, their
 * buffers and the table of items. Called by kafka.c for each batch.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/kafka/kafka_records.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/hex.h"
#include "exporters/encoding/otlp_json_request.h"

enum { AROUND = 24 /* bytes of tags and lengths of a message, at most */ };

/* --- the list of records --- */

/* NULL when there is no memory. */
static struct kafka_record *add(struct kafka_records *r)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        struct kafka_record *grown = realloc(r->all, cap * sizeof *grown);
        if (!grown)
            return NULL;
        r->all = grown;
        r->cap = cap;
    }
    r->all[r->n] = (struct kafka_record){.first = GW_NO_ITEM};
    return &r->all[r->n++];
}

static bool add_items(struct kafka_records *r, uint32_t first, const uint8_t *trace_id)
{
    struct kafka_record *record = add(r);
    if (!record)
        return false;
    record->first = first;
    record->has_key = trace_id;
    if (trace_id)
        gw_hex_put(record->key, trace_id, 16);
    return true;
}

/* --- which items --- */

/* Returns the bytes that the item adds, at most, to a request that ends with `before`. */
static size_t cost(const struct gw_items *items, uint32_t before, uint32_t at)
{
    const struct gw_item *item = &items->items[at];
    size_t bytes = (size_t)(item->whole.end - item->whole.at);
    uint32_t known = before == GW_NO_ITEM ? GW_NO_ITEM : items->items[before].box;
    for (uint32_t box = item->box; box != GW_NO_ITEM && box != known; box = items->boxes[box].parent) {
        bytes += items->boxes[box].own + AROUND;
        if (known != GW_NO_ITEM)
            known = items->boxes[known].parent;
    }
    return bytes;
}

/* The list that begins with `first` as records of the most bytes, or of single items. */
static bool cut_list(struct kafka_records *r, const struct kafka_records_conf *conf, uint32_t first,
                     const uint8_t *trace_id)
{
    struct gw_items *items = &r->items;
    uint32_t begin = first, before = GW_NO_ITEM;
    size_t bytes = 0;
    for (uint32_t at = first, next; at != GW_NO_ITEM; before = at, at = next) {
        next = items->items[at].next;
        size_t more = cost(items, before, at);
        if (before != GW_NO_ITEM && bytes + more > conf->most) {
            items->items[before].next = GW_NO_ITEM;
            if (!add_items(r, begin, trace_id))
                return false;
            begin = at;
            bytes = 0;
            more = cost(items, GW_NO_ITEM, at);
        }
        bytes += more;
    }
    return begin == GW_NO_ITEM || add_items(r, begin, trace_id);
}

/* --- by trace --- */

/* The items of one trace. */
struct trace {
    uint8_t id[16];
    uint32_t first, last;
    bool has_id;
};

/* Finds traces by their ids, in a table of twice the places that it needs. */
struct traces {
    struct trace *all;
    uint32_t *places, n, mask;
    uint64_t seed;
};

static bool traces_init(struct traces *t, uint32_t items, uint64_t seed)
{
    uint32_t size = 16;
    while (size < 2 * items)
        size *= 2;
    *t = (struct traces){.all = malloc((items + 1) * sizeof *t->all),
                         .places = malloc(size * sizeof *t->places),
                         .mask = size - 1,
                         .seed = seed};
    if (t->places)
        memset(t->places, 0xff, size * sizeof *t->places);
    return t->all && t->places;
}

static void traces_fini(struct traces *t)
{
    free(t->all);
    free(t->places);
}

static struct trace *trace_of(struct traces *t, const uint8_t id[16], bool has_id)
{
    uint32_t place = (uint32_t)gw_hash_text(t->seed, gw_str_n((const char *)id, 16)) & t->mask;
    for (; t->places[place] != UINT32_MAX; place = (place + 1) & t->mask) {
        struct trace *known = &t->all[t->places[place]];
        if (known->has_id == has_id && memcmp(known->id, id, 16) == 0)
            return known;
    }
    t->places[place] = t->n;
    struct trace *fresh = &t->all[t->n++];
    *fresh = (struct trace){.first = GW_NO_ITEM, .has_id = has_id};
    memcpy(fresh->id, id, 16);
    return fresh;
}

static bool cut_traces(struct kafka_records *r, const struct kafka_records_conf *conf)
{
    struct gw_items *items = &r->items;
    struct traces t;
    bool done = traces_init(&t, items->n, conf->seed);
    for (uint32_t i = 0; i < items->n && done; i++) {
        uint8_t id[16] = {0};
        bool has_id = gw_item_trace_id(items, i, id);
        struct trace *trace = trace_of(&t, id, has_id);
        if (trace->first == GW_NO_ITEM)
            trace->first = i;
        else
            items->items[trace->last].next = i;
        trace->last = i;
        items->items[i].next = GW_NO_ITEM;
    }
    for (uint32_t i = 0; i < t.n && done; i++)
        done = cut_list(r, conf, t.all[i].first, t.all[i].has_id ? t.all[i].id : NULL);
    traces_fini(&t);
    return done;
}

/* --- by frames --- */

static bool add_frames(struct kafka_records *r, size_t from, size_t to)
{
    struct kafka_record *record = from < to ? add(r) : NULL;
    if (record) {
        record->from = (uint32_t)from;
        record->to = (uint32_t)to;
    }
    return record || from == to;
}

/* Splits a frame that is too large into records of its items. */
static bool cut_frame(struct kafka_records *r, const struct kafka_records_conf *conf, size_t frame)
{
    struct gw_items *items = &r->items;
    uint32_t first = GW_NO_ITEM, last = GW_NO_ITEM;
    for (uint32_t i = 0; i < items->n; i++)
        if (items->items[i].frame == frame) {
            first = first == GW_NO_ITEM ? i : first;
            last = i;
        }
    if (first == GW_NO_ITEM)
        return true;
    items->items[last].next = GW_NO_ITEM;
    return cut_list(r, conf, first, NULL);
}

static bool cut_frames(struct kafka_records *r, const struct kafka_records_conf *conf)
{
    const struct gw_batch *b = r->batch;
    size_t from = 0, bytes = 0;
    for (size_t i = 0; i < b->n; i++) {
        size_t len = b->frames[i]->len;
        if (bytes + len > conf->most) {
            if (!add_frames(r, from, i))
                return false;
            from = i;
            bytes = 0;
        }
        if (len > conf->most) {
            if (!cut_frame(r, conf, i))
                return false;
            from = i + 1;
        } else {
            bytes += len;
        }
    }
    return add_frames(r, from, b->n);
}

static bool needs_items(const struct kafka_records_conf *conf, const struct gw_batch *b)
{
    bool needs = conf->json || (conf->by_trace && b->signal != GW_METRICS);
    for (size_t i = 0; i < b->n && !needs; i++)
        needs = b->frames[i]->len > conf->most;
    return needs;
}

/* --- values --- */

static bool lay_frames(const struct kafka_records *r, struct kafka_record *record)
{
    struct gw_frame *const *frames = r->batch->frames;
    for (uint32_t i = record->from; i < record->to; i++)
        record->len += frames[i]->len;
    record->value = frames[record->from]->data;
    if (record->to == record->from + 1)
        return true;
    record->buffer = malloc(record->len);
    if (!record->buffer)
        return false;
    uint8_t *at = record->buffer;
    for (uint32_t i = record->from; i < record->to; at += frames[i++]->len)
        memcpy(at, frames[i]->data, frames[i]->len);
    record->value = record->buffer;
    return true;
}

static bool write_items(struct kafka_records *r, const struct kafka_records_conf *conf,
                        struct kafka_record *record)
{
    record->len = gw_items_size(&r->items, record->first);
    record->too_large = !conf->json && record->len > conf->most;
    if (record->too_large)
        return true;
    record->buffer = malloc(record->len);
    if (!record->buffer)
        return false;
    gw_items_write(&r->items, record->first, record->buffer);
    record->value = record->buffer;
    return true;
}

/* The second half of the record's items is a record of its own, behind all others. */
static bool halve(struct kafka_records *r, size_t which)
{
    struct gw_item *items = r->items.items;
    uint32_t middle = r->all[which].first;
    for (uint32_t at = items[middle].next; at != GW_NO_ITEM && items[at].next != GW_NO_ITEM;
         at = items[items[at].next].next)
        middle = items[middle].next;
    struct kafka_record *rest = add(r);
    if (!rest)
        return false;
    *rest = r->all[which];
    rest->first = items[middle].next;
    items[middle].next = GW_NO_ITEM;
    return true;
}

/* Converts the record's value to text. If that is too large, the record is halved, down to a single item. */
static bool make_text(struct kafka_records *r, const struct kafka_records_conf *conf, size_t which)
{
    for (;;) {
        struct kafka_record *record = &r->all[which];
        gw_str text;
        if (!write_items(r, conf, record))
            return false;
        enum otlp_json_made made = otlp_json_request(
            r->batch->signal, gw_str_n((const char *)record->buffer, record->len), conf->most, &text);
        free(record->buffer);
        record->buffer = NULL;
        if (made == OTLP_JSON_NO_MEMORY)
            return false;
        if (made == OTLP_JSON_MADE) {
            record->buffer = (uint8_t *)text.ptr;
            record->value = record->buffer;
            record->len = text.len;
            return true;
        }
        record->too_large = r->items.items[record->first].next == GW_NO_ITEM;
        if (record->too_large)
            return true;
        if (!halve(r, which))
            return false;
    }
}

static bool make_values(struct kafka_records *r, const struct kafka_records_conf *conf)
{
    bool made = true;
    for (size_t i = 0; i < r->n && made; i++) /* make_text may add some */
        if (r->all[i].first == GW_NO_ITEM)
            made = lay_frames(r, &r->all[i]);
        else
            made = conf->json ? make_text(r, conf, i) : write_items(r, conf, &r->all[i]);
    return made;
}

/* --- */

enum kafka_made kafka_records_make(struct kafka_records *r, const struct kafka_records_conf *conf,
                                   const struct gw_batch *batch)
{
    *r = (struct kafka_records){.batch = batch};
    enum gw_items_read how = GW_ITEMS_READ;
    if (needs_items(conf, batch))
        how = gw_items_read(&r->items, batch->signal, batch->frames, batch->n);
    if (how != GW_ITEMS_READ)
        return how == GW_ITEMS_UNKNOWN ? KAFKA_UNREADABLE : KAFKA_NO_MEMORY;
    bool planned = conf->by_trace && batch->signal != GW_METRICS ? cut_traces(r, conf)
                   : conf->json ? cut_list(r, conf, r->items.n ? 0 : GW_NO_ITEM, NULL)
                                : cut_frames(r, conf);
    if (planned && make_values(r, conf))
        return KAFKA_MADE;
    kafka_records_drop(r);
    return KAFKA_NO_MEMORY;
}

void kafka_records_drop(struct kafka_records *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->all[i].buffer);
    free(r->all);
    gw_items_drop(&r->items);
    *r = (struct kafka_records){0};
}

/* --- what is left --- */

/* Marks the items of records that failed. */
static void mark(const struct kafka_records *r, bool *failed)
{
    for (size_t i = 0; i < r->n; i++)
        for (uint32_t at = r->all[i].failed ? r->all[i].first : GW_NO_ITEM; at != GW_NO_ITEM;
             at = r->items.items[at].next)
            failed[at] = true;
}

void kafka_records_left(struct kafka_records *r, struct gw_frame **left)
{
    struct gw_frame *const *frames = r->batch->frames;
    bool *failed = r->items.n ? calloc(r->items.n, sizeof *failed) : NULL;
    for (size_t i = 0; i < r->batch->n; i++)
        left[i] = r->items.n && !failed ? frames[i] : NULL;
    if (failed) {
        mark(r, failed);
        gw_items_left(&r->items, failed, frames, left);
    }
    for (size_t i = 0; i < r->n; i++)
        for (uint32_t f = r->all[i].from;
             r->all[i].failed && r->all[i].first == GW_NO_ITEM && f < r->all[i].to; f++)
            left[f] = frames[f];
    free(failed);
}
