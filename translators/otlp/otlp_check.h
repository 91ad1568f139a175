/* otlp_check.h: checks that a body is an OTLP request and counts what is in it. One walk over the wire bytes;
 * nothing is decoded into objects, nothing is allocated, no byte is changed.
 *
 *     body ─ otlp_check ─▶ GW_OK             each message ends where its length says, each field has its type
 *                          GW_BAD_PROTOBUF   place and field; no part of the body can be used
 *              │
 *              ├─▶ counts: items, and items that cannot be passed on, by fault
 *              └─▶ finds:  the ids of each span, and attributes of resources that matter here
 *
 * A well-formed request may still contain something that a backend must refuse: a text that is not UTF-8, an
 * id of nine bytes, values that nest deeper than protobuf readers allow. A backend then refuses the whole
 * request, so one bad item would cost all others. Such a fault is therefore charged to the unit that contains
 * it (otlp_schema.h): an item, or a metric, a scope or a resource with everything in it. otlp_cut.h leaves
 * that unit out. Fields that the tables do not name (of later or earlier versions) are accepted.
 *
 * Threads: pure functions. Ownership: results are views of the caller's bytes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_CHECK_H
#define OTLP_CHECK_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "translators/otlp/otlp_schema.h"

/* Why a unit cannot be passed on. */
enum otlp_fault {
    OTLP_NO_FAULT,
    OTLP_BAD_TEXT,     /* not UTF-8 */
    OTLP_BAD_ID,       /* an id has the wrong length */
    OTLP_NO_TRACE_ID,  /* the id of a span is zero or missing */
    OTLP_NO_SPAN_ID,   /* the same */
    OTLP_TOO_DEEP,     /* messages nest deeper than OTLP_DEPTH */
    OTLP_MIXED_POINTS, /* a metric has two lists of points, and readers differ in which one they keep */
    OTLP_FAULTS
};
/* Returns a text such as "a text is not UTF-8". */
const char *otlp_fault_text(enum otlp_fault);

/* Levels below the request. Google's protobuf readers refuse deeper messages, so every backend accepts this
 * depth. Each nested value takes two or three levels. */
enum { OTLP_DEPTH = 100 };

/* Bits: what the attributes of resources tell about the sender. */
enum {
    OTLP_SAYS_DATADOG = 1, /* a Datadog SDK: telemetry.sdk.name, _dd.sdk.otlp_export, datadog.sdk.semantics */
    OTLP_SAYS_CREDENTIALS = 2, /* sls.otel.*: an application put the keys of its backend there */
};

/* Called after each valid span with its ids, 16 and 8 bytes, and the service.name of its resource. The name
 * is empty if the resource came after the span, which no known sender does. */
struct otlp_observer {
    void (*span)(void *ctx, const uint8_t *trace_id, const uint8_t *span_id, gw_str service);
    void *ctx;
};

struct otlp_contents {
    uint64_t items;                /* all items, refused ones included */
    uint64_t refused[OTLP_FAULTS]; /* refused items by fault */
    bool faulty;                   /* a unit must be left out, with or without items */
    unsigned says;                 /* OTLP_SAYS_… */
    enum otlp_fault first;         /* the first fault … */
    size_t first_at;               /* … and its offset in the body */
};
uint64_t otlp_refused(const struct otlp_contents *);

/* Before:  `request` is OTLP_TRACES_REQUEST, _LOGS_, _METRICS_ or _PROFILES_; body is any bytes of any
 *          length; the observer may be NULL.
 * Returns: GW_OK, and *out is filled: Σ refused ≤ items; `faulty` if Σ refused > 0. Or GW_BAD_PROTOBUF with
 *          err->pos ≤ body.len, and *out must not be used; the observer may have been called for some spans.
 * Cost:    time O(body.len), stack O(OTLP_DEPTH), no memory. */
enum gw_code otlp_check(enum otlp_message request, gw_str body, const struct otlp_observer *,
                        struct otlp_contents *out, struct gw_err *) GW_MUST_CHECK;

/* The same for one message within a body that otlp_check accepted; for callers that divide the body.
 * Before:  body is a message of kind m, `depth` levels below the request.
 * Returns: true if m itself can be passed on; faults of units in it are counted in `refused`. False if not;
 *          then all of its items are refused. */
bool otlp_check_unit(enum otlp_message m, gw_str body, unsigned depth, struct otlp_contents *out);

#endif
