/* file_lines.h: where a line ends, in bytes of any encoding that a log is written in.
 *
 * In UTF-8, GBK, Latin-1 and every other encoding that keeps ASCII, a line feed is the byte 0x0a and nothing
 * else is. In UTF-16 and UTF-32 it is a whole code unit, 0x000a; the byte 0x0a is also half of other
 * characters. Offsets are then multiples of the unit.
 *
 * A carriage return before the line feed belongs to the end of the line. NUL bytes at the beginning of a line
 * are a hole: a file that was truncated under a writer that does not append begins with as many as it had
 * bytes before.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_LINES_H
#define GW_FILE_LINES_H

#include "core/base/str.h"

/* One code unit: 1, 2 or 4 bytes, and whether the most significant byte comes first. */
struct file_unit {
    unsigned width;
    bool big;
};

/* Offset of the first line feed at `at`, the start of a unit, or after it; n if there is none. */
size_t file_line_feed(const char *buf, size_t at, size_t n, struct file_unit);
/* `to` without the carriage return, if there is one before it, of a line that begins at `from`. */
size_t file_line_chomp(const char *buf, size_t from, size_t to, struct file_unit);
/* The first unit at or behind `at` that is not NUL; `to` when all are. */
size_t file_line_skip_hole(const char *buf, size_t at, size_t to, struct file_unit);
/* The line has no unit but blanks (space, tab, carriage return). */
bool file_line_is_blank(const char *buf, size_t from, size_t to, struct file_unit);

#endif
