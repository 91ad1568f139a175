/* dd_keys.h: OTLP wants every key of a list of attributes once, and none empty.
 *
 *     a=1 b=2 a=3 =4   ─▶   b=2 a=3          the last one counts, as a decoder into a map would have kept it
 *
 * For the attributes of links and events, and for nested maps. (The tags of a span have a table of their own,
 * dd_load.c.) Entries are written in order, and each is noted with its place in the buffer; at the end those
 * that are too many are taken out again. So a list is read once, however deep it lies, and what is usual,
 * nothing too many, moves no byte.
 *
 *     struct dd_keys keys = {0};
 *     for each entry: dd_keys_note(&keys, arena, w, key); write it
 *     dd_keys_finish(&keys, arena, w, NULL, 0, odd);
 *
 * Ownership: the notes are in the arena. Where its budget is spent nothing is taken out, and the request
 * fails for that.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_KEYS_H
#define DD_KEYS_H

#include "core/base/arena.h"
#include "translators/ddtrace/dd_result.h"
#include "translators/otlp/otlp_write.h"

/* The entries of one list. */
struct dd_keys {
    struct dd_key_at {
        gw_str key;
        size_t at; /* where it begins in the buffer */
    } * list;
    size_t n;
};

/* The entry with this key, which lives as long as the arena, is written next. */
void dd_keys_note(struct dd_keys *, struct gw_arena *, const struct otlp_buf *, gw_str key);
/* All entries are written, and nothing behind them: takes out those whose key comes again, or is empty
 * (counted), or one of `without`. */
void dd_keys_finish(struct dd_keys *, struct gw_arena *, struct otlp_buf *, const gw_str *without,
                    size_t without_n, struct dd_oddities *);

#endif
