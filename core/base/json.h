/* json.h: a cursor over JSON text.
 *
 *     begin            at ─▶                   end
 *     {"id": 12345678901234567890, "tags": {"k": "v"} }      strings are views; only strings with escapes are copied
 *
 * A reader looks at the next value and takes it, in order, without a tree:
 *
 *     if (gw_json_object(&j))
 *         while (gw_json_member(&j, &key))
 *             if (gw_str_eq(key, GW_STR("id")))
 *                 gw_json_number(&j, &n);
 *             else
 *                 gw_json_skip(&j);
 *     if (!gw_json_end(&j))
 *         return gw_json_fail(&j, err);
 *
 * Errors are sticky: the first one (text that is not JSON, or a value of another type than the one taken)
 * is kept with its place, and every later call returns false. So loops end, and one check at the end is
 * enough. A caller that accepts several types calls gw_json_kind first.
 *
 * The text is RFC 8259 plus the dialect's additions. Integers of 64 bits are exact. Half of a surrogate
 * pair becomes U+FFFD. Bytes that are not UTF-8 pass unchanged. GW_JSON_DEPTH bounds the nesting; only
 * containers that a caller enters by recursion use stack.
 *
 * Threads: one owner. Ownership: the text is the caller's and outlives the views; unescaped text is in the
 * arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_JSON_H
#define GW_JSON_H

#include "core/base/arena.h"
#include "core/base/err.h"

enum { GW_JSON_DEPTH = 512 };

enum gw_json_kind {
    GW_JSON_NONE /* the end of the text, or an error */,
    GW_JSON_NULL,
    GW_JSON_BOOL,
    GW_JSON_NUMBER,
    GW_JSON_STRING,
    GW_JSON_ARRAY,
    GW_JSON_OBJECT
};

enum gw_json_dialect {
    GW_JSON_PYTHON, /* NaN, Infinity and -Infinity, as Python writes them: what gw_json_init sets */
    GW_JSON_STRICT, /* no additions */
    /* what Go's goccy/go-json accepts: 007, 1., and control characters other than NUL in strings */
    GW_JSON_LOOSE
};

struct gw_json {
    const char *begin, *at, *end;
    struct gw_arena *arena;
    /* after an error: its place and a static text; why is NULL while there is no error */
    const char *bad, *why;
    enum gw_json_dialect dialect; /* may be set after gw_json_init */
    unsigned depth;
    bool fresh; /* a container was just entered: its first element has no comma before it */
};

/* An unsigned integer above INT64_MAX is GW_JSON_UINT; a number beyond 64 bits, or with a fraction or
 * exponent, is a double. */
struct gw_json_number {
    enum { GW_JSON_INT, GW_JSON_UINT, GW_JSON_DOUBLE } type;
    union {
        int64_t i;
        uint64_t u;
        double d;
    };
    gw_str text; /* as written */
};

void gw_json_init(struct gw_json *, gw_str text, struct gw_arena *);

/* Returns the kind of the next value; takes only blanks. */
enum gw_json_kind gw_json_kind(struct gw_json *);
const char *gw_json_kind_name(enum gw_json_kind); /* "an array" */

/* Enters a container. */
bool gw_json_array(struct gw_json *);
bool gw_json_object(struct gw_json *);
/* True when an element follows, which the caller must take or skip; false, and the container is left, when
 * there is none. */
bool gw_json_item(struct gw_json *);
bool gw_json_member(struct gw_json *, gw_str *key);

bool gw_json_text(struct gw_json *, gw_str *out);
bool gw_json_number(struct gw_json *, struct gw_json_number *out);
bool gw_json_bool(struct gw_json *, bool *out);
bool gw_json_null(struct gw_json *);
/* Reads past any value, without stack or memory. */
bool gw_json_skip(struct gw_json *);
/* The same; *out is the value's text. */
bool gw_json_raw(struct gw_json *, gw_str *out);

/* True when there was no error and only blanks are left. */
bool gw_json_end(struct gw_json *);
/* Records an error of the caller at the current place; returns false. `why` is static text. */
bool gw_json_bad(struct gw_json *, const char *why);
/* After an error: GW_BAD_JSON, or GW_BUDGET if the arena was spent. */
enum gw_code gw_json_fail(const struct gw_json *, struct gw_err *);

#endif
