/* main.c: Runs the process: its environment, the order of start and stop, signals, exit codes. Owns the
 * pipeline and the current configuration. gateway.h is the chapter to read first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/panic.h"
#include "core/base/scrub.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/ledger_report.h"
#include "gateway/run/address_space.h"
#include "gateway/run/check_connect.h"
#include "gateway/run/command_line.h"
#include "gateway/run/configuration.h"
#include "gateway/run/explain.h"
#include "gateway/run/health.h"
#include "gateway/run/manual.h"
#include "gateway/run/modules.h"
#include "gateway/run/notify.h"
#include "gateway/run/pipeline.h"
#include "gateway/run/pipeline_command.h"
#include "gateway/run/reference.h"
#include "gateway/run/tap.h"
#include "gateway/run/test_command.h"
#include "gateway/run/top.h"
#include "translators/text/zone.h"

static const gw_nsec LAST_WORDS = 2 * GW_SEC; /* for what standard error has not taken yet */

/* A stop that takes longer than this logs what it waits for. */
static const gw_nsec QUICK_STOP = 250 * GW_MSEC; /* below a second */

enum { EXIT_WELL = 0, EXIT_OTHER = 1, EXIT_CONFIGURATION = 2, EXIT_LOST = 3, EXIT_UNREAD = 128 + SIGPIPE };

/* Request bodies and frames are around a megabyte: from the heap they cost a pointer move, from mmap page
 * faults every time. Larger ones are rare, and would leave unused holes. */
