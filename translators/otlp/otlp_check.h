/* otlp_check.h: is this an OTLP request, and what is in it? One walk over wire bytes; nothing is decoded into
 * objects, nothing is allocated, no byte is changed.
 *
 *     body ─ otlp_check ─▶ GW_OK             every message ends where its length says, every field has its wire type
 *                          GW_BAD_PROTOBUF   place and field: nothing of the body can be used
 *              │
 *              ├─▶ counts: items, and those that cannot go on, by fault
 *              └─▶ sees:   each span's ids, what a resource says that matters on the way
 *
 * A request that is well-formed may still hold what a backend must refuse, and then refuses whole, neighbours
 * included: a text that is not UTF-8, an id of nine bytes, values that nest deeper than readers of protobuf
 * go. Such a fault costs the unit that it stands in (otlp_schema.h), an item, a metric, a scope or a resource
 * with all that they hold, and nothing beside it; otlp_cut.h leaves it out. Fields that the tables do not
 * name, of later or of older versions, pass.
 *
 * Threads: pure functions.  Ownership: views of the caller's bytes, good as long as those.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_CHECK_H
#define OTLP_CHECK_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "translators/otlp/otlp_schema.h"

/* Why a unit cannot go on. */
enum otlp_fault {
    OTLP_NO_FAULT,
    OTLP_BAD_TEXT,    /* not UTF-8 */
    OTLP_BAD_ID,      /* of another length than ids have */
    OTLP_NO_TRACE_ID, /* a span's is zero or absent */
    OTLP_NO_SPAN_ID,  /* likewise */
    OTLP_TOO_DEEP,    /* messages nest deeper than OTLP_DEPTH */
    OTLP_MIXED_POINTS, /* a metric has points twice, of two kinds or of one: readers differ in what they keep */
    OTLP_FAULTS
};
/* "a text is not UTF-8" */
const char *otlp_fault_text(enum otlp_fault);

/* Below the request. Readers made by Google's protobuf refuse a request that goes deeper, so this is what
 * every backend takes; a value in a value costs two or three. */
enum { OTLP_DEPTH = 100 };

/* What resources say that matters on the way: bits. */
enum {
    OTLP_SAYS_DATADOG = 1, /* a Datadog SDK: telemetry.sdk.name, _dd.sdk.otlp_export, datadog.sdk.semantics */
    OTLP_SAYS_CREDENTIALS = 2, /* sls.otel.*: an application put its backend's keys there */
};

/* Told of each span as it ends, if all is well with it: 16 and 8 bytes, and its resource's service.name if that
 * stood in front of it, as it does. */
struct otlp_observer {
    void (*span)(void *ctx, const uint8_t *trace_id, const uint8_t *span_id, gw_str service);
    void *ctx;
};

struct otlp_contents {
    uint64_t items;                /* all, refused ones included */
    uint64_t refused[OTLP_FAULTS]; /* items, by what costs them */
    bool faulty;                   /* some unit cannot go on, be there items in it or not */
    unsigned says;                 /* OTLP_SAYS_… */
    enum otlp_fault first;         /* the first fault … */
    size_t first_at;               /* … and its offset in the body */
};
uint64_t otlp_refused(const struct otlp_contents *);

/* Before:  `request` is OTLP_TRACES_REQUEST, _LOGS_, _METRICS_ or _PROFILES_; body is any bytes, of any length, empty too;
 *          the observer may be NULL.
 * After:   GW_OK, and *out is filled: Σ refused ≤ items; `faulty` where Σ refused > 0. Or GW_BAD_PROTOBUF with
 *          err->pos ≤ body.len, and *out is not to be used; the observer may have been told of spans.
 * Cost:    time O(body.len), stack O(OTLP_DEPTH), no memory. */
enum gw_code otlp_check(enum otlp_message request, gw_str body, const struct otlp_observer *,
                        struct otlp_contents *out, struct gw_err *) GW_MUST_CHECK;

/* The same of one message within a body that otlp_check took, for who divides it.
 * Before:  body is that of a message of kind m in such a body, which is `depth` messages below the request.
 * After:   true when m itself can go on: then faults of its units are in `refused`; false: all of its items are. */
bool otlp_check_unit(enum otlp_message m, gw_str body, unsigned depth, struct otlp_contents *out);

#endif
