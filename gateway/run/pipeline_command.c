/* pipeline_command.c: The command `ddgate pipeline`: reads its arguments, loads scripts, runs them on
 * lines, prints the records. Owns everything that it needs until it returns. Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/pipeline_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/text.h"
#include "gateway/run/commands.h"
#include "translators/pipeline/json_in.h"
#include "translators/pipeline/point_json.h"
#include "translators/pipeline/script.h"

enum {
    EXIT_WELL = 0,
    EXIT_OTHER = 1,
    EXIT_WRONG = 2,
    SCRIPTS = 64,
    IGNORED = 32,
    RECORD_MEMORY = 64 << 20,
    LINE_MAX_BYTES = 16 << 20,
    EXPLAINED = 20 /* records that no grok matched */
};

struct
try {
    const char *script, *source;
    const struct zone *zone;
    enum sc_category category;
    struct sc_finish finish;
    gw_str ignore[IGNORED];
    bool json, pretty, coloured;
    struct sc_set *set;
    const struct sc_script *main;
    struct sc_thread *thread;
    struct gw_arena arena;
    uint64_t records, unmatched;
};

static void print_usage(FILE *to)
{
    fputs("Usage: ddgate pipeline --script FILE [OPTIONS] [FILE...]\n"
          "\n"
          "Runs a Pipeline script on every line of the files (or of standard input) and\n"
          "prints the results: one JSON object a line, on a terminal coloured and indented.\n"
          "Scripts that it uses are read from its folder.\n"
          "\n",
          to);
    gw_print_flags(to, "pipeline");
    fputs("\nExit codes: 0 success; 2 wrong arguments, or the script does not load.\n", to);
}

static int wrong(const char *what, const char *arg)
{
    return gw_command_wrong("pipeline", what, arg);
}

static bool read_all(FILE *file, char **text, size_t *len)
{
    size_t cap = 1 << 16, n;
    *text = malloc(cap);
    for (*len = 0; *text && (n = fread(*text + *len, 1, cap - *len, file)) > 0;) {
        *len += n;
        if (*len == cap) {
            char *more = cap > SC_SCRIPT_MAX ? NULL : realloc(*text, cap *= 2);
            if (!more)
                return false;
            *text = more;
        }
    }
    return *text && !ferror(file);
}

static bool read_file(const char *path, char **text, size_t *len)
{
    FILE *file = fopen(path, "rbe");
    *text = NULL;
    if (!file)
        return false;
    bool good = read_all(file, text, len);
    fclose(file);
    return good;
}

struct folder {
    struct sc_source sources[SCRIPTS];
    char *owned[2 * SCRIPTS]; /* names and texts */
    size_t n;
};

static bool add_script(struct folder *f, const char *path, const char *name)
{
    char *text, *copy = strdup(name);
    size_t len;
    if (!copy || !read_file(path, &text, &len)) {
        free(copy);
        return false;
    }
    f->owned[2 * f->n] = copy;
    f->owned[2 * f->n + 1] = text;
    f->sources[f->n++] = (struct sc_source){gw_str_z(copy), gw_str_n(text, len)};
    return true;
}

static void free_folder(struct folder *f)
{
    for (size_t i = 0; f && i < 2 * f->n; i++)
        free(f->owned[i]);
    free(f);
}

/* Adds a script that others use, from the folder of the first; false when it is not there. */
static bool add_used(struct folder *f, const char *script, gw_str name)
{
    char path[4096], base[256];
    const char *slash = strrchr(script, '/');
    if (!name.len || name.len >= sizeof base || gw_str_find(name, '/') < name.len || f->n == SCRIPTS)
        return false;
    snprintf(base, sizeof base, "%.*s", GW_FMT(name));
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - script) + 1 : 0, script, base);
    return add_script(f, path, base);
}

