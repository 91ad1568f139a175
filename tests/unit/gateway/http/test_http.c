/* The shared HTTP server over real sockets, spoken to in raw HTTP.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "gateway/http/http.h"
#include "tests/unit/scratch.h"

enum { MAX_BODY = 256 * 1024, MAX_INFLATED = 1024 * 1024, GRACE_PERIOD_MS = 20000 };

/* The server under test, and its one site. */

struct fixture {
    struct gw_budget budget;
    struct gw_http *http;
    struct gw_http_site site;
    struct gw_address address;
    atomic_uint handled;
};

/* Answers "<length> <sum of bytes> <first 8 bytes>". */
static void echo(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                 struct gw_http_reply *r)
{
    struct fixture *f = ctx;
    unsigned long sum = 0;
    for (size_t i = 0; i < q->body.len; i++)
        sum += (uint8_t)q->body.ptr[i];
    atomic_fetch_add(&f->handled, 1);
    r->type = "text/plain";
    r->body = gw_arena_printf(q->arena, "%zu %lu %.*s", q->body.len, sum,
                              (int)(q->body.len < 8 ? q->body.len : 8), q->body.ptr ? q->body.ptr : "");
}

static void who(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                struct gw_http_reply *r)
{
    r->body = gw_arena_printf(q->arena, "local=%d pid=%d", q->peer->local, (int)q->peer->pid);
}

static void list_header(void *cookie, gw_str name, gw_str value)
{
    char *out = cookie;
    size_t n = strlen(out);
    snprintf(out + n, 512 - n, "%.*s=%.*s;", GW_FMT(name), GW_FMT(value));
}

static void headers(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                    struct gw_http_reply *r)
{
    char text[512] = "";
    gw_http_headers(q, list_header, text);
    r->body = gw_arena_dup(q->arena, gw_str_z(text));
    r->status = 202;
    r->bare = true;
    gw_http_reply_header(r, "X-More", "of this answer");
}

static void args(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                 struct gw_http_reply *r)
{
    char text[512] = "";
    gw_http_args(q, list_header, text);
    r->body = gw_arena_dup(q->arena, gw_str_z(text));
}

static const struct gw_http_route routes[] = {
    {.path = "/args", .methods = GW_HTTP_GET, .handle = args},
    {.path = "/keyed/", .prefix = true, .methods = GW_HTTP_GET, .ends_in_key = true, .handle = args},
    {.path = "/echo", .methods = GW_HTTP_PUT | GW_HTTP_POST, .handle = echo},
    {.path = "/who", .methods = GW_HTTP_GET, .handle = who},
    {.path = "/headers", .methods = GW_HTTP_GET, .handle = headers},
    {.path = "/drop/", .prefix = true, .methods = GW_HTTP_POST, .ignores_body = true, .handle = echo},
};
static const struct gw_http_header site_headers[] = {{"X-Site", "here"}, {"X-Empty", ""}};

static void init(struct fixture *f, size_t budget)
{
    *f = (struct fixture){.budget = {.limit = budget}};
    f->http = gw_http_new(&f->budget, 2);
    f->site = (struct gw_http_site){.component = "receiver=test",
                                    .routes = routes,
                                    .routes_n = sizeof routes / sizeof *routes,
                                    .headers = site_headers,
                                    .headers_n = 2,
                                    .ctx = f,
                                    .limits = {MAX_BODY, MAX_INFLATED, 5 * GW_SEC, 60 * GW_SEC, 400}};
}

static void start(struct fixture *f, const char *address)
{
    struct gw_listen_error why = {""};
    struct gw_err err;
    if (gw_http_listen(f->http, gw_str_z(address), &f->site, &f->address, &why) != GW_LISTEN_OK)
        fail_msg("%s", why.text);
    assert_int_equal(gw_http_start(f->http, &err), GW_OK);
}

static int setup(void **state)
{
    static struct fixture f;
    init(&f, 64 * 1024 * 1024);
    start(&f, "127.0.0.1:0");
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    gw_http_drop(f->http);
    assert_int_equal(f->budget.used, 0); /* nothing stays charged */
    return 0;
}

/* A client */

