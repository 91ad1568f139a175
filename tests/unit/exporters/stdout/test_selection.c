/* Which traces and log records are printed, what repeats, and what is told of the rest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/stdout/selection.h"

enum { MS = 1000000, MOST = 4 };
#define START UINT64_C(1700000000123000000) /* 2023-11-14 22:13:20.123Z */

typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;

/* A trace of one span, or of a root and a child without one; made of structs, as otlp_read makes them. */
struct made {
    any_value value[3];
    key_value attribute[3], *of_resource, *of_span;
    pretty_resource resource;
    Opentelemetry__Proto__Trace__V1__Status status;
    pretty_span span;
    struct pretty_node node, *nodes;
    struct pretty_trace trace;
    uint8_t id[16];
    /* its logs */
    pretty_log_record records[MOST];
    struct pretty_log logs[MOST];
    uint8_t states[MOST];
};

static ProtobufCBinaryData bytes(const char *z)
{
    return (ProtobufCBinaryData){strlen(z), (uint8_t *)z};
}

static void text_attribute(struct made *m, int i, const char *key, const char *text)
{
    opentelemetry__proto__common__v1__any_value__init(&m->value[i]);
    opentelemetry__proto__common__v1__key_value__init(&m->attribute[i]);
    m->value[i].value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    m->value[i].string_value = bytes(text);
    m->attribute[i].key = bytes(key);
    m->attribute[i].value = &m->value[i];
}

static void make(struct made *m, unsigned id, const char *service, const char *name, const char *code,
                 unsigned ms)
{
    memset(m, 0, sizeof *m);
    m->id[14] = (uint8_t)(id >> 8), m->id[15] = (uint8_t)id;
    text_attribute(m, 0, "service.name", service);
    text_attribute(m, 1, "http.response.status_code", code);
    m->of_resource = &m->attribute[0], m->of_span = &m->attribute[1];
    opentelemetry__proto__resource__v1__resource__init(&m->resource);
    m->resource.n_attributes = 1, m->resource.attributes = &m->of_resource;
    opentelemetry__proto__trace__v1__span__init(&m->span);
    opentelemetry__proto__trace__v1__status__init(&m->status);
    m->span.trace_id = (ProtobufCBinaryData){16, m->id};
    m->span.name = bytes(name);
    m->span.n_attributes = 1, m->span.attributes = &m->of_span;
    m->span.start_time_unix_nano = START;
    m->span.end_time_unix_nano = START + (uint64_t)ms * MS;
    m->node = (struct pretty_node){.span = &m->span, .resource = &m->resource};
    m->nodes = &m->node;
    m->trace = (struct pretty_trace){
        .roots = &m->node, .spans = &m->nodes, .n = 1, .begin = START, .end = m->span.end_time_unix_nano};
}

static void break_with(struct made *m, const char *type)
{
    static key_value *attributes[2];
    m->status.code = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
    m->span.status = &m->status;
    text_attribute(m, 2, "error.type", type);
    attributes[0] = &m->attribute[1], attributes[1] = &m->attribute[2];
    m->span.attributes = attributes, m->span.n_attributes = 2;
    m->trace.errors = 1;
}

static void add_log(struct made *m, size_t i, int severity)
{
    opentelemetry__proto__logs__v1__log_record__init(&m->records[i]);
    m->records[i].severity_number = (Opentelemetry__Proto__Logs__V1__SeverityNumber)severity;
    m->records[i].trace_id = m->span.trace_id;
    m->records[i].time_unix_nano = START + 100 - i;
    m->logs[i] = (struct pretty_log){
        .record = &m->records[i], .resource = &m->resource, .place = i, .state = &m->states[i]};
}

struct page {
    struct selection s;
    struct trace_buffer seen;
    struct out out;
    struct pretty how;
};

static struct page *begin(struct selection_rules rules, gw_nsec fold)
{
    struct page *p = calloc(1, sizeof *p);
    selection_init(&p->s, &rules, fold, 42);
    trace_buffer_init(&p->seen, GW_SEC);
    out_init(&p->out, 1 << 20);
    return p;
}

