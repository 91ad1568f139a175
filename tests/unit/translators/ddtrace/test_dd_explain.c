/* Explanations: all of what real tracers sent has a fate, all that goes out an origin or the word that ddgate made it, and what is
 * explained is what dd_translate sends, byte for byte. Then single cases: precedence, two that say the same, what is shown of secrets.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/config/config_diagnostic.h"
#include "tests/unit/translators/ddtrace/read_file.h"
#include "translators/ddtrace/dd_explain.h"
#include "translators/ddtrace/dd_explain_sent.h"

enum { SPANS_EACH = 4 }; /* of a recording */

struct bench {
    struct dd_options opt;
    struct dd_request req;
    struct dd_env env;
    struct dd_explain *x;
    struct dd_result result;
    struct gw_arena arena;
    struct dd_explained e;
};

static void set_up(struct bench *b)
{
    *b = (struct bench){
        .opt = {.trace_id_bits = 128, .obfuscate = true},
        .req = {.lang = GW_STR("python"), .tracer_version = GW_STR("4.16.0"), .peer_is_local = true},
        .env = {.now = GW_SEC,
                .wall = 1700000001 * GW_SEC,
                .host_name = GW_STR("here"),
                .schemas = 1u << GW_OTEL}};
    gw_arena_init(&b->arena, 512 << 20);
}

static void tear_down(struct bench *b)
{
    for (size_t i = 0; i < b->result.frames_n; i++)
        gw_frame_drop(b->result.frames[i]);
    b->result.frames_n = 0;
    dd_explain_drop(b->x);
    b->x = NULL;
    gw_arena_fini(&b->arena);
}

static void open_body(struct bench *b, enum dd_format format, gw_str body)
{
    struct gw_err err = {0};
    const struct dd_explain_input in = {format, body, &b->req, &b->opt, &b->env, NULL};
    b->x = dd_explain_new(&in, &b->result, &err);
    if (!b->x)
        fail_msg("%s at %zu", err.what, err.pos);
}

/* The payload with ' for ", its first span. */
static void explain(struct bench *b, const char *payload)
{
    static char body[64 << 10];
    size_t len = strlen(payload);
    for (size_t i = 0; i <= len; i++)
        body[i] = payload[i] == '\'' ? '"' : payload[i];
    open_body(b, DD_V04_JSON, gw_str_n(body, len));
    assert_true(dd_explain_span(b->x, 0, &b->arena, &b->e));
}

#define SPAN(members)                                                                                        \
    "[[{'trace_id':1,'span_id':2,'start':1700000000000000000,'duration':5,'name':'n','service':'svc'"        \
    "," members "}]]"

static const struct dd_explained_part *part(const struct bench *b, const char *name)
{
    for (size_t i = 0; i < b->e.received_n; i++)
        if (gw_str_eq(b->e.received[i].name, gw_str_z(name)))
            return &b->e.received[i];
    fail_msg("%s was not received", name);
    return NULL;
}

static const struct dd_explained_item *item(const struct bench *b, const char *name)
{
    for (size_t i = 0; i < b->e.sent[0].n; i++)
        if (gw_str_eq(b->e.sent[0].items[i].name, gw_str_z(name)))
            return &b->e.sent[0].items[i];
    fail_msg("%s was not sent", name);
    return NULL;
}

static bool is_among(const gw_str *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(names[i], gw_str_z(name)))
            return true;
    return false;
}

static void check_fate(const struct bench *b, const char *name, enum dd_explained_fate fate, const char *to)
{
    const struct dd_explained_part *p = part(b, name);
    if (p->fate != fate || (to ? !is_among(p->to, p->to_n, to) : p->to_n > 0))
        fail_msg("%s: %s, to %.*s, because %.*s", name, dd_explained_fate_name(p->fate),
                 GW_FMT(p->to_n ? p->to[0] : GW_NOSTR), GW_FMT(p->why));
}

static void check_from(const struct bench *b, const char *name, const char *from)
{
    const struct dd_explained_item *i = item(b, name);
    if (from ? !i->from_n || !gw_str_eq(i->from[0], gw_str_z(from)) : i->from_n > 0)
        fail_msg("%s: from %.*s, want %s (%.*s)", name, GW_FMT(i->from_n ? i->from[0] : GW_NOSTR),
                 from ? from : "nothing", GW_FMT(i->why));
}

static bool has_text(gw_str s, const char *text)
{
    return s.len && memmem(s.ptr, s.len, text, strlen(text));
}

/* --- recordings --- */

