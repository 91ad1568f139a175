/* log_group.h: resources and scopes of a batch.
 *
 *     service, env, version, host ─▶ resource ─▶ logger ─▶ scope ─▶ its records, in order
 *
 * Most records have the resource and scope of the one before, which is compared first; others are found in a
 * hash table.
 *
 * Ownership: in the batch's arena; texts are copied when a group is made. Threads: the batch's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_GROUP_H
#define LOG_GROUP_H

#include "core/base/arena.h"

struct log_origin {
    gw_str service, env, version, host, logger;
    gw_str more;     /* further attributes of the resource, as OTLP writes them (log_resource.h) */
    uint64_t awaits; /* the span whose service it takes when that comes; 0: none */
};

struct log_scope {
    struct log_origin origin;
    uint64_t hash, resource_hash;
    uint32_t first, last;    /* slot + 1 */
    struct log_scope *chain; /* in the hash table */
    struct log_scope *next;  /* of the same resource, */
    /* of a resource's first scope: */
    struct log_scope *other;          /* that of the next resource */
    struct log_scope *resource_chain; /* in the resources' hash table */
    struct log_scope *tail;           /* its last scope */
};

/* Enough for a hostile request: tens of thousands of names that all differ. */
enum { LOG_CHAINS = 1024 };

struct log_groups {
    uint64_t seed; /* so that a client cannot choose names that collide */
    struct log_scope *chains[LOG_CHAINS], *resources[LOG_CHAINS];
    struct log_scope *last, *first_resource, *last_resource;
    size_t n;
};

/* Finds or makes the scope of that origin; NULL when there is no memory. */
struct log_scope *log_group_find(struct log_groups *, struct gw_arena *, const struct log_origin *);

#endif
