/* resource_override.c: copies a frame and adds attributes to each of its resources. Keeps no state; the
 * caller owns the copy. Called by the sls exporter before it sends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/resource_override.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/protobuf_wire.h"

/* Field numbers: Export…Request.resource_…, Resource….resource, Resource.attributes, KeyValue.{key,value},
 * AnyValue.string_value. */
enum {
    REQUEST_RESOURCES = 1,
    RESOURCES_RESOURCE = 1,
    RESOURCE_ATTRIBUTES = 1,
    KV_KEY = 1,
    KV_VALUE = 2,
    ANY_STRING = 1
};

enum { MAX_MISSING = 16 };

static bool is_len(const struct wire_field *f, unsigned number)
{
    return f->number == number && f->type == WIRE_LEN;
}

static gw_str key_of(struct wire_view kv)
{
    for (struct wire_field f; wire_next(&kv, &f);)
        if (is_len(&f, KV_KEY))
            return wire_text(f.body);
    return GW_NOSTR;
}

/* Returns which of `missing` the resource has already, as bits. */
static unsigned present(const struct gw_resource_override *s, struct wire_view resource)
{
    unsigned bits = 0;
    for (struct wire_field f; wire_next(&resource, &f);) {
        gw_str key = is_len(&f, RESOURCE_ATTRIBUTES) ? key_of(f.body) : GW_NOSTR;
        for (size_t i = 0; i < s->missing_n && key.len; i++)
            if (gw_str_eq(key, s->missing[i].key))
                bits |= 1u << i;
    }
    return bits;
}

/* Writes one KeyValue as element of Resource.attributes; if p is NULL, only measures it. */
static size_t put_attribute(uint8_t *p, const struct gw_map_item *item)
{
    size_t any = wire_len_field_size(item->value.len),
           kv = wire_len_field_size(item->key.len) + wire_len_field_size(any);
    if (p) {
        p = wire_put_len_head(p, RESOURCE_ATTRIBUTES, kv);
        p = wire_put_len_head(p, KV_KEY, item->key.len);
        memcpy(p, item->key.ptr, item->key.len);
        p = wire_put_len_head(p + item->key.len, KV_VALUE, any);
        p = wire_put_len_head(p, ANY_STRING, item->value.len);
        if (item->value.len)
            memcpy(p, item->value.ptr, item->value.len);
    }
    return wire_len_field_size(kv);
}

static size_t put_override(uint8_t *p, const struct gw_resource_override *s, unsigned has)
{
    size_t n = 0;
    for (size_t i = 0; i < s->always_n; i++)
        n += put_attribute(p ? p + n : NULL, &s->always[i]);
    for (size_t i = 0; i < s->missing_n; i++)
        if (!(has & 1u << i))
            n += put_attribute(p ? p + n : NULL, &s->missing[i]);
    return n;
}

/* Returns the first resource of a Resource… message, or an empty view. */
static struct wire_view resource_of(struct wire_view v)
{
    for (struct wire_field f; wire_next(&v, &f);)
        if (is_len(&f, RESOURCES_RESOURCE))
            return f.body;
    return (struct wire_view){v.end, v.end};
}

/* Writes the body of a Resource… message with its resource changed. */
static size_t put_resources(uint8_t *p, const struct gw_resource_override *s, struct wire_view v)
{
    struct wire_view resource = resource_of(v);
    unsigned has = present(s, resource);
    size_t old = (size_t)(resource.end - resource.at), len = old + put_override(NULL, s, has),
           n = wire_len_field_size(len);
    if (p) {
        uint8_t *at = wire_put_len_head(p, RESOURCES_RESOURCE, len);
        memcpy(at, resource.at, old);
        put_override(at + old, s, has);
    }
    for (struct wire_field f; wire_next(&v, &f);)
        if (!is_len(&f, RESOURCES_RESOURCE))
            n += wire_put_whole(p ? p + n : NULL, &f);
    return n;
}

static size_t put_request(uint8_t *p, const struct gw_resource_override *s, struct wire_view v)
{
    size_t n = 0;
    for (struct wire_field f; wire_next(&v, &f);) {
        if (!is_len(&f, REQUEST_RESOURCES)) {
            n += wire_put_whole(p ? p + n : NULL, &f);
            continue;
        }
        size_t len = put_resources(NULL, s, f.body);
        if (p)
            put_resources(wire_put_len_head(p + n, REQUEST_RESOURCES, len), s, f.body);
        n += wire_len_field_size(len);
    }
    return n;
}

static bool must_change(const struct gw_resource_override *s, struct wire_view v)
{
    unsigned all = (1u << s->missing_n) - 1;
    bool change = s->always_n > 0;
    for (struct wire_field f; !change && wire_next(&v, &f);)
        change = is_len(&f, REQUEST_RESOURCES) && present(s, resource_of(f.body)) != all;
    return change;
}

struct gw_frame *gw_resource_override_frame(const struct gw_resource_override *s, struct gw_frame *f)
{
    struct wire_view v = {f->data, f->data + f->len};
    GW_ASSERT(s->missing_n <= MAX_MISSING);
    if (!must_change(s, v))
        return gw_frame_ref(f);
    size_t len = put_request(NULL, s, v);
    uint8_t *data = malloc(len);
    struct gw_frame *copy = data ? gw_frame_new(f->signal, f->schema, data, len, len, f->items) : NULL;
    if (copy)
        copy->recent = f->recent;
    if (!copy) {
        free(data);
        return NULL;
    }
    put_request(data, s, v);
    copy->arrived = f->arrived;
    return copy;
}