static void end(struct page *p)
{
    out_fini(&p->out);
    free(p);
}

static bool takes(struct page *p, struct made *m, size_t logs, gw_nsec now)
{
    return selection_takes_trace(&p->s, &p->seen, &m->trace, m->logs, logs, now);
}

static void tells(struct page *p, gw_nsec now, bool all, const char *want)
{
    out_reset(&p->out);
    selection_put(&p->s, &p->out, &p->how, now, all);
    out_char(&p->out, '\0');
    assert_string_equal(p->out.data, want);
}

static void without_rules_all_is_printed(void **state)
{
    struct page *p = begin((struct selection_rules){0}, 0);
    struct made m;
    make(&m, 1, "web", "GET /", "200", 1);
    add_log(&m, 0, 5);
    add_log(&m, 1, 17);
    assert_true(takes(p, &m, 0, 0));
    assert_int_equal(trace_buffer_fate(&p->seen, m.span.trace_id), TRACE_SHOWN);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, m.logs, 2, 0), 2);
    assert_ptr_equal(m.logs[0].record, &m.records[1]); /* the earlier one */
    assert_true(selection_next(&p->s) == GW_NEVER);
    tells(p, 0, true, "");
    end(p);
}

static void errors_only(void **state)
{
    struct page *p = begin((struct selection_rules){.errors = true}, 0);
    struct made good, bad, warned, loud;
    make(&good, 1, "web", "GET /", "200", 1);
    make(&bad, 2, "web", "GET /", "500", 1);
    make(&warned, 3, "web", "GET /", "200", 1);
    make(&loud, 4, "web", "GET /", "200", 1);
    break_with(&bad, "E");
    add_log(&warned, 0, 16);
    add_log(&loud, 0, 9);
    add_log(&loud, 1, 17);
    assert_false(takes(p, &good, 0, 5));
    assert_true(takes(p, &bad, 0, 5));
    assert_false(takes(p, &warned, 1, 5));
    assert_true(warned.logs[0].left_out);
    assert_true(takes(p, &loud, 2, 5)); /* an ERROR in its logs */
    assert_false(loud.logs[0].left_out);
    assert_int_equal(p->s.left_out_spans, 2);
    assert_true(selection_next(&p->s) == 5 + SELECTION_PERIOD);
    tells(p, 5 + SELECTION_PERIOD - 1, false, "");
    tells(p, 5 + SELECTION_PERIOD, false, "hidden: 2 traces without errors, 1 log record\n");
    tells(p, GW_SEC * 3600, true, ""); /* once */
    end(p);
}

static void logs_alone(void **state)
{
    struct page *p = begin((struct selection_rules){.errors = true}, 0);
    struct made bad, good;
    make(&bad, 1, "web", "GET /", "500", 1);
    make(&good, 2, "web", "GET /", "200", 1);
    break_with(&bad, "E");
    assert_true(takes(p, &bad, 0, 0));
    assert_false(takes(p, &good, 0, 0));
    add_log(&bad, 0, 9); /* of a printed trace */
    add_log(&good, 0, 9);
    add_log(&good, 1, 21);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, bad.logs, 1, 0), 1);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, good.logs, 2, 0), 1);
    assert_ptr_equal(good.logs[0].record, &good.records[1]);
    assert_int_not_equal(good.states[0], good.states[1]); /* it leaves */
    tells(p, 0, true, "hidden: 1 trace without errors, 1 log record\n");
    end(p);
}

static void services(void **state)
{
    gw_str names[] = {GW_STR("web"), GW_STR("db")};
    struct page *p = begin((struct selection_rules){.services = {names, 2}}, 0);
    struct made web, other;
    make(&web, 1, "web", "GET /", "200", 1);
    make(&other, 2, "webb", "GET /", "200", 1);
    assert_true(takes(p, &web, 0, 0));
    assert_false(takes(p, &other, 0, 0));
    make(&other, 3, "we", "GET /", "200", 1);
    assert_false(takes(p, &other, 0, 0));
    add_log(&other, 0, 17);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, other.logs, 1, 0), 0);
    tells(p, 0, true, "hidden: 2 traces of other services, 1 log record\n");
    end(p);
}

