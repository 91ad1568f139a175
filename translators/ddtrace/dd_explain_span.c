/* Explains one span: runs the experiments, and reads from their effects what each part that was sent comes from, and what became
 * of each part that was received.
 *
 *     effects[source][item]     1 the item goes or changes without the source     2 its value changes with the source's value
 *
 * An item comes from the sources that carry its value; where none does (a kind, a flag), from those without which it would be another
 * one. Where no single one is needed, because two say the same, all tags of its row are taken away together; then all
 * but one are, to see which suffice; then those that other spans of the request may say for all.
 *
 * Keeps no state. Called through dd_explain_span.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_explain_run.h"
#include "translators/ddtrace/dd_explain_words.h"
#include "translators/ddtrace/dd_names.h"

enum { TAKEN = 1, CARRIED = 2, ORIGIN = 4, OF_OTHERS = 8, GONE = 16 };
enum { MOST_FROM = 8, MOST_TO = 16, MOST_VARIATIONS = 12, SHARED_MAX = 128 };

/* What was sent in one schema, and what the experiments did to it. */
struct base {
    enum gw_attribute_schema schema;
    struct dd_sent sent;
    uint8_t *effects; /* of each source on each item */
    uint8_t *others;  /* of each item: OF_OTHERS, HOST */
    gw_str *shared;   /* of each item: the tag of other spans that it comes from */
};

struct study {
    struct dd_explain *x;
    const struct dd_explain_row *row;
    struct gw_arena *arena;
    struct dd_source_list wire, safe;
    struct dd_sent shown; /* with Datadog's tags, by the options for received values */
    struct base bases[GW_ATTRIBUTE_SCHEMAS];
    size_t bases_n;
    struct dd_held narrow, chunk; /* of the span's chunk */
    const struct dd_held *held;   /* what suffices of it; NULL: the whole request is needed */
    struct facts {
        bool decides, says_same, not_tried;
    } * facts; /* of each source */
    bool in_part;
};

static uint8_t *effect(const struct base *b, size_t source, size_t item)
{
    return &b->effects[source * b->sent.n + item];
}

static unsigned schemas_of(const struct study *s)
{
    return s->x->in.env->schemas;
}

static bool is_tag(const struct dd_explain_source *src)
{
    return src->section >= DD_OF_META;
}

/* --- the span as it is --- */

static bool same_bytes(const struct dd_sent *a, const struct dd_sent *b)
{
    return gw_str_eq(a->span, b->span) && gw_str_eq(a->scope, b->scope) &&
           gw_str_eq(a->resource, b->resource);
}

static void keep_base(struct study *s, struct base *b, const struct dd_sent *found)
{
    b->sent = (struct dd_sent){.span = gw_arena_dup(s->arena, found->span),
                               .scope = gw_arena_dup(s->arena, found->scope),
                               .resource = gw_arena_dup(s->arena, found->resource)};
    dd_sent_list(s->arena, &b->sent);
}

/* All that was sent is the same without the rest of the request. */
static bool suffices(struct study *s, const struct dd_held *held)
{
    struct dd_explain_run run = {.row = s->row, .held = held, .schemas = schemas_of(s)};
    struct dd_sent found;
    bool same = held->chunk.n && dd_explain_run(s->x, &run);
    for (size_t i = 0; i < s->bases_n && same; i++)
        same = dd_explain_sent(s->x, s->row, s->bases[i].schema, &found) &&
               same_bytes(&s->bases[i].sent, &found);
    return same;
}

static bool find_bases(struct study *s)
{
    struct dd_explain_run run = {.row = s->row, .whole = true, .schemas = schemas_of(s)};
    struct dd_sent found;
    if (!dd_explain_run(s->x, &run))
        return false;
    for (int schema = 0; schema < GW_ATTRIBUTE_SCHEMAS; schema++) {
        struct base *b = &s->bases[s->bases_n];
        if (!(schemas_of(s) >> schema & 1) ||
            !dd_explain_sent(s->x, s->row, (enum gw_attribute_schema)schema, &found))
            continue;
        *b = (struct base){.schema = (enum gw_attribute_schema)schema};
        keep_base(s, b, &found);
        s->bases_n++;
    }
    s->held = suffices(s, &s->narrow) ? &s->narrow : suffices(s, &s->chunk) ? &s->chunk : NULL;
    return true;
}