static enum dd_format format_of(const char *file)
{
    return strstr(file, "api-v0.2") ? DD_AGENT_PROTOBUF
           : strstr(file, "v0.5-")  ? DD_V05_MSGPACK
           : strstr(file, "v0.7-")  ? DD_V07_MSGPACK
           : strstr(file, "v1.0-")  ? DD_V10_MSGPACK
                                    : DD_V04_MSGPACK;
}

static void check_complete(const char *file, const struct dd_explained *e)
{
    for (size_t s = 0; s < e->sent_n; s++)
        for (size_t i = 0; i < e->sent[s].n; i++) {
            const struct dd_explained_item *it = &e->sent[s].items[i];
            if (!it->why.len || (!it->from_n && !gw_str_starts(it->why, GW_STR("made by ddgate: "))))
                fail_msg("%s: %.*s has no origin: %.*s", file, GW_FMT(it->name), GW_FMT(it->why));
            if (has_text(it->why, "no single field"))
                fail_msg("%s: nobody knows where %.*s is from", file, GW_FMT(it->name));
        }
    for (size_t i = 0; i < e->received_n; i++) {
        const struct dd_explained_part *p = &e->received[i];
        if (!p->why.len || (p->fate != DD_FATE_LEFT_OUT && p->fate != DD_FATE_USED && !p->to_n))
            fail_msg("%s: %.*s has no fate", file, GW_FMT(p->name));
    }
    assert_false(e->in_part);
}

/* What is explained is in the frames that dd_translate made. */
static void check_sent(const struct bench *b, const struct dd_explain_row *row)
{
    struct dd_sent sent;
    for (size_t i = 0; i < b->e.sent_n; i++) {
        assert_true(dd_sent_find(b->result.frames, b->result.frames_n, b->e.sent[i].schema, row->trace_id,
                                 row->span_id, &sent));
        assert_true(gw_str_eq(sent.span, b->e.sent[i].span));
        assert_true(gw_str_eq(sent.scope, b->e.sent[i].scope));
        assert_true(gw_str_eq(sent.resource, b->e.sent[i].resource));
    }
}

static size_t check_file(const char *file)
{
    struct bench b;
    const struct dd_explain_row *rows;
    set_up(&b);
    b.env.schemas = 1u << GW_OTEL | 1u << GW_BOTH | 1u << GW_DATADOG;
    gw_str body = read_file(file);
    open_body(&b, format_of(file), body);
    size_t n = dd_explain_rows(b.x, &rows);
    for (size_t i = 0; i < n && i < SPANS_EACH; i++) {
        gw_arena_reset(&b.arena, 1 << 20);
        assert_true(dd_explain_span(b.x, i, &b.arena, &b.e));
        check_complete(file, &b.e);
        check_sent(&b, &rows[i]);
        assert_true((b.e.sent_n == 3) == !b.e.not_sent.len);
    }
    tear_down(&b);
    free((char *)(uintptr_t)body.ptr);
    return n;
}

static void test_recordings(void **state)
{
    static const char *const patterns[] = {"tests/data/recordings/*/*/*traces.bin",
                                           "tests/data/agents/*/*/*v0.2-traces.bin"};
    size_t spans = 0;
    for (size_t p = 0; p < 2; p++) {
        glob_t found;
        assert_int_equal(glob(patterns[p], 0, NULL, &found), 0);
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (!strstr(found.gl_pathv[i], "idx-zstd") &&
                !strstr(found.gl_pathv[i], "v0x-gzip")) /* compressed */
                spans += check_file(found.gl_pathv[i]);
        globfree(&found);
    }
    assert_true(spans > 300);
}

/* --- single cases --- */

