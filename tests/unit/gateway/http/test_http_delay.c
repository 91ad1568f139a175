/* Answers that are held back: only their own connection waits, never the worker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/http.h"

enum { TIMEOUT_S = 20 };

/* A server with one worker and one site, whose reason to hold answers back ends when `released` is set. */
struct fixture {
    struct gw_budget budget;
    struct gw_http *http;
    struct gw_http_site site;
    struct gw_address address;
    atomic_bool released;
    atomic_uint asked; /* whether the reason lasts */
};

static void answer(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                   struct gw_http_reply *r)
{
    r->status = (unsigned)route->tag;
    r->body = gw_str_z(route->path);
}

static void release(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                    struct gw_http_reply *r)
{
    struct fixture *f = ctx;
    atomic_store(&f->released, true);
}

static bool delays(void *ctx, unsigned what)
{
    struct fixture *f = ctx;
    assert_int_equal(what, 7);
    atomic_fetch_add(&f->asked, 1);
    return !atomic_load(&f->released);
}

static const struct gw_http_route routes[] = {
    {.path = "/data", .methods = GW_HTTP_POST, .tag = 202, .may_delay = true, .handle = answer},
    {.path = "/bad", .methods = GW_HTTP_POST, .tag = 429, .may_delay = true, .handle = answer},
    {.path = "/info", .methods = GW_HTTP_POST, .tag = 200, .handle = answer},
    {.path = "/release", .methods = GW_HTTP_POST, .tag = 200, .handle = release},
};

static void start(struct fixture *f, gw_nsec longest_delay)
{
    struct gw_listen_error why = {""};
    struct gw_err err;
    *f = (struct fixture){.budget = {.limit = 64 << 20}};
    f->http = gw_http_new(&f->budget, 1);
    f->site = (struct gw_http_site){.component = "receiver=test",
                                    .routes = routes,
                                    .routes_n = sizeof routes / sizeof *routes,
                                    .ctx = f,
                                    .limits = {1 << 20, 1 << 20, 60 * GW_SEC, 60 * GW_SEC, 100},
                                    .delay = {delays, f, 7, longest_delay}};
    assert_int_equal(gw_http_listen(f->http, GW_STR("127.0.0.1:0"), &f->site, &f->address, &why),
                     GW_LISTEN_OK);
    assert_int_equal(gw_http_start(f->http, &err), GW_OK);
}

static void stop(struct fixture *f)
{
    gw_http_drop(f->http);
    assert_int_equal(f->budget.used, 0);
}

static int dial(const struct fixture *f)
{
    int fd = socket(f->address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval grace_period = {TIMEOUT_S, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &grace_period, sizeof grace_period);
    assert_int_equal(connect(fd, (const struct sockaddr *)&f->address.sa, f->address.len), 0);
    return fd;
}

static void post(int fd, const char *path)
{
    char text[128];
    int n = snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", path);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* The status of the next answer, whose body is the path; 0: none came. */
static int hear(int fd)
{
    char text[2048];
    size_t n = 0;
    int status = 0;
    while (n < sizeof text - 1 && (n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0))
        if (recv(fd, text + n++, 1, 0) != 1)
            return 0;
    text[n] = '\0';
    const char *length = strcasestr(text, "\r\nContent-Length:");
    for (size_t left = length ? strtoul(length + 17, NULL, 10) : 0; left; left--)
        if (recv(fd, text + 100, 1, 0) != 1)
            return 0;
    assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    return status;
}

static void other_connections_are_answered_meanwhile(void **state)
{
    struct fixture f;
    start(&f, 3600 * GW_SEC);
    int held[3], other = dial(&f);
    for (int i = 0; i < 3; i++)
        post(held[i] = dial(&f), "/data");
    for (int i = 0; i < 5; i++) {
        post(other, "/info");
        assert_int_equal(hear(other), 200);
    }
    post(other, "/bad"); /* what the client has to hear is not held back */
    assert_int_equal(hear(other), 429);
    while (atomic_load(&f.asked) < 10) { /* the worker has looked at the three a few times, and let none go */
        post(other, "/info");
        assert_int_equal(hear(other), 200);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv(held[i], &(char){0}, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    post(other, "/release");
    assert_int_equal(hear(other), 200);
    for (int i = 0; i < 3; i++)
        assert_int_equal(hear(held[i]), 202);
    post(held[0], "/data"); /* the connection goes on */
    assert_int_equal(hear(held[0]), 202);
    for (int i = 0; i < 3; i++)
        close(held[i]);
    close(other);
    stop(&f);
}

static void an_answer_waits_no_longer_than_the_longest_delay(void **state)
{
    struct fixture f;
    start(&f, GW_MSEC);
    int fd = dial(&f);
    for (int i = 0; i < 3; i++) {
        post(fd, "/data");
        assert_int_equal(hear(fd), 202);
    }
    assert_false(atomic_load(&f.released));
    close(fd);
    stop(&f);
}

static void a_stop_lets_go_what_is_held_back(void **state)
{
    struct fixture f;
    start(&f, 3600 * GW_SEC);
    int fd = dial(&f), other = dial(&f);
    post(fd, "/data");
    do {
        post(other, "/info");
        assert_int_equal(hear(other), 200);
    } while (!atomic_load(&f.asked));
    gw_http_stop(f.http, 60 * GW_SEC);
    assert_int_equal(hear(fd), 202);
    close(fd);
    close(other);
    stop(&f);
}

static void a_client_that_goes_away_is_forgotten(void **state)
{
    struct fixture f;
    start(&f, 3600 * GW_SEC);
    int fd = dial(&f), other = dial(&f);
    post(fd, "/data");
    do {
        post(other, "/info");
        assert_int_equal(hear(other), 200);
    } while (!atomic_load(&f.asked));
    close(fd);
    post(other, "/release");
    assert_int_equal(hear(other), 200);
    post(other, "/data");
    assert_int_equal(hear(other), 202);
    close(other);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_connections_are_answered_meanwhile),
        cmocka_unit_test(an_answer_waits_no_longer_than_the_longest_delay),
        cmocka_unit_test(a_stop_lets_go_what_is_held_back),
        cmocka_unit_test(a_client_that_goes_away_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