static int dial(const struct fixture *f)
{
    int fd = socket(f->address.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval grace_period = {GRACE_PERIOD_MS / 1000, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &grace_period, sizeof grace_period);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &grace_period, sizeof grace_period);
    assert_int_equal(connect(fd, (const struct sockaddr *)&f->address.sa, f->address.len), 0);
    return fd;
}

static void send_all(int fd, const void *data, size_t n)
{
    for (const char *p = data; n;) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        assert_true(sent > 0);
        p += sent;
        n -= (size_t)sent;
    }
}

static void append_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

struct answer {
    int status;
    char head[4096], body[4096];
};

/* Reads one answer, byte by byte at the head, so that what follows stays in the socket. */
static struct answer hear(int fd)
{
    struct answer a = {0};
    size_t n = 0, length = 0;
    while (n < sizeof a.head - 1 && (n < 4 || memcmp(a.head + n - 4, "\r\n\r\n", 4) != 0)) {
        if (recv(fd, a.head + n, 1, 0) != 1)
            return a; /* status 0: closed without an answer */
        n++;
    }
    assert_int_equal(sscanf(a.head, "HTTP/1.1 %d", &a.status), 1);
    const char *line = strcasestr(a.head, "\r\nContent-Length:");
    if (line)
        length = strtoul(line + 17, NULL, 10);
    assert_true(length < sizeof a.body);
    for (n = 0; n < length && a.status != 100;) {
        ssize_t got = recv(fd, a.body + n, length - n, 0);
        assert_true(got > 0);
        n += (size_t)got;
    }
    return a;
}

static bool is_closed(int fd)
{
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

static struct answer ask(const struct fixture *f, const char *request)
{
    int fd = dial(f);
    append_text(fd, request);
    struct answer a = hear(fd);
    close(fd);
    return a;
}

static struct answer put_body(int fd, const char *more, const void *body, size_t n)
{
    char head[256];
    snprintf(head, sizeof head, "PUT /echo HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", more, n);
    append_text(fd, head);
    send_all(fd, body, n);
    return hear(fd);
}

static char *filled(size_t n, char c)
{
    char *p = malloc(n);
    memset(p, c, n);
    return p;
}

/* Tests */

static void keeps_connections(void **state)
{
    int fd = dial(*state);
    for (int i = 0; i < 3; i++) {
        struct answer a = put_body(fd, "", "abc", 3);
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, "3 294 abc");
        assert_non_null(strstr(a.head, "X-Site: here\r\n"));
        assert_null(strstr(a.head, "X-Empty"));
    }
    close(fd);
}

static void takes_pipelined_requests(void **state)
{
    int fd = dial(*state);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nAPOST /echo "
                    "HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nBB"
                    "GET /who HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_string_equal(hear(fd).body, "1 65 A");
    assert_string_equal(hear(fd).body, "2 132 BB");
    assert_string_equal(hear(fd).body, "local=1 pid=0");
    close(fd);
}

static void takes_chunks(void **state)
{
    int fd = dial(*state);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n3\r\nabc\r\n0005;ext=1\r\ndefgh\r\n0\r\nTrailer: x\r\n\r\n");
    assert_string_equal(hear(fd).body, "8 804 abcdefgh");
    assert_string_equal(put_body(fd, "", "z", 1).body, "1 122 z");
    close(fd);
}

static void says_continue(void **state)
{
    int fd = dial(*state);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(hear(fd).status, 100);
    append_text(fd, "abc");
    assert_string_equal(hear(fd).body, "3 294 abc");
    close(fd);
}

static void refuses_before_it_is_sent(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 262145\r\nExpect: 100-continue\r\n\r\n", 413},
        {"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", 404},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 262145\r\n\r\n", 413},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551614\r\n\r\n", 413},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = dial(*state);
        append_text(fd, cases[i].request);
        struct answer a = hear(fd);
        assert_int_equal(a.status, cases[i].status);
        assert_non_null(strstr(a.head, "Connection: close\r\n"));
        assert_non_null(strstr(a.head, "X-Site: here\r\n"));
        if (a.status == 413)
            assert_string_equal(a.body, "payload-too-large\n");
        assert_true(is_closed(fd));
        close(fd);
    }
}

