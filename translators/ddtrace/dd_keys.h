/* dd_keys.h: which entries of a list of attributes are written, for OTLP wants every key once and none empty.
 *
 *     a=1 b=2 a=3 =4   ─▶   b=2 a=3          the last one counts, as a decoder into a map would have kept it
 *
 * For the lists that links, events and nested objects have. The tags of a span have a table of their own
 * (dd_load.c).
 *
 * Pure; what is made lives in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_KEYS_H
#define DD_KEYS_H

#include "core/base/arena.h"
#include "translators/ddtrace/dd_result.h"

/* Begins as (struct dd_keys){0}. */
struct dd_keys {
    gw_str *keys;
    bool *left_out; /* of each, once they are settled: it is not written */
    size_t n;
};

/* Appends a key. False when the arena's budget is spent. */
bool dd_keys_add(struct dd_keys *, struct gw_arena *, gw_str key);
/* All keys are there: repairs those that are not UTF-8, for two may come out the same, and decides what is
 * left out. Counts keys that are empty or were repaired. False when the arena's budget is spent. */
bool dd_keys_settle(struct dd_keys *, struct gw_arena *, struct dd_oddities *);

#endif
