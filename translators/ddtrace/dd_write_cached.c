/* The cached path's writer: copies the bytes of an earlier span of the same kind and puts this span's own
 * values into the gaps (dd_plan.h).
 *
 * The state is the translator's struct dd_writer. Called by dd_export.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_put.h"
#include "translators/ddtrace/dd_semconv.h"
#include "translators/ddtrace/dd_url.h"
#include "translators/ddtrace/dd_write.h"

/* Copies bytes of a plan in moves of OTLP_WIDER: superfluous bytes are overwritten. */
static inline void put_planned(struct otlp_buf *w, gw_str bytes)
{
    if (!otlp_room(w, bytes.len + OTLP_WIDER))
        return;
    uint8_t *p = w->data + w->len;
    memcpy(p, bytes.ptr, OTLP_WIDER);
    for (size_t i = OTLP_WIDER; i < bytes.len; i += OTLP_WIDER)
        memcpy(p + i, bytes.ptr + i, OTLP_WIDER);
    otlp_end(w, p + bytes.len);
}

/* The parts of the span's URL. */
struct url_parts {
    gw_str full, path, query;
};

static bool url_fits(const struct dd_plan *plan, struct dd_fields *f, struct url_parts *parts)
{
    struct dd_url u;
    const struct dd_plan_url *want = &plan->url;
    gw_str raw = f->span->meta[plan->url_at].value;
    dd_url_split(raw, &u);
    if (!raw.len || u.absolute != want->absolute || u.port != want->port ||
        !dd_same(u.scheme, want->scheme) || !dd_same(u.host, want->host))
        return false;
    if (want->whole) {
        parts->full = f->obfuscate ? dd_url_redact(f->arena, raw) : raw;
        return parts->full.len;
    }
    parts->path = dd_url_path(&u);
    parts->query = f->obfuscate ? dd_url_redact_query(f->arena, u.query) : u.query;
    return want->path == !!parts->path.len && want->query == !!parts->query.len;
}

/* Checks that the query or command is the same as before after obfuscation, and differs from the resource,
 * which is then treated in the same way. */
static bool query_fits(const struct dd_plan *plan, struct dd_fields *f)
{
    gw_str raw = f->span->meta[plan->query_at].value;
    return !gw_str_eq(raw, f->span->resource) && gw_str_eq(dd_db_safe(f, plan->how, raw), plan->query);
}

static bool fill_text(struct otlp_buf *w, const struct dd_fields *f, const struct dd_gap *gap)
{
    gw_str text = f->span->meta[gap->entry].value;
    if (text.len)
        dd_put_text(w, &f->body, &dd_names[gap->attr], text);
    return text.len;
}

static bool fill_int(struct otlp_buf *w, const struct dd_fields *f, const struct dd_gap *gap)
{
    int64_t i = 0;
    const struct dd_span *s = f->span;
    bool whole = gap->entry < s->meta_n ? gw_str_i64(s->meta[gap->entry].value, &i)
                                        : dd_number_is_int(&s->metrics[gap->entry - s->meta_n], &i);
    bool usual = i > 0 && i <= 65535; /* valid for every attribute that has gaps */
    if (!whole || (!usual && !dd_int_fits(gap->attr, i)))
        return false;
    dd_put_number(w, &dd_names[gap->attr], (uint64_t)i, ANY_INT);
    return true;
}

static bool fill_gap(struct otlp_buf *w, const struct dd_fields *f, const struct url_parts *url,
                     const struct dd_gap *gap)
{
    switch (gap->kind) {
    case DD_GAP_TEXT:
        return fill_text(w, f, gap);
    case DD_GAP_INT:
        return fill_int(w, f, gap);
    case DD_GAP_REST:
        dd_put_rest(f->span, w, gap->entry);
        return true;
    case DD_GAP_URL:
        dd_put_text(w, &f->body, &dd_names[DD_A_URL_FULL], url->full);
        return true;
    case DD_GAP_PATH:
        dd_put_text(w, &f->body, &dd_names[DD_A_URL_PATH], url->path);
        return true;
    case DD_GAP_QUERY:
        dd_put_text(w, &f->body, &dd_names[DD_A_URL_QUERY], url->query);
        return true;
    case DD_GAP_END:
        return true;
    }
    return false;
}

static bool fill_gaps(struct otlp_buf *w, const struct dd_fields *f, const struct dd_plan *plan,
                      const struct url_parts *url)
{
    for (unsigned i = 0; i < plan->gaps_n; i++) {
        put_planned(w, plan->gaps[i].bytes);
        if (!fill_gap(w, f, url, &plan->gaps[i]))
            return false;
    }
    return true;
}

bool dd_write_cached(struct dd_writer *dw, const struct dd_scanned *c, const struct dd_plan *plan,
                     const struct dd_span *s, struct gw_arena *arena, struct otlp_buf *w, size_t *id_at)
{
    struct dd_fields *f = &dw->f;
    struct url_parts url = {0};
    size_t at = w->len, repaired = w->repaired;
    f->span = s;
    f->arena = arena;
    f->kind = (enum dd_span_kind)plan->kind;
    f->own_common = true;
    memset(f->seen, 0, sizeof f->seen);
    if ((plan->has_url && !url_fits(plan, f, &url)) || (plan->has_query && !query_fits(plan, f)))
        return false;
    size_t mark = otlp_open(w, SS_SPANS, 2);
    dd_put_ids(f, c, w);
    put_planned(w, plan->span_name);
    dd_put_times(f, w);
    dd_put_common(f, c, w, GW_OTEL);
    if (!fill_gaps(w, f, plan, &url)) {
        w->len = at;
        w->repaired = repaired;
        return false;
    }
    otlp_fixed32(w, SPAN_FLAGS, dd_sampled(f, c));
    otlp_close(w, mark, 2);
    *id_at = at + 1 + wire_varint_size(w->len - mark) + 2;
    return !w->failed;
}
