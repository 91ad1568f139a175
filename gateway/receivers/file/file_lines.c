/* file_lines.c: finds the ends of lines in units of one, two or four bytes. Pure functions. Called by
 * file_multiline.c and file_tail.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/file/file_lines.h"

/* The unit at `at` is the ASCII character c. */
static bool is_unit(const char *buf, size_t at, char c, struct file_unit u)
{
    size_t low = u.big ? u.width - 1 : 0;
    for (size_t i = 0; i < u.width; i++)
        if (buf[at + i] != (i == low ? c : '\0'))
            return false;
    return true;
}

static size_t find_wide(const char *buf, size_t at, size_t n, struct file_unit u)
{
    size_t low = u.big ? u.width - 1 : 0;
    for (size_t i = at; i + u.width <= n;) {
        const char *hit = memchr(buf + i + low, '\n', n - i - low);
        if (!hit)
            return n;
        size_t unit = at + ((size_t)(hit - buf) - at) / u.width * u.width;
        if (unit + u.width <= n && is_unit(buf, unit, '\n', u))
            return unit;
        i = unit + u.width;
    }
    return n;
}

size_t file_line_feed(const char *buf, size_t at, size_t n, struct file_unit u)
{
    if (u.width > 1)
        return find_wide(buf, at, n, u);
    const char *hit = at < n ? memchr(buf + at, '\n', n - at) : NULL;
    return hit ? (size_t)(hit - buf) : n;
}

size_t file_line_chomp(const char *buf, size_t from, size_t to, struct file_unit u)
{
    return to - from >= u.width && is_unit(buf, to - u.width, '\r', u) ? to - u.width : to;
}

size_t file_line_skip_hole(const char *buf, size_t at, size_t to, struct file_unit u)
{
    while (at + u.width <= to && is_unit(buf, at, '\0', u))
        at += u.width;
    return at;
}

bool file_line_is_blank(const char *buf, size_t from, size_t to, struct file_unit u)
{
    for (size_t at = from; at + u.width <= to; at += u.width)
        if (!is_unit(buf, at, ' ', u) && !is_unit(buf, at, '\t', u) && !is_unit(buf, at, '\r', u))
            return false;
    return true;
}
