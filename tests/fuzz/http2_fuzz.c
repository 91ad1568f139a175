/* Bytes on a connection of gRPC, over a Unix socket to a real server, behind the preface of HTTP/2; a 0xff byte is where the
 * client pauses until it is answered or its bytes were taken. Whatever comes: a call on another connection is
 * served, and no memory stays charged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/http/grpc.h"
#include "tests/fuzz/http_fuzzed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void start(void)
{
    static const struct gw_grpc grpc = {
        .methods = methods, .methods_n = 3, .max_message = 4096, .refuse = refuse, .stranger = stranger};
    static struct gw_http_site site = {
        .component = "receiver=fuzz", .grpc = &grpc, .limits = {4096, 65536, 100 * GW_MSEC, 5 * GW_SEC, 100}};
    start_server(&site, gw_http_listen_grpc);
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"

static void is_served(void)
{
    static const char call[] = PREFACE "\0\0\x2e\1\4\0\0\0\1"
                                       "\x83\x86\1\1x\0\5:path\2/a" /* POST, http, :authority */
                                       "\0\14content-type\20application/grpc"
                                       "\0\0\x8\0\1\0\0\0\1\0\0\0\0\3xyz";
    char answer[8192];
    bool served = false;
    for (int turn = 0; turn < 20 && !served; turn++) {
        int fd = dial();
        ssize_t sent = send(fd, call, sizeof call - 1, MSG_NOSIGNAL);
        size_t n = drain(fd, answer, sizeof answer, "xyz", 20000);
        served = sent > 0 && memmem(answer, n, "xyz", 3);
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
    send_with_pauses(fd, data, size);
    is_served();
    return 0;
}
