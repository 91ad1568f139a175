/* check_connect.c: sends one item of each signal through each exporter and prints the backends' answers. Owns
 * the items until they are answered. Called by main.c, on a pipeline that was opened with `check` and is
 * never started.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/check_connect.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/random.h"
#include "core/base/scrub.h"
#include "gateway/run/pipeline_internal.h"
#include "translators/otlp/otlp_write.h"

/* After the deadline of a request, for its outcome. */
static const gw_nsec END_GRACE = 2 * GW_SEC;
/* The longest wait that a backend may ask for before the second try. */
static const gw_nsec LONGEST_PAUSE = 2 * GW_SEC;

static const char *const item_names[GW_SIGNALS] = {
    [GW_TRACES] = "span", [GW_LOGS] = "log record", [GW_METRICS] = "metric point", [GW_PROFILES] = "profile"};

/* --- the items --- */

/* Field numbers of the requests, which are alike: Export…ServiceRequest ▸ Resource… ▸ Scope… ▸ item. */
enum { RESOURCE_ITEMS = 1, RESOURCE = 1, SCOPE_ITEMS = 2, SCOPE = 1, ITEMS = 2 };

static void put_resource(struct otlp_buf *w, gw_str host_name)
{
    size_t mark = otlp_open(w, RESOURCE, 1);
    otlp_attr_text(w, 1, GW_STR("service.name"), GW_STR("ddgate-check"));
    otlp_attr_text(w, 1, GW_STR("service.version"), GW_STR(DDGATE_VERSION));
    if (host_name.len)
        otlp_attr_text(w, 1, GW_STR("host.name"), host_name);
    otlp_close(w, mark, 1);
}

static void put_scope(struct otlp_buf *w)
{
    size_t mark = otlp_open(w, SCOPE, 1);
    otlp_text(w, 1, GW_STR("ddgate check"));
    otlp_close(w, mark, 1);
}

static void put_id(struct otlp_buf *w, unsigned field, size_t n)
{
    uint64_t id[2] = {gw_random() | 1, gw_random() | 1};
    otlp_bytes(w, field, gw_str_n((const char *)id, n));
}

static void put_span(struct otlp_buf *w, enum gw_attribute_schema schema)
{
    uint64_t now = (uint64_t)gw_wall();
    put_id(w, 1, 16);
    put_id(w, 2, 8);
    otlp_text(w, 5, GW_STR("ddgate check"));
    otlp_uint(w, 6, 1); /* internal */
    otlp_fixed64(w, 7, now - GW_MSEC);
    otlp_fixed64(w, 8, now);
    if (schema != GW_OTEL) {
        otlp_attr_text(w, 9, GW_STR("operation.name"), GW_STR("ddgate.check"));
        otlp_attr_text(w, 9, GW_STR("resource.name"), GW_STR("ddgate check"));
    }
    otlp_attr_bool(w, 9, GW_STR("ddgate.check"), true);
}

static void put_record(struct otlp_buf *w)
{
    uint64_t now = (uint64_t)gw_wall();
    otlp_fixed64(w, 1, now);
    otlp_uint(w, 2, 9); /* info */
    otlp_text(w, 3, GW_STR("INFO"));
    size_t body = otlp_open(w, 5, 1);
    otlp_any_text(w, GW_STR("a test of ddgate check --connect"));
    otlp_close(w, body, 1);
    otlp_attr_bool(w, 6, GW_STR("ddgate.check"), true);
    otlp_fixed64(w, 11, now);
}

static void put_metric(struct otlp_buf *w)
{
    otlp_text(w, 1, GW_STR("ddgate.check"));
    otlp_text(w, 2, GW_STR("1: ddgate check --connect was here."));
    size_t gauge = otlp_open(w, 5, 1), point = otlp_open(w, 1, 1);
    otlp_fixed64(w, 3, (uint64_t)gw_wall());
    otlp_fixed64(w, 6, 1);
    otlp_attr_bool(w, 7, GW_STR("ddgate.check"), true);
    otlp_close(w, point, 1);
    otlp_close(w, gauge, 1);
}

static struct gw_frame *make_frame(enum gw_signal signal, enum gw_attribute_schema schema, gw_str host_name)
{
    struct otlp_buf w = {0};
    size_t resource = otlp_open(&w, RESOURCE_ITEMS, 2);
    put_resource(&w, host_name);
    size_t scope = otlp_open(&w, SCOPE_ITEMS, 2);
    put_scope(&w);
    size_t item = otlp_open(&w, ITEMS, 2);
    if (signal == GW_TRACES)
        put_span(&w, schema);
    else if (signal == GW_LOGS)
        put_record(&w);
    else
        put_metric(&w);
    otlp_close(&w, item, 2);
    otlp_close(&w, scope, 2);
    otlp_close(&w, resource, 2);
    struct gw_frame *f = w.failed ? NULL : gw_frame_new(signal, schema, w.data, w.len, w.cap, 1);
    if (!f)
        otlp_fini(&w);
    return f;
}

/* --- one request --- */

struct attempt {
    struct gw_batch batch;
    struct gw_frame *frame;
    struct gw_outcome outcome;
    bool done;
    gw_nsec began, ended;
};

static void on_done(void *cookie, const struct gw_outcome *o)
{
    struct attempt *a = cookie;
    a->outcome = *o;
    for (size_t i = 0; o->left && i < a->batch.n; i++)
        if (o->left[i] && o->left[i] != a->frame)
            gw_frame_drop(o->left[i]);
    a->ended = gw_now();
    a->done = true;
}

static void wait_for(const struct exporter *e, const struct attempt *a, gw_nsec until)
{
    while (!a->done && gw_now() < until) {
        if (e->module->hurry)
            e->module->hurry(e->ctx);
        e->module->wait(e->ctx, until);
    }
}