static void tune_memory(void)
{
    gw_address_space_spare();
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

/* Every connection is a descriptor, and every tracer keeps one or two; the soft limit is often 1024 for
 * select()'s sake only. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The signals that end us are waited for, in no handler; every thread inherits the mask. A closed pipe is an
 * error of write. */
static void block_signals(sigset_t *ours)
{
    sigemptyset(ours);
    sigaddset(ours, SIGTERM);
    sigaddset(ours, SIGINT);
    sigaddset(ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ours, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* so is a file that may not grow */
    /* these mean nothing here, and would end the process */
    static const int nothing[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        signal(nothing[i], SIG_IGN);
    for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
        signal(number, SIG_IGN);
}

struct hurry {
    struct gw_pipeline *pipeline;
    const sigset_t *signals;
    int number; /* the signal that began the stop */
    gw_nsec grace_period;
    bool stored;      /* undelivered data stays on the disk */
    atomic_bool over; /* set before the SIGHUP that main sends when the drain is over */
};

static uint64_t undelivered(const struct gw_ledger_view *view, unsigned exporter)
{
    uint64_t n = 0;
    for (int i = 0; i < GW_SIGNALS; i++)
        n += view->signal[i].exporter[exporter].at[GW_QUEUED] +
             view->signal[i].exporter[exporter].at[GW_IN_PROCESS];
    return n;
}

/* For each exporter that still delivers: what, for how long at most, and how to end that. */
static void report_drain(const struct hurry *h)
{
    struct gw_ledger_view *view = calloc(1, sizeof *view);
    const char *again = h->number == SIGINT ? "Ctrl-C" : "SIGTERM";
    double seconds = (double)h->grace_period / (double)GW_SEC;
    if (!view)
        return;
    gw_pipeline_ledger(h->pipeline, view);
    for (unsigned e = 0; e < view->exporters; e++) {
        uint64_t n = undelivered(view, e);
        if (n && h->stored)
            gw_log_each(GW_INFO, "ddgate",
                        "delivering %llu item%s to %s, at most %.4g s; %s again leaves the rest on the disk",
                        (unsigned long long)n, n == 1 ? "" : "s", view->exporter_name[e], seconds, again);
        else if (n)
            gw_log_each(GW_INFO, "ddgate", "delivering %llu item%s to %s, at most %.4g s; %s again gives up",
                        (unsigned long long)n, n == 1 ? "" : "s", view->exporter_name[e], seconds, again);
    }
    free(view);
}

/* Of a signal from outside; SIGTERM of our own (stdin.c at its end, pipeline.c without a reader) does not count. */
static bool is_second_signal(int number, const siginfo_t *info)
{
    return number > 0 && number != SIGHUP && info->si_pid != getpid();
}

/* Thread: logs what a stop waits for; a second signal ends the drain. */
static void *wait_for_hurry(void *arg)
{
    const struct timespec quick = {.tv_nsec = QUICK_STOP};
    struct hurry *h = arg;
    bool reported = false, second = false;
    while (!second && !atomic_load(&h->over)) {
        siginfo_t info = {.si_pid = getpid()}; /* what an interrupted wait leaves */
        int number = reported ? sigwaitinfo(h->signals, &info) : sigtimedwait(h->signals, &info, &quick);
        second = is_second_signal(number, &info);
        if (number < 0 && errno == EAGAIN) {
            report_drain(h);
            reported = true;
        }
    }
    if (!atomic_load(&h->over))
        gw_pipeline_hurry(h->pipeline);
    return NULL;
}

static void drain(struct gw_pipeline *p, const sigset_t *signals, int number, const struct gw_conf *conf)
{
    gw_nsec grace_period = conf->process.shutdown_timeout;
    struct hurry hurry = {.pipeline = p,
                          .signals = signals,
                          .number = number,
                          .grace_period = grace_period,
                          .stored = conf->process.storage_directory.len};
    pthread_t thread;
    bool watched =
        gw_thread_start(&thread, &(struct gw_thread){"signals", "ddgate", wait_for_hurry, &hurry}, NULL);
    gw_pipeline_stop(p, grace_period);
    if (watched) {
        atomic_store(&hurry.over, true);
        pthread_kill(thread, SIGHUP);
        pthread_join(thread, NULL);
    }
}

/* Words at the end, in the log's form or in plain text. */
static void log_items(uint64_t n, const char *what)
{
    char text[128];
    if (!n)
        return;
    if (gw_log_for_machines()) {
        gw_log(GW_WARNING, "ddgate", "%llu accepted items %s", (unsigned long long)n, what);
        return;
    }
    int len = snprintf(text, sizeof text, "ddgate: %llu accepted items %s\n", (unsigned long long)n, what);
    gw_log_text(text, (size_t)len);
}

static void print_ledger(const struct gw_ledger_view *view)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return;
    gw_log_for_machines() ? gw_ledger_json(to, view) : gw_ledger_print(to, view);
    if (fclose(to) == 0 && len && gw_log_for_machines()) {
        text[len - 1] = '\0'; /* its newline */
        gw_log_object(GW_INFO, "ddgate", "the ledger", "ledger", text);
    } else if (text) {
        gw_log_text(text, len);
    }
    free(text);
}

static int close_ledger(struct gw_pipeline *p)
{
    struct gw_ledger_view *view = calloc(1, sizeof *view);
    if (!view)
        return EXIT_OTHER;
    gw_pipeline_ledger(p, view);
    print_ledger(view);
    uint64_t lost = gw_ledger_lost(view), stored = gw_ledger_stored(view);
    int code = !gw_ledger_balanced(view) ? EXIT_OTHER : lost ? EXIT_LOST : EXIT_WELL;
    log_items(stored, "wait on the disk for the next start");
    log_items(lost, "were not delivered");
    free(view);
    return code;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

static const struct gw_conf_environment conf_environment = {gw_receivers, gw_exporters, environment};

static void set_log(const struct gw_conf *conf)
{
    gw_log_level((enum gw_level)conf->process.log_level);
    gw_log_format((enum gw_log_format)conf->process.log_format);
}

/* Prints all of them: each as a log line, or as text. */
static void print_diagnostics(struct gw_diagnostics *diagnostics, bool as_lines)
{
    char *text = NULL, *rest;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return;
    gw_diagnostics_print(diagnostics, to);
    fclose(to);
    if (!as_lines)
        gw_log_text(text, len);
    for (char *line = strtok_r(text, "\n", &rest); line && as_lines; line = strtok_r(NULL, "\n", &rest)) {
        struct gw_log_site site = {0};
        if (*line == ' ') /* the text of the file, for people */
            continue;
        gw_log_at(&site, strstr(line, ": warning: ") ? GW_WARNING : GW_ERROR, "configuration", "%s", line);
    }
    free(text);
}

static void print_running(struct gw_pipeline *p)
{
    char *hints = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&hints, &n);
    if (to) {
        gw_pipeline_hint(p, to);
        fclose(to);
    }
    bool has_hints = n && *hints == ' '; /* of receivers; the page's line is no example */
    const char *first = has_hints ? "ddgate " DDGATE_VERSION
                                    " is running. Point an application at it, for example:\n"
                                  : "ddgate " DDGATE_VERSION " is running.\n";
    gw_log_text(first, strlen(first));
    gw_log_text(hints, n);
    free(hints);
}

/* Prints the next steps, for people. */
static void greet(struct gw_pipeline *p)
{
    if (gw_log_for_machines()) {
        gw_log(GW_INFO, "ddgate", "ddgate " DDGATE_VERSION " is running");
        return;
    }
    print_running(p);
}

/* Reads the file again. The configuration that is in place from now on: the new one, or, when something is
 * wrong with that, the old. */
static struct gw_conf *read_again(struct gw_pipeline *p, const char *file, struct gw_conf *old)
{
    if (file && strcmp(file, "-") == 0) {
        gw_log(GW_ERROR, "ddgate",
               "the configuration came from standard input and cannot be read again: nothing was changed");
        return old;
    }
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct gw_conf *conf = diagnostics ? gw_conf_read(file, &conf_environment, diagnostics) : NULL;
    bool good = conf && gw_pipeline_reload(p, conf, diagnostics);
    if (diagnostics)
        print_diagnostics(diagnostics, gw_log_for_machines());
    if (!good)
        gw_log(GW_ERROR, "ddgate", "the configuration was read again and has mistakes: nothing was changed");
    gw_diagnostics_drop(diagnostics);
    gw_conf_drop(good ? old : conf);
    if (!good)
        return old;
    set_log(conf);
    return conf;
}

/* A closed terminal sends SIGHUP as well: then ddgate stops. */
static bool terminal_is_gone(bool had_one)
{
    return had_one && tcgetpgrp(STDIN_FILENO) < 0;
}

/* The next signal. While a component is retired, it is checked every second; a watchdog is notified in time; the
 * history gets a step every ten seconds. */
static int wait_for_signal(struct gw_pipeline *p, const sigset_t *signals)
{
    int number = -1;
    while (number < 0) {
        bool retired = gw_pipeline_reap(p);
        gw_nsec nap = gw_notify_watchdog(), tick = gw_pipeline_tick(p);
        nap = tick < nap ? tick : nap;
        nap = retired && nap > GW_SEC ? GW_SEC : nap;
        struct timespec most = {.tv_sec = nap / GW_SEC, .tv_nsec = nap % GW_SEC};
        number = nap == GW_NEVER ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &most);
    }
    return number;
}

/* Runs until a signal asks for a stop. */
static int work(struct gw_pipeline *p, const char *file, struct gw_conf **conf, const sigset_t *signals)
{
    bool terminal = tcgetpgrp(STDIN_FILENO) >= 0;
    int number;
    while ((number = wait_for_signal(p, signals)) == SIGHUP && !terminal_is_gone(terminal)) {
        gw_notify_reloading();
        *conf = read_again(p, file, *conf);
        gw_notify_ready();
    }
    return number;
}

static int run(struct gw_pipeline *p, const char *file, struct gw_conf **conf, const sigset_t *signals)
{
    if (!gw_pipeline_start(p)) {
        gw_pipeline_stop(p, 0);
        return EXIT_OTHER;
    }
    greet(p);
    gw_notify_ready();
    int number = work(p, file, conf, signals);
    if (gw_pipeline_unread(p))
        gw_log(GW_INFO, "ddgate",
               "the reader of standard output left, and there is no other exporter: ddgate is stopping");
    else
        gw_log(GW_INFO, "ddgate", "%s: ddgate is stopping", strsignal(number));
    gw_notify_stopping((*conf)->process.shutdown_timeout);
    drain(p, signals, number, *conf);
    int code = close_ledger(p);
    return code != EXIT_OTHER && gw_pipeline_unread(p) ? EXIT_UNREAD : code;
}

/* After `ddgate check`: what would run. */
static void print_plan(const char *file, const struct gw_pipeline *p,
                       const struct gw_diagnostics *diagnostics)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return;
    fprintf(to, "%s: ok\n", strcmp(file, "-") == 0 ? "standard input" : file);
    gw_pipeline_print(p, diagnostics, to);
    fclose(to);
    if (text)
        fwrite(text, 1, gw_scrub(text, n), stdout);
    free(text);
}

