/* A reload of the pipeline, with components of the test's own: what is kept, replaced, added and removed, in
 * which order things happen, that a plan with mistakes changes nothing, and how what was retired is given
 * back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/wakeup.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "gateway/http/http_internal.h"
#include "gateway/run/pipeline_internal.h"

static const gw_nsec GRACE_PERIOD = 20 * GW_SEC;

/* What receivers were called for, in order: "open a, start a, …". Main thread. */
static char calls[1024];

static void call(const char *what, gw_str name)
{
    size_t n = strlen(calls);
    snprintf(calls + n, sizeof calls - n, "%s%s %.*s", n ? ", " : "", what, GW_FMT(name));
}

static void expect_calls(const char *expected)
{
    assert_string_equal(calls, expected);
    calls[0] = '\0';
}

/* --- receivers: `alone` is exclusive, `web` a site of the HTTP server --- */

#define FAKE_OPTS(X)                                                                                         \
    X(str, word, "word", "", "", "", "Its name.")                                                            \
    X(flag, broken, "broken", "false", "", "", "Cannot be opened.")                                          \
    X(str, tls_ca, "tls.ca", "", "", "", "A file.")
struct fake_conf {
    FAKE_OPTS(GW_FIELD)
};
#define GW_CONF struct fake_conf
static const struct gw_opt fake_opts[] = {FAKE_OPTS(GW_ROW) GW_OPT_END};

struct fake {
    struct fake_conf conf;
    bool opened;
    struct gw_http_site site;
    struct gw_address address;
    atomic_uint_least64_t count;
};
static const struct gw_metric metrics[] = {GW_COUNTER_AT(struct fake, count, "fake_total", "Counted."),
                                           GW_METRICS_END};

static enum gw_code open_alone(void *ctx, const struct gw_host *host, const char *path,
                               struct gw_diagnostics *diagnostics)
{
    struct fake *f = ctx;
    call(host->check ? "check" : "open", f->conf.word);
    if (f->conf.broken)
        gw_config_error(diagnostics, path, "is broken");
    f->opened = true;
    return GW_OK;
}

static void answer_word(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                        struct gw_http_reply *r)
{
    struct fake *f = ctx;
    atomic_fetch_add(&f->count, 1);
    r->body = f->conf.word;
}

static const struct gw_http_route routes[] = {{.path = "/", .methods = GW_HTTP_POST, .handle = answer_word}};

static enum gw_code open_web(void *ctx, const struct gw_host *host, const char *path,
                             struct gw_diagnostics *diagnostics)
{
    struct fake *f = ctx;
    struct gw_listen_error why;
    f->site = (struct gw_http_site){.component = "receiver=web",
                                    .routes = routes,
                                    .routes_n = 1,
                                    .ctx = f,
                                    .limits = {1 << 16, 1 << 16, 10 * GW_SEC, 60 * GW_SEC, 100}};
    if (!host->check &&
        gw_http_listen(host->http, GW_STR("127.0.0.1:0"), &f->site, &f->address, &why) != GW_LISTEN_OK)
        gw_config_error(diagnostics, path, "%s", why.text);
    return open_alone(ctx, host, path, diagnostics);
}

static void start_fake(void *ctx)
{
    call("start", ((struct fake *)ctx)->conf.word);
}

static void stop_fake(void *ctx)
{
    call("stop", ((struct fake *)ctx)->conf.word);
}

static void close_fake(void *ctx)
{
    struct fake *f = ctx;
    if (f->opened)
        call("close", f->conf.word);
}

static const struct gw_receiver alone = {.name = "alone",
                                         .opts = fake_opts,
                                         .conf_size = sizeof(struct fake_conf),
                                         .ctx_size = sizeof(struct fake),
                                         .open = open_alone,
                                         .start = start_fake,
                                         .stop = stop_fake,
                                         .close = close_fake,
                                         .metrics = metrics};
static const struct gw_receiver web = {.name = "web",
                                       .on_http = true,
                                       .opts = fake_opts,
                                       .conf_size = sizeof(struct fake_conf),
                                       .ctx_size = sizeof(struct fake),
                                       .open = open_web,
                                       .start = start_fake,
                                       .stop = stop_fake,
                                       .close = close_fake,
                                       .metrics = metrics};

/* --- exporters: one that takes everything at once, unless its word is "stall": then it waits for `released`
 * --- */

