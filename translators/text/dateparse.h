/* dateparse.h: reads times in the many forms of log lines.
 *
 *     fixed forms of well-known servers, then a guess at the layout, then layout.h
 *
 * The guess reads the text once, state by state, and writes a layout beside it, as the reference engine's
 * library does (araddon's dateparse of October 2020, MIT), including its peculiarities, because scripts
 * were written for it. `2021-06-18 10:07:08 UTC` is local time; a day before its month is out of range; of
 * two digits with slashes the first is the month.
 *
 * Text longer than DATEPARSE_MAX is not a time.
 *
 * Threads: pure functions, except for zone.h.
 * SPDX-License-Identifier: Apache-2.0 AND MIT
 */
#ifndef DATEPARSE_H
#define DATEPARSE_H

#include "translators/text/layout.h"

/* False with the reason (LAYOUT_ERROR_SIZE bytes). `now` gives the year to times without one. */
bool dateparse(gw_str text, const struct zone *, int64_t now, struct layout_time *out, char *why);

#endif
