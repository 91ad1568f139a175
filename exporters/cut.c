/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cut.h"

#include <stdlib.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LEN = 2, WIRE_FIXED32 = 5 };

/* At each depth the number of the repeated field that leads to the items: ResourceSpans, ScopeSpans, Span (logs the same). */
enum { DEPTHS = 3 };
static const unsigned path[DEPTHS] = {1, 2, 2};

struct view {
    const uint8_t *at, *end;
};

/* One field: `whole` with its tag, `body` of a length-delimited one. */
struct field {
    unsigned number, type;
    struct view whole, body;
};

/* Which items are wanted, and how many were passed so far. */
struct range {
    uint32_t from, to, next;
};

static bool read_varint(struct view *v, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && v->at < v->end; shift += 7) {
        uint8_t byte = *v->at++;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool skip(struct view *v, uint64_t n)
{
    if (n > (uint64_t)(v->end - v->at))
        return false;
    v->at += n;
    return true;
}

/* Cuts the next field off *v; false at the end and on anything that is not protobuf. */
static bool next_field(struct view *v, struct field *f)
{
    uint64_t tag, n;
    f->whole.at = v->at;
    if (v->at == v->end || !read_varint(v, &tag))
        return false;
    f->number = (unsigned)(tag >> 3);
    f->type = tag & 7;
    bool ok = false;
    if (f->type == WIRE_VARINT)
        ok = read_varint(v, &n);
    else if (f->type == WIRE_LEN)
        ok = read_varint(v, &n) && (f->body.at = v->at, skip(v, n));
    else if (f->type == WIRE_FIXED64 || f->type == WIRE_FIXED32)
        ok = skip(v, f->type == WIRE_FIXED64 ? 8 : 4);
    f->whole.end = f->body.end = v->at;
    return ok;
}

static bool leads_on(const struct field *f, int depth)
{
    return f->number == path[depth] && f->type == WIRE_LEN;
}

static uint32_t count_items(struct view v, int depth)
{
    uint32_t n = 0;
    for (struct field f; next_field(&v, &f);)
        if (leads_on(&f, depth))
            n += depth == DEPTHS - 1 ? 1 : count_items(f.body, depth + 1);
    return n;
}

static size_t varint_size(uint64_t v)
{
    size_t n = 1;
    while (v >>= 7)
        n++;
    return n;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)v | 0x80;
    *p++ = (uint8_t)v;
    return p;
}

static size_t put_whole(uint8_t *p, const struct field *f)
{
    size_t n = (size_t)(f->whole.end - f->whole.at);
    if (p)
        memcpy(p, f->whole.at, n);
    return n;
}

static size_t put_message(struct view v, int depth, struct range *r, uint8_t *p);

/* A message on the way to the items: left out when none of its items is wanted. */
static size_t put_nested(const struct field *f, int depth, struct range *r, uint8_t *p)
{
    uint32_t items = count_items(f->body, depth + 1);
    if (r->next + items <= r->from || r->next >= r->to) {
        r->next += items;
        return 0;
    }
    struct range ahead = *r;
    size_t len = put_message(f->body, depth + 1, &ahead, NULL), head = varint_size(f->number << 3 | WIRE_LEN) + varint_size(len);
    if (!p) {
        *r = ahead;
        return head + len;
    }
    p = put_varint(put_varint(p, f->number << 3 | WIRE_LEN), len);
    return head + put_message(f->body, depth + 1, r, p);
}

/* The bytes of message v with the wanted items; with p NULL they are only counted. */
static size_t put_message(struct view v, int depth, struct range *r, uint8_t *p)
{
    size_t len = 0;
    for (struct field f; next_field(&v, &f);) {
        uint8_t *at = p ? p + len : NULL;
        if (!leads_on(&f, depth))
            len += put_whole(at, &f);
        else if (depth < DEPTHS - 1)
            len += put_nested(&f, depth, r, at);
        else if (r->next++ >= r->from && r->next <= r->to)
            len += put_whole(at, &f);
    }
    return len;
}

static struct gw_frame *part(const struct gw_frame *f, uint32_t from, uint32_t to)
{
    struct view all = {f->data, f->data + f->len};
    struct range r = {from, to, 0};
    size_t len = put_message(all, 0, &r, NULL);
    uint8_t *data = malloc(len);
    if (!data)
        return NULL;
    r.next = 0;
    put_message(all, 0, &r, data);
    struct gw_frame *half = gw_frame_new(f->signal, f->rendering, data, len, len, to - from);
    if (half)
        half->arrived = f->arrived;
    else
        free(data);
    return half;
}

bool gw_cut(const struct gw_frame *f, struct gw_frame *out[2])
{
    uint32_t items = f->signal == GW_METRICS ? 0 : count_items((struct view){f->data, f->data + f->len}, 0);
    if (items < 2 || items != f->items)
        return false;
    out[0] = part(f, 0, items / 2);
    out[1] = part(f, items / 2, items);
    if (out[0] && out[1])
        return true;
    gw_frame_drop(out[0]);
    gw_frame_drop(out[1]);
    return false;
}
