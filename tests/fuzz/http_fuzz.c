/* Bytes on a connection, over a Unix socket to a real server; a 0xff byte is where the client pauses until it
 * is answered or its bytes were taken. Whatever comes: a request on another connection is served, and no
 * memory stays charged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static struct gw_budget budget = {.limit = 64 << 20};
static struct gw_http *http;
static struct gw_address address;

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

static void stop(void);

static void start(void)
{
    static struct gw_http_site site = {.component = "receiver=fuzz",
                                       .routes = routes,
                                       .routes_n = 2,
                                       .limits = {4096, 65536, 100 * GW_MSEC, 5 * GW_SEC, 100}};
    http = gw_http_new(&budget, 1);
    struct gw_listen_error why;
    struct gw_err err;
    char path[64];
    snprintf(path, sizeof path, "/tmp/ddgate-fuzz-%d.socket", (int)getpid());
    check(gw_http_listen(http, gw_str_z(path), &site, &address, &why) == GW_LISTEN_OK);
    check(gw_http_start(http, &err) == GW_OK);
    atexit(stop);
}

/* Ends the server, so that the socket's file goes and leaks are seen. */
static void stop(void)
{
    gw_http_drop(http);
    check(budget.used == 0);
}

static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&address.sa, address.len) == 0);
    return fd;
}

/* Reads until the server closes, or says nothing more for a while. */
static size_t drain(int fd, char *out, size_t size, int grace_period_ms)
{
    size_t got = 0;
    char sink[4096];
    struct pollfd p = {fd, POLLIN, 0};
    while (poll(&p, 1, grace_period_ms) == 1) {
        ssize_t n = recv(fd, sink, sizeof sink, 0);
        if (n <= 0)
            break;
        size_t keep = (size_t)n < size - got ? (size_t)n : size - got;
        memcpy(out + got, sink, keep);
        got += keep;
    }
    return got;
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
        size_t n = drain(fd, answer, sizeof answer, 20000);
        served = sent > 0 && n > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
        check(served || n == 0 || memcmp(answer, "HTTP/1.1 408", 12) == 0);
        close(fd);
    }
    check(served);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    char sink[64];
    if (!started)
        start();
    started = true;
    int fd = dial();
    for (size_t at = 0; at < size; at++) {
        const uint8_t *pause = memchr(data + at, 0xff, size - at);
        size_t n = pause ? (size_t)(pause - data) - at : size - at;
        if (n && send(fd, data + at, n, MSG_NOSIGNAL) < 0)
            break;
        if (pause)
            drain(fd, sink, sizeof sink, 1);
        at += n;
    }
    shutdown(fd, SHUT_WR);
    drain(fd, sink, sizeof sink, 2);
    close(fd);
    is_served();
    return 0;
}
