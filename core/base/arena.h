/* arena.h: the memory of one request.
 *
 *     chunk ─▶ chunk ─▶ chunk        allocate by bumping a pointer; nothing is freed alone
 *     [#####] [####·]  [·····]       reset gives everything back at once, and keeps the chunks for the next request
 *
 * Every receiver thread owns one. Translators take all scratch memory from it and therefore contain no
 * free(). It has a budget in bytes: beyond that (or if malloc fails) an allocation returns NULL and the arena
 * stays `spent` until it is reset, so code may allocate freely and check once, at the end. With an account,
 * chunks are charged to it while they exist, including chunks kept for reuse; if the account refuses, the
 * allocation fails in the same way. Under AddressSanitizer the unused part is poisoned.
 *
 * Threads: one owner at a time, no locks.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ARENA_H
#define GW_ARENA_H

#include "core/base/err.h"
#include "core/base/str.h"

struct gw_chunk;
struct gw_budget;

struct gw_arena {
    struct gw_chunk *first, *current; /* chunks after `current` are empty, kept for later */
    char *at, *end;                   /* free part of `current` */
    size_t used, budget;              /* bytes of chunks in use, and how many there may be */
    bool spent;                       /* sticky: an allocation was refused … */
    bool no_memory; /* … for lack of memory and not because of the budget: the same may succeed later */
    struct gw_budget *account; /* pays for the chunks; may be NULL. Set before the first allocation */
};

/* A state to which the arena can be rewound. */
struct gw_snap {
    struct gw_chunk *current;
    char *at;
    size_t used;
};

void gw_arena_init(struct gw_arena *, size_t budget);
void gw_arena_fini(struct gw_arena *);
/* Invalidates everything that was allocated. Keeps at most `keep` bytes of chunks for the next use. */
void gw_arena_reset(struct gw_arena *, size_t keep);

/* Zero-filled memory, aligned to 8, or NULL past the budget. n × size is checked for overflow. */
void *gw_arena_array(struct gw_arena *, size_t n, size_t size);
/* The same without the zeroes. */
void *gw_arena_raw(struct gw_arena *, size_t n, size_t size);
#define gw_new(arena, T, n) ((T *)gw_arena_array((arena), (n), sizeof(T)))

struct gw_snap gw_arena_snap(const struct gw_arena *);
void gw_arena_back(struct gw_arena *, struct gw_snap);

/* Returns a copy of s in the arena; empty when the budget is spent. */
gw_str gw_arena_dup(struct gw_arena *, gw_str s);
/* printf into the arena; empty when the budget is spent. */
gw_str gw_arena_printf(struct gw_arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The code for the answer to a request whose memory this is: `code`, but GW_BUSY (429) instead of GW_BUDGET
 * (413) if the same request may succeed later, because others hold the memory or the system has none
 * (gw_budget_is_short of the account). `what` names the memory in the text: "the translated spans". */
enum gw_code gw_arena_refusal(const struct gw_arena *, enum gw_code code, const char *what, struct gw_err *);

#endif
