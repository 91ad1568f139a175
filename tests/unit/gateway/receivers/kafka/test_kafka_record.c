/* Which signal a record holds, and how it is written: headers before the topic, the content-type before the first byte.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/kafka/kafka_record.h"

static int of_topic(const char *topic)
{
    gw_str traces[] = {GW_STR("otlp_spans"), GW_STR("^team-.*\\.spans$")}, logs[] = {GW_STR("otlp_logs")};
    const struct gw_list of_traces = {traces, 2}, of_logs = {logs, 1}, none = {0};
    struct kafka_topics topics = {
        .of = {[GW_TRACES] = &of_traces, [GW_LOGS] = &of_logs, [GW_METRICS] = &none}};
    return kafka_topic_signal(&topics, topic);
}

static void the_topic_tells_the_signal(void **state)
{
    static const struct {
        const char *topic;
        int signal; /* -1: unknown */
    } cases[] = {{"otlp_spans", GW_TRACES}, {"otlp_logs", GW_LOGS},        {"team-a.spans", GW_TRACES},
                 {"otlp_span", -1},         {"team-a.spans.old", -1},      {"xteam-a.spans", -1},
                 {"otlp_metrics", -1},      {"otlp_logs_dead_letters", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kafka_record r = {.topic_signal = of_topic(cases[i].topic)};
        enum gw_signal signal = GW_SIGNALS;
        bool json;
        enum kafka_fault fault = kafka_record_read(&r, KAFKA_AUTO, &signal, &json);
        assert_int_equal(fault, cases[i].signal < 0 ? KAFKA_FAULT_UNKNOWN_SIGNAL : KAFKA_FAULT_NONE);
        if (cases[i].signal >= 0)
            assert_int_equal(signal, cases[i].signal);
    }
}

static void a_header_says_more_than_the_topic(void **state)
{
    enum gw_signal signal;
    bool json;
    struct kafka_record r = {.topic_signal = GW_TRACES, .signal = GW_STR("metrics")};
    assert_int_equal(kafka_record_read(&r, KAFKA_AUTO, &signal, &json), KAFKA_FAULT_NONE);
    assert_int_equal(signal, GW_METRICS);
    r.signal = GW_STR("Traces");
    assert_int_equal(kafka_record_read(&r, KAFKA_AUTO, &signal, &json), KAFKA_FAULT_UNKNOWN_SIGNAL);
    r.signal = gw_str_n("", 0);
    assert_int_equal(kafka_record_read(&r, KAFKA_AUTO, &signal, &json), KAFKA_FAULT_UNKNOWN_SIGNAL);
}

static void the_encoding(void **state)
{
    static const struct {
        enum kafka_encoding option;
        const char *type, *value; /* type NULL: no header */
        enum kafka_fault fault;
        bool json;
    } cases[] = {{KAFKA_AUTO, NULL, "{\"resourceSpans\":[]}", KAFKA_FAULT_NONE, true},
                 {KAFKA_AUTO, NULL, "\n{x", KAFKA_FAULT_NONE, false}, /* field 1, 123 bytes long */
                 {KAFKA_AUTO, NULL, "", KAFKA_FAULT_NONE, false},
                 {KAFKA_AUTO, "application/json; charset=utf-8", "\n", KAFKA_FAULT_NONE, true},
                 {KAFKA_AUTO, "application/x-protobuf", "{", KAFKA_FAULT_NONE, false},
                 {KAFKA_AUTO, "application/protobuf", "{", KAFKA_FAULT_NONE, false},
                 {KAFKA_AUTO, "text/xml", "{", KAFKA_FAULT_UNKNOWN_ENCODING, false},
                 {KAFKA_PROTOBUF, "text/xml", "{", KAFKA_FAULT_NONE, false},
                 {KAFKA_JSON, "application/x-protobuf", "\n", KAFKA_FAULT_NONE, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct kafka_record r = {.topic_signal = GW_TRACES,
                                       .value = gw_str_z(cases[i].value),
                                       .content_type = cases[i].type ? gw_str_z(cases[i].type) : GW_NOSTR};
        enum gw_signal signal;
        bool json = !cases[i].json;
        assert_int_equal(kafka_record_read(&r, cases[i].option, &signal, &json), cases[i].fault);
        if (!cases[i].fault)
            assert_int_equal(json, cases[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_topic_tells_the_signal),
        cmocka_unit_test(a_header_says_more_than_the_topic),
        cmocka_unit_test(the_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
