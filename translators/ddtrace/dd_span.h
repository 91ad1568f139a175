/* dd_span.h: the in-memory span to which all wire versions are decoded.
 *
 *   v0.3, v0.4 msgpack ─┐
 *   v0.3, v0.4 JSON    ─┼─▶ dd_chunk of dd_span: views into the body ─▶ dd_export.h writes OTLP
 *   v0.5 dictionary    ─┤
 *   v0.7 TracerPayload ─┤
 *   v1.0 numbered keys ─┤
 *   AgentPayload       ─┘
 *
 * The wire is that of Datadog's trace agent: a payload is an array of chunks, and a chunk is an array of
 * spans of one trace that one process finished. Every gw_str is a view into the request body (JSON strings
 * with escapes: into the arena) and lives as long as both. Only types are checked here: a text may be invalid
 * UTF-8. Spans whose trace id or span id is zero are not returned. A key that occurs twice in a map of tags
 * is returned twice, in the order of the wire (ddtrace 1.20 sends `_dd.origin` so). Code that looks a tag up
 * takes the last one, as a decoder into a map would; code that writes tags hashes their keys anyway and
 * writes each once. A check here would be the most expensive part of decoding.
 *
 * A decoder is a cursor: call dd_decode_begin, then dd_decode_next for one chunk at a time. So memory holds
 * one chunk's spans, while they are in the CPU's caches. A span that cannot be read is dropped and counted,
 * by reason. A body that is not well-formed is an error with its offset, and the caller discards the results
 * of all chunks before it.
 *
 * Threads: a decoder belongs to the thread that runs the request.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SPAN_H
#define DD_SPAN_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "core/delivery/ledger.h"
#include "translators/ddtrace/dd_msgpack.h"
#include "translators/ddtrace/dd_payload.h"

/* One entry of `metrics`, in its type on the wire. */
struct dd_number {
    gw_str key;
    enum dd_number_kind kind;
    union {
        int64_t i;
        uint64_t u;
        double d;
    };
};

/* A value of a native span event (the field span_events of a span in v0.4); the numbers are those of its
 * member `type`. The last two occur only in v1.0. */
struct dd_value {
    enum {
        DD_V_STRING = 0,
        DD_V_BOOL = 1,
        DD_V_INT = 2,
        DD_V_DOUBLE = 3,
        DD_V_ARRAY = 4,
        DD_V_BYTES, /* in s */
        DD_V_LIST   /* of keys and values */
    } type;
    union {
        gw_str s;
        bool b;
        int64_t i;
        double d;
        struct {
            struct dd_value *items;
            size_t n;
        } array;
        struct {
            struct dd_attr *attrs;
            size_t n;
        } list;
    };
};

struct dd_attr {
    gw_str key;
    struct dd_value value;
};

struct dd_link {
    uint64_t trace_id, trace_id_high, span_id;
    gw_str tracestate;
    uint32_t flags;   /* bit 31: "flags are present" */
    uint32_t dropped; /* number of attributes that the tracer left out */
    struct dd_text *attrs;
    size_t attrs_n;
};

struct dd_event {
    int64_t time_unix_nano; /* dd-trace-js 5 and 6 send a float64: rounded */
    gw_str name;
    struct dd_attr *attrs;
    size_t attrs_n;
};

struct dd_span {
    gw_str service, name, resource, type; /* missing and nil are empty */
    uint64_t trace_id, span_id, parent_id;
    int64_t start, duration; /* ns; a uint64 above INT64_MAX becomes INT64_MAX */
    int32_t error;
    struct dd_text *meta;
    size_t meta_n;
    struct dd_number *metrics;
    size_t metrics_n;
    struct dd_text *meta_struct;
    size_t meta_struct_n;
    struct dd_link *links;
    size_t links_n;
    struct dd_event *events;
    size_t events_n;
    /* v0.4, v0.3: the raw bytes of the maps. With a plan (dd_plan.h), only entries that the plan reads are
     * filled in; dd_v04_maps fills in the others. */
    gw_str meta_raw, metrics_raw;
    /* v1.0: the raw bytes of the attributes; all entries are filled in, with or without a plan. */
    gw_str attributes_raw;
    struct dd_plan *plan;
};

/* Spans of one trace, and the values that the chunk has once for all of them, in formats that have fields for
 * these (dd_v07.c, dd_v10.c). They win over the spans' tags. */
struct dd_chunk {
    struct dd_span *spans; /* only readable ones with valid ids */
    size_t n;
    struct dd_payload *payload; /* the payload that contains the chunk */
    uint64_t high;              /* the upper half of the trace id; 0: missing */
    int priority;               /* DD_NO_PRIORITY: missing */
    int mechanism;              /* DD_NO_MECHANISM: missing */
    gw_str origin;
    bool dropped;   /* the tracer rejected the trace, whatever the priority */
    bool delivered; /* an agent decided and sent what it kept: tracers' decisions are not applied again */
    /* Tags of the chunk; in v0.4 they are tags of its local root. */
    struct dd_text *meta;
    size_t meta_n;
    struct dd_number *metrics;
    size_t metrics_n;
};