struct paper {
    struct fake_conf conf;
    bool opened;
    struct gw_wakeup wakeup;
    gw_done_f *done; /* of the request that stalls */
    void *cookie;
};
static atomic_bool released;
static atomic_uint sent, stalled, closed;
static pthread_mutex_t *watched; /* the pipeline's lock, for on_wake */
static bool was_locked;

static enum gw_code open_paper(void *ctx, const struct gw_export_host *host, const char *path,
                               struct gw_diagnostics *diagnostics)
{
    struct paper *e = ctx;
    gw_wakeup_init(&e->wakeup);
    e->opened = true;
    if (e->conf.broken)
        gw_config_error(diagnostics, path, "is broken");
    return GW_OK;
}

static void close_paper(void *ctx)
{
    struct paper *e = ctx;
    if (!e->opened)
        return;
    gw_wakeup_fini(&e->wakeup);
    atomic_fetch_add(&closed, 1);
}

static void finish_request(gw_done_f *done, void *cookie, enum gw_verdict verdict)
{
    struct gw_outcome outcome = {.verdict = verdict};
    atomic_fetch_add(&sent, verdict == GW_DONE);
    done(cookie, &outcome);
}

static void send_paper(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                       void *cookie)
{
    struct paper *e = ctx;
    if (!gw_str_eq(e->conf.word, GW_STR("stall"))) {
        finish_request(done, cookie, GW_DONE);
        return;
    }
    e->done = done;
    e->cookie = cookie;
    atomic_fetch_add(&stalled, 1);
}

static void end_request(struct paper *e, enum gw_verdict verdict)
{
    gw_done_f *done = e->done;
    e->done = NULL;
    if (done)
        finish_request(done, e->cookie, verdict);
}

static void wait_paper(void *ctx, gw_nsec until)
{
    struct paper *e = ctx;
    if (e->done && atomic_load(&released)) {
        end_request(e, GW_DONE);
        return;
    }
    gw_nsec look = gw_now() + GW_MSEC; /* at `released` */
    gw_wakeup_wait(&e->wakeup, e->done && look < until ? look : until);
}

static void cancel_paper(void *ctx)
{
    end_request(ctx, GW_RETRY);
}

static void wake_paper(void *ctx)
{
    struct paper *e = ctx;
    if (watched) {
        int rc = pthread_mutex_trylock(watched);
        was_locked &= rc != 0;
        if (rc == 0)
            pthread_mutex_unlock(watched);
    }
    gw_wakeup_signal(&e->wakeup);
}

static const struct gw_exporter paper = {.name = "paper",
                                         .signals = 1u << GW_TRACES,
                                         .opts = fake_opts,
                                         .conf_size = sizeof(struct fake_conf),
                                         .ctx_size = sizeof(struct paper),
                                         .open = open_paper,
                                         .close = close_paper,
                                         .send = send_paper,
                                         .wait = wait_paper,
                                         .cancel = cancel_paper,
                                         .wake = wake_paper};

/* --- the pipeline --- */

static const struct gw_receiver *const receivers[] = {&alone, &web, NULL};
static const struct gw_exporter *const exporters[] = {&paper, NULL};
static const char *no_env(const char *name)
{
    return NULL;
}
static const struct gw_conf_environment conf_environment = {receivers, exporters, no_env};

struct bed {
    struct gw_diagnostics *diagnostics;
    struct gw_conf *conf;
    struct gw_pipeline *pipeline;
};

#define P(word) "{ type = \"paper\"; name = \"" word "\"; word = \"" word "\"; batch = { delay = \"0s\"; }; }"
#define R(type, word) "{ type = \"" type "\"; word = \"" word "\"; }"
#define CONF(receivers, exporters)                                                                           \
    "receivers = (" receivers "); exporters = (" exporters "); admin = { listen = \"\"; };"

static struct gw_conf *read_conf(struct bed *b, const char *text)
{
    gw_diagnostics_drop(b->diagnostics);
    b->diagnostics = gw_diagnostics_new();
    struct gw_conf *conf = gw_conf_read_text(gw_str_z(text), "t.conf", &conf_environment, b->diagnostics);
    assert_non_null(conf);
    return conf;
}

static void expect_diagnostics(struct bed *b, const char *expected)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    gw_diagnostics_print(b->diagnostics, to);
    fclose(to);
    assert_string_equal(text, expected);
    free(text);
}