static void durations(void **state)
{
    struct page *p = begin((struct selection_rules){.min_duration = 200 * GW_MSEC}, 0);
    struct made fast, slow, late;
    make(&slow, 1, "web", "GET /", "200", 200);
    assert_true(takes(p, &slow, 0, 0));
    for (unsigned i = 0; i < 1204; i++) {
        make(&fast, 10 + i, "web", "GET /", "200", 199);
        assert_false(takes(p, &fast, 0, 0));
    }
    add_log(&fast, 0, 17);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, fast.logs, 1, 0), 0);
    make(&late, 9000, "web", "", "", 0); /* its trace is not known */
    add_log(&late, 0, 9);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, late.logs, 1, 0), 1);
    make(&slow, 1, "web", "a further part", "200", 1); /* of a printed trace */
    assert_true(takes(p, &slow, 0, 0));
    assert_false(takes(p, &fast, 0, 0)); /* again, as a part: one trace */
    tells(p, 0, true, "hidden: 1,204 traces shorter than 200ms, 1 log record\n");
    end(p);
}

static void repeats_become_a_line(void **state)
{
    struct page *p = begin((struct selection_rules){0}, 10 * GW_SEC);
    struct made m;
    gw_nsec now = 0;
    for (unsigned i = 0; i < 413; i++, now += GW_MSEC) {
        make(&m, 1 + i, "web", "GET /health", "200", 1 + i % 4);
        assert_int_equal(takes(p, &m, 0, now), i == 0);
    }
    assert_int_equal(p->s.left_out_spans, 0); /* they are printed, in a way */
    assert_int_equal(trace_buffer_fate(&p->seen, m.span.trace_id), TRACE_FOLDED);
    assert_true(selection_next(&p->s) == 10 * GW_SEC);
    tells(p, 10 * GW_SEC - 1, false, "");
    tells(p, 10 * GW_SEC, false,
          "GET /health [web] ×412  200  1.00ms–4.00ms · last 2023-11-14 22:13:20.123Z\n");
    /* within the next window they go on without a whole one */
    make(&m, 1000, "web", "GET /health", "200", 2);
    assert_false(takes(p, &m, 0, 19 * GW_SEC));
    tells(p, 20 * GW_SEC, false, "GET /health [web] ×1  200  2.00ms · last 2023-11-14 22:13:20.123Z\n");
    assert_true(selection_next(&p->s) == GW_NEVER);
    make(&m, 1001, "web", "GET /health", "200", 2);
    assert_true(takes(p, &m, 0, 31 * GW_SEC)); /* after a window without one */
    end(p);
}

static void what_differs_does_not_repeat(void **state)
{
    struct page *p = begin((struct selection_rules){0}, 10 * GW_SEC);
    struct made m;
    make(&m, 1, "web", "GET /", "200", 1);
    assert_true(takes(p, &m, 0, 0));
    make(&m, 2, "web", "GET /", "404", 1);
    assert_true(takes(p, &m, 0, 0));
    make(&m, 3, "api", "GET /", "200", 1);
    assert_true(takes(p, &m, 0, 0));
    make(&m, 4, "web", "GET /a", "200", 1);
    assert_true(takes(p, &m, 0, 0));
    make(&m, 5, "web", "GET /", "200", 1);
    break_with(&m, "ValueError");
    assert_true(takes(p, &m, 0, 0));
    make(&m, 6, "web", "GET /", "200", 1);
    break_with(&m, "KeyError");
    assert_true(takes(p, &m, 0, 0));
    make(&m, 7, "web", "GET /", "200", 1);
    break_with(&m, "KeyError");
    assert_false(takes(p, &m, 0, 0));
    make(&m, 8, "web", "GET /", "200", 1);
    m.node.orphan = true; /* a part */
    assert_true(takes(p, &m, 0, 0));
    make(&m, 9, "web", "GET /", "200", 1);
    add_log(&m, 0, 13); /* a WARN */
    assert_true(takes(p, &m, 1, 0));
    tells(p, 0, true, "GET / [web] ×1  ✗ KeyError  1.00ms · last 2023-11-14 22:13:20.123Z\n");
    end(p);
}