/* Loads the script with all that it uses, each as the one before it names it. */
static struct sc_set *load_all(struct folder *f, const char *script)
{
    for (;;) {
        struct sc_set *set = sc_load(f->sources, f->n);
        if (!set || !add_used(f, script, sc_missing(set)))
            return set;
        sc_drop(set);
    }
}

static int load(struct try *t)
{
    const char *slash = strrchr(t->script, '/'), *name = slash ? slash + 1 : t->script;
    struct folder *f = calloc(1, sizeof *f);
    if (!f || !add_script(f, t->script, name)) {
        fprintf(stderr, "ddgate pipeline: %s: %s\n", t->script, errno ? strerror(errno) : "is too large");
        free_folder(f);
        return EXIT_WRONG;
    }
    t->set = load_all(f, t->script);
    free_folder(f);
    t->main = t->set ? sc_find(t->set, gw_str_z(name)) : NULL;
    if (!t->main)
        return EXIT_OTHER;
    const struct sc_fault *fault = sc_broken(t->main);
    if (!fault)
        return EXIT_WELL;
    gw_str shown = sc_fault_show(&t->arena, fault, sc_source_text(t->set, fault->name));
    fprintf(stderr, "%.*s\n", GW_FMT(shown));
    return EXIT_WRONG;
}

/* A value of JSON input: integers stay integers, unlike in json(). */
static bool input_value(struct gw_json *j, struct gw_arena *a, struct sc_val *out)
{
    struct gw_json_number number;
    gw_str raw;
    switch (gw_json_kind(j)) {
    case GW_JSON_NUMBER:
        if (!gw_json_number(j, &number))
            return false;
        *out = number.type == GW_JSON_INT
                   ? sc_int(number.i)
                   : sc_float(number.type == GW_JSON_UINT ? (double)number.u : number.d);
        if (number.type == GW_JSON_UINT) { /* an id above 2^63 keeps its digits */
            gw_str digits = gw_arena_printf(a, "%llu", (unsigned long long)number.u);
            out->f.digits = digits.ptr;
            out->digits_len = (uint8_t)digits.len;
        }
        return true;
    case GW_JSON_STRING:
        *out = sc_str(GW_NOSTR);
        return gw_json_text(j, &out->s);
    case GW_JSON_BOOL:
        *out = sc_bool(false);
        return gw_json_bool(j, &out->b);
    default:
        return gw_json_raw(j, &raw) && sc_json_read(a, raw, out);
    }
}

static bool input_members(struct gw_json *j, struct sc_point *p, bool tags)
{
    gw_str key;
    if (!gw_json_object(j))
        return false;
    while (gw_json_member(j, &key)) {
        struct sc_val v;
        if (!input_value(j, p->arena, &v))
            return false;
        if (tags)
            sc_point_set_tag(p, key, v);
        else
            sc_point_set(p, key, v);
    }
    return true;
}

