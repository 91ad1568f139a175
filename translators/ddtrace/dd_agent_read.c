/* Functions that the decoders of an agent's payload share: growing arrays, entries of maps of texts, and the
 * fields that both kinds of chunks have.
 *
 * Keeps no state; arrays go to the decoder's arena. Called by dd_agent.c, dd_agent_facts.c, dd_agent_span.c and
 * dd_agent_idx.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_agent.h"

/* Fields of a map entry. */
enum { ENTRY_KEY = DD_PB(1, LEN), ENTRY_TEXT = DD_PB(2, LEN) };

/* The fewest bytes of a span that may be valid: it has at least an id. */
enum { LEAST_SPAN = 2 };

bool dd_agent_ill_formed(struct dd_decoder *d, const struct wire_view *v, const char *message)
{
    d->agent->bad = v->at;
    d->agent->message = message;
    return false;
}

bool dd_agent_room(struct dd_decoder *d, struct dd_agent_list *list, struct wire_view rest, uint32_t tag,
                   size_t size)
{
    size_t more = 1 + (list->n ? dd_pb_count_all(rest, tag) : dd_pb_count_run(rest, tag));
    char *items = gw_arena_raw(d->arena, list->n + more, size);
    if (!items)
        return false;
    if (list->n)
        memcpy(items, list->items, list->n * size);
    list->items = items;
    list->room = list->n + more;
    return true;
}

enum dd_got dd_agent_text_entry(struct dd_decoder *d, struct wire_view v, void *item)
{
    struct dd_text *t = item;
    uint32_t tag;
    *t = (struct dd_text){GW_NOSTR, GW_NOSTR};
    while (v.at < v.end) {
        if (!dd_pb_tag(&v, &tag))
            return DD_OTHER_TYPE;
        bool good = tag == ENTRY_KEY    ? dd_pb_text(&v, &t->key)
                    : tag == ENTRY_TEXT ? dd_pb_text(&v, &t->value)
                                        : tag >> 3 > ENTRY_TEXT >> 3 && dd_pb_skip(&v, tag);
        if (!good)
            return DD_OTHER_TYPE;
    }
    return DD_TAKEN;
}

bool dd_agent_flag(struct wire_view *v, bool *out)
{
    uint64_t n = 0;
    bool good = dd_pb_varint(v, &n);
    *out = n != 0;
    return good;
}

bool dd_agent_priority(struct wire_view *v, struct dd_chunk *chunk)
{
    /* the lower 32 bits are the value; a negative one may be written with or without upper bits */
    uint64_t n = 0;
    bool good = dd_pb_varint(v, &n);
    chunk->priority = (int32_t)(uint32_t)n;
    return good;
}

bool dd_agent_count_span(struct wire_view *v, size_t *room)
{
    struct wire_view span;
    if (!dd_pb_bytes(v, &span))
        return false;
    *room += span.end - span.at >= LEAST_SPAN;
    return true;
}
