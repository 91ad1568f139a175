/* dd_result.h: the result of a translation: frames and counters.
 *
 * Ownership: the caller owns the references to the frames.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_RESULT_H
#define DD_RESULT_H

#include "core/delivery/frame.h"
#include "core/delivery/ledger.h"

/* Counters of irregularities that refused no span. */
struct dd_oddities {
    uint64_t malformed_tid, conflicting_tid, bad_links, bad_events, bad_struct, bad_tags, repaired_text;
    uint64_t bad_times;      /* starts, durations and events' times below zero or past 2^63 ns */
    uint64_t bad_tracestate; /* starts, durations and times of events below zero or past 2^63 ns */
    uint64_t empty_keys;     /* of spans and links; left out (dd_tracestate.h) */
};

/* What the payload's first resource says of its process; in the request's arena. All empty where no span went on. */
struct dd_process {
    gw_str service, env, host, language, language_version, tracer_version;
};

enum { DD_MAX_FRAMES = 256 };

struct dd_result {
    struct gw_frame *frames[DD_MAX_FRAMES]; /* of tags, and of attributes of links and events */
    size_t frames_n;
    struct gw_intake intake;
    struct dd_process process;
    struct dd_oddities odd;
    uint64_t chunks;
    uint64_t gateway_sampled; /* owned by the caller */
    uint64_t kept_errors;     /* chunks that the gateway's own sampling dropped (dd_decide.h) */
    /* chunks that were kept because of an error, whether a decision was against them or not */
    uint64_t planned;
};

#endif
