/* top.c: `ddgate top`: reads its arguments, asks the API of a running ddgate every two seconds, and draws on the
 * terminal's other screen. Owns the terminal's modes while it draws, and gives them back whatever ends it. Called
 * by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "gateway/run/admin_client.h"
#include "gateway/run/commands.h"
#include "gateway/run/top_draw.h"

enum { EXIT_WELL = 0, EXIT_OTHER = 1, EXIT_WRONG = 2 };
enum { COLUMNS = 400 /* of a page that no terminal cuts */, ROWS = 24, MEMORY = 64 << 20, WORDS = 600 };

static const gw_nsec REFRESH = 2 * GW_SEC, TIMEOUT = 5 * GW_SEC;

/* A page with what it points to. */
struct held {
    struct top_page page;
    struct top_client clients[TOP_CLIENTS];
    struct gw_client_answer flow, fleet;
    struct gw_arena arena;
    bool there;
};

struct top {
    const char *file, *url;
    bool once;
    struct gw_client_target target;
    struct top_view view;
    struct held held[2]; /* the last page and the one before, in turns */
    unsigned last;
    char trouble[WORDS]; /* why there was no answer; harmless */
    bool no_second_try;  /* asking again will not help */
    struct out out;
    struct termios before;
};

/* --- arguments --- */

static void print_usage(FILE *to)
{
    fputs("Usage: ddgate top [OPTIONS]\n\n"
          "Shows the flow, the exporters and the clients of the ddgate that runs on this\n"
          "machine, every two seconds.\n\n",
          to);
    gw_print_flags(to, "top");
    fputs("\nKeys: r, n, l, h sort the clients by rate, name, last request, host; a blank asks\n"
          "at once; q leaves.\n"
          "Exit codes: 1 there is no answer; 2 wrong arguments.\n",
          to);
}

static int wrong(const char *what, const char *arg)
{
    return gw_command_wrong("top", what, arg);
}

static int read_arguments(struct top *t, int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (gw_command_value(argv[i], "-c", argv, &i, &t->file) ||
            gw_command_value(argv[i], "--config", argv, &i, &t->file)) {
            if (!*t->file)
                return wrong("-c wants a file", NULL);
        } else if (gw_command_value(argv[i], "--admin", argv, &i, &t->url)) {
            if (!*t->url)
                return wrong("--admin wants an address: http://127.0.0.1:8127", NULL);
        } else if (strcmp(argv[i], "--once") == 0) {
            t->once = true;
        } else {
            return wrong("there is no such argument:", argv[i]);
        }
    }
    return EXIT_WELL;
}

/* --- asking --- */

/* The words may hold what others wrote. */
static void complain(struct top *t, unsigned status, gw_str words)
{
    char code[16] = "";
    struct out o;
    const char *then = gw_client_remedy(status);
    out_init(&o, WORDS);
    snprintf(code, sizeof code, status ? ": %u: " : ": ", status);
    out_shown(&o, gw_str_z(t->target.name), 100);
    out_word(&o, code);
    out_shown(&o, words, 200);
    out_word(&o, *then ? "; " : "");
    out_word(&o, then);
    snprintf(t->trouble, sizeof t->trouble, "%.*s", (int)o.len, o.data ? o.data : "no memory");
    out_fini(&o);
}

static bool ask(struct top *t, struct gw_client_answer *a, const char *path, gw_str *body)
{
    char why[256];
    *body = GW_NOSTR;
    if (!gw_client_open(a, &t->target, path, why, sizeof why)) {
        complain(t, 0, gw_str_z(why));
        return false;
    }
    bool whole = gw_client_read_body(a, gw_now() + TIMEOUT, body);
    if (a->status == 200 && whole)
        return true;
    if (a->status == 200)
        complain(t, 0, GW_STR("the answer did not come whole"));
    else
        complain(t, a->status, gw_client_words(*body));
    t->no_second_try = a->status >= 400 && a->status < 500 && a->status != 429;
    return false;
}

static void forget(struct held *h)
{
    gw_client_close(&h->flow);
    gw_client_close(&h->fleet);
    gw_arena_reset(&h->arena, 1 << 20);
    h->page = (struct top_page){.clients = h->clients};
    h->there = false;
}

/* The page before stays as long as there is no newer one. */
static bool fetch(struct top *t)
{
    struct held *h = &t->held[!t->last];
    gw_str flow, fleet;
    forget(h);
    t->no_second_try = false;
    if (!ask(t, &h->flow, "/api/flow", &flow) || !ask(t, &h->fleet, "/api/fleet", &fleet))
        return false;
    if (!top_read_flow(&h->page, flow, &h->arena) || !top_read_fleet(&h->page, fleet, &h->arena)) {
        complain(t, 0, GW_STR("the answer cannot be read: is it a ddgate of this version?"));
        return false;
    }
    h->there = true;
    t->last = !t->last;
    t->trouble[0] = '\0';
    return true;
}

/* --- drawing --- */

static void write_all(const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(STDOUT_FILENO, data, len);
        if (n < 0 && errno != EINTR)
            return;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void look_at_terminal(struct top *t)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
    t->view.columns = known ? size.ws_col : COLUMNS;
    t->view.rows = known ? size.ws_row : ROWS;
}

static void draw(struct top *t)
{
    struct held *h = &t->held[t->last], *before = &t->held[!t->last];
    t->view.trouble = t->trouble[0] ? t->trouble : NULL;
    top_sort(&h->page, t->view.order);
    out_reset(&t->out);
    top_draw(&t->out, &t->view, &h->page, before->there ? &before->page : NULL);
}