static bool list_sources(struct study *s)
{
    struct dd_explain_run run = {.row = s->row,
                                 .shown = true,
                                 .wire = &s->wire,
                                 .safe = &s->safe,
                                 .hold = &s->chunk,
                                 .hold_narrow = &s->narrow};
    struct dd_sent found = {0};
    s->wire.arena = s->safe.arena = s->arena;
    if (!dd_explain_run(s->x, &run))
        return false;
    if (dd_explain_sent(s->x, s->row, GW_DATADOG, &found)) {
        struct base b;
        keep_base(s, &b, &found);
        s->shown = b.sent;
    }
    dd_sources_of_request(&s->wire, s->x->in.request);
    dd_sources_of_request(&s->safe, s->x->in.request);
    s->in_part = s->wire.more;
    return true;
}

static bool open_tables(struct study *s)
{
    s->facts = gw_new(s->arena, struct facts, s->wire.n + 1);
    for (size_t i = 0; i < s->bases_n; i++) {
        struct base *b = &s->bases[i];
        b->effects = gw_arena_array(s->arena, s->wire.n + 1, b->sent.n + 1);
        b->others = gw_arena_array(s->arena, b->sent.n + 1, 1);
        b->shared = gw_new(s->arena, gw_str, b->sent.n + 1);
    }
    return !s->arena->spent;
}

/* --- values as they are shown --- */

static bool has_twin(const struct study *s, size_t source)
{
    const struct dd_explain_source *a = &s->wire.list[source];
    for (size_t i = 0; i < s->wire.n; i++)
        if (i != source && is_tag(&s->wire.list[i]) && is_tag(a) && gw_str_eq(s->wire.list[i].name, a->name))
            return true;
    return false;
}

/* The value after the rules of privacy, as far as it stands where it stood. */
static gw_str safe_value(const struct study *s, const struct dd_explain_source *src)
{
    gw_str other = GW_STR("");
    for (size_t i = 0; i < s->safe.n; i++) {
        const struct dd_explain_source *a = &s->safe.list[i];
        if (a->section == src->section && a->index == src->index && a->kind == src->kind &&
            gw_str_eq(a->name, src->name))
            return a->value;
        if (is_tag(a) && is_tag(src) && gw_str_eq(a->name, src->name))
            other = a->value;
    }
    return other;
}

static gw_str item_value(const struct dd_sent *sent, gw_str name)
{
    const struct dd_explained_item *item = dd_sent_item(sent, DD_AT_SPAN, name, 0);
    return item ? item->value : GW_NOSTR;
}

/* Of a name that comes twice: with the other one away. */
static gw_str alone_value(struct study *s, const struct dd_explain_source *src)
{
    struct dd_explain_run run = {.row = s->row, .shown = true, .alone = src};
    struct dd_sent found;
    if (!dd_explain_run(s->x, &run) || !dd_explain_sent(s->x, s->row, GW_DATADOG, &found))
        return GW_STR("");
    dd_sent_list(&s->x->scratch, &found);
    return gw_arena_dup(s->arena, item_value(&found, src->name));
}

static gw_str shown_value(struct study *s, size_t source)
{
    const struct dd_explain_source *src = &s->wire.list[source];
    gw_str value = GW_NOSTR;
    if (is_tag(src) && dd_explain_stripped(s->x->in.options, src->name))
        return dd_sent_text(s->arena, GW_STR("?"));
    if (is_tag(src) && has_twin(s, source))
        return alone_value(s, src);
    if (is_tag(src))
        value = item_value(&s->shown, src->name);
    else if (src->kind == DD_SRC_RESOURCE)
        value = item_value(&s->shown, GW_STR("resource.name"));
    return value.ptr ? value : safe_value(s, src);
}

/* --- experiments --- */

static bool may_go_on(struct study *s)
{
    bool may = s->x->work < DD_EXPLAIN_WORK && !s->arena->spent;
    s->in_part |= !may;
    return may;
}

/* What is compared with what was sent. */
struct difference {
    struct study *s;
    struct base *b;
    size_t source;
    unsigned variation;
    gw_str shared;
};

