/* pprof_otlp.h: a file of a profiler's upload becomes an ExportProfilesServiceRequest of OTLP's v1development.
 *
 *     upload's tags ─▶ resource                        pprof sample type ─▶ a Profile, of the samples that are not 0 in it
 *     pprof ─▶ dictionary: texts, mappings, functions, locations, stacks and attributes, each once; number 0 of a table is "none"
 *     JFR ─▶ a Profile with original_payload           nobody but its own readers knows what is in it
 *
 * Labels become attributes of their sample: "thread id" and "thread name" are thread.id and thread.name,
 * "span id" and "local root span id" are span_id and local_root_span_id, in OTLP's hexadecimal (pprof has no
 * trace id, so there is no Link); "end_timestamp_ns" is the sample's time; all others keep their names. Tags
 * that describe the process become resource attributes; those of one upload (profile_seq, snapshot)
 * attributes of the Profile.
 *
 * The request is written field by field; a place that points nowhere (an id that no location has) becomes 0. Memory and time are
 * O(raw.len): scratch in the arena, the request in the buffer, to the account of each.
 *
 * Threads: pure functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_PPROF_OTLP_H
#define PROFILES_PPROF_OTLP_H

#include "core/base/arena.h"
#include "translators/otlp/otlp_write.h"
#include "translators/profiles/pprof.h"
#include "translators/profiles/profile_upload.h"

struct profile_otlp {
    const struct profile_upload *upload;
    gw_str host_name;   /* where its tags name none; may be empty */
    gw_str file;        /* the file's name */
    int64_t arrived;    /* ns since 1970, used if neither the file nor the upload has a time */
    uint64_t random[2]; /* for profile_id and hashes */
};

/* Before:  pprof_check took `raw` and said what is in it; the buffer is empty.
 * After:   GW_OK; GW_BUDGET: there is no memory in the arena, or the buffer failed. */
enum gw_code profile_pprof_to_otlp(const struct profile_otlp *, gw_str raw, const struct pprof_contents *,
                                   struct gw_arena *, struct otlp_buf *, struct gw_err *) GW_MUST_CHECK;
/* Passes on a whole file in its own format. */
enum gw_code profile_payload_to_otlp(const struct profile_otlp *, gw_str format, gw_str raw,
                                     struct otlp_buf *, struct gw_err *) GW_MUST_CHECK;

#endif
