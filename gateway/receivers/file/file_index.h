/* file_index.h: indexes and lists that make the reader's cost depend on events and not on the number of
 * files.
 *
 *   file_index    a hash table: tails by inode, by watch and by name; entries by inode. Several may have one key
 *   file_list     a list of tails with two ends: those with unread data, those that rest, those with an event
 *   file_timers   a heap of tails: the one with the earliest time first
 *
 * The links are members of tails and entries, so a place in an index or a list needs no allocation. Both
 * work when they are zeroed.
 *
 * Ownership: a link belongs to its struct, which leaves the index before it is freed. Threads: one at a
 * time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_INDEX_H
#define GW_FILE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/clock.h"

/* --- by key --- */

struct file_index_link {
    struct file_index_link *next;
    uint64_t key;
    void *of; /* NULL: in no index */
};

enum { FILE_INDEX_FIRST = 64 };

struct file_index {
    struct file_index_link **more; /* malloc'd, when there are more than the first ones can hold */
    size_t more_n, n;              /* slots of `more`; links */
    struct file_index_link *first[FILE_INDEX_FIRST];
};

/* Adds a link; one that is in an index leaves it first. Without memory the index does not grow, and is
 * slower. */
void file_index_add(struct file_index *, struct file_index_link *, uint64_t key, void *of);
/* Also legal for a link in no index. */
void file_index_remove(struct file_index *, struct file_index_link *);
/* NULL: none. `next` has the same key. */
struct file_index_link *file_index_find(const struct file_index *, uint64_t key);
struct file_index_link *file_index_next(const struct file_index_link *);
void file_index_fini(struct file_index *);

/* --- in order --- */

struct file_tail;

struct file_link {
    struct file_link *next, *prev;
    struct file_tail *tail; /* NULL: in no list */
};

struct file_list {
    struct file_link *first, *last;
    size_t n;
};

/* Appends at the end; a link that is in the list moves there. */
void file_list_append(struct file_list *, struct file_link *, struct file_tail *);
/* Also legal for a link in no list. */
void file_list_remove(struct file_list *, struct file_link *);
/* Removes the first one. NULL: there is none. */
struct file_tail *file_list_next(struct file_list *);

/* --- by time --- */

struct file_timer {
    gw_nsec due;
    size_t at; /* in the heap, counted from 1; 0: not there */
    struct file_tail *tail;
};

struct file_timers {
    struct file_timer **items; /* malloc'd */
    size_t n, cap;
};

/* Makes room for `n` timers, so that setting one never fails. False: no memory. */
bool file_timers_reserve(struct file_timers *, size_t n);
/* GW_NEVER: takes it out. */
void file_timers_set(struct file_timers *, struct file_timer *, struct file_tail *, gw_nsec due);
/* When the first one is due; GW_NEVER: there is none. */
gw_nsec file_timers_first(const struct file_timers *);
/* Takes out the first one that is due. NULL: none is. */
struct file_tail *file_timers_next(struct file_timers *, gw_nsec now);
void file_timers_fini(struct file_timers *);

#endif