typedef void note_f(const struct difference *, size_t item, bool gone);

/* Calls `note` with each item that is not as it was. False when the span itself is not there. */
static bool compare(const struct difference *d, note_f *note)
{
    struct base *b = d->b;
    struct dd_sent now;
    if (!dd_explain_sent(d->s->x, d->s->row, b->schema, &now))
        return false;
    if (same_bytes(&now, &b->sent))
        return true;
    dd_sent_list(&d->s->x->scratch, &now);
    for (size_t i = 0, next = 0; i < b->sent.n; i++) { /* mostly they are in the same order */
        const struct dd_explained_item *was = &b->sent.items[i],
                                       *is = dd_sent_item(&now, was->place, was->name, next);
        next = is ? (size_t)(is - now.items) + 1 : next;
        if (!is || !gw_str_eq(is->value, was->value))
            note(d, i, !is);
    }
    if (d->variation && d->source < d->s->wire.n && is_tag(&d->s->wire.list[d->source])) {
        gw_str name = d->s->wire.list[d->source].name;
        d->s->facts[d->source].says_same |= item_value(&now, name).ptr && !item_value(&b->sent, name).ptr;
    }
    return true;
}

static void note_effect(const struct difference *d, size_t item, bool gone)
{
    uint8_t *e = effect(d->b, d->source, item);
    *e |= d->variation == 0 ? TAKEN : gone ? GONE : CARRIED;
}

/* The tag just stays, and nothing else that was sent needs it: no other value of it tells more. */
static bool only_stays(const struct study *s, size_t source)
{
    const struct dd_explain_source *src = &s->wire.list[source];
    bool own = false;
    if (!is_tag(src) || s->facts[source].decides)
        return false;
    for (size_t b = 0; b < s->bases_n; b++)
        for (size_t i = 0; i < s->bases[b].sent.n; i++) {
            const struct dd_explained_item *item = &s->bases[b].sent.items[i];
            if (!(*effect(&s->bases[b], source, i) & TAKEN))
                continue;
            if (item->place != DD_AT_SPAN || !gw_str_eq(item->name, src->name))
                return false;
            own = true;
        }
    return own;
}

static void try_source(struct study *s, size_t source)
{
    for (unsigned v = 0; v < MOST_VARIATIONS; v++) {
        struct dd_explain_run run = {.row = s->row,
                                     .whole = true,
                                     .held = s->held,
                                     .source = &s->wire.list[source],
                                     .variation = v,
                                     .schemas = schemas_of(s)};
        if (!may_go_on(s)) {
            s->facts[source].not_tried |= v == 0;
            return;
        }
        if (!dd_explain_run(s->x, &run) || !run.varied)
            return;
        for (size_t i = 0; i < s->bases_n; i++) {
            const struct difference d = {s, &s->bases[i], source, v, GW_NOSTR};
            s->facts[source].decides |= !compare(&d, note_effect);
        }
        if (v == 0 && only_stays(s, source))
            return;
    }
}

/* --- origins --- */

static void mark_origins(struct base *b, size_t sources, size_t item, unsigned bit)
{
    for (size_t i = 0; i < sources; i++)
        if (*effect(b, i, item) & bit)
            *effect(b, i, item) |= ORIGIN;
}

static bool has_origin(const struct base *b, size_t sources, size_t item)
{
    bool some = b->shared[item].len > 0;
    for (size_t i = 0; i < sources && !some; i++)
        some = *effect(b, i, item) & ORIGIN;
    return some;
}

/* A tag that stays is its own origin, whatever else lets it stay. */
static bool mark_own_name(struct study *s, struct base *b, size_t item)
{
    const struct dd_explained_item *it = &b->sent.items[item];
    for (size_t i = 0; i < s->wire.n; i++)
        if (it->place == DD_AT_SPAN && gw_str_eq(s->wire.list[i].name, it->name) &&
            is_tag(&s->wire.list[i]) && *effect(b, i, item) & TAKEN) {
            *effect(b, i, item) |= ORIGIN;
            return true;
        }
    return false;
}

