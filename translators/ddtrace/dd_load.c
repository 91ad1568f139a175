/* Puts one span's tags into dd_fields by number. If a key occurs twice, one value counts: a metric before a
 * meta, otherwise the last one. The options strip and promote are applied here.
 *
 * The table of keys belongs to the writer and is reused from span to span. Called by dd_export.c on the slow
 * path.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_strings.h"
#include "translators/ddtrace/dd_write.h"

enum { MAX_PROBES = 32, MAX_HEADERS = 64, FEW = DD_TWIN_SLOTS / 2 };

/* A hash table of one span's entries, by key. */
struct twins {
    struct dd_twin *slots;
    size_t mask;
    uint32_t generation;
};

static bool twins_open(struct dd_writer *w, size_t n, struct gw_arena *arena, struct twins *t)
{
    if (n <= FEW) {
        if (++w->generation == 0) { /* the counter wraps once in four billion spans */
            memset(w->twins, 0, sizeof w->twins);
            w->generation = 1;
        }
        *t = (struct twins){w->twins, DD_TWIN_SLOTS - 1, w->generation};
        return true;
    }
    size_t slots = DD_TWIN_SLOTS;
    while (slots < 2 * n)
        slots *= 2;
    *t = (struct twins){gw_new(arena, struct dd_twin, slots), slots - 1, 1};
    return t->slots;
}

static gw_str key_at(const struct dd_span *s, size_t index)
{
    if (index < s->meta_n)
        return s->meta[index].key;
    index -= s->meta_n;
    return index < s->metrics_n ? s->metrics[index].key : s->meta_struct[index - s->metrics_n].key;
}

/* Returns the entry that has this key already, or `index` itself, which is then remembered. */
static size_t earlier_entry(const struct twins *t, const struct dd_span *s, size_t index, uint32_t hash)
{
    size_t at = hash & t->mask;
    for (int probe = 0; probe < MAX_PROBES; probe++, at = (at + 1) & t->mask) {
        struct dd_twin *slot = &t->slots[at];
        if (slot->generation != t->generation) {
            *slot = (struct dd_twin){t->generation, hash, (uint32_t)index};
            return index;
        }
        if (slot->hash == hash && gw_str_eq(key_at(s, slot->index), key_at(s, index))) {
            size_t before = slot->index;
            slot->index = (uint32_t)index; /* the later one counts */
            return before;
        }
    }
    return index;
}

static bool has_prefix(gw_str s, const char *prefix, size_t len)
{
    return s.len > len && memcmp(s.ptr, prefix, len) == 0;
}
#define STARTS(s, literal) has_prefix(s, literal, sizeof(literal) - 1)

static bool is_stripped(const struct dd_options *opt, gw_str key)
{
    for (size_t i = 0; i < opt->strip.n; i++) {
        gw_str item = opt->strip.items[i];
        bool open = item.len && item.ptr[item.len - 1] == '*';
        if (open ? gw_str_starts(key, gw_str_n(item.ptr, item.len - 1)) : gw_str_eq(key, item))
            return true;
    }
    return false;
}

/* Returns the attribute's key for a header tag; empty for other tags. */
static gw_str header_key(struct gw_arena *arena, gw_str key)
{
    size_t head = STARTS(key, "http.request.headers.") ? 21 : STARTS(key, "http.response.headers.") ? 22 : 0;
    char *name = head ? gw_arena_raw(arena, key.len - 1, 1) : NULL;
    if (!name)
        return GW_NOSTR;
    memcpy(name, key.ptr, head - 2);
    name[head - 2] = '.';
    for (size_t i = head; i < key.len; i++)
        name[i - 1] = gw_lower(key.ptr[i]);
    return gw_str_n(name, key.len - 1);
}

/* Returns whether there is, or will be, an attribute with this key: the user's own, or that of a header in
 * other letter case. */
static bool header_taken(const struct dd_writer *w, gw_str key)
{
    const struct dd_span *s = w->f.span;
    for (const struct dd_header *h = w->f.headers; h; h = h->next)
        if (gw_str_eq(h->key, key))
            return true;
    for (size_t i = 0; i < s->meta_n + s->metrics_n + s->meta_struct_n; i++)
        if (gw_str_eq(key_at(s, i), key))
            return true;
    unsigned name = dd_name_of(key, dd_hash(key));
    return name != DD_UNKNOWN && (dd_has(&w->f, name) || dd_has(&w->f, DD_T_HTTP_REFERER_TAG));
}

/* http.request.headers.X-Y becomes http.request.header.x-y: an array of one text. */
static bool add_header(struct dd_writer *w, const struct dd_text *t)
{
    gw_str name = w->headers_n < MAX_HEADERS ? header_key(w->f.arena, t->key) : GW_NOSTR;
    struct dd_header *h = name.len && !header_taken(w, name) ? gw_arena_raw(w->f.arena, 1, sizeof *h) : NULL;
    if (!h)
        return false;
    *h = (struct dd_header){name, t->value, w->f.headers};
    w->f.headers = h;
    w->headers_n++;
    return true;
}

