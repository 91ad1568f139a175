/* The metric of span durations, made of payloads: which spans count, together with which others, and for how
 * many each stands; read back by protobuf-c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "metrics_service.pb-c.h"
#include "tests/unit/translators/ddtrace/pack.h"
#include "tests/unit/translators/ddtrace/translate_bed.h"
#include "translators/ddtrace/dd_durations.h"
#include "translators/ddtrace/dd_sampler.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
typedef Opentelemetry__Proto__Metrics__V1__ScopeMetrics scope_metrics;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint point;

#define AT "'start':" BED_START ",'duration':5000000000"
#define TOP "'metrics':{'_dd.top_level':1}"

/* A bed that counts. */
struct counting {
    struct bed bed; /* first */
    struct gw_list dimensions, exclude;
    struct dd_labels labels;
    struct dd_durations *durations;
    struct metric_store *store;
    struct gw_budget held;
    uint64_t nobodys;
    char lines[64][2048]; /* a line a point */
    size_t n;
};

static void open_counting(struct counting *c, size_t max_series)
{
    static const struct dd_durations_points points = {.kind = METRIC_HISTOGRAM};
    dd_labels_init(&c->labels, &c->dimensions, &c->exclude, metric_attributes_field(points.kind));
    c->bed.opt.labels = &c->labels;
    bed_reopen(&c->bed);
    dd_durations_drop(c->durations);
    metric_store_drop(c->store);
    c->durations = c->bed.env.durations = dd_durations_new(&c->labels, NULL);
    c->held = (struct gw_budget){.limit = SIZE_MAX};
    const struct metric_options o = {
        .shards = 1, .max_series = max_series, .scope_name = GW_STR("datadog"), .account = &c->held};
    c->store = metric_store_new(&o, GW_SEC);
}

static int setup(void **state)
{
    struct counting *c = calloc(1, sizeof *c);
    bed_open(&c->bed);
    c->bed.req.computed_top_level = true;
    open_counting(c, 1000);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    struct counting *c = *state;
    bed_close(&c->bed);
    dd_durations_drop(c->durations);
    metric_store_drop(c->store);
    free(c);
    return 0;
}

static void put(struct counting *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct counting *c, const char *fmt, ...)
{
    char *line = c->lines[c->n];
    size_t n = strlen(line);
    va_list args;
    va_start(args, fmt);
    vsnprintf(line + n, sizeof c->lines[0] - n, fmt, args);
    va_end(args);
}

static void put_attributes(struct counting *c, show_attr **list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const Opentelemetry__Proto__Common__V1__AnyValue *v = list[i]->value;
        put(c, " %.*s=", (int)list[i]->key.len, (char *)list[i]->key.data);
        if (v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE)
            put(c, "%.*s", (int)v->string_value.len, (char *)v->string_value.data);
        else
            put(c, "%lld",
                v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE
                    ? (long long)v->bool_value
                    : (long long)v->int_value);
    }
}

static void put_points(struct counting *c, const Opentelemetry__Proto__Resource__V1__Resource *resource,
                       const scope_metrics *scope)
{
    assert_int_equal(scope->n_metrics, 1);
    const Opentelemetry__Proto__Metrics__V1__Metric *m = scope->metrics[0];
    assert_memory_equal(m->name.data, "traces.span.sdk.metrics.duration", m->name.len);
    assert_int_equal(m->exponential_histogram->aggregation_temporality, 1);
    for (size_t i = 0; i < m->exponential_histogram->n_data_points; i++) {
        const point *p = m->exponential_histogram->data_points[i];
        assert_true(c->n < 63);
        put(c, "%llu %gs", (unsigned long long)p->count, p->sum);
        put_attributes(c, p->attributes, p->n_attributes);
        put(c, " |");
        put_attributes(c, resource->attributes, resource->n_attributes);
        c->n++;
    }
}

static enum gw_code read_frame(void *ctx, struct gw_frame *f)
{
    struct counting *c = ctx;
    request *r = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, f->len, f->data);
    assert_non_null(r);
    for (size_t i = 0; i < r->n_resource_metrics; i++)
        put_points(c, r->resource_metrics[i]->resource, r->resource_metrics[i]->scope_metrics[0]);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(r, NULL);
    gw_frame_drop(f);
    return GW_OK;
}

static void commit(struct counting *c)
{
    static const struct dd_durations_points points = {.kind = METRIC_HISTOGRAM};
    c->nobodys += dd_durations_commit(c->durations, metric_store_shard(c->store, 0), &points);
}

