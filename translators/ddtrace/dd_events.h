/* dd_events.h: Span.events, out of the two places where tracers put them, and the exception among them.
 *
 *   native span_events   typed attributes (Go when /info says span_events, Python when told to)
 *   meta "events"        JSON text: [{"name": "n", "time_unix_nano": 1700000000000000001, "attributes": {"k": 1, "l": ["a"]}}]
 *
 * `events` is a name that users take too: the tag is used up only when the whole text is a non-empty array of
 * such objects. A time below zero or past 2^63 ns is replaced, and counted.
 *
 * An exception stands in the tags error.* and mostly in an event as well, and neither is whole: Python's event
 * lacks the stack, JavaScript's is called after the class. The event that the tags speak of is completed from
 * them; where there is no event, one can be made (dd_write_exception).
 *
 *     read ─▶ match: which event is meant? ─▶ write: as it was sent, or completed
 *
 * Pure; writes through otlp_write.h, and what it makes lives in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EVENTS_H
#define DD_EVENTS_H

#include "translators/ddtrace/dd_links.h"

/* What the tags error.* say; empty: nothing. */
struct dd_error {
    gw_str type, message, stack;
};

/* The events of a span. */
struct dd_events {
    struct dd_event_seen {
        const struct dd_event *native; /* NULL: it stands in the JSON */
        uint64_t time;
        gw_str name, attributes; /* attributes: JSON text */
    } * list;
    size_t n;
    bool has_exception;            /* one is an exception, whether or not the tags speak of it */
    size_t meant;                  /* the one that the tags speak of; n: none */
    struct dd_error missing;       /* what it lacks of them */
    bool renamed;                  /* it is called otherwise than "exception" */
    bool says_message, says_stack; /* completed, it says what the tags say */
};

/* The native events, then those that only `json` has (an event with the name and time of a native one is that
 * one). `json` is the tag's value, empty where there is none; `instead` stands for a time that cannot be. */
enum dd_tag_fate dd_events_read(struct dd_events *, struct gw_arena *, const struct dd_event *, size_t n,
                                gw_str json, uint64_t instead, struct dd_oddities *);
/* Finds the event that the tags speak of. */
void dd_events_match(struct dd_events *, struct gw_arena *, const struct dd_error *);
static inline bool dd_events_lack(const struct dd_events *e)
{
    return e->renamed || e->missing.type.len || e->missing.message.len || e->missing.stack.len;
}
/* Span.events (field 11). `completed`: the event that is meant is called "exception" and says all. */
void dd_events_write(struct otlp_buf *, struct gw_arena *, const struct dd_events *, bool completed,
                     struct dd_oddities *);

/* The event "exception" of the semantic conventions. Empty parts are left out. */
void dd_write_exception(struct otlp_buf *, uint64_t time_unix_nano, const struct dd_error *);

#endif
