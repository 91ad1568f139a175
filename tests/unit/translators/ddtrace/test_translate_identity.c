/* Ids and times of spans; 128-bit trace ids over a chunk, a payload and a process. SPDX-License-Identifier:
 * Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define MID "'start':" BED_START ",'duration':5,'service':'s','name':'n'"
#define LOW "00000000000000ff"
#define HIGH "66aabbcc00000000"

/* The id, the parent and the times of a span. */
static const char *identity(struct bed *b, uint64_t span_id)
{
    const valid_span *s = bed_find(b, GW_OTEL, span_id).span;
    b->shown.len = 0;
    if (!s)
        return "no such span";
    dump_hex(&b->shown, s->trace_id);
    append_text(&b->shown, "/");
    dump_hex(&b->shown, s->span_id);
    append_text(&b->shown, " parent ");
    dump_hex(&b->shown, s->parent_span_id);
    append_text(&b->shown, " from %" PRIu64 " to %" PRIu64, s->start_time_unix_nano, s->end_time_unix_nano);
    return b->shown.text;
}

static void ids_and_times(void **state)
{
    static const struct bed_row rows[] = {
        {"'trace_id':255,'span_id':2,'parent_id':9,'start':100,'duration':5,'meta':{'_dd.p.tid':'" HIGH "'}",
         HIGH LOW "/0000000000000002 parent 0000000000000009 from 100 to 105"},
        {"'trace_id':255,'span_id':2,'start':100,'duration':5",
         "0000000000000000" LOW "/0000000000000002 parent  from 100 to 105"},
        {"'trace_id':255,'span_id':2,'parent_id':0,'start':100,'duration':5",
         "0000000000000000" LOW "/0000000000000002 parent  from 100 to 105"},
        {"'trace_id':255,'span_id':2,'parent_id':2,'start':100,'duration':5",
         "0000000000000000" LOW "/0000000000000002 parent  from 100 to 105"},
        {"'trace_id':255,'span_id':2,'start':100,'duration':-5",
         "0000000000000000" LOW "/0000000000000002 parent  from 100 to 100"},
        {"'trace_id':18446744073709551615,'span_id':2,'start':1,'duration':0,'meta':{'_dd.p.tid':'1'}",
         "0000000000000001ffffffffffffffff/0000000000000002 parent  from 1 to 1"},
        {"'trace_id':255,'span_id':2,'start':1,'duration':0,'meta':{'_dd.p.tid':'0000000000000000'}",
         "0000000000000000" LOW "/0000000000000002 parent  from 1 to 1"},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char payload[512];
        snprintf(payload, sizeof payload, "[[{'service':'s','name':'n',%s}]]", rows[i].span);
        bed_run(b, payload);
        bed_compare_fact(b, rows[i].span, "trace id/span id, parent and time", identity(b, 2), rows[i].want);
    }
}

static void what_has_no_id_is_refused(void **state)
{
    struct bed *b = *state;
    bed_run(b, "[[{'trace_id':0,'span_id':1," MID "},{'trace_id':7,'span_id':0," MID
               "},{'trace_id':7,'span_id':3," MID "}]]");
    assert_int_equal(b->out.intake.received, 3);
    assert_int_equal(b->out.intake.not_taken[GW_REASON_ZERO_TRACE_ID], 1);
    assert_int_equal(b->out.intake.not_taken[GW_REASON_ZERO_SPAN_ID], 1);
    assert_non_null(bed_find(b, GW_OTEL, 3).span);
}

#define ARRIVAL "1700000001000000000"

/* Negative numbers, also cast to unsigned ones, and sums past 2^63: no duration; a start that cannot be is the
 * earliest of the chunk, or else the time of arrival. */