/* Each line is written over the old one, so that nothing flickers; the last one ends without LF, which would
 * scroll. */
static void draw_screen(struct top *t)
{
    struct out screen;
    look_at_terminal(t);
    draw(t);
    out_init(&screen, 4 << 20);
    out_word(&screen, "\x1b[H");
    for (size_t i = 0; i + 1 < t->out.len; i++)
        if (t->out.data[i] == '\n')
            out_word(&screen, "\x1b[K\r\n");
        else
            out_char(&screen, t->out.data[i]);
    out_word(&screen, "\x1b[K\x1b[J");
    write_all(screen.data, screen.len);
    out_fini(&screen);
}

/* --- the terminal --- */

static volatile sig_atomic_t ended, stopped;

static void on_signal(int number)
{
    if (number == SIGTSTP)
        stopped = 1;
    else if (number != SIGWINCH && number != SIGCONT)
        ended = number;
}

static void handle_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH, SIGCONT};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: they end a wait */
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/* No echo, each key at once; Ctrl-C and Ctrl-Z stay signals. The other screen, without a cursor or line wrap. */
static void enter(struct top *t)
{
    static const char screen[] = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
    struct termios raw = t->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    write_all(screen, sizeof screen - 1);
}

static void leave(struct top *t)
{
    static const char screen[] = "\x1b[?7h\x1b[?25h\x1b[?1049l";
    write_all(screen, sizeof screen - 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
}

/* Ctrl-Z: until somebody says go on. */
static void sleep_as_told(struct top *t)
{
    stopped = 0;
    leave(t);
    raise(SIGSTOP);
    enter(t);
}

/* False: leave. */
static bool on_key(struct top *t, char key, bool *now)
{
    static const char orders[] = "rnlh";
    const char *order = memchr(orders, key, sizeof orders - 1);
    if (order)
        t->view.order = (enum top_order)(order - orders);
    *now |= key == ' ';
    return key != 'q' && key != 'Q';
}

/* Until it is time to ask again. False: leave. */
static bool wait_for_keys(struct top *t)
{
    gw_nsec due = gw_now() + REFRESH;
    bool now = false;
    while (!now && !ended) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        gw_nsec left = due - gw_now();
        char keys[64];
        if (left <= 0)
            return true;
        int ready = poll(&in, 1, (int)(left / GW_MSEC) + 1);
        ssize_t n = ready > 0 ? read(STDIN_FILENO, keys, sizeof keys) : -1;
        if (ready > 0 && (n == 0 || in.revents & (POLLHUP | POLLERR)))
            return false; /* the terminal is gone */
        for (ssize_t i = 0; i < n; i++)
            if (!on_key(t, keys[i], &now))
                return false;
        if (stopped)
            sleep_as_told(t);
        if (ready > 0 || errno == EINTR) /* a key, another size */
            draw_screen(t);
    }
    return !ended;
}

static int refused(const struct top *t)
{
    fprintf(stderr, "ddgate top: %s\n", t->trouble);
    if (!t->no_second_try)
        fputs(
            "Is ddgate running there? Its address is admin.listen of its configuration: ddgate top -c FILE\n",
            stderr);
    return EXIT_OTHER;
}

static int watch(struct top *t)
{
    if (!fetch(t))
        return refused(t);
    if (tcgetattr(STDIN_FILENO, &t->before) != 0)
        return wrong("standard input is no terminal; --once prints one page", NULL);
    t->view.keys = true;
    t->view.color = !getenv("NO_COLOR");
    handle_signals();
    enter(t);
    draw_screen(t);
    while (wait_for_keys(t)) {
        fetch(t);
        draw_screen(t);
    }
    leave(t);
    if (!ended)
        return EXIT_WELL;
    signal(ended, SIG_DFL);
    raise(ended); /* as for other tools: the shell sees by what it was ended */
    return EXIT_OTHER;
}

static int print_once(struct top *t)
{
    if (!fetch(t))
        return refused(t);
    t->view.columns = COLUMNS;
    if (isatty(STDOUT_FILENO)) {
        look_at_terminal(t);
        t->view.color = !getenv("NO_COLOR");
    }
    t->view.rows = 0;
    draw(t);
    write_all(t->out.data, t->out.len);
    return EXIT_WELL;
}

int gw_top_command(int argc, char *const *argv, const struct gw_conf_environment *environment)
{
    char why[512];
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            return EXIT_WELL;
        }
    struct top *t = calloc(1, sizeof *t);
    if (!t)
        return EXIT_OTHER;
    out_init(&t->out, 4 << 20);
    for (int i = 0; i < 2; i++) {
        t->held[i].flow.fd = t->held[i].fleet.fd = -1;
        gw_arena_init(&t->held[i].arena, MEMORY);
    }
    int code = read_arguments(t, argc, argv);
    if (code == EXIT_WELL &&
        !gw_client_target_read(&t->target, t->file, t->url, environment, why, sizeof why)) {
        fprintf(stderr, "ddgate top: %s\n", why);
        code = EXIT_OTHER;
    } else if (code == EXIT_WELL) {
        t->view.where = t->target.name;
        code = t->once || !isatty(STDOUT_FILENO) ? print_once(t) : watch(t);
    }
    for (int i = 0; i < 2; i++) {
        forget(&t->held[i]);
        gw_arena_fini(&t->held[i].arena);
    }
    out_fini(&t->out);
    free(t);
    return code;
}
