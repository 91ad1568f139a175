/* folder.h: finds out whether files can be created in a folder without leaving one there; for `ddgate check`.
 *
 * Permissions are not enough: root passes them all, and no folder of /proc or /sys accepts a file. So a file
 * without a name is opened there. If the file system does not support that (NFS, say), permissions and the
 * kind of the file system decide.
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