static void test_fates(void **state)
{
    struct bench b;
    set_up(&b);
    explain(&b, SPAN("'resource':'GET "
                     "/a','type':'web','error':1,'meta':{'http.method':'GET','http.url':'http://h:81/a?x=1',"
                     "'span.kind':'server','env':'prod','mine':'1','error.message':'no','error.type':'E','_"
                     "dd.p.dm':'-4',"
                     "'component':'flask'},'metrics':{'http.status_code':500,'_sampling_priority_v1':1}"));
    check_fate(&b, "http.method", DD_FATE_RENAMED, "http.request.method");
    check_fate(&b, "http.url", DD_FATE_RENAMED, "url.path");
    check_fate(&b, "span.kind", DD_FATE_FIELD, "kind");
    check_fate(&b, "env", DD_FATE_RESOURCE, "deployment.environment.name");
    check_fate(&b, "mine", DD_FATE_KEPT, "mine");
    check_fate(&b, "error.message", DD_FATE_EVENT, "events[exception].exception.message");
    check_fate(&b, "_dd.p.dm", DD_FATE_RENAMED, "datadog.sampling.mechanism");
    check_fate(&b, "component", DD_FATE_KEPT, "component");
    check_fate(&b, "service", DD_FATE_RESOURCE, "service.name");
    check_fate(&b, "http.status_code", DD_FATE_RENAMED, "http.response.status_code");
    check_from(&b, "url.path", "http.url");
    check_from(&b, "server.port", "http.url");
    check_from(&b, "kind", "span.kind");
    check_from(&b, "status.code", "error");
    check_from(&b, "scope.name", "component");
    check_from(&b, "status.message", "error.message");
    check_from(&b, "traceId", "trace_id");
    check_from(&b, "telemetry.sdk.name", NULL);
    check_from(&b, "telemetry.sdk.language", "Datadog-Meta-Lang");
    check_from(&b, "host.name", NULL);
    assert_true(has_text(item(&b, "host.name")->why, "this machine's name"));
    assert_true(gw_str_eq(item(&b, "http.request.method")->row, GW_STR("http.method")));
    assert_true(gw_str_eq(part(&b, "http.method")->row, GW_STR("http.method")));
    tear_down(&b);
}

/* Neither of two equal ones is needed; one that says something else stays. */
static void test_equal_tags(void **state)
{
    struct bench b;
    set_up(&b);
    explain(&b, SPAN("'type':'http','meta':{'http.method':'GET','http.request.method':'GET','out.host':'db',"
                     "'peer.hostname':'db','net.peer.name':'other'}"));
    check_from(&b, "http.request.method", "http.request.method");
    check_from(&b, "server.address", "out.host");
    check_fate(&b, "peer.hostname", DD_FATE_USED, "server.address");
    assert_true(has_text(part(&b, "peer.hostname")->why, "says the same as server.address"));
    check_fate(&b, "net.peer.name", DD_FATE_KEPT, "net.peer.name");
    assert_true(has_text(part(&b, "net.peer.name")->why, "server.address says something else"));
    tear_down(&b);
}

/* What another span of the chunk says, and what a tag that is there twice says. */
static void test_from_others(void **state)
{
    struct bench b;
    set_up(&b);
    explain(
        &b,
        "[[{'trace_id':1,'span_id':2,'parent_id':3,'start':1,'duration':5,'name':'n','service':'svc','meta':{"
        "'k':'1'},"
        "'metrics':{'k':2,'_sampling_priority_v1':2}},{'trace_id':1,'span_id':3,'start':1,'duration':9,'name'"
        ":'root','service':'svc',"
        "'meta':{'env':'prod','_dd.p.tid':'640cfd8d00000000'},'metrics':{'_sampling_priority_v1':2}}]]");
    check_from(&b, "deployment.environment.name", "env");
    check_from(&b, "sampling.priority", "_sampling_priority_v1");
    assert_true(has_text(item(&b, "sampling.priority")->why, "another span of the request"));
    check_fate(&b, "_sampling_priority_v1", DD_FATE_RENAMED, "sampling.priority");
    assert_int_equal(part(&b, "k")->section, DD_OF_META);
    assert_int_equal(part(&b, "k")->fate, DD_FATE_LEFT_OUT);
    assert_true(has_text(part(&b, "k")->why, "comes again"));
    assert_true(gw_str_eq(part(&b, "k")->value, dd_sent_text(&b.arena, GW_STR("1"))));
    tear_down(&b);
}

static void test_links_and_events(void **state)
{
    struct bench b;
    set_up(&b);
    explain(
        &b,
        SPAN("'span_links':[{'trace_id':7,'span_id':8,'attributes':{'a':'b'}}],"
             "'span_events':[{'time_unix_nano':5,'name':'e','attributes':{'x':{'type':2,'int_value':3}}}]"));
    check_fate(&b, "span_links[0]", DD_FATE_EVENT, "links[0].spanId");
    check_from(&b, "links[0].a", "span_links[0]");
    check_from(&b, "events[e].x", "span_events[0]");
    check_from(&b, "events[e].name", "span_events[0]");
    assert_true(has_text(part(&b, "span_events[0]")->value, "\"attributes\":{\"x\":3}"));
    tear_down(&b);
}

