/* Batches as records: what goes into which, and what is left where some of them failed.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exporters/kafka/kafka_outcome.h"
#include "exporters/kafka/kafka_records.h"
#include "tests/unit/exporters/request_frames.h"

enum { FRAMES = 4 };

/* Frames of spans; each span's trace id is sixteen times its letter. A blank is a span without an id. */
static struct gw_frame *frame_of(const char *letters, size_t text)
{
    struct otlp_buf w = {0};
    char *padding = calloc(1, text + 1);
    memset(padding, '.', text);
    size_t resource = otlp_open(&w, 1, 3), scope = otlp_open(&w, 2, 3);
    for (const char *l = letters; *l; l++) {
        char id[16];
        memset(id, *l, sizeof id);
        size_t item = otlp_open(&w, 2, 3);
        if (*l != ' ')
            otlp_bytes(&w, 1, gw_str_n(id, sizeof id));
        otlp_text(&w, 5, gw_str_z(padding));
        otlp_close(&w, item, 3);
    }
    otlp_close(&w, scope, 3);
    otlp_close(&w, resource, 3);
    free(padding);
    return gw_frame_new(GW_TRACES, GW_OTEL, w.data, w.len, w.cap, (uint32_t)strlen(letters));
}

struct bed {
    struct gw_frame *frames[FRAMES];
    struct gw_batch batch;
    struct kafka_records records;
};

static void bed_fill(struct bed *b, const char *const *letters, size_t text)
{
    *b = (struct bed){.batch = {.signal = GW_TRACES, .frames = b->frames}};
    for (; letters[b->batch.n]; b->batch.n++) {
        struct gw_frame *f = b->frames[b->batch.n] = frame_of(letters[b->batch.n], text);
        b->batch.items += f->items;
        b->batch.bytes += f->len;
    }
}

static void bed_drop(struct bed *b)
{
    kafka_records_drop(&b->records);
    for (size_t i = 0; i < b->batch.n; i++)
        gw_frame_drop(b->frames[i]);
}

/* The letters of the ids in a request, in their order. */
static void letters_in(const uint8_t *value, size_t len, char *out)
{
    struct gw_frame whole = {.data = (uint8_t *)value, .len = len, .signal = GW_TRACES};
    struct gw_frame *frames[] = {&whole};
    struct gw_items items;
    uint8_t id[16];
    *out = '\0';
    for (whole.items = 1; gw_items_read(&items, GW_TRACES, frames, 1) != GW_ITEMS_READ;)
        assert_true(++whole.items < 100);
    for (uint32_t i = 0; i < items.n; i++)
        *out++ = gw_item_trace_id(&items, i, id) ? (char)id[0] : ' ';
    *out = '\0';
    gw_items_drop(&items);
}

/* "aab/c" are two records. */
static void assert_records(const struct kafka_records *r, const char *want)
{
    char got[256] = "", one[100];
    for (size_t i = 0; i < r->n; i++) {
        if (r->all[i].too_large)
            strcpy(one, "!");
        else
            letters_in(r->all[i].value, r->all[i].len, one);
        strcat(strcat(got, i ? "/" : ""), one);
    }
    assert_string_equal(got, want);
}

static void frames_fill_records(void **state)
{
    static const char *const letters[] = {"a", "bb", "cccc", "d", NULL};
    struct bed b;
    bed_fill(&b, letters, 100);
    struct kafka_records_conf conf = {.most = 1000000};
    assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
    assert_records(&b.records, "abbccccd");
    assert_false(b.records.all[0].has_key);
    kafka_records_drop(&b.records);
    conf.most = b.frames[0]->len + b.frames[1]->len;
    assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
    assert_records(&b.records, "abb/cc/cc/d"); /* the third frame alone is too large, and is cut */
    assert_ptr_equal(b.records.all[3].value, b.frames[3]->data); /* a whole frame is not copied */
    assert_null(b.records.all[3].buffer);
    bed_drop(&b);
}

static void a_trace_is_a_record_with_its_id_as_key(void **state)
{
    static const char *const letters[] = {"aba", " c", "b ", NULL};
    struct bed b;
    bed_fill(&b, letters, 10);
    const struct kafka_records_conf conf = {.most = 1000000, .by_trace = true, .seed = 7};
    assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
    assert_records(&b.records, "aa/bb/  /c");
    assert_memory_equal(b.records.all[0].key, "61616161616161616161616161616161", 32);
    assert_true(b.records.all[0].has_key && b.records.all[3].has_key);
    assert_false(b.records.all[2].has_key);
    bed_drop(&b);
}

static void no_value_is_longer_than_the_most(void **state)
{
    static const char *const letters[] = {"aaaaaaaaab", "bbbbcccccc", NULL};
    for (size_t most = 300; most < 6000; most += 250)
        for (int how = 0; how < 4; how++) {
            struct bed b;
            size_t items = 0;
            bed_fill(&b, letters, 100);
            const struct kafka_records_conf conf = {.most = most, .by_trace = how & 1, .json = how & 2};
            assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
            for (size_t i = 0; i < b.records.n; i++) {
                char one[100] = "";
                assert_false(b.records.all[i].too_large);
                assert_true(b.records.all[i].len <= most);
                if (!conf.json)
                    letters_in(b.records.all[i].value, b.records.all[i].len, one);
                items += strlen(one);
            }
            assert_int_equal(items, conf.json ? 0 : 20);
            bed_drop(&b);
        }
}