/* The points of what was committed. */
static void flush(struct counting *c)
{
    c->n = 0;
    memset(c->lines, 0, sizeof c->lines);
    assert_true(metric_store_flush(c->store, 2 * GW_SEC, read_frame, c));
}

static void count_payload(struct counting *c, const char *payload)
{
    bed_run(&c->bed, payload);
    commit(c);
}

/* The point whose line holds all of these words; NULL: there is none. */
static const char *find(const struct counting *c, const char *word, const char *other)
{
    for (size_t i = 0; i < c->n; i++)
        if (strstr(c->lines[i], word) && strstr(c->lines[i], other))
            return c->lines[i];
    return NULL;
}

static uint64_t count_of(const struct counting *c, const char *word, const char *other)
{
    const char *line = find(c, word, other);
    return line ? strtoull(line, NULL, 10) : 0;
}

/* ---- which spans ---- */

static uint64_t counts(struct counting *c, const char *members)
{
    uint64_t n = 0;
    bed_span(&c->bed, members);
    commit(c);
    flush(c);
    for (size_t i = 0; i < c->n; i++)
        n += strtoull(c->lines[i], NULL, 10);
    return n;
}

static void spans_that_count(void **state)
{
    static const struct {
        const char *span;
        unsigned n;
    } rows[] = {
        {"'name':'n','metrics':{'_dd.top_level':1}", 1},
        {"'name':'n','metrics':{'_top_level':1}", 1},
        {"'name':'n','metrics':{'_dd.top_level':0}", 0},
        {"'name':'n','metrics':{'_dd.measured':1}", 1},
        {"'name':'n','metrics':{'_dd.measured':0}", 0},
        {"'name':'n'", 0},
        {"'name':'n','meta':{'span.kind':'server'}", 1},
        {"'name':'n','meta':{'span.kind':'Client'}", 1},
        {"'name':'n','meta':{'span.kind':'producer'}", 1},
        {"'name':'n','meta':{'span.kind':'consumer'}", 1},
        {"'name':'n','meta':{'span.kind':'internal'}", 0},
        /* still open: it comes again */
        {"'name':'n','metrics':{'_dd.top_level':1,'_dd.partial_version':0}", 0},
        {"'name':'n','meta':{'span.kind':'server'},'metrics':{'_dd.measured':1,'_dd.partial_version':3}", 0},
        /* at its end */
        {"'name':'n','metrics':{'_dd.top_level':1,'_dd.was_long_running':1}", 1},
        /* rejected, by the tracer or by a person */
        {"'name':'n','metrics':{'_dd.top_level':1,'_sampling_priority_v1':0}", 1},
        {"'name':'n','metrics':{'_dd.top_level':1,'_sampling_priority_v1':-1}", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (counts(*state, rows[i].span) != rows[i].n)
            fail_msg("not %u: %s", rows[i].n, rows[i].span);
}

/* A tracer that does not say which spans are on top. */
static void top_is_found(void **state)
{
    struct counting *c = *state;
    c->bed.req.computed_top_level = false;
    count_payload(
        c,
        "[[{'trace_id':1,'span_id':1,'service':'a','name':'root','resource':'r'," AT "},"
        "{'trace_id':1,'span_id':2,'parent_id':1,'service':'a','name':'inner','resource':'r'," AT "},"
        "{'trace_id':1,'span_id':3,'parent_id':2,'service':'b','name':'other','resource':'r'," AT "},"
        "{'trace_id':1,'span_id':4,'parent_id':99,'service':'b','name':'flushed','resource':'r'," AT "}]]");
    flush(c);
    assert_int_equal(c->n, 3);
    assert_non_null(find(c, "name=root", "top_level=1 datadog.is_trace_root=1"));
    assert_non_null(find(c, "name=other", "top_level=1 datadog.is_trace_root=0"));
    assert_non_null(find(c, "name=flushed", "top_level=1 datadog.is_trace_root=0"));
}

/* Nobody's spans twice. */
static void others_have_counted(void **state)
{
    struct counting *c = *state;
    c->bed.req.computed_stats = true;
    c->bed.req.dropped_p0_traces = 5;
    assert_int_equal(counts(c, "'name':'n'," TOP), 0);
    assert_int_equal(c->nobodys, 0);
    c->bed.env.statistics_dropped = true; /* and theirs goes nowhere */
    assert_int_equal(counts(c, "'name':'n'," TOP), 1);
    assert_int_equal(c->nobodys, 5);
}

/* ---- what they say ---- */

static void attributes_of_points(void **state)
{
    struct counting *c = *state;
    count_payload(
        c, "[[{'trace_id':1,'span_id':1,'service':'shop','name':'flask.request','resource':'GET "
           "/cart','type':'web'," AT
           ",'meta':{'span.kind':'server','http.method':'GET','http.status_code':'200','http.route':'/cart',"
           "'env':'prod','version':'1.2','runtime-id':'rt','out.host':'no peer of a server'}," TOP "},"
           "{'trace_id':1,'span_id':2,'parent_id':1,'service':'db','name':'pg.query','resource':'SELECT "
           "1','type':'sql',"
           "'error':1," AT ",'meta':{'span.kind':'client','out.host':'pg-1','db.name':'shop','db.system':"
           "'postgresql','tablename':'carts','peer.hostname':'10.0.0.7','_dd.base_service':'shop'}},"
           "{'trace_id':1,'span_id':3,'parent_id':1,'service':'shop','name':'grpc.client','resource':'/p.S/"
           "M'," AT ",'meta':{'span.kind':'client','grpc.status_code':'StatusCode.NOT_FOUND','net.peer.name':"
           "'10.1.2.3:80'}}]]");
    flush(c);
    assert_int_equal(c->n, 3);
    assert_string_equal(
        find(c, "GET /cart", ""),
        "1 5s span.name=GET /cart span.kind=SPAN_KIND_SERVER http.request.method=GET "
        "http.response.status_code=200 http.route=/cart status.code=STATUS_CODE_OK service.name=shop "
        "datadog.operation.name=flask.request datadog.span.type=web datadog.span.top_level=1 "
        "datadog.is_trace_root=1 | service.name=shop deployment.environment.name=prod service.version=1.2 "
        "service.instance.id=rt datadog.runtime_id=rt telemetry.sdk.name=datadog");
    assert_string_equal(
        find(c, "pg.query", ""),
        "1 5s span.name=SELECT ? span.kind=SPAN_KIND_CLIENT status.code=STATUS_CODE_ERROR service.name=db "
        "datadog.operation.name=pg.query datadog.span.type=sql datadog.span.top_level=0 "
        "datadog.is_trace_root=0 datadog.base_service=shop db.namespace=shop db.system.name=postgresql "
        "server.address=pg-1 tablename=carts | service.name=db datadog.base_service=shop "
        "deployment.environment.name=prod service.instance.id=rt datadog.runtime_id=rt "
        "telemetry.sdk.name=datadog");
    assert_non_null(find(c, "rpc.response.status_code=NOT_FOUND", "span.name=/p.S/M"));
    assert_null(find(c, "10.1.2.3", ""));
}

/* The resource is that of the spans, also where they are dropped, and whatever chunk says what. */
static void resources(void **state)
{
    struct counting *c = *state;
    for (int keep = 0; keep < 2; keep++) {
        c->bed.opt.keep_rejected = keep;
        count_payload(c, "[[{'trace_id':1,'span_id':1,'service':'s','name':'n'," AT
                         ",'meta':{'env':'e','_dd.git.commit.sha':'abc'},'metrics':{'_dd.top_level':1,"
                         "'process_id':42,'_sampling_priority_v1':0}}]]");
    }
    flush(c);
    assert_int_equal(c->n, 1);
    assert_string_equal(strchr(c->lines[0], '|'),
                        "| service.name=s deployment.environment.name=e telemetry.sdk.name=datadog "
                        "process.pid=42 vcs.ref.head.revision=abc");
    assert_int_equal(count_of(c, "", ""), 2);
}

static void dimensions(void **state)
{
    gw_str tags[] = {GW_LIT("tenant"), GW_LIT("shard"), GW_LIT("http.useragent")};
    gw_str exclude[] = {GW_LIT("datadog.is_trace_root"), GW_LIT("service.instance.id"),
                        GW_LIT("datadog.runtime_id")};
    struct counting *c = *state;
    c->dimensions = (struct gw_list){tags, COUNT(tags)};
    c->exclude = (struct gw_list){exclude, COUNT(exclude)};
    open_counting(c, 1000);
    for (int i = 0; i < 12; i++) { /* the later ones have plans */
        char payload[1024];
        snprintf(payload, sizeof payload,
                 "[[{'trace_id':%d,'span_id':1,'service':'s','name':'n'," AT
                 ",'meta':{'tenant':'t%d','runtime-id':'r%d','other':'%d','http.useragent':'u'},"
                 "'metrics':{'_dd.top_level':1,'shard':%d}}]]",
                 i + 1, i % 2, i, i, i % 3 == 0);
        count_payload(c, payload);
    }
    flush(c);
    assert_int_equal(c->n, 4);
    assert_int_equal(count_of(c, "tenant=t0", "shard=1"), 2);
    assert_int_equal(count_of(c, "tenant=t0", "shard=0"), 4);
    assert_int_equal(count_of(c, "tenant=t1", "shard=1"), 2);
    assert_int_equal(count_of(c, "tenant=t1", "shard=0"), 4);
    assert_string_equal(find(c, "tenant=t1", "shard=1"),
                        "2 10s span.name=n span.kind=SPAN_KIND_INTERNAL status.code=STATUS_CODE_OK "
                        "service.name=s datadog.operation.name=n datadog.span.top_level=1 tenant=t1 shard=1 "
                        "http.useragent=u | service.name=s telemetry.sdk.name=datadog");
}

/* By a plan or without one, and in msgpack, where a plan leaves out what it knows, the points are the same. */
static void plans_count_alike(void **state)
{
    struct counting *c = *state;
    char without[2][8][2048];
    for (int plain = 0; plain < 2; plain++) {
        open_counting(c, 1000);
        if (plain)
            dd_translator_without_plans(c->bed.translator);
        for (int i = 0; i < 20; i++) {
            gw_str body;
            char payload[2048];
            snprintf(payload, sizeof payload,
                     "[[{'trace_id':%d,'span_id':1,'parent_id':%d,'service':'s','name':'n','resource':'r',"
                     "'start':" BED_START ",'duration':%d,'error':0,'meta':{'span.kind':'client','x':'%d',"
                     "'tablename':'t%d','out.host':'h','db.name':'d','_dd.origin':'%s'},"
                     "'metrics':{'_dd.top_level':1.0}}]]",
                     i + 1, i % 2, i + 1, i, i % 2, i % 10 == 9 ? "synthetics-browser" : "");
            body = pack(payload);
            assert_int_equal(bed_bytes(&c->bed, DD_V04_MSGPACK, body), GW_OK);
            assert_true(plain == 0 || c->bed.out.planned == 0);
            assert_true(plain == 1 || i < 16 || c->bed.out.planned == 1);
            commit(c);
            free((void *)(uintptr_t)body.ptr);
        }
        flush(c);
        assert_int_equal(c->n, 3);
        for (size_t i = 0; i < c->n; i++)
            memcpy(without[plain][i], c->lines[i], sizeof c->lines[i]);
    }
    for (size_t i = 0; i < 3; i++)
        assert_true(find(c, without[0][i], "") != NULL);
}

/* ---- for how many ---- */

static void client_rate(void **state)
{
    struct counting *c = *state;
    assert_int_equal(counts(c, "'name':'n','metrics':{'_dd.top_level':1,'_sample_rate':0.25}"), 4);
    assert_int_equal(counts(c, "'name':'n','metrics':{'_dd.top_level':1,'_sample_rate':1.5}"), 1);
    assert_int_equal(counts(c, "'name':'n','metrics':{'_dd.top_level':1,'_sample_rate':-1}"), 1);
    assert_int_equal(counts(c, "'name':'n','metrics':{'_dd.top_level':1,'_sample_rate':1e-300}"), 1);
}

/* A rate that a tracer decided by, and sent what it rejected: every span is here. */
static void rates_alone_multiply_nothing(void **state)
{
    struct counting *c = *state;
    assert_int_equal(counts(c, "'name':'n','metrics':{'_dd.top_level':1,'_dd.rule_psr':0.01}"), 1);
    assert_int_equal(counts(c, "'name':'n','metrics':{'_dd.top_level':1,'_dd.agent_psr':0.5}"), 1);
}

/* 120 traces were dropped: 20 expected behind the first rate for each, 40 by the second. */
static void dropped_by_the_tracer(void **state)
{
    struct counting *c = *state;
#define KEPT(id, name, rate)                                                                                 \
    "[{'trace_id':" id ",'span_id':1,'service':'s','name':'" name "'," AT                                    \
    ",'metrics':{'_dd.top_level':1,'_sampling_priority_v1':1,'_dd.rule_psr':" rate "}}]"
    c->bed.req.dropped_p0_traces = 120;
    count_payload(c, "[" KEPT("1", "a", "0.5") "," KEPT("2", "a", "0.5") "," KEPT("3", "b", "0.2") "]");
    flush(c);
    assert_int_equal(count_of(c, "name=a", ""), 2 + 40);
    assert_int_equal(count_of(c, "name=b", ""), 1 + 80);
    assert_int_equal(c->nobodys, 0);
    /* nobody knows what they were */
    count_payload(c, "[" KEPT("1", "a", "1") "]");
    flush(c);
    assert_int_equal(count_of(c, "name=a", ""), 1);
    assert_int_equal(c->nobodys, 120);
    c->bed.req.dropped_p0_traces = UINT64_MAX;
    count_payload(c, "[" KEPT("1", "a", "0.5") "]");
    flush(c);
    assert_int_equal(count_of(c, "name=a", ""), 10000001);
}

/* What is sampled here counts whole. */
static void the_gateways_sampling_does_not_matter(void **state)
{
    struct gw_map_item all = {GW_STR("*"), GW_STR("0.01")};
    const struct dd_sampler_conf conf = {.rates = {&all, 1}};
    struct counting *c = *state;
    struct dd_sampler *sampler = dd_sampler_new(&conf);
    uint64_t accepted = 0;
    c->bed.env.sampler = sampler;
    for (unsigned i = 1; i <= 2000; i++) {
        char payload[512];
        snprintf(payload, sizeof payload,
                 "[[{'trace_id':%llu,'span_id':1,'service':'s','name':'n','error':%d," AT "," TOP "}]]",
                 (unsigned long long)i * 0x9E3779B97F4A7C15u, i % 10 == 0);
        count_payload(c, payload);
        accepted += gw_intake_accepted(&c->bed.out.intake);
    }
    flush(c);
    assert_in_range(accepted, 5, 50);
    assert_int_equal(c->n, 2);
    assert_int_equal(count_of(c, "STATUS_CODE_OK", ""), 1800);
    assert_int_equal(count_of(c, "STATUS_CODE_ERROR", ""), 200);
    c->bed.env.sampler = NULL;
    dd_sampler_drop(sampler);
}

/* ---- bounds ---- */

/* A request that was refused is sent again. */
static void refused_requests_do_not_count(void **state)
{
    struct counting *c = *state;
    const char *payload = "[[{'trace_id':1,'span_id':1,'service':'s','name':'n'," AT "," TOP "}]]";
    bed_run(&c->bed, payload); /* no room for it */
    count_payload(c, payload);
    flush(c);
    assert_int_equal(count_of(c, "", ""), 1);
}

/* More classes than are remembered, and more series than there may be. */
static void bounds(void **state)
{
    struct counting *c = *state;
    char *payload = malloc(1 << 20);
    open_counting(c, 10);
    for (int round = 0; round < 3; round++) {
        size_t n = 0;
        payload[n++] = '[';
        for (int i = 0; i < 800; i++)
            n += (size_t)sprintf(
                payload + n,
                "%s[{'trace_id':%d,'span_id':1,'service':'s','name':'n','resource':'%0900d'," AT "," TOP "}]",
                i ? "," : "", i + 1, 800 * round + i);
        strcpy(payload + n, "]");
        count_payload(c, payload);
    }
    flush(c);
    assert_int_equal(c->n, 10);
    const struct metric_counts *counted = metric_store_counts(c->store);
    assert_int_equal(counted->samples, 10);
    assert_int_equal(counted->over_limit, 2390);
    free(payload);
}

/* Series come and go: a point that was forgotten is found again. */
static void idle_series(void **state)
{
    struct counting *c = *state;
    const char *payload = "[[{'trace_id':1,'span_id':1,'service':'s','name':'n'," AT "," TOP "}]]";
    count_payload(c, payload);
    flush(c);
    c->n = 0;
    assert_true(metric_store_flush(c->store, 1000 * GW_SEC, read_frame, c));
    assert_int_equal(metric_store_counts(c->store)->series, 0);
    count_payload(c, payload);
    count_payload(c, payload);
    memset(c->lines, 0, sizeof c->lines);
    assert_true(metric_store_flush(c->store, 1010 * GW_SEC, read_frame, c));
    assert_int_equal(count_of(c, "", ""), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(spans_that_count),
        TEST(top_is_found),
        TEST(others_have_counted),
        TEST(attributes_of_points),
        TEST(resources),
        TEST(dimensions),
        TEST(plans_count_alike),
        TEST(client_rate),
        TEST(rates_alone_multiply_nothing),
        TEST(dropped_by_the_tracer),
        TEST(the_gateways_sampling_does_not_matter),
        TEST(refused_requests_do_not_count),
        TEST(bounds),
        TEST(idle_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