/* A client that sends its whole body before it listens sees the answer all the same: no reset, no broken
 * pipe. */
static void answers_while_the_client_still_sends(void **state)
{
    size_t n = 24 * 1024 * 1024;
    char *body = filled(n, 'x');
    int fd = dial(*state);
    assert_int_equal(put_body(fd, "", body, n).status, 413);
    close(fd);
    fd = dial(*state);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n");
    send_all(fd, body, 0x800000);
    assert_int_equal(hear(fd).status, 413);
    close(fd);
    free(body);
}

static void takes_exactly_the_limit(void **state)
{
    char *body = filled(MAX_BODY, 'a'), want[64];
    int fd = dial(*state);
    snprintf(want, sizeof want, "%d %lu aaaaaaaa", MAX_BODY, 97ul * MAX_BODY);
    assert_string_equal(put_body(fd, "", body, MAX_BODY).body, want);
    close(fd);
    free(body);
}

static void doubts_about_framing_are_400(void **state)
{
    static const char *const doubtful[] = {
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: 3, 3\r\n",
        "Content-Length: -3\r\n",
    };
    for (size_t i = 0; i < sizeof doubtful / sizeof *doubtful; i++) {
        char request[512];
        int fd = dial(*state);
        snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nHost: x\r\n%s\r\nabc", doubtful[i]);
        append_text(fd, request);
        struct answer a = hear(fd);
        assert_int_equal(a.status, 400);
        assert_non_null(strstr(a.head, "Connection: close\r\n"));
        close(fd);
    }
}

static void refuses_by_headers(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *text;
    } cases[] = {
        {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxx", 404,
         "no such path is served here\n"},
        {"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxx", 404,
         "no such path is served here\n"},
        {"POST /%65cho HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxx", 404,
         "no such path is served here\n"},
        {"POST /echo%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxx", 404,
         "no such path is served here\n"},
        {"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405, "this path takes another method\n"},
        {"DELETE /who HTTP/1.1\r\nHost: x\r\n\r\n", 405, "this path takes another method\n"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\nxx", 403,
         "cross-site requests are refused\n"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx", 415,
         "unsupported Content-Encoding\n"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 2\r\n\r\nxx", 200,
         "2 240 xx"},
        {"POST /echo?a=b&c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxx", 200, "2 240 xx"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nxx", 200,
         "2 240 xx"},
    };
    int fd = dial(*state); /* one connection: none of these ends it */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        append_text(fd, cases[i].request);
        struct answer a = hear(fd);
        assert_int_equal(a.status, cases[i].status);
        assert_memory_equal(a.body, cases[i].text, strlen(cases[i].text));
        assert_true(a.status == 200 || strlen(a.body) > strlen(cases[i].text)); /* the advice */
        assert_non_null(strstr(a.head, "X-Site: here\r\n"));
    }
    close(fd);
}

static void hands_over_headers(void **state)
{
    struct answer a = ask(*state, "GET /headers?q=1 HTTP/1.1\r\nHost: x\r\nA-b:  c d \r\nA-B: e\r\n\r\n");
    assert_int_equal(a.status, 202);
    assert_string_equal(a.body, "Host=x;A-b=c d;A-B=e;");
    assert_non_null(strstr(a.head, "X-More: of this answer\r\n"));
    assert_null(strstr(a.head, "X-Site"));
}

static void drops_ignored_bodies(void **state)
{
    struct answer a = ask(
        *state,
        "POST /drop/any/thing HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nabcde");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "0 0 ");
}