static void an_item_that_is_too_large_has_no_value(void **state)
{
    static const char *const letters[] = {"aa", NULL};
    struct bed b;
    bed_fill(&b, letters, 100);
    for (int json = 0; json < 2; json++) {
        const struct kafka_records_conf conf = {.most = 90, .json = json};
        assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
        assert_records(&b.records, "!/!");
        kafka_records_drop(&b.records);
    }
    bed_drop(&b);
}

static void what_failed_is_left(void **state)
{
    static const char *const letters[] = {"aba", "bb", "cc", NULL};
    struct bed b;
    struct gw_frame *left[3];
    char one[100];
    bed_fill(&b, letters, 10);
    const struct kafka_records_conf conf = {.most = 1000000, .by_trace = true};
    assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
    assert_records(&b.records, "aa/bbb/cc");
    b.records.all[1].failed = true;
    kafka_records_left(&b.records, left);
    assert_int_equal(left[0]->items, 1);
    letters_in(left[0]->data, left[0]->len, one);
    assert_string_equal(one, "b");
    assert_ptr_equal(left[1], b.frames[1]); /* all of it */
    assert_null(left[2]);                   /* nothing of it */
    gw_frame_drop(left[0]);
    bed_drop(&b);
}

static void whole_frames_that_failed_are_left_as_they_are(void **state)
{
    static const char *const letters[] = {"a", "bb", "cccc", NULL};
    struct bed b;
    struct gw_frame *left[3];
    bed_fill(&b, letters, 100);
    const struct kafka_records_conf conf = {.most = b.frames[0]->len + b.frames[1]->len};
    assert_int_equal(kafka_records_make(&b.records, &conf, &b.batch), KAFKA_MADE);
    assert_records(&b.records, "abb/cc/cc");
    b.records.all[0].failed = b.records.all[2].failed = true;
    kafka_records_left(&b.records, left);
    assert_ptr_equal(left[0], b.frames[0]);
    assert_ptr_equal(left[1], b.frames[1]);
    assert_int_equal(left[2]->items, 2);
    gw_frame_drop(left[2]);
    bed_drop(&b);
}

static void items_that_cannot_be_told_apart_are_not_cut(void **state)
{
    static const char *const letters[] = {"aa", NULL};
    struct bed b;
    bed_fill(&b, letters, 100);
    b.frames[0]->items = 3;
    const struct kafka_records_conf cut = {.most = 150}, whole = {.most = 1000};
    assert_int_equal(kafka_records_make(&b.records, &cut, &b.batch), KAFKA_UNREADABLE);
    assert_int_equal(kafka_records_make(&b.records, &whole, &b.batch), KAFKA_MADE);
    bed_drop(&b);
}

/* --- verdicts --- */

static struct gw_outcome outcome_of(const rd_kafka_resp_err_t *errors, const struct kafka_trouble *trouble)
{
    struct kafka_verdict v = {0};
    struct gw_outcome o = {.verdict = GW_DONE};
    for (; *errors; errors++)
        kafka_verdict_add(&v, *errors, trouble);
    kafka_verdict_outcome(&v, "spans", 1000, &o);
    return o;
}

static void the_error_that_passes_soonest_decides(void **state)
{
    static const struct {
        rd_kafka_resp_err_t errors[4];
        enum gw_verdict verdict;
    } table[] = {
        {{RD_KAFKA_RESP_ERR_INVALID_RECORD}, GW_REFUSED},
        {{RD_KAFKA_RESP_ERR__BAD_MSG}, GW_REFUSED},
        {{RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE}, GW_SPLIT},
        {{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED},
         GW_RETRY_SLOWLY},
        {{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION}, GW_RETRY},
        {{RD_KAFKA_RESP_ERR__FATAL}, GW_RETRY},
        {{RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT}, GW_TIMED_OUT},
        {{RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TRANSPORT}, GW_RETRY},
    };
    const struct kafka_trouble none = {.code = RD_KAFKA_RESP_ERR_NO_ERROR};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_outcome o = outcome_of(table[i].errors, &none);
        assert_int_equal(o.verdict, table[i].verdict);
        assert_non_null(strstr(o.text, "topic spans: "));
    }
}

static void trouble_explains_what_is_late(void **state)
{
    static const rd_kafka_resp_err_t late[] = {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, 0};
    struct kafka_trouble trouble = {
        .code = RD_KAFKA_RESP_ERR__TRANSPORT, .text = "one:9092: refused", .down = true};
    struct gw_outcome o = outcome_of(late, &trouble);
    assert_int_equal(o.verdict, GW_RETRY);
    assert_true(o.unreachable);
    assert_non_null(strstr(o.text, "one:9092: refused"));
    trouble.down = false; /* another broker is there */
    assert_false(outcome_of(late, &trouble).unreachable);
    trouble.code = RD_KAFKA_RESP_ERR__AUTHENTICATION;
    assert_int_equal(outcome_of(late, &trouble).verdict, GW_RETRY_SLOWLY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_fill_records),
        cmocka_unit_test(a_trace_is_a_record_with_its_id_as_key),
        cmocka_unit_test(no_value_is_longer_than_the_most),
        cmocka_unit_test(an_item_that_is_too_large_has_no_value),
        cmocka_unit_test(what_failed_is_left),
        cmocka_unit_test(whole_frames_that_failed_are_left_as_they_are),
        cmocka_unit_test(items_that_cannot_be_told_apart_are_not_cut),
        cmocka_unit_test(the_error_that_passes_soonest_decides),
        cmocka_unit_test(trouble_explains_what_is_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
