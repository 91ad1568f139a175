/* ddtrace_target.h: where a request goes that is forwarded (ddtrace_proxy.h).
 *
 * Threads: pure functions; const after open.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_TARGET_H
#define GW_DDTRACE_TARGET_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "gateway/receivers/ddtrace/ddtrace_untranslated.h"

enum { DDTRACE_URL = 4096 };

struct ddtrace_upstream {
    char base[512];   /* of an agent: "http://host:8126", without a slash at the end */
    char socket[108]; /* … its Unix socket; empty: none */
    char site[256];   /* of an intake: "datadoghq.eu"; empty: it is an agent */
};

/* Reads the option; GW_BAD_REQUEST with words. */
enum gw_code ddtrace_upstream_read(struct ddtrace_upstream *, gw_str text, struct gw_err *) GW_MUST_CHECK;
bool ddtrace_upstream_takes(const struct ddtrace_upstream *, enum ddtrace_quiet_row);
/* DD-EVP-ORIGIN of the row's requests to an intake; NULL: none. */
const char *ddtrace_upstream_origin(const struct ddtrace_upstream *, enum ddtrace_quiet_row);
/* The URL for what came to path?query; `subdomain` is X-Datadog-EVP-Subdomain. GW_BAD_REQUEST with words. */
enum gw_code ddtrace_upstream_url(const struct ddtrace_upstream *, enum ddtrace_quiet_row, gw_str path,
                                  gw_str query, gw_str subdomain, char out[DDTRACE_URL],
                                  struct gw_err *) GW_MUST_CHECK;

#endif
