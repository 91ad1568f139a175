/* dd_agent.h: what the decoders of an agent's payload share; private to them.
 *
 *     AgentPayload ─┬─ TracerPayload      (v0.x) ─▶ TraceChunk ─▶ Span     dd_agent.c, dd_agent_facts.c, dd_agent_span.c
 *                   └─ idx.TracerPayload  (v1.0) ─▶ TraceChunk ─▶ Span    the same, dd_agent_idx.c
 *
 * This is what a Datadog agent sends to its intake (POST /api/v0.2/traces): what many processes sent it, each
 * as a TracerPayload, in protobuf. Spans of idx payloads name texts by their number in the payload's table
 * `strings`, which stands behind them.
 *
 * Lengths tell the end of a message whatever is in it, so one that is ill-formed costs itself: a span the
 * span, a link, an event or a tag that part of the span. What is ill-formed above the spans costs the body.
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
    struct wire_view rest; /* the message from its first chunk on, then from the next one on */
    struct dd_payload *payload;
    gw_str *strings; /* idx */
    size_t strings_n;
};

/* The state of a decoder that reads an AgentPayload; in the arena from dd_decode_begin on. */
struct dd_agent {
    struct wire_view body;
    gw_str host, env; /* the agent's own; empty: not said */
    struct dd_agent_list {
        void *items;
        size_t n, room;
    } tags;                             /* struct dd_text; likewise */
    struct dd_agent_part *part;         /* that is read */
    struct dd_agent_part *parts, *last; /* that are to be read, and have chunks */
    struct dd_payload **known;          /* by hash; a power of two of them */
    size_t slots;
    uint64_t trace_id;   /* of the idx chunk that is read: the lower half */
    const uint8_t *bad;  /* what cannot be read, where something above the spans is ill-formed … */
    const char *message; /* … and in what */
};

/* Reads everything in a TracerPayload but its chunks: *part gets the place of these, and a struct dd_payload,
 * which it shares with those that say the same. False when a field cannot be read (dd_agent_ill_formed) or the
 * arena is spent. */
bool dd_agent_facts(struct dd_decoder *, struct wire_view, struct dd_agent_part *part);

/* False, and remembers the place: what cannot be read costs the body. */
bool dd_agent_ill_formed(struct dd_decoder *, const struct wire_view *, const char *message);

/* The text of an idx payload that has this number; false when none does. 0 is the empty one, written or not. */
static inline bool dd_agent_string(const struct dd_agent_part *part, uint64_t number, gw_str *out)
{
    *out = number < part->strings_n ? part->strings[number] : GW_NOSTR;
    return number < part->strings_n || number == 0;
}

/* Each reads a span: DD_OTHER_TYPE for one that cannot be read, *why it is refused; DD_ILL_FORMED when the arena is
 * spent. */
typedef enum dd_got dd_agent_span_f(struct dd_decoder *, struct wire_view, struct dd_span *,
                                    enum gw_reason *why);
dd_agent_span_f dd_agent_span, dd_agent_idx_span;

/* More room in the array of a repeated field, of which one value was just read; `rest` is the message behind
 * it. The first time there is room for the run that follows, later for all that the message still has, so the
 * array moves once at most. False when the arena is spent. */
bool dd_agent_room(struct dd_decoder *, struct dd_agent_list *, struct wire_view rest, uint32_t tag,
                   size_t size);

/* Reads one value of a repeated field into `item`, which it need not clear when it fails. */
typedef enum dd_got dd_agent_read_f(struct dd_decoder *, struct wire_view, void *item);

/* Reads the next value of a repeated field, whose tag was read, into its array. One that cannot be read is
 * left out and counted. Inlined into callers that pass constants, for direct calls. */
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

/* Where the tags of a message go while it is read: texts of v0.x to `texts`; typed attributes to `typed`, but those of an event, which keep
 * their types, to `values`. */
struct dd_agent_tags {
    struct dd_agent_list texts, values;
    struct dd_spread typed;
    bool of_event;
    size_t spans;   /* of a chunk: how many may be valid */
    bool converted; /* of an idx span: the agent made it of one of another form */
};
/* Reads a field of a TraceChunk, but not its spans. */
typedef enum dd_got dd_agent_chunk_f(struct dd_decoder *, struct wire_view *, uint32_t tag, struct dd_chunk *,
                                     struct dd_agent_tags *);
dd_agent_chunk_f dd_agent_idx_chunk_field;
enum { DD_AGENT_IDX_SPANS = DD_PB(4, LEN) };
bool dd_agent_priority(struct wire_view *, struct dd_chunk *);
bool dd_agent_flag(struct wire_view *, bool *);
bool dd_agent_count_span(struct wire_view *, size_t *spans);

/* Into a struct dd_text: an entry of a map of texts. */
dd_agent_read_f dd_agent_text_entry;
/* An attribute of the idx payload that is read, as texts. */
enum dd_got dd_agent_idx_tag(struct dd_decoder *, struct wire_view *, uint32_t tag,
                             struct dd_agent_list *tags);

#endif
