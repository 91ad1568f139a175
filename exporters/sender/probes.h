/* probes.h: how many parts of requests that were refused for good may be sent, to find the bad item.
 *
 *   [good good BAD good] ── 400 ─▶ [good good] taken,  [BAD good] 400 ─▶ [BAD] 400: rejected,  [good] taken
 *
 * OTLP calls such an answer final, for the request. That a request holds the items of many clients is our
 * doing, so its parts are requests of their own, once each. A backend that refuses everything is not asked without end: a
 * split costs one of GW_PROBES, what is taken gives two back, and time gives one back now and then.
 *
 *   one bad item of n      a split, a part that is taken, a split …: goes on to the end
 *   everything is bad      GW_PROBES splits once, then one each GW_PROBE_EVERY; all else is rejected whole
 *
 * Threads: the sender's. No clock of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PROBES_H
#define GW_PROBES_H

#include <stdbool.h>

#include "core/base/clock.h"

enum { GW_PROBES = 16 };
#define GW_PROBE_EVERY (10 * GW_SEC)

/* Zeroed, all are there. */
struct gw_probes {
    unsigned spent;
    gw_nsec since; /* when time gave one back last */
};

/* A request was taken, a part or another one. */
void gw_probes_taken(struct gw_probes *);
/* A request is to be split; false: it is not worth it. */
bool gw_probes_spend(struct gw_probes *, gw_nsec now);

#endif
