/* The plan cache (dd_plan.h): what the cached path writes must be, byte for byte, what the slow path writes.
 * Two translators get the same payloads; one of them has no plan cache. SPDX-License-Identifier:
 * Apache-2.0 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/pack.h"
#include "tests/unit/translators/ddtrace/read_file.h"
#include "translators/ddtrace/dd_translate.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MADE 3 /* the third span of a kind is the first one that takes the cached path */

struct pair {
    struct dd_options opt;
    struct dd_translator *cached, *slow;
    struct gw_arena arena;
    struct dd_request req;
    uint64_t planned, spans, payloads;
    const char *what; /* for messages */
};

static int setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    p->opt = (struct dd_options){.trace_id_bits = 128, .obfuscate = true};
    p->cached = dd_translator_new(&p->opt);
    p->slow = dd_translator_new(&p->opt);
    dd_translator_without_plans(p->slow);
    p->req = (struct dd_request){
        .lang = GW_STR("python"), .tracer_version = GW_STR("2.21.0"), .peer_is_local = true};
    gw_arena_init(&p->arena, 256 << 20);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pair *p = *state;
    dd_translator_drop(p->cached);
    dd_translator_drop(p->slow);
    gw_arena_fini(&p->arena);
    free(p);
    return 0;
}

static enum gw_code translate(struct pair *p, struct dd_translator *t, enum dd_format format, gw_str body,
                              struct dd_result *out)
{
    struct gw_err err;
    struct dd_env env = {
        .now = GW_SEC, .wall = 1700000001 * GW_SEC, .host_name = GW_STR("here"), .schemas = 1u << GW_OTEL};
    enum gw_code code = dd_translate(t, &p->arena, format, body, &p->req, &env, out, &err);
    gw_arena_reset(&p->arena, 1 << 20);
    return code;
}

static void drop(struct dd_result *r)
{
    for (size_t i = 0; i < r->frames_n; i++)
        gw_frame_drop(r->frames[i]);
}

static void same_frame(const struct pair *p, const struct gw_frame *a, const struct gw_frame *b)
{
    size_t i = 0;
    while (i < a->len && i < b->len && a->data[i] == b->data[i])
        i++;
    if (i < a->len || i < b->len) {
        size_t from = i < 60 ? 0 : i - 60;
        fail_msg("%s: %zu and %zu bytes, not the same at %zu:\n  %.120s\n  %.120s", p->what, a->len, b->len,
                 i, a->data + from, b->data + from);
    }
    assert_int_equal(a->items, b->items);
}

/* One payload through both. The number of spans that had a plan. */
static uint64_t both(struct pair *p, enum dd_format format, gw_str body)
{
    struct dd_result a, b;
    enum gw_code code = translate(p, p->cached, format, body, &a);
    assert_int_equal(code, translate(p, p->slow, format, body, &b));
    assert_int_equal(b.planned, 0);
    assert_int_equal(a.frames_n, b.frames_n);
    assert_memory_equal(&a.intake, &b.intake, sizeof a.intake);
    if (code == GW_OK)
        assert_memory_equal(&a.odd, &b.odd, sizeof a.odd);
    for (size_t i = 0; i < a.frames_n; i++)
        same_frame(p, a.frames[i], b.frames[i]);
    drop(&a);
    drop(&b);
    p->planned += a.planned;
    p->spans += gw_intake_accepted(&a.intake);
    p->payloads++;
    return a.planned;
}

/* ---- what real tracers sent, as it is and with one byte changed ---- */

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13; /* xorshift64 */
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* A byte becomes another one, mostly one that could stand there: the next digit or letter. */
static void changed(struct pair *p, enum dd_format format, gw_str body, int times)
{
    uint64_t random = 0x9E3779B97F4A7C15u ^ body.len;
    char *bytes = (char *)body.ptr;
    for (int i = 0; i < times && body.len; i++) {
        uint64_t r = next(&random);
        size_t at = (r >> 8) % body.len;
        char was = bytes[at];
        bytes[at] = (r & 7) ? (char)(was ^ 1) : (char)(r >> 3);
        both(p, format, body);
        bytes[at] = was;
    }
}