static void report_no_memory(void)
{
    static const char text[] = "ddgate: not enough memory to start\n";
    gw_log_text(text, sizeof text - 1);
}

static void check_zone(struct gw_diagnostics *diagnostics)
{
    const char *unknown = zone_local_unknown();
    if (unknown)
        gw_config_warning(
            diagnostics, "TZ",
            "\"%s\" is not a time zone (is tzdata installed?): times without a zone are read as UTC",
            unknown);
}

/* Opens the configuration and runs it, or only checks it. */
static int execute(const struct gw_command_line *cli, struct gw_conf **at, struct gw_diagnostics *diagnostics,
                   const sigset_t *signals)
{
    struct gw_conf *conf = *at;
    bool check = cli->command == GW_COMMAND_CHECK;
    struct gw_pipeline *p = gw_pipeline_new(conf, check || gw_diagnostics_errors(diagnostics));
    if (!p) {
        report_no_memory();
        return EXIT_OTHER;
    }
    int code = EXIT_WELL;
    check_zone(diagnostics);
    if (check || gw_address_space_check(gw_pipeline_threads(p), conf->process.max_memory, diagnostics))
        gw_pipeline_open(p, diagnostics);
    print_diagnostics(diagnostics, gw_log_for_machines() && !check && !gw_diagnostics_errors(diagnostics));
    if (gw_diagnostics_errors(diagnostics))
        code = EXIT_CONFIGURATION;
    else if (check) {
        print_plan(cli->file, p, diagnostics);
        fflush(stdout);
        code = cli->connect && !gw_check_connect(p, stdout) ? EXIT_OTHER : EXIT_WELL;
    } else
        code = run(p, cli->file, at, signals);
    gw_pipeline_drop(p);
    return code;
}

