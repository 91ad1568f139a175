/* pack.h: msgpack for tests, written down as one reads it.
 *
 *     pack("[[{'trace_id': 1, 'error': true, 'start': <cf 00 00 00 00 00 00 00 05>}]]", &body)
 *
 * Arrays, maps, 'text', integers and floats (with a point: float64) in their shortest forms, null, true,
 * false, and bytes as they are between < and >.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PACK_H
#define PACK_H

#include "core/base/str.h"

#include <ctype.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void pack_value(const char **p, msgpack_sbuffer *out);

static void pack_blank(const char **p)
{
    while (isspace((unsigned char)**p))
        ++*p;
}

static void pack_bytes(const char **p, msgpack_sbuffer *out)
{
    for (pack_blank(p); **p != '>'; pack_blank(p)) {
        char hex[3] = {(*p)[0], (*p)[1], 0};
        char byte = (char)strtoul(hex, NULL, 16);
        msgpack_sbuffer_write(out, &byte, 1);
        *p += 2;
    }
    ++*p;
}

static void pack_container(const char **p, char close, msgpack_packer *pk, msgpack_sbuffer *out)
{
    msgpack_sbuffer inner;
    msgpack_sbuffer_init(&inner);
    size_t n = 0;
    for (pack_blank(p); **p != close; pack_blank(p), n++) {
        pack_value(p, &inner);
        pack_blank(p);
        *p += **p == ',' || **p == ':';
    }
    ++*p;
    if (close == ']')
        msgpack_pack_array(pk, n);
    else
        msgpack_pack_map(pk, n / 2);
    if (inner.size)
        msgpack_sbuffer_write(out, inner.data, inner.size);
    msgpack_sbuffer_destroy(&inner);
}

static void pack_number(const char **p, msgpack_packer *pk)
{
    size_t len = strspn(*p, "-+.eE0123456789");
    assert_true(len > 0);
    if (memchr(*p, '.', len))
        msgpack_pack_double(pk, strtod(*p, NULL));
    else if (**p == '-')
        msgpack_pack_int64(pk, strtoll(*p, NULL, 10));
    else
        msgpack_pack_uint64(pk, strtoull(*p, NULL, 10));
    *p += len;
}

static void pack_value(const char **p, msgpack_sbuffer *out)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
    pack_blank(p);
    char c = **p;
    if (c == '\'') {
        size_t len = strcspn(++*p, "'");
        msgpack_pack_str_with_body(&pk, *p, len);
        *p += len + 1;
    } else if (c == '[' || c == '{' || c == '<') {
        ++*p;
        if (c == '<')
            pack_bytes(p, out);
        else
            pack_container(p, c == '[' ? ']' : '}', &pk, out);
    } else if (strncmp(*p, "null", 4) == 0) {
        msgpack_pack_nil(&pk);
        *p += 4;
    } else if (strncmp(*p, "true", 4) == 0) {
        msgpack_pack_true(&pk);
        *p += 4;
    } else if (strncmp(*p, "false", 5) == 0) {
        msgpack_pack_false(&pk);
        *p += 5;
    } else {
        pack_number(p, &pk);
    }
}

/* The bytes are malloc'd, of exactly their size, so that AddressSanitizer sees every read past them:
 * free(body.ptr). */
static inline gw_str pack(const char *text)
{
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    for (pack_blank(&text); *text; pack_blank(&text))
        pack_value(&text, &out);
    char *copy = malloc(out.size ? out.size : 1);
    if (out.size)
        memcpy(copy, out.data, out.size);
    gw_str body = gw_str_n(copy, out.size);
    msgpack_sbuffer_destroy(&out);
    return body;
}

#endif
