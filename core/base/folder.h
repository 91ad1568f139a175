/* folder.h: whether files can be made in a folder, found out without leaving one there: what a start would do, for
 * `ddgate check`.
 *
 * Permissions alone do not tell: root passes them all, and no folder of /proc or /sys takes a file. A file without a name is opened there;
 * where a file system has none (NFS, say), permissions and the kind of the file system decide.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FOLDER_H
#define GW_FOLDER_H

#include <stdbool.h>

/* False with errno. */
bool gw_folder_takes_files(const char *path);

#endif
