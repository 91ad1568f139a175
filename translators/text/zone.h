/* zone.h: time zones of the machine's tz database, read by us: the process has one TZ, scripts name many.
 *
 * A zone is read once, kept for the life of the process and shared: there are only as many as the database has files. Past the last
 * change that a file lists, its rule goes on (the TZ text at its end).
 *
 * Threads: reading the list of known zones takes a lock; a zone itself never changes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ZONE_H
#define ZONE_H

#include "core/base/str.h"

struct zone;

struct zone_at {
    int offset; /* seconds east of Greenwich */
    gw_str abbreviation;
    int64_t begin, end; /* seconds since 1970 for which this holds */
};

/* By IANA name, case as in the database; "UTC" and "" are UTC. NULL: there is none of that name. */
const struct zone *zone_find(gw_str name);
/* "+8", "-3:30", "CST": the place whose clock is meant, with its summer time, by the table of Datakit's default_time. NULL: not in it. */
const struct zone *zone_of_offset(gw_str offset);
/* Either of them: what users may write as a zone. */
const struct zone *zone_of(gw_str name);
const struct zone *zone_utc(void);
/* The machine's: TZ of the environment, else /etc/localtime, else UTC. */
const struct zone *zone_local(void);

struct zone_at zone_at(const struct zone *, int64_t seconds);
/* The offset of what the zone calls so, in force at the time (UTC wall clock) if it can be. */
bool zone_named(const struct zone *, gw_str abbreviation, int64_t wall, int *offset);

#endif
