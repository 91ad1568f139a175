/* The last items that were not taken: which are kept, in which order, and what is said of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/thread.h"
#include "core/delivery/refusals.h"

static struct gw_refusals *samples; /* of the test that runs */

static struct gw_ledger *watched(void)
{
    struct gw_ledger *l = gw_ledger_new();
    samples = gw_refusals_new();
    gw_ledger_set_watch(l, gw_refusals_watch(samples));
    return l;
}

static void end(struct gw_ledger *l)
{
    gw_ledger_drop(l);
    gw_refusals_drop(samples);
}

static struct gw_intake refused(enum gw_reason why, uint64_t n)
{
    struct gw_intake in = {.received = n};
    in.not_taken[why] = n;
    return in;
}

static void the_newest_come_first_and_twenty_stay(void **state)
{
    struct gw_ledger *l = watched();
    struct gw_refusal out[GW_REFUSAL_SAMPLES];
    for (unsigned i = 1; i <= 25; i++) {
        struct gw_intake in = refused(GW_REASON_QUEUE_FULL, i);
        gw_ledger_intake(l, GW_LOGS, &in, 0);
    }
    assert_int_equal(gw_refusals_read(samples, GW_REASON_QUEUE_FULL, out), GW_REFUSAL_SAMPLES);
    for (unsigned i = 0; i < GW_REFUSAL_SAMPLES; i++)
        assert_int_equal(out[i].items, 25 - i);
    assert_int_equal(out[0].signal, GW_LOGS);
    assert_true(out[0].time >= out[19].time && out[19].time > 0);
    assert_int_equal(gw_refusals_read(samples, GW_REASON_BAD_SPAN, out), 0);
    end(l);
}

static void what_is_taken_leaves_no_sample(void **state)
{
    struct gw_ledger *l = watched();
    struct gw_refusal out[GW_REFUSAL_SAMPLES];
    gw_ledger_intake(l, GW_TRACES, &(struct gw_intake){.received = 5}, 0);
    for (unsigned kind = 0; kind < GW_REFUSAL_KINDS; kind++)
        assert_int_equal(gw_refusals_read(samples, kind, out), 0);
    end(l);
}

static void clients_and_words_are_of_their_request(void **state)
{
    struct gw_ledger *l = watched();
    struct gw_refusal out[GW_REFUSAL_SAMPLES];
    struct gw_intake in = refused(GW_REASON_BAD_PAYLOAD, 2);
    in.received++;
    in.not_taken[GW_REASON_BAD_SPAN] = 1;
    const char *before = gw_thread_works_for("receiver=ddtrace");
    gw_refusals_client(GW_STR("python"), GW_STR("4.16.0"));
    gw_refusals_words(GW_REASON_BAD_PAYLOAD, "no array");
    gw_ledger_intake(l, GW_TRACES, &in, 0);
    gw_ledger_intake(l, GW_TRACES, &in, 0); /* the words were for the first one */
    gw_thread_works_for("receiver=otlp");   /* whose clients nobody told of */
    gw_ledger_intake(l, GW_TRACES, &in, 0);
    gw_thread_works_for(before);
    assert_int_equal(gw_refusals_read(samples, GW_REASON_BAD_PAYLOAD, out), 3);
    assert_string_equal(out[2].text, "no array");
    assert_string_equal(out[2].client, "python 4.16.0");
    assert_string_equal(out[2].by, "receiver=ddtrace");
    assert_non_null(strstr(out[1].text, "not well-formed"));
    assert_string_equal(out[1].client, "python 4.16.0");
    assert_string_equal(out[0].by, "receiver=otlp");
    assert_string_equal(out[0].client, "");
    assert_int_equal(gw_refusals_read(samples, GW_REASON_BAD_SPAN, out), 3);
    assert_null(strstr(out[2].text, "no array"));
    end(l);
}

static void what_exporters_lose_is_there_too(void **state)
{
    struct gw_ledger *l = watched();
    struct gw_refusal out[GW_REFUSAL_SAMPLES];
    unsigned e = gw_ledger_exporter(l, "sls", 1u << GW_TRACES);
    gw_ledger_intake(l, GW_TRACES, &(struct gw_intake){.received = 9}, 1u << e);
    gw_ledger_move(l, e, GW_TRACES, GW_QUEUED, GW_IN_PROCESS, 0, 9);
    gw_refusals_words(GW_REFUSAL_REJECTED, "SignatureNotMatch");
    gw_ledger_move(l, e, GW_TRACES, GW_IN_PROCESS, GW_REJECTED, 0, 4);
    gw_ledger_move(l, e, GW_TRACES, GW_IN_PROCESS, GW_DROPPED, GW_REASON_EXPIRED, 5);
    assert_int_equal(gw_refusals_read(samples, GW_REFUSAL_REJECTED, out), 1);
    assert_string_equal(out[0].by, "exporter=sls");
    assert_string_equal(out[0].text, "SignatureNotMatch");
    assert_int_equal(out[0].items, 4);
    assert_int_equal(gw_refusals_read(samples, GW_REASON_EXPIRED, out), 1);
    assert_int_equal(out[0].items, 5);
    end(l);
}

/* They may concern every request: a sample each would cost more than it says. */
static void decisions_are_sampled(void **state)
{
    struct gw_ledger *l = watched();
    struct gw_refusal out[GW_REFUSAL_SAMPLES];
    for (int i = 0; i < 1000; i++) {
        struct gw_intake in = refused(GW_REASON_SAMPLED_OUT, 1);
        gw_ledger_intake(l, GW_TRACES, &in, 0);
    }
    assert_in_range(gw_refusals_read(samples, GW_REASON_SAMPLED_OUT, out), 1, 10);
    end(l);
}

static void labels_are_found(void **state)
{
    assert_int_equal(gw_refusal_kind(GW_STR("queue_full")), GW_REASON_QUEUE_FULL);
    assert_int_equal(gw_refusal_kind(GW_STR("rejected")), GW_REFUSAL_REJECTED);
    assert_int_equal(gw_refusal_kind(GW_STR("")), GW_REFUSAL_KINDS);
    assert_int_equal(gw_refusal_kind(GW_STR("queue")), GW_REFUSAL_KINDS);
}

static void long_texts_are_cut_between_characters(void **state)
{
    struct gw_ledger *l = watched();
    struct gw_refusal out[GW_REFUSAL_SAMPLES];
    char words[1024];
    for (size_t i = 0; i + 2 < sizeof words; i += 2)
        memcpy(words + i, "é", 3);
    struct gw_intake in = refused(GW_REASON_QUEUE_FULL, 1);
    const char *before = gw_thread_works_for("receiver=x");
    gw_refusals_client(gw_str_z(words), gw_str_z(words));
    gw_refusals_words(GW_REASON_QUEUE_FULL, words);
    gw_ledger_intake(l, GW_TRACES, &in, 0);
    gw_thread_works_for(before);
    gw_refusals_read(samples, GW_REASON_QUEUE_FULL, out);
    assert_true(gw_utf8_valid(gw_str_z(out[0].text)) && strlen(out[0].text) > 150);
    assert_true(gw_utf8_valid(gw_str_z(out[0].client)) && strlen(out[0].client) > 40);
    end(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_come_first_and_twenty_stay),
        cmocka_unit_test(what_is_taken_leaves_no_sample),
        cmocka_unit_test(clients_and_words_are_of_their_request),
        cmocka_unit_test(what_exporters_lose_is_there_too),
        cmocka_unit_test(decisions_are_sampled),
        cmocka_unit_test(labels_are_found),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
