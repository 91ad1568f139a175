/* dd_keys.h: makes the keys of a list of attributes unique and non-empty, as OTLP requires.
 *
 *     a=1 b=2 a=3 =4   ─▶   b=2 a=3          the last one counts, as in a decoder that reads into a map
 *
 * It is used for the attributes of links and events, and for nested maps. (The tags of a span have a table of
 * their own, dd_load.c.) Entries are written in order, and each is noted with its position in the buffer; at
 * the end, superfluous ones are removed. So a list is read once at any depth, and in the usual case no byte
 * is moved.
 *
 *     struct dd_keys keys = {0};
 *     for each entry: dd_keys_note(&keys, arena, w, key); write it
 *     dd_keys_finish(&keys, arena, w, NULL, 0, odd);
 *
 * Ownership: the notes are in the arena. If its budget is used up, nothing is removed, and the request fails
 * for that reason.
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

/* The caller writes the entry with this key next. The key must live as long as the arena. */
void dd_keys_note(struct dd_keys *, struct gw_arena *, const struct otlp_buf *, gw_str key);
/* Call after the last entry, before anything else is written: removes entries whose key occurs again, is
 * empty (counted), or is one of `without`. */
void dd_keys_finish(struct dd_keys *, struct gw_arena *, struct otlp_buf *, const gw_str *without,
                    size_t without_n, struct dd_oddities *);

#endif