/* NULL, or the mistake in a line of JSON. */
static const char *read_json(struct sc_point *p, gw_str line)
{
    static char words[200];
    struct gw_json j;
    struct gw_err err;
    gw_str key, text;
    gw_json_init(&j, line, p->arena);
    if (gw_json_object(&j))
        while (gw_json_member(&j, &key)) {
            if (gw_str_eq(key, GW_STR("message")) && gw_json_text(&j, &text))
                sc_point_set(p, key, sc_str(text));
            else if (gw_str_eq(key, GW_STR("source")))
                gw_json_text(&j, &p->name);
            else if (gw_str_eq(key, GW_STR("fields")) || gw_str_eq(key, GW_STR("tags")))
                input_members(&j, p, *key.ptr == 't');
            else
                gw_json_skip(&j);
        }
    if (gw_json_end(&j))
        return NULL;
    gw_json_fail(&j, &err);
    snprintf(words, sizeof words, "input: byte %zu: %s", err.pos, err.what);
    return words;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* No grok of the script matched: which part of each did not. */
static void explain(struct try *t)
{
    gw_str why;
    if (!sc_matched_nothing(t->thread) || t->unmatched++ >= EXPLAINED)
        return;
    fflush(stdout);
    for (size_t i = 0; (why = sc_explain_miss(t->thread, i, &t->arena)).len; i++)
        fprintf(stderr, "record %llu: %.*s\n", (unsigned long long)t->records + 1, GW_FMT(why));
}

static void run_line(struct try *t, gw_str line)
{
    struct sc_point p;
    struct sc_fault fault = {.set = false};
    struct sc_env env = {.arena = &t->arena, .thread = t->thread, .now = now(), .zone = t->zone};
    gw_arena_reset(&t->arena, 1 << 20);
    sc_point_init(&p, &t->arena, gw_str_z(t->source), env.now);
    p.category = t->category;
    const char *bad = t->json ? read_json(&p, line) : NULL;
    if (!t->json)
        sc_point_set(&p, GW_STR("message"), sc_str(line));
    if (bad) {
        snprintf(fault.text, sizeof fault.text, "%s", bad);
        fault.set = true;
    } else if (sc_run(t->main, &env, &p, &fault)) {
        sc_point_finish(&p, &t->finish);
    }
    t->arena.spent = false; /* what the script made is kept, to be shown */
    if (!bad)
        explain(t);
    struct gw_arena out;
    gw_arena_init(&out, 4 * (size_t)RECORD_MEMORY);
    struct gw_text b = {.arena = &out};
    sc_point_json(&b, &p, fault.set ? &fault : NULL, t->pretty, t->coloured);
    gw_text_put_char(&b, '\n');
    fwrite(b.ptr, 1, b.len, stdout);
    gw_arena_fini(&out);
    t->records++;
}

static bool run_stream(struct try *t, FILE *file, const char *name)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, file)) >= 0) {
        if (len && line[len - 1] == '\n')
            len--;
        if (len > LINE_MAX_BYTES) {
            fprintf(stderr, "ddgate pipeline: %s: a line is longer than %d bytes, and left out\n", name,
                    LINE_MAX_BYTES);
            continue;
        }
        run_line(t, gw_str_n(line, (size_t)len));
    }
    free(line);
    return !ferror(file) && fflush(stdout) == 0;
}

static int run(struct try *t, int n, const char *const *files)
{
    bool good = true;
    if (!n)
        return run_stream(t, stdin, "standard input") ? EXIT_WELL : EXIT_OTHER;
    for (int i = 0; i < n; i++) {
        FILE *file = strcmp(files[i], "-") == 0 ? stdin : fopen(files[i], "rbe");
        if (!file) {
            fprintf(stderr, "ddgate pipeline: %s: %s\n", files[i], strerror(errno));
            good = false;
            continue;
        }
        good &= run_stream(t, file, files[i]);
        if (file != stdin)
            fclose(file);
    }
    return good ? EXIT_WELL : EXIT_OTHER;
}

static bool set_choice(const char *value, const char *const *words, int *out)
{
    for (*out = 0; words[*out]; ++*out)
        if (strcmp(value, words[*out]) == 0)
            return true;
    return false;
}

static int set_option(struct try *t, const char *name, const char *value)
{
    static const char *const categories[] = {"logging", "metric", "tracing", NULL}, *const inputs[] = {
                                                                                        "text", "json", NULL};
    int choice;
    if (strcmp(name, "--script") == 0) {
        t->script = value;
    } else if (strcmp(name, "--source") == 0) {
        t->source = value;
    } else if (strcmp(name, "--timezone") == 0) {
        t->zone = zone_setting(gw_str_z(value));
        if (!t->zone)
            return wrong("there is no time zone of that name (is tzdata installed?):", value);
    } else if (strcmp(name, "--category") == 0) {
        if (!set_choice(value, categories, &choice))
            return wrong("--category is logging, metric or tracing, not", value);
        t->category = (enum sc_category)choice;
    } else if (strcmp(name, "--input") == 0) {
        if (!set_choice(value, inputs, &choice))
            return wrong("--input is text or json, not", value);
        t->json = choice == 1;
    } else {
        gw_str rest = gw_str_z(value), one;
        while (t->finish.ignore_n < IGNORED && gw_str_next(&rest, ',', &one))
            t->ignore[t->finish.ignore_n++] = gw_str_trim(one);
    }
    return EXIT_WELL;
}

