/* log_resource.c: Turns Datadog's tags of a record into attributes of its resource: those of the container and
 * the pod. Keeps no state. Called by log_batch.c and log_frames.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_resource.h"

#include "translators/tags/dd_tag_rows.h"

bool log_resource_next(gw_str *written, gw_str *key, gw_str *attribute)
{
    struct wire_field pair = {.number = 0}, name = {.number = 0};
    if (!written->len) /* there is nothing that a pointer could be moved in */
        return false;
    struct wire_view rest = {(const uint8_t *)written->ptr, (const uint8_t *)written->ptr + written->len};
    if (!wire_next(&rest, &pair))
        return false;
    *attribute = wire_text(pair.whole);
    *key = wire_next(&pair.body, &name) ? wire_text(name.body) : GW_NOSTR;
    *written = wire_text(rest);
    return true;
}

/* --- tags --- */

struct tag {
    gw_str key, value;
};

static bool next_tag(gw_str *rest, struct tag *t)
{
    gw_str one;
    while (gw_str_next(rest, ',', &one)) {
        one = gw_str_trim(one);
        size_t colon = gw_str_find(one, ':');
        t->key = gw_str_n(one.ptr, colon);
        t->value = gw_str_from(one, colon + 1);
        if (t->key.len)
            return true;
    }
    return false;
}

bool log_tag_is_resource(gw_str tags, gw_str key)
{
    struct tag t;
    if (!key.len || !dd_tag_find(DD_TAGS_CONTAINER, key))
        return false;
    while (next_tag(&tags, &t))
        if (gw_str_eq(t.key, key))
            return true;
    return false;
}

static gw_str *origin_field(struct log_origin *o, gw_str key)
{
    if (gw_str_eq(key, GW_STR("service")))
        return &o->service;
    if (gw_str_eq(key, GW_STR("env")))
        return &o->env;
    if (gw_str_eq(key, GW_STR("version")))
        return &o->version;
    return gw_str_eq(key, GW_STR("host")) ? &o->host : NULL;
}

/* The tag's values, those of its later namesakes with it. */
static void write_tag(struct log_attrs *a, unsigned field, gw_str name, const struct tag *t, gw_str rest,
                      bool array)
{
    enum { VALUES = 32 };
    gw_str values[VALUES] = {t->value};
    size_t n = 1;
    struct tag later;
    while (n < VALUES && next_tag(&rest, &later))
        if (gw_str_eq(later.key, t->key))
            values[n++] = later.value;
    if (n > 1 || array)
        otlp_attr_texts(&a->w, field, name, values, n);
    else
        otlp_attr_text(&a->w, field, name, t->value);
}

void log_tags_read(gw_str tags, struct log_attrs *record, struct log_attrs *resource,
                   struct log_origin *origin)
{
    struct tag t;
    while (next_tag(&tags, &t)) {
        gw_str *to = origin_field(origin, t.key);
        const struct dd_tag_row *row = to ? NULL : dd_tag_find(DD_TAGS_CONTAINER, t.key);
        if (to && !to->len)
            *to = t.value;
        if (to)
            continue;
        if (row && log_attrs_claim(resource, row->attribute))
            write_tag(resource, LOG_RESOURCE_ATTRIBUTES, row->attribute, &t, tags, row->array);
        else if (!row && log_attrs_claim(record, t.key))
            write_tag(record, LOG_RECORD_ATTRIBUTES, t.key, &t, tags, false);
    }
}
