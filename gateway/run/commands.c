/* commands.c: the tables of commands and their options, the topics of --help, and how such rows are laid out
 * for a terminal. Owns nothing that changes. Called by what prints help, manual pages and completion.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/commands.h"

#include <string.h>

#include "gateway/run/modules.h"

const struct gw_command_row gw_command_rows[] = {
#define COMMAND(name, synopsis, text) {name, synopsis, text},
#define FLAG(command, name, value, words, text)
#include "gateway/run/commands.def"
#undef COMMAND
#undef FLAG
    {NULL, NULL, NULL}};

const struct gw_flag_row gw_flag_rows[] = {
#define COMMAND(name, synopsis, text)
#define FLAG(command, name, value, words, text) {command, name, value, words, text},
#include "gateway/run/commands.def"
#undef COMMAND
#undef FLAG
    {NULL, NULL, NULL, NULL, NULL}};

bool gw_command_has_flags(const char *command)
{
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (strcmp(f->command, command) == 0)
            return true;
    return false;
}

void gw_print_wrapped(FILE *to, const char *text, int at, int indent, int width)
{
    bool first = true;
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (!first && at + 1 + len > width) {
            fprintf(to, "\n%*s", indent, "");
            at = indent;
            first = true;
        }
        fprintf(to, "%s%.*s", first ? "" : " ", len, text);
        at += len + !first;
        first = false;
        text += len + (text[len] == ' ');
    }
    fputc('\n', to);
}

void gw_print_entry(FILE *to, const char *name, const char *text)
{
    fprintf(to, "  %-*s", GW_HELP_COLUMN - 2, name);
    if (strlen(name) > GW_HELP_COLUMN - 3)
        fprintf(to, "\n%*s", GW_HELP_COLUMN, "");
    gw_print_wrapped(to, text, GW_HELP_COLUMN, GW_HELP_COLUMN, GW_HELP_WIDTH);
}

void gw_print_flags(FILE *to, const char *command)
{
    char name[64];
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (strcmp(f->command, command) == 0) {
            snprintf(name, sizeof name, "%s%s%s", f->name, *f->value ? " " : "", f->value);
            gw_print_entry(to, name, f->text);
        }
}

int gw_command_wrong(const char *command, const char *what, const char *arg)
{
    fprintf(stderr, "ddgate %s: %s%s%s\nddgate %s --help shows how it is used\n", command, what,
            arg ? " " : "", arg ? arg : "", command);
    return 2;
}

bool gw_command_value(const char *arg, const char *name, char *const *argv, int *i, const char **value)
{
    size_t len = strlen(name);
    if (strncmp(arg, name, len) != 0 || (arg[len] && arg[len] != '='))
        return false;
    *value = arg[len] ? arg + len + 1 : argv[*i + 1] ? argv[++*i] : "";
    return true;
}

void gw_each_topic(void (*topic)(void *ctx, const char *name, const char *text), void *ctx)
{
    char name[96];
    topic(ctx, "process", "Options of the process itself, at the top level of FILE.");
    topic(ctx, "receivers", "The receivers, and how to write a list of them.");
    topic(ctx, "exporters", "The exporters, and how to write a list of them.");
    for (const struct gw_receiver *const *r = gw_receivers; *r; r++) {
        snprintf(name, sizeof name, "receivers.%s", (*r)->name);
        topic(ctx, name, (*r)->summary);
    }
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++) {
        snprintf(name, sizeof name, "exporters.%s", (*e)->name);
        topic(ctx, name, (*e)->summary);
    }
}
