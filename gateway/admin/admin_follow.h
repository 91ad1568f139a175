/* admin_follow.h: streams of the API over the admin listener's connections.
 *
 *   libmicrohttpd asks for bytes ─▶ a turn of the stream (stream.h) ─▶ bytes
 *                                   └ nothing new: the connection is suspended
 *   ticker, every FOLLOW_TICK while somebody follows ─▶ resumes connections whose stream has news, or is due a beat
 *
 * A client that does not read is closed by the listener's timeout; one that has gone is noticed by a beat. At
 * most FOLLOWERS at a time; the next one gets 503. The ticker also gives the ring of recent data back a minute
 * after the last look (recent.h).
 *
 * Threads: the ticker is a thread of the admin listener; the rest on the daemons' threads.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADMIN_FOLLOW_H
#define GW_ADMIN_FOLLOW_H

#include <microhttpd.h>
#include <stdbool.h>

struct gw_api;
struct gw_api_stream;
struct gw_followers;

/* NULL: no memory. */
struct gw_followers *gw_followers_new(const struct gw_api *);
/* False: there is no thread. */
bool gw_followers_start(struct gw_followers *);
/* Somebody has looked at recent data: from now on the ticker sees to its end. */
void gw_followers_looked(struct gw_followers *);
/* Streams end with what they have sent, and no new one begins. */
void gw_followers_end(struct gw_followers *);
/* Ended, and the ticker has gone; clients have had a second to see the end. The daemons may be stopped after it. */
void gw_followers_stop(struct gw_followers *);
/* When no daemon runs any more. NULL is legal. */
void gw_followers_drop(struct gw_followers *);

/* A response that streams; takes the stream over. NULL: there are too many, it ends, or there is no memory;
 * then the stream is dropped. */
struct MHD_Response *gw_follow(struct gw_followers *, struct MHD_Connection *, struct gw_api_stream *);

#endif