static void send_once(const struct exporter *e, struct attempt *a)
{
    gw_nsec timeout = e->entry->sender.timeout;
    a->batch = (struct gw_batch){
        .signal = a->frame->signal, .n = 1, .bytes = a->frame->len, .items = 1, .frames = &a->frame};
    a->done = false;
    a->began = gw_now();
    e->module->send(e->ctx, &a->batch, timeout, on_done, a);
    wait_for(e, a, a->began + timeout + END_GRACE);
    if (a->done)
        return;
    e->module->cancel(e->ctx);
    wait_for(e, a, gw_now() + END_GRACE);
}

/* A backend that is busy may take it a moment later; one that is away, or does not answer, is not asked twice. */
static void send_twice_at_most(const struct exporter *e, struct attempt *a)
{
    send_once(e, a);
    if (!a->done || a->outcome.verdict != GW_RETRY || a->outcome.unreachable ||
        a->outcome.retry_after > LONGEST_PAUSE)
        return;
    const struct timespec pause = {.tv_sec = a->outcome.retry_after / GW_SEC,
                                   .tv_nsec = a->outcome.retry_after % GW_SEC};
    nanosleep(&pause, NULL);
    send_once(e, a);
}

/* --- the report --- */

static bool is_taken(const struct attempt *a)
{
    return a->done &&
           ((a->outcome.verdict == GW_DONE && !a->outcome.rejected) || a->outcome.verdict == GW_DISCARDED);
}

static const char *words_of(const struct attempt *a)
{
    if (!a->done)
        return "there was no answer";
    if (*a->outcome.text)
        return a->outcome.text;
    return a->outcome.verdict == GW_TIMED_OUT ? "there was no answer within `timeout`"
                                              : "no reason was given";
}

static const char *remedy_of(const struct attempt *a)
{
    if (a->done && a->outcome.remedy)
        return a->outcome.remedy;
    if (!a->done || a->outcome.verdict == GW_TIMED_OUT)
        return "Check that the address is the backend's and no firewall is between; option timeout is how "
               "long is waited.";
    if (a->outcome.unreachable)
        return "Start the backend, or correct the address; check names, ports and firewalls.";
    if (a->outcome.verdict == GW_RETRY)
        return "The backend does not take data at the moment: look at its own log.";
    return "The backend refused it: look at its own log for the reason.";
}

static void print_outcome(FILE *to, gw_str name, enum gw_signal signal, const struct attempt *a)
{
    const char *item = item_names[signal];
    double ms = (double)(a->ended - a->began) / (double)GW_MSEC;
    if (!a->done)
        ms = (double)(gw_now() - a->began) / (double)GW_MSEC;
    if (is_taken(a) && a->outcome.verdict == GW_DISCARDED)
        fprintf(to, "%.*s: has no place for a %s, and leaves it out\n", GW_FMT(name), item);
    else if (is_taken(a) && a->outcome.filtered)
        fprintf(to, "%.*s: leaves the %s out by its options\n", GW_FMT(name), item);
    else if (is_taken(a))
        fprintf(to, "%.*s: took the %s (%.0f ms)\n", GW_FMT(name), item, ms);
    else
        fprintf(to, "%.*s: did not take the %s (%.0f ms): %s\n    %s\n", GW_FMT(name), item, ms, words_of(a),
                remedy_of(a));
}

static enum gw_attribute_schema schema_of(const struct exporter *e)
{
    enum gw_attribute_schema mode = (enum gw_attribute_schema)e->entry->sender.mode;
    return e->module->schema ? e->module->schema(e->ctx, mode) : mode;
}

/* An attempt without an outcome is kept, because the exporter may still answer it. */
static bool check_signal(const struct exporter *e, enum gw_signal signal, gw_str host_name, FILE *to)
{
    struct attempt *a = calloc(1, sizeof *a);
    if (a)
        a->frame = make_frame(signal, signal == GW_TRACES ? schema_of(e) : GW_OTEL, host_name);
    if (!a || !a->frame) {
        fprintf(to, "%.*s: there is no memory for a test\n", GW_FMT(e->entry->sender.name));
        free(a);
        return false;
    }
    send_twice_at_most(e, a);
    print_outcome(to, e->entry->sender.name, signal, a);
    bool taken = is_taken(a);
    if (!a->done)
        return false;
    gw_frame_drop(a->frame);
    free(a);
    return taken;
}

/* Prints without the secrets of the configuration, at once: the next answer may take its time. */
static bool check_and_print(const struct exporter *e, enum gw_signal signal, gw_str host_name, FILE *to)
{
    char *text = NULL;
    size_t n = 0;
    FILE *lines = open_memstream(&text, &n);
    bool taken = lines && check_signal(e, signal, host_name, lines);
    if (lines)
        fclose(lines);
    if (text)
        fwrite(text, 1, gw_scrub(text, n), to);
    fflush(to);
    free(text);
    return taken;
}

/* The signals that end the process were blocked for a gateway; here Ctrl-C ends a wait. */
static void let_signals_end(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}

bool gw_check_connect(struct gw_pipeline *p, FILE *to)
{
    bool all = true;
    let_signals_end();
    for (size_t i = 0; i < p->exporters_n; i++) {
        unsigned signals = gw_sender_signals(&p->exporters[i].entry->sender, p->exporters[i].module);
        for (int signal = GW_TRACES; signal <= GW_METRICS; signal++)
            if (signals >> signal & 1)
                all &=
                    check_and_print(&p->exporters[i], (enum gw_signal)signal, p->export_host.host_name, to);
    }
    return all;
}
