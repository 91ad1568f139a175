/* dd_decide.h: does a chunk go on? The tracer's decision, and ours where there is one to make (dd_sampler.h says
 * which).
 *
 * Pure but for the tally.
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

/* Called between dd_scan and dd_scan_finish, to which it tells the probability. Without a tally nothing is
 * sampled here. */
enum dd_fate dd_decide(struct dd_scanned *, const struct dd_options *, struct dd_tally *);

#endif