static void recordings(struct pair *p, const char *root, int changes)
{
    static const struct {
        const char *version;
        enum dd_format format;
    } kinds[] = {{"v0.[34]", DD_V04_MSGPACK}, {"v0.5", DD_V05_MSGPACK}, {"v1.0", DD_V10_MSGPACK}};
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        char pattern[512];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/*/*/*%s-traces.bin", root, kinds[kind].version);
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        for (size_t i = 0; i < found.gl_pathc; i++) {
            gw_str body = read_file(p->what = found.gl_pathv[i]);
            assert_non_null(body.ptr);
            for (int time = 0; time < MADE; time++)
                both(p, kinds[kind].format, body);
            changed(p, kinds[kind].format, body, changes);
            free((void *)body.ptr);
        }
        globfree(&found);
    }
}

static void what_tracers_sent(void **state)
{
    char all[512];
    struct pair *p = *state;
    const char *shared = getenv("DDGATE_SHARED");
    recordings(p, "tests/data/recordings", 200);
    assert_true(p->planned > p->spans / 2);
    print_message("%llu of %llu spans had a plan", (unsigned long long)p->planned,
                  (unsigned long long)p->spans);
    snprintf(all, sizeof all, "%s/fixtures/recordings", shared ? shared : "../shared");
    recordings(p, all, 10);
    print_message("; with all recordings %llu of %llu\n", (unsigned long long)p->planned,
                  (unsigned long long)p->spans);
}

/* ---- spans of which one thing changes ---- */

/* JSON with ' for ". */
static uint64_t json(struct pair *p, const char *span)
{
    static char body[8192];
    int n =
        snprintf(body, sizeof body, "[[{'trace_id':77,'span_id':2,'duration':5,'service':'svc',%s}]]", span);
    assert_in_range(n, 1, sizeof body - 1);
    for (int i = 0; i < n; i++)
        body[i] = body[i] == '\'' ? '"' : body[i];
    p->what = span;
    return both(p, DD_V04_JSON, gw_str_n(body, (size_t)n));
}

struct change {
    const char *from, *to;
    bool planned; /* the changed one comes out of the same plan */
};

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *out = malloc(strlen(text) + strlen(to) + 1);
    if (!at)
        fail_msg("no %s in %s", from, text);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void changes(void **state, const char *span, const struct change *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        teardown(state);
        setup(state);
        struct pair *p = *state;
        for (int time = 0; time < MADE; time++)
            if (json(p, span) != (time == MADE - 1))
                fail_msg("time %d: %s", time, span);
        char *other = replaced(span, list[i].from, list[i].to);
        if (json(p, other) != list[i].planned)
            fail_msg("%s instead of %s has %s", list[i].to, list[i].from,
                     list[i].planned ? "no plan" : "a plan");
        for (int time = 0; time < MADE; time++)
            json(p, other);
        json(p, span);
        free(other);
    }
}

#define AT "'start':1700000000000000000"
#define WEB                                                                                                  \
    AT ",'name':'flask.request','resource':'GET "                                                            \
       "/x','type':'web','meta':{'span.kind':'server','component':'flask','http.method':'GET',"              \
       "'http.url':'https://shop.example.com/"                                                               \
       "x?page=1','http.status_code':'200','http.client_ip':'10.1.2.3','_dd.p.tid':"                         \
       "'6553f10000000000','env':'prod','version':'1.2','runtime-id':'r1','language':'python','_dd.p.dm':'-" \
       "1','tenant':'t1'},"                                                                                  \
       "'metrics':{'_sampling_priority_v1':1,'process_id':42,'_dd.top_level':1,'kr':0.5}"