/* Adds header tags that do not occur twice and are not stripped. */
static void add_headers(struct dd_writer *w)
{
    const struct dd_span *s = w->f.span;
    for (size_t i = 0; i < s->meta_n; i++)
        if (w->keys[i].name == DD_HEADER && !add_header(w, &s->meta[i]))
            w->keys[i].name = DD_UNKNOWN;
}

static void set_tag(struct dd_fields *f, unsigned name, struct dd_said said)
{
    f->value[name] = said;
    f->seen[name / 64] |= (uint64_t)1 << (name % 64);
}

/* OTLP does not allow empty keys. Such a tag is dropped and counted, in whichever map it is. */
static void drop_if_empty(struct dd_writer *w, gw_str key, size_t index)
{
    if (__builtin_expect(key.len, 1))
        return;
    w->keys[index].name = DD_DEAD;
    w->empty_keys++;
}

static void note_key(struct dd_writer *w, const struct twins *twins, size_t index)
{
    size_t before = earlier_entry(twins, w->f.span, index, w->keys[index].hash);
    if (before != index)
        w->keys[before].name = DD_DEAD;
}

static void load_text(struct dd_writer *w, const struct twins *twins, size_t i, bool *some_headers)
{
    struct dd_fields *f = &w->f;
    const struct dd_text *t = &f->span->meta[i];
    struct dd_key *key = &w->keys[i];
    if (key->name < DD_NAMES) {
        set_tag(f, key->name, (struct dd_said){.text = t->value});
        return;
    }
    note_key(w, twins, i);
    drop_if_empty(w, t->key, i);
    w->rest[w->rest_n++] = (uint32_t)i;
    if (STARTS(t->key, "http.re")) {
        key->name = DD_HEADER;
        *some_headers = true;
    }
}

static void load_number(struct dd_writer *w, const struct twins *twins, size_t i)
{
    const struct dd_span *span = w->f.span;
    size_t index = span->meta_n + i;
    struct dd_key *key = &w->keys[index];
    if (key->name < DD_NAMES) {
        set_tag(&w->f, key->name, (struct dd_said){.number = &span->metrics[i]});
        return;
    }
    note_key(w, twins, index);
    drop_if_empty(w, span->metrics[i].key, index);
    w->rest[w->rest_n++] = (uint32_t)index;
}

/* If a structure has the same key as a tag, it replaces the tag, unless the tag has a meaning of its own. */
static void load_struct(struct dd_writer *w, const struct twins *twins, size_t i)
{
    const struct dd_span *s = w->f.span;
    size_t index = s->meta_n + s->metrics_n + i;
    uint64_t hash = dd_hash(s->meta_struct[i].key);
    unsigned name = dd_name_of(s->meta_struct[i].key, hash);
    w->keys[index] =
        (struct dd_key){(uint32_t)hash, (uint16_t)(name < DD_NAMES && dd_has(&w->f, name) ? DD_DEAD : name)};
    note_key(w, twins, index);
    drop_if_empty(w, s->meta_struct[i].key, index);
}

/* Applies the options strip and promote. They are rarely set, so this is a second pass over the keys. */
static void apply_options(struct dd_writer *w)
{
    const struct dd_span *s = w->f.span;
    for (size_t i = 0; i < s->meta_n + s->metrics_n + s->meta_struct_n; i++) {
        gw_str text = key_at(s, i);
        struct dd_key *key = &w->keys[i];
        bool promoted = dd_is_among(text, w->opt->promote.items, w->opt->promote.n);
        if (promoted && key->name < DD_NAMES)
            dd_use(&w->f, key->name);
        else if (promoted && (key->name == DD_UNKNOWN || key->name == DD_HEADER))
            key->name = DD_PROMOTED;
        if (!is_stripped(w->opt, text))
            continue;
        if (key->name < DD_NAMES)
            w->f.seen[key->name / 64] &= ~((uint64_t)1 << (key->name % 64));
        key->name = DD_DEAD;
    }
}

bool dd_load(struct dd_writer *w, const struct dd_span *s, struct dd_key *keys, struct gw_arena *arena)
{
    struct twins twins;
    struct dd_fields *f = &w->f;
    bool some_headers = false;
    f->span = s;
    f->arena = arena;
    f->name = GW_NOSTR;
    f->resource = s->resource;
    f->headers = NULL;
    f->by_parent = false;
    w->headers_n = 0;
    memset(f->seen, 0, offsetof(struct dd_fields, value) - offsetof(struct dd_fields, seen));
    w->keys = keys;
    w->events.len = w->sent_events.len = w->links.len = 0;
    w->events.repaired = w->links.repaired = 0;
    w->rest = gw_arena_raw(arena, s->meta_n + s->metrics_n, sizeof *w->rest);
    w->rest_n = 0;
    if (!w->rest || !twins_open(w, s->meta_n + s->metrics_n + s->meta_struct_n, arena, &twins))
        return false;
    for (size_t i = 0; i < s->meta_n; i++)
        load_text(w, &twins, i, &some_headers);
    for (size_t i = 0; i < s->metrics_n; i++)
        load_number(w, &twins, i);
    for (size_t i = 0; i < s->meta_struct_n; i++)
        load_struct(w, &twins, i);
    if (w->opt->strip.n || w->opt->promote.n)
        apply_options(w);
    if (some_headers)
        add_headers(w);
    return !arena->spent;
}
