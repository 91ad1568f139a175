/* option.h: one row per option, from which parsing, checks, help and documentation are made.
 *
 *   OPTS(X) rows ──▶ struct field, default, parser and range check, --help, docs/reference/configuration.md, conf/ddgate.conf
 *
 * A component writes its rows as an X macro and expands it twice:
 *
 *     #define OPTS(X)                                                                                          \
 *       X(str,      endpoint, "endpoint", "",    "",     "",   "Where to send: http://host:port is plain, …")    \
 *       X(duration, timeout,  "timeout",  "10s", "10ms", "5m", "Deadline of one request.")                       \
 *       X(str,      tls_ca,   "tls.ca",   "",    "",     "",   "File with the CA certificates …")
 *     struct conf { OPTS(GW_FIELD) };
 *     static const struct gw_opt opts[] = { OPTS(GW_ROW(struct conf)) GW_OPT_END };
 *
 * A name with a dot is a key of a group: "tls.ca" is `tls = { ca = "…"; }`. `choice` rows give the words in
 * the `min` column, separated by '|'; the field gets the word's index. A `secret` is a str that is never
 * printed. Values are read in four layers: default ◁ environment variable (OTEL_EXPORTER_OTLP_*) ◁
 * configuration file; strings in the file may hold ${env:NAME}, ${env:NAME:-default} and ${file:/path}.
 *
 * The default of a list is written `a, b`, that of a map `key=value, key=value`; everything else as in the
 * file, without quotes.
 *
 * Ownership: strings, lists and maps live in the configuration's arena until it is dropped.
 * Threads: main; a filled struct is const afterwards.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OPTION_H
#define GW_OPTION_H

#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/str.h"

struct gw_list {
    gw_str *items; /* each is followed by a NUL byte, so .ptr serves C functions too */
    size_t n;
};

struct gw_map {
    struct gw_map_item {
        gw_str key, value;
    } * items;
    size_t n;
};

struct gw_groups {
    struct gw_map *items;
    size_t n;
};

enum gw_opt_type {
    GW_OPT_END_ROW,
    GW_OPT_str,      /* gw_str, NUL-terminated */
    GW_OPT_secret,   /* gw_str, never shown */
    GW_OPT_duration, /* gw_nsec: "10s", "250ms", "2m", "1h" */
    GW_OPT_size,     /* uint64_t bytes: "8MiB", "512KiB", "1GiB", plain bytes */
    GW_OPT_count,    /* int64_t */
    GW_OPT_flag,     /* bool: true | false */
    GW_OPT_choice,   /* int: index of the word */
    GW_OPT_list,     /* struct gw_list: [ "a", "b" ] or one string */
    /* struct gw_map: { key = "value"; "dotted.key" is written with a list of "key=value" strings as well } */
    GW_OPT_map,
    /* struct gw_groups: ( { name = "a"; … }, { … } ); the `min` column names the keys, as the words of a choice */
    GW_OPT_groups
};

typedef gw_str gw_opt_str, gw_opt_secret;
typedef gw_nsec gw_opt_duration;
typedef uint64_t gw_opt_size;
typedef int64_t gw_opt_count;
typedef bool gw_opt_flag;
typedef int gw_opt_choice;
typedef struct gw_list gw_opt_list;
typedef struct gw_map gw_opt_map;
typedef struct gw_groups gw_opt_groups;

struct gw_opt {
    enum gw_opt_type type;
    size_t offset;
    const char *name, *value, *min, *max, *text; /* value: the default, written as in the file */
};

/* Field and row of one option. GW_CONF must be defined as the struct's type where rows are expanded. */
#define GW_FIELD(type, field, name, value, min, max, text) gw_opt_##type field;
#define GW_ROW(type, field, name, value, min, max, text)                                                     \
    {GW_OPT_##type, offsetof(GW_CONF, field), name, value, min, max, text},
/* The fields of a part of the rows out of a struct of all of them, which `c` points to: struct part p =
 * {PART_OPTS(GW_OPT_COPY)}; */
#define GW_OPT_COPY(type, field, name, value, min, max, text) .field = c->field,
#define GW_OPT_END                                                                                           \
    {                                                                                                        \
        GW_OPT_END_ROW, 0, NULL, NULL, NULL, NULL, NULL                                                      \
    }

struct gw_arena;
struct gw_diagnostics;

/* Fills every field of conf with its row's default. A default that is wrong is our fault: an assertion.
 * False: no memory. */
bool gw_opt_defaults(const struct gw_opt *rows, void *conf, struct gw_arena *) GW_MUST_CHECK;
/* Parses `text`, written like a default, into the row's field. A mistake becomes a diagnostic at `path`, and
 * the field stays unchanged. `shown` replaces the text in messages: the text that the user wrote, before
 * ${env:NAME} was replaced. */
bool gw_opt_set(const struct gw_opt *, void *conf, gw_str text, gw_str shown, struct gw_arena *,
                const char *path, struct gw_diagnostics *);
/* Whether two structs that the row fills hold the same value; of all rows. */
bool gw_opt_same(const struct gw_opt *row, const void *a, const void *b);
bool gw_opt_same_all(const struct gw_opt *rows, const void *a, const void *b);
/* Passes the secrets in these values to scrub.h: values of secret rows and of headers, keys in place of the
 * name of their file, users and passwords of URLs. */
void gw_opt_secrets(const struct gw_opt *rows, const void *conf);
/* Prints the value as it would be written in the file; secrets and values of headers as ***. */
void gw_opt_print(const struct gw_opt *, const void *conf, FILE *);
/* For people: "a duration", and how to write one: `write "10s", "250ms", "2m" or "1h"`. */
const char *gw_opt_type_text(enum gw_opt_type);
const char *gw_opt_type_hint(enum gw_opt_type);
/* The words of a choice: "pretty, otlp_json". */
void gw_opt_words(const struct gw_opt *, char *out, size_t size);

/* True if the list has exactly the items of a row's default `written` ("a, b"). */
bool gw_list_is(const struct gw_list *, const char *written);
/* Adds to the list or map: copies that end with a NUL byte. False: no memory. */
bool gw_list_add(struct gw_list *, gw_str item, struct gw_arena *) GW_MUST_CHECK;
bool gw_map_add(struct gw_map *, gw_str key, gw_str value, struct gw_arena *) GW_MUST_CHECK;
/* Another group, which is empty. NULL: no memory. */
struct gw_map *gw_groups_add(struct gw_groups *, struct gw_arena *) GW_MUST_CHECK;
/* Is this one of the words of the row's `min` column? */
bool gw_opt_is_word(const struct gw_opt *, gw_str);

#endif
