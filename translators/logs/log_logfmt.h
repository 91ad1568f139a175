/* log_logfmt.h: lines of key=value pairs, as slog, logrus, go-kit, log15, structlog and others write them.
 *
 *     time=2026-11-21T00:35:39Z level=error msg="cannot connect" dd.trace_id=6b01…
 *
 * become one JSON object of texts, which log_json.c reads: the keys have the same places. `t` is the time,
 * and `source` the caller where it is file:line.
 *
 * Ownership: the JSON is the arena's. Pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_LOGFMT_H
#define LOG_LOGFMT_H

#include "core/base/arena.h"
#include "core/base/str.h"

/* Begins with a pair, and has a level, or a time and a message. */
bool log_is_logfmt(gw_str);
/* *whole: true if the text has other parts than pairs. False when there is no memory. */
bool log_logfmt_json(struct gw_arena *, gw_str text, gw_str *json, bool *whole);

#endif
