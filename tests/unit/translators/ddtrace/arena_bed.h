/* arena_bed.h: an arena for the tests of one program, and the group's setup and teardown.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARENA_BED_H
#define ARENA_BED_H

#include "core/base/arena.h"

static struct gw_arena arena;

static int arena_open(void **state)
{
    gw_arena_init(&arena, 16 << 20);
    return 0;
}

static int arena_close(void **state)
{
    gw_arena_fini(&arena);
    return 0;
}

#endif
