/* Any bytes as msgpack: our reader takes and refuses what msgpack-c takes and refuses, and typed reads arrive
 * where skipping does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <msgpack.h>
#include <stdlib.h>

#include "translators/ddtrace/dd_msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool cond)
{
    if (!cond)
        abort();
}

/* msgpack-c gives up beyond 32 containers inside one another. */
enum { DEPTH = 30 };

/* Reads one value by its kind; false when it nests too deeply for msgpack-c. */
static bool walk(struct dd_msgpack *in, int depth)
{
    union dd_number_value v;
    enum dd_number_kind number;
    enum dd_kind kind = dd_msgpack_kind(in);
    uint32_t n = 0;
    gw_str s;
    bool b;
    switch (kind) {
    case DD_NIL:
        must(dd_msgpack_nil(in));
        return true;
    case DD_BOOL:
        must(!dd_msgpack_bool(in, &b));
        return true;
    case DD_INTEGER:
    case DD_FLOAT:
        must(!dd_msgpack_number(in, &number, &v) && (number == DD_DOUBLE) == (kind == DD_FLOAT));
        return true;
    case DD_STR:
    case DD_BIN:
        must(!dd_msgpack_text(in, &s));
        return true;
    case DD_EXT:
        must(!dd_msgpack_skip(in));
        return true;
    case DD_ARRAY:
        must(!dd_msgpack_array(in, &n));
        break;
    case DD_MAP:
        must(!dd_msgpack_map(in, &n));
        n *= 2;
        break;
    default:
        abort();
    }
    for (uint32_t i = 0; i < n && depth < DEPTH; i++)
        if (!walk(in, depth + 1))
            return false;
    return depth < DEPTH;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dd_msgpack in, typed;
    msgpack_unpacked tree;
    struct gw_err err = {0};
    size_t off = 0;
    dd_msgpack_init(&in, gw_str_n((const char *)data, size), UINT32_MAX);
    typed = in;
    enum dd_got got = dd_msgpack_skip(&in);
    if (got == DD_TAKEN && !walk(&typed, 0))
        return 0;
    must(got || typed.at == in.at);
    must(!got || (dd_msgpack_fail(&in, &err) == GW_BAD_MSGPACK && err.pos <= size && err.what[0]));
    /* msgpack-c reserves memory for what is claimed: only what we take is shown to it; test_dd_msgpack does
     * the rest */
    if (got)
        return 0;
    msgpack_unpacked_init(&tree);
    msgpack_unpack_return ret = msgpack_unpack_next(&tree, (const char *)data, size, &off);
    must(ret == MSGPACK_UNPACK_SUCCESS || ret == MSGPACK_UNPACK_EXTRA_BYTES);
    must(off == (size_t)(in.at - in.begin));
    msgpack_unpacked_destroy(&tree);
    return 0;
}