static void logs_of_repeats(void **state)
{
    struct page *p = begin((struct selection_rules){0}, 10 * GW_SEC);
    struct made m;
    make(&m, 1, "web", "GET /", "200", 1);
    assert_true(takes(p, &m, 0, 0));
    make(&m, 2, "web", "GET /", "200", 1);
    add_log(&m, 0, 9);
    assert_false(takes(p, &m, 1, 0));
    assert_true(m.logs[0].shown && !m.logs[0].left_out); /* with the line */
    add_log(&m, 0, 9);                                   /* and later ones: only from WARN on */
    add_log(&m, 1, 13);
    assert_int_equal(selection_sift_logs(&p->s, &p->seen, m.logs, 2, 0), 1);
    assert_ptr_equal(m.logs[0].record, &m.records[1]);
    m.node.orphan = true; /* a further part */
    assert_false(takes(p, &m, 0, 0));
    break_with(&m, "E");
    assert_true(takes(p, &m, 0, 0));
    end(p);
}

/* More kinds than places: a kind of which nothing waits makes room; else the trace is printed. */
static void kinds_are_bounded(void **state)
{
    struct page *p = begin((struct selection_rules){0}, 10 * GW_SEC);
    struct made m;
    char name[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "GET /%u", i);
        make(&m, 1 + i, "web", name, "200", 1);
        assert_true(takes(p, &m, 0, i));
    }
    make(&m, 2000, "web", name, "200", 1);
    assert_false(takes(p, &m, 0, 1000));
    for (unsigned i = 0; i < REPEATS; i++) { /* each twice: all wait */
        snprintf(name, sizeof name, "PUT /%u", i);
        make(&m, 5000 + 2 * i, "web", name, "200", 1);
        takes(p, &m, 0, 2000 + i);
        make(&m, 5001 + 2 * i, "web", name, "200", 1);
        takes(p, &m, 0, 2000 + i);
    }
    make(&m, 9000, "web", "DELETE /", "200", 1);
    assert_true(takes(p, &m, 0, 3000));
    make(&m, 9001, "web", "DELETE /", "200", 1);
    assert_true(takes(p, &m, 0, 3000));
    end(p);
}

static void hostile_names(void **state)
{
    struct page *p = begin((struct selection_rules){0}, GW_SEC);
    struct made m;
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    memcpy(longest + 98, "\xe4\xb8\xad", 3); /* where it is cut */
    longest[299] = '\0';
    for (unsigned i = 1; i <= 2; i++) {
        make(&m, i, "a\033[2J\nb", longest, "2\xe2\x80\xae", 1);
        takes(p, &m, 0, 0);
    }
    out_reset(&p->out);
    selection_put(&p->s, &p->out, &p->how, 0, true);
    gw_str s = gw_str_n(p->out.data, p->out.len);
    while (s.len) {
        uint32_t r = out_next_rune(&s);
        assert_true(r == '\n' ? !s.len : r != 0xFFFD && !out_rune_hidden(r));
    }
    end(p);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_all_is_printed),
        cmocka_unit_test(errors_only),
        cmocka_unit_test(logs_alone),
        cmocka_unit_test(services),
        cmocka_unit_test(durations),
        cmocka_unit_test(repeats_become_a_line),
        cmocka_unit_test(what_differs_does_not_repeat),
        cmocka_unit_test(logs_of_repeats),
        cmocka_unit_test(kinds_are_bounded),
        cmocka_unit_test(hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
