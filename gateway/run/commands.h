/* commands.h: the rows of commands.def, for the code that prints them: --help (command_line.c), the manual
 * page (manual.c), completion (completion.c), `ddgate pipeline --help`.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMMANDS_H
#define GW_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

struct gw_command_row {
    const char *name, *synopsis, *text;
};

struct gw_flag_row {
    const char *command, *name, *value, *words, *text;
};

/* Each ends with a row whose name is NULL. */
extern const struct gw_command_row gw_command_rows[];
extern const struct gw_flag_row gw_flag_rows[];

/* It has options of its own, and reads its arguments itself. */
bool gw_command_has_flags(const char *command);

enum { GW_HELP_WIDTH = 80, GW_HELP_COLUMN = 24 };

/* Words in lines of at most `width` columns; the first begins at column `at`, the others at `indent`. */
void gw_print_wrapped(FILE *, const char *text, int at, int indent, int width);
/* "  name                  text …" */
void gw_print_entry(FILE *, const char *name, const char *text);
/* Calls `topic` once for each topic of --help that is a group of options or a module, with its
 * description. */
void gw_each_topic(void (*topic)(void *ctx, const char *name, const char *text), void *ctx);

#endif
