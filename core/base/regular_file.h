/* regular_file.h: opens a file that a configuration names. It must be a regular file of limited size:
 * opening a pipe without a writer would wait forever, and a device or a file of gigabytes would be read
 * without end.
 *
 * Threads: any. Ownership: the caller closes the returned file.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_REGULAR_FILE_H
#define GW_REGULAR_FILE_H

#include <stddef.h>
#include <stdio.h>

/* Opens for reading. NULL with errno: EISDIR, ENOTSUP (a pipe, a device, a socket), EFBIG (more than `most`
 * bytes), or the system's error. */
FILE *gw_regular_file_open(const char *path, size_t most);
/* "No such file or directory", "it is no regular file", … */
const char *gw_regular_file_error(int error);

#endif
