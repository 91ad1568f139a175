/* Any bytes as a v0.7 payload. What is taken must be msgpack to its last byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fuzz/dd_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dd_msgpack in;
    gw_str body = gw_str_n((const char *)data, size);
    bool taken = walk_payload(DD_V07_MSGPACK, body, NULL);
    dd_msgpack_init(&in, body, DD_MAX_ELEMENTS);
    must(!taken || size == 0 || (dd_msgpack_skip(&in) == DD_TAKEN && in.at == in.end));
    return 0;
}
