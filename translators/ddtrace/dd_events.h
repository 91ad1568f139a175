/* dd_events.h: writes Span.events from the two places where tracers put events, and finds the exception among
 * them.
 *
 *   native span_events   typed attributes (Go if /info lists span_events, Python if configured)
 *   meta "events"        JSON text: [{"name": "n", "time_unix_nano": 1700000000000000001, "attributes": {"k": 1, "l": ["a"]}}]
 *
 * Users may have a tag `events` of their own: it is converted only if the whole text is a non-empty array of
 * such objects. A time below zero or past 2^63 ns is replaced and counted.
 *
 * An exception is in the tags error.*, and usually in an event too. Neither is complete: Python's event has
 * no stack, and JavaScript's is named after the class. The event that the tags describe is completed from
 * them. If there is none, one can be made (dd_write_exception).
 *
 *     read ─▶ match: which event do the tags describe? ─▶ write: unchanged, or completed
 *
 * Threads: pure functions. Output goes through otlp_write.h; new texts are in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EVENTS_H
#define DD_EVENTS_H

#include "translators/ddtrace/dd_links.h"

/* The contents of the tags error.*; empty: missing. */
struct dd_error {
    gw_str type, message, stack;
};

/* The events of a span. */
struct dd_events {
    struct dd_event_seen {
        const struct dd_event *native; /* NULL: it is in the JSON */
        uint64_t time;
        gw_str name, attributes; /* attributes: JSON text */
    } * list;
    size_t n;
    bool has_exception;            /* one event is an exception, whether the tags describe it or not */
    size_t meant;                  /* index of the event that the tags describe; n: none */
    struct dd_error missing;       /* the parts of the tags that it lacks */
    bool renamed;                  /* its name is not "exception" */
    bool says_message, says_stack; /* the completed event contains the tags' message / stack */
};

/* Collects the native events, then those that only `json` has (an event with the name and time of a native
 * one is the same event). `json` is the tag's value, empty if there is none; `instead` replaces an impossible
 * time. */
enum dd_tag_fate dd_events_read(struct dd_events *, struct gw_arena *, const struct dd_event *, size_t n,
                                gw_str json, uint64_t instead, struct dd_oddities *);
/* Finds the event that the tags describe. */
void dd_events_match(struct dd_events *, struct gw_arena *, const struct dd_error *);
static inline bool dd_events_lack(const struct dd_events *e)
{
    return e->renamed || e->missing.type.len || e->missing.message.len || e->missing.stack.len;
}
/* Writes Span.events (field 11). `completed`: the matched event is named "exception" and gets the missing
 * parts. */
void dd_events_write(struct otlp_buf *, struct gw_arena *, const struct dd_events *, bool completed,
                     struct dd_oddities *);

/* Writes the event "exception" of the semantic conventions. Empty parts are left out. */
void dd_write_exception(struct otlp_buf *, uint64_t time_unix_nano, const struct dd_error *);

#endif
