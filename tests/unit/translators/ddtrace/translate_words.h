/* translate_words.h: what a row of a test expected, and what came instead, in words.
 *
 *     bed_show of the span: "GET /x | server | http.request.method='GET' | error: no | event …"
 *
 *     expected: the tag db.vendor becomes db.system.name='microsoft.sql_server'
 *     but:      db.system.name='mssql'
 *
 * The two texts are taken apart, and each part that differs is a sentence. Where an attribute comes from is
 * looked up in the translator's own tables (dd_attrs.def, dd_tags.def, dd_resource.def), so no row says it a
 * second time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TRANSLATE_WORDS_H
#define TRANSLATE_WORDS_H

#include "translators/ddtrace/dd_names.h"
#include "translators/ddtrace/dd_tags.h"

enum { WORDS_PARTS = 16, WORDS_ATTRS = 128 };

struct words_attr {
    gw_str key, whole; /* whole: key=value, as it is shown */
};

static inline bool words_is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("._-:/", c) != NULL || (c & 0x80);
}

/* The length of "key" where "key=" begins the text; 0 where it does not. */
static inline size_t words_key_len(gw_str text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] && words_is_key_char(text.ptr[n]))
        n++;
    return n < text.len && text.ptr[n] == '=' ? n : 0;
}

/* The length of the attribute that begins the text: up to a blank with another "key=" behind it. */
static inline size_t words_attr_len(gw_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == ' ' && words_key_len(gw_str_from(text, i + 1)))
            return i;
    return text.len;
}

/* "k='v' n=1" as attributes; their number. */
static inline size_t words_attrs(gw_str text, struct words_attr *out)
{
    size_t n = 0;
    while (text.len && n < WORDS_ATTRS) {
        size_t key = words_key_len(text), len = words_attr_len(text);
        if (key)
            out[n++] = (struct words_attr){gw_str_n(text.ptr, key), gw_str_n(text.ptr, len)};
        text = gw_str_from(text, len + 1);
    }
    return n;
}

static inline const struct words_attr *words_find(const struct words_attr *attrs, size_t n, gw_str key)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(attrs[i].key, key))
            return &attrs[i];
    return NULL;
}

/* The payload of the row has this tag, 'tag':… or tag:… in a list. */
static inline bool words_has_tag(const char *payload, gw_str tag, const char *before, const char *after)
{
    char quoted[160];
    snprintf(quoted, sizeof quoted, "%s%.*s%s", before, GW_FMT(tag), after);
    return strstr(payload, quoted) != NULL;
}

/* "the tag db.vendor": the one of the payload's tags that the tables turn into the attribute; false when none
 * does. */
static inline bool words_source(const char *payload, gw_str attribute, char *out, size_t size)
{
    dd_names_init();
    unsigned attr = dd_name_of(attribute, dd_hash(attribute));
    if (attr < DD_ATTRS && words_has_tag(payload, attribute, "'", "':"))
        return snprintf(out, size, "the tag %.*s stays", GW_FMT(attribute)) > 0;
    for (unsigned tag = DD_ATTRS; tag < DD_NAMES && attr < DD_ATTRS; tag++)
        if (dd_names[tag].to == attr && words_has_tag(payload, dd_names[tag].name, "'", "':"))
            return snprintf(out, size, "the tag %.*s becomes", GW_FMT(dd_names[tag].name)) > 0;
    for (enum dd_tag_list list = DD_TAGS_CONTAINER; list <= DD_TAGS_PROCESS; list++)
        for (size_t i = 0; dd_tag_row(list, i); i++)
            if (gw_str_eq(attribute, dd_tag_row(list, i)->attribute) &&
                words_has_tag(payload, dd_tag_row(list, i)->tag, "", ":"))
                return snprintf(out, size, "the %s tag %.*s becomes",
                                list == DD_TAGS_CONTAINER ? "container" : "process",
                                GW_FMT(dd_tag_row(list, i)->tag)) > 0;
    return false;
}

