/* dd_decide.h: decides whether a chunk is passed on: by the tracer's decision, and by the gateway's own
 * sampling if it applies (dd_sampler.h).
 *
 * Threads: pure functions, except for the tally.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_DECIDE_H
#define DD_DECIDE_H

#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_sampler.h"
#include "translators/ddtrace/dd_scan.h"

enum dd_fate {
    DD_GOES_ON,
    DD_REJECTED,   /* by the tracer */
    DD_SAMPLED_OUT /* by the rates here */
};

/* Call between dd_scan and dd_scan_finish; it records the probability that the latter needs. Without a tally,
 * the gateway does no sampling of its own. */
enum dd_fate dd_decide(struct dd_scanned *, const struct dd_options *, struct dd_tally *);

#endif