static void times_that_cannot_be(void **state)
{
    static const struct {
        const char *start, *duration, *from, *to;
    } rows[] = {
        {BED_START, "18446744073709539195", BED_START, BED_START},
        {BED_START, "9223372036854775808", BED_START, BED_START},
        {BED_START, "-5", BED_START, BED_START},
        {BED_START, "1e19", BED_START, BED_START},
        {BED_START, "9223372036854775807", BED_START, BED_START},
        {BED_START, "7523372036854775807", BED_START, BED_START},
        {"18446744073709539195", "5", ARRIVAL, ARRIVAL},
        {"9223372036854775808", "5", ARRIVAL, ARRIVAL},
        {"-7", "5", ARRIVAL, ARRIVAL},
        {"9223372036854775807", "9223372036854775807", ARRIVAL, ARRIVAL},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char payload[512], got[128], want[128];
        snprintf(payload, sizeof payload,
                 "[[{'service':'s','name':'n','trace_id':255,'span_id':2,'start':%s,'duration':%s}]]",
                 rows[i].start, rows[i].duration);
        bed_run(b, payload);
        const valid_span *s = bed_find(b, GW_OTEL, 2).span;
        snprintf(got, sizeof got, "%" PRIu64 " to %" PRIu64, s->start_time_unix_nano, s->end_time_unix_nano);
        snprintf(want, sizeof want, "%s to %s", rows[i].from, rows[i].to);
        bed_compare_fact(b, payload, "the time", got, want);
        assert_int_equal(b->out.odd.bad_times, 1);
    }
    bed_run(
        b,
        "[[{'trace_id':1,'span_id':2,'start':-1,'duration':5,'name':'n'},{'trace_id':1,'span_id':3,'start':7,"
        "'duration':5,'name':'n'},{'trace_id':1,'span_id':4," MID
        "},{'trace_id':1,'span_id':5,'start':-1,'duration':5,'name':'n','span_events':[{'name':'e','time_"
        "unix_nano':"
        "18446744073709551615}]}]]");
    assert_int_equal(b->out.odd.bad_times, 3);
    for (uint64_t id = 2; id <= 5; id++)
        if (id != 3)
            assert_int_equal(bed_find(b, GW_OTEL, id).span->start_time_unix_nano, 1700000000000000000);
    assert_int_equal(bed_find(b, GW_OTEL, 5).span->events[0]->time_unix_nano, 1700000000000000000);
}

/* A start before the year 2000 is left, and said. */
static void implausible_start(void **state)
{
    struct bed *b = *state;
    bed_run(b, "[[{'trace_id':1,'span_id':2,'start':5,'duration':1,'service':'s','name':'n'},{'trace_id':1,'"
               "span_id':3," MID "}]]");
    bed_expect_span(b, GW_OTEL, 2, bed_fields, "n | internal | datadog.implausible_start=true");
    bed_expect_span(b, GW_OTEL, 3, bed_fields, "n | internal | ");
}

static void trace_of(struct bed *b, uint64_t span_id, const char *want)
{
    char hex[33] = "none";
    const valid_span *s = bed_find(b, GW_OTEL, span_id).span;
    for (size_t i = 0; s && i < 16; i++)
        sprintf(hex + 2 * i, "%02x", s->trace_id.data[i]);
    if (strcmp(hex, want) != 0)
        fail_msg("span %llu: %s, want %s", (unsigned long long)span_id, hex, want);
}

/* Any span of a chunk may say the upper half; it holds for all of them. */
static void any_span_of_the_chunk(void **state)
{
    struct bed *b = *state;
    for (int carrier = 0; carrier < 3; carrier++) {
        char payload[1024];
        size_t n = 0;
        for (int i = 0; i < 3; i++)
            n += (size_t)snprintf(payload + n, sizeof payload - n,
                                  "%s{'trace_id':255,'span_id':%d,'parent_id':%d," MID "%s}", i ? "," : "[[",
                                  i + 1, i, i == carrier ? ",'meta':{'_dd.p.tid':'" HIGH "'}" : "");
        snprintf(payload + n, sizeof payload - n, "]]");
        bed_run(b, payload);
        for (uint64_t id = 1; id <= 3; id++)
            trace_of(b, id, HIGH LOW);
    }
}

