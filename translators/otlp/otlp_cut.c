/* otlp_cut.c: descends to the items and copies them into pieces. The messages around the current item are a
 * stack of levels. A level is opened in the current piece when its first item is written there, and closed
 * with the piece.
 *
 * Owns the piece that is being written. Called by the OTLP receiver, on any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/otlp/otlp_cut.h"

enum { LEVELS = 6, LENGTH_BYTES = 3 /* LENGTH_BYTES: the likely size of a length */ };

/* A message that is being divided. */
struct level {
    enum otlp_message m;
    unsigned number; /* of this message's field in its parent */
    struct wire_view body;
    bool is_open, was_open;
    size_t mark;
};

struct cutter {
    const struct otlp_cut *how;
    bool faulty; /* some units must be left out */
    struct level levels[LEVELS];
    unsigned n;
    unsigned uncut; /* levels that must not be split between pieces */
    struct otlp_buf w;
    gw_str run; /* adjacent items that are to be appended to w */
    uint64_t items;
    size_t left;  /* bytes of the request that are not yet in a piece */
    bool refused; /* `take` returned false */
};

/* Before: f is a field of a message of kind m. Returns whether items are in this field. */
static bool leads_on(enum otlp_message m, const struct wire_field *f)
{
    return f->type == WIRE_LEN && f->number < OTLP_FIELDS && otlp_schema[m].fields[f->number].leads_on;
}

static uint64_t count_items(enum otlp_message m, struct wire_view v)
{
    uint64_t n = 0;
    if (otlp_schema[m].is_item)
        return 1;
    for (struct wire_field f; wire_next(&v, &f);)
        if (leads_on(m, &f))
            n += count_items(otlp_schema[m].fields[f.number].message, f.body);
    return n;
}

/* Returns the number of bytes of all fields beside the items. */
static size_t own_size(enum otlp_message m, struct wire_view v)
{
    size_t n = 0;
    for (struct wire_field f; wire_next(&v, &f);)
        n += leads_on(m, &f) ? 0 : (size_t)(f.whole.end - f.whole.at);
    return n;
}

static void write_own(struct cutter *c, enum otlp_message m, struct wire_view v)
{
    for (struct wire_field f; wire_next(&v, &f);)
        if (!leads_on(m, &f))
            otlp_append(&c->w, wire_text(f.whole));
}

/* The request's own fields go into its first piece. The exception is the dictionary of profiles: each piece
 * needs it, because profiles refer to it. */
static void open_levels(struct cutter *c)
{
    for (unsigned i = 0; i < c->n; i++) {
        struct level *l = &c->levels[i];
        if (l->is_open)
            continue;
        l->mark = i ? otlp_open(&c->w, l->number, LENGTH_BYTES) : 0;
        if (i || !l->was_open || l->m == OTLP_PROFILES_REQUEST)
            write_own(c, l->m, l->body);
        l->is_open = l->was_open = true;
    }
}

static void write_run(struct cutter *c)
{
    otlp_append(&c->w, c->run);
    c->run = GW_NOSTR;
}

static void close_level(struct cutter *c, unsigned i)
{
    if (i && c->levels[i].is_open)
        otlp_close(&c->w, c->levels[i].mark, LENGTH_BYTES);
    c->levels[i].is_open = false;
}

static void hand_over(struct cutter *c)
{
    if (!c->items || c->w.failed)
        return;
    write_run(c);
    for (unsigned i = c->n; i--;)
        close_level(c, i);
    c->refused = c->refused || c->w.failed || !c->how->take(c->how->ctx, &c->w, c->items);
    if (c->refused)
        otlp_fini(&c->w);
    c->w = (struct otlp_buf){.account = c->how->account};
    c->items = 0;
}

static void place(struct cutter *, const struct wire_field *, enum otlp_message, unsigned depth);

/* Before: c->n < LEVELS, the number of levels above an item. */
static void place_within(struct cutter *c, enum otlp_message m, unsigned number, struct wire_view v,
                         unsigned depth)
{
    c->levels[c->n++] = (struct level){.m = m, .number = number, .body = v};
    bool uncut = own_size(m, v) > c->how->piece / 4;
    c->uncut += uncut;
    for (struct wire_field f; wire_next(&v, &f) && !c->refused;)
        if (leads_on(m, &f))
            place(c, &f, otlp_schema[m].fields[f.number].message, depth + 1);
    write_run(c);
    close_level(c, c->n - 1);
    c->uncut -= uncut;
    c->n--;
}

/* Reserves memory for a piece, or for the rest if that is shorter. The buffer grows if this is too little. */
static void reserve(struct cutter *c)
{
    enum { AROUND = 4096 };
    size_t most = c->uncut || c->left < c->how->piece ? c->left : c->how->piece;
    (void)otlp_reserve(&c->w, most + AROUND);
}

static void place_whole(struct cutter *c, const struct wire_field *f, uint64_t items)
{
    gw_str whole = wire_text(f->whole);
    if (!c->uncut && c->w.len + c->run.len + whole.len > c->how->piece)
        hand_over(c);
    if (c->w.cap == 0)
        reserve(c);
    if (c->run.len && c->run.ptr + c->run.len == whole.ptr) {
        c->run.len += whole.len;
    } else {
        write_run(c);
        open_levels(c);
        c->run = whole;
    }
    c->left -= whole.len;
    c->items += items;
}

/* Before: f is a message of kind m with items, `depth` levels below the request. */
static void place(struct cutter *c, const struct wire_field *f, enum otlp_message m, unsigned depth)
{
    struct otlp_contents in = {0};
    bool goes_on = !c->faulty || otlp_check_unit(m, wire_text(f->body), depth, &in);
    if (!goes_on || (in.faulty && in.items && otlp_refused(&in) == in.items))
        return;
    bool too_long = (size_t)(f->whole.end - f->whole.at) > c->how->piece && !otlp_schema[m].is_item;
    if (in.faulty || (too_long && !c->uncut))
        place_within(c, m, f->number, f->body, depth);
    else
        place_whole(c, f, c->faulty ? in.items : count_items(m, f->body));
}

/* The usual case: the request is one piece and is copied. */
static bool copy(const struct otlp_cut *how, gw_str body, uint64_t items)
{
    struct otlp_buf w = {.account = how->account};
    if (!otlp_reserve(&w, body.len))
        return false;
    otlp_append(&w, body);
    if (how->take(how->ctx, &w, items))
        return true;
    otlp_fini(&w);
    return false;
}

bool otlp_cut(const struct otlp_cut *how, gw_str body, const struct otlp_contents *contents)
{
    struct cutter c = {
        .how = how, .faulty = contents->faulty, .left = body.len, .w = {.account = how->account}};
    const uint8_t *at = (const uint8_t *)body.ptr;
    if (contents->items == otlp_refused(contents))
        return true;
    if (!contents->faulty && body.len <= (how->uncut > how->piece ? how->uncut : how->piece))
        return copy(how, body, contents->items);
    place_within(&c, how->request, 0, (struct wire_view){at, at + body.len}, 0);
    hand_over(&c);
    bool ok = !c.refused && !c.w.failed;
    otlp_fini(&c.w);
    return ok;
}
