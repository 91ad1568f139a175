/* dogstatsd_line.h: one line of the DogStatsD protocol, versions 1.0 to 1.3, read in place.
 *
 *     page.views:1:3|c|@0.5|#env:prod,service:web|c:ci-83f…|e:it-false,cn-app,pu-75a…|card:low|T1656581400
 *     _e{5,4}:title|text|d:1656581400|h:host|k:key|p:low|s:source|t:warning|#env:prod
 *     _sc|db.up|2|d:1656581400|h:host|#env:prod|m:no answer
 *
 * A datagram holds lines that end with LF. Sections behind the type come in any order; those that are not
 * known are passed over, as the agent does. Facts: comp/dogstatsd/server of the Datadog agent 7.70, and the
 * documentation of the protocol. Where both are silent: a number that is not finite is refused, for no
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

/* Why a line is refused: label values of ddgate_dogstatsd_refused_lines_total.
 *     id            label           what it means */
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
/* For people: "There is no `|` behind the value." */
const char *dsd_reason_text(enum dsd_reason);

/* Who sent it, and what it is about. */
struct dsd_origin {
    gw_str tags;        /* "k:v,k:v,k", without the '#'; several sections: the last one */
    gw_str container;   /* c: "ci-<container id>", "in-<inode>", or a bare container id */
    gw_str external;    /* e: "it-…,cn-<container>,pu-<pod uid>" */
    gw_str cardinality; /* card: none, low, orchestrator, high */
    int64_t time;       /* T, d: seconds since 1970; 0: none */
};

struct dsd_metric {
    gw_str name;
    enum dsd_type type;
    gw_str values; /* "1:3", as they stand; a set's value whole */
    double rate;   /* above 0, up to 1 */
};

enum dsd_alert { DSD_INFO, DSD_WARNING, DSD_ERROR, DSD_SUCCESS };

/* `\n` in title and text are two characters: dsd_unescape. */
struct dsd_event {
    gw_str title, text, host, aggregation_key, source;
    bool low_priority;
    enum dsd_alert alert;
};

struct dsd_check {
    gw_str name, host, message; /* message escaped: `\n`, `m\:` */
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

/* Cuts the next line that is not empty off *datagram, without its CR. */
bool dsd_next(gw_str *datagram, gw_str *line);
/* DSD_TAKEN, or why not. Values are not looked at: dsd_next_value does. */
enum dsd_reason dsd_read(gw_str line, struct dsd_line *);
/* Cuts the next value off *values; empty ones are passed over. False at the end; *good is false where it is
 * no finite number. */
bool dsd_next_value(gw_str *values, double *value, bool *good);
/* Writes text with `\n` as LF and, in messages of checks, `m\:` as `m:`; at most text.len bytes. */
size_t dsd_unescape(gw_str text, char *out);

#endif
