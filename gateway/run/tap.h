/* tap.h: `ddgate tap`: shows what passes through a running ddgate, from its API (docs/operations.md).
 *
 *     /api/traces?follow=1, /api/logs?follow=1 ─▶ a line for each trace and record, on standard output
 *                                              └▶ --tree: /api/traces/ID ─▶ the tree, as the exporter stdout prints it
 *
 * Everything that comes from applications is made harmless for a terminal. When ddgate restarts, tap asks again until
 * it answers. It ends when the reader of its output leaves, and on Ctrl-C.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TAP_H
#define GW_TAP_H

#include "gateway/run/configuration.h"

/* `argv` are the arguments behind the word tap. Returns the exit code: 0 --help, 1 no answer or an error, 2 wrong
 * arguments. */
int gw_tap_command(int argc, char *const *argv, const struct gw_conf_environment *);

#endif
