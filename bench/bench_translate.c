/* bench_translate: what the translation of a span costs, and nothing else: decode, map, write OTLP, cut into
 * frames. One thread. Prints the best of several rounds (other work on the machine only ever adds) in
 * nanoseconds of CPU time for each span.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/payload.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_durations.h"
#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_translate.h"

enum { TRACES = 75, PAYLOADS = 16, ROUNDS = 12, REPEAT = 8 };

struct bench {
    struct payload payloads[PAYLOADS];
    struct dd_translator *translator;
    struct gw_arena arena;
    struct dd_request request;
    struct dd_env env;
    struct dd_result result;
    struct metric_store *store; /* NULL: spans are not counted */
    uint64_t spans, in, out;
};

static void headers(struct bench *b)
{
    static const char *const rows[][2] = {{"Datadog-Meta-Lang", "python"},
                                          {"Datadog-Meta-Lang-Version", "3.12.3"},
                                          {"Datadog-Meta-Lang-Interpreter", "CPython"},
                                          {"Datadog-Meta-Tracer-Version", "2.21.0"},
                                          {"Datadog-Client-Computed-Top-Level", "yes"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        dd_request_header(&b->request, &b->arena, gw_str_z(rows[i][0]), gw_str_z(rows[i][1]));
}

static void one(struct bench *b, enum dd_format format, const struct payload *p)
{
    struct gw_err err;
    b->result.frames_n = 0;
    gw_str body = gw_str_n((const char *)p->data, p->len);
    if (dd_translate(b->translator, &b->arena, format, body, &b->request, &b->env, &b->result, &err) !=
        GW_OK) {
        fprintf(stderr, "bench_translate: %s\n", err.what);
        exit(1);
    }
    static const struct dd_durations_points points = {.kind = METRIC_HISTOGRAM};
    if (b->store)
        (void)dd_durations_commit(b->env.durations, metric_store_shard(b->store, 0), &points);
    uint64_t items = 0;
    for (size_t i = 0; i < b->result.frames_n; i++) {
        items += b->result.frames[i]->items;
        b->out += b->result.frames[i]->len;
        gw_frame_drop(b->result.frames[i]);
    }
    if (items != p->spans) {
        fprintf(stderr, "bench_translate: %llu of %u spans came out\n", (unsigned long long)items, p->spans);
        exit(1);
    }
    b->spans += p->spans;
    b->in += p->len;
}

static double round_ns(struct bench *b, enum dd_format format)
{
    struct gw_snap snap = gw_arena_snap(&b->arena);
    gw_nsec sum = 0;
    b->spans = b->in = b->out = 0;
    for (int repeat = 0; repeat < REPEAT; repeat++)
        for (int i = 0; i < PAYLOADS; i++) {
            payload_refresh(&b->payloads[i], 0x9E3779B97F4A7C15u);
            gw_nsec begin = gw_clock_read(CLOCK_THREAD_CPUTIME_ID);
            one(b, format, &b->payloads[i]);
            sum += gw_clock_read(CLOCK_THREAD_CPUTIME_ID) - begin;
            gw_arena_back(&b->arena, snap);
        }
    return (double)sum / (double)b->spans;
}

/* Spans are counted, too. */
static void count_spans(struct bench *b, struct dd_options *options)
{
    static struct dd_labels labels;
    static struct gw_budget held = {.limit = SIZE_MAX};
    dd_labels_init(&labels, &(struct gw_list){0}, &(struct gw_list){0},
                   metric_attributes_field(METRIC_HISTOGRAM));
    options->labels = &labels;
    b->env.durations = dd_durations_new(&labels, NULL);
    b->store = metric_store_new(&(struct metric_options){.shards = 1, .max_series = 100000, .account = &held},
                                gw_wall());
}

/* Three rules that look at a URL, at the resource, and at every tag; and numbers of cards. */
static struct dd_privacy *make_rules(struct bench *b)
{
    static struct dd_privacy_counts counts;
    static struct gw_map_item items[3][3] = {{{GW_LIT("name"), GW_LIT("http.url")},
                                              {GW_LIT("pattern"), GW_LIT("token=[^&]*")},
                                              {GW_LIT("repl"), GW_LIT("token=?")}},
                                             {{GW_LIT("name"), GW_LIT("resource.name")},
                                              {GW_LIT("pattern"), GW_LIT("(.*)/$")},
                                              {GW_LIT("repl"), GW_LIT("$1")}},
                                             {{GW_LIT("name"), GW_LIT("*")},
                                              {GW_LIT("pattern"), GW_LIT("[a-z0-9.]+@example\\.com")},
                                              {GW_LIT("repl"), GW_LIT("?")}}};
    static struct gw_map groups[3] = {{items[0], 3}, {items[1], 3}, {items[2], 3}};
    const struct dd_privacy_conf conf = {.privacy_replace_tags = {groups, 3}, .privacy_credit_cards = 2};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct dd_privacy *rules = dd_privacy_new(&conf, &counts, "", diagnostics);
    gw_diagnostics_drop(diagnostics);
    b->env.privacy = dd_privacy_thread_new(rules);
    return rules;
}

static void run(const char *name, enum payload_api api, enum dd_format format, unsigned schemas, bool counted,
                bool ruled)
{
    static struct bench b;
    struct dd_options options = {.trace_id_bits = 128, .obfuscate = true};
    double best = 1e9;
    b = (struct bench){.env = {.schemas = schemas,
                               .host_name = GW_STR("bench"),
                               .ids = gw_trace_ids_new(1 << 18, 10 * 60 * GW_SEC)}};
    gw_arena_init(&b.arena, 256 << 20);
    headers(&b);
    b.env.now = gw_now(), b.env.wall = gw_wall();
    if (counted)
        count_spans(&b, &options);
    struct dd_privacy *rules = ruled ? make_rules(&b) : NULL;
    b.translator = dd_translator_new(&options);
    for (unsigned i = 0; i < PAYLOADS; i++)
        payload_make(&b.payloads[i], api, TRACES, i + 1, (uint64_t)b.env.wall);
    for (int i = 0; i < ROUNDS; i++) {
        double ns = round_ns(&b, format);
        best = ns < best ? ns : best;
    }
    printf("%-22s %6.0f ns/span  %5.0f bytes in, %5.0f out\n", name, best, (double)b.in / (double)b.spans,
           (double)b.out / (double)b.spans);
    for (int i = 0; i < PAYLOADS; i++)
        payload_free(&b.payloads[i]);
    dd_translator_drop(b.translator);
    dd_privacy_thread_drop(b.env.privacy);
    dd_privacy_drop(rules);
    dd_durations_drop(b.env.durations);
    metric_store_drop(b.store);
    gw_trace_ids_drop(b.env.ids);
    gw_arena_fini(&b.arena);
}

/* Arguments: names of rows; without any, all. */
int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum payload_api api;
        enum dd_format format;
        enum gw_attribute_schema schema;
        bool counted, ruled;
    } rows[] = {{"v0.4 to otel", PAYLOAD_V04, DD_V04_MSGPACK, GW_OTEL, false, false},
                {"v0.4, span metrics", PAYLOAD_V04, DD_V04_MSGPACK, GW_OTEL, true, false},
                {"v0.4, privacy rules", PAYLOAD_V04, DD_V04_MSGPACK, GW_OTEL, false, true},
                {"v0.5 to otel", PAYLOAD_V05, DD_V05_MSGPACK, GW_OTEL, false, false},
                {"v0.7 to otel", PAYLOAD_V07, DD_V07_MSGPACK, GW_OTEL, false, false},
                {"v1.0 to otel", PAYLOAD_V10, DD_V10_MSGPACK, GW_OTEL, false, false},
                {"agent to otel", PAYLOAD_AGENT, DD_AGENT_PROTOBUF, GW_OTEL, false, false},
                {"v0.4 to both", PAYLOAD_V04, DD_V04_MSGPACK, GW_BOTH, false, false},
                {"v0.4 to datadog", PAYLOAD_V04, DD_V04_MSGPACK, GW_DATADOG, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool wanted = argc < 2;
        for (int k = 1; k < argc; k++)
            wanted |= strcmp(argv[k], rows[i].name) == 0;
        if (wanted)
            run(rows[i].name, rows[i].api, rows[i].format, 1u << rows[i].schema, rows[i].counted,
                rows[i].ruled);
    }
    return 0;
}
