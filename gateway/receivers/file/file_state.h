/* file_state.h: finds the place of a receiver's offsets, and locks it.
 *
 *   offsets = "/x/app.offsets"   that file
 *   offsets = "/x/state/"        a folder, created if necessary; the name in it is derived from the receiver's first path
 *   not set                      the first of these folders that can be written:
 *                                $STATE_DIRECTORY (systemd), /var/lib/ddgate, $XDG_STATE_HOME/ddgate, ~/.local/state/ddgate
 *
 * A lock file is beside it: of two readers with one state, each would use the offsets of what the other one
 * delivered.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_STATE_H
#define GW_FILE_STATE_H

#include "core/config/option.h"

/* Writes the file's name to out; "" if there is no place, or `option` is not valid: then why (FILE_ERROR_SIZE
 * bytes) has the reason. Creates folders unless `check`. */
void file_state_find(gw_str option, gw_str first_path, bool check, char *out, size_t size, char *why);
/* OURS: *lock is a descriptor that holds the lock of the state. Otherwise why has the reason: OTHERS, another
 * process has it; NONE, it cannot be made. */
enum file_lock {
    FILE_LOCK_OURS,
    FILE_LOCK_OTHERS,
    FILE_LOCK_NONE
} file_state_lock(const char *state, int *lock, char *why);
/* Renames a file of this name that ddgate did not write, for a person to examine, and logs `why`. */
void file_state_set_aside(const char *state, const char *component, const char *why);

#endif
