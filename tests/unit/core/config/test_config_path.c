/* What messages show of an option that should name a file.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/config/config_path.h"

static void names_are_shown(void **state)
{
    static const char *const names[] = {
        "/etc/hostname", "/tmp/NO-such-file", "/run/secrets/token", "missing.pem", "/", "./x"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(gw_path_shown(gw_str_z(names[i])).text, names[i]);
}

static void what_may_be_a_secret_is_not(void **state)
{
    static const char *const secrets[] = {
        "s3cr3t-of-mine", "/+aGVsbG8gd29ybGQ=", "Bearer/abc",
        "a\nb.pem",       "http://u:p@h/x",     "-----BEGIN PRIVATE KEY-----\nMIIE\n"};
    (void)state;
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        assert_null(strstr(gw_path_shown(gw_str_z(secrets[i])).text, secrets[i]));
        assert_non_null(strstr(gw_path_shown(gw_str_z(secrets[i])).text, "the name of a file"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_shown),
        cmocka_unit_test(what_may_be_a_secret_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