static void find_origins(struct study *s, struct base *b)
{
    for (size_t item = 0; item < b->sent.n; item++) {
        if (mark_own_name(s, b, item))
            continue;
        mark_origins(b, s->wire.n, item, CARRIED);
        if (!has_origin(b, s->wire.n, item))
            mark_origins(b, s->wire.n, item, TAKEN);
    }
}

/* Ids say themselves what they become: an experiment could not find the span again. */
static bool says_itself(const struct dd_explain_source *src, gw_str item)
{
    return src->kind == DD_SRC_TRACE_ID  ? gw_str_eq(item, GW_STR("traceId"))
           : src->kind == DD_SRC_SPAN_ID ? gw_str_eq(item, GW_STR("spanId"))
                                         : false;
}

/* And a kind that the tag says is what it is without the tag, where it is the usual one. */
static void mark_fields(struct study *s, struct base *b)
{
    for (size_t item = 0; item < b->sent.n; item++)
        for (size_t i = 0; i < s->wire.n; i++) {
            const struct dd_explain_source *src = &s->wire.list[i];
            gw_str name = b->sent.items[item].name;
            bool kind =
                is_tag(src) && gw_str_eq(name, GW_STR("kind")) && gw_str_eq(src->name, GW_STR("span.kind"));
            if (b->sent.items[item].place == DD_AT_FIELD && (kind || says_itself(src, name)))
                *effect(b, i, item) |= ORIGIN;
        }
}

/* --- where no single source is needed --- */

/* Nothing is to be found of an id but its upper half, where it has one. */
static bool is_open(const struct study *s, const struct base *b, size_t item)
{
    const struct dd_explained_item *it = &b->sent.items[item];
    bool id = it->place == DD_AT_FIELD && (gw_str_eq(it->name, GW_STR("spanId")) ||
                                           (gw_str_eq(it->name, GW_STR("traceId")) && it->value.len > 18 &&
                                            memcmp(it->value.ptr + 2, "0000000000000000", 16) == 0));
    return !id && !has_origin(b, s->wire.n, item);
}

static bool all_explained(const struct study *s)
{
    for (size_t b = 0; b < s->bases_n; b++)
        for (size_t i = 0; i < s->bases[b].sent.n; i++)
            if (is_open(s, &s->bases[b], i))
                return false;
    return true;
}

/* The number of the attribute that a tag becomes, or that it is called as. */
static unsigned attribute_of(gw_str name)
{
    unsigned number = dd_name_of(name, dd_hash(name));
    return number < DD_ATTRS ? number : number < DD_NAMES ? dd_names[number].to : DD_A_NONE;
}

static void credit_group(const struct difference *d, size_t item, bool gone)
{
    struct base *b = d->b;
    unsigned attr = attribute_of(b->sent.items[item].name);
    if (attr == DD_A_NONE || has_origin(b, d->s->wire.n, item))
        return;
    for (size_t i = 0; i < d->s->wire.n; i++)
        if (is_tag(&d->s->wire.list[i]) && attribute_of(d->s->wire.list[i].name) == attr)
            *effect(b, i, item) |= ORIGIN;
}

/* All tags of one row's attribute away at once. */
static void try_group(struct study *s, gw_str attribute)
{
    gw_str names[MOST_TO];
    size_t n = 0;
    unsigned attr = attribute_of(attribute);
    for (size_t i = 0; i < s->wire.n && n < MOST_TO && attr != DD_A_NONE; i++)
        if (is_tag(&s->wire.list[i]) && attribute_of(s->wire.list[i].name) == attr)
            names[n++] = s->wire.list[i].name;
    struct dd_explain_run run = {.row = s->row,
                                 .whole = true,
                                 .held = s->held,
                                 .names = names,
                                 .names_n = n,
                                 .schemas = schemas_of(s)};
    if (n < 2 || !may_go_on(s) || !dd_explain_run(s->x, &run))
        return;
    for (size_t i = 0; i < s->bases_n; i++) {
        const struct difference d = {.s = s, .b = &s->bases[i], .source = s->wire.n};
        (void)compare(&d, credit_group);
    }
}

static void try_groups(struct study *s)
{
    for (size_t b = 0; b < s->bases_n; b++)
        for (size_t i = 0; i < s->bases[b].sent.n; i++)
            if (is_open(s, &s->bases[b], i))
                try_group(s, s->bases[b].sent.items[i].name);
}

