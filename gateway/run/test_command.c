/* test_command.c: The command `ddgate test`: reads its arguments, finds the cases of a folder, runs and compares them. Owns everything
 * until it returns. Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/run/test_command.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/run/commands.h"
#include "gateway/run/json_diff.h"
#include "gateway/run/test_case.h"

enum { EXIT_WELL = 0, EXIT_FAILED = 1, EXIT_WRONG = 2, DIFF_LINES = 60, EXPECTED_MAX = 64 << 20 };

struct tests {
    const char *folder;
    bool update, coloured;
    const struct gw_conf_environment *environment;
    struct dirent **names;
    int n;
    unsigned passed, failed, written;
};

/* --- arguments --- */

static int wrong(const char *what, const char *arg)
{
    return gw_command_wrong("test", what, arg);
}

static void print_usage(FILE *to)
{
    fputs("Usage: ddgate test [--update] DIR\n"
          "\n"
          "Tests what ddgate makes of requests and log lines, for your CI. In DIR:\n"
          "\n"
          "  NAME.request.json     spans, as in /v0.4/traces, or an OTLP request\n"
          "  NAME.request.*        any other request that ddgate explain reads\n"
          "  NAME.lines            log lines; NAME.p is the script that reads them, if any\n"
          "  NAME.conf             options of this case; else ddgate.conf of DIR, if any\n"
          "  NAME.expected.json    what is to be sent, as OTLP/JSON\n"
          "\n",
          to);
    gw_print_flags(to, "test");
    fputs("\n"
          "Exit codes: 0 all passed; 1 one failed; 2 wrong arguments, or DIR has no case.\n",
          to);
}

static int read_arguments(struct tests *t, int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--update") == 0)
            t->update = true;
        else if (*argv[i] == '-' && argv[i][1])
            return wrong("there is no such option:", argv[i]);
        else if (t->folder)
            return wrong("one DIR at a time, not also", argv[i]);
        else
            t->folder = argv[i];
    }
    return t->folder ? EXIT_WELL : wrong("DIR is missing", NULL);
}

/* --- the folder --- */

static bool has_file(const struct tests *t, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", t->folder, name);
    return access(path, F_OK) == 0;
}

/* The length of NAME in an input's name; 0: it is none. */
static size_t case_name(const struct tests *t, const char *file, bool *lines)
{
    gw_str name = gw_str_z(file);
    char body[NAME_MAX + 8];
    const char *request = strstr(file, ".request");
    *lines = gw_str_ends(name, GW_STR(".lines"));
    if (*lines)
        return name.len - strlen(".lines");
    if (!request || request == file || (request[8] && request[8] != '.'))
        return 0;
    if (gw_str_ends(name, GW_STR(".request.json"))) { /* beside a body it is the head of the request */
        snprintf(body, sizeof body, "%.*s.bin", (int)(name.len - strlen(".json")), file);
        if (has_file(t, body))
            return 0;
    }
    return (size_t)(request - file);
}

/* --- one case --- */

static void begin_line(const struct tests *t, bool passed, const char *name)
{
    const char *colour = !t->coloured ? "" : passed ? "\033[32m" : "\033[31m";
    printf("%s%-5s%s %s", colour, passed ? "ok" : "FAIL", *colour ? "\033[0m" : "", name);
}

static void print_indented(const char *text, size_t len)
{
    gw_str rest = gw_str_n(text, len), line;
    while (rest.len && gw_str_next(&rest, '\n', &line))
        if (line.len)
            printf("      %.*s\n", GW_FMT(line));
}

/* False: there is no such file, or it is wrong, as is then printed. */
static bool read_expected(const char *path, char **text, size_t *len, struct gw_err *err)
{
    char *raw = NULL;
    size_t n = 0, room = 0;
    FILE *from = fopen(path, "rbe");
    *text = NULL;
    *len = 0;
    if (!from) {
        gw_fail(err, GW_NOT_FOUND, 0, "%s", strerror(errno));
        return false;
    }
    while (!feof(from) && !ferror(from) && n < EXPECTED_MAX) {
        if (n == room && !(raw = realloc(raw, room = room ? 2 * room : 1 << 16)))
            break;
        n += fread(raw + n, 1, room - n, from);
    }
    bool good = raw && !ferror(from) && gw_json_in_lines(gw_str_n(raw, n), text, len, err);
    fclose(from);
    free(raw);
    return good;
}

