/* dd_agent.h: definitions that the decoders of an agent's payload share; private to them.
 *
 *     AgentPayload ─┬─ TracerPayload      (v0.x) ─▶ TraceChunk ─▶ Span     dd_agent.c, dd_agent_facts.c, dd_agent_span.c
 *                   └─ idx.TracerPayload  (v1.0) ─▶ TraceChunk ─▶ Span    the same, dd_agent_idx.c
 *
 * This is what a Datadog agent sends to its intake (POST /api/v0.2/traces): the payloads of many processes,
 * each as a TracerPayload, in protobuf. Spans of idx payloads refer to texts by index into the payload's
 * table `strings`, which comes after them.
 *
 * Each message has a length, so a malformed message affects only itself: a malformed span is refused; a
 * malformed link, event or tag is left out of its span. A malformed message above the spans refuses the body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_AGENT_H
#define DD_AGENT_H

#include "translators/ddtrace/dd_decode.h"
#include "translators/ddtrace/dd_protobuf.h"
#include "translators/ddtrace/dd_spread.h"

/* One TracerPayload. */
struct dd_agent_part {
    struct dd_agent_part *next;
    bool idx;
    struct wire_view rest; /* the message from its next unread chunk on */
    struct dd_payload *payload;
    gw_str *strings; /* idx */
    size_t strings_n;
};

/* The state of a decoder that reads an AgentPayload; in the arena from dd_decode_begin on. */
struct dd_agent {
    struct wire_view body;
    gw_str host, env; /* the agent's own; empty: missing */
    struct dd_agent_list {
        void *items;
        size_t n, room;
    } tags;                             /* struct dd_text; the agent's own */
    struct dd_agent_part *part;         /* the one that is being read */
    struct dd_agent_part *parts, *last; /* payloads that have chunks and are still to be read */
    struct dd_payload **known;          /* hash table; the size is a power of two */
    size_t slots;
    uint64_t trace_id;   /* lower half of the trace id of the current idx chunk */
    const uint8_t *bad;  /* after an error above the spans: the place … */
    const char *message; /* … and the message that contains it */
};

/* Reads everything in a TracerPayload except its chunks. Sets *part to the position of these and to a struct
 * dd_payload, which payloads with equal contents share. Returns false if a field cannot be read
 * (dd_agent_ill_formed) or the arena's budget is used up. */
bool dd_agent_facts(struct dd_decoder *, struct wire_view, struct dd_agent_part *part);

/* Records the place of an error that refuses the body. Returns false. */
bool dd_agent_ill_formed(struct dd_decoder *, const struct wire_view *, const char *message);

/* Sets the text with this index in an idx payload; returns false if there is none. Index 0 is the empty text,
 * whether the table contains it or not. */
static inline bool dd_agent_string(const struct dd_agent_part *part, uint64_t number, gw_str *out)
{
    *out = number < part->strings_n ? part->strings[number] : GW_NOSTR;
    return number < part->strings_n || number == 0;
}

/* Reads one span. Returns DD_OTHER_TYPE if it cannot be read, and sets *why to the reason; DD_ILL_FORMED if
 * the arena's budget is used up. */
typedef enum dd_got dd_agent_span_f(struct dd_decoder *, struct wire_view, struct dd_span *,
                                    enum gw_reason *why);
dd_agent_span_f dd_agent_span, dd_agent_idx_span;

/* Makes room in the array of a repeated field, of which one value was just read; `rest` is the message after
 * it. The first call makes room for the values that follow directly, a later one for all that the message
 * still contains. So the array moves at most once. Returns false if the arena's budget is used up. */
bool dd_agent_room(struct dd_decoder *, struct dd_agent_list *, struct wire_view rest, uint32_t tag,
                   size_t size);

/* Reads one value of a repeated field into `item`. The function need not clear it on failure. */
typedef enum dd_got dd_agent_read_f(struct dd_decoder *, struct wire_view, void *item);

/* Reads the next value of a repeated field into its array; its tag has been read. A value that cannot be read
 * is left out and counted. Inlined into callers that pass constants, so that the calls are direct. */
__attribute__((always_inline)) static inline enum dd_got
dd_agent_add(struct dd_decoder *d, struct dd_agent_list *list, struct wire_view *v, uint32_t tag, size_t size,
             dd_agent_read_f *read, uint64_t *left_out)
{
    struct wire_view value;
    if (!dd_pb_bytes(v, &value))
        return DD_OTHER_TYPE;
    if (__builtin_expect(list->n == list->room, 0) && !dd_agent_room(d, list, *v, tag, size))
        return DD_ILL_FORMED;
    enum dd_got got = read(d, value, (char *)list->items + list->n * size);
    list->n += got == DD_TAKEN;
    *left_out += got == DD_OTHER_TYPE;
    return got == DD_ILL_FORMED ? got : DD_TAKEN;
}

static inline enum dd_got dd_agent_got(bool good)
{
    return good ? DD_TAKEN : DD_OTHER_TYPE;
}

/* Destination of a message's tags: texts of v0.x go to `texts`; typed attributes to `typed`, except those of
 * an event, which keep their types and go to `values`. */
struct dd_agent_tags {
    struct dd_agent_list texts, values;
    struct dd_spread typed;
    bool of_event;
    size_t spans;   /* of a chunk: the number of spans that may be valid */
    bool converted; /* of an idx span: the agent converted it from another format */
};
/* Reads a field of a TraceChunk other than its spans. */
typedef enum dd_got dd_agent_chunk_f(struct dd_decoder *, struct wire_view *, uint32_t tag, struct dd_chunk *,
                                     struct dd_agent_tags *);
dd_agent_chunk_f dd_agent_idx_chunk_field;
enum { DD_AGENT_IDX_SPANS = DD_PB(4, LEN) };
bool dd_agent_priority(struct wire_view *, struct dd_chunk *);
bool dd_agent_flag(struct wire_view *, bool *);
bool dd_agent_count_span(struct wire_view *, size_t *spans);

/* Reads an entry of a map of texts into a struct dd_text. */
dd_agent_read_f dd_agent_text_entry;
/* Reads an attribute of the current idx payload as texts. */
enum dd_got dd_agent_idx_tag(struct dd_decoder *, struct wire_view *, uint32_t tag,
                             struct dd_agent_list *tags);

#endif
