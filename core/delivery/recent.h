/* recent.h: what passed lately, for somebody who looks.
 *
 *   receivers ── request, line ─┐
 *   fan-out ──── frame ─────────┼─▶ one ring of bytes, the newest replaces the oldest ─▶ readers: the API (gateway/api)
 *   senders ──── answer ────────┘
 *
 * While nobody looks there is no ring: what passes costs one relaxed load of gw_recent_wanted() and nothing is
 * copied. gw_recent_look() allocates the ring, charged to max_memory, and keeps it for GW_RECENT_LOOK; then
 * gw_recent_tidy() gives it back. With `always` (option admin.recent is written) it is there from the start.
 *
 * An entry is a few numbers and texts. Entries have increasing numbers, and name each other by them: a frame
 * its request, an answer its frame. What is named may be gone already. An entry of more than half of the ring
 * is left out and counted.
 *
 * What is kept is what applications send: requests as they came, before obfuscation and rules of privacy. Who
 * shows it must apply those, and scrub it (scrub.h). Tokens are never kept: only headers of a list are.
 *
 * Threads: any; one lock, taken only while somebody looks, for the time of a copy. Readers copy whole entries
 * in pages and never see half of one. Ownership: the process's, one of it, like the log.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RECENT_H
#define GW_RECENT_H

#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/base/str.h"

#define GW_RECENT_LOOK (60 * GW_SEC)

enum gw_recent_kind {
    GW_RECENT_REQUEST, /* count: its format */
    GW_RECENT_FRAME,   /* link: its request, or 0; count: items */
    GW_RECENT_ANSWER,  /* link: its frame; count: how often it was sent */
    GW_RECENT_LINE,    /* one log line and its record; count: bytes that were cut off */
    GW_RECENT_KINDS
};

/* The texts of each kind. */
enum gw_recent_request_part {
    GW_REQUEST_BODY,
    GW_REQUEST_RECEIVER,         /* "ddtrace" */
    GW_REQUEST_PROTOCOL,         /* "v0.4", "otlp/http", … */
    GW_REQUEST_TRANSPORT,        /* "tcp", "unix", "http", "grpc", "kafka" */
    GW_REQUEST_ADDRESS,          /* of the client */
    GW_REQUEST_LANGUAGE,         /* of the client … */
    GW_REQUEST_LANGUAGE_VERSION, /* … and its version */
    GW_REQUEST_CLIENT_VERSION,   /* of the tracer or SDK */
    GW_REQUEST_HEADERS           /* a line each: "name: value" */
};
enum gw_recent_frame_part {
    GW_FRAME_DATA,     /* OTLP; empty where lines show the same records */
    GW_FRAME_EXPORTERS /* a line each: the names of those that got it */
};
enum gw_recent_answer_part { GW_ANSWER_EXPORTER, GW_ANSWER_TEXT };
enum gw_recent_line_part {
    GW_LINE_TEXT,
    GW_LINE_RECEIVER,
    GW_LINE_SOURCE,
    GW_LINE_SCRIPT,
    GW_LINE_FORM,     /* "json", "logfmt", "script", "none" */
    GW_LINE_RESOURCE, /* a Resource in OTLP … */
    GW_LINE_RECORD    /* … and a LogRecord */
};
enum { GW_RECENT_PARTS = 9 };

/* Of an answer. That a frame is queued is said by the frame alone. */
enum gw_recent_state {
    GW_RECENT_SENT,
    GW_RECENT_RETRYING,
    GW_RECENT_REJECTED,
    GW_RECENT_DROPPED,
    GW_RECENT_STATES
};

struct gw_recent_entry {
    enum gw_recent_kind kind;
    uint64_t number; /* of its own; gw_recent_put sets it */
    uint64_t link;   /* the number of another */
    gw_nsec time;    /* since 1970; 0: gw_recent_put sets it */
    uint8_t signal;  /* enum gw_signal */
    uint8_t schema;  /* of a frame: enum gw_attribute_schema */
    uint8_t code;    /* of an answer: its state */
    bool is_first;   /* of a frame: it has the schema of the first exporter that takes the signal */
    uint64_t count;
    gw_str parts[GW_RECENT_PARTS];
};

extern atomic_bool gw_recent_is_wanted;
/* False: nobody looks, so there is nothing to put. */
static inline bool gw_recent_wanted(void)
{
    return atomic_load_explicit(&gw_recent_is_wanted, memory_order_relaxed);
}

struct gw_budget;

/* Main thread. Once, before anything else; the budget may be NULL. */
void gw_recent_open(struct gw_budget *, size_t bytes, bool always);
/* Main thread, when nobody puts or reads any more. */
void gw_recent_close(void);

/* Somebody looks, from now on for GW_RECENT_LOOK. */
void gw_recent_look(gw_nsec now);
/* Gives the ring back when nobody has looked for so long. Returns when it wants to be called again; GW_NEVER
 * while there is nothing to give back. */
gw_nsec gw_recent_tidy(gw_nsec now);

/* Puts a request; frames and lines that this thread puts until gw_recent_end are linked to it. Only
 * while wanted. */
void gw_recent_begin(const struct gw_recent_entry *request);
void gw_recent_end(void);
/* The number of the request of this thread; 0: there is none. */
uint64_t gw_recent_request(void);

/* Copies the entry. Returns its number; 0: it is not kept. */
uint64_t gw_recent_put(const struct gw_recent_entry *);

struct gw_recent_state_of_ring {
    bool filling;         /* what passes is kept */
    size_t bytes;         /* of the ring, there or not */
    size_t used;          /* of them, for entries that are there */
    gw_nsec oldest;       /* its time, since 1970; 0: there is none */
    uint64_t first, next; /* numbers: of the oldest, and of the one that comes next */
    uint64_t left_out;    /* entries that were too large */
};
struct gw_recent_state_of_ring gw_recent_state(void);

/* The exporter gives the frame up, which has this number (0: it is not kept), for a reason of reasons.def. */
void gw_recent_dropped(uint64_t frame, uint8_t signal, const char *exporter, const char *reason);

/* A place between two entries. Begin with the number alone: the entries from that number on. */
struct gw_recent_cursor {
    uint64_t number, position;
};
enum { GW_RECENT_PAGE = 256 * 1024 };
/* Copies whole entries into `page` (GW_RECENT_PAGE bytes or more, aligned as malloc does), as many as fit and
 * at least one, and moves the cursor behind them. Returns their bytes; 0: there are no more for now, or the
 * next one is larger than the page, then *larger is its size (else 0). */
size_t gw_recent_read(struct gw_recent_cursor *, void *page, size_t size, size_t *larger);
/* Takes the next entry from the front of such a page; its texts are views. False at the end. */
bool gw_recent_take(const void *page, size_t size, size_t *at, struct gw_recent_entry *out);
/* True if the entry of this number is there; *copy is malloc'd and has its texts. */
bool gw_recent_find(uint64_t number, struct gw_recent_entry *out, void **copy);

#endif
