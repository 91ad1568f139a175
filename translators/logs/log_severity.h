/* log_severity.h: converts a log level to OpenTelemetry's SeverityNumber: words by log_severity.def, numbers
 * by their dialect.
 *
 *     0 … 7     syslog, GELF: 0 is the worst
 *     10 … 60   pino and bunyan: 30 is info …
 *     10 … 50   … but Python: 20 is info, 50 is critical
 *
 * Pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_SEVERITY_H
#define LOG_SEVERITY_H

#include "core/base/str.h"

enum { LOG_SEVERITY_INFO = 9 };

/* 0: not a level. slog's "INFO+2" is one. */
int log_severity_word(gw_str);
/* The same for a word of a text line that may be prose: there `http`, `note` and single letters are not
 * levels. */
int log_severity_plain(gw_str);
/* *word is the dialect's name for the number. */
int log_severity_number(int64_t, bool python, gw_str *word);

#endif
