/* health.h: `ddgate health`: is the ddgate that runs here well? For containers that hold no other program which could ask.
 *
 *     admin.listen of FILE, else its default ─▶ GET /healthz ─▶ exit code 0, or 1 with the reason on standard error
 *
 * Of a configuration only admin.listen matters: mistakes elsewhere in it, or variables that are not set here, are those of the
 * process that runs. An address that means all of them is asked on loopback.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HEALTH_H
#define GW_HEALTH_H

#include "gateway/run/configuration.h"

/* `file` as of gw_conf_read. Waits 5 s for each address at most. */
bool gw_health(const char *file, const struct gw_conf_environment *) GW_MUST_CHECK;

#endif
