/* Several backends over HTTP: which one gets a request, where it goes on to, and addresses that come and go while requests are
 * open. The resolver and libcurl are the test's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/otlp/http_targets.h"

enum { MOST = 16 };

static struct resolver_address known[MOST];
static unsigned known_n;
static bool changed;

bool __wrap_resolver_start(struct resolver *r);
bool __wrap_resolver_read(struct resolver *r, struct resolver_address out[static BALANCER_TARGETS],
                          unsigned *n);
void __wrap_http_post_send(struct http_post *h, const char *url, struct curl_slist *connect_to,
                           const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie);

bool __wrap_resolver_start(struct resolver *r)
{
    (void)r;
    return true;
}

bool __wrap_resolver_read(struct resolver *r, struct resolver_address out[static BALANCER_TARGETS],
                          unsigned *n)
{
    (void)r;
    if (!changed)
        return false;
    memcpy(out, known, sizeof known);
    *n = known_n;
    changed = false;
    return true;
}

/* What libcurl was asked for. */
static struct {
    char url[200];
    struct curl_slist *connect_to;
    gw_done_f *done;
    void *cookie;
} sent[MOST];
static unsigned sent_n;

void __wrap_http_post_send(struct http_post *h, const char *url, struct curl_slist *connect_to,
                           const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie)
{
    (void)h;
    (void)batch;
    (void)timeout;
    assert_true(sent_n < MOST);
    snprintf(sent[sent_n].url, sizeof sent->url, "%s", url);
    sent[sent_n].connect_to = connect_to;
    sent[sent_n].done = done;
    sent[sent_n++].cookie = cookie;
}

static void address(unsigned name, const char *text)
{
    known[known_n].name = name;
    snprintf(known[known_n++].text, sizeof known->text, "%s", text);
    changed = true;
}

/* --- the bed: two names, and a spare one --- */

static struct otlp_endpoint all[] = {{.host = "a", .authority = "a:4318", .path = "/base", .port = 4318},
                                     {.host = "b", .authority = "b:4318", .path = "", .port = 4318},
                                     {.host = "spare", .authority = "spare:4318", .path = "", .port = 4318}};
static const struct otlp_endpoints endpoints = {all, 3, 1};
static const char *const paths[GW_SIGNALS] = {"/v1/traces", "/v1/logs", "/v1/metrics", "/v1/profiles"};
static struct http_targets targets;
static struct gw_outcome got;
static unsigned got_n;

static void on_done(void *cookie, const struct gw_outcome *outcome)
{
    (void)cookie;
    got = *outcome;
    got_n++;
}

static void send_one(void)
{
    static const struct gw_batch batch = {.signal = GW_LOGS};
    http_targets_send(&targets, &batch, GW_SEC, on_done, NULL);
}

static void answer(unsigned request, enum gw_verdict verdict)
{
    struct gw_outcome outcome = {.verdict = verdict};
    sent[request].done(sent[request].cookie, &outcome);
}

static void assert_sent(unsigned request, const char *url, const char *connect_to)
{
    assert_true(request < sent_n);
    assert_string_equal(sent[request].url, url);
    assert_string_equal(sent[request].connect_to->data, connect_to);
}

static int open_targets(void **state)
{
    const struct http_targets_conf conf = {.endpoints = &endpoints,
                                           .signal_path = paths,
                                           .resolve_interval = GW_SEC,
                                           .component = "exporter=test"};
    (void)state;
    known_n = sent_n = got_n = 0;
    http_targets_open(&targets, &conf);
    address(0, "10.0.0.1:4318");
    address(1, "10.0.0.2:4318");
    address(2, "10.0.0.9:4318");
    return 0;
}

static int close_targets(void **state)
{
    (void)state;
    http_targets_close(&targets);
    return 0;
}

/* --- tests --- */

static void the_one_with_fewer_open_requests_is_next(void **state)
{
    (void)state;
    send_one();
    send_one();
    assert_int_equal(sent_n, 2);
    bool first_is_a = strstr(sent[0].url, "//a:");
    assert_sent(!first_is_a, "http://a:4318/base/v1/logs", "::10.0.0.1:4318");
    assert_sent(first_is_a, "http://b:4318/v1/logs", "::10.0.0.2:4318");
    answer(1, GW_DONE);
    send_one();
    assert_string_equal(sent[2].url, sent[1].url);
    answer(0, GW_DONE);
    answer(2, GW_REFUSED);
    assert_int_equal(got_n, 3);
    assert_int_equal(got.verdict, GW_REFUSED);
}

static void what_one_does_not_take_goes_on_to_the_others(void **state)
{
    (void)state;
    send_one();
    answer(0, GW_RETRY);
    answer(1, GW_RETRY_SLOWLY);
    assert_int_equal(got_n, 0);
    assert_sent(2, "http://spare:4318/v1/logs", "::10.0.0.9:4318");
    answer(2, GW_DONE);
    assert_int_equal(got.verdict, GW_DONE);
    send_one(); /* the first two are out for a while */
    assert_sent(3, "http://spare:4318/v1/logs", "::10.0.0.9:4318");
    answer(3, GW_RETRY);
    answer(4, GW_RETRY);
    answer(5, GW_RETRY);
    assert_int_equal(sent_n, 6);
    assert_int_equal(got_n, 2);
    assert_int_equal(got.verdict, GW_RETRY);
}

/* It may have arrived: only the exporter's own retry sends it again. */
static void a_request_without_an_answer_does_not_go_on(void **state)
{
    (void)state;
    send_one();
    answer(0, GW_TIMED_OUT);
    assert_int_equal(sent_n, 1);
    assert_int_equal(got.verdict, GW_TIMED_OUT);
}

static void an_address_that_is_gone_ends_with_its_last_request(void **state)
{
    (void)state;
    known_n = 0;
    address(0, "10.0.0.1:4318");
    send_one();
    known_n = 0;
    address(0, "10.0.0.3:4318");
    send_one();
    assert_sent(1, "http://a:4318/base/v1/logs", "::10.0.0.3:4318");
    assert_sent(0, "http://a:4318/base/v1/logs", "::10.0.0.1:4318");
    answer(0, GW_RETRY); /* and goes on to one that is there */
    assert_sent(2, "http://a:4318/base/v1/logs", "::10.0.0.3:4318");
    answer(1, GW_DONE);
    answer(2, GW_DONE);
    assert_int_equal(got_n, 2);
    known_n = 0;
    address(0, "10.0.0.1:4318"); /* it is back */
    send_one();
    assert_sent(3, "http://a:4318/base/v1/logs", "::10.0.0.1:4318");
    answer(3, GW_DONE);
}

static void what_is_cancelled_does_not_go_on(void **state)
{
    (void)state;
    send_one();
    targets.cancelled = true;
    answer(0, GW_RETRY);
    assert_int_equal(sent_n, 1);
    assert_int_equal(got.verdict, GW_RETRY);
}

static void without_an_address_it_waits(void **state)
{
    (void)state;
    changed = false;
    send_one();
    assert_int_equal(sent_n, 0);
    assert_int_equal(got.verdict, GW_RETRY);
    assert_true(got.unreachable);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_targets, close_targets)
    const struct CMUnitTest tests[] = {TEST(the_one_with_fewer_open_requests_is_next),
                                       TEST(what_one_does_not_take_goes_on_to_the_others),
                                       TEST(a_request_without_an_answer_does_not_go_on),
                                       TEST(an_address_that_is_gone_ends_with_its_last_request),
                                       TEST(what_is_cancelled_does_not_go_on),
                                       TEST(without_an_address_it_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
