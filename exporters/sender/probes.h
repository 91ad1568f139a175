/* probes.h: limits how many parts of finally refused requests are sent to find the bad item.
 *
 *   [good good BAD good] ── 400 ─▶ [good good] taken,  [BAD good] 400 ─▶ [BAD] 400: rejected,  [good] taken
 *
 * For OTLP such an answer is final for the request. But ddgate has put items of many clients into the
 * request, so its parts are sent as requests of their own, once each. The number is limited for the case that
 * the backend refuses everything: a split costs one of GW_PROBES, an accepted request gives two back, and one
 * comes back every GW_PROBE_EVERY.
 *
 *   one bad item of n      a split, an accepted part, a split …: the search goes on to the end
 *   everything is bad      GW_PROBES splits, then one every GW_PROBE_EVERY; the rest is rejected whole
 *
 * Threads: the sender's. The caller passes times.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PROBES_H
#define GW_PROBES_H

#include <stdbool.h>

#include "core/base/clock.h"

enum { GW_PROBES = 16 };
#define GW_PROBE_EVERY (10 * GW_SEC)

/* Initialize with zero: all probes are available. */
struct gw_probes {
    unsigned spent;
    gw_nsec since; /* when the last one came back by time */
};

/* A request was accepted, a part or another one. */
void gw_probes_taken(struct gw_probes *);
/* Returns whether a request may be split. */
bool gw_probes_spend(struct gw_probes *, gw_nsec now);

#endif