static void server_spans(void **state)
{
    static const struct change list[] = {
        {"page=1", "page=2", true},
        {"/x?page=1", "/x/y", false},
        {"page=1", "password=1", true},
        {"https://shop", "http://shop", false},
        {"example.com/x", "example.com:8443/x", false},
        {"example.com/x", "example.org/x", false},
        {"https://shop.example.com/x?page=1", "/x?page=1", false},
        {"https://shop.example.com/x?page=1", "", false},
        {"https://shop.example.com/x?page=1", "https://user:secret@shop.example.com/x?page=1", true},
        {"x?page=1", "x?page=1#top", true},
        {"10.1.2.3", "10.1.2.4", true},
        {"10.1.2.3", "", false},
        {"6553f10000000000", "6553f10000000001", true},
        {"6553f10000000000", "6553f1000000000g", false},
        {"'tenant':'t1'", "'tenant':'t\\u00e92'", true},
        {"'tenant':'t1'", "'tenant':''", true},
        {"'tenant'", "'tenand'", false},
        {"'kr':0.5", "'kr':7", true},
        {"'kr':0.5", "'kr':18446744073709551615", true},
        {"'200'", "'404'", false},
        {"'-1'", "'-4'", false},
        {"v1':1", "v1':2", false},
        {"_id':42", "_id':43", false},
        {"'GET'", "'POST'", false},
        {"GET /x", "GET /y", false},
        {"'prod'", "'test'", false},
        {"server", "client", false},
        {AT, "'start':5", false},
        {AT, AT ",'error':1", false},
        {AT, AT ",'parent_id':9", true},
    };
    changes(state, WEB, list, COUNT(list));
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789"
#define QUERY                                                                                                \
    AT ",'name':'redis.command','resource':'GET','type':'redis','meta':{'span.kind':'client','component':'"  \
       "redis','db.system':'redis',"                                                                         \
       "'redis.raw_command':'GET "                                                                           \
       "session:1','out.host':'r'},'metrics':{'out.redis_db':0,'db.row_count':3,'network.destination.port':" \
       "6379}"
#define CALL                                                                                                 \
    AT ",'name':'requests.request','resource':'GET','type':'http','meta':{'span.kind':'client','http."       \
       "method':'GET','http.url':"                                                                           \
       "'http://stock/"                                                                                      \
       "1?w=2','out.host':'stock','peer.service':'stock','code.lineno':'17','thread.name':'main'}"

static void client_spans(void **state)
{
    static const struct change query[] = {
        {"session:1'", "session:22'", true},
        {"GET session:1'", "SET session:1'", false},
        {"GET session:1'", "GET'", false},
        {"GET session:1'", "'", false},
        {"row_count':3", "row_count':4", true},
        {"row_count':3", "row_count':3.5", false},
        {"redis_db':0", "redis_db':1", false},
        {"6379", "6380", false},
        {"'r'", "'[::1]'", false},
    };
    static const struct change call[] = {
        {"stock/1", "stock/2", true},
        {"w=2", "token=2", true},
        {"http://stock/1?w=2", "http://other/1", false},
        {"http://stock/1?w=2", "stock", false},
        {"'17'", "'18'", true},
        {"'17'", "'x'", false},
        {"'17'", "''", false},
        {"'main'", "'worker'", true},
        {"'main'", "''", false},
        {"'peer.service':'stock'", "'peer.service':'other'", false},
    };
    changes(state, QUERY, query, COUNT(query));
    static const struct change thread[] = {{"'main-1'", "'12'", false}};
    changes(state, CALL, call, COUNT(call));
    changes(state, AT ",'name':'t','resource':'t','meta':{'thread.id':'main-1'}", thread, COUNT(thread));
}

/* The Rust SDK's: the trace id is another one on every span, and no reason for another plan. */
static void whole_trace_ids(void **state)
{
#define WHOLE "6553f10000000000000000000000004d"
    static const struct change list[] = {
        {WHOLE, "6553f10000000001000000000000004d", true},
        {WHOLE, "6553f10000000000000000000000004e", false},
        {WHOLE, "6553f1000000000000000000000004d", false},
        {WHOLE, "6553f10000000000000000000000004g", false},
        {"'Unset'", "'Ok'", false},
    };
    changes(state,
            AT ",'name':'n','resource':'r','meta':{'otel.trace_id':'" WHOLE
               "','otel.status_code':'Unset','k':'v'}",
            list, COUNT(list));
}

/* What stands on few spans, or means something that a plan does not compare. */
static void spans_without_a_plan(void **state)
{
    static const char *const spans[] = {
        "'meta':{'_dd.parent_id':'00000000000000a1','tracestate':'a=b'}",
        "'metrics':{'_dd.span_sampling.mechanism':8,'_sampling_priority_v1':-1}",
        "'meta':{'events':'[]'}",
        "'meta':{'_dd.span_links':'[]'}",
        "'meta':{'cloud_provider':'aws','region':'eu-1'}",
        "'meta':{'functionname':'f'}",
        "'meta':{'http.request.headers.X-Y':'1'}",
        "'meta':{'_dd.p.usr':'1'}",
        "'meta':{'a':'1','a':'2'}",
        "'meta':{'':'1'}",
        "'duration':18446744073709551615,'error':1",
        "'meta':{'a':'1'},'metrics':{'a':2}",
        "'meta':{'otel.status_code':'ok'}",
        "'type':'web'",
        "'meta':{'host':'h1','_dd.hostname':'h2'}",
        "'meta':{'a':'\\ud800'},'error':1",
    };
    struct pair *p = *state;
    for (size_t i = 0; i < COUNT(spans); i++)
        for (int time = 0; time < 2 * MADE; time++) {
            char span[1024];
            snprintf(span, sizeof span, AT ",'name':'n','resource':'r',%s", spans[i]);
            if (json(p, span))
                fail_msg("a plan for %s", span);
        }
}

/* What other spans of the chunk say counts too. */
static void spans_of_one_trace(void **state)
{
    static const char *const others[] = {
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'env':'test'}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'version':'9','_dd.p.dm':'-4','_dd."
        "origin':'rum'}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'_dd.hostname':'h1','runtime-id':'r2',"
        "'language':'jvm'}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','metrics':{'process_id':43,'_sampling_"
        "priority_v1':2}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','metrics':{'_sampling_priority_v1':-1}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'_dd.p.tid':'6553f10000000009','"
        "tracestate':'a=b'}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'_dd.p.dm':'zz','_dd.p.ksr':'0.25'}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'_dd.p.x':'" LONG LONG LONG LONG "'}}",
        "{'trace_id':77,'span_id':9,'service':'svc','name':'a','meta':{'_dd.git.commit.sha':'c2','host':'h2'}"
        "}",
    };
    static const char *const spans[] = {
        WEB,
        QUERY,
        CALL,
        AT ",'name':'k','resource':'k','meta':{'span.kind':'internal','_dd.p.ksr':'0.5','_dd.p.dm':'-3'}",
        AT ",'name':'h','resource':'h','parent_id':9,'meta':{'span.kind':'internal','host':'h1','_dd.git."
           "commit.sha':'c1'}",
        AT ",'name':'w','resource':'w','type':'web','parent_id':9",
    };
    struct pair *p = *state;
    for (size_t span = 0; span < COUNT(spans); span++)
        for (int time = 0; time < MADE; time++)
            json(p, spans[span]);
    for (size_t i = 0; i < COUNT(others); i++)
        for (size_t span = 0; span < COUNT(spans); span++) {
            char members[4096];
            snprintf(members, sizeof members, "%s},%s,{'trace_id':77,'span_id':3,'service':'svc',%s",
                     spans[span], others[i], spans[span]);
            for (int time = 0; time < MADE; time++)
                json(p, members);
            snprintf(members, sizeof members,
                     AT ",'name':'o'},%s,{'trace_id':77,'span_id':3,'service':'svc',%s", others[i],
                     spans[span]);
            for (int time = 0; time < MADE; time++)
                json(p, members);
        }
    assert_true(p->planned > 50);
}