enum { DD_NO_PRIORITY = -128, DD_NO_MECHANISM = -1 };

enum dd_format {
    DD_V04_MSGPACK,    /* also v0.3: an array of arrays of maps */
    DD_V04_JSON,       /* also v0.2, v0.3 */
    DD_V01_JSON,       /* a flat array of spans: each run of one trace id becomes a chunk */
    DD_V05_MSGPACK,    /* [dictionary, chunks of 12-element arrays] */
    DD_V07_MSGPACK,    /* TracerPayload: a map, with chunks that are maps */
    DD_V10_MSGPACK,    /* the same with numbers as keys, and texts by number */
    DD_AGENT_PROTOBUF, /* AgentPayload: TracerPayloads of many processes */
    DD_FORMATS
};
const char *dd_format_name(enum dd_format); /* "v0.4" */

/* Limits for hostile input, the same as the agent's: nesting of a meta_struct value, and elements of one
 * array or map. Arrays are sized by counts that the remaining bytes could hold, not by the sender's count,
 * and the arena's budget limits their sum. */
/* docs/threat-model.md */
enum { DD_MAX_DEPTH = 64, DD_MAX_ELEMENTS = 500000 };

/* v1.0: all texts of the payload so far, by number (dd_v10.h). */
enum dd_promoted {
    DD_PROMOTED_ENV,
    DD_PROMOTED_VERSION,
    DD_PROMOTED_COMPONENT,
    DD_PROMOTED_KIND,
    DD_PROMOTEDS
};
struct dd_texts {
    gw_str *list;
    uint32_t n, room;
    struct dd_text_slot {
        uint32_t hash, number; /* 0: a free slot */
    } * slots;
    uint32_t mask;
    bool outside; /* a number beyond the table was read */
    /* Addresses of the texts of these tag keys, once they were read. */
    const char *promoted[DD_PROMOTEDS];
};

enum { DD_ORDER = 16 };
struct dd_decoder {
    enum dd_format format;
    struct gw_arena *arena;
    /* For data that outlives a chunk. dd_decode_begin sets it to `arena`; a caller that resets `arena`
     * between chunks sets another one. */
    struct gw_arena *keep;
    struct dd_msgpack in;       /* a msgpack body and the position in it */
    struct gw_json json;        /* the same for a JSON body */
    struct dd_payload *payload; /* the current one; empty in formats without such fields */
    uint64_t fields_left;       /* v0.7, v1.0: entries left in the outer map */
    uint64_t chunks_left;       /* msgpack: elements left in the current array */
    uint64_t chunks;            /* chunks read so far, empty ones too: for messages and counters */
    struct dd_agent *agent;     /* AgentPayload (dd_agent.h) */
    gw_str *dictionary;         /* v0.5 */
    size_t dictionary_n;
    struct dd_texts texts;   /* v1.0 */
    bool finished;           /* the payload ended */
    struct dd_plans *plans;  /* spans may be read by these plans; NULL at first */
    uint8_t order[DD_ORDER]; /* v0.4: the order of the last span's fields */
    /* Parts that could not be read and were left out of spans that were kept. */
    struct dd_left_out {
        uint64_t links, events, tags;
    } left_out;
};

/* Reads the envelope. `body` and `arena` must outlive the decoder. Data for the whole payload (the v0.5
 * dictionary) is allocated here, before the caller takes its per-chunk snapshot. An empty body is a payload
 * without chunks. */
enum gw_code dd_decode_begin(struct dd_decoder *, enum dd_format, gw_str body, struct gw_arena *,
                             struct gw_err *) GW_MUST_CHECK;

/* Reads the next chunk that has a valid span: *chunk gets the valid ones; refused ones are added to intake
 * (received counts both). At the end, *more is false and *chunk is empty. Errors: BAD_MSGPACK, BAD_JSON,
 * BAD_PROTOBUF, BAD_ENVELOPE (with pos), BUDGET. Bytes after the payload's end are BAD_MSGPACK / BAD_JSON
 * too. The spans are valid until the caller resets the arena to its snapshot. */
enum gw_code dd_decode_next(struct dd_decoder *, struct dd_chunk *, bool *more, struct gw_intake *,
                            struct gw_err *) GW_MUST_CHECK;

/* Reads 32 hexadecimal digits as the halves of a trace id. */
static inline bool dd_hex128(gw_str text, uint64_t *high, uint64_t *low)
{
    return text.len == 32 && gw_str_hex64(gw_str_n(text.ptr, 16), high) &&
           gw_str_hex64(gw_str_from(text, 16), low);
}

/* Reads up to 16 hexadecimal digits, or up to 32 if there is a place for the upper half. */
static inline bool dd_hex_id(gw_str text, uint64_t *high, uint64_t *low)
{
    size_t head = text.len > 16 ? text.len - 16 : 0;
    return gw_str_hex64(gw_str_from(text, head), low) &&
           (!head || (high && gw_str_hex64(gw_str_n(text.ptr, head), high)));
}

/* Reads both maps of a span that was read by a plan. Returns false if the arena's budget is used up. */
bool dd_v04_maps(struct dd_span *, struct gw_arena *);

#endif
