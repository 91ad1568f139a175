/* tap.c: `ddgate tap`: reads its arguments, follows the API of a running ddgate, and prints. Owns its connections and
 * buffers until it returns. Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/tap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/url.h"
#include "gateway/run/admin_client.h"
#include "gateway/run/commands.h"
#include "gateway/run/tap_print.h"

enum { EXIT_WELL = 0, EXIT_OTHER = 1, EXIT_WRONG = 2 };
enum { TRACES, LOGS, STREAMS };
/* Traces that wait to be printed whole, and those of which a further part is known as one. */
enum { PENDING = 256, KNOWN = 1024, ID = 33, FILTER = 4096, MEMORY = 256 << 20, KEEP = 1 << 20 };

/* A trace whose parts come in several requests is fetched when nothing more came for this long, … */
static const gw_nsec QUIET = 700 * GW_MSEC, LONGEST_WAIT = 3 * GW_SEC;
static const gw_nsec AGAIN = 500 * GW_MSEC, FETCH_TIMEOUT = 5 * GW_SEC;

struct pending {
    char id[ID];
    gw_nsec due, last; /* … and then at the latest */
};

struct tap {
    /* arguments */
    const char *file, *url, *color;
    bool wants[STREAMS], tree, json, otlp;
    char filter[FILTER];
    /* */
    struct gw_client_target target;
    struct gw_client_answer streams[STREAMS];
    struct gw_arena arena;
    struct out out;
    struct pretty how;
    struct pending pending[PENDING];
    size_t pending_n;
    char known[KNOWN][ID];
    size_t known_at;
};

static const char *const paths[STREAMS] = {[TRACES] = "/api/traces", [LOGS] = "/api/logs"};

/* --- arguments --- */

static void print_usage(FILE *to)
{
    fputs("Usage: ddgate tap [OPTIONS] [FILTER...]\n\n"
          "Shows what passes through the ddgate that runs on this machine, as it comes: a\n"
          "line for each trace and log record.\n\n",
          to);
    gw_print_flags(to, "tap");
    fputs("\nFILTER are words that must all hold: service:web, name:\"GET /a\", status:error,\n"
          "min:200ms, max:1s, kind:server, host:NAME, trace:ID, severity:warn, key=value, or\n"
          "any text; -word negates.\n"
          "Exit codes: 1 there is no answer; 2 wrong arguments or filter.\n",
          to);
}

static int wrong(const char *what, const char *arg)
{
    return gw_command_wrong("tap", what, arg);
}

static bool set_flag(struct tap *t, const char *arg)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--traces", &t->wants[TRACES]},
                 {"--logs", &t->wants[LOGS]},
                 {"--tree", &t->tree},
                 {"--json", &t->json},
                 {"--otlp", &t->otlp}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(arg, flags[i].name) == 0)
            return *flags[i].flag = true;
    return false;
}

/* A word of the filter; a blank stands between two. */
static bool add_word(struct tap *t, const char *word)
{
    size_t len = strlen(t->filter);
    int n = snprintf(t->filter + len, sizeof t->filter - len, "%s%s", len ? " " : "", word);
    return n >= 0 && (size_t)n < sizeof t->filter - len;
}

/* A negation begins with '-' and is no option. */
static bool is_option(const char *arg)
{
    return strncmp(arg, "--", 2) == 0 || strcmp(arg, "-c") == 0 || strcmp(arg, "-h") == 0;
}

static int read_arguments(struct tap *t, int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *color = NULL;
        if (gw_command_value(arg, "-c", argv, &i, &t->file) ||
            gw_command_value(arg, "--config", argv, &i, &t->file)) {
            if (!*t->file)
                return wrong(arg, "wants a file");
        } else if (gw_command_value(arg, "--admin", argv, &i, &t->url)) {
            if (!*t->url)
                return wrong(arg, "wants an address: http://127.0.0.1:8127");
        } else if (gw_command_value(arg, "--color", argv, &i, &color)) {
            if (strcmp(color, "auto") && strcmp(color, "always") && strcmp(color, "never"))
                return wrong(arg, "is auto, always or never");
            t->color = color;
        } else if (is_option(arg) && !set_flag(t, arg)) {
            return wrong("there is no such option:", arg);
        } else if (!is_option(arg) && !add_word(t, arg)) {
            return wrong("the filter is longer than 4 KiB", NULL);
        }
    }
    if (t->json + t->otlp + t->tree > 1)
        return wrong("of --tree, --json and --otlp one can be there", NULL);
    if (t->otlp && t->wants[LOGS])
        return wrong("--otlp is for traces, which have their logs with them", NULL);
    t->wants[TRACES] |= t->otlp;
    if (!t->wants[TRACES] && !t->wants[LOGS])
        t->wants[TRACES] = t->wants[LOGS] = true;
    return EXIT_WELL;
}

/* --- output --- */

