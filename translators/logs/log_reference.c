/* log_reference.c: Prints docs/reference/logs.md from the tables by which records are read. Keeps no state.
 * Called by `ddgate --reference`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_keys.h"

static const char *place_name(enum log_role role)
{
    static const char *const places[] = {
        [ROLE_TIME] = "time",
        [ROLE_SECOND] = "time (seconds)",
        [ROLE_NANO] = "time (nanoseconds)",
        [ROLE_HOST] = "resource `host.name`",
        [ROLE_SERVICE] = "resource `service.name`",
        [ROLE_ENV] = "resource `deployment.environment.name`",
        [ROLE_VERSION] = "resource `service.version`",
        [ROLE_STATUS] = "severity number and text",
        [ROLE_TRACE] = "trace id",
        [ROLE_SPAN] = "span id",
        [ROLE_MESSAGE] = "body",
        [ROLE_LINE] = "body; a line that is read in its turn",
        [ROLE_LOGGER] = "scope name",
        [ROLE_SOURCE] = "`datadog.log.source`; finds the script of an item",
        [ROLE_TAGS] = "`service`, `env`, `version`, `host`: resource; the others attributes",
        [ROLE_THREAD] = "`thread.name`",
        [ROLE_FUNCTION] = "`code.function.name`",
        [ROLE_PATH] = "`code.file.path`",
        [ROLE_PLACE] = "`code.line.number`",
        [ROLE_CALLER] = "`code.file.path`, `code.line.number`",
        [ROLE_ERROR] = "`exception.type`",
        [ROLE_REASON] = "`exception.message`",
        [ROLE_STACK] = "`exception.stacktrace`",
    };
    return places[role];
}

static void print_keys(FILE *to)
{
    static const struct {
        const char *key;
        enum log_role role;
    } rows[] = {
#define KEY(text, role) {text, ROLE_##role},
#include "translators/logs/log_keys.def"
#undef KEY
    };
    fputs("\n## Keys of JSON log lines\n\n| key | goes to |\n| --- | --- |\n", to);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(to, "| `%s` | %s |\n", rows[i].key, place_name(rows[i].role));
}

static void print_words(FILE *to)
{
    static const struct {
        const char *word;
        int number;
    } rows[] = {
#define SEVERITY(text, number, kind) {text, number},
#include "translators/logs/log_severity.def"
#undef SEVERITY
    };
    fputs("\n## Words of levels\n\n| SeverityNumber | words, in any case |\n| --- | --- |\n", to);
    for (int number = 1; number <= 24; number++) {
        bool any = false;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (rows[i].number == number) {
                if (any)
                    fprintf(to, ", `%s`", rows[i].word);
                else
                    fprintf(to, "| %d | `%s`", number, rows[i].word);
                any = true;
            }
        fputs(any ? " |\n" : "", to);
    }
}

void log_keys_reference(FILE *to)
{
    fputs("# What is found in log lines\n\nMade by `make reference` from translators/logs/log_keys.def and "
          "log_severity.def. How they are "
          "used: "
          "[logs.md](../logs.md).\n\nOf the keys of one place the first in this list wins, the others stay "
          "attributes; so does a value that "
          "does not fit its place.\nA nested object counts as its path: `{\"dd\": {\"trace_id\": …}}` is "
          "`dd.trace_id`. Keys that begin with "
          "`dd.` "
          "or `dd_`, and an object `dd`, count at any depth.\n",
          to);
    print_keys(to);
    print_words(to);
}
