/* frame.h: finished OTLP bytes, the only thing that crosses threads.
 *
 *      translator ── writes ──▶ frame ── a reference each ──▶ queue of exporter 1 ──▶ wire
 *                                                        └──▶ queue of exporter 2 ──▶ wire
 *
 * A frame holds one serialized Export{Trace,Logs,Metrics,Profiles}ServiceRequest and its number of items
 * (spans, records, points, profiles). Serialized protobuf messages can be concatenated, so a batch is frames
 * laid end to end; nothing is decoded or copied again. Profiles are an exception, because they refer by
 * number to the one table of their request: such a frame is a request of its own. There is one frame for each
 * attribute schema that an exporter uses (option `mode`).
 *
 * A frame is immutable once offered, with one exception, for completing trace ids (trace_ids.h):
 * `pending_ids` lists the trace ids whose upper half was not known when the request was answered;
 * gw_frame_complete_ids() fills them in before the first send:
 *
 *      open ── complete ─▶ being written ─┬─▶ open      some are still unknown
 *                                         └─▶ settled   all are known, or `final`: the bytes do not change any more
 *
 * `pending_services` are handled in the same way: groups of records that take the service of a span that
 * has not arrived yet. The frame is rewritten once, when it is settled.
 *
 * A source that can read its data again (a log file) attaches an ack callback to the frame. It is called
 * when no exporter has to deliver the frame any more, and reports whether the frame was finished
 * (delivered, rejected or given up by a policy) or abandoned by a shutdown. A reader that does not deliver
 * the frame must hold a pin.
 *
 * Ownership: reference counted; gw_frame_drop on any thread. The code that queues it charges the process's
 * budget once (`budget`, `charged`); the last gw_frame_drop returns this memory.
 * Threads: any, as each function says.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAME_H
#define GW_FRAME_H

#include "core/base/clock.h"
#include "core/base/str.h"

enum gw_signal { GW_TRACES, GW_LOGS, GW_METRICS, GW_PROFILES, GW_SIGNALS };

/* The attributes that a frame contains: the values of option `mode`. */
enum gw_attribute_schema { GW_OTEL, GW_BOTH, GW_DATADOG, GW_ATTRIBUTE_SCHEMAS };

const char *gw_signal_name(enum gw_signal); /* "traces" */

/* Frames are limited to about this size, requests to a backend to about GW_REQUEST_BYTES (gRPC servers refuse
 * more than 4 MiB by default). */
enum { GW_FRAME_BYTES = 1024 * 1024, GW_REQUEST_BYTES = 3584 * 1024 };

struct gw_budget;

/* A group (ResourceLogs) of records of one span. Its resource begins with a `service.name`, which stays if
 * the span's service is not found. */
struct gw_pending_service {
    uint64_t span;
    uint32_t at; /* of the group, with its tag, in data */
};

/* Called once, by the thread that drops the last reference. `kept`: the source need not provide these bytes
 * again. */
struct gw_ack_callback {
    void (*settled)(struct gw_ack_callback *, bool kept);
};

/* The position of a frame in the disk queue: file and offset. Segment 0: not stored. */
struct gw_disk_position {
    uint32_t segment, at;
};

/* Values of `awaiting_ids`. */
enum { GW_FRAME_OPEN, GW_FRAME_WRITING, GW_FRAME_SETTLED };
#define GW_FRAME_NEVER_ASKED UINT64_MAX /* a value of `news` */

struct gw_frame {
    _Atomic uint32_t refs;         /* for its memory: references and pins */
    _Atomic uint32_t deliveries;   /* for its result: references only */
    _Atomic uint32_t awaiting_ids; /* a GW_FRAME_… of these: see gw_frame_complete_ids */
    enum gw_signal signal;
    enum gw_attribute_schema schema;
    uint32_t items;
    /* number of trace ids that were incomplete when the frame was made … */
    uint32_t pending_ids_n;
    uint32_t *pending_ids; /* … and the offset of each 16-byte id in data: malloc'd */
    uint32_t pending_services_n;
    struct gw_pending_service *pending_services; /* in order; malloc'd */
    /* gw_trace_ids_news before the last lookup, or a number that it never returns; used like `pending`. */
    uint64_t news;
    /* How many of `pending_ids`, from the front, are still unknown; used only by the thread that completes
     * the ids. */
    uint32_t pending;
    /* Monotonic; gw_frame_new sets the current time; the code that makes the frame may set a better one
     * before it is offered. */
    gw_nsec arrived;
    size_t len, cap;
    uint8_t *data; /* malloc'd */
    /* who pays: the account of the code that made it, if any, then the process's */
    struct gw_budget *budget;
    size_t charged;              /* bytes charged to the budget */
    struct gw_ack_callback *ack; /* set before the frame is offered; NULL: none */
    /* A reference to the frame that this one was split from; its ack callback waits for the parts. */
    struct gw_frame *whole;
    _Atomic bool abandoned;
    struct gw_disk_position stored; /* set before the frame is queued */
    uint64_t recent;                /* its number in recent.h; 0: none. Set before the frame is queued */
    bool has_lines;                 /* its records are kept there one by one, as lines */
};

/* Takes over `data` (malloc'd, cap bytes, len used). The caller owns the only reference. Returns NULL if
 * there is no memory; then data still belongs to the caller. */
struct gw_frame *gw_frame_new(enum gw_signal, enum gw_attribute_schema, uint8_t *data, size_t len, size_t cap,
                              uint32_t items);
/* Before the frame is offered, once: takes over `offsets` (malloc'd) of n trace ids, each with 16 bytes
 * within data. */
void gw_frame_pending_ids(struct gw_frame *, uint32_t *offsets, uint32_t n);
/* The same of services: takes over `groups` (malloc'd). Kept in memory only, not on the disk. */
void gw_frame_pending_services(struct gw_frame *, struct gw_pending_service *groups, uint32_t n);
/* Returns true if it was made with pending ids or services; gw_frame_complete_ids returns whether some are
 * still pending. */
bool gw_frame_is_pending(const struct gw_frame *);
struct gw_frame *gw_frame_ref(struct gw_frame *);
void gw_frame_drop(struct gw_frame *);
/* The caller holds a reference. A pin keeps the bytes until gw_frame_unpin, and does nothing else. A
 * transport may keep sent bytes for any time, and the ack callback must not wait for that. */
struct gw_frame *gw_frame_pin(struct gw_frame *);
void gw_frame_unpin(struct gw_frame *);
/* An exporter gives the frame up because the process ends: the ack callback gets `kept` false. True when
 * there is a callback: then the source still has the data and sends it again. */
bool gw_frame_abandon(struct gw_frame *);
/* `part` was split from `whole`: the ack callback of the whole is called when all its parts are gone. */
void gw_frame_part(struct gw_frame *part, struct gw_frame *whole);
/* Returns the memory that it uses, in bytes: data, offsets and the struct. */
size_t gw_frame_cost(const struct gw_frame *);

struct gw_trace_ids;
/* Fills in the upper halves and services that `ids` knows, as of the frame's arrival and after. `final`
 * settles the frame: an id that is unknown then keeps 64 bits. Returns how many ids and services are still
 * unknown; with `final`, how many ids were given up, for the counter. For a settled frame it returns 0,
 * except to the caller whose `final` settled it. Safe from several senders that hold the same frame. A caller
 * must not read data or len before the call has returned 0 or it has passed `final` itself; after that the
 * frame does not change any more. */
uint32_t gw_frame_complete_ids(struct gw_frame *, struct gw_trace_ids *ids, bool final);

#endif
