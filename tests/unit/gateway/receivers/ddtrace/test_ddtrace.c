/* The ddtrace receiver as a whole, over real sockets and with the real translator; a queue stands for the
 * exporter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "core/delivery/ledger.h"
#include "core/delivery/queue.h"
#include "core/delivery/trace_ids.h"
#include "gateway/receivers/ddtrace/ddtrace.h"
#include "gateway/run/modules.h"

struct fixture {
    struct gw_budget budget;
    struct gw_arena arena;
    struct gw_ledger *ledger;
    struct gw_fanout *fanout;
    struct gw_queue *queue;
    struct gw_trace_ids *ids;
    struct gw_host host;
    struct gw_diagnostics *diagnostics;
    struct ddtrace *d;
};

static void wake(void *arg)
{
}

/* `set` holds pairs of option and value, ended by NULL. */
static struct fixture *make(const char *const *set, size_t capacity, bool check)
{
    const struct gw_receiver *r = &gw_receiver_ddtrace;
    struct fixture *f = calloc(1, sizeof *f);
    f->budget.limit = 256 << 20;
    gw_arena_init(&f->arena, 1 << 20);
    f->ledger = gw_ledger_new();
    f->fanout = gw_fanout_new(f->ledger, &f->budget);
    f->queue = gw_queue_new(capacity, false, wake, NULL);
    unsigned number = gw_ledger_exporter(f->ledger, "test", 1u << GW_TRACES);
    gw_fanout_add(f->fanout, (struct gw_route){f->queue, "test", number, 1u << GW_TRACES, GW_OTEL, 0, 0});
    f->ids = gw_trace_ids_new(1000, GW_SEC);
    f->host = (struct gw_host){.http = gw_http_new(&f->budget, 2),
                               .fanout = f->fanout,
                               .ledger = f->ledger,
                               .budget = &f->budget,
                               .ids = f->ids,
                               .host_name = GW_STR("myhost"),
                               .check = check,
                               .threads = 2};
    f->diagnostics = gw_diagnostics_new();
    f->d = calloc(1, r->ctx_size);
    assert_true(gw_opt_defaults(r->opts, f->d, &f->arena));
    for (; *set; set += 2)
        for (const struct gw_opt *o = r->opts; o->type != GW_OPT_END_ROW; o++)
            if (strcmp(o->name, set[0]) == 0)
                assert_true(gw_opt_set(o, f->d, gw_str_z(set[1]), gw_str_z(set[1]), &f->arena, "receivers[0]",
                                       f->diagnostics));
    assert_int_equal(r->open(f->d, &f->host, "receivers[0]", f->diagnostics), GW_OK);
    return f;
}

static struct fixture *run(const char *const *set, size_t capacity)
{
    struct fixture *f = make(set, capacity, false);
    assert_int_equal(gw_diagnostics_errors(f->diagnostics), 0);
    gw_receiver_ddtrace.start(f->d);
    struct gw_err err;
    assert_int_equal(gw_http_start(f->host.http, &err), GW_OK);
    return f;
}

static void end(struct fixture *f)
{
    gw_http_stop(f->host.http, 3 * GW_SEC);
    if (f->d->threads)
        gw_receiver_ddtrace.stop(f->d);
    gw_receiver_ddtrace.close(f->d);
    gw_receiver_ddtrace.close(f->d);
    gw_http_drop(f->host.http);
    gw_queue_drop(f->queue);
    gw_fanout_drop(f->fanout);
    gw_trace_ids_drop(f->ids);
    gw_ledger_drop(f->ledger);
    gw_diagnostics_drop(f->diagnostics);
    gw_arena_fini(&f->arena);
    free(f->d);
    assert_int_equal(f->budget.used, 0);
    free(f);
}

static const char *const any_port[] = {"listen", "127.0.0.1:0", "socket", "", NULL};

