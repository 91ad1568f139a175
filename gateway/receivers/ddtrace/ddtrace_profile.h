/* ddtrace_profile.h: an upload of a profiler on its way from the request to where it goes (ddtrace_profiles.h).
 *
 * Ownership: the request's; it lives as long as that. Threads: the request's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROFILE_H
#define GW_DDTRACE_PROFILE_H

#include "core/base/clock.h"
#include "translators/otlp/otlp_write.h"
#include "translators/profiles/pprof.h"
#include "translators/profiles/profile_file.h"
#include "translators/profiles/profile_upload.h"

struct gw_frame;

/* A file of an upload, unpacked. */
struct ddtrace_profile_file {
    const struct profile_file *sent;
    enum profile_packing packing;
    gw_str plain; /* unpacked; of other attachments, as sent */
    struct otlp_buf buf;
    struct pprof_contents contents; /* of pprof */
};

/* An upload on its way. Lives as long as the request. */
struct ddtrace_profile {
    const struct profile_upload *upload;
    struct ddtrace_profile_file *files;
    size_t n;
    uint64_t items;           /* pprof and JFR files; 1 if there are only other attachments */
    gw_nsec arrived;          /* wall clock */
    struct gw_frame **frames; /* of option otlp */
    size_t frames_n;
};

#endif