static size_t gzip(const char *in, size_t n, char *out, size_t size, int window)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                  .avail_in = (uInt)n,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)size};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void inflates(void **state)
{
    static char packed[65536];
    char *plain = filled(500000, 'q');
    int fd = dial(*state);
    const char *want = "500000 56500000 qqqqqqqq";
    size_t n = gzip(plain, 500000, packed, sizeof packed, 31);
    assert_string_equal(put_body(fd, "Content-Encoding: gzip\r\n", packed, n).body, want);
    assert_string_equal(put_body(fd, "content-encoding: GZIP\r\n", packed, n).body, want);
    size_t again = gzip("more", 4, packed + n, sizeof packed - n, 31);
    assert_string_equal(put_body(fd, "Content-Encoding: gzip\r\n", packed, n + again).body,
                        "500004 56500435 qqqqqqqq");
    n = gzip(plain, 500000, packed, sizeof packed, 15);
    assert_string_equal(put_body(fd, "Content-Encoding: deflate\r\n", packed, n).body, want);
    n = gzip(plain, 500000, packed, sizeof packed, -15);
    assert_string_equal(put_body(fd, "Content-Encoding: deflate\r\n", packed, n).body, want);
    n = ZSTD_compress(packed, sizeof packed, plain, 500000, 3);
    assert_string_equal(put_body(fd, "Content-Encoding: zstd\r\n", packed, n).body, want);
    assert_string_equal(put_body(fd, "Content-Encoding: gzip\r\n", "", 0).body, "0 0 "); /* a probe */
    close(fd);
    free(plain);
}

static void bad_compression_is_400(void **state)
{
    static char packed[65536];
    char *plain = filled(100000, 'q');
    int fd = dial(*state);
    size_t n = gzip(plain, 100000, packed, sizeof packed, 31);
    struct answer a = put_body(fd, "Content-Encoding: gzip\r\n", packed, n - 9);
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(a.body, "cut short"));
    packed[n] = 'x';
    assert_int_equal(put_body(fd, "Content-Encoding: gzip\r\n", packed, n + 1).status, 400);
    packed[n - 6] ^= 1; /* the checksum */
    assert_int_equal(put_body(fd, "Content-Encoding: gzip\r\n", packed, n).status, 400);
    assert_int_equal(put_body(fd, "Content-Encoding: gzip\r\n", "{}", 2).status, 400);
    assert_int_equal(put_body(fd, "Content-Encoding: zstd\r\n", "{}", 2).status, 400);
    n = ZSTD_compress(packed, sizeof packed, plain, 100000, 3);
    assert_int_equal(put_body(fd, "Content-Encoding: zstd\r\n", packed, n - 1).status, 400);
    /* a frame header that asks for a window of 2 GiB */
    assert_int_equal(
        put_body(fd, "Content-Encoding: zstd\r\n", "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9).status, 400);
    close(fd);
    free(plain);
}

static void bombs_are_413(void **state)
{
    struct fixture *f = *state;
    static char packed[262144];
    size_t big = 100 * 1024 * 1024;
    char *plain = calloc(1, big);
    int fd = dial(f);
    size_t n = gzip(plain, big, packed, sizeof packed, 31);
    struct answer a = put_body(fd, "Content-Encoding: gzip\r\n", packed, n);
    assert_int_equal(a.status, 413);
    assert_string_equal(a.body, "payload-too-large\n");
    n = ZSTD_compress(packed, sizeof packed, plain, big, 3);
    assert_int_equal(put_body(fd, "Content-Encoding: zstd\r\n", packed, n).status, 413);
    n = gzip(plain, MAX_INFLATED, packed, sizeof packed, 31);
    /* exactly the limit */
    assert_int_equal(put_body(fd, "Content-Encoding: gzip\r\n", packed, n).status, 200);
    n = gzip(plain, MAX_INFLATED + 1, packed, sizeof packed, 31);
    assert_int_equal(put_body(fd, "Content-Encoding: gzip\r\n", packed, n).status, 413);
    n = ZSTD_compress(packed, sizeof packed, plain, MAX_INFLATED, 3);
    assert_int_equal(put_body(fd, "Content-Encoding: zstd\r\n", packed, n).status, 200);
    n = ZSTD_compress(packed, sizeof packed, plain, MAX_INFLATED + 1, 3);
    assert_int_equal(put_body(fd, "Content-Encoding: zstd\r\n", packed, n).status, 413);
    close(fd);
    free(plain);
}

static void tiny_chunks_end(void **state)
{
    static char flood[6 * 20000 + 1];
    int fd = dial(*state);
    for (int i = 0; i < 20000; i++)
        memcpy(flood + 6 * i, "1\r\nx\r\n", 6);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_all(fd, flood, 6 * 20000);
    struct answer a = hear(fd);
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(a.body, "too many tiny chunks"));
    close(fd);
}

