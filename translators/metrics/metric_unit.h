/* metric_unit.h: derives a unit, in UCUM's notation, from a metric's name: "request.duration.seconds" is in
 * s. Threads: a pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_UNIT_H
#define METRIC_UNIT_H

#include "core/base/str.h"

/* Returns an empty text if the name contains no unit. */
gw_str metric_unit_of(gw_str name);

#endif
