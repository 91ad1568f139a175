/* log_write.h: one LogRecord, written in one go: all lengths are known before the first byte.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_WRITE_H
#define LOG_WRITE_H

#include "translators/logs/log_found.h"

/* Appends a LogRecord as an element of ScopeLogs. Returns where, from its beginning, the 16 bytes of a trace
 * id stand of which only the lower 64 bits are known; 0 when there is none such. */
uint32_t log_write(struct otlp_buf *, const struct log_found *, uint64_t observed,
                   const struct otlp_buf *attrs);

#endif
