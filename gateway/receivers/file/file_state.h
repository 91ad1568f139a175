/* file_state.h: where a receiver keeps its offsets, and that nobody else does.
 *
 *   offsets = "/x/app.offsets"   that file
 *   offsets = "/x/state/"        a folder, made if need be; the name in it follows from the receiver's first path
 *   left out                     the first of these folders that can be written:
 *                                $STATE_DIRECTORY (systemd), /var/lib/ddgate, $XDG_STATE_HOME/ddgate, ~/.local/state/ddgate
 *
 * Beside it stands a lock: two readers with one state would each believe what the other one delivered.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_STATE_H
#define GW_FILE_STATE_H

#include "core/config/option.h"

/* Puts the file's name into out; "" when there is no place, or `option` is not one: then why (FILE_ERROR_SIZE
 * bytes) says what is wrong. Makes folders unless `check`. */
void file_state_find(gw_str option, gw_str first_path, bool check, char *out, size_t size, char *why);
/* OURS: *lock is a descriptor that holds the lock of the state. Else why says what is wrong: OTHERS, somebody
 * else has it; NONE, it cannot be made. */
enum file_lock {
    FILE_LOCK_OURS,
    FILE_LOCK_OTHERS,
    FILE_LOCK_NONE
} file_state_lock(const char *state, int *lock, char *why);
/* A file of this name that is not ours is renamed, for a person to look at, and `why` is logged. */
void file_state_set_aside(const char *state, const char *component, const char *why);

#endif
