/* log_recent.h: keeps a line and the record that was made of it, for somebody who looks (core/delivery/recent.h).
 *
 * The line is kept as it came, unless a script changed or removed its message: what a script hides on purpose,
 * by cover(), replace() or drop_key(), stays hidden. Records that a script drops are not kept.
 *
 * Threads: the batch's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_RECENT_H
#define LOG_RECENT_H

#include "translators/logs/log_batch.h"

/* How the record is read: "script", "json", "logfmt", "text" or "none"; before the envelope's values join its attributes. */
gw_str log_recent_form(const struct log_batch *, const struct log_input *);
/* `record`: as an element of ScopeLogs. Call it while gw_recent_wanted(). */
void log_recent_keep(struct log_batch *, const struct log_input *, const struct log_found *, gw_str record);

#endif
