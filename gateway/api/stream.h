/* stream.h: traces or log records as they come, for one client: /api/traces?follow=1, /api/logs?follow=1.
 *
 *   ring ─▶ turn: at most STREAM_ENTRIES bytes of entries are read ─▶ at most about STREAM_TEXT bytes of text ─▶ client
 *              └ is asked for again when the client has taken the text, and there is more
 *
 * A trace is sent whole, and again when it has grown. The text is lines of JSON, or events of Server-Sent Events
 * whose id is the place to go on from (Last-Event-ID, or since=). Whoever reads more slowly than the ring turns
 * round misses entries, and is told how many: {"missed":12}, event `missed`. Memory holds one turn for each
 * client, whatever comes.
 *
 * Threads: one owner. Ownership: the process's struct gw_api outlives it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_API_STREAM_H
#define GW_API_STREAM_H

#include "gateway/api/api.h"

struct gw_api_stream;

/* True if the resource can be followed. */
bool gw_api_streams(const struct gw_api_route *);
/* `events`: Server-Sent Events instead of lines; `last`: the header Last-Event-ID, or none. NULL: an error is
 * written, and the call has its status. */
struct gw_api_stream *gw_api_stream_open(const struct gw_api *, const struct gw_api_route *,
                                         struct gw_api_call *, bool events, gw_str last, FILE *to);
void gw_api_stream_drop(struct gw_api_stream *);
/* There are entries that it has not read. */
bool gw_api_stream_has_news(const struct gw_api_stream *);
/* What to send now; drop it with gw_api_text_drop. Empty: nothing passes. *failed: the stream must end. */
struct gw_api_text gw_api_stream_turn(struct gw_api_stream *, bool *failed);
/* A few bytes without meaning, by which a client that has gone is noticed. */
gw_str gw_api_stream_beat(const struct gw_api_stream *);

#endif
