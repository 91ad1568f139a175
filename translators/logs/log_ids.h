/* log_ids.h: trace and span ids, in every form that Datadog's tracers and their loggers write them.
 *
 *     32 hexadecimal digits                        128 bits: Python from 2.x, JS from 5.x, Go, Java
 *     16 digits, with a letter or a leading 0      64 bits in hexadecimal
 *     decimal up to 2⁶⁴−1                          64 bits: what every tracer wrote once, and span ids still
 *     decimal up to 2¹²⁸−1 (39 digits)             128 bits: Python 1.20, PHP
 *     0, 00…0, nothing                             no trace is active
 *
 * Pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_IDS_H
#define LOG_IDS_H

#include "core/base/str.h"

struct log_trace {
    uint64_t high, low; /* low 0: no id. high 0: not known, or zero */
};

enum log_id { LOG_ID_BAD, LOG_ID_NONE, LOG_ID_GOOD };

enum log_id log_trace_id(gw_str, struct log_trace *);
enum log_id log_span_id(gw_str, uint64_t *);
/* Finds `trace_id` and `span_id` (`traceId`, `spanId`; those with dd. or dd_ before them win) anywhere in a
 * text, and the service, env and version beside them. Other keys with this ending (`parent_trace_id`) belong
 * to other records. Returns false if there are none. */
struct log_marks {
    gw_str trace, span, service, env, version;
};
bool log_ids_find(gw_str text, struct log_marks *);

#endif
