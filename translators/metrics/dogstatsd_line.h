/* dogstatsd_line.h: reads one line of the DogStatsD protocol, versions 1.0 to 1.3, in place.
 *
 *     page.views:1:3|c|@0.5|#env:prod,service:web|c:ci-83f…|e:it-false,cn-app,pu-75a…|card:low|T1656581400
 *     _e{5,4}:title|text|d:1656581400|h:host|k:key|p:low|s:source|t:warning|#env:prod
 *     _sc|db.up|2|d:1656581400|h:host|#env:prod|m:no answer
 *
 * A datagram holds lines that end with LF. The sections after the type may come in any order; unknown
 * sections are ignored, as the agent does. Facts: comp/dogstatsd/server of the Datadog agent 7.70, and the
 * documentation of the protocol. One rule is ddgate's own: a number that is not finite is refused, because no
 * backend can add it up.
 *
 * Ownership: every gw_str is a view of the line. Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DOGSTATSD_LINE_H
#define DOGSTATSD_LINE_H

#include "core/base/str.h"

enum dsd_kind { DSD_METRIC, DSD_EVENT, DSD_SERVICE_CHECK };

enum dsd_type { DSD_COUNT, DSD_GAUGE, DSD_HISTOGRAM, DSD_DISTRIBUTION, DSD_TIMING, DSD_SET };

/* Reasons why a line is refused: label values of ddgate_dogstatsd_refused_lines_total.
 *     id            label           text for people */
#define DSD_REASONS(X)                                                                                       \
    X(NO_TYPE, "no_type", "There is no `|` behind the value.")                                               \
    X(NO_NAME, "no_name", "The name is empty, or there is no `:` behind it.")                                \
    X(BAD_VALUE, "bad_value", "A value is no finite number, or there is none.")                              \
    X(BAD_TYPE, "bad_type", "The type is not one of c, g, h, d, ms and s.")                                  \
    X(BAD_RATE, "bad_rate", "The sample rate is no number from 1e-12 to 1.")                                 \
    X(BAD_TIME, "bad_time", "The timestamp is no whole number of seconds above 0.")                          \
    X(CUT, "cut", "The line is longer than a datagram may be (64 KiB), or its connection ended within it.")  \
    X(BAD_EVENT, "bad_event", "The header of an event is not `_e{N,M}:`, or the lengths do not fit.")        \
    X(BAD_CHECK, "bad_service_check", "A service check has no name, or a status other than 0, 1, 2 and 3.")

enum dsd_reason {
#define DSD_REASON_ID(id, label, text) DSD_##id,
    DSD_REASONS(DSD_REASON_ID)
#undef DSD_REASON_ID
        DSD_REASON_N,
    DSD_TAKEN = DSD_REASON_N
};
const char *dsd_reason_label(enum dsd_reason);
/* Returns the text for people, such as "There is no `|` behind the value." */
const char *dsd_reason_text(enum dsd_reason);

/* The sender of a line, and the tags that the line carries. */
struct dsd_origin {
    gw_str tags;        /* "k:v,k:v,k", without the '#'; if there are several such sections, the last one */
    gw_str container;   /* c: "ci-<container id>", "in-<inode>", or a bare container id */
    gw_str external;    /* e: "it-…,cn-<container>,pu-<pod uid>" */
    gw_str cardinality; /* card: none, low, orchestrator, high */
    int64_t time;       /* T, d: seconds since 1970; 0: none */
};

struct dsd_metric {
    gw_str name;
    enum dsd_type type;
    gw_str values; /* "1:3", unsplit; for a set the whole text */
    double rate;   /* above 0, at most 1 */
};

enum dsd_alert { DSD_INFO, DSD_WARNING, DSD_ERROR, DSD_SUCCESS };

/* In title and text, `\n` is still two characters; dsd_unescape replaces it. */
struct dsd_event {
    gw_str title, text, host, aggregation_key, source;
    bool low_priority;
    enum dsd_alert alert;
};

struct dsd_check {
    gw_str name, host, message; /* message: still escaped (`\n`, `m\:`) */
    unsigned status;            /* 0 ok, 1 warning, 2 critical, 3 unknown */
};

struct dsd_line {
    enum dsd_kind kind;
    struct dsd_origin origin;
    union {
        struct dsd_metric metric;
        struct dsd_event event;
        struct dsd_check check;
    };
};

/* Splits the next non-empty line off *datagram and removes its CR. Returns false at the end. */
bool dsd_next(gw_str *datagram, gw_str *line);
/* Returns DSD_TAKEN, or the reason why the line is refused. Values are not checked here but by
 * dsd_next_value. */
enum dsd_reason dsd_read(gw_str line, struct dsd_line *);
/* Splits the next value off *values and skips empty ones. Returns false at the end. Sets *good to false if
 * the value is not a finite number. */
bool dsd_next_value(gw_str *values, double *value, bool *good);
/* Writes text with `\n` replaced by LF and, as messages of checks need it, `m\:` by `m:`. Returns the length,
 * at most text.len bytes. */
size_t dsd_unescape(gw_str text, char *out);

#endif
