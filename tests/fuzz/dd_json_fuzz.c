/* Any bytes as a JSON payload, nested and flat. What either form takes must be JSON to its last byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fuzz/dd_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    struct gw_json j;
    gw_str body = gw_str_n((const char *)data, size);
    bool nested = walk_payload(DD_V04_JSON, body, NULL), flat = walk_payload(DD_V01_JSON, body, NULL);
    gw_arena_init(&arena, 1 << 20);
    gw_json_init(&j, body, &arena);
    must(!(nested || flat) || size == 0 || (gw_json_skip(&j) && gw_json_end(&j)));
    gw_arena_fini(&arena);
    return 0;
}