static void slow_bodies_are_408(void **state)
{
    struct fixture f;
    init(&f, 64 * 1024 * 1024);
    f.site.limits.receive_timeout = 300 * GW_MSEC;
    start(&f, "127.0.0.1:0");
    int fd = dial(&f);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    struct answer a = hear(fd);
    assert_int_equal(a.status, 408);
    assert_string_equal(a.body, "timeout\n");
    assert_true(is_closed(fd));
    close(fd);
    gw_http_drop(f.http);
    assert_int_equal(f.budget.used, 0);
}

/* With memory for a few bodies, uploads that stand still are given up for those that move. */
static void stuck_uploads_starve_nobody(void **state)
{
    struct fixture f;
    enum { STUCK = 300 };
    int fds[STUCK];
    char *body = filled(MAX_BODY, 's');
    init(&f, 16 * 1024 * 1024);
    f.site.limits.receive_timeout = 60 * GW_SEC;
    start(&f, "127.0.0.1:0");
    for (int i = 0; i < STUCK; i++) {
        fds[i] = dial(&f);
        append_text(fds[i], "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 262144\r\n\r\n");
        /* those that are refused meanwhile may be closed already */
        for (size_t at = 0, n; at < MAX_BODY - 1; at += n) {
            ssize_t sent = send(fds[i], body + at, MAX_BODY - 1 - at, MSG_NOSIGNAL);
            if (sent <= 0)
                break;
            n = (size_t)sent;
        }
        assert_true(f.budget.used <= f.budget.limit);
    }
    struct answer a;
    for (gw_nsec until = gw_now() + 15 * GW_SEC; gw_now() < until;) {
        int fd = dial(&f);
        a = put_body(fd, "", body, 200000);
        close(fd);
        if (a.status == 200)
            break;
        assert_int_equal(a.status, 429);
        assert_non_null(strstr(a.head, "Retry-After: "));
    }
    assert_int_equal(a.status, 200);
    for (int i = 0; i < STUCK; i++)
        close(fds[i]);
    free(body);
    gw_http_drop(f.http);
    assert_int_equal(f.budget.used, 0);
}

static void no_memory_is_429(void **state)
{
    struct fixture f;
    init(&f, 1024 * 1024);
    size_t others = f.budget.limit - GW_HTTP_CONNECTION / 2; /* what is left is no connection … */
    assert_true(gw_budget_take(&f.budget, others));
    start(&f, "127.0.0.1:0");
    int fd = dial(&f);
    struct answer a = hear(fd);
    close(fd);
    assert_int_equal(a.status, 429);
    gw_budget_give(&f.budget, GW_HTTP_CONNECTION / 2 + 2); /* … and here one, with two bytes of body */
    a = ask(&f, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert_int_equal(a.status, 429);
    assert_non_null(strstr(a.head, "Retry-After: 1\r\n"));
    assert_int_equal(f.handled, 0);
    gw_http_drop(f.http);
    assert_int_equal(f.budget.used, f.budget.limit - GW_HTTP_CONNECTION - 2);
}

static void connections_have_a_limit(void **state)
{
    struct fixture f;
    int fds[5];
    init(&f, 64 * 1024 * 1024);
    f.site.limits.connections = 4;
    start(&f, "127.0.0.1:0");
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(&f);
        assert_int_equal(put_body(fds[i], "", "a", 1).status, 200);
    }
    fds[4] = dial(&f);
    assert_int_equal(hear(fds[4]).status, 429);
    assert_int_equal(put_body(fds[0], "", "a", 1).status, 200);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    gw_http_drop(f.http);
}

static void idle_connections_close(void **state)
{
    struct fixture f;
    init(&f, 64 * 1024 * 1024);
    f.site.limits.idle_timeout = GW_SEC;
    start(&f, "127.0.0.1:0");
    int fd = dial(&f);
    assert_int_equal(put_body(fd, "", "a", 1).status, 200);
    gw_nsec then = gw_now();
    assert_true(is_closed(fd));
    assert_true(gw_now() - then > 500 * GW_MSEC && gw_now() - then < 10 * GW_SEC);
    close(fd);
    gw_http_drop(f.http);
}

