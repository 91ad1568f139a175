/* scratch.h: a test's folders, removed when its program ends: also where a test failed.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRATCH_FOLDERS = 1024, SCRATCH_PATH = 64 };

static char scratch_paths[SCRATCH_FOLDERS][SCRATCH_PATH];
static unsigned scratch_n;

/* Those that a test removed itself are forgotten. */
static inline void scratch_forget(void)
{
    unsigned left = 0;
    for (unsigned i = 0; i < scratch_n; i++)
        if (access(scratch_paths[i], F_OK) == 0)
            memmove(scratch_paths[left++], scratch_paths[i], SCRATCH_PATH);
    scratch_n = left;
}

static inline void scratch_remove(void)
{
    char command[SCRATCH_PATH + 16];
    scratch_forget();
    for (unsigned i = 0; i < scratch_n; i++) {
        snprintf(command, sizeof command, "rm -rf '%s'", scratch_paths[i]);
        if (system(command) != 0)
            fprintf(stderr, "%s is left\n", scratch_paths[i]);
    }
}

/* mkdtemp(3) */
static inline char *scratch_folder(char *pattern)
{
    static bool registered;
    if (scratch_n == SCRATCH_FOLDERS)
        scratch_forget();
    if (scratch_n == SCRATCH_FOLDERS || strlen(pattern) >= SCRATCH_PATH || !mkdtemp(pattern))
        return NULL;
    registered = registered || atexit(scratch_remove) == 0;
    strcpy(scratch_paths[scratch_n++], pattern);
    return pattern;
}

#endif
