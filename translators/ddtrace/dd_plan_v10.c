/* Plans of v1.0. Texts are numbers, which are valid only in their body; but within a body the same bytes
 * always mean the same attributes. So the first span of a kind in a body is decoded. If its plan fits, the
 * bytes of its attributes are kept as views: runs that must be equal, and between them the values that may
 * differ. A span with the same bytes is recognized without decoding (dd_plan.h). Only bytes without a new
 * text are kept, because a new text is replaced by a number in later spans.
 *
 * The state is in the plan, for one request. Called by dd_v10.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_plan.h"
#include "translators/ddtrace/dd_v10.h"

/* Attempts per plan and body: the attributes of one kind of span may be encoded in several forms. */
enum { MAX_TRIES = 4 };

/* Compares addresses, because a body has each text once. A text that occurs twice costs one plan. */
static inline bool same_view(gw_str a, gw_str b)
{
    return a.ptr == b.ptr && a.len == b.len;
}

/* ---- a span by its plan ---- */

static inline bool take_bytes(struct dd_msgpack *in, gw_str run)
{
    const char *p = run.ptr, *q = (const char *)in->at;
    size_t left = run.len, room = (size_t)(in->end - in->at);
    if (room < left + OTLP_WIDER) {
        if (room < left || memcmp(p, q, left) != 0)
            return false;
    } else { /* the run is also a view of the body and ends before `in` */
        for (; left > OTLP_WIDER; left -= OTLP_WIDER, p += OTLP_WIDER, q += OTLP_WIDER)
            if (!otlp_same_wider(p, q, OTLP_WIDER))
                return false;
        if (!otlp_same_wider(p, q, left))
            return false;
    }
    in->at += run.len;
    return true;
}

static inline bool take_number(struct dd_decoder *d, struct dd_number *n)
{
    union dd_number_value v = {0};
    bool good = dd_msgpack_number(&d->in, &n->kind, &v) == DD_TAKEN;
    n->u = v.u;
    return good;
}

static inline bool take_text(struct dd_decoder *d, enum dd_demand demand, gw_str *value)
{
    uint64_t upper, lower;
    bool truth;
    if (d->in.at[-1] == DD_V10_BOOL) { /* the type before the value, where a run ended */
        bool good = dd_msgpack_bool(&d->in, &truth) == DD_TAKEN;
        *value = good ? dd_spread_bools[truth] : GW_NOSTR;
        return good;
    }
    if (dd_v10_text(d, value))
        return false;
    return demand == DD_ITS_UPPER ? gw_str_hex64(*value, &upper)
                                  : demand != DD_ITS_TRACE || dd_hex128(*value, &upper, &lower);
}

/* Reads the value of an entry that may differ. */
static inline bool take_value(struct dd_decoder *d, const struct dd_plan *plan, struct dd_span *s,
                              size_t entry)
{
    return entry < plan->meta_n ? take_text(d, plan->entries[entry].demand, &s->meta[entry].value)
                                : take_number(d, &s->metrics[entry - plan->meta_n]);
}

static bool take_attributes(struct dd_decoder *d, const struct dd_plan *plan, struct dd_span *s)
{
    for (const struct dd_run *run = plan->v10.runs;; run++) {
        if (!take_bytes(&d->in, run->bytes))
            return false;
        if (run->entry == DD_PLAN_ENTRIES)
            return true;
        if (!take_value(d, plan, s, run->entry))
            return false;
    }
}

/* Fills in all entries as the plan expects them. */
static bool fill_in(struct dd_decoder *d, const struct dd_plan *plan, struct dd_span *s)
{
    const struct dd_expected *e = plan->entries;
    s->meta = gw_arena_raw(d->arena, plan->v10.meta_n + DD_PROMOTEDS, sizeof *s->meta);
    s->metrics = gw_arena_raw(d->arena, plan->metrics_n + (size_t)1, sizeof *s->metrics);
    if (!s->meta || !s->metrics)
        return false;
    for (size_t i = 0; i < plan->v10.meta_n; i++)
        s->meta[i] = (struct dd_text){e[i].key, e[i].text};
    e += plan->meta_n;
    for (size_t i = 0; i < plan->metrics_n; i++)
        s->metrics[i] = (struct dd_number){.key = e[i].key, .kind = e[i].number.kind, .u = e[i].number.bits};
    s->meta_n = plan->v10.meta_n;
    s->metrics_n = plan->metrics_n;
    return true;
}

struct dd_plan *dd_plan_v10(struct dd_decoder *d, struct dd_span *s)
{
    struct dd_plans *p = d->plans;
    uint64_t hash = dd_plan_hash(s);
    const uint8_t *start = d->in.at;
    struct dd_plan **ways = p->ways[hash % DD_PLAN_SETS];
    for (size_t i = 0; i < DD_PLAN_WAYS; i++) {
        struct dd_plan *plan = ways[i];
        if (!plan || plan->hash != hash || plan->v10.in != p->request || !plan->v10.runs ||
            !same_view(plan->v10.names[0], s->service) || !same_view(plan->v10.names[1], s->name) ||
            !same_view(plan->v10.names[2], s->resource))
            continue;
        if (fill_in(d, plan, s) && take_attributes(d, plan, s)) {
            plan->used_in = p->chunk;
            return plan;
        }
        d->in.at = start;
        d->texts.outside = false;
    }
    s->meta_n = s->metrics_n = 0;
    return NULL;
}

