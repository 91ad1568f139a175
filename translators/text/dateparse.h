/* dateparse.h: times in whatever form they stand in a log line.
 *
 *     fixed forms of well-known servers, then a guess at the layout, then layout.h
 *
 * The guess goes over the text once, state by state, and writes a layout beside it, as the reference engine's
 * library does (araddon's dateparse of October 2020, MIT): also where that is odd, since scripts were tried
 * against it. `2021-06-18 10:07:08 UTC` is local time; a day before its month is out of range; of two digits
 * with slashes the first is the month.
 *
 * Text longer than DATEPARSE_MAX is no time. Pure functions but for zone.h.
 * SPDX-License-Identifier: Apache-2.0 AND MIT
 */
#ifndef DATEPARSE_H
#define DATEPARSE_H

#include "translators/text/layout.h"

/* False with the reason (LAYOUT_ERROR_SIZE bytes). `now` gives the year to times without one. */
bool dateparse(gw_str text, const struct zone *, int64_t now, struct layout_time *out, char *why);

#endif