static void note_missing(const struct difference *d, size_t item, bool gone)
{
    d->b->others[item] |= GONE;
}

/* Runs, and notes in `others` which items are other ones then. False when the span is not there, or work is out. */
static bool note_all_missing(struct study *s, struct dd_explain_run *run)
{
    run->row = s->row;
    run->schemas = schemas_of(s);
    bool good = may_go_on(s) && dd_explain_run(s->x, run);
    for (size_t i = 0; i < s->bases_n && good; i++) {
        struct base *b = &s->bases[i];
        const struct difference d = {.s = s, .b = b, .source = s->wire.n};
        if (b->sent.n)
            memset(b->others, 0, b->sent.n);
        good = compare(&d, note_missing);
    }
    return good;
}

/* Where all sources of a sort are taken away but one: the items that are other ones when none is left. Those that the one brings back
 * come from it. */
struct alone {
    struct study *s;
    uint8_t *needs[GW_ATTRIBUTE_SCHEMAS];
    size_t n;
};

static bool open_alone(struct alone *a, struct study *s)
{
    *a = (struct alone){.s = s};
    for (size_t b = 0; b < s->bases_n; b++) {
        const struct base *base = &s->bases[b];
        a->needs[b] = gw_arena_array(s->arena, base->sent.n + 1, 1);
        for (size_t i = 0; i < base->sent.n && a->needs[b]; i++) {
            a->needs[b][i] = base->others[i] && is_open(s, base, i);
            a->n += a->needs[b][i];
        }
    }
    return a->n > 0 && !s->arena->spent;
}

/* After the run with this source alone; at wire.n the tag is another span's. */
static void credit_alone(struct alone *a, size_t source, gw_str shared)
{
    for (size_t b = 0; b < a->s->bases_n; b++)
        for (size_t i = 0; i < a->s->bases[b].sent.n; i++) {
            if (!a->needs[b][i] || a->s->bases[b].others[i])
                continue;
            if (source < a->s->wire.n)
                *effect(&a->s->bases[b], source, i) |= ORIGIN;
            else if (!has_origin(&a->s->bases[b], a->s->wire.n, i))
                a->s->bases[b].shared[i] = shared;
        }
}

/* No source has this name. */
static const struct dd_explain_source nothing = {.kind = DD_SRC_TRACE_ID, .name = GW_LIT("\x01")};

/* Of the span's own tags and texts. */
static void try_alone(struct study *s)
{
    struct dd_explain_run none = {.whole = true, .held = s->held, .only = &nothing};
    struct alone a;
    if (!note_all_missing(s, &none) || !open_alone(&a, s))
        return;
    for (size_t i = 0; i < s->wire.n; i++) {
        const struct dd_explain_source *src = &s->wire.list[i];
        bool candidate = is_tag(src) || (src->section == DD_OF_SPAN && src->kind != DD_SRC_SERVICE);
        struct dd_explain_run run = {.whole = true, .held = s->held, .only = src};
        if (candidate && note_all_missing(s, &run))
            credit_alone(&a, i, GW_NOSTR);
    }
}

/* Names of tags that one span says for others, without one of them. */
struct shared_names {
    gw_str list[SHARED_MAX];
    size_t n;
};

static struct shared_names without(const struct shared_names *all, gw_str name)
{
    struct shared_names some = {.n = 0};
    for (size_t i = 0; i < all->n; i++)
        if (!gw_str_eq(all->list[i], name))
            some.list[some.n++] = all->list[i];
    return some;
}

static bool run_said(struct study *s, const struct shared_names *names, const struct dd_explain_source *src)
{
    struct dd_explain_run run = {.whole = true,
                                 .held = s->held,
                                 .of_all = true,
                                 .names = names->list,
                                 .names_n = names->n,
                                 .said = src,
                                 .no_host = true};
    return note_all_missing(s, &run);
}