/* SIGPIPE ends us when the reader has gone, as it does other tools. */
static void flush_output(struct tap *t)
{
    for (size_t at = 0; at < t->out.len;) {
        ssize_t n = write(STDOUT_FILENO, t->out.data + at, t->out.len - at);
        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    out_reset(&t->out);
}

static void look_at_terminal(struct tap *t)
{
    struct winsize size;
    bool terminal = isatty(STDOUT_FILENO);
    t->how.columns = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    t->how.color =
        strcmp(t->color, "always") == 0 || (strcmp(t->color, "auto") == 0 && terminal && !getenv("NO_COLOR"));
}

/* The words of an answer, or ours, which may hold what others wrote. */
static void complain(struct tap *t, const char *what, gw_str words)
{
    struct out o;
    out_init(&o, 4096);
    out_word(&o, "ddgate tap: ");
    out_shown(&o, gw_str_z(t->target.name), 200);
    out_word(&o, what);
    out_shown(&o, words, 400);
    out_char(&o, '\n');
    fwrite(o.data, 1, o.len, stderr);
    out_fini(&o);
}

/* --- what comes --- */

/* True if a line of this trace was printed. */
static bool remember(struct tap *t, gw_str id)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (gw_str_eq(gw_str_z(t->known[i]), id))
            return true;
    snprintf(t->known[t->known_at], ID, "%.*s", GW_FMT(id));
    t->known_at = (t->known_at + 1) % KNOWN;
    return false;
}

/* False when too many wait. */
static bool postpone(struct tap *t, gw_str id)
{
    gw_nsec now = gw_now();
    for (size_t i = 0; i < t->pending_n; i++)
        if (gw_str_eq(gw_str_z(t->pending[i].id), id)) {
            gw_nsec due = now + QUIET;
            t->pending[i].due = due < t->pending[i].last ? due : t->pending[i].last;
            return true;
        }
    if (t->pending_n == PENDING)
        return false;
    struct pending *p = &t->pending[t->pending_n++];
    *p = (struct pending){.due = now + QUIET, .last = now + LONGEST_WAIT};
    snprintf(p->id, ID, "%.*s", GW_FMT(id));
    return true;
}

/* An id goes into a path. */
static bool is_id(gw_str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!gw_char_in(id.ptr[i], "0123456789abcdef"))
            return false;
    return id.len && id.len < ID;
}

static void show_trace(struct tap *t, gw_str line)
{
    struct tap_trace trace;
    if (!tap_read_trace(&t->arena, line, &trace))
        return;
    if ((t->tree || t->otlp) && is_id(trace.trace_id) && postpone(t, trace.trace_id))
        return;
    trace.grown = remember(t, trace.trace_id);
    tap_put_trace(&t->out, &t->arena, &t->how, &trace);
}

static void show_line(struct tap *t, int stream, gw_str line)
{
    gw_arena_reset(&t->arena, KEEP);
    if (!line.len || *line.ptr != '{')
        return; /* a beat */
    uint64_t missed = tap_read_missed(&t->arena, line);
    if (missed) {
        char words[64];
        snprintf(words, sizeof words, "%llu were not shown: tap reads too slowly",
                 (unsigned long long)missed);
        complain(t, ": ", gw_str_z(words));
    } else if (t->json) {
        tap_put_json(&t->out, line);
    } else if (stream == TRACES) {
        show_trace(t, line);
    } else {
        tap_put_log(&t->out, &t->arena, &t->how, t->tree, line); /* others stand in their trees */
    }
}

/* A whole trace. One that the ring has lost since then is not there any more. */
static void show_whole(struct tap *t, const char *id)
{
    struct gw_client_answer a;
    char path[128], why[256];
    gw_str body;
    snprintf(path, sizeof path, "/api/traces/%s", id);
    if (!gw_client_open(&a, &t->target, path, why, sizeof why))
        return; /* the streams will tell */
    if (a.status == 200 && gw_client_read_body(&a, gw_now() + FETCH_TIMEOUT, &body)) {
        gw_arena_reset(&t->arena, KEEP);
        if (t->otlp)
            tap_put_json(&t->out, body);
        else
            tap_put_tree(&t->out, &t->arena, &t->how, body);
    }
    gw_client_close(&a);
}

static void show_due(struct tap *t)
{
    for (size_t i = 0; i < t->pending_n;) {
        if (t->pending[i].due > gw_now()) {
            i++;
            continue;
        }
        show_whole(t, t->pending[i].id);
        flush_output(t);
        memmove(&t->pending[i], &t->pending[i + 1], (--t->pending_n - i) * sizeof *t->pending);
    }
}

/* --- the streams --- */

enum opened { OPENED, NOT_NOW, NEVER };

static enum opened refused(struct tap *t, struct gw_client_answer *a)
{
    gw_str body = GW_NOSTR;
    unsigned status = a->status;
    gw_client_read_body(a, gw_now() + FETCH_TIMEOUT, &body);
    char what[64];
    snprintf(what, sizeof what, ": %u: ", status);
    complain(t, what, gw_client_words(body));
    if (*gw_client_remedy(status))
        fprintf(stderr, "%s\n", gw_client_remedy(status));
    return status == 503 || status == 429 ? NOT_NOW : NEVER;
}

