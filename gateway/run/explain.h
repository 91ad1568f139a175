/* explain.h: the command `ddgate explain FILE`: what became of the spans of a recorded request, and why.
 *
 *     FILE ─▶ recorded_request.h ─▶ dd_explain.h ─▶ received → sent, every row of the mapping named
 *
 * Exit codes: 0 all spans were translated; 1 something was refused or not understood, which is printed with
 * place and remedy; 2 wrong arguments or configuration. Uses no network.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_EXPLAIN_H
#define GW_EXPLAIN_H

#include "gateway/run/configuration.h"

/* argv begins behind the word explain. Returns the exit code. */
int gw_explain_command(int argc, char *const *argv, const struct gw_conf_environment *);

#endif