static int setup(void **state)
{
    *state = run(any_port, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    end(*state);
    return 0;
}

/* One request on a connection of its own; the answer, whole. */
struct answer {
    int status;
    char text[4096], body[4096];
};

static struct answer ask(const struct fixture *f, const char *method, const char *path, const char *headers,
                         gw_str body)
{
    struct answer a = {0};
    char head[1024];
    struct gw_address to;
    struct gw_listen_error why;
    size_t n, got = 0;
    snprintf(head, sizeof head, "127.0.0.1:%d", f->d->open.port);
    gw_listen_resolve(gw_str_z(head), &to, &n, &why);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval grace_period = {20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &grace_period, sizeof grace_period);
    assert_int_equal(connect(fd, (struct sockaddr *)&to.sa, to.len), 0);
    n = (size_t)snprintf(head, sizeof head,
                         "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                         method, path, body.len, headers);
    assert_int_equal(send(fd, head, n, body.len ? MSG_MORE : 0), n);
    assert_int_equal(send(fd, body.ptr, body.len, 0), body.len);
    for (ssize_t r; (r = recv(fd, a.text + got, sizeof a.text - 1 - got, 0)) > 0;)
        got += (size_t)r;
    close(fd);
    assert_int_equal(sscanf(a.text, "HTTP/1.1 %d", &a.status), 1);
    strcpy(a.body, strstr(a.text, "\r\n\r\n") + 4);
    return a;
}

static bool has(const struct answer *a, const char *header)
{
    return strcasestr(a->text, header) != NULL;
}

/* [[{trace_id: 7, span_id: 8, name: "n", service: "s", start: 1700000000000000000, duration: 5}]] */
#define SPAN                                                                                                 \
    "\x86\xa8trace_id\x07\xa7span_"                                                                          \
    "id\x08\xa4name\xa1n\xa7service\xa1s\xa5start\xcf\x17\x97\x94\xc2\x13\xc8\x00\x00\xa8"                   \
    "duration\x05"
static const gw_str one = GW_LIT("\x91\x91" SPAN), cut = GW_LIT("\x91\x92" SPAN),
                    odd = GW_LIT("\x91\x93" SPAN "\xc0" SPAN),
                    v07 = GW_LIT("\x81\xa6"
                                 "chunks"
                                 "\x91\x81\xa5"
                                 "spans"
                                 "\x91" SPAN),
                    v10 = GW_LIT("\x81\x0b\x91\x82\x06\xc4\x01\x01\x04\x91\x81\x04\x02");
/* ["", "s", "n", "r"], [[[1,2,3,7,8,0,start,5,0,{},{},0]]] */
static const gw_str dictionary = GW_LIT(
    "\x92\x94\xa0\xa1s\xa1n\xa1r\x91\x91\x9c\x01\x02\x03\x07\x08\x00\xcf\x17\x97\x94\xc2\x13\xc8\x00\x00"
    "\x05\x00\x80\x80\x00");
static const gw_str json = GW_LIT("[[{\"trace_id\":7,\"span_id\":8,\"name\":\"n\",\"service\":\"s\","
                                  "\"start\":1700000000000000000,\"duration\":5}]]");
static const gw_str flat = GW_LIT("[{\"trace_id\":7,\"span_id\":8,\"name\":\"n\",\"service\":\"s\",\"start\":"
                                  "1700000000000000000,\"duration\":5}]");

#define MSGPACK "Content-Type: application/msgpack\r\n"
#define JSON "Content-Type: application/json\r\n"
#define RATES "{\"rate_by_service\":{\"service:,env:\":1}}"

static void answers(void **state)
{
    const struct {
        const char *method, *path, *headers;
        gw_str body;
        int status;
        const char *type, *text; /* text: NULL: any */
        uint64_t spans;
    } cases[] = {
        {"PUT", "/v0.4/traces", MSGPACK, one, 200, "application/json", RATES, 1},
        {"POST", "/v0.4/traces", MSGPACK, one, 200, "application/json", RATES, 1},
        {"POST", "/v0.4/traces", "Content-Type: application/msgpack; charset=x\r\n", one, 200,
         "application/json", RATES, 1},
        {"POST", "/v0.4/traces", JSON, json, 200, "application/json", RATES, 1},
        {"POST", "/v0.4/traces", "Content-Type: text/json\r\n", json, 200, "application/json", RATES, 1},
        {"POST", "/v0.4/traces", "", json, 200, "application/json", RATES, 1},
        {"POST", "/v0.4/traces", "", one, 200, "application/json", RATES, 1},
        {"POST", "/v0.4/traces", "Content-Type: text/plain\r\n", one, 200, "application/json", RATES, 1},
        {"PUT", "/v0.3/traces", MSGPACK, one, 200, "text/plain", "OK\n", 1},
        {"PUT", "/v0.3/traces", JSON, json, 200, "text/plain", "OK\n", 1},
        {"PUT", "/v0.5/traces", MSGPACK, dictionary, 200, "application/json", RATES, 1},
        /* its content type does not count */
        {"PUT", "/v0.5/traces", JSON, dictionary, 200, "application/json", RATES, 1},
        {"PUT", "/v0.2/traces", JSON, json, 200, "text/plain", "OK\n", 1},
        {"PUT", "/v0.1/spans", JSON, flat, 200, "text/plain", "OK\n", 1},
        {"PUT", "/spans", JSON, flat, 200, "text/plain", "OK\n", 1},
        {"PUT", "/v0.2/traces", MSGPACK, one, 415, "text/plain", "this path takes another media type\n", 0},
        {"PUT", "/v0.1/spans", MSGPACK, one, 415, "text/plain", "this path takes another media type\n", 0},
        {"PUT", "/spans", "", one, 415, "text/plain", "this path takes another media type\n", 0},
        {"PUT", "/v0.4/traces", JSON, one, 400, "text/plain", NULL, 0},
        {"PUT", "/v0.4/traces", MSGPACK, json, 400, "text/plain", NULL, 0},
        {"PUT", "/v0.4/traces", MSGPACK, odd, 200, "application/json", RATES, 3},
        {"PUT", "/v0.4/traces", MSGPACK, GW_LIT(""), 200, "application/json", RATES, 0},
        {"PUT", "/v0.5/traces", MSGPACK, GW_LIT("\x90"), 200, "application/json", RATES, 0},
        {"PUT", "/v0.5/traces", "", GW_LIT("\x92\x90\x90"), 200, "application/json", RATES, 0},
        {"PUT", "/v0.4/traces", "", GW_LIT("\x92\x90\x90"), 200, "application/json", RATES, 0},
        {"PUT", "/v0.4/traces", JSON, GW_LIT("[]\n"), 200, "application/json", RATES, 0},
        {"PUT", "/v0.3/traces", JSON, GW_LIT("[]"), 200, "text/plain", "OK\n", 0},
        {"PUT", "/services", JSON, GW_LIT("{}"), 200, "text/plain", "OK\n", 0},
        {"PUT", "/v0.4/services", MSGPACK, GW_LIT("\xc1"), 200, "text/plain", "OK\n", 0},
        {"POST", "/telemetry/proxy/api/v2/apmtelemetry", JSON, GW_LIT("{}"), 202, "application/json", "{}",
         0},
        {"POST", "/debugger/v1/diagnostics", JSON, GW_LIT("{}"), 200, NULL, "", 0},
        {"GET", "/v0.4/traces", "", GW_LIT(""), 405, "text/plain", "this path takes another method\n", 0},
        {"POST", "/v0.4/traces/", "", GW_LIT(""), 404, "text/plain", "no such path is served here\n", 0},
        {"POST", "/v1.0/traces", "", GW_LIT(""), 200, "application/json", RATES, 0},
        {"POST", "/v1.0/traces", MSGPACK, GW_LIT("\x81\x02\xa1x"), 200, "application/json", RATES, 0},
        {"POST", "/v1.0/traces", MSGPACK "X-Datadog-Trace-Count: 7\r\n", GW_LIT("\xde\x00\x01\x02\xc1"), 400,
         "text/plain", "payload is not well-formed msgpack at offset 4: 0xc1 is no msgpack", 7},
        {"POST", "/v1.0/traces", MSGPACK, v10, 200, "application/json", RATES, 1},
        {"POST", "/v0.7/traces", MSGPACK, v07, 200, "application/json", RATES, 1},
        {"POST", "/v0.7/traces", MSGPACK, one, 400, "text/plain",
         "payload is not shaped like this API version at offset 0: the payload is an array, want a map", 0},
        {"POST", "/v1.0/traces", MSGPACK, one, 200, "application/json", RATES, 1},
        {"POST", "/v1.0/traces", MSGPACK, GW_LIT("\x90"), 200, "application/json", RATES, 0},
        {"POST", "/v1.0/traces", MSGPACK, GW_LIT("\x92\x90\x90"), 200, "application/json", RATES, 0},
        {"PUT", "http://127.0.0.1:8126/v0.4/traces", MSGPACK, one, 200, "application/json", RATES, 1},
        {"PUT", "hTTps://[::1]/v0.4/traces?a=/b", MSGPACK, one, 200, "application/json", RATES, 1},
        {"GET", "http://host:8126?x", "", GW_LIT(""), 404, "text/plain", "no such path is served here\n", 0},
        {"GET", "http:///info", "", GW_LIT(""), 404, "text/plain", "no such path is served here\n", 0},
        {"PUT", "ftp://host/v0.4/traces", MSGPACK, one, 404, "text/plain", "no such path is served here\n",
         0},
        {"PUT", "/v0.9/traces", "X-Datadog-Trace-Count: 3\r\n", one, 404, "text/plain",
         "no such path is served here\n", 3},
        {"PUT", "/v0.4/traces", MSGPACK "Content-Encoding: br\r\nX-Datadog-Trace-Count: 2\r\n", one, 415,
         "text/plain", NULL, 2},
        {"PUT", "/v0.4/traces", MSGPACK "X-Datadog-Trace-Count: 18446744073709551615\r\n", GW_LIT("\xc1"),
         400, "text/plain", NULL, 500000},
        {"POST", "/v0.6/stats", MSGPACK, GW_LIT("\xc1"), 200, NULL, "", 0},
        {"POST", "/v0.7/config", JSON, GW_LIT("{}"), 200, "application/json", "{}", 0},
        {"GET", "/v0.7/config", "", GW_LIT("{}"), 200, "application/json", "{}", 0},
        {"POST", "/evp_proxy/v4/api/v2/errorsintake", JSON, GW_LIT("{}"), 202, "application/json", "{}", 0},
        {"GET", "/evp_proxy/v2/api/v2/x", "", GW_LIT(""), 405, "text/plain",
         "this path takes another method\n", 0},
        {"POST", "/evp_proxy", "", GW_LIT(""), 404, "text/plain", "no such path is served here\n", 0},
        {"POST", "/debugger/v1/input?ddtags=a:b", JSON, GW_LIT("[]"), 200, NULL, "", 0},
        {"POST", "/profiling/v1/input", "Content-Encoding: made-up\r\n", GW_LIT("x"), 200, NULL, "", 0},
        {"GET", "/dogstatsd/v2/proxy", "", GW_LIT("a:1|c"), 200, NULL, "", 0},
        {"GET", "/", "", GW_LIT(""), 404, "text/plain", "no such path is served here\n", 0},
    };
    const struct fixture *f = *state;
    static struct gw_ledger_view before, after;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_ledger_read(f->ledger, &before);
        struct answer a = ask(f, cases[i].method, cases[i].path, cases[i].headers, cases[i].body);
        gw_ledger_read(f->ledger, &after);
        if (a.status != cases[i].status)
            fail_msg("case %zu, %s %s: %s", i, cases[i].method, cases[i].path, a.text);
        assert_true(!cases[i].type || strcasestr(a.text, cases[i].type));
        if (cases[i].text && a.status < 300)
            assert_string_equal(a.body, cases[i].text);
        else if (cases[i].text)
            assert_memory_equal(a.body, cases[i].text, strlen(cases[i].text)); /* the advice follows */
        assert_true(has(&a, "Datadog-Agent-Version: 7."));
        assert_true(has(&a, f->d->infos->of[0].state));
        assert_int_equal(after.signal[GW_TRACES].received - before.signal[GW_TRACES].received,
                         cases[i].spans);
        assert_true(gw_ledger_balanced(&after));
    }
}

static void names_the_place_of_an_error(void **state)
{
    const struct fixture *f = *state;
    char want[32];
    struct answer a = ask(f, "PUT", "/v0.4/traces", MSGPACK "X-Datadog-Trace-Count: 2\r\n", cut);
    assert_int_equal(a.status, 400);
    snprintf(want, sizeof want, "at offset %zu: ", cut.len);
    assert_non_null(strstr(a.body, "payload is not well-formed msgpack"));
    assert_non_null(strstr(a.body, want));
    assert_int_equal(f->d->counts.lost_chunks, 2);
    a = ask(f, "PUT", "/v0.4/traces", MSGPACK, GW_STR("\xdd\xff\xff\xff\xff"));
    assert_non_null(strstr(a.body, "at offset 0: "));
    static struct gw_ledger_view view;
    gw_ledger_read(f->ledger, &view);
    assert_int_equal(view.signal[GW_TRACES].accepted, 0);
    assert_int_equal(view.signal[GW_TRACES].not_taken[GW_REASON_BAD_PAYLOAD] +
                         view.signal[GW_TRACES].not_taken[GW_REASON_UNREAD],
                     view.signal[GW_TRACES].received);
}

static void echoes_the_version_of_rates(void **state)
{
    struct answer a =
        ask(*state, "PUT", "/v0.4/traces", MSGPACK "Datadog-Rates-Payload-Version: abc\r\n", one);
    assert_string_equal(a.body, RATES);
    assert_true(has(&a, "Datadog-Rates-Payload-Version: " DDTRACE_RATES_VERSION "\r\n"));
    a = ask(*state, "PUT", "/v0.4/traces",
            MSGPACK "Datadog-Rates-Payload-Version: " DDTRACE_RATES_VERSION "\r\n", one);
    assert_string_equal(a.body, "{}");
    assert_true(has(&a, "Datadog-Rates-Payload-Version: " DDTRACE_RATES_VERSION "\r\n"));
    a = ask(*state, "PUT", "/v0.4/traces", MSGPACK, one);
    assert_false(has(&a, "Datadog-Rates-Payload-Version"));
}

static void counts_what_is_odd(void **state)
{
    const struct fixture *f = *state;
    ask(f, "PUT", "/v0.4/traces",
        MSGPACK "X-Datadog-Trace-Count: 1\r\nDatadog-Client-Dropped-P0-Traces: 5\r\n", one);
    assert_int_equal(f->d->counts.count_mismatches, 0);
    ask(f, "PUT", "/v0.4/traces", MSGPACK "X-Datadog-Trace-Count: 3\r\n", one);
    assert_int_equal(f->d->counts.count_mismatches, 1);
    assert_int_equal(f->d->counts.dropped_p0_traces, 5);
    assert_int_equal(f->d->counts.payloads[DD_V04_MSGPACK], 2);
    assert_int_equal(f->d->site.counts.requests, 2);
    assert_int_equal(f->d->site.counts.wire_bytes, 2 * one.len);
}

static void info_is_stable_json(void **state)
{
    const struct fixture *f = *state;
    struct answer a = ask(f, "GET", "/info", "", GW_NOSTR), again = ask(f, "GET", "/info", "", GW_NOSTR);
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hex[65], port[64];
    struct json_object *o = json_tokener_parse(a.body), *v;
    assert_int_equal(a.status, 200);
    if (!o)
        fail_msg("not JSON: %s", a.body);
    assert_string_equal(a.body, again.body);
    again = ask(f, "POST", "http://127.0.0.1:8126/info?x", JSON, GW_STR("{}"));
    assert_string_equal(a.body, again.body);
    assert_false(has(&a, "Datadog-Agent-State"));
    assert_true(has(&a, "Datadog-Agent-Version: " DDTRACE_AGENT_VERSION));
    SHA256((const uint8_t *)a.body, strlen(a.body), hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(f->d->infos->of[0].state, hex);
    assert_false(json_object_get_boolean(json_object_object_get(o, "client_drop_p0s")));
    assert_true(json_object_get_boolean(json_object_object_get(o, "span_events")));
    snprintf(port, sizeof port, "\"receiver_port\":%d,", f->d->open.port);
    assert_non_null(strstr(a.body, port));
    v = json_object_object_get(o, "endpoints");
    assert_int_equal(json_object_array_length(v), 10);
    for (size_t i = 0; i < json_object_array_length(v); i++) { /* what is listed works */
        const char *path = json_object_get_string(json_object_array_get_idx(v, i));
        int status = ask(f, "PUT", path, "", GW_NOSTR).status;
        assert_true(status == 200 || status == 202);
    }
    json_object_put(o);
}

static void head_of_info_has_no_body(void **state)
{
    struct answer a = ask(*state, "HEAD", "/info", "", GW_NOSTR);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "");
}

static void a_full_queue_is_429(void **state)
{
    struct fixture *f = run(any_port, 1);
    static struct gw_ledger_view view;
    /* an empty queue takes anything */
    assert_int_equal(ask(f, "PUT", "/v0.4/traces", MSGPACK, one).status, 200);
    struct answer a = ask(f, "PUT", "/v0.4/traces", MSGPACK, one);
    assert_int_equal(a.status, 429);
    assert_true(has(&a, "\r\nRetry-After: "));
    gw_fanout_stop(f->fanout);
    assert_int_equal(ask(f, "PUT", "/v0.4/traces", MSGPACK, one).status, 503);
    gw_ledger_read(f->ledger, &view);
    assert_int_equal(view.signal[GW_TRACES].accepted, 1);
    assert_int_equal(view.signal[GW_TRACES].not_taken[GW_REASON_QUEUE_FULL], 1);
    assert_int_equal(view.signal[GW_TRACES].not_taken[GW_REASON_STOPPING], 1);
    end(f);
}

static char *printed(struct gw_diagnostics *p)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    gw_diagnostics_print(p, to);
    fclose(to);
    return text;
}

