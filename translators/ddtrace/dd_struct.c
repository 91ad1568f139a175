/* Writes one value of meta_struct, msgpack inside msgpack, as an attribute. A value that cannot be decoded is
 * written as bytes.
 *
 * Keeps no state; writes into the caller's buffer. Called by dd_write.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_struct.h"

#include <inttypes.h>
#include <stdio.h>

#include "translators/ddtrace/dd_any.h"
#include "translators/ddtrace/dd_msgpack.h"

/* The destination of a value, and the settings. */
struct sink {
    struct otlp_buf *w;
    struct gw_arena *arena; /* for the keys of maps */
    struct dd_oddities *odd;
};

static bool write_any(const struct sink *, struct dd_msgpack *, unsigned depth);

static bool write_number(struct otlp_buf *w, struct dd_msgpack *in)
{
    enum dd_number_kind kind;
    union dd_number_value n;
    if (dd_msgpack_number(in, &kind, &n) != DD_TAKEN)
        return false;
    if (kind == DD_INT)
        otlp_any_int(w, n.i);
    else
        otlp_any_double(w, kind == DD_UINT ? (double)n.u : n.d);
    return true;
}

static bool write_array(const struct sink *to, struct dd_msgpack *in, unsigned depth)
{
    struct otlp_buf *w = to->w;
    uint32_t n;
    if (dd_msgpack_array(in, &n) != DD_TAKEN)
        return false;
    size_t array = otlp_open(w, DD_ANY_ARRAY, 2);
    for (; n; n--) {
        size_t value = otlp_open(w, DD_ANY_VALUES, 1);
        if (!write_any(to, in, depth + 1))
            return false;
        otlp_close(w, value, 1);
    }
    otlp_close(w, array, 2);
    return true;
}

/* Returns a key as text: numbers and words as they are written, anything else as an empty text. */
static bool map_key(struct dd_msgpack *in, char *room, size_t room_size, gw_str *key)
{
    enum dd_number_kind kind;
    union dd_number_value n;
    bool flag;
    int len = 0;
    switch (dd_msgpack_kind(in)) {
    case DD_STR:
    case DD_BIN:
    case DD_NIL:
        return dd_msgpack_text(in, key) == DD_TAKEN;
    case DD_INTEGER:
    case DD_FLOAT:
        if (dd_msgpack_number(in, &kind, &n) != DD_TAKEN)
            return false;
        len = kind == DD_INT    ? snprintf(room, room_size, "%" PRId64, n.i)
              : kind == DD_UINT ? snprintf(room, room_size, "%" PRIu64, n.u)
                                : snprintf(room, room_size, "%.17g", n.d);
        break;
    case DD_BOOL:
        if (dd_msgpack_bool(in, &flag) != DD_TAKEN)
            return false;
        len = snprintf(room, room_size, flag ? "true" : "false");
        break;
    default:
        return false;
    }
    *key = gw_str_n(room, (size_t)len);
    return true;
}

static bool write_map(const struct sink *to, struct dd_msgpack *in, unsigned depth)
{
    struct otlp_buf *w = to->w;
    struct dd_keys keys = {0};
    uint32_t n;
    char room[32];
    gw_str key;
    if (dd_msgpack_map(in, &n) != DD_TAKEN)
        return false;
    size_t list = otlp_open(w, DD_ANY_KVLIST, 2);
    for (; n; n--) {
        size_t value, mark;
        if (!map_key(in, room, sizeof room, &key))
            return false;
        dd_keys_note(&keys, to->arena, w, key.ptr == room ? gw_arena_dup(to->arena, key) : key);
        mark = otlp_attr_open(w, DD_ANY_VALUES, key, &value);
        if (!write_any(to, in, depth + 1))
            return false;
        otlp_attr_close(w, mark, value);
    }
    dd_keys_finish(&keys, to->arena, w, NULL, 0, to->odd);
    otlp_close(w, list, 2);
    return true;
}

static bool write_text(struct otlp_buf *w, struct dd_msgpack *in, void (*write)(struct otlp_buf *, gw_str))
{
    gw_str text;
    if (dd_msgpack_text(in, &text) != DD_TAKEN)
        return false;
    write(w, text);
    return true;
}

/* An extension is written with its head, which contains its type: the raw bytes of the payload. */
static bool write_ext(struct otlp_buf *w, struct dd_msgpack *in)
{
    gw_str raw;
    if (dd_msgpack_raw(in, &raw) != DD_TAKEN)
        return false;
    otlp_any_bytes(w, raw);
    return true;
}

/* Reads the next value and writes the fields of an AnyValue. Returns false if it cannot be read or is too
 * deep. */
static bool write_any(const struct sink *to, struct dd_msgpack *in, unsigned depth)
{
    struct otlp_buf *w = to->w;
    bool flag;
    if (depth > DD_STRUCT_DEPTH)
        return false;
    switch (dd_msgpack_kind(in)) {
    case DD_NIL:
        return dd_msgpack_nil(in);
    case DD_BOOL:
        if (dd_msgpack_bool(in, &flag) != DD_TAKEN)
            return false;
        otlp_any_bool(w, flag);
        return true;
    case DD_INTEGER:
    case DD_FLOAT:
        return write_number(w, in);
    case DD_STR:
        return write_text(w, in, otlp_any_text);
    case DD_BIN:
        return write_text(w, in, otlp_any_bytes);
    case DD_ARRAY:
        return write_array(to, in, depth);
    case DD_MAP:
        return write_map(to, in, depth);
    case DD_EXT:
        return write_ext(w, in);
    default:
        return false;
    }
}

bool dd_write_struct(struct otlp_buf *w, struct gw_arena *arena, unsigned field, gw_str key, gw_str value,
                     struct dd_oddities *odd)
{
    struct dd_msgpack in;
    struct dd_oddities met = *odd;
    struct sink to = {w, arena, &met};
    size_t undo = w->len, value_mark, mark = otlp_attr_open(w, field, key, &value_mark);
    dd_msgpack_init(&in, value, DD_MAX_ELEMENTS);
    if (write_any(&to, &in, 0) && in.at == in.end) {
        otlp_attr_close(w, mark, value_mark);
        *odd = met;
        return true;
    }
    w->len = undo;
    otlp_attr_bytes(w, field, key, value);
    return false;
}