static struct bed *bed_new(const char *text)
{
    struct bed *b = calloc(1, sizeof *b);
    calls[0] = '\0';
    atomic_store(&released, false);
    atomic_store(&sent, 0);
    atomic_store(&stalled, 0);
    atomic_store(&closed, 0);
    b->conf = read_conf(b, text);
    b->pipeline = gw_pipeline_new(b->conf, false);
    gw_pipeline_open(b->pipeline, b->diagnostics);
    expect_diagnostics(b, "");
    assert_true(gw_pipeline_start(b->pipeline));
    calls[0] = '\0';
    return b;
}

static void bed_drop(struct bed *b)
{
    atomic_store(&released, true);
    gw_pipeline_stop(b->pipeline, 10 * GW_SEC);
    struct gw_ledger_view *view = calloc(1, sizeof *view);
    gw_pipeline_ledger(b->pipeline, view);
    assert_true(gw_ledger_balanced(view));
    assert_int_equal(gw_ledger_lost(view), 0);
    free(view);
    gw_pipeline_drop(b->pipeline);
    gw_conf_drop(b->conf);
    gw_diagnostics_drop(b->diagnostics);
    free(b);
}

static bool reload(struct bed *b, const char *text)
{
    struct gw_conf *conf = read_conf(b, text);
    bool good = gw_pipeline_reload(b->pipeline, conf, b->diagnostics);
    gw_conf_drop(good ? b->conf : conf);
    if (good)
        b->conf = conf;
    return good;
}

/* The changes of a plan in words, receivers and exporters in the order of the configuration. */
static void expect_plan(struct bed *b, const char *text, const char *expected, unsigned receivers_gone,
                        unsigned exporters_gone)
{
    static const char *const words[] = {[KEPT] = "kept", [REPLACED] = "replaced", [ADDED] = "added"};
    struct gw_conf *conf = read_conf(b, text);
    struct plan *plan = gw_plan_new(b->pipeline, conf, b->diagnostics);
    char found[256] = "";
    for (size_t i = 0; i < plan->receivers_n; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s ",
                 words[plan->receivers[i].change]);
    for (size_t i = 0; i < plan->exporters_n; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "| %s ",
                 words[plan->exporters[i].change]);
    assert_string_equal(found, expected);
    for (size_t i = 0; i < plan->running_receivers; i++)
        receivers_gone -= !plan->receiver_stays[i];
    for (size_t i = 0; i < plan->running_exporters; i++)
        exporters_gone -= !plan->exporter_stays[i];
    assert_int_equal(receivers_gone, 0);
    assert_int_equal(exporters_gone, 0);
    gw_plan_discard(plan);
    gw_conf_drop(conf);
    calls[0] = '\0';
}

static void offer(struct bed *b)
{
    struct gw_frame *f = gw_frame_new(GW_TRACES, GW_OTEL, calloc(1, 16), 16, 16, 1);
    struct gw_intake in = {.received = 1};
    struct gw_err err;
    f->arrived = gw_now();
    assert_int_equal(gw_fanout_offer(b->pipeline->fanout, GW_TRACES, &f, 1, &in, &err), GW_OK);
}

static void wait_for(const atomic_uint *number, unsigned n)
{
    for (gw_nsec until = gw_now() + GRACE_PERIOD; atomic_load(number) < n; sched_yield())
        assert_true(gw_now() < until);
}

static size_t retired_n(const struct bed *b)
{
    size_t n = 0;
    for (const struct retired *r = b->pipeline->retired; r; r = r->next)
        n++;
    return n;
}

/* --- plans --- */

static void what_each_component_is(void **state)
{
    struct bed *b = bed_new(CONF(R("alone", "a") "," R("web", "w"), P("one") "," P("two")));
    expect_plan(b, CONF(R("alone", "a") "," R("web", "w"), P("one") "," P("two")), "kept kept | kept | kept ",
                0, 0);
    expect_plan(b, CONF(R("web", "w") "," R("alone", "a"), P("two") "," P("one")), "kept kept | kept | kept ",
                0, 0);
    expect_plan(b,
                CONF(R("alone", "b") "," R("web", "x"),
                     P("one") ", { type = \"paper\"; name = \"two\"; word = \"2\"; }"),
                "replaced replaced | kept | replaced ", 0, 0);
    expect_plan(b, CONF(R("alone", "b") "," R("alone", "a"), P("three") "," P("one")),
                "added kept | added | kept ", 1, 1);
    expect_plan(b, CONF(R("web", "w") "," R("web", "x"), P("three")), "kept added | added ", 1, 2);
    expect_plan(b, CONF("{ type = \"web\"; word = \"w\"; tls = { ca = \"/x\"; }; }", P("one")),
                "replaced | kept ", 1, 1);
    bed_drop(b);
}