static bool write_expected(const char *path, const char *text, size_t len)
{
    FILE *to = fopen(path, "wbe");
    bool good = to && fwrite(text, 1, len, to) == len;
    if (to)
        good = fclose(to) == 0 && good;
    if (!good)
        fprintf(stderr, "ddgate test: %s: %s\n", path, strerror(errno));
    return good;
}

static void report_difference(struct tests *t, const char *name, const char *expected, gw_str want,
                              gw_str got)
{
    begin_line(t, false, name);
    printf(": differs from %s (- expected, + sent)\n", expected);
    gw_diff_print(stdout, want, got, DIFF_LINES, t->coloured);
    t->failed++;
}

static void update(struct tests *t, const char *name, const char *path, const char *expected, gw_str got)
{
    if (!write_expected(path, got.ptr, got.len)) {
        t->failed++;
        return;
    }
    printf("wrote %s: %s\n", name, expected);
    t->written++;
}

static void compare(struct tests *t, const char *name, gw_str got)
{
    char expected[NAME_MAX + 20], path[PATH_MAX], *want;
    size_t len;
    struct gw_err err = {0};
    snprintf(expected, sizeof expected, "%s.expected.json", name);
    snprintf(path, sizeof path, "%s/%s", t->folder, expected);
    bool there = read_expected(path, &want, &len, &err);
    bool same = there && gw_str_eq(gw_str_n(want, len), got);
    if (same) {
        begin_line(t, true, name);
        putchar('\n');
        t->passed++;
    } else if (t->update) {
        update(t, name, path, expected, got);
    } else if (there) {
        report_difference(t, name, expected, gw_str_n(want, len), got);
    } else {
        begin_line(t, false, name);
        if (err.code == GW_NOT_FOUND)
            printf(": there is no %s; --update writes it\n", expected);
        else
            printf(": %s is no JSON: byte %zu: %s\n", expected, err.pos, err.what);
        t->failed++;
    }
    free(want);
}

static void run_case(struct tests *t, const struct gw_test_case *c)
{
    char *text;
    size_t len;
    if (gw_test_case_run(c, t->environment, &text, &len)) {
        compare(t, c->name, gw_str_n(text, len));
    } else {
        begin_line(t, false, c->name);
        putchar('\n');
        print_indented(text, text ? len : 0);
        t->failed++;
    }
    free(text);
    fflush(stdout);
}

static void try_file(struct tests *t, const char *file)
{
    char name[NAME_MAX + 1], own[NAME_MAX + 8], conf[PATH_MAX];
    struct gw_test_case c = {.folder = t->folder, .name = name, .input = file};
    size_t n = case_name(t, file, &c.lines);
    if (!n || n > NAME_MAX - 16)
        return;
    snprintf(name, sizeof name, "%.*s", (int)n, file);
    snprintf(own, sizeof own, "%s.conf", name);
    const char *used = has_file(t, own) ? own : has_file(t, "ddgate.conf") ? "ddgate.conf" : NULL;
    if (used) {
        snprintf(conf, sizeof conf, "%s/%s", t->folder, used);
        c.conf = conf;
    }
    run_case(t, &c);
}

/* --- all of them --- */

static int run_all(struct tests *t)
{
    t->n = scandir(t->folder, &t->names, NULL, alphasort);
    if (t->n < 0) {
        fprintf(stderr, "ddgate test: %s: %s\n", t->folder, strerror(errno));
        return EXIT_WRONG;
    }
    for (int i = 0; i < t->n; i++) {
        try_file(t, t->names[i]->d_name);
        free(t->names[i]);
    }
    free(t->names);
    if (!t->passed && !t->failed && !t->written)
        return wrong("no case is there: a file NAME.request.json or NAME.lines is one, in", t->folder);
    printf("%u passed, %u failed", t->passed, t->failed);
    if (t->written)
        printf(", %u written: look at them before you keep them", t->written);
    putchar('\n');
    return t->failed ? EXIT_FAILED : EXIT_WELL;
}

int gw_test_command(int argc, char *const *argv, const struct gw_conf_environment *environment)
{
    struct tests t = {.environment = environment, .coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            return EXIT_WELL;
        }
    int code = read_arguments(&t, argc, argv);
    if (!code)
        code = run_all(&t);
    return fflush(stdout) == 0 ? code : EXIT_FAILED;
}