static enum opened open_stream(struct tap *t, int stream, bool quietly, int *code)
{
    struct gw_client_answer *a = &t->streams[stream];
    char path[3 * FILTER + 128], why[256];
    snprintf(path, sizeof path, "%s?follow=1%s", paths[stream], *t->filter ? "&filter=" : "");
    gw_url_add(path, sizeof path, gw_str_z(t->filter));
    if (!gw_client_open(a, &t->target, path, why, sizeof why)) {
        if (!quietly) {
            complain(t, ": ", gw_str_z(why));
            fputs("Is ddgate running there? Its address is admin.listen of its configuration: ddgate tap -c "
                  "FILE\n",
                  stderr);
        }
        return NOT_NOW;
    }
    if (a->status == 200)
        return OPENED;
    *code = a->status == 400 ? EXIT_WRONG : EXIT_OTHER;
    enum opened opened = refused(t, a);
    gw_client_close(a);
    return opened;
}

static void close_streams(struct tap *t)
{
    for (int i = 0; i < STREAMS; i++)
        gw_client_close(&t->streams[i]);
}

static enum opened open_streams(struct tap *t, bool quietly, int *code)
{
    enum opened opened = OPENED;
    for (int i = 0; i < STREAMS && opened == OPENED; i++)
        if (t->wants[i])
            opened = open_stream(t, i, quietly, code);
    if (opened != OPENED)
        close_streams(t);
    return opened;
}

/* The reader of standard output, where that is a pipe, has gone. */
static bool is_unread(const struct pollfd *out)
{
    return out->revents & (POLLERR | POLLNVAL);
}

/* Waits, and prints what comes. False when a connection ended. */
static bool follow(struct tap *t, bool *unread)
{
    struct pollfd fds[STREAMS + 1] = {{.fd = t->streams[TRACES].fd, .events = POLLIN},
                                      {.fd = t->streams[LOGS].fd, .events = POLLIN},
                                      {.fd = STDOUT_FILENO}};
    gw_nsec next = GW_NEVER;
    for (size_t i = 0; i < t->pending_n; i++)
        next = t->pending[i].due < next ? t->pending[i].due : next;
    gw_nsec left = next == GW_NEVER ? GW_NEVER : next - gw_now();
    poll(fds, STREAMS + 1, next == GW_NEVER ? -1 : left > 0 ? (int)(left / GW_MSEC) + 1 : 0);
    *unread = is_unread(&fds[STREAMS]);
    bool open = true;
    for (int i = 0; i < STREAMS && !*unread; i++) {
        gw_str line;
        if (fds[i].fd >= 0 && fds[i].revents)
            open &= gw_client_receive(&t->streams[i]);
        while (fds[i].fd >= 0 && gw_client_next_line(&t->streams[i], &line))
            show_line(t, i, line);
        flush_output(t);
    }
    show_due(t);
    return open;
}

/* Until there is a ddgate again. */
static enum opened reopen(struct tap *t, bool *unread, int *code)
{
    enum opened opened = NOT_NOW;
    close_streams(t);
    t->pending_n = 0;
    complain(t, ": the connection ended; tap goes on when ddgate is back", GW_NOSTR);
    while (opened == NOT_NOW && !*unread) {
        struct pollfd out = {.fd = STDOUT_FILENO};
        poll(&out, 1, (int)(AGAIN / GW_MSEC));
        *unread = is_unread(&out);
        if (!*unread)
            opened = open_streams(t, true, code);
    }
    if (opened == OPENED)
        complain(t, ": it is back", GW_NOSTR);
    return opened;
}

static int run(struct tap *t)
{
    bool unread = false;
    int code = EXIT_OTHER;
    enum opened opened = open_streams(t, false, &code);
    while (opened == OPENED && !unread) {
        look_at_terminal(t);
        if (!follow(t, &unread) && !unread)
            opened = reopen(t, &unread, &code);
    }
    close_streams(t);
    if (unread)
        raise(SIGPIPE); /* as a write would */
    return code;
}

int gw_tap_command(int argc, char *const *argv, const struct gw_conf_environment *environment)
{
    char why[512];
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            return EXIT_WELL;
        }
    struct tap *t = calloc(1, sizeof *t);
    if (!t)
        return EXIT_OTHER;
    t->color = "auto";
    t->streams[TRACES].fd = t->streams[LOGS].fd = -1;
    gw_arena_init(&t->arena, MEMORY);
    out_init(&t->out, GW_CLIENT_BODY);
    int code = read_arguments(t, argc, argv);
    if (code == EXIT_WELL &&
        !gw_client_target_read(&t->target, t->file, t->url, environment, why, sizeof why)) {
        fprintf(stderr, "ddgate tap: %s\n", why);
        code = EXIT_OTHER;
    } else if (code == EXIT_WELL) {
        code = run(t);
    }
    out_fini(&t->out);
    gw_arena_fini(&t->arena);
    free(t);
    return code;
}
