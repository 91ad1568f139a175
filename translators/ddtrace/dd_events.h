/* dd_events.h: Span.events, out of the two places where tracers put them, and the exception event that we
 * make.
 *
 *   native span_events   typed attributes (Go when /info says span_events, Python when told to)
 *   meta "events"        JSON text: [{"name": "n", "time_unix_nano": 1700000000000000001, "attributes": {"k": 1, "l": ["a"]}}]
 *
 * `events` is a name that users take too: the tag is used up only when the whole text is a non-empty array of
 * such objects.
 *
 * Pure; writes through otlp_write.h and allocates nothing else but escaped text, in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EVENTS_H
#define DD_EVENTS_H

#include "translators/ddtrace/dd_links.h"

/* Span.events (field 11): the native ones, then those that only `json` has (an event with the name and time
 * of a native one is that one). `json` is the tag's value, empty where there is none. Sets *has_exception
 * when one was called "exception". */
enum dd_tag_fate dd_write_events(struct otlp_buf *, struct gw_arena *, const struct dd_event *, size_t n,
                                 gw_str json, bool *has_exception);

/* The event "exception" of the semantic conventions. Empty parts are left out. */
void dd_write_exception(struct otlp_buf *, uint64_t time_unix_nano, gw_str type, gw_str message,
                        gw_str stack);

#endif
