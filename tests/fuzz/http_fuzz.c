/* Bytes on a connection, over a Unix socket to a real server; a 0xff byte is where the client pauses until it
 * is answered or its bytes were taken. Whatever comes: a request on another connection is served, and no
 * memory stays charged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/fuzz/http_fuzzed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see_header(void *cookie, gw_str name, gw_str value)
{
    size_t *n = cookie;
    *n += name.len + value.len;
}

static void echo(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                 struct gw_http_reply *r)
{
    size_t n = 0;
    gw_http_headers(q, see_header, &n);
    check(q->body.len <= 65536);
    r->body = gw_arena_printf(q->arena, "%zu %zu", n, q->body.len);
}

static const struct gw_http_route routes[] = {
    {.path = "/a", .methods = GW_HTTP_PUT | GW_HTTP_POST | GW_HTTP_GET | GW_HTTP_HEAD, .handle = echo},
    {.path = "/b/", .prefix = true, .methods = GW_HTTP_POST, .ignores_body = true, .handle = echo},
};

static void start(void)
{
    static struct gw_http_site site = {.component = "receiver=fuzz",
                                       .routes = routes,
                                       .routes_n = 2,
                                       .limits = {4096, 65536, 100 * GW_MSEC, 5 * GW_SEC, 100}};
    start_server(&site, gw_http_listen);
}

/* 408 is what a machine that is busy with other things may bring: the time for a request is short here. */
static void is_served(void)
{
    static const char request[] =
        "PUT /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";
    char answer[512];
    bool served = false;
    for (int turn = 0; turn < 20 && !served; turn++) {
        int fd = dial();
        ssize_t sent = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
        size_t n = drain(fd, answer, sizeof answer, NULL, 20000);
        served = sent > 0 && n > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
        check(served || n == 0 || memcmp(answer, "HTTP/1.1 408", 12) == 0);
        close(fd);
    }
    check(served);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        start();
    started = true;
    send_with_pauses(dial(), data, size);
    is_served();
    return 0;
}
