/* Diagnostics of the configuration: the path of an option, and where in the file it is found.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/config/config_diagnostic.h"

static void option_path(void **state)
{
    char out[GW_OPTION_PATH], name[2 * GW_OPTION_PATH];
    (void)state;
    gw_option_path(out, "exporters[0]", "tls.ca");
    assert_string_equal(out, "exporters[0].tls.ca");
    gw_option_path(out, "", "listen");
    assert_string_equal(out, "listen");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    gw_option_path(out, "exporters[0]", name);
    assert_int_equal(strlen(out), sizeof out - 1);
    assert_memory_equal(out, "exporters[0].xxx", 16);
}

/* Printed at the place of the option, in the order of the file. */
static void at_an_option(void **state)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    struct gw_diagnostics *p = gw_diagnostics_new();
    (void)state;
    gw_diagnostics_location(p, "exporters[0]", "gw.conf", 3);
    gw_diagnostics_location(p, "exporters[0].tls.ca", "gw.conf", 4);
    gw_option_error(p, "exporters[0]", "tls.ca", "%s cannot be read", "/x");
    gw_option_warning(p, "exporters[0]", "timeout", "is %d s", 0);
    gw_option_warning(p, "exporters[0]", "tls.ca", "follows from the mistake, and is left out");
    assert_int_equal(gw_diagnostics_errors(p), 1);
    gw_diagnostics_print(p, to);
    fclose(to);
    assert_string_equal(text, "gw.conf:3: exporters[0].timeout: warning: is 0 s\ngw.conf:4: "
                              "exporters[0].tls.ca: /x cannot be read\n");
    free(text);
    gw_diagnostics_drop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_path),
        cmocka_unit_test(at_an_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
