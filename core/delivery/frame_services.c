/* frame_services.c: replaces `service.name`, the first attribute of a pending group's resource, with the
 * service of the group's span, in one copy of the frame. Owns nothing. Called by frame_ids.c when a frame is
 * settled.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/frame_services.h"

#include <stdlib.h>

#include "core/base/budget.h"
#include "core/base/protobuf_wire.h"
#include "core/delivery/span_services.h"

/* Field numbers of opentelemetry/proto/{logs,resource,common}/v1. */
enum { RESOURCE_LOGS = 1, RESOURCE = 1, ATTRIBUTES = 1, KEY = 1, VALUE = 2, STRING_VALUE = 1 };
static const gw_str key = GW_LIT("service.name");

/* The parts of a group, from the outside in. */
struct group {
    struct wire_field whole, resource, attribute;
};

static bool first_field(struct wire_view v, struct wire_field *f)
{
    return wire_next(&v, f) && f->type == WIRE_LEN;
}

static bool find_group(const struct gw_frame *f, uint32_t at, struct group *g)
{
    struct wire_view v = {f->data + at, f->data + f->len};
    struct wire_field name;
    return first_field(v, &g->whole) && first_field(g->whole.body, &g->resource) &&
           first_field(g->resource.body, &g->attribute) && first_field(g->attribute.body, &name) &&
           gw_str_eq(wire_text(name.body), key);
}

static size_t rest_of(const struct wire_field *outer, const struct wire_field *inner)
{
    return (size_t)(outer->body.end - inner->whole.end);
}

static uint8_t *put_rest(uint8_t *p, const struct wire_field *outer, const struct wire_field *inner)
{
    memcpy(p, inner->whole.end, rest_of(outer, inner));
    return p + rest_of(outer, inner);
}

static uint8_t *put_text(uint8_t *p, unsigned number, gw_str s)
{
    p = wire_put_len_head(p, number, s.len);
    memcpy(p, s.ptr, s.len);
    return p + s.len;
}

/* Writes the group with that service; if p is NULL, only measures it. */
static size_t put_group(uint8_t *p, const struct group *g, gw_str service)
{
    size_t value = wire_len_field_size(service.len),
           pair = wire_len_field_size(key.len) + wire_len_field_size(value),
           resource = wire_len_field_size(pair) + rest_of(&g->resource, &g->attribute),
           group = wire_len_field_size(resource) + rest_of(&g->whole, &g->resource);
    if (!p)
        return wire_len_field_size(group);
    p = wire_put_len_head(p, RESOURCE_LOGS, group);
    p = wire_put_len_head(p, RESOURCE, resource);
    p = wire_put_len_head(p, ATTRIBUTES, pair);
    p = put_text(p, KEY, key);
    p = wire_put_len_head(p, VALUE, value);
    p = put_text(p, STRING_VALUE, service);
    p = put_rest(p, &g->resource, &g->attribute);
    put_rest(p, &g->whole, &g->resource);
    return wire_len_field_size(group);
}

/* Writes the frame with those services; if `to` is NULL, only measures it. */
static size_t put_frame(uint8_t *to, const struct gw_frame *f, const gw_str *services)
{
    size_t done = 0, n = 0;
    for (uint32_t i = 0; i < f->pending_services_n; i++) {
        uint32_t at = f->pending_services[i].at;
        struct group g;
        if (!services[i].len || !find_group(f, at, &g))
            continue;
        if (to)
            memcpy(to + n, f->data + done, at - done);
        n += at - done;
        n += put_group(to ? to + n : NULL, &g, services[i]);
        done = (size_t)(g.whole.whole.end - f->data);
    }
    if (to)
        memcpy(to + n, f->data + done, f->len - done);
    return n + f->len - done;
}

uint32_t frame_services_unknown(const struct gw_frame *f, struct gw_span_services *table)
{
    uint32_t unknown = 0;
    for (uint32_t i = 0; i < f->pending_services_n; i++)
        unknown += !table || !gw_span_services_find(table, f->pending_services[i].span).len;
    return unknown;
}

static void replace_data(struct gw_frame *f, uint8_t *data, size_t len)
{
    if (f->budget && len > f->cap) {
        gw_budget_force(f->budget, len - f->cap);
        f->charged += len - f->cap;
    }
    free(f->data);
    f->data = data;
    f->len = f->cap = len;
}

void frame_services_fill_in(struct gw_frame *f, struct gw_span_services *table)
{
    uint32_t n = f->pending_services_n;
    gw_str *services = n && table ? calloc(n, sizeof *services) : NULL;
    bool known = false;
    for (uint32_t i = 0; services && i < n;
         i++) { /* looked up once, because the table may change meanwhile */
        services[i] = gw_span_services_find(table, f->pending_services[i].span);
        known |= services[i].len;
    }
    size_t len = known ? put_frame(NULL, f, services) : 0;
    uint8_t *data = known ? malloc(len) : NULL;
    if (data) {
        put_frame(data, f, services);
        replace_data(f, data, len);
    }
    free(services);
}