/* Reads one option, and its value if that is a separate argument: *at is the index of the last one. */
static int take_option(struct try *t, int argc, char *const *argv, int *at)
{
    static const char *const valued[] = {"--script", "--source",        "--timezone", "--category",
                                         "--input",  "--ignore-status", NULL};
    const char *arg = argv[*at], *equal = strchr(arg, '=');
    char name[24];
    int which;
    if (strcmp(arg, "--no-status") == 0) {
        t->finish.no_status = true;
        return EXIT_WELL;
    }
    snprintf(name, sizeof name, "%.*s", equal ? (int)(equal - arg) : (int)strlen(arg), arg);
    if (!set_choice(name, valued, &which))
        return wrong("there is no such option:", arg);
    if (!equal && *at + 1 == argc)
        return wrong(name, "wants a value");
    return set_option(t, name, equal ? equal + 1 : argv[++*at]);
}

/* Options may be among the files, and end at a "--". `files` has room for all arguments. */
static int options(struct try *t, int argc, char *const *argv, const char **files, int *n)
{
    bool ended = false;
    for (int at = 0; at < argc; at++) {
        if (ended || argv[at][0] != '-' || !argv[at][1]) {
            files[(*n)++] = argv[at];
        } else if (strcmp(argv[at], "--") == 0) {
            ended = true;
        } else {
            int code = take_option(t, argc, argv, &at);
            if (code)
                return code;
        }
    }
    return t->script ? EXIT_WELL : wrong("--script FILE is missing", NULL);
}

/* Loads the script and runs it on the files. */
static int try_files(struct try *t, int n, const char *const *files)
{
    errno = 0;
    int code = load(t);
    if (!code)
        code = (t->thread = sc_thread_new()) ? run(t, n, files) : EXIT_OTHER;
    if (t->unmatched)
        fprintf(stderr, "ddgate pipeline: no grok matched %llu of %llu records\n",
                (unsigned long long)t->unmatched, (unsigned long long)t->records);
    if (t->thread && sc_gave_up(t->thread))
        fprintf(stderr, "ddgate pipeline: expressions gave up %llu times: they took too long\n",
                (unsigned long long)sc_gave_up(t->thread));
    sc_thread_drop(t->thread);
    sc_drop(t->set);
    return code;
}

static const struct zone *default_zone(void)
{
    const char *unknown = zone_local_unknown();
    if (unknown)
        fprintf(stderr,
                "ddgate pipeline: warning: TZ: \"%s\" is not a time zone (is tzdata installed?): it is UTC "
                "here\n",
                unknown);
    return zone_local();
}

int gw_pipeline_command(int argc, char *const *argv, const struct gw_conf_environment *environment)
{
    (void)environment; /* no configuration is read */
    const char **files = calloc((size_t)argc + 1, sizeof *files);
    int n = 0;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            free(files);
            return EXIT_WELL;
        }
    struct try t = {.source = "default", .pretty = isatty(STDOUT_FILENO)};
    t.coloured = t.pretty && !getenv("NO_COLOR");
    t.finish.ignore = t.ignore;
    gw_arena_init(&t.arena, RECORD_MEMORY);
    int code = files ? options(&t, argc, argv, files, &n) : EXIT_OTHER;
    if (!t.zone)
        t.zone = default_zone();
    if (!code)
        code = try_files(&t, n, files);
    gw_arena_fini(&t.arena);
    free(files);
    return code;
}
