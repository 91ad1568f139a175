/* Bytes on a connection of gRPC, over a Unix socket to a real server, behind the preface of HTTP/2; a 0xff byte is where the
 * client pauses until it is answered or its bytes were taken. Whatever comes: a call on another connection is
 * served, and no memory stays charged.
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

#include "gateway/http/grpc.h"
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

static void echo(void *ctx, const struct gw_grpc_method *m, const struct gw_grpc_call *call,
                 struct gw_grpc_reply *r)
{
    check(call->message.len <= 65536);
    r->body = call->message;
    if (call->message.len && call->message.ptr[0] == 'f') {
        r->status = GW_GRPC_INVALID_ARGUMENT;
        r->words = r->detail = call->message;
    }
}

static void refuse(void *ctx, const struct gw_err *err, struct gw_arena *arena, struct gw_grpc_reply *r)
{
    r->status = GW_GRPC_UNAVAILABLE;
    r->words = gw_arena_dup(arena, gw_str_z(err->what));
}

static void stranger(void *ctx, const char *peer, bool tls, char *out, size_t size)
{
    snprintf(out, size, "%s", peer);
}

static const struct gw_grpc_method methods[] = {
    {.path = "/a", .handle = echo},
    {.path = "/b", .kind = GW_GRPC_STREAM, .handle = echo},
    {.path = "/c", .kind = GW_GRPC_WATCH, .handle = echo},
};

static void stop(void);

static void start(void)
{
    static const struct gw_grpc grpc = {
        .methods = methods, .methods_n = 3, .max_message = 4096, .refuse = refuse, .stranger = stranger};
    static struct gw_http_site site = {
        .component = "receiver=fuzz", .grpc = &grpc, .limits = {4096, 65536, 100 * GW_MSEC, 5 * GW_SEC, 100}};
    http = gw_http_new(&budget, 1);
    struct gw_listen_error why;
    struct gw_err err;
    char path[64];
    snprintf(path, sizeof path, "/tmp/ddgate-fuzz-%d.socket", (int)getpid());
    check(gw_http_listen_grpc(http, gw_str_z(path), &site, &address, &why) == GW_LISTEN_OK);
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

/* Reads until the server closes, says `until`, or nothing more for a while. True: it said that. */
static bool drain(int fd, const char *until, int grace_period_ms)
{
    char said[8192];
    size_t n = 0;
    struct pollfd p = {fd, POLLIN, 0};
    while (n < sizeof said && poll(&p, 1, grace_period_ms) == 1) {
        ssize_t got = recv(fd, said + n, sizeof said - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        if (until && memmem(said, n, until, strlen(until)))
            return true;
    }
    return false;
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"

static void is_served(void)
{
    static const char call[] = PREFACE "\0\0\x2e\1\4\0\0\0\1"
                                       "\x83\x86\1\1x\0\5:path\2/a" /* POST, http, :authority */
                                       "\0\14content-type\20application/grpc"
                                       "\0\0\x8\0\1\0\0\0\1\0\0\0\0\3xyz";
    bool served = false;
    for (int turn = 0; turn < 20 && !served; turn++) {
        int fd = dial();
        served = send(fd, call, sizeof call - 1, MSG_NOSIGNAL) > 0 && drain(fd, "xyz", 20000);
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
    int fd = dial();
    check(send(fd, PREFACE, sizeof PREFACE - 1, MSG_NOSIGNAL) > 0);
    for (size_t at = 0; at < size; at++) {
        const uint8_t *pause = memchr(data + at, 0xff, size - at);
        size_t n = pause ? (size_t)(pause - data) - at : size - at;
        if (n && send(fd, data + at, n, MSG_NOSIGNAL) < 0)
            break;
        if (pause)
            drain(fd, NULL, 1);
        at += n;
    }
    shutdown(fd, SHUT_WR);
    drain(fd, NULL, 2);
    close(fd);
    is_served();
    return 0;
}