/* Whichever span of the chunk says the upper half; what no span says is refused. */
static void a_lower_half_of_zero(void **state)
{
    static const char id[] = HIGH "0000000000000000";
    struct bed *b = *state;
    for (int carrier = 1; carrier <= 3; carrier++) {
        char payload[512], tid[] = ",'meta':{'_dd.p.tid':'" HIGH "'}";
        snprintf(payload, sizeof payload,
                 "[[{'trace_id':0,'span_id':1,'parent_id':2," MID "%s},{'trace_id':0,'span_id':2," MID
                 "%s},{'span_id':3,'parent_id':2," MID "%s},{'trace_id':9,'span_id':4," MID "}]]",
                 carrier == 1 ? tid : "", carrier == 2 ? tid : "", carrier == 3 ? tid : "");
        bed_run(b, payload);
        for (uint64_t span = 1; span <= 3; span++)
            trace_of(b, span, id);
        trace_of(b, 4, "00000000000000000000000000000009");
        assert_int_equal(b->out.intake.not_taken[GW_REASON_ZERO_TRACE_ID], 0);
        assert_int_equal(b->out.frames[0]->pending_ids_n, 0);
    }
    b->opt.trace_id_bits = 64;
    bed_reopen(b);
    bed_run(b, "[[{'trace_id':0,'span_id':1," MID ",'meta':{'_dd.p.tid':'" HIGH "'}}]]");
    assert_int_equal(b->out.intake.not_taken[GW_REASON_ZERO_TRACE_ID], 1);
}

/* A chunk of which no span says it goes by what the payload or the process has learned, unless the trace's
 * root is in it. */
static void a_lower_half_of_zero_is_learned(void **state)
{
    static const char id[] = HIGH "0000000000000000",
                      part[] = "{'trace_id':0,'span_id':5,'parent_id':1," MID "}";
    struct bed *b = *state;
    char payload[512];
    b->env.ids = gw_trace_ids_new(100, 60 * GW_SEC);
    snprintf(payload, sizeof payload, "[[%s]]", part);
    bed_run(b, payload);
    assert_int_equal(b->out.intake.not_taken[GW_REASON_ZERO_TRACE_ID], 1);
    char first[512];
    snprintf(first, sizeof first,
             "[[{'trace_id':0,'span_id':1," MID ",'meta':{'_dd.p.tid':'" HIGH "'}}],[%s]]", part);
    bed_run(b, first);
    trace_of(b, 5, id);
    bed_run(b, payload);
    trace_of(b, 5, id);
    bed_run(b, "[[{'trace_id':0,'span_id':6," MID "}]]");
    assert_int_equal(b->out.intake.not_taken[GW_REASON_ZERO_TRACE_ID], 1);
    gw_trace_ids_drop(b->env.ids);
}

/* dd-trace-js 3 and 4 say it in the last chunk only; any order must do. */
static void chunks_of_a_payload(void **state)
{
    static const char *const chunks[] = {"[{'trace_id':255,'span_id':1,'parent_id':3," MID "}]",
                                         "[{'trace_id':255,'span_id':2,'parent_id':3," MID "}]",
                                         "[{'trace_id':255,'span_id':3," MID ",'meta':{'_dd.p.tid':'" HIGH
                                         "'}}]",
                                         "[{'trace_id':77,'span_id':4,'parent_id':9," MID "}]"};
    static const int orders[][4] = {{0, 1, 2, 3}, {2, 0, 1, 3}, {0, 2, 3, 1}, {3, 1, 0, 2}, {1, 3, 2, 0}};
    struct bed *b = *state;
    for (size_t o = 0; o < COUNT(orders); o++) {
        char payload[1024];
        snprintf(payload, sizeof payload, "[%s,%s,%s,%s]", chunks[orders[o][0]], chunks[orders[o][1]],
                 chunks[orders[o][2]], chunks[orders[o][3]]);
        bed_run(b, payload);
        for (uint64_t id = 1; id <= 3; id++)
            trace_of(b, id, HIGH LOW);
        trace_of(b, 4, "0000000000000000000000000000004d");
        assert_int_equal(b->out.frames_n, 1);
        assert_int_equal(b->out.frames[0]->pending_ids_n, 1); /* who knows about 4? */
    }
}

