/* fleet.h: who sends data to this process: language and version of the tracer, service, host, protocol, and
 * how much of it lately.
 *
 *     receivers ─ gw_fleet_note, once a request ─▶ shard ─▶ one entry for each different client ◀─ gw_fleet_read
 *                 gw_fleet_mark: what else it sends                                                (page, top, API)
 *
 * A client is what its requests say of it: two processes that say the same are one entry. The table is fixed:
 * GW_FLEET_CLIENTS entries in shards with a lock each; a new client takes the place of the one of its shard
 * that was not seen for longest. Texts are cut to the sizes below, control characters and bytes that are not
 * UTF-8 stay as they are: whoever shows them escapes them.
 *
 * Cost of a note: one hash over the texts, and a search in GW_FLEET_SHARD numbers. A shard's entries are
 * allocated when its first client comes (about 37 KiB), charged to the budget; without room there its clients
 * are not noted.
 *
 * The rate is a mean that forgets: what was sent a minute ago counts e⁻³ of what comes now.
 *
 * Ownership: the process's. Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FLEET_H
#define GW_FLEET_H

#include "core/base/clock.h"
#include "core/base/str.h"

struct gw_budget;

enum { GW_FLEET_SHARDS = 16, GW_FLEET_SHARD = 64, GW_FLEET_CLIENTS = GW_FLEET_SHARDS * GW_FLEET_SHARD };

/* What tells clients apart. Any may be empty. */
#define GW_FLEET_TEXTS(X)                                                                                    \
    X(language, 24)                                                                                          \
    X(language_version, 24)                                                                                  \
    X(version, 32)                                                                                           \
    X(service, 96)                                                                                           \
    X(env, 48)                                                                                               \
    X(host, 80)                                                                                              \
    X(container, 80)                                                                                         \
    X(protocol, 24)                                                                                          \
    X(transport, 8)

struct gw_fleet_client {
#define GW_FLEET_VIEW(name, size) gw_str name;
    GW_FLEET_TEXTS(GW_FLEET_VIEW)
#undef GW_FLEET_VIEW
};

/* What a client sends besides: bits. */
enum {
    GW_FLEET_TELEMETRY = 1,
    GW_FLEET_PROFILES = 2,         /* … which option profiles keeps */
    GW_FLEET_DROPPED_PROFILES = 4, /* … which nobody keeps */
    GW_FLEET_STATISTICS = 8,       /* of its spans, from which metrics are made */
    GW_FLEET_DROPPED_STATISTICS = 16
};

struct gw_fleet_entry {
    uint64_t hash; /* 0: free */
#define GW_FLEET_TEXT(name, size) char name[size];
    GW_FLEET_TEXTS(GW_FLEET_TEXT)
#undef GW_FLEET_TEXT
    unsigned sends;                /* GW_FLEET_… */
    int64_t first_seen, last_seen; /* wall clock, ns */
    uint64_t items;                /* spans; of clients that send none, what they send */
    double rate;                   /* items a second, at last_seen */
    gw_nsec seen_at;               /* monotonic */
};

struct gw_fleet;
/* NULL when there is no memory. The budget may be NULL, and outlives it. */
struct gw_fleet *gw_fleet_new(struct gw_budget *);
void gw_fleet_drop(struct gw_fleet *);

/* A request of this client with so many items. NULL for the fleet is legal: nothing is noted. */
void gw_fleet_note(struct gw_fleet *, const struct gw_fleet_client *, uint64_t items, unsigned sends);
/* A request that says less than that: all clients of its language, version and container that are known send
 * this too, or, when there are none, a new one does. Looks through the whole table: for what comes every few
 * seconds at most. */
void gw_fleet_mark(struct gw_fleet *, const struct gw_fleet_client *, uint64_t items, unsigned sends);

/* Copies all entries, the one that was seen last first; the rates are those of now. One without a service is left
 * out where there is another of its language, version and container: it is told what that one sends. Returns how
 * many; `out` has room for GW_FLEET_CLIENTS. */
size_t gw_fleet_read(struct gw_fleet *, struct gw_fleet_entry *out);

#endif
