/* What a handler writes: bounded, paid for, and without secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/scrub.h"
#include "gateway/api/sink.h"

static void scrubs(const char *text, const char *want)
{
    struct gw_api_text t = {.ptr = strdup(text), .len = strlen(text)};
    gw_api_scrub(&t);
    if (t.len != strlen(want) || memcmp(t.ptr, want, t.len) != 0)
        fail_msg("%.*s, not %s", (int)t.len, t.ptr, want);
    free(t.ptr);
}

static void secrets_are_hidden_in_texts_and_numbers_stay(void **state)
{
    gw_secret_add(GW_STR("12345678"));
    gw_secret_add(GW_STR("s3cr3t-value"));
    scrubs("{\"a\":12345678,\"b\":\"12345678\"}", "{\"a\":12345678,\"b\":\"***\"}");
    scrubs("{\"x\\\"s3cr3t-value\":[\"\\\\\",\"s3cr3t-value s3cr3t-value\",-1.5]}\n",
           "{\"x\\\"***\":[\"\\\\\",\"*** ***\",-1.5]}\n");
    scrubs("id: 12345678\nevent: log\ndata: {\"a\":\"\",\"b\":\"http://u:p@h\"}\n\n",
           "id: 12345678\nevent: log\ndata: {\"a\":\"\",\"b\":\"http://***@h\"}\n\n");
    scrubs("\"unended s3cr3t-value", "\"unended ***");
    scrubs("\"", "\"");
    scrubs("", "");
    gw_secrets_forget();
}

static void memory_is_paid_for_and_bounded(void **state)
{
    struct gw_budget budget = {.limit = 100 * 1024};
    struct gw_api_sink s;
    FILE *to = gw_api_sink_open(&s, &budget);
    for (int i = 0; i < 60 * 1024; i++)
        putc('x', to);
    fclose(to);
    assert_int_equal(s.text.len, 60 * 1024);
    assert_int_equal(atomic_load(&budget.used), s.text.charged);
    free(s.text.ptr);
    gw_budget_give(&budget, s.text.charged);
    to = gw_api_sink_open(&s, &budget);
    for (int i = 0; i < 200 * 1024; i++)
        putc('x', to);
    assert_true(ferror(to));
    fclose(to);
    assert_true(s.no_memory && !s.is_large);
    free(s.text.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_hidden_in_texts_and_numbers_stay),
        cmocka_unit_test(memory_is_paid_for_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
