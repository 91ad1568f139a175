/* The table of texts of a v1.0 payload, and how unknown values are skipped.
 *
 * The table belongs to the decoder and is in its arena `keep`. Texts are found by hash. If hostile texts all
 * have one hash, some of them get two entries, and each lookup takes at most MAX_PROBES steps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_hash.h"
#include "translators/ddtrace/dd_v10.h"

enum { FIRST_ROOM = 256, MAX_PROBES = 32 };

static bool make_slots(struct dd_decoder *d, uint32_t room)
{
    struct dd_texts *t = &d->texts;
    const struct dd_text_slot *old = t->slots;
    uint32_t slots = 2 * room;
    t->slots = gw_new(d->keep, struct dd_text_slot, slots);
    if (!t->slots)
        return false;
    for (uint32_t i = 0; old && i <= t->mask; i++) {
        uint32_t at = old[i].hash & (slots - 1);
        while (old[i].number && t->slots[at].number)
            at = (at + 1) & (slots - 1);
        if (old[i].number)
            t->slots[at] = old[i];
    }
    t->mask = slots - 1;
    return true;
}

static bool grow(struct dd_decoder *d)
{
    struct dd_texts *t = &d->texts;
    uint32_t room = t->room ? 2 * t->room : FIRST_ROOM;
    gw_str *list = gw_arena_raw(d->keep, room, sizeof *list);
    if (!list || !make_slots(d, room))
        return false;
    if (t->n)
        memcpy(list, t->list, t->n * sizeof *list);
    t->list = list;
    t->room = room;
    return true;
}

bool dd_v10_texts_begin(struct dd_decoder *d)
{
    if (!grow(d))
        return false;
    d->texts.list[d->texts.n++] = GW_NOSTR;
    return true;
}

/* Records the addresses of tag keys for which spans also have fields. */
static void note_promoted(struct dd_texts *t, gw_str text)
{
    for (size_t i = 0; i < DD_PROMOTEDS; i++)
        if (gw_str_eq(text, dd_spread_promoted[i]) && !t->promoted[i])
            t->promoted[i] = text.ptr;
}

static enum dd_got add(struct dd_decoder *d, gw_str text, struct dd_text_slot slot, bool found_place)
{
    struct dd_texts *t = &d->texts;
    if (t->n == t->room) {
        if (!grow(d))
            return DD_ILL_FORMED;
        found_place = true;
    }
    slot.number = t->n;
    t->list[t->n++] = text;
    if (text.len >= 3 && text.len <= 9)
        note_promoted(t, text);
    uint32_t at = slot.hash & t->mask;
    for (int probe = 0; found_place && probe < MAX_PROBES; probe++, at = (at + 1) & t->mask)
        if (!t->slots[at].number) {
            t->slots[at] = slot;
            break;
        }
    return DD_TAKEN;
}

enum dd_got dd_v10_texts_add(struct dd_decoder *d, gw_str text)
{
    return add(d, text, (struct dd_text_slot){.hash = (uint32_t)dd_hash(text)}, true);
}

/* Handles a text that occurs as a str, possibly again. */
static enum dd_got learn(struct dd_decoder *d, gw_str text)
{
    const struct dd_texts *t = &d->texts;
    struct dd_text_slot slot = {.hash = (uint32_t)dd_hash(text)};
    if (text.len == 0)
        return DD_TAKEN;
    uint32_t at = slot.hash & t->mask;
    for (int probe = 0; probe < MAX_PROBES; probe++, at = (at + 1) & t->mask) {
        const struct dd_text_slot *there = &t->slots[at];
        if (!there->number)
            return add(d, text, slot, true);
        if (there->hash == slot.hash && dd_same(t->list[there->number], text))
            return DD_TAKEN;
    }
    return add(d, text, slot, false);
}

static enum dd_got read_number(struct dd_decoder *d, gw_str *out)
{
    uint64_t number;
    enum dd_got got = dd_msgpack_u64(&d->in, &number);
    if (got)
        return got;
    if (number >= d->texts.n) {
        d->texts.outside = true;
        return DD_OTHER_TYPE;
    }
    *out = d->texts.list[number];
    return DD_TAKEN;
}

enum dd_got dd_v10_text_any(struct dd_decoder *d, gw_str *out)
{
    enum dd_got got;
    switch (dd_msgpack_kind(&d->in)) {
    case DD_STR:
        got = dd_msgpack_text(&d->in, out);
        return got ? got : learn(d, *out);
    case DD_BIN:
    case DD_NIL:
        return dd_msgpack_text(&d->in, out);
    default:
        return read_number(d, out);
    }
}

/* Takes one value but not the values inside it, of which there are *more. */
static enum dd_got walk_one(struct dd_decoder *d, uint64_t *more)
{
    uint32_t n = 0;
    gw_str text;
    enum dd_got got;
    switch (dd_msgpack_kind(&d->in)) {
    case DD_STR:
        got = dd_msgpack_text(&d->in, &text);
        return got ? got : learn(d, text);
    case DD_ARRAY:
        got = dd_msgpack_array(&d->in, &n);
        *more = n;
        return got;
    case DD_MAP:
        got = dd_msgpack_map(&d->in, &n);
        *more = 2 * (uint64_t)n;
        return got;
    default:
        return dd_msgpack_skip(&d->in);
    }
}

enum dd_got dd_v10_pass(struct dd_decoder *d, const uint8_t *start, unsigned n)
{
    d->in.at = start;
    for (uint64_t pending = n; pending; pending--) { /* no recursion, so nesting uses no stack */
        uint64_t more = 0;
        enum dd_got got = walk_one(d, &more);
        if (got)
            return got;
        pending += more;
    }
    return DD_TAKEN;
}

enum dd_got dd_v10_key_any(struct dd_decoder *d, uint32_t *key)
{
    uint64_t number = 0;
    const uint8_t *start = d->in.at;
    enum dd_got got = dd_msgpack_kind(&d->in) == DD_INTEGER ? dd_msgpack_u64(&d->in, &number) : DD_OTHER_TYPE;
    *key = number <= UINT32_MAX ? (uint32_t)number : 0;
    return got == DD_OTHER_TYPE ? dd_v10_pass(d, start, 1) : got;
}
