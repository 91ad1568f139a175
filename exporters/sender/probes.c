/* Limits the cost of searching for bad items. Owns nothing. Called by sender_outcome.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/probes.h"

void gw_probes_taken(struct gw_probes *p)
{
    p->spent -= p->spent < 2 ? p->spent : 2;
}

bool gw_probes_spend(struct gw_probes *p, gw_nsec now)
{
    uint64_t given_back = (uint64_t)(now - p->since) / GW_PROBE_EVERY;
    if (!p->spent || given_back)
        p->since = now;
    p->spent -= given_back < p->spent ? (unsigned)given_back : p->spent;
    if (p->spent == GW_PROBES)
        return false;
    p->spent++;
    return true;
}