/* A stop lets the request that is under way come to its end, and answers it. */
static void *stop_it(void *http)
{
    gw_http_stop(http, 10 * GW_SEC);
    return NULL;
}

static void stops_after_the_last_answer(void **state)
{
    struct fixture f;
    pthread_t thread;
    init(&f, 64 * 1024 * 1024);
    start(&f, "127.0.0.1:0");
    int fd = dial(&f), idle = dial(&f), probe;
    assert_int_equal(put_body(idle, "", "a", 1).status, 200);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(hear(fd).status, 100);
    pthread_create(&thread, NULL, stop_it, f.http);
    append_text(fd, "abcdef");
    assert_string_equal(hear(fd).body, "6 597 abcdef");
    pthread_join(thread, NULL);
    assert_true(is_closed(idle));
    probe = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(probe, (struct sockaddr *)&f.address.sa, f.address.len), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(probe);
    close(fd);
    close(idle);
    gw_http_drop(f.http);
}

static void stop_ends_what_does_not_come(void **state)
{
    struct fixture f;
    init(&f, 64 * 1024 * 1024);
    start(&f, "127.0.0.1:0");
    int fd = dial(&f);
    append_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(hear(fd).status, 100);
    gw_http_stop(f.http, 200 * GW_MSEC);
    assert_int_equal(hear(fd).status, 503);
    close(fd);
    gw_http_drop(f.http);
}

static void query_parameters(void **state)
{
    const struct fixture *f = *state;
    assert_string_equal(
        ask(f,
            "GET /args?a=1&b=x+y%2Bz%26&empty=&bare&%61=2&bad=%4&bad=%zz%c3%a9 HTTP/1.1\r\nHost: x\r\n\r\n")
            .body,
        "a=1;b=x y+z&;empty=;bare=;a=2;bad=%4;bad=%zz\xc3\xa9;");
    assert_string_equal(ask(f, "GET /args HTTP/1.1\r\nHost: x\r\n\r\n").body, "");
}

/* A token may stand in a header, in the parameter that the site names, and at the end of a path that is made
 * for it. */
static void tokens_in_query_and_path(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /args", 401},
        {"GET /args?dd-api-key=0123456789abcdef0123+/", 403}, /* + is a blank */
        {"GET /args?dd-api-key=0123456789abcdef0123%2B/", 200},
        {"GET /args?x=1&dd-api-key=0123456789abcdef0123%2b%2F", 200},
        {"GET /args?dd-api-key=", 403},
        {"GET /args?dd-api-key", 403},
        {"GET /args?DD-API-KEY=0123456789abcdef0123%2B/", 401},
        {"GET /args?key=0123456789abcdef0123%2B/", 401},
        {"GET /args?dd-api-key=nonsense&dd-api-key=0123456789abcdef0123%2B/", 200},
        {"GET /args/0123456789abcdef0123+/", 401},
        {"GET /keyed/0123456789abcdef0123+/", 200},
        {"GET /keyed/0123456789abcdef0123+", 403},
        {"GET /keyed/", 401},
    };
    struct fixture f;
    struct gw_auth auth;
    gw_str name = GW_STR("DD-API-KEY");
    struct gw_list names = {&name, 1};
    gw_auth_read(&auth, GW_STR("0123456789abcdef0123+/"), &names, "receivers[0]", NULL);
    init(&f, 64 * 1024 * 1024);
    f.site.auth = &auth;
    f.site.auth_arg = "dd-api-key";
    start(&f, "127.0.0.1:0");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256];
        snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].request);
        int status = ask(&f, request).status;
        if (status != cases[i].status)
            fail_msg("%s: %d, not %d", cases[i].request, status, cases[i].status);
    }
    gw_http_drop(f.http);
}