/* Where the table of resource attributes says that it comes from; NULL when it is none of those. */
static inline const char *words_resource_from(gw_str attribute)
{
    static const struct {
        const char *name, *from;
    } rows[] = {
#define RES(id, name, standing, from) {name, from},
#include "translators/ddtrace/dd_resource.def"
#undef RES
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(attribute, gw_str_z(rows[i].name)))
            return rows[i].from;
    return NULL;
}

static inline void words_expect(const char *payload, const struct words_attr *want)
{
    char source[256];
    const char *from = words_resource_from(want->key);
    if (words_source(payload, want->key, source, sizeof source))
        print_error("  expected: %s %.*s\n", source, GW_FMT(want->whole));
    else if (from)
        print_error("  expected: %.*s, from: %s\n", GW_FMT(want->whole), from);
    else if (words_has_tag(payload, want->key, "'", "':"))
        print_error("  expected: the tag %.*s arrives as it is, %.*s\n", GW_FMT(want->key),
                    GW_FMT(want->whole));
    else
        print_error("  expected: %.*s, concluded from the rest of the span\n", GW_FMT(want->whole));
}

static inline void words_compare_attrs(const char *payload, gw_str got_text, gw_str want_text)
{
    static struct words_attr got[WORDS_ATTRS], want[WORDS_ATTRS];
    size_t got_n = words_attrs(got_text, got), want_n = words_attrs(want_text, want);
    for (size_t i = 0; i < want_n; i++) {
        const struct words_attr *is = words_find(got, got_n, want[i].key);
        if (is && gw_str_eq(is->whole, want[i].whole))
            continue;
        words_expect(payload, &want[i]);
        if (is)
            print_error("  but:      %.*s\n", GW_FMT(is->whole));
        else
            print_error("  but:      there is no %.*s\n", GW_FMT(want[i].key));
    }
    for (size_t i = 0; i < got_n; i++)
        if (!words_find(want, want_n, got[i].key))
            print_error("  expected: no %.*s%s\n  but:      %.*s\n", GW_FMT(got[i].key),
                        words_has_tag(payload, got[i].key, "'", "':")
                            ? ", since something else says what that tag says"
                            : "",
                        GW_FMT(got[i].whole));
}

static inline size_t words_split(const char *text, gw_str parts[WORDS_PARTS])
{
    static const char bar[] = " | ";
    size_t n = 0;
    while (n < WORDS_PARTS) {
        const char *end = strstr(text, bar);
        parts[n++] = end ? gw_str_n(text, (size_t)(end - text)) : gw_str_z(text);
        if (!end)
            break;
        text = end + sizeof bar - 1;
    }
    return n;
}

/* name | kind | attributes | status, events, links … */
static inline void words_compare_spans(const char *payload, const gw_str *got, size_t got_n,
                                       const gw_str *want, size_t want_n)
{
    static const char *const what[] = {"the span's name is", "its kind is"};
    for (size_t i = 0; i < 2; i++)
        if (!gw_str_eq(got[i], want[i]))
            print_error("  expected: %s %.*s\n  but:      %.*s\n", what[i], GW_FMT(want[i]), GW_FMT(got[i]));
    words_compare_attrs(payload, got[2], want[2]);
    for (size_t i = 3; i < got_n || i < want_n; i++) {
        gw_str is = i < got_n ? got[i] : GW_STR("nothing"), wanted = i < want_n ? want[i] : GW_STR("nothing");
        if (!gw_str_eq(is, wanted))
            print_error("  expected: behind the attributes: %.*s\n  but:      %.*s\n", GW_FMT(wanted),
                        GW_FMT(is));
    }
}

/* Prints how `got` differs from `want`: both are spans as bed_show shows them, or lists of attributes; others
 * are left to the reader. */
static inline void words_compare(const char *payload, const char *got, const char *want)
{
    gw_str got_parts[WORDS_PARTS], want_parts[WORDS_PARTS];
    size_t got_n = words_split(got, got_parts), want_n = words_split(want, want_parts);
    if (got_n >= 3 && want_n >= 3)
        words_compare_spans(payload, got_parts, got_n, want_parts, want_n);
    else if (got_n == 1 && want_n == 1)
        words_compare_attrs(payload, got_parts[0], want_parts[0]);
}

#endif