static void options_that_name_files_are_not_the_same(void **state)
{
#define FILES(type) "{ type = \"" type "\"; word = \"f\"; tls = { ca = \"/x\"; }; }"
    struct bed *b = bed_new(
        CONF(FILES("alone") "," FILES("web"), "{ type = \"paper\"; name = \"f\"; tls = { ca = \"/x\"; }; }"));
    expect_plan(
        b,
        CONF(FILES("alone") "," FILES("web"), "{ type = \"paper\"; name = \"f\"; tls = { ca = \"/x\"; }; }"),
        "kept replaced | replaced ", 0, 0);
    bed_drop(b);
}

static void a_receiver_that_lacks_an_address_is_tried_again(void **state)
{
    struct bed *b = bed_new(CONF(R("web", "w"), P("one")));
    ((struct fake *)b->pipeline->receivers[0].ctx)->site.incomplete = true;
    expect_plan(b, CONF(R("web", "w"), P("one")), "replaced | kept ", 0, 0);
    bed_drop(b);
}

/* --- commits --- */

static void an_exclusive_one_stops_before_its_successor_opens(void **state)
{
    struct bed *b = bed_new(CONF(R("alone", "a") "," R("alone", "k"), P("one")));
    assert_true(reload(b, CONF(R("alone", "k") "," R("alone", "b"), P("one"))));
    expect_calls("check b, close b, stop a, close a, open b, start b");
    assert_int_equal(retired_n(b), 0);
    assert_true(reload(b, CONF(R("alone", "k") "," R("alone", "b") "," R("alone", "n"), P("one"))));
    expect_calls("open n, start n");
    assert_true(reload(b, CONF(R("alone", "n"), P("one"))));
    expect_calls("stop k, close k, stop b, close b");
    bed_drop(b);
    expect_calls("stop n, close n");
}

static void a_site_is_opened_and_started_beside_its_predecessor(void **state)
{
    struct bed *b = bed_new(CONF(R("web", "a"), P("one")));
    assert_true(reload(b, CONF(R("web", "b"), P("one"))));
    expect_calls("open b, start b, stop a, close a");
    assert_true(reload(b, CONF(R("web", "b"), P("one"))));
    expect_calls("");
    bed_drop(b);
    expect_calls("stop b, close b");
}

static void a_changed_exporter_sends_what_its_predecessor_holds(void **state)
{
    struct bed *b =
        bed_new(CONF(R("alone", "a"),
                     "{ type = \"paper\"; name = \"x\"; word = \"stall\"; batch = { delay = \"0s\"; }; }"));
    offer(b);
    wait_for(&stalled, 1);
    assert_true(
        reload(b, CONF(R("alone", "a"),
                       "{ type = \"paper\"; name = \"x\"; word = \"new\"; batch = { delay = \"0s\"; }; }")));
    assert_int_equal(retired_n(b), 1);
    assert_int_equal(b->pipeline->retired->kind, RETIRED_EXPORTER);
    atomic_store(&released, true);
    offer(b);
    wait_for(&sent, 2);
    while (gw_pipeline_reap(b->pipeline))
        sched_yield();
    assert_int_equal(closed, 1);
    bed_drop(b);
    assert_int_equal(closed, 2);
}

/* --- mistakes --- */

static void a_plan_with_mistakes_changes_nothing(void **state)
{
    struct bed *b = bed_new(CONF(R("alone", "a") "," R("web", "w"), P("one") "," P("two")));
    struct gw_pipeline before = {0};
    memcpy(before.receivers, b->pipeline->receivers, sizeof before.receivers);
    memcpy(before.exporters, b->pipeline->exporters, sizeof before.exporters);
    struct table *table = b->pipeline->http->table;
    assert_false(reload(b, CONF("{ type = \"alone\"; word = \"b\"; broken = true; },\n" R(
                                    "web", "x") ",\n"
                                                "{ type = \"web\"; word = \"y\"; broken = true; }",
                                "\n{ type = \"paper\"; name = \"one\"; broken = true; }," P("three"))));
    expect_diagnostics(b, "t.conf:1: receivers[0]: is broken\nt.conf:3: receivers[2]: is broken\nt.conf:4: "
                          "exporters[0]: is broken\n");
    expect_calls("check b, close b, open x, open y, close x, close y");
    assert_memory_equal(before.receivers, b->pipeline->receivers, sizeof before.receivers);
    assert_memory_equal(before.exporters, b->pipeline->exporters, sizeof before.exporters);
    assert_int_equal(b->pipeline->receivers_n, 2);
    assert_int_equal(b->pipeline->exporters_n, 2);
    assert_int_equal(b->pipeline->host.receivers, 2);
    assert_ptr_equal(b->pipeline->http->table, table);
    assert_null(b->pipeline->http->draft);
    assert_int_equal(retired_n(b), 0);
    assert_int_equal(closed, 2); /* those of the plan */
    offer(b);
    wait_for(&sent, 2);
    assert_int_equal(b->pipeline->refused_reloads, 1);
    assert_true(reload(b, CONF(R("alone", "a") "," R("web", "w"), P("one"))));
    bed_drop(b);
}

