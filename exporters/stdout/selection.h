/* selection.h: which traces and log records are printed, by the options only.… and fold.
 *
 *     trace ─▶ a part of it was printed? ─▶ only.errors, only.services, only.min_duration ─▶ fold ─▶ printed
 *                     └─▶ printed               └─▶ left out, counted             └─▶ counted (repeats.h)
 *
 * All rules that are set must hold. A trace has an error when one of its spans has, or one of the log records that
 * wait for it is an ERROR or worse; it is of a service when one of its spans is. What was decided is remembered for
 * a while (trace_buffer.h): further parts of a printed trace are printed, whatever they are like, and so are its
 * logs. A log record alone is printed when it is an ERROR, of one of the services, and not of a trace that was too
 * short. A trace with a log record of WARN or worse is not folded.
 *
 * What is left out is counted and printed as a line, at most every SELECTION_PERIOD, so that no one takes silence
 * for peace:
 *
 *     hidden: 1,204 traces without errors, 310 log records
 *
 * Threads: one owner. It is plain memory: a copy of the struct is a state to come back to.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SELECTION_H
#define GW_SELECTION_H

#include "core/config/option.h"
#include "exporters/stdout/repeats.h"
#include "exporters/stdout/trace_buffer.h"

static const gw_nsec SELECTION_PERIOD = 10 * GW_SEC;

struct selection_rules {
    bool errors;
    struct gw_list services; /* none: all */
    gw_nsec min_duration;
};

/* Why a trace is left out: the first rule that does not hold. */
enum selection_cause {
    SELECTION_NO_ERROR,
    SELECTION_OTHER_SERVICE,
    SELECTION_TOO_SHORT,
    SELECTION_CAUSES,
    SELECTION_TAKEN = SELECTION_CAUSES
};

struct selection {
    struct selection_rules rules; /* the list is the configuration's */
    struct repeats repeats;
    uint64_t left_out_spans; /* the owner may set it back */
    /* since the last line; the first of them came at `since` */
    uint64_t traces[SELECTION_CAUSES], logs;
    gw_nsec since;
};

void selection_init(struct selection *, const struct selection_rules *, gw_nsec fold, uint64_t seed);
/* Decides about a trace, and remembers it. Of its logs, those that are left out with it are marked so, and those that are
 * folded with it as shown. False: it is not printed. */
bool selection_takes_trace(struct selection *, struct trace_buffer *, const struct pretty_trace *,
                           struct pretty_log *, size_t n, gw_nsec now);
/* Keeps the records that are printed, in the order of time; returns their number. */
size_t selection_sift_logs(struct selection *, const struct trace_buffer *, struct pretty_log *, size_t n,
                           gw_nsec now);
/* Prints what is due (`all`: everything that was not told yet). */
void selection_put(struct selection *, struct out *, const struct pretty *, gw_nsec now, bool all);
/* When something is due; GW_NEVER: nothing. */
gw_nsec selection_next(const struct selection *);

#endif
