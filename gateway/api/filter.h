/* filter.h: the language by which people choose traces and logs.
 *
 *     service:web status:error min:200ms http.route="/a b" -health        all of these words must hold
 *
 *     service: name: host: source:   equals, in any case; * at an end stands for anything
 *     status:error|ok|unset          kind:server|client|producer|consumer|internal
 *     min:200ms max:1s               of the whole trace: ns, us, ms, s, m
 *     trace:HEX                      the id, 32 digits or its last 16
 *     severity:warn                  this level or worse: trace, debug, info, warn, error, fatal
 *     key=value                      an attribute, of the item or its resource; * as above
 *     text                           anywhere in names, services and bodies, in any case
 *     -word                          must not hold; "two words" in quotes are one
 *
 * A word is about one span or record. It holds for a trace if it holds for any of its spans; so a trace that
 * has a slow span and a failed one passes `status:error kind:client` even where these are two. min, max and
 * trace are about the whole trace.
 *
 * A filter is bounded: GW_FILTER_BYTES of text, GW_FILTER_WORDS words.
 *
 * Threads: const once it is read. Ownership: plain memory of the caller.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILTER_H
#define GW_FILTER_H

#include "core/base/err.h"
#include "core/base/protobuf_wire.h"

enum { GW_FILTER_WORDS = 16, GW_FILTER_BYTES = 1024 };

enum gw_filter_kind {
    GW_FILTER_SERVICE,
    GW_FILTER_NAME,
    GW_FILTER_HOST,
    GW_FILTER_SOURCE,
    GW_FILTER_STATUS,
    GW_FILTER_SPAN_KIND,
    GW_FILTER_MIN,
    GW_FILTER_MAX,
    GW_FILTER_TRACE,
    GW_FILTER_SEVERITY,
    GW_FILTER_ATTRIBUTE,
    GW_FILTER_TEXT
};

struct gw_filter_word {
    enum gw_filter_kind kind;
    bool negated;
    gw_str key, text; /* in the filter's bytes */
    uint64_t number;  /* of a duration, level, kind, status; of a trace id its lower half … */
    uint64_t high;    /* … and its upper one, 0: any */
};

struct gw_filter {
    struct gw_filter_word words[GW_FILTER_WORDS];
    size_t n;
    char bytes[GW_FILTER_BYTES];
};

/* GW_BAD_REQUEST with what is wrong and how to write it. */
enum gw_code gw_filter_read(struct gw_filter *, gw_str text, struct gw_err *) GW_MUST_CHECK;

void gw_filter_copy(struct gw_filter *to, const struct gw_filter *from);

/* One span or log record, as far as words ask. */
struct gw_filter_item {
    gw_str service, name, body, source;
    unsigned kind, status;           /* as OTLP numbers them */
    unsigned severity;               /* SeverityNumber */
    uint64_t high, low;              /* of its trace id */
    struct wire_view item, resource; /* messages with attributes … */
    unsigned item_field;             /* … in this field; those of a Resource are in 1 */
};

/* A bit for each word that the item meets; negated words as if they were not. */
uint32_t gw_filter_meets(const struct gw_filter *, const struct gw_filter_item *);
/* A trace of which `met` was collected of its spans. */
bool gw_filter_passes_trace(const struct gw_filter *, uint32_t met, uint64_t high, uint64_t low,
                            uint64_t duration);
bool gw_filter_passes(const struct gw_filter *, const struct gw_filter_item *);

/* The text of an AnyValue that is a scalar, in `room` if it is no text; without ptr: it is something else. */
enum { GW_FILTER_SCALAR = 40 };
gw_str gw_filter_scalar(struct wire_view any, char room[static GW_FILTER_SCALAR]);
/* An attribute's value, as such text; attributes are elements of `field`. */
gw_str gw_filter_attribute(struct wire_view message, unsigned field, gw_str key,
                           char room[static GW_FILTER_SCALAR]);

#endif