/* --- what was retired --- */

static void reaping_goes_past_one_that_is_not_over(void **state)
{
#define STALLS "{ type = \"paper\"; name = \"slow\"; word = \"stall\"; batch = { delay = \"0s\"; }; }"
    struct bed *b = bed_new(CONF(R("alone", "a"), STALLS "," P("quick") "," P("stays")));
    offer(b);
    wait_for(&stalled, 1);
    assert_true(reload(b, CONF(R("alone", "a"), P("stays"))));
    for (gw_nsec until = gw_now() + GRACE_PERIOD; retired_n(b) > 1; sched_yield()) {
        assert_true(gw_pipeline_reap(b->pipeline));
        assert_true(gw_now() < until);
    }
    assert_int_equal(closed, 1);
    assert_true(gw_retired_delivers(b->pipeline, GW_STR("slow")));
    assert_false(gw_retired_delivers(b->pipeline, GW_STR("quick")));
    assert_int_equal(gw_retired_exporters(b->pipeline), 1);
    atomic_store(&released, true);
    while (gw_pipeline_reap(b->pipeline))
        sched_yield();
    assert_int_equal(closed, 2);
    bed_drop(b);
}

static int dial(const struct bed *b)
{
    const struct fake *f = b->pipeline->receivers[0].ctx;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval grace_period = {GRACE_PERIOD / GW_SEC, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &grace_period, sizeof grace_period);
    assert_int_equal(connect(fd, (const struct sockaddr *)&f->address.sa, f->address.len), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect_word(int fd, char word)
{
    char text[512] = "";
    size_t n = 0;
    for (ssize_t got = 1; !strstr(text, "\r\n\r\n") && got > 0; n += (size_t)got)
        assert_int_equal(got = recv(fd, text + n, 1, 0), 1);
    assert_int_equal(recv(fd, text, 1, 0), 1);
    assert_int_equal(text[0], word);
}

/* Until the receiver has so many requests, those that it took over included. */
static void wait_for_requests(const struct bed *b, uint64_t n)
{
    const struct fake *f = b->pipeline->receivers[0].ctx;
    for (gw_nsec until = gw_now() + GRACE_PERIOD; atomic_load(&f->site.counts.requests) < n; sched_yield())
        assert_true(gw_now() < until);
}

/* An upload that is not over keeps its receiver; each of three receivers in a row adds what it counts to the
 * one that runs. */
static void a_receiver_retires_until_its_last_request(void **state)
{
    static const char half[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na";
    static const char *const conf[] = {CONF(R("web", "a"), P("one")), CONF(R("web", "b"), P("one")),
                                       CONF(R("web", "c"), P("one"))};
    struct bed *b = bed_new(conf[0]);
    int fd[2];
    for (int i = 0; i < 2; i++) {
        fd[i] = dial(b);
        send_text(fd[i], half);
        wait_for_requests(b, (uint64_t)i + 1);
        assert_true(reload(b, conf[i + 1]));
    }
    expect_calls("open b, start b, open c, start c");
    assert_int_equal(retired_n(b), 2);
    assert_true(gw_pipeline_reap(b->pipeline));
    send_text(fd[1], "b");
    expect_word(fd[1], 'b');
    assert_true(gw_pipeline_reap(b->pipeline));
    expect_calls("stop b, close b"); /* the middle one; what the first counts goes to the last from now on */
    send_text(fd[0], "b");
    expect_word(fd[0], 'a');
    assert_false(gw_pipeline_reap(b->pipeline));
    expect_calls("stop a, close a");
    const struct fake *last = b->pipeline->receivers[0].ctx;
    assert_int_equal(last->count, 2);
    assert_int_equal(last->site.counts.requests, 2);
    assert_int_equal(last->site.counts.status[0], 2);
    close(fd[0]);
    close(fd[1]);
    bed_drop(b);
}

static atomic_bool measuring;

static void *measure_often(void *pipeline)
{
    const struct gw_admin_source source = gw_pipeline_source(pipeline);
    while (atomic_load(&measuring)) {
        struct gw_metrics *m = gw_metrics_new();
        source.measure(source.ctx, m);
        gw_metrics_drop(m);
    }
    return NULL;
}

static void metrics_are_read_while_it_reloads(void **state)
{
    struct bed *b = bed_new(CONF(R("web", "a"), P("one")));
    int fd = dial(b);
    pthread_t thread;
    /* so that one is retired for long */
    send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na");
    wait_for_requests(b, 1);
    atomic_store(&measuring, true);
    assert_int_equal(pthread_create(&thread, NULL, measure_often, b->pipeline), 0);
    for (int i = 0; i < 30; i++) {
        assert_true(reload(b, i % 2 ? CONF(R("web", "a"), P("one"))
                                    : CONF(R("web", "b") "," R("alone", "x"), P("two"))));
        calls[0] = '\0';
    }
    atomic_store(&measuring, false);
    pthread_join(thread, NULL);
    send_text(fd, "b");
    expect_word(fd, 'a');
    close(fd);
    bed_drop(b);
}

static void a_stop_gives_back_what_is_retired(void **state)
{
    struct bed *b = bed_new(CONF(R("web", "a"), STALLS));
    int fd = dial(b);
    offer(b);
    wait_for(&stalled, 1);
    send_text(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    expect_word(fd, 'a');
    assert_true(reload(b, CONF(R("alone", "x"), P("one"))));
    /* the connection may have one more answer by the address that is gone */
    assert_int_equal(retired_n(b), 2);
    bed_drop(b);
    close(fd);
    assert_int_equal(closed, 2);
    assert_non_null(strstr(calls, "stop a, close a"));
}

/* --- a second signal --- */

static void a_hurry_holds_the_lock_while_it_walks(void **state)
{
    struct bed *b = bed_new(CONF(R("alone", "a"), STALLS "," P("one")));
    offer(b);
    wait_for(&stalled, 1);
    assert_true(reload(b, CONF(R("alone", "a"), P("one"))));
    assert_int_equal(retired_n(b), 1);
    was_locked = true;
    watched = &b->pipeline->lock.mutex;
    gw_pipeline_hurry(b->pipeline);
    watched = NULL;
    assert_true(was_locked);
    gw_fanout_stop(b->pipeline->fanout);
    gw_pipeline_stop(b->pipeline, 0);
    gw_pipeline_drop(b->pipeline);
    gw_conf_drop(b->conf);
    gw_diagnostics_drop(b->diagnostics);
    free(b);
}

static void *hurry_often(void *pipeline)
{
    for (int i = 0; i < 200; i++)
        gw_pipeline_hurry(pipeline);
    return NULL;
}

static void a_hurry_while_main_reaps(void **state)
{
    struct bed *b =
        bed_new(CONF(R("alone", "a"),
                     P("1") "," P("2") "," P("3") "," P("4") "," P("5") "," P("6") "," P("7") "," P("one")));
    pthread_t thread;
    assert_true(reload(b, CONF(R("alone", "a"), P("one"))));
    assert_int_equal(pthread_create(&thread, NULL, hurry_often, b->pipeline), 0);
    while (gw_pipeline_reap(b->pipeline))
        sched_yield();
    pthread_join(thread, NULL);
    assert_int_equal(closed, 7);
    bed_drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_component_is),
        cmocka_unit_test(options_that_name_files_are_not_the_same),
        cmocka_unit_test(a_receiver_that_lacks_an_address_is_tried_again),
        cmocka_unit_test(an_exclusive_one_stops_before_its_successor_opens),
        cmocka_unit_test(a_site_is_opened_and_started_beside_its_predecessor),
        cmocka_unit_test(a_changed_exporter_sends_what_its_predecessor_holds),
        cmocka_unit_test(a_plan_with_mistakes_changes_nothing),
        cmocka_unit_test(reaping_goes_past_one_that_is_not_over),
        cmocka_unit_test(a_receiver_retires_until_its_last_request),
        cmocka_unit_test(metrics_are_read_while_it_reloads),
        cmocka_unit_test(a_stop_gives_back_what_is_retired),
        cmocka_unit_test(a_hurry_holds_the_lock_while_it_walks),
        cmocka_unit_test(a_hurry_while_main_reaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
