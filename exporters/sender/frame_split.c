/* Splits one serialized request into two, by walking its protobuf bytes twice per half: once to measure, once
 * to write. Pure; what it allocates is the caller's. Called by inflight_batch.c when a backend refuses a
 * request of a single frame as too large.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/frame_split.h"

#include <stdlib.h>

#include "core/base/protobuf_wire.h"

/* At each depth the number of the repeated field that leads to the items: ResourceSpans, ScopeSpans, Span
 * (logs the same). */
enum { DEPTHS = 3 };
static const unsigned path[DEPTHS] = {1, 2, 2};

/* Which items are wanted, and how many were passed so far. */
struct range {
    uint32_t from, to, next;
};

static bool leads_on(const struct wire_field *f, int depth)
{
    return f->number == path[depth] && f->type == WIRE_LEN;
}

static uint32_t count_items(struct wire_view v, int depth)
{
    uint32_t n = 0;
    for (struct wire_field f; wire_next(&v, &f);)
        if (leads_on(&f, depth))
            n += depth == DEPTHS - 1 ? 1 : count_items(f.body, depth + 1);
    return n;
}

static size_t put_message(struct wire_view v, int depth, struct range *r, uint8_t *p);

/* A message on the way to the items: left out when none of its items is wanted. */
static size_t put_nested(const struct wire_field *f, int depth, struct range *r, uint8_t *p)
{
    uint32_t items = count_items(f->body, depth + 1);
    if (r->next + items <= r->from || r->next >= r->to) {
        r->next += items;
        return 0;
    }
    struct range ahead = *r;
    size_t len = put_message(f->body, depth + 1, &ahead, NULL),
           head = wire_varint_size(f->number << 3 | WIRE_LEN) + wire_varint_size(len);
    if (!p) {
        *r = ahead;
        return head + len;
    }
    p = wire_put_len_head(p, f->number, len);
    return head + put_message(f->body, depth + 1, r, p);
}

/* The bytes of message v with the wanted items; with p NULL they are only counted. */
static size_t put_message(struct wire_view v, int depth, struct range *r, uint8_t *p)
{
    size_t len = 0;
    for (struct wire_field f; wire_next(&v, &f);) {
        uint8_t *at = p ? p + len : NULL;
        if (!leads_on(&f, depth))
            len += wire_put_whole(at, &f);
        else if (depth < DEPTHS - 1)
            len += put_nested(&f, depth, r, at);
        else if (r->next++ >= r->from && r->next <= r->to)
            len += wire_put_whole(at, &f);
    }
    return len;
}

static struct gw_frame *part(const struct gw_frame *f, uint32_t from, uint32_t to)
{
    struct wire_view all = {f->data, f->data + f->len};
    struct range r = {from, to, 0};
    size_t len = put_message(all, 0, &r, NULL);
    uint8_t *data = malloc(len);
    if (!data)
        return NULL;
    r.next = 0;
    put_message(all, 0, &r, data);
    struct gw_frame *half = gw_frame_new(f->signal, f->schema, data, len, len, to - from);
    if (half)
        half->arrived = f->arrived;
    else
        free(data);
    return half;
}

enum gw_division gw_frame_split(const struct gw_frame *f, struct gw_frame *out[2])
{
    uint32_t items =
        f->signal == GW_METRICS ? 0 : count_items((struct wire_view){f->data, f->data + f->len}, 0);
    if (items < 2 || items != f->items)
        return GW_INDIVISIBLE;
    out[0] = part(f, 0, items / 2);
    out[1] = out[0] ? part(f, items / 2, items) : NULL;
    if (out[1])
        return GW_DIVIDED;
    gw_frame_drop(out[0]);
    return GW_DIVISION_NO_MEMORY;
}
