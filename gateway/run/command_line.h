/* command_line.h: the command line, and the help about options.
 *
 *     ddgate [run] [-c FILE]     ddgate check -c FILE     ddgate health     ddgate --version     ddgate --help [exporters.stdout]
 *
 * A mistake is reported with a suggestion: `chek` with check, `ddgate FILE` with ddgate -c FILE.
 *
 * The help is made from the rows (option.h, commands.def), 80 columns wide.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMMAND_LINE_H
#define GW_COMMAND_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/err.h"

enum gw_command {
    GW_COMMAND_RUN,
    GW_COMMAND_CHECK,
    GW_COMMAND_HEALTH, /* the last that is a word */
    GW_COMMAND_VERSION,
    GW_COMMAND_HELP,
    GW_COMMAND_REFERENCE,
    GW_COMMAND_MANUAL
};

struct gw_command_line {
    enum gw_command command;
    const char *file;  /* -c; NULL: none; "-": standard input */
    bool connect;      /* --connect, of check */
    const char *topic; /* --help's; NULL: none */
    const char *dir;   /* for those who build it: --reference's is the project's folder, --manual's any */
};

/* False when the arguments are wrong; then it has printed the mistake and the correction on `errors`. */
bool gw_command_line_parse(struct gw_command_line *, int argc, char *const *argv, FILE *errors) GW_MUST_CHECK;
/* False when there is no such topic; then it has printed that on `errors`. */
bool gw_command_line_help(const char *topic, FILE *to, FILE *errors) GW_MUST_CHECK;

#endif
