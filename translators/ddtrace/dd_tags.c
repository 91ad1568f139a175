/* Writes lists of container and process tags as resource attributes, by the table dd_tags.def.
 *
 * Keeps no state. Called by dd_resource.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_tags.h"

#include "translators/ddtrace/dd_strings.h"

enum { NAME_MAX_BYTES = 256 /* a longer key of an unknown tag is truncated */ };

/* One entry of a list. */
struct tag {
    gw_str key, value;
    const struct dd_tag_row *row; /* NULL: unknown */
    bool written;
};

static size_t read_tags(enum dd_tag_list list, gw_str text, struct tag *tags)
{
    size_t n = 0;
    gw_str item;
    while (n < DD_MAX_LIST_TAGS && gw_str_next(&text, ',', &item)) {
        item = gw_str_trim(item);
        size_t at = gw_str_find(item, ':');
        if (at == 0)
            continue;
        gw_str key = gw_str_n(item.ptr, at);
        tags[n++] =
            (struct tag){.key = key, .value = gw_str_from(item, at + 1), .row = dd_tag_find(list, key)};
    }
    return n;
}

static bool same_attribute(const struct tag *a, const struct tag *b)
{
    if (a->row && b->row)
        return a->row == b->row || gw_str_eq(a->row->attribute, b->row->attribute);
    return !a->row && !b->row && gw_str_eq(a->key, b->key);
}

/* Returns the attribute's name; that of an unknown tag is made in `room`. */
static gw_str attribute_name(const struct tag *t, enum dd_tag_list list, char *room)
{
    if (t->row)
        return t->row->attribute;
    gw_str prefix = list == DD_TAGS_CONTAINER ? GW_STR("datadog.container.") : GW_STR("datadog.process.");
    size_t n = t->key.len < NAME_MAX_BYTES - prefix.len ? t->key.len : NAME_MAX_BYTES - prefix.len;
    memcpy(room, prefix.ptr, prefix.len);
    memcpy(room + prefix.len, t->key.ptr, n);
    return gw_str_n(room, prefix.len + n);
}

void dd_write_tag_list(struct otlp_buf *w, unsigned field, enum dd_tag_list list, gw_str text,
                       const gw_str *done, size_t done_n)
{
    struct tag tags[DD_MAX_LIST_TAGS];
    gw_str values[DD_MAX_LIST_TAGS];
    char room[NAME_MAX_BYTES];
    size_t n = read_tags(list, text, tags);
    for (size_t i = 0; i < n; i++) {
        size_t values_n = 0;
        gw_str name = attribute_name(&tags[i], list, room);
        if (tags[i].written || dd_is_among(name, done, done_n))
            continue;
        for (size_t k = i; k < n; k++) {
            if (!same_attribute(&tags[i], &tags[k]))
                continue;
            tags[k].written = true;
            if (!dd_is_among(tags[k].value, values, values_n))
                values[values_n++] = tags[k].value;
        }
        if (values_n > 1 || (tags[i].row && tags[i].row->array))
            otlp_attr_texts(w, field, name, values, values_n);
        else
            otlp_attr_text(w, field, name, values[0]);
    }
}