/* Of what the span, other spans, chunk, payload and headers say of the process and the trace. */
static void try_said(struct study *s, const struct shared_names *names)
{
    struct alone a;
    if (!run_said(s, names, &nothing) || !open_alone(&a, s))
        return;
    for (size_t i = 0; i < s->wire.n; i++) {
        const struct dd_explain_source *src = &s->wire.list[i];
        struct shared_names others = without(names, is_tag(src) ? src->name : GW_NOSTR);
        bool candidate = is_tag(src) ? others.n < names->n : src->section != DD_OF_SPAN;
        if (candidate && run_said(s, &others, is_tag(src) ? &nothing : src))
            credit_alone(&a, i, GW_NOSTR);
    }
    for (size_t i = 0; i < names->n && !all_explained(s); i++) {
        struct shared_names others = without(names, names->list[i]);
        if (run_said(s, &others, &nothing))
            credit_alone(&a, s->wire.n, names->list[i]);
    }
}

static void note_hit(const struct difference *d, size_t item, bool gone)
{
    d->b->others[item] |= is_open(d->s, d->b, item) ? OF_OTHERS : 0;
}

static void credit_shared(const struct difference *d, size_t item, bool gone)
{
    if (is_open(d->s, d->b, item))
        d->b->shared[item] = d->shared;
}

/* Takes these tags from all spans of the request: true when something changes that has no origin yet. */
static bool try_shared(struct study *s, const gw_str *names, size_t n)
{
    struct dd_explain_run run = {.row = s->row,
                                 .whole = true,
                                 .held = s->held,
                                 .names = names,
                                 .names_n = n,
                                 .of_all = true,
                                 .schemas = schemas_of(s)};
    bool hit = false;
    if (!may_go_on(s) || !dd_explain_run(s->x, &run))
        return false;
    for (size_t b = 0; b < s->bases_n; b++) {
        struct base *base = &s->bases[b];
        const struct difference d = {.s = s, .b = base, .source = s->wire.n, .shared = names[0]};
        if (base->sent.n)
            memset(base->others, 0, base->sent.n);
        (void)compare(&d, n > 1 ? note_hit : credit_shared);
        for (size_t i = 0; i < base->sent.n; i++)
            hit |= base->others[i] & OF_OTHERS;
    }
    return hit;
}

/* Half by half, so that it takes few runs where few matter. */
static void search_shared(struct study *s, const gw_str *names, size_t n)
{
    if (!n || !try_shared(s, names, n) || n == 1)
        return;
    search_shared(s, names, n / 2);
    search_shared(s, names + n / 2, n - n / 2);
}

/* Tags that one span says for all of its chunk, or its resource. */
static void try_others(struct study *s)
{
    struct shared_names names = {.n = 0};
    for (size_t i = 0; i < s->wire.n && names.n < SHARED_MAX / 4; i++)
        if (is_tag(&s->wire.list[i]) && gw_str_starts(s->wire.list[i].name, GW_STR("_dd.p.")))
            names.list[names.n++] = s->wire.list[i].name;
    for (unsigned i = DD_ATTRS; i < DD_NAMES && names.n < SHARED_MAX; i++)
        if (dd_names[i].when == DD_SPAN || dd_names[i].when == DD_RESOURCE || dd_names[i].when == DD_KEEP)
            names.list[names.n++] = dd_names[i].name;
    search_shared(s, names.list, names.n);
    if (!all_explained(s))
        try_said(s, &names);
}

static void note_host(const struct difference *d, size_t item, bool gone)
{
    d->b->others[item] |= GONE;
}

/* Last: `others` then says of each item whether this machine's name is in it. */
static void try_host(struct study *s)
{
    struct dd_explain_run run = {
        .row = s->row, .whole = true, .held = s->held, .no_host = true, .schemas = schemas_of(s)};
    if (!dd_explain_run(s->x, &run))
        return;
    for (size_t b = 0; b < s->bases_n; b++) {
        const struct difference d = {.s = s, .b = &s->bases[b], .source = s->wire.n};
        if (d.b->sent.n)
            memset(d.b->others, 0, d.b->sent.n);
        (void)compare(&d, note_host);
    }
}

/* --- the answer --- */

/* Own name, then the row's attribute, then others. */
static unsigned rank(const struct dd_explain_source *src, gw_str item)
{
    unsigned attr = attribute_of(item);
    return gw_str_eq(src->name, item)                             ? 0
           : attr != DD_A_NONE && attribute_of(src->name) == attr ? 1
           : is_tag(src)                                          ? 2
                                                                  : 3;
}

