/* An allocation is refused while a request is made or its answer is read, each one in turn, libcurl's own
 * among them: the data is to be sent later, and what the backend said still counts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/config/option.h"
#include "exporters/otlp/otlp_response.h"
#include "gateway/run/modules.h"
#include "tests/unit/exporters/request_frames.h"
#include "tests/unit/failing_malloc.h"

enum { MOST_ALLOCATIONS = 20000 };

/* libcurl allocates by these, so that its requests can be refused as well. */
static char *copy_text(const char *z)
{
    size_t len = strlen(z) + 1;
    char *copy = __wrap_malloc(len);
    return copy ? memcpy(copy, z, len) : NULL;
}

/* An address where nobody answers: bound, so that nobody else takes it, and not listening. */
struct nobody {
    int fd;
    char url[64];
};

static void nobody_begin(struct nobody *n)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    n->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(n->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(n->fd, (struct sockaddr *)&at, &len), 0);
    snprintf(n->url, sizeof n->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
}

static void set_text(const struct gw_exporter *e, void *ctx, const char *option, const char *value)
{
    for (const struct gw_opt *row = e->opts; row->type != GW_OPT_END_ROW; row++)
        if (strcmp(row->name, option) == 0)
            *(gw_str *)((char *)ctx + row->offset) = gw_str_z(value);
}

static void set_choice(const struct gw_exporter *e, void *ctx, const char *option, int value)
{
    for (const struct gw_opt *row = e->opts; row->type != GW_OPT_END_ROW; row++)
        if (strcmp(row->name, option) == 0)
            *(int *)((char *)ctx + row->offset) = value;
}

struct answer {
    unsigned times;
    struct gw_outcome outcome;
};

static void done(void *answer, const struct gw_outcome *o)
{
    struct answer *a = answer;
    a->times++;
    a->outcome = *o;
}

/* One request, of which allocation n is refused; false when there were not so many. */
static bool send_refusing(const struct gw_exporter *e, void *ctx, unsigned long n)
{
    struct gw_frame *frames[] = {request_frame(GW_TRACES, "one", 3), request_frame(GW_TRACES, "two", 3)};
    struct gw_batch batch = {
        .signal = GW_TRACES, .n = 2, .bytes = frames[0]->len + frames[1]->len, .items = 6, .frames = frames};
    struct answer a = {0};
    failing_begin(n, 1);
    e->send(ctx, &batch, 10 * GW_SEC, done, &a);
    while (!a.times)
        e->wait(ctx, gw_now() + GW_SEC);
    bool refused = failing_end();
    assert_int_equal(a.times, 1);
    if (a.outcome.verdict != GW_RETRY)
        fail_msg("%s, allocation %lu: verdict %d (%s)", e->name, n, (int)a.outcome.verdict, a.outcome.text);
    gw_frame_drop(frames[0]);
    gw_frame_drop(frames[1]);
    return refused;
}

/* Each with an exporter of its own, so that handles that are kept do not hide what making one allocates. */
static void every_request_waits(const struct gw_exporter *e, int encoding, int compression)
{
    struct nobody nobody;
    nobody_begin(&nobody);
    for (unsigned long n = 1, more = 1; more; n++) {
        struct gw_arena arena;
        void *ctx = calloc(1, e->ctx_size);
        gw_arena_init(&arena, 1 << 16);
        assert_true(gw_opt_defaults(e->opts, ctx, &arena));
        set_text(e, ctx, "endpoint", nobody.url);
        set_text(e, ctx, "project", "p");
        set_text(e, ctx, "instance", "i");
        set_text(e, ctx, "access_key_id", "id");
        set_text(e, ctx, "access_key_secret", "secret");
        set_choice(e, ctx, "protocol", 1);
        set_choice(e, ctx, "encoding", encoding);
        set_choice(e, ctx, "compression", compression);
        assert_int_equal(
            e->open(ctx, &(struct gw_export_host){.host_name = GW_LIT("here")}, "exporters[0]", NULL), GW_OK);
        more = send_refusing(e, ctx, n);
        e->close(ctx);
        free(ctx);
        gw_arena_fini(&arena);
        assert_true(n < MOST_ALLOCATIONS);
    }
    close(nobody.fd);
}

enum { PROTOBUF, JSON };
enum { NONE = 1, GZIP, ZSTD };

static void http_requests_wait_for_memory(void **state)
{
    static const int bodies[][2] = {
        {PROTOBUF, NONE}, {PROTOBUF, GZIP}, {JSON, NONE}, {JSON, GZIP}, {JSON, ZSTD}};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        every_request_waits(&gw_exporter_otlp_http, bodies[i][0], bodies[i][1]);
}

static void sls_requests_wait_for_memory(void **state)
{
    every_request_waits(&gw_exporter_sls, PROTOBUF, GZIP);
}

/* Without memory the words keep their escapes; the numbers count as ever. */
static void what_a_backend_rejected_is_counted_all_the_same(void **state)
{
    for (unsigned long n = 1, more = 1; more; n++) {
        struct gw_outcome out = {0};
        failing_begin(n, 100);
        otlp_response_success_json(
            GW_STR("{\"partialSuccess\":{\"errorMessage\":\"too \\\"old\\\"\",\"rejectedSpans\":\"7\"}}"),
            &out);
        more = failing_end();
        assert_int_equal(out.rejected, 7);
        assert_string_equal(out.text, more ? "too \\\"old\\\"" : "too \"old\"");
        failing_begin(n, 100);
        otlp_response_success(GW_STR("\x0a\x06\x08\x03\x12\x02no"), &out);
        failing_end();
        assert_int_equal(out.rejected, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_requests_wait_for_memory),
        cmocka_unit_test(sls_requests_wait_for_memory),
        cmocka_unit_test(what_a_backend_rejected_is_counted_all_the_same),
    };
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, __wrap_malloc, free, __wrap_realloc, copy_text,
                             __wrap_calloc) != CURLE_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
