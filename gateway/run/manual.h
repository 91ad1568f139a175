/* manual.h: the manual pages and the completion of shells, made from tables when the program is built.
 *
 *   commands.def, modules.def ─▶ ddgate.1; ddgate.bash, _ddgate (zsh), ddgate.fish
 *   option rows ───────────────▶ ddgate.conf.5
 *   functions.def ─────────────▶ ddgate-pipeline.7
 *
 * They are not checked in: the build runs `ddgate --manual FOLDER`, and `make install` puts them in their places.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_MANUAL_H
#define GW_MANUAL_H

#include <stdbool.h>
#include <stdio.h>

/* Writes all of them into `dir`, which is there. False, with words on standard error, when one cannot be written. */
bool gw_manual_write(const char *dir);

/* Three functions of completion.c, one for each shell. */
void gw_completion_bash(FILE *);
void gw_completion_zsh(FILE *);
void gw_completion_fish(FILE *);

#endif
