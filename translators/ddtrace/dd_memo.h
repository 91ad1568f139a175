/* dd_memo.h: a cache of queries that were read before.
 *
 * Removing the data from a query, and finding its verb and table, reads every token: some 1.5 µs for a usual
 * SELECT. An application repeats few queries (and tracers send each twice, as resource and as tag), so
 * results are kept up to a bound. A query that does not fit is read each time.
 *
 * Ownership: one per translator. Answers live until dd_memo_tidy, which the translator calls between requests
 * only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_MEMO_H
#define DD_MEMO_H

#include "core/base/arena.h"

enum { DD_MEMO_SLOTS = 1024, DD_MEMO_TEXT = 4096 /* longest query kept */, DD_MEMO_BYTES = 512 * 1024 };

struct dd_query {
    gw_str text;                           /* without data */
    gw_str operation, collection, summary; /* of SQL alone */
};

struct dd_memo {
    struct gw_arena arena;
    struct dd_memo_entry {
        uint64_t hash;
        unsigned how;
        gw_str raw;
        struct dd_query query;
        struct dd_memo_entry *next;
    } * slots[DD_MEMO_SLOTS];
};

void dd_memo_init(struct dd_memo *);
void dd_memo_fini(struct dd_memo *);
/* Forgets everything when there is no room for more. */
void dd_memo_tidy(struct dd_memo *);

/* `how` says in which language the text was read: an answer holds for that alone. NULL when unknown. *hash is
 * for dd_memo_put. */
const struct dd_query *dd_memo_get(const struct dd_memo *, unsigned how, gw_str raw, uint64_t *hash);
/* Keeps copies. NULL when there is no room. */
const struct dd_query *dd_memo_put(struct dd_memo *, unsigned how, gw_str raw, uint64_t hash,
                                   const struct dd_query *);

#endif