/* After the answer: ids in the frame of an earlier payload are completed by a later one; `left` are not. */
static void complete(struct bed *b, struct gw_frame *f, bool final, uint32_t left)
{
    assert_int_equal(gw_frame_complete_ids(f, b->env.ids, final), left);
}

static void hex_in(const struct gw_frame *f, const char *trace_id, bool there)
{
    uint8_t id[16];
    for (size_t i = 0; i < 16; i++)
        sscanf(trace_id + 2 * i, "%2hhx", &id[i]);
    assert_true((memmem(f->data, f->len, id, 16) != NULL) == there);
}

static void payloads_of_a_process(void **state)
{
    struct bed *b = *state;
    b->env.ids = gw_trace_ids_new(100, 60 * GW_SEC);
    bed_run(b, "[[{'trace_id':255,'span_id':1,'parent_id':3," MID
               "}],[{'trace_id':256,'span_id':2,'parent_id':3," MID "}]]");
    struct gw_frame *early = gw_frame_ref(b->out.frames[0]);
    complete(b, early, false, 2);
    bed_run(b, "[[{'trace_id':255,'span_id':3," MID ",'meta':{'_dd.p.tid':'" HIGH "'}}]]");
    complete(b, early, false, 1);
    hex_in(early, HIGH LOW, true);
    /* A root without an upper half: the trace has 64 bits, and nobody waits. */
    bed_run(b, "[[{'trace_id':256,'span_id':4," MID "}]]");
    complete(b, early, false, 0);
    hex_in(early, "00000000000000000000000000000100", true);
    gw_frame_drop(early);
    /* And later chunks know at once. */
    bed_run(b, "[[{'trace_id':255,'span_id':5,'parent_id':3," MID "}]]");
    trace_of(b, 5, HIGH LOW);
    assert_int_equal(b->out.frames[0]->pending_ids_n, 0);
    gw_trace_ids_drop(b->env.ids);
}

/* The Rust SDK says the whole id on every span, and no _dd.p.tid; other spans of the chunk join. */
static void whole_ids(void **state)
{
#define WHOLE(id) "'meta':{'otel.trace_id':'" id "'"
    static const char *const keeps[] = {"operation.name", "service.name", NULL};
    struct bed *b = *state;
    b->env.ids = gw_trace_ids_new(100, 60 * GW_SEC);
    b->env.schemas = 1u << GW_OTEL | 1u << GW_DATADOG;
    bed_run(b, "[[{'trace_id':255,'span_id':1,'parent_id':9," MID
               "},{'trace_id':255,'span_id':2,'parent_id':1," MID "," WHOLE(HIGH LOW) "}}]]");
    trace_of(b, 1, HIGH LOW);
    trace_of(b, 2, HIGH LOW);
    assert_int_equal(b->out.frames[0]->pending_ids_n, 0);
    bed_expect_span(b, GW_OTEL, 2, keeps, "n | internal | ");
    bed_expect_span(b, GW_DATADOG, 2, keeps, "n | internal | otel.trace_id='" HIGH LOW "'");
    b->env.schemas = 1u << GW_OTEL;
    bed_run(b, "[[{'trace_id':255,'span_id':3,'parent_id':1," MID "}]]"); /* a later request */
    trace_of(b, 3, HIGH LOW);
    /* another trace's, one of another length, no hexadecimal number: tags like others */
    static const char *const others[] = {"00000000000000010000000000000001", "ff", HIGH "000000000000000g"};
    for (size_t i = 0; i < COUNT(others); i++) {
        char payload[256], want[128];
        snprintf(payload, sizeof payload,
                 "[[{'trace_id':254,'span_id':4," MID ",'meta':{'otel.trace_id':'%s'}}]]", others[i]);
        bed_run(b, payload);
        trace_of(b, 4, "000000000000000000000000000000fe");
        snprintf(want, sizeof want, "n | internal | otel.trace_id='%s'", others[i]);
        bed_expect_span(b, GW_OTEL, 4, keeps, want);
    }
    /* _dd.p.tid says it before */
    bed_run(b, "[[{'trace_id':253,'span_id':5," MID
               "," WHOLE("000000000000000100000000000000fd") ",'_dd.p.tid':'2'}}]]");
    trace_of(b, 5, "000000000000000200000000000000fd");
    gw_trace_ids_drop(b->env.ids);
}

