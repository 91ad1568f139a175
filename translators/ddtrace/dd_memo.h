/* dd_memo.h: a cache of queries that were obfuscated before.
 *
 * To remove the data from a query and to find its verb and table, every token must be read; a usual SELECT
 * takes some 1.5 µs. An application repeats few queries (and tracers send each twice, as resource and as
 * tag), so results are kept up to a limit. Queries beyond it are read each time.
 *
 * Ownership: one per translator. Results are valid until dd_memo_tidy, which the translator calls only
 * between requests.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_MEMO_H
#define DD_MEMO_H

#include "core/base/arena.h"

enum {
    DD_MEMO_SLOTS = 1024,
    DD_MEMO_TEXT = 4096 /* longest query that is kept */,
    DD_MEMO_BYTES = 512 * 1024
};

struct dd_query {
    gw_str text;                           /* obfuscated */
    gw_str operation, collection, summary; /* only of SQL */
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
/* Forgets everything if there is no room for more. */
void dd_memo_tidy(struct dd_memo *);

/* `how` is the language in which the text was read; results for other languages do not match. Returns NULL if
 * the query is unknown. *hash is for dd_memo_put. */
const struct dd_query *dd_memo_get(const struct dd_memo *, unsigned how, gw_str raw, uint64_t *hash);
/* Stores copies. Returns NULL if there is no room. */
const struct dd_query *dd_memo_put(struct dd_memo *, unsigned how, gw_str raw, uint64_t hash,
                                   const struct dd_query *);

#endif