/* A value is shown as it would be sent, in whatever way it goes. */
static void test_secrets(void **state)
{
    static gw_str strip[] = {GW_LIT("hidden.*")};
    struct bench b;
    set_up(&b);
    b.opt.strip = (struct gw_list){strip, 1};
    explain(&b, SPAN("'type':'sql','resource':'SELECT 4711','meta':{'sql.query':'SELECT 4711 FROM "
                     "t','db.statement':'SELECT 4712',"
                     "'hidden.a':'4713','http.url':'http://u:4714@h/?token=4715','db.type':'postgres'}"));
    for (size_t i = 0; i < b.e.received_n; i++)
        if (has_text(b.e.received[i].value, "471"))
            fail_msg("%.*s shows %.*s", GW_FMT(b.e.received[i].name), GW_FMT(b.e.received[i].value));
    assert_true(has_text(part(&b, "sql.query")->value, "SELECT ? FROM t"));
    assert_true(has_text(part(&b, "hidden.a")->value, "?"));
    assert_true(has_text(part(&b, "hidden.a")->why, "option strip"));
    tear_down(&b);
}

/* Rules of the user's own. */
static void test_privacy(void **state)
{
    struct gw_map_item rule[] = {{GW_LIT("name"), GW_LIT("*")},
                                 {GW_LIT("pattern"), GW_LIT("47[0-9]+")},
                                 {GW_LIT("repl"), GW_LIT("***")}};
    struct gw_map rules[] = {{rule, 3}};
    const struct dd_privacy_conf conf = {.privacy_replace_tags = {rules, 1}};
    struct dd_privacy_counts counts = {0};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct dd_privacy *privacy = dd_privacy_new(&conf, &counts, "receivers[0]", diagnostics);
    struct bench b;
    set_up(&b);
    b.env.privacy = dd_privacy_thread_new(privacy);
    explain(&b, SPAN("'resource':'r 4711','meta':{'a':'x4712','env':'4713'},'metrics':{'n':4714},"
                     "'span_events':[{'time_unix_nano':5,'name':'e','attributes':{'x':{'type':0,'string_"
                     "value':'4715'}}}]"));
    for (size_t i = 0; i < b.e.received_n; i++)
        if (has_text(b.e.received[i].value, "471"))
            fail_msg("%.*s shows %.*s", GW_FMT(b.e.received[i].name), GW_FMT(b.e.received[i].value));
    assert_true(has_text(part(&b, "a")->value, "x***"));
    assert_true(has_text(part(&b, "n")->value, "***"));
    check_fate(&b, "n", DD_FATE_KEPT, "n");
    tear_down(&b);
    dd_privacy_thread_drop(b.env.privacy);
    dd_privacy_drop(privacy);
    gw_diagnostics_drop(diagnostics);
}

static void test_not_sent(void **state)
{
    struct bench b;
    set_up(&b);
    explain(&b, SPAN("'meta':{'a':'b'},'metrics':{'_sampling_priority_v1':0}"));
    assert_int_equal(b.e.sent_n, 0);
    assert_true(has_text(b.e.not_sent, "sampled_out"));
    check_fate(&b, "a", DD_FATE_LEFT_OUT, NULL);
    assert_true(has_text(part(&b, "a")->why, "was not sent"));
    tear_down(&b);
}

/* Options that add to the resource. */
static void test_options(void **state)
{
    static struct gw_map_item fixed[] = {{GW_LIT("team"), GW_LIT("shop")}};
    static gw_str promote[] = {GW_LIT("region.name")};
    struct bench b;
    set_up(&b);
    b.opt.resource = (struct gw_map){fixed, 1};
    b.opt.promote = (struct gw_list){promote, 1};
    explain(&b, SPAN("'meta':{'region.name':'eu'}"));
    check_from(&b, "team", NULL);
    assert_true(has_text(item(&b, "team")->why, "option resource"));
    check_fate(&b, "region.name", DD_FATE_RESOURCE, "region.name");
    assert_true(has_text(item(&b, "region.name")->why, "option promote"));
    tear_down(&b);
}

static void test_bad_body(void **state)
{
    struct bench b;
    struct gw_err err = {0};
    set_up(&b);
    const struct dd_explain_input in = {DD_V04_JSON, GW_STR("[[{\"trace_id\":1,"), &b.req, &b.opt, &b.env,
                                        NULL};
    assert_null(dd_explain_new(&in, &b.result, &err));
    assert_int_equal(err.code, GW_BAD_JSON);
    assert_int_equal(b.result.frames_n, 0);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),       cmocka_unit_test(test_fates),
        cmocka_unit_test(test_equal_tags),       cmocka_unit_test(test_from_others),
        cmocka_unit_test(test_links_and_events), cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_privacy),          cmocka_unit_test(test_not_sent),
        cmocka_unit_test(test_options),          cmocka_unit_test(test_bad_body)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