static void a_taken_port_ends_the_start(void **state)
{
    const struct fixture *f = *state;
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", f->d->open.port);
    struct fixture *g = make((const char *const[]){"listen", address, "socket", "", NULL}, 1, false);
    assert_true(gw_diagnostics_errors(g->diagnostics) > 0);
    char *text = printed(g->diagnostics);
    assert_non_null(strstr(text, address));
    assert_non_null(strstr(text, "receivers[0].listen"));
    free(text);
    end(g);
    /* `ddgate check` binds nothing */
    g = make((const char *const[]){"listen", address, "socket", "", NULL}, 1, true);
    assert_int_equal(gw_diagnostics_errors(g->diagnostics), 0);
    end(g);
}

static void mistakes_are_told(void **state)
{
    static const struct {
        const char *listen, *socket, *text;
    } cases[] = {
        {"127.0.0.1", "", "not an address"},
        {"127.0.0.1:0", "/nonexistent/folder/apm.socket", "its folder does not exist"},
        {"127.0.0.1:0", "apm.socket", "absolute path"},
        {"", "", "no address left"},
        {"203.0.113.1:0", "", "does not have the address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f =
            make((const char *const[]){"listen", cases[i].listen, "socket", cases[i].socket, NULL}, 1, false);
        char *text = printed(f->diagnostics);
        assert_true(gw_diagnostics_errors(f->diagnostics) > 0);
        assert_non_null(strstr(text, cases[i].text));
        free(text);
        end(f);
    }
}

static void the_default_is_best_effort(void **state)
{
    static const char *const none[] = {NULL};
    /* the second finds the ports taken */
    struct fixture *f = make(none, 1, false), *g = make(none, 1, false);
    char *text = printed(g->diagnostics);
    for (char *at = text; (at = strstr(at, "receivers[0].listen: ")); at++)
        assert_memory_equal(at + strlen("receivers[0].listen: "), "warning: ", 9);
    assert_non_null(strstr(text, "there is no address left"));
    free(text);
    end(g);
    end(f);
}

static void hints(void **state)
{
    const struct fixture *f = *state;
    char *text = NULL, want[128];
    size_t n;
    FILE *to = open_memstream(&text, &n);
    gw_receiver_ddtrace.hint(f->d, to);
    fclose(to);
    snprintf(want, sizeof want,
             "  DD_AGENT_HOST=127.0.0.1 DD_TRACE_AGENT_PORT=%d ddtrace-run python app.py\n", f->d->open.port);
    assert_string_equal(text, want);
    free(text);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(answers),
        T(names_the_place_of_an_error),
        T(echoes_the_version_of_rates),
        T(counts_what_is_odd),
        T(info_is_stable_json),
        T(head_of_info_has_no_body),
        T(a_taken_port_ends_the_start),
        T(hints),
        cmocka_unit_test(a_full_queue_is_429),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(the_default_is_best_effort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
