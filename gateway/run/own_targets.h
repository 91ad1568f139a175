/* own_targets.h: finds out whether an exporter of the configuration sends to a port of this machine. A
 * receiver on that port would receive the data that ddgate sends, without end.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OWN_TARGETS_H
#define GW_OWN_TARGETS_H

#include "gateway/run/configuration.h"

/* By options whose names end in "endpoint": http://localhost:4317, https://[::1]:4318/v1/traces. `conf` is a struct
 * gw_conf: gw_host.sends_to. */
bool gw_conf_sends_to(const void *conf, int port);
/* Whether one is to get this signal, by its option signals: gw_host.takes. */
bool gw_conf_takes(const void *conf, unsigned signal);

#endif
