/* Any bytes as a v1.0 payload. What is taken must be msgpack to its last byte, and its table of texts what a
 * reader learns who knows nothing of the format: every str that msgpack-c finds, in the order of the stream,
 * each once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <msgpack.h>

#include "tests/fuzz/dd_walk.h"

enum { MOST = 4096 };
static gw_str texts[MOST];
static size_t texts_n;

static void learn(gw_str text)
{
    for (size_t i = 0; i < texts_n; i++)
        if (gw_str_eq(texts[i], text))
            return;
    if (text.len && texts_n < MOST)
        texts[texts_n++] = text;
}

static void learn_all(const msgpack_object *o)
{
    if (o->type == MSGPACK_OBJECT_STR)
        learn(gw_str_n(o->via.str.ptr, o->via.str.size));
    for (uint32_t i = 0; o->type == MSGPACK_OBJECT_ARRAY && i < o->via.array.size; i++)
        learn_all(&o->via.array.ptr[i]);
    for (uint32_t i = 0; o->type == MSGPACK_OBJECT_MAP && i < o->via.map.size; i++) {
        learn_all(&o->via.map.ptr[i].key);
        learn_all(&o->via.map.ptr[i].val);
    }
}

/* The list at the head of some payloads is taken as it is: a text that stands there twice is two entries. */
static bool has_list(const msgpack_object *o)
{
    for (uint32_t i = 0; o->type == MSGPACK_OBJECT_MAP && i < o->via.map.size; i++) {
        const msgpack_object *key = &o->via.map.ptr[i].key;
        if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER && key->via.u64 == 1)
            return true;
    }
    return false;
}

static void compare_texts(const struct dd_decoder *d, gw_str body)
{
    msgpack_unpacked tree;
    size_t off = 0;
    msgpack_unpacked_init(&tree);
    texts_n = 0;
    /* it gives up where containers lie too deep in one another */
    if (msgpack_unpack_next(&tree, body.ptr, body.len, &off) == MSGPACK_UNPACK_SUCCESS &&
        !has_list(&tree.data)) {
        learn_all(&tree.data);
        must(d->texts.n == texts_n + 1 || texts_n == MOST);
        for (size_t i = 0; i < texts_n; i++)
            must(gw_str_eq(d->texts.list[i + 1], texts[i]));
    }
    msgpack_unpacked_destroy(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dd_msgpack in;
    gw_str body = gw_str_n((const char *)data, size);
    bool taken = walk_payload(DD_V10_MSGPACK, body, size && size < MOST ? compare_texts : NULL);
    dd_msgpack_init(&in, body, DD_MAX_ELEMENTS);
    must(!taken || size == 0 || (dd_msgpack_skip(&in) == DD_TAKEN && in.at == in.end));
    return 0;
}
