/* value.h: the values of Pipeline scripts.
 *
 *     void  nil  bool  int (64 bits)  float (double)  str (bytes, mostly UTF-8)  list  map (names are text)
 *
 * Lists and maps are references: two variables may refer to one list. A map keeps its pairs sorted by name,
 * so a lookup is a binary search and its JSON text is sorted. A float that was read from JSON as an integer
 * with more digits than a double holds also keeps these digits: they are written again as text and as JSON,
 * so 64-bit ids survive.
 *
 * Ownership: text, lists and maps are in the record's arena or in the script's, and are never freed alone.
 * Threads: one owner at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_VALUE_H
#define SC_VALUE_H

#include "core/base/text.h"

enum sc_type { SC_VOID, SC_NIL, SC_BOOL, SC_INT, SC_FLOAT, SC_STR, SC_LIST, SC_MAP };

struct sc_list;
struct sc_map;

struct sc_val {
    uint8_t type;       /* enum sc_type */
    uint8_t digits_len; /* for a float: number of digits at f.digits, 0: none are kept */
    union {
        bool b;
        int64_t i;
        struct {
            double v;
            const char *digits;
        } f;
        gw_str s;
        struct sc_list *l;
        struct sc_map *m;
    };
};

struct sc_list {
    struct sc_val *items;
    size_t n, cap;
};

struct sc_pair {
    gw_str name;
    struct sc_val val;
};

struct sc_map {
    struct sc_pair *pairs; /* sorted by name, every name once */
    size_t n, cap;
};

static inline struct sc_val sc_void(void)
{
    return (struct sc_val){.type = SC_VOID};
}
static inline struct sc_val sc_nil(void)
{
    return (struct sc_val){.type = SC_NIL};
}
static inline struct sc_val sc_bool(bool b)
{
    return (struct sc_val){.type = SC_BOOL, .b = b};
}
static inline struct sc_val sc_int(int64_t i)
{
    return (struct sc_val){.type = SC_INT, .i = i};
}
static inline struct sc_val sc_float(double v)
{
    return (struct sc_val){.type = SC_FLOAT, .f = {v, NULL}};
}
/* Empty text has an address too, so that it can be walked over like any other. */
static inline struct sc_val sc_str(gw_str s)
{
    return (struct sc_val){.type = SC_STR, .s = {s.ptr ? s.ptr : "", s.len}};
}

/* "int", for messages. */
const char *sc_type_name(enum sc_type);

/* False for nil, void, false, 0, "", and empty lists and maps. */
bool sc_truth(const struct sc_val *);
/* The same type and the same content, all the way down. */
bool sc_same(const struct sc_val *, const struct sc_val *);
/* Numbers and bools by value, text by content, nil equals nil; the result of the operator ==. */
bool sc_equal(const struct sc_val *, const struct sc_val *);
/* Of int, float and bool; 0 of others. */
double sc_number(const struct sc_val *);
/* A double as an int64 the way amd64 does it: what does not fit is INT64_MIN. */
int64_t sc_trunc(double);

/* A new, empty one; NULL when the arena is spent. */
struct sc_list *sc_list_new(struct gw_arena *);
struct sc_map *sc_map_new(struct gw_arena *);
/* False when the arena is spent. */
bool sc_list_add(struct gw_arena *, struct sc_list *, struct sc_val);
bool sc_map_set(struct gw_arena *, struct sc_map *, gw_str name, struct sc_val);
struct sc_val *sc_map_get(const struct sc_map *, gw_str name);
void sc_map_del(struct sc_map *, gw_str name);
/* Puts pairs that were appended in any order into theirs; of pairs with one name the last stays. */
bool sc_map_settle(struct gw_arena *, struct sc_map *);
struct sc_pair *sc_map_append(struct gw_arena *, struct sc_map *);
int sc_str_order(gw_str, gw_str);

/* A value as text: the conversion of keys, tags and str(). Nothing is copied when v is text. */
gw_str sc_text(struct gw_arena *, const struct sc_val *v);
/* A value as JSON text. Values nested deeper than SC_TEXT_DEPTH are written as null, because a script can put
 * a list into itself. */
enum { SC_TEXT_DEPTH = 256 };
void sc_json(struct gw_text *, const struct sc_val *v);
#endif
