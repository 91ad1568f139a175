/* zone.h: time zones of the machine's tz database, and of POSIX strings. ddgate reads them itself, because
 * the process has only one TZ and scripts name many.
 *
 *     Asia/Shanghai    :Asia/Shanghai    /etc/zones/plant    CST-8    <+08>-8    EST5EDT,M3.2.0,M11.1.0     (posix_tz.h)
 *
 * A zone is read once, kept for the life of the process and shared. Data can only name zones of the
 * database (zone_find), so their number is bounded by its files, plus those of the configuration. After the
 * last change in a file, the POSIX string at its end applies.
 *
 * Threads: reading the list of known zones takes a lock; a zone itself never changes. TZ is read once, when
 * it is first used.
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

/* By IANA name, case as in the database; "UTC" and "" are UTC. NULL: there is no such zone. */
const struct zone *zone_find(gw_str name);
/* "+8", "-3:30", "CST": the place whose clock is meant, with its summer time, by the table of Datakit's
 * default_time. NULL: not in it. */
const struct zone *zone_of_offset(gw_str offset);
/* Either of them: what scripts may write as a zone. */
const struct zone *zone_of(gw_str name);
/* What users may write in the configuration: an offset as above, or anything that TZ may be. NULL: it is
 * neither. */
const struct zone *zone_setting(gw_str text);
const struct zone *zone_utc(void);
/* The machine's: TZ of the environment, else /etc/localtime, else UTC. */
const struct zone *zone_local(void);
/* TZ or the path of the file, where it cannot be understood and zone_local is UTC instead; else NULL. */
const char *zone_local_unknown(void);

struct zone_at zone_at(const struct zone *, int64_t seconds);
/* The offset of what the zone calls so, in force at the time (UTC wall clock) if it can be. */
bool zone_named(const struct zone *, gw_str abbreviation, int64_t wall, int *offset);

#endif