/* ---- v1.0, where texts are numbers ---- */

#define TEXTS                                                                                                \
    "'svc', 'op', 'res', 'http.method', 'GET', 'tenant', 't1', 'kr', '_dd.top_level', 'web', 'prod', 't2', " \
    "'POST', 'test', 'env', '_dd.p.tid', '6553f10000000000', '6553f10000000001', 'b'"
#define V10                                                                                                  \
    "{1: 1, 2: 2, 3: 3, 4: 7, 6: <cf 17979cfe362a0000>, 7: 5, 9: [4, 1, 5, 8, 3, 0.5, 6, 1, 7, 9, 3, 1.0, "  \
    "16, 1, 17, 19, 2, true], 10: 10, 13: 11, 16: 2}"

/* So many spans and then another one, of one chunk. */
static uint64_t v10(struct pair *p, int times, const char *span, const char *other)
{
    char text[8192];
    int n = snprintf(text, sizeof text,
                     "{1: [" TEXTS "], 11: [{6: <c4 10 0000000000000000 0000000000000001>, 4: [");
    for (int i = 0; i < times; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s, ", span);
    n += snprintf(text + n, sizeof text - (size_t)n, "%s]}]}", other);
    assert_in_range(n, 1, sizeof text - 1);
    gw_str body = pack(text);
    p->what = other;
    uint64_t planned = both(p, DD_V10_MSGPACK, body);
    free((void *)body.ptr);
    return planned;
}

static void spans_of_v10(void **state)
{
    static const struct change list[] = {
        {"7: 5", "7: 6", true},
        {"4: 7", "4: 8, 5: 9", true},
        {"0.5", "7", true},
        {"6, 1, 7", "6, 1, 12", true},
        {"6, 1, 7", "6, 1, 'fresh'", true},
        {"6, 1, 7", "6, 1, ''", true},
        {"6, 1, 7", "6, 1, 99", false},
        {"6, 1, 7", "6, 1, []", false},
        {"6, 1, 7", "6, 4, 7", false},
        {"16, 1, 17", "16, 1, 18", true},
        {"16, 1, 17", "16, 1, 7", false},
        {"4, 1, 5", "4, 1, <cc 05>", true},
        {"4, 1, 5", "4, 1, 13", false},
        {"4, 1, 5", "15, 1, 5", false},
        {"9, 3, 1.0", "9, 3, 2.0", false},
        {"9: [4", "9: [15, 1, 11, 4", false},
        {"10: 10", "10: 7", false},
        {"13: 11", "13: 14", false},
        {"13: 11", "13: 0", false},
        {"16: 2", "16: 3", false},
        {"16: 2", "14: 7, 16: 2", false},
        {"16: 2", "16: 2, 1: 2", false},
        {"16: 2", "16: 2, 3: 7", false},
        {"16: 2", "16: 2, 9: [4, 1, 5]", false},
        {"16: 2", "16: 2, 8: true", false},
        {"16: 2", "16: 2, 11: [{2: 9}]", false},
        {"9: [", "3: 7, 9: [", false},
        {"true", "false", true},
        {"true", "'7'", false},
    };
    for (size_t i = 0; i < COUNT(list); i++) {
        teardown(state);
        setup(state);
        struct pair *p = *state;
        v10(p, 5, V10, V10);
        v10(p, 5, V10, V10);
        assert_int_equal(v10(p, 5, V10, V10), 6);
        char *other = replaced(V10, list[i].from, list[i].to);
        if (v10(p, 5, V10, other) != 5 + (uint64_t)list[i].planned)
            fail_msg("%s instead of %s has %s", list[i].to, list[i].from,
                     list[i].planned ? "no plan" : "a plan");
        for (int time = 0; time < MADE; time++) {
            v10(p, 5, V10, other);
            v10(p, 5, other, V10);
        }
        free(other);
    }
}

/* A kind of span that is different every time is given up, and the plans of the others are still there. */
static void ever_new_spans(void **state)
{
    struct pair *p = *state;
    char span[4096];
    for (int i = 0; i < 3000; i++) {
        snprintf(span, sizeof span,
                 AT ",'name':'n%d','resource':'r','meta':{'span.kind':'internal','component':'c%d'}", i % 7,
                 i);
        assert_int_equal(json(p, span), 0);
    }
    for (int time = 0; time < MADE; time++)
        json(p, WEB);
    assert_int_equal(p->planned, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_tracers_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(server_spans, setup, teardown),
        cmocka_unit_test_setup_teardown(client_spans, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_trace_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(spans_without_a_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(spans_of_one_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(spans_of_v10, setup, teardown),
        cmocka_unit_test_setup_teardown(ever_new_spans, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