bool dd_plan_v10_settled(const struct dd_plan *plan, const struct dd_span *s,
                         const gw_str promoted[DD_PROMOTEDS])
{
    for (size_t i = 0; i < DD_PROMOTEDS; i++)
        if (!same_view(plan->v10.promoted[i], promoted[i]))
            return false;
    return same_view(plan->v10.names[3], s->type) && dd_plan_plain(s);
}

/* ---- the bytes of one that fits ---- */

/* Finds the positions of the entries while the attributes are walked. */
struct walk {
    struct dd_msgpack in;
    const struct dd_plan *plan;
    struct dd_run *runs;
    const uint8_t *from; /* start of the open run */
    size_t runs_n, texts, numbers;
};

static void end_run(struct walk *w, size_t entry)
{
    w->runs[w->runs_n++] =
        (struct dd_run){gw_str_n((const char *)w->from, (size_t)(w->in.at - w->from)), (uint16_t)entry};
}

/* Returns whether the text is a number. A new text would be a number the next time. */
static bool is_number_of_text(const struct dd_msgpack *in)
{
    return dd_msgpack_kind(in) == DD_INTEGER;
}

static bool walk_attribute(struct walk *w)
{
    if (!is_number_of_text(&w->in) || dd_msgpack_skip(&w->in) || w->in.at == w->in.end)
        return false;
    unsigned type = *w->in.at++;
    bool is_number = type == DD_V10_DOUBLE || type == DD_V10_INT;
    if (!is_number && type != DD_V10_TEXT && type != DD_V10_BOOL)
        return false;
    size_t entry = is_number ? w->plan->meta_n + w->numbers++ : w->texts++;
    if (entry >= w->plan->meta_n + (is_number ? w->plan->metrics_n : 0u))
        return false;
    bool open = w->plan->entries[entry].demand != DD_EQUAL;
    if (type == DD_V10_TEXT && !open && !is_number_of_text(&w->in))
        return false;
    if (open)
        end_run(w, entry);
    if (dd_msgpack_skip(&w->in))
        return false;
    if (open)
        w->from = w->in.at;
    return true;
}

/* Keeps the tags that were made from fields; they follow the first n of meta. Returns false if other tags follow
 * or if one of the first n has such a name. */
static bool keep_promoted(struct dd_plan_v10 *v, const struct dd_span *s, size_t n)
{
    size_t at = n;
    v->meta_n = n;
    for (size_t i = 0; i < DD_PROMOTEDS; i++) {
        bool is = at < s->meta_n && s->meta[at].key.ptr == dd_spread_promoted[i].ptr;
        v->promoted[i] = is ? s->meta[at++].value : GW_NOSTR;
        for (size_t k = 0; k < n; k++)
            if (gw_str_eq(s->meta[k].key, dd_spread_promoted[i]))
                return false;
    }
    return at == s->meta_n;
}

static bool learn(struct walk *w, const struct dd_span *s, struct dd_plan_v10 *v)
{
    uint32_t n = 0;
    dd_msgpack_init(&w->in, s->attributes_raw, DD_MAX_ELEMENTS);
    w->from = w->in.at;
    if (dd_msgpack_array(&w->in, &n))
        return false;
    for (uint32_t i = 0; i < n / 3; i++)
        if (!walk_attribute(w))
            return false;
    end_run(w, DD_PLAN_ENTRIES);
    return w->numbers == s->metrics_n && w->texts <= s->meta_n && keep_promoted(v, s, w->texts);
}

static void learn_plan(const struct dd_plans *p, struct dd_plan *plan, const struct dd_span *s)
{
    struct dd_plan_v10 *v = &plan->v10;
    struct dd_run *runs = v->runs;
    size_t open = 1;
    if (v->in == p->request && v->tries == MAX_TRIES)
        return;
    for (size_t i = 0; i < plan->meta_n + plan->metrics_n; i++)
        open += plan->entries[i].demand != DD_EQUAL;
    if (!runs && !(runs = dd_plan_room(plan, open * sizeof *runs)))
        return;
    *v = (struct dd_plan_v10){.in = p->request,
                              .runs = runs,
                              .tries = v->in == p->request ? v->tries + 1 : 1,
                              .names = {s->service, s->name, s->resource, s->type}};
    struct walk w = {.plan = plan, .runs = runs};
    if (!learn(&w, s, v))
        v->names[0] = gw_str_n("", 1); /* matches no service */
}

struct dd_plan *dd_plan_v10_find(struct dd_plans *p, const struct dd_span *s)
{
    struct dd_plan *plan = dd_plan_plain(s) ? dd_plan_find(p, s, dd_plan_hash(s)) : NULL;
    if (plan)
        learn_plan(p, plan, s);
    return plan;
}
