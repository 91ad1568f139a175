/* log_write.h: one LogRecord, written in one go: all lengths are known before the first byte.
 * Threads: one; it writes into the caller's buffer.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_WRITE_H
#define LOG_WRITE_H

#include "translators/logs/log_found.h"

/* Appends a LogRecord as an element of ScopeLogs. Returns the offset, from its beginning, of the 16 bytes of
 * a trace id with only 64 known bits; 0 when there is none. */
uint32_t log_write(struct otlp_buf *, const struct log_found *, uint64_t observed,
                   const struct otlp_buf *attrs);

#endif
