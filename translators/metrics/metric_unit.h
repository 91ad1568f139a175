/* metric_unit.h: the unit that a metric's name tells, as UCUM writes it: "request.duration.seconds" is in s.
 * Threads: a pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_UNIT_H
#define METRIC_UNIT_H

#include "core/base/str.h"

/* Empty: the name does not tell. */
gw_str metric_unit_of(gw_str name);

#endif