/* A tag that other spans say is the span's own, too, where it has it. */
static bool claim_shared(struct study *s, struct base *b, size_t item)
{
    bool own = false;
    for (size_t i = 0; i < s->wire.n && b->shared[item].len; i++)
        if (is_tag(&s->wire.list[i]) && gw_str_eq(s->wire.list[i].name, b->shared[item])) {
            *effect(b, i, item) |= ORIGIN;
            own = true;
        }
    return own;
}

static void fill_from(struct study *s, struct base *b, size_t item)
{
    struct dd_explained_item *to = &b->sent.items[item];
    struct dd_item_origin origin = {.host = b->others[item] & GONE, .of_others = claim_shared(s, b, item)};
    to->from = gw_new(s->arena, gw_str, MOST_FROM);
    for (unsigned r = 0; r < 4 && to->from; r++)
        for (size_t i = 0; i < s->wire.n && to->from_n < MOST_FROM; i++) {
            const struct dd_explain_source *src = &s->wire.list[i];
            if (!(*effect(b, i, item) & ORIGIN) || rank(src, to->name) != r)
                continue;
            if (!to->from_n) {
                origin.has_section = true;
                origin.section = src->section;
            }
            to->from[to->from_n++] = src->name;
        }
    if (to->from && !to->from_n && b->shared[item].len) {
        to->from[to->from_n++] = b->shared[item];
        origin.of_others = true;
    }
    dd_explain_item_words(s->arena, s->x->in.options, &origin, to);
}

static void fill_sent(struct study *s, struct dd_explained *out)
{
    for (size_t b = 0; b < s->bases_n; b++) {
        struct base *base = &s->bases[b];
        for (size_t i = 0; i < base->sent.n; i++)
            fill_from(s, base, i);
        out->sent[out->sent_n++] = (struct dd_explained_sent){.schema = base->schema,
                                                              .span = base->sent.span,
                                                              .scope = base->sent.scope,
                                                              .resource = base->sent.resource,
                                                              .items = base->sent.items,
                                                              .n = base->sent.n};
    }
}

/* What became of a source, by the places of what it is an origin of. */
static enum dd_explained_fate fate_of(const struct base *b, size_t source,
                                      const struct dd_explain_source *src)
{
    bool at[DD_AT_RESOURCE + 1] = {false}, own = false;
    for (size_t i = 0; i < b->sent.n; i++)
        if (*effect(b, source, i) & ORIGIN) {
            at[b->sent.items[i].place] = true;
            own |= b->sent.items[i].place == DD_AT_SPAN && gw_str_eq(b->sent.items[i].name, src->name);
        }
    return own                                  ? DD_FATE_KEPT
           : at[DD_AT_SPAN]                     ? DD_FATE_RENAMED
           : at[DD_AT_RESOURCE]                 ? DD_FATE_RESOURCE
           : at[DD_AT_EVENT] || at[DD_AT_LINK]  ? DD_FATE_EVENT
           : at[DD_AT_FIELD] || at[DD_AT_SCOPE] ? DD_FATE_FIELD
                                                : DD_FATE_LEFT_OUT;
}

/* An attribute of the own name first, then the one of the source's row, then other attributes, then other parts. */
static unsigned rank_of_item(const struct dd_explain_source *src, const struct dd_explained_item *item)
{
    unsigned r = rank(src, item->name);
    return item->place == DD_AT_SPAN ? (r < 2 ? r : 2) : 3;
}

static void fill_to(struct study *s, const struct base *b, size_t source, unsigned bits, gw_str *to,
                    size_t *n)
{
    for (unsigned r = 0; r < 4 && to; r++)
        for (size_t i = 0; i < b->sent.n && *n < MOST_TO; i++)
            if (*effect(b, source, i) & bits && rank_of_item(&s->wire.list[source], &b->sent.items[i]) == r)
                to[(*n)++] = b->sent.items[i].name;
}

/* The attribute of the tag's row was sent with this value, from something else. */
static bool says_value(const struct base *b, unsigned attr, gw_str value)
{
    for (size_t i = 0; i < b->sent.n && attr < DD_ATTRS; i++)
        if (gw_str_eq(b->sent.items[i].name, dd_names[attr].name) && gw_str_eq(b->sent.items[i].value, value))
            return true;
    return false;
}

