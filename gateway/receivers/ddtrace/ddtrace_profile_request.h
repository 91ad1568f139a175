/* ddtrace_profile_request.h: makes requests from an upload: unchanged, or in Pyroscope's format.
 *
 * Threads: pure functions.  Ownership: a request is one malloc'd block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROFILE_REQUEST_H
#define GW_DDTRACE_PROFILE_REQUEST_H

#include "gateway/http/http.h"
#include "gateway/receivers/ddtrace/ddtrace_profile.h"

enum { DDTRACE_PROFILE_URL = 2048, DDTRACE_PROFILE_HEADERS = 12 };

enum ddtrace_profile_form { DDTRACE_PROFILE_AS_SENT, DDTRACE_PROFILE_PYROSCOPE };

/* Where profiles go, read from the option once. */
struct ddtrace_profile_target {
    enum ddtrace_profile_form form;
    bool is_site;
    char base[512]; /* for ddtrace_proxy_for_sending */
    char url[DDTRACE_PROFILE_URL / 2];
};

struct ddtrace_profile_request {
    struct ddtrace_profile_request *next;
    uint64_t items;
    gw_nsec arrived, due; /* monotonic */
    unsigned tries;
    bool open;   /* on its way */
    size_t cost; /* bytes of memory */
    char url[DDTRACE_PROFILE_URL];
    const char *headers[DDTRACE_PROFILE_HEADERS]; /* NULL-terminated; in the block */
    gw_str body;                                  /* in the block */
    char block[];
};

/* GW_BAD_REQUEST with words. */
enum gw_code ddtrace_profile_target_read(struct ddtrace_profile_target *, gw_str text,
                                         struct gw_err *) GW_MUST_CHECK;
/* Makes a request with the unchanged upload. NULL: no memory. */
struct ddtrace_profile_request *ddtrace_profile_as_sent(const struct ddtrace_profile_target *, gw_str api_key,
                                                        const struct ddtrace_profile *,
                                                        const struct gw_http_request *,
                                                        const char *container);
/* One file of it for Pyroscope. NULL: no memory. */
struct ddtrace_profile_request *ddtrace_profile_pyroscope(const struct ddtrace_profile_target *,
                                                          gw_str api_key, const struct ddtrace_profile *,
                                                          const struct ddtrace_profile_file *);

#endif
