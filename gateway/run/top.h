/* top.h: `ddgate top`: the flow, the exporters and the clients of a running ddgate, on a terminal, again and again.
 *
 *     /api/flow, /api/fleet ─▶ top_read: struct top_page ─▶ top_draw: lines ─▶ the terminal's other screen
 *     every two seconds                                                     └▶ --once, or no terminal: standard output
 *
 * Keys: q leaves; r, n, l, h sort the clients by rate, name, last request and host; a blank asks at once. Everything
 * that comes from applications is made harmless (output_buffer.h). When the ddgate restarts, top goes on when it is
 * back. Whatever ends it, the terminal is as it was before.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TOP_H
#define GW_TOP_H

#include "gateway/run/configuration.h"

/* `argv` are the arguments behind the word top. Returns the exit code: 0 left, or --once was printed; 1 there is no
 * answer; 2 wrong arguments. */
int gw_top_command(int argc, char *const *argv, const struct gw_conf_environment *);

#endif
