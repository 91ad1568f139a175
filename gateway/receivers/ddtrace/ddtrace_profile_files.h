/* ddtrace_profile_files.h: an upload's files in a folder, and names that are safe there.
 *
 * Threads: any, each on its own folder.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROFILE_FILES_H
#define GW_DDTRACE_PROFILE_FILES_H

#include <dirent.h>

#include "gateway/receivers/ddtrace/ddtrace_profile.h"

enum { DDTRACE_PROFILE_NAME = 96, DDTRACE_PROFILE_BLOCK = 4096 };

/* A name as it is, or one of letters, digits, '.', '_' and '-' with a hash, so that no two become one: no path, not hidden, at most
 * 80 bytes. */
void ddtrace_profile_safe_name(gw_str, char out[static DDTRACE_PROFILE_NAME]);
/* Writes event.json and the files into the folder, which is empty. *bytes: their size in blocks. Returns
 * false with errno; some of the files may exist then. */
bool ddtrace_profile_write_files(int folder, const struct ddtrace_profile *, uint64_t *bytes);
/* Lists the names in a folder; the caller keeps its descriptor. Returns NULL with errno. */
DIR *ddtrace_profile_list_folder(int folder);
/* Takes away the files in a folder, and none that is no file of ours. */
void ddtrace_profile_empty_folder(int folder);
/* Returns the size of the files in a folder, in blocks. */
uint64_t ddtrace_profile_measure_folder(int folder);

#endif
