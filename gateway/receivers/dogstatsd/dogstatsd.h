/* dogstatsd.h: definitions that the files of the dogstatsd receiver share.
 *
 *     UDP, Unix sockets ─ stream.h ─▶ datagram ─▶ dogstatsd_take.h ─▶ metric store ─ each interval ─▶ frames ─▶ queues
 *                                              └▶ events and checks ─▶ log records ─▶ sink ─▶ queues
 *
 *     dogstatsd.c          options, life, what a reload hands over
 *     dogstatsd_notice.c   events and service checks as log records
 *
 * Where the queues are full, points stay in the store and the next interval is added to them; nothing of the
 * sockets waits for that.
 *
 * Threads: the stream's thread takes datagrams, the flusher's (metric_flusher.h) ends intervals; both are the receiver's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DOGSTATSD_H
#define GW_DOGSTATSD_H

#include "core/delivery/receiver.h"
#include "gateway/dogstatsd_proxy.h"
#include "gateway/receivers/common/metric_flusher.h"
#include "gateway/receivers/stream/stream.h"
#include "translators/metrics/dogstatsd_take.h"

#define DOGSTATSD_COMPONENT "receiver=dogstatsd"
#define DOGSTATSD_LISTEN "127.0.0.1:8125, [::1]:8125"
#define DOGSTATSD_SOCKET "/var/run/datadog/dsd.socket"

#define DOGSTATSD_OPTS(X)                                                                                    \
    X(list, listen, "listen", DOGSTATSD_LISTEN, "", "",                                                      \
      "UDP addresses to listen on: host:port, [ipv6]:port or :port (every address). If a configured "        \
      "address cannot be bound, ddgate does not start; default addresses only cause a warning.")             \
    X(str, socket, "socket", DOGSTATSD_SOCKET, "", "",                                                       \
      "Unix datagram socket to listen on; empty for none. The folder of a configured socket must exist; "    \
      "the default socket is skipped if its folder does not.")                                               \
    X(str, stream_socket, "stream_socket", "", "", "",                                                       \
      "Unix stream socket to listen on, on which each datagram follows its length in four bytes; empty for " \
      "none.")                                                                                               \
    X(str, mode, "mode", "0722", "", "",                                                                     \
      "Mode of the sockets' files, in octal. Sending requires write permission.")                            \
    X(duration, interval, "interval", "10s", "1s", "10m",                                                    \
      "Interval of the points: each series with samples gets one per interval.")                             \
    X(choice, temporality, "temporality", "delta", "delta|cumulative", "",                                   \
      "Temporality of sums and histograms: delta, the samples of the interval; cumulative, all samples "     \
      "since the first one, which Prometheus needs.")                                                        \
    X(list, tags_as_resource, "tags_as_resource", "", "", "",                                                \
      "Tags that become attributes of the resource, in addition to service, env, version, host and those "   \
      "of containers.")                                                                                      \
    X(count, max_series, "max_series", "100000", "1", "10000000",                                            \
      "Most series at a time. Above that, samples of new series are dropped and counted, and the existing "  \
      "ones stay; a series without a sample for five minutes is removed.")                                   \
    X(map, resource, "resource", "", "", "",                                                                 \
      "Resource attributes to add to all records; they override attributes that were found.")                \
    X(size, receive_buffer, "receive_buffer", "4MiB", "4KiB", "1GiB",                                        \
      "Size of the kernel's buffer for unread datagrams, for each UDP address; net.core.rmem_max at most.")  \
    X(count, connections, "connections", "1000", "1", "100000",                                              \
      "Most connections to stream_socket at a time.")

struct dogstatsd_conf {
    DOGSTATSD_OPTS(GW_FIELD)
};

/* Handed over at a reload: samples that no queue has taken yet. */
struct dogstatsd_series {
    struct gw_budget held; /* memory of the store: at most half of max_memory */
    struct metric_store *store;
};

struct dogstatsd;

/* A way in: the stream's thread, or what comes over HTTP (gateway/dogstatsd_proxy.h). */
struct dogstatsd_way {
    struct dogstatsd *receiver;
    struct dsd_taker taker;
    /* of the lines under way */
    struct gw_log_sink *sink; /* for events */
    gw_str host;              /* of their sender, where it is known */
    uint64_t observed;
    const char *from; /* for people: its address */
    const char *transport;
    bool worth; /* the sink is worth flushing */
};

struct dogstatsd {
    struct dogstatsd_conf conf; /* first: the option rows fill it */
    const struct gw_host *host;
    struct log_conf *logs;
    struct stream *stream;
    struct stream_counts stream_counts;
    struct dsd_counts counts;
    struct dogstatsd_series *series;
    struct dogstatsd_way sockets, http;
    struct gw_dogstatsd_listener listener;
    struct metric_flusher flusher;
    struct dogstatsd *next_paused;
};

/* dogstatsd_notice.c: into the sink of a struct dogstatsd_way. */
dsd_notice_f dogstatsd_notice;
/* dogstatsd_fleet.c: into the table of clients (gateway/fleet.h). */
dsd_notice_f dogstatsd_client;

#endif
