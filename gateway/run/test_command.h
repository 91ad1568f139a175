/* test_command.h: the command `ddgate test DIR`: users' tests of mappings and scripts, for their CI.
 *
 *     DIR: NAME.request.* | NAME.lines (+ NAME.p)  ─▶ test_case.h ─▶ compared with NAME.expected.json
 *
 *     ok    orders
 *     FAIL  nginx: 2 lines differ from nginx.expected.json
 *     1 passed, 1 failed
 *
 * Exit codes: 0 all passed, or with --update all were written; 1 one failed; 2 wrong arguments, or DIR has no case.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TEST_COMMAND_H
#define GW_TEST_COMMAND_H

#include "gateway/run/configuration.h"

/* argv begins behind the word test. Returns the exit code. */
int gw_test_command(int argc, char *const *argv, const struct gw_conf_environment *);

#endif