static void unix_sockets(void **state)
{
    struct fixture f, g;
    struct stat st;
    struct gw_listen_error why;
    char folder[] = "/tmp/ddgate-http-XXXXXX", path[64], want[64];
    assert_non_null(scratch_folder(folder));
    snprintf(path, sizeof path, "%s/apm.socket", folder);
    init(&f, 64 * 1024 * 1024);
    start(&f, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0722);
    snprintf(want, sizeof want, "local=1 pid=%d", (int)getpid());
    assert_string_equal(ask(&f, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n").body, want);
    int fd = dial(&f);
    char *body = filled(200000, 'u');
    assert_string_equal(put_body(fd, "", body, 200000).body, "200000 23400000 uuuuuuuu");
    close(fd);
    free(body);

    init(&g, 64 * 1024 * 1024); /* a live socket is not taken away */
    assert_int_equal(gw_http_listen(g.http, gw_str_z(path), &g.site, &g.address, &why), GW_LISTEN_TAKEN);
    assert_non_null(strstr(why.text, path));
    gw_http_drop(f.http);
    assert_int_equal(stat(path, &st), -1); /* and goes with its server */

    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* one that nobody answers on is replaced */
    assert_int_equal(bind(fd, (struct sockaddr *)&f.address.sa, f.address.len), 0);
    close(fd);
    start(&g, path);
    assert_string_equal(ask(&g, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n").body, want);
    gw_http_drop(g.http);

    fclose(fopen(path, "w")); /* a file that is no socket is left alone */
    init(&g, 64 * 1024 * 1024);
    assert_int_equal(gw_http_listen(g.http, gw_str_z(path), &g.site, &g.address, &why), GW_LISTEN_FAILED);
    assert_int_equal(stat(path, &st), 0);
    gw_http_drop(g.http);
    unlink(path);
    rmdir(folder);
}

static void sites_share_an_address(void **state)
{
    struct fixture f;
    static const struct gw_http_route other_routes[] = {
        {.path = "/other", .methods = GW_HTTP_GET, .handle = who}};
    struct gw_http_site other = {.component = "receiver=other",
                                 .routes = other_routes,
                                 .routes_n = 1,
                                 .limits = {1, 1, GW_SEC, GW_SEC, 1}};
    struct gw_listen_error why;
    struct gw_address first = {0};
    char name[64];
    init(&f, 64 * 1024 * 1024);
    assert_int_equal(gw_http_listen(f.http, GW_STR("127.0.0.1:0"), &f.site, &f.address, &why), GW_LISTEN_OK);
    gw_listen_name(&f.address, name, sizeof name);
    assert_int_equal(gw_http_listen(f.http, gw_str_z(name), &other, &first, &why), GW_LISTEN_OK);
    struct gw_err err;
    assert_int_equal(gw_http_start(f.http, &err), GW_OK);
    assert_int_equal(ask(&f, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
    assert_int_equal(ask(&f, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
    assert_int_equal(other.counts.requests, 1);
    assert_int_equal(f.site.counts.requests, 1);
    gw_http_drop(f.http);
}

/* In a process of its own, which has no descriptors left after the listener: the start says so, and the stop
 * leaves nothing open. */
static void start_with_few_descriptors(void)
{
    struct fixture f;
    struct gw_listen_error why;
    struct gw_err err = {0};
    init(&f, 64 * 1024 * 1024);
    if (gw_http_listen(f.http, GW_STR("127.0.0.1:0"), &f.site, &f.address, &why) != GW_LISTEN_OK)
        _exit(1);
    int next = dup(0);
    struct rlimit few = {(rlim_t)next + 1, (rlim_t)next + 1};
    close(next);
    if (setrlimit(RLIMIT_NOFILE, &few) != 0 || gw_http_start(f.http, &err) != GW_INTERNAL)
        _exit(2);
    if (!strstr(err.what, "HTTP worker 0 does not open: Too many open files"))
        _exit(3);
    gw_http_drop(f.http);
    _exit(f.budget.used != 0 ? 4 : dup(0) == next - 1 ? 0 : 5);
}

static void run_in_child(void (*body)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        body();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_failed_start_is_said(void **state)
{
    run_in_child(start_with_few_descriptors);
}

/* In a process of its own: a start that failed, another table, and a start when there are descriptors
 * again. */
static void start_when_descriptors_are_back(void)
{
    enum { SPARE = 64 };
    struct fixture f;
    struct gw_listen_error why;
    struct gw_err err = {0};
    int spare[SPARE];
    init(&f, 64 * 1024 * 1024);
    if (gw_http_listen(f.http, GW_STR("127.0.0.1:0"), &f.site, &f.address, &why) != GW_LISTEN_OK)
        _exit(1);
    for (int i = 0; i < SPARE; i++)
        spare[i] = dup(0);
    struct rlimit few = {(rlim_t)spare[SPARE - 1] + 1, (rlim_t)spare[SPARE - 1] + 1};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0 || gw_http_start(f.http, &err) != GW_INTERNAL)
        _exit(2);
    if (!gw_http_draft(f.http) ||
        gw_http_listen(f.http, GW_STR("127.0.0.1:0"), &f.site, &f.address, &why) != GW_LISTEN_OK)
        _exit(3);
    gw_http_publish(f.http);
    for (int i = 0; i < SPARE; i++)
        close(spare[i]);
    if (gw_http_start(f.http, &err) != GW_OK || ask(&f, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n").status != 200)
        _exit(4);
    gw_http_drop(f.http);
    _exit(f.budget.used != 0 ? 5 : 0);
}

static void a_failed_start_can_be_tried_again(void **state)
{
    run_in_child(start_when_descriptors_are_back);
}

static void nothing_to_listen_on_starts_nothing(void **state)
{
    struct fixture f;
    struct gw_err err;
    init(&f, 64 * 1024 * 1024);
    assert_int_equal(gw_http_start(f.http, &err), GW_OK);
    assert_int_equal(f.budget.used, 0);
    gw_http_drop(f.http);
}

static void addresses(void **state)
{
    struct gw_address a[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    char name[64];
    size_t n;
    static const struct {
        const char *text, *name;
    } good[] = {{"127.0.0.1:8126", "127.0.0.1:8126"},
                {"[::1]:9529", "[::1]:9529"},
                {"/run/x.socket", "/run/x.socket"},
                {"0.0.0.0:0", "0.0.0.0:0"}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(gw_listen_resolve(gw_str_z(good[i].text), a, &n, &why), GW_LISTEN_OK);
        assert_int_equal(n, 1);
        gw_listen_name(&a[0], name, sizeof name);
        assert_string_equal(name, good[i].name);
    }
    static const char *const bad[] = {
        "", "8126", "localhost", "::1:8126", "localhost:", "localhost:65536", "localhost:-1", "a b:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(gw_listen_resolve(gw_str_z(bad[i]), a, &n, &why), GW_LISTEN_BAD);
}

static void taken_port_is_named(void **state)
{
    struct fixture *f = *state, g;
    struct gw_listen_error why;
    char name[64];
    gw_listen_name(&f->address, name, sizeof name);
    init(&g, 64 * 1024 * 1024);
    assert_int_equal(gw_http_listen(g.http, gw_str_z(name), &g.site, &g.address, &why), GW_LISTEN_TAKEN);
    assert_non_null(strstr(why.text, name));
    assert_non_null(strstr(why.text, "ss -ltnp"));
    gw_http_drop(g.http);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(keeps_connections),
        T(takes_pipelined_requests),
        T(takes_chunks),
        T(says_continue),
        T(refuses_before_it_is_sent),
        T(answers_while_the_client_still_sends),
        T(takes_exactly_the_limit),
        T(doubts_about_framing_are_400),
        T(refuses_by_headers),
        T(hands_over_headers),
        T(drops_ignored_bodies),
        T(inflates),
        T(bad_compression_is_400),
        T(bombs_are_413),
        T(tiny_chunks_end),
        T(taken_port_is_named),
        cmocka_unit_test(slow_bodies_are_408),
        cmocka_unit_test(stuck_uploads_starve_nobody),
        cmocka_unit_test(no_memory_is_429),
        cmocka_unit_test(connections_have_a_limit),
        cmocka_unit_test(idle_connections_close),
        cmocka_unit_test(stops_after_the_last_answer),
        cmocka_unit_test(stop_ends_what_does_not_come),
        T(query_parameters),
        cmocka_unit_test(tokens_in_query_and_path),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(sites_share_an_address),
        cmocka_unit_test(a_failed_start_is_said),
        cmocka_unit_test(a_failed_start_can_be_tried_again),
        cmocka_unit_test(nothing_to_listen_on_starts_nothing),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
