/* http_fuzzed.h: a real HTTP server on a Unix socket, and a client of it, for the fuzzers of HTTP/1.1 and of gRPC. At the end
 * of the process the server is dropped, and no memory may stay charged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_FUZZED_H
#define GW_HTTP_FUZZED_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/http.h"

static struct gw_budget budget = {.limit = 64 << 20};
static struct gw_http *http;
static struct gw_address address;

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* So that the socket's file goes and leaks are seen. */
static void stop_server(void)
{
    gw_http_drop(http);
    check(budget.used == 0);
}

/* `listen`: gw_http_listen or gw_http_listen_grpc. */
static void start_server(struct gw_http_site *site,
                         enum gw_listen_result (*listen)(struct gw_http *, gw_str, struct gw_http_site *,
                                                         struct gw_address *, struct gw_listen_error *))
{
    struct gw_listen_error why;
    struct gw_err err;
    char path[64];
    http = gw_http_new(&budget, 1);
    snprintf(path, sizeof path, "/tmp/ddgate-fuzz-%d.socket", (int)getpid());
    check(listen(http, gw_str_z(path), site, &address, &why) == GW_LISTEN_OK);
    check(gw_http_start(http, &err) == GW_OK);
    atexit(stop_server);
}

static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(fd >= 0 && connect(fd, (struct sockaddr *)&address.sa, address.len) == 0);
    return fd;
}

/* Reads until the server closes, has sent `until` (NULL: nothing in particular), or sends nothing for a while. Returns how much
 * of it is in `out`, which holds the beginning. */
static size_t drain(int fd, char *out, size_t size, const char *until, int silence_ms)
{
    size_t got = 0;
    char piece[4096];
    struct pollfd p = {fd, POLLIN, 0};
    while (poll(&p, 1, silence_ms) == 1) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            break;
        size_t keep = (size_t)n < size - got ? (size_t)n : size - got;
        memcpy(out + got, piece, keep);
        got += keep;
        if (until && memmem(out, got, until, strlen(until)))
            break;
    }
    return got;
}

/* Sends the input of a fuzzer; at each byte 0xff, which is left out, the client pauses until it is answered or its bytes were
 * taken. Closes the connection. */
static void send_with_pauses(int fd, const uint8_t *data, size_t size)
{
    char sink[64];
    for (size_t at = 0; at < size; at++) {
        const uint8_t *pause = memchr(data + at, 0xff, size - at);
        size_t n = pause ? (size_t)(pause - data) - at : size - at;
        if (n && send(fd, data + at, n, MSG_NOSIGNAL) < 0)
            break;
        if (pause)
            drain(fd, sink, sizeof sink, NULL, 1);
        at += n;
    }
    shutdown(fd, SHUT_WR);
    drain(fd, sink, sizeof sink, NULL, 2);
    close(fd);
}

#endif
