/* line_ids.h: how line protocol has trace and span ids.
 * Threads: const data.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LINE_IDS_H
#define GW_LINE_IDS_H

/* As 64-bit decimals, or as OpenTelemetry writes them, 32 and 16 hexadecimal digits. The words of option ids. */
enum line_ids { LINE_IDS_DECIMAL, LINE_IDS_HEX };

#endif