static void fill_used(struct study *s, const struct base *b, size_t source, struct dd_explained_part *p,
                      struct dd_part_story *story)
{
    unsigned attr = attribute_of(p->name);
    gw_str *rest = gw_new(s->arena, gw_str, MOST_TO);
    fill_to(s, b, source, TAKEN | GONE | CARRIED, rest, &story->rest_n);
    story->rest = rest;
    story->says_same |= says_value(b, attr, s->wire.list[source].value);
    if (story->says_same && attr < DD_ATTRS && p->to)
        p->to[p->to_n++] = dd_names[attr].name;
    bool says_no = s->wire.list[source].kind == DD_SRC_ERROR || s->wire.list[source].kind == DD_SRC_PARENT_ID;
    if (story->decides || p->to_n || story->rest_n || says_no)
        p->fate = DD_FATE_USED;
}

static void fill_part(struct study *s, size_t source, gw_str not_sent, struct dd_explained_part *p)
{
    const struct dd_explain_source *src = &s->wire.list[source];
    const struct base *b = s->bases_n ? &s->bases[0] : NULL;
    struct dd_part_story story = {.decides = s->facts[source].decides,
                                  .says_same = s->facts[source].says_same,
                                  .not_tried = s->facts[source].not_tried,
                                  .not_sent = not_sent,
                                  .has_twin = has_twin(s, source)};
    *p = (struct dd_explained_part){.section = src->section,
                                    .name = src->name,
                                    .value = shown_value(s, source),
                                    .fate = b ? fate_of(b, source, src) : DD_FATE_LEFT_OUT,
                                    .to = gw_new(s->arena, gw_str, MOST_TO + 1)};
    if (b)
        fill_to(s, b, source, ORIGIN, p->to, &p->to_n);
    if (b && p->fate == DD_FATE_LEFT_OUT)
        fill_used(s, b, source, p, &story);
    dd_explain_part_words(s->arena, s->x->in.options, &story, p);
}

/* Why the ledger says that spans of the request were not taken. */
static gw_str reason_not_sent(struct study *s)
{
    struct dd_explain_run run = {.row = s->row, .schemas = schemas_of(s)};
    const char *reason = "the translator has no place for it";
    if (!dd_explain_run(s->x, &run))
        return gw_str_z(reason);
    for (int why = 0; why < GW_REASONS; why++)
        if (s->x->result.intake.not_taken[why])
            reason = gw_reason_label((enum gw_reason)why);
    return gw_str_z(reason);
}

static bool fill_received(struct study *s, struct dd_explained *out)
{
    out->received = gw_new(s->arena, struct dd_explained_part, s->wire.n + 1);
    for (size_t i = 0; i < s->wire.n && out->received; i++)
        fill_part(s, i, out->not_sent, &out->received[i]);
    out->received_n = out->received ? s->wire.n : 0;
    return !s->arena->spent;
}

static void experiment(struct study *s)
{
    for (size_t i = 0; i < s->wire.n; i++)
        try_source(s, i);
    for (size_t b = 0; b < s->bases_n; b++)
        find_origins(s, &s->bases[b]);
    if (!all_explained(s))
        try_groups(s);
    if (!all_explained(s))
        try_alone(s);
    if (!all_explained(s))
        try_others(s);
    for (size_t b = 0; b < s->bases_n; b++)
        mark_fields(s, &s->bases[b]);
    try_host(s);
}

bool dd_explain_span(struct dd_explain *x, size_t i, struct gw_arena *arena, struct dd_explained *out)
{
    struct study s = {.x = x, .row = &x->rows[i], .arena = arena};
    *out = (struct dd_explained){0};
    x->attempts = x->work = 0;
    gw_arena_reset(&x->held_arena, 1 << 20);
    if (!list_sources(&s) || !find_bases(&s) || !open_tables(&s))
        return false;
    if (s.bases_n)
        experiment(&s);
    else
        out->not_sent = reason_not_sent(&s);
    fill_sent(&s, out);
    out->in_part = s.in_part;
    bool good = fill_received(&s, out);
    out->attempts = x->attempts;
    return good;
}
