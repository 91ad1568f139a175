/* proto.h: protobuf for tests, written down as one reads it.
 *
 *     proto("5{1'id' 6{1:1 3{1'svc' 4:10 11{1'm'2=1.5}}}} <ff>", &body)
 *
 *     N'text'  N<68 69>  N{fields}   a length-delimited field of number N
 *     N:7  N:-1                      a varint
 *     N#7  N=1.5                     fixed64: an integer, a double
 *     <ff>                           bytes as they are
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROTO_H
#define PROTO_H

#include "core/base/protobuf_wire.h"

#include <ctype.h>
#include <stdlib.h>

struct proto_out {
    uint8_t bytes[4096];
    size_t n;
};

static void proto_fields(const char **p, struct proto_out *out, char end);

static inline void proto_varint(struct proto_out *out, uint64_t v)
{
    out->n = (size_t)(wire_put_varint(out->bytes + out->n, v) - out->bytes);
}

static inline void proto_fixed64(struct proto_out *out, uint64_t v)
{
    memcpy(out->bytes + out->n, &v, 8);
    out->n += 8;
}

static inline void proto_raw(const char **p, struct proto_out *out)
{
    for (++*p; **p != '>'; *p += **p == ' ' ? 1 : 2) {
        char hex[3] = {(*p)[0], **p == ' ' ? 0 : (*p)[1], 0};
        if (**p != ' ')
            out->bytes[out->n++] = (uint8_t)strtoul(hex, NULL, 16);
    }
    ++*p;
}

/* What stands between quotes or brackets, as a field of its own length. */
static inline void proto_len(const char **p, struct proto_out *out)
{
    static struct proto_out rooms[24];
    static int depth;
    struct proto_out *inner = &rooms[depth++];
    inner->n = 0;
    if (**p == '{') {
        ++*p;
        proto_fields(p, inner, '}');
    } else if (**p == '<') {
        proto_raw(p, inner);
    } else {
        for (++*p; **p != '\''; ++*p)
            inner->bytes[inner->n++] = (uint8_t) * *p;
        ++*p;
    }
    depth--;
    proto_varint(out, inner->n);
    memcpy(out->bytes + out->n, inner->bytes, inner->n);
    out->n += inner->n;
}

static inline void proto_field(const char **p, struct proto_out *out)
{
    char *after;
    double d;
    unsigned number = (unsigned)strtoul(*p, &after, 10);
    *p = after + (*after == ':' || *after == '#' || *after == '=');
    switch (*after) {
    case ':':
        proto_varint(out, number << 3 | WIRE_VARINT);
        proto_varint(out, **p == '-' ? (uint64_t)strtoll(*p, &after, 10) : strtoull(*p, &after, 10));
        *p = after;
        return;
    case '#':
        proto_varint(out, number << 3 | WIRE_FIXED64);
        proto_fixed64(out, strtoull(*p, &after, 10));
        *p = after;
        return;
    case '=':
        proto_varint(out, number << 3 | WIRE_FIXED64);
        d = strtod(*p, &after);
        memcpy(out->bytes + out->n, &d, 8);
        out->n += 8;
        *p = after;
        return;
    default:
        proto_varint(out, number << 3 | WIRE_LEN);
        proto_len(p, out);
    }
}

static void proto_fields(const char **p, struct proto_out *out, char end)
{
    for (; **p != end; *p += isspace((unsigned char)**p) != 0)
        if (**p == '<')
            proto_raw(p, out);
        else if (!isspace((unsigned char)**p))
            proto_field(p, out);
    *p += end != 0;
}

/* The bytes are malloc'd, of exactly their size: free(body.ptr). */
static inline gw_str proto(const char *text)
{
    struct proto_out out = {.n = 0};
    proto_fields(&text, &out, 0);
    char *copy = malloc(out.n ? out.n : 1);
    memcpy(copy, out.bytes, out.n);
    return gw_str_n(copy, out.n);
}

#endif
