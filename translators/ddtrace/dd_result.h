/* dd_result.h: what a translation hands back: frames, and counters.
 *
 * Ownership: the frames are the caller's references.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_RESULT_H
#define DD_RESULT_H

#include "core/delivery/frame.h"
#include "core/delivery/ledger.h"

/* What was odd but cost nothing: for counters. */
struct dd_oddities {
    uint64_t malformed_tid, conflicting_tid, bad_links, bad_events, bad_struct, bad_tags, repaired_text;
    uint64_t bad_times;      /* starts, durations and events' times below zero or past 2^63 ns */
    uint64_t bad_tracestate; /* of spans and links: left out (dd_tracestate.h) */
    uint64_t empty_keys;     /* of tags, and of attributes of links and events */
};

enum { DD_MAX_FRAMES = 256 };

struct dd_result {
    struct gw_frame *frames[DD_MAX_FRAMES]; /* the caller's references */
    size_t frames_n;
    struct gw_intake intake;
    struct dd_oddities odd;
    uint64_t chunks;
    uint64_t gateway_sampled; /* chunks that the rates here decided against (dd_decide.h) */
    uint64_t kept_errors;     /* chunks that were kept for an error, against a decision or not */
    uint64_t planned;         /* spans that were translated by a plan (dd_plan.h) */
};

#endif
