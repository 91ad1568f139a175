/* regular_file.h: opens a file that a configuration names. Only a regular file of a known size will do: a pipe that
 * nobody writes into would be waited for without end, a device or a file of gigabytes would be read without end.
 *
 * Threads: any. Ownership: the caller closes what it gets.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_REGULAR_FILE_H
#define GW_REGULAR_FILE_H

#include <stddef.h>
#include <stdio.h>

/* For reading. NULL with errno: EISDIR, ENOTSUP (a pipe, a device, a socket), EFBIG (more than `most` bytes), what
 * the system says. */
FILE *gw_regular_file_open(const char *path, size_t most);
/* "No such file or directory", "it is no regular file", … */
const char *gw_regular_file_error(int error);

#endif
