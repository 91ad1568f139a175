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
/* An entry for each option of the command. */
void gw_print_flags(FILE *, const char *command);

/* For commands that read their arguments themselves. Reports a mistake on standard error, with the way to help:
 * `arg` is shown behind the words; NULL: nothing is. Returns the exit code for it. */
int gw_command_wrong(const char *command, const char *what, const char *arg);
/* True if `arg` is the option `name`, written "NAME VALUE" or "NAME=VALUE". Returns its value (empty if there is
 * none), and moves *i on to it. argv ends with a NULL. */
bool gw_command_value(const char *arg, const char *name, char *const *argv, int *i, const char **value);
/* Calls `topic` once for each topic of --help that is a group of options or a module, with its
 * description. */
void gw_each_topic(void (*topic)(void *ctx, const char *name, const char *text), void *ctx);

#endif