static void ids_of_rejected_chunks_count(void **state)
{
    struct bed *b = *state;
    b->env.ids = gw_trace_ids_new(100, 60 * GW_SEC);
    bed_run(b, "[[{'trace_id':255,'span_id':1," MID ",'meta':{'_dd.p.tid':'" HIGH
               "'},'metrics':{'_sampling_priority_v1':-1}}]]");
    assert_int_equal(b->out.frames_n, 0);
    assert_int_equal(b->out.intake.not_taken[GW_REASON_SAMPLED_OUT], 1);
    bed_run(b, "[[{'trace_id':255,'span_id':2,'parent_id':1," MID "}]]");
    trace_of(b, 2, HIGH LOW);
    gw_trace_ids_drop(b->env.ids);
}

/* Of a payload that is refused no id is recorded. */
static void ids_of_bad_payloads_do_not_count(void **state)
{
    struct bed *b = *state;
    uint64_t high;
    b->env.ids = gw_trace_ids_new(100, 60 * GW_SEC);
    gw_str bad =
        GW_STR("[[{\"trace_id\":255,\"span_id\":1,\"meta\":{\"_dd.p.tid\":\"" HIGH "\"}}],[{\"trace_id\":");
    assert_int_equal(bed_bytes(b, DD_V04_JSON, bad), GW_BAD_JSON);
    assert_false(gw_trace_ids_find(b->env.ids, 255, &high, GW_SEC));
    assert_int_equal(b->out.intake.not_taken[GW_REASON_BAD_PAYLOAD], b->out.intake.received);
    assert_int_equal(b->out.frames_n, 0);
    gw_trace_ids_drop(b->env.ids);
}

static void conflicting_halves(void **state)
{
    struct bed *b = *state;
    /* The local root's. */
    bed_run(b, "[[{'trace_id':255,'span_id':1,'parent_id':3," MID ",'meta':{'_dd.p.tid':'1'}},"
               "{'trace_id':255,'span_id':2,'parent_id':3," MID ",'meta':{'_dd.p.tid':'1'}},"
               "{'trace_id':255,'span_id':3," MID ",'meta':{'_dd.p.tid':'2'}}]]");
    for (uint64_t id = 1; id <= 3; id++)
        trace_of(b, id, "0000000000000002" LOW);
    assert_int_equal(b->out.odd.conflicting_tid, 1);
    /* Or the majority's. */
    bed_run(b, "[[{'trace_id':255,'span_id':3," MID "},{'trace_id':255,'span_id':1,'parent_id':3," MID
               ",'meta':{'_dd.p.tid':'1'}},"
               "{'trace_id':255,'span_id':2,'parent_id':3," MID ",'meta':{'_dd.p.tid':'2'}},"
               "{'trace_id':255,'span_id':4,'parent_id':3," MID ",'meta':{'_dd.p.tid':'2'}}]]");
    for (uint64_t id = 1; id <= 4; id++)
        trace_of(b, id, "0000000000000002" LOW);
    assert_int_equal(b->out.odd.conflicting_tid, 1);
}