static int configured(const struct gw_command_line *cli, const sigset_t *signals)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct gw_conf *conf = diagnostics ? gw_conf_read(cli->file, &conf_environment, diagnostics) : NULL;
    int code = EXIT_OTHER;
    if (conf && conf->unread) {
        print_diagnostics(diagnostics, false);
        code = EXIT_CONFIGURATION;
    } else if (conf) {
        set_log(conf);
        code = execute(cli, &conf, diagnostics, signals);
    } else {
        report_no_memory();
    }
    gw_conf_drop(conf);
    gw_diagnostics_drop(diagnostics);
    return code;
}

/* Where one of the three is closed, the next thing that is opened would be it: a line of the log would go into a socket or
 * into the disk queue. Libraries open descriptors of their own before main. */
static void open_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) < 0)
            return; /* there is no way to report it */
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_libraries)(void) = open_standard_descriptors;

/* As a program ends that does not handle SIGPIPE: shells and service managers know that. */
static void end_by_sigpipe(void)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(SIGPIPE);
}

/* Commands beside a gateway, which read their arguments themselves. */
typedef int separate_f(int argc, char *const *argv, const struct gw_conf_environment *);
static const struct {
    const char *name;
    separate_f *run;
} separate[] = {{"explain", gw_explain_command},
                {"pipeline", gw_pipeline_command},
                {"tap", gw_tap_command},
                {"test", gw_test_command},
                {"top", gw_top_command}};

static separate_f *find_separate(const char *name)
{
    for (size_t i = 0; i < sizeof separate / sizeof *separate; i++)
        if (strcmp(separate[i].name, name) == 0)
            return separate[i].run;
    return NULL;
}

int main(int argc, char **argv)
{
    struct gw_command_line cli;
    sigset_t signals;
    gw_panic_install();
    gw_thread_works_for("ddgate");
    setlocale(LC_ALL, "C");
    separate_f *run_alone = argc > 1 ? find_separate(argv[1]) : NULL;
    if (run_alone)
        return run_alone(argc - 2, argv + 2, &conf_environment);
    if (!gw_command_line_parse(&cli, argc, argv, stderr))
        return EXIT_CONFIGURATION;
    switch (cli.command) {
    case GW_COMMAND_VERSION:
        puts("ddgate " DDGATE_VERSION);
        return EXIT_WELL;
    case GW_COMMAND_HELP:
        return gw_command_line_help(cli.topic, stdout, stderr) ? EXIT_WELL : EXIT_CONFIGURATION;
    case GW_COMMAND_REFERENCE:
        return gw_reference_write(cli.dir) ? EXIT_WELL : EXIT_OTHER;
    case GW_COMMAND_MANUAL:
        return gw_manual_write(cli.dir) ? EXIT_WELL : EXIT_OTHER;
    case GW_COMMAND_HEALTH:
        return gw_health(cli.file, &conf_environment) ? EXIT_WELL : EXIT_OTHER;
    case GW_COMMAND_RUN:
    case GW_COMMAND_CHECK:
        break;
    }
    tune_memory();
    raise_descriptors();
    block_signals(&signals);
    if (cli.command == GW_COMMAND_RUN)
        gw_notify_begin();
    if (cli.command == GW_COMMAND_RUN && !gw_log_start())
        gw_log(GW_WARNING, "ddgate",
               "no thread could be started for the log: a standard error that is not read can block ddgate");
    int code = configured(&cli, &signals);
    gw_log_stop(LAST_WORDS);
    gw_secrets_forget();
    if (code == EXIT_UNREAD)
        end_by_sigpipe();
    return code;
}
