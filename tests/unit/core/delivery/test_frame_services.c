/* A frame's groups take the services of their spans when those are known: every length around the name is right,
 * what is unknown stays, and nobody writes twice.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/budget.h"
#include "core/delivery/frame.h"
#include "core/delivery/span_services.h"
#include "core/delivery/trace_ids.h"
#include "translators/otlp/otlp_write.h"

enum { GROUPS = 3, SECOND = 1 };

static void write_group(struct otlp_buf *w, const char *service, size_t text)
{
    static char body[5000];
    memset(body, 'x', sizeof body);
    size_t group = otlp_open(w, 1, 3), resource = otlp_open(w, 1, 1);
    if (service)
        otlp_attr_text(w, 1, GW_STR("service.name"), gw_str_z(service));
    otlp_attr_text(w, 1, GW_STR("host.name"), GW_STR("here"));
    otlp_close(w, resource, 1);
    otlp_text(w, 2, gw_str_n(body, text));
    otlp_close(w, group, 3);
}

/* Groups of the service that each takes, or of "app". */
static struct otlp_buf written(const char *const services[GROUPS], size_t text)
{
    struct otlp_buf w = {0};
    for (int i = 0; i < GROUPS; i++)
        write_group(&w, services[i] ? services[i] : "app", text);
    return w;
}

static struct gw_frame *frame_of(size_t text)
{
    struct gw_pending_service *groups = calloc(GROUPS, sizeof *groups);
    struct otlp_buf w = {0};
    for (uint32_t i = 0; i < GROUPS; i++) {
        groups[i] = (struct gw_pending_service){.span = 7 + i, .at = (uint32_t)w.len};
        write_group(&w, "app", text);
    }
    struct gw_frame *f = gw_frame_new(GW_LOGS, GW_OTEL, w.data, w.len, w.cap, GROUPS);
    gw_frame_pending_services(f, groups, GROUPS);
    return f;
}

static void learn(struct gw_trace_ids *ids, uint64_t span, const char *service)
{
    struct gw_span_services *t = gw_trace_ids_services(ids);
    gw_span_services_learn(t, span, gw_span_services_number(t, gw_str_z(service)));
}

static void assert_is(const struct gw_frame *f, const char *const services[GROUPS], size_t text)
{
    struct otlp_buf want = written(services, text);
    assert_int_equal(f->len, want.len);
    assert_memory_equal(f->data, want.data, want.len);
    otlp_fini(&want);
}

static void groups_take_the_services_of_their_spans(void **state)
{
    static const char longer[] =
        "a-service-with-a-name-that-makes-the-lengths-of-all-that-stands-around-it-take-more-bytes-"
        "than-they-took-before-it-was-known-which-one-it-would-be";
    static const size_t texts[] = {0, 60, 100, 4000};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct gw_trace_ids *ids = gw_trace_ids_new(16, GW_SEC);
        struct gw_frame *f = frame_of(texts[i]);
        assert_true(gw_frame_is_pending(f));
        assert_int_equal(gw_frame_complete_ids(f, ids, false), GROUPS);
        learn(ids, 7, "s");
        learn(ids, 8, longer);
        assert_int_equal(gw_frame_complete_ids(f, ids, false), 1);
        assert_is(f, (const char *const[GROUPS]){NULL}, texts[i]);
        learn(ids, 9, "cart");
        assert_int_equal(gw_frame_complete_ids(f, ids, false), 0);
        assert_is(f, (const char *const[GROUPS]){"s", longer, "cart"}, texts[i]);
        learn(ids, 9, "another");
        assert_int_equal(gw_frame_complete_ids(f, ids, true), 0);
        assert_is(f, (const char *const[GROUPS]){"s", longer, "cart"}, texts[i]);
        gw_frame_drop(f);
        gw_trace_ids_drop(ids);
    }
}

static void what_is_unknown_at_the_end_stays(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(16, GW_SEC);
    struct gw_budget budget = {.limit = SIZE_MAX};
    struct gw_frame *f = frame_of(10);
    f->budget = &budget;
    f->charged = gw_frame_cost(f);
    gw_budget_force(&budget, f->charged);
    learn(ids, 8, "shop");
    assert_int_equal(gw_frame_complete_ids(f, ids, true), 0);
    assert_is(f, (const char *const[GROUPS]){[SECOND] = "shop"}, 10);
    gw_frame_drop(f);
    assert_int_equal(budget.used, 0);
    gw_trace_ids_drop(ids);
}

static void a_group_of_another_shape_stays(void **state)
{
    struct gw_trace_ids *ids = gw_trace_ids_new(16, GW_SEC);
    struct otlp_buf w = {0};
    struct gw_pending_service *groups = calloc(1, sizeof *groups);
    write_group(&w, NULL, 10);
    *groups = (struct gw_pending_service){.span = 7};
    struct gw_frame *f = gw_frame_new(GW_LOGS, GW_OTEL, w.data, w.len, w.cap, 1);
    gw_frame_pending_services(f, groups, 1);
    size_t before = f->len;
    learn(ids, 7, "shop");
    assert_int_equal(gw_frame_complete_ids(f, ids, false), 0);
    assert_int_equal(f->len, before);
    gw_frame_drop(f);
    gw_trace_ids_drop(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(groups_take_the_services_of_their_spans),
                                       cmocka_unit_test(what_is_unknown_at_the_end_stays),
                                       cmocka_unit_test(a_group_of_another_shape_stays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