static void malformed_halves(void **state)
{
    static const char *const bad[] = {"xyz", "11111111111111111", "0x1", "-1", "1 "};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char members[256];
        snprintf(members, sizeof members, "'name':'n','meta':{'_dd.p.tid':'%s'}", bad[i]);
        bed_span(b, members);
        trace_of(b, 2, "00000000000000000000000000000001");
        assert_int_equal(b->out.odd.malformed_tid, 1);
    }
    /* A good one beside it counts. */
    bed_run(b, "[[{'trace_id':255,'span_id':1," MID
               ",'meta':{'_dd.p.tid':'zz'}},{'trace_id':255,'span_id':2,'parent_id':1," MID
               ",'meta':{'_dd.p.tid':'" HIGH "'}}]]");
    trace_of(b, 1, HIGH LOW);
}

/* Spans of several traces in one chunk, which no tracer sends: each has its own upper half. */
static void a_mixed_chunk(void **state)
{
    struct bed *b = *state;
    bed_run(b, "[[{'trace_id':1,'span_id':1," MID ",'meta':{'_dd.p.tid':'a'}},{'trace_id':2,'span_id':2," MID
               ",'meta':{'_dd.p.tid':'b'}},"
               "{'trace_id':1,'span_id':3,'parent_id':1," MID "},{'trace_id':2,'span_id':4,'parent_id':2," MID
               "}]]");
    trace_of(b, 1, "000000000000000a0000000000000001");
    trace_of(b, 3, "000000000000000a0000000000000001");
    trace_of(b, 2, "000000000000000b0000000000000002");
    trace_of(b, 4, "000000000000000b0000000000000002");
}

static void sixty_four_bits_are_an_option(void **state)
{
    struct bed *b = *state;
    b->opt.trace_id_bits = 64;
    bed_reopen(b);
    bed_run(b, "[[{'trace_id':255,'span_id':1," MID ",'meta':{'_dd.p.tid':'" HIGH "'},"
               "'span_links':[{'trace_id':5,'trace_id_high':6,'span_id':7}]}]]");
    trace_of(b, 1, "0000000000000000" LOW);
    assert_non_null(strstr(bed_show(b, GW_OTEL, 1, bed_fields),
                           "link 00000000000000000000000000000005/0000000000000007"));
    assert_int_equal(b->out.frames[0]->pending_ids_n, 0);
}

/* Every attribute schema has the upper half. */
static void every_schema_has_complete_ids(void **state)
{
    struct bed *b = *state;
    b->env.schemas = 7;
    bed_run(b, "[[{'trace_id':255,'span_id':1,'parent_id':3," MID "}],[{'trace_id':255,'span_id':3," MID
               ",'meta':{'_dd.p.tid':'" HIGH "'}}]]");
    for (size_t i = 0; i < b->out.frames_n; i++) {
        hex_in(b->out.frames[i], HIGH LOW, true);
        hex_in(b->out.frames[i], "0000000000000000" LOW, false);
    }
    assert_int_equal(b->out.frames_n, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(ids_and_times),
                                       BED_TEST(what_has_no_id_is_refused),
                                       BED_TEST(a_lower_half_of_zero),
                                       BED_TEST(a_lower_half_of_zero_is_learned),
                                       BED_TEST(times_that_cannot_be),
                                       BED_TEST(implausible_start),
                                       BED_TEST(whole_ids),
                                       BED_TEST(any_span_of_the_chunk),
                                       BED_TEST(chunks_of_a_payload),
                                       BED_TEST(payloads_of_a_process),
                                       BED_TEST(ids_of_rejected_chunks_count),
                                       BED_TEST(ids_of_bad_payloads_do_not_count),
                                       BED_TEST(conflicting_halves),
                                       BED_TEST(malformed_halves),
                                       BED_TEST(a_mixed_chunk),
                                       BED_TEST(sixty_four_bits_are_an_option),
                                       BED_TEST(every_schema_has_complete_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
