/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_write.h"

#include "translators/ddtrace/dd_events.h"
#include "translators/ddtrace/dd_semconv.h"
#include "translators/ddtrace/dd_struct.h"
#include "translators/ddtrace/dd_url.h"

#include <endian.h>

/* Field numbers of opentelemetry/proto/trace/v1/trace.proto. */
enum { SS_SPANS = 2 };
enum {
    SPAN_TRACE_ID = 1,
    SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_STATUS = 15,
    SPAN_FLAGS = 16
};
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3 };
enum { ANY_STRING = 1, ANY_BOOL = 2, ANY_INT = 3, ANY_DOUBLE = 4 };

enum { ATTRIBUTE_ROOM = 64 + 40 /* a head, and the tags and lengths around it */ };

void dd_writer_init(struct dd_writer *w, const struct dd_options *opt)
{
    memset(w, 0, sizeof *w);
    w->opt = opt;
    w->f.obfuscate = opt->obfuscate;
    w->f.memo = &w->memo;
    dd_memo_init(&w->memo);
}

void dd_writer_fini(struct dd_writer *w)
{
    dd_memo_fini(&w->memo);
    dd_plans_fini(&w->shapes.plans);
    otlp_fini(&w->events);
    otlp_fini(&w->links);
}

/* KeyValue of a known attribute up to its AnyValue's contents, which take any_size bytes. The room must be there. */
static inline uint8_t *put_head(struct otlp_buf *w, const struct dd_name_row *row, size_t any_size)
{
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_ATTRIBUTES << 3 | OTLP_LEN;
    p = otlp_put_varint(p, row->head_len + otlp_varint_size(any_size) + any_size);
    memcpy(p, row->head, 32); /* a fixed number of bytes is a few moves; what is too much is written over */
    if (__builtin_expect(row->head_len > 32, 0))
        memcpy(p + 32, row->head + 32, sizeof row->head - 32);
    return otlp_put_varint(p + row->head_len, any_size);
}

/* The usual attribute, all of whose lengths fit one byte. False, and nothing done, when it is another, or its text not ASCII. */
static inline bool put_short_text(struct otlp_buf *w, const struct otlp_region *body, const struct dd_name_row *row, gw_str text)
{
    size_t size = row->head_len + text.len + 5;
    if (size > 127)
        return false;
    uint8_t *p = w->data + w->len;
    p[0] = SPAN_ATTRIBUTES << 3 | OTLP_LEN;
    p[1] = (uint8_t)(size - 2);
    memcpy(p + 2, row->head, 32);
    if (__builtin_expect(row->head_len > 32, 0))
        memcpy(p + 34, row->head + 32, sizeof row->head - 32);
    p += 2 + row->head_len;
    p[0] = (uint8_t)(text.len + 2);
    p[1] = ANY_STRING << 3 | OTLP_LEN;
    p[2] = (uint8_t)text.len;
    bool ascii = otlp_may_read_wide(body, text) ? otlp_copy_wide(p + 3, text.ptr, text.len) : otlp_copy_ascii(p + 3, text);
    if (__builtin_expect(!ascii, 0))
        return false;
    otlp_end(w, p + 3 + text.len);
    return true;
}

static void put_text(struct otlp_buf *w, const struct otlp_region *body, const struct dd_name_row *row, gw_str text)
{
    if (!otlp_room(w, text.len + ATTRIBUTE_ROOM) || put_short_text(w, body, row, text))
        return;
    uint8_t *p = put_head(w, row, 1 + otlp_varint_size(text.len) + text.len);
    *p++ = ANY_STRING << 3 | OTLP_LEN;
    p = otlp_put_varint(p, text.len);
    if (__builtin_expect(otlp_copy_ascii(p, text), 1) || gw_utf8_valid(text))
        otlp_end(w, p + text.len);
    else
        otlp_attr_text(w, SPAN_ATTRIBUTES, row->name, text); /* the end has not moved */
}

static void put_number(struct otlp_buf *w, const struct dd_name_row *row, uint64_t varint, unsigned field)
{
    if (!otlp_room(w, ATTRIBUTE_ROOM))
        return;
    uint8_t *p = put_head(w, row, 1 + otlp_varint_size(varint));
    *p++ = (uint8_t)(field << 3 | OTLP_VARINT);
    otlp_end(w, otlp_put_varint(p, varint));
}

static void put_double(struct otlp_buf *w, const struct dd_name_row *row, double d)
{
    if (!otlp_room(w, ATTRIBUTE_ROOM))
        return;
    uint8_t *p = put_head(w, row, 9);
    *p++ = ANY_DOUBLE << 3 | OTLP_FIXED64;
    memcpy(p, &d, 8); /* little-endian, as the wire */
    otlp_end(w, p + 8);
}

static void put_out(struct otlp_buf *w, const struct dd_fields *f, unsigned attr)
{
    const struct dd_out *o = &f->out[attr];
    const struct dd_name_row *row = &dd_names[attr];
    switch ((enum dd_type)o->type) {
    case DD_TY_STR:
        put_text(w, &f->body, row, o->s);
        break;
    case DD_TY_INT:
        put_number(w, row, (uint64_t)o->i, ANY_INT);
        break;
    case DD_TY_DBL:
        put_double(w, row, o->d);
        break;
    case DD_TY_BOOL:
        put_number(w, row, o->b, ANY_BOOL);
        break;
    case DD_TY_ARR:
        otlp_attr_texts(w, SPAN_ATTRIBUTES, row->name, &o->s, 1);
        break;
    }
}

static inline void leave_trail(struct dd_trail *t, enum dd_source source, uint32_t number, size_t at)
{
    if (__builtin_expect(!t, 1))
        return;
    if (t->n < sizeof t->steps / sizeof *t->steps)
        t->steps[t->n] = (struct dd_step){source, number, at};
    t->n++;
}

/* Attributes of the conventions, or in mode datadog the span's own fields alone. */
static void write_out(const struct dd_writer *dw, struct otlp_buf *w, enum gw_rendering r)
{
    const struct dd_fields *f = &dw->f;
    for (unsigned word = 0; word < DD_ATTR_WORDS; word++)
        for (uint64_t bits = f->set[word]; bits; bits &= bits - 1) {
            unsigned attr = word * 64 + (unsigned)__builtin_ctzll(bits);
            uint8_t sure = f->out[attr].sure;
            leave_trail(dw->trail, DD_FROM_ATTR, attr, w->len);
            if (r == GW_OTEL || sure == DD_FIELD || (r == GW_BOTH && !dd_has(f, attr)))
                put_out(w, f, attr);
        }
}

static void write_headers(const struct dd_fields *f, struct otlp_buf *w)
{
    for (const struct dd_header *h = f->headers; h; h = h->next)
        otlp_attr_texts(w, SPAN_ATTRIBUTES, h->key, &h->value, 1);
}

static void write_number(struct otlp_buf *w, gw_str key, const struct dd_number *n)
{
    int64_t i;
    if (dd_number_is_int(n, &i))
        otlp_attr_int(w, SPAN_ATTRIBUTES, key, i);
    else
        otlp_attr_double(w, SPAN_ATTRIBUTES, key, dd_number_as_double(n));
}

/* The attributes among the names of a word. */
static uint64_t attributes(unsigned word)
{
    return word < DD_ATTRS / 64 ? ~(uint64_t)0 : ((uint64_t)1 << (DD_ATTRS % 64)) - 1;
}

static uint64_t own_fields(const struct dd_fields *f, unsigned word)
{
    uint64_t own = 0;
    for (uint64_t bits = f->set[word] & f->seen[word]; bits; bits &= bits - 1)
        if (f->out[word * 64 + (unsigned)__builtin_ctzll(bits)].sure == DD_FIELD)
            own |= bits & -bits;
    return own;
}

/* The known tags that are still to be written. */
static void left_over(const struct dd_fields *f, enum gw_rendering r, uint64_t *left)
{
    for (unsigned word = 0; word < DD_WORDS; word++) {
        left[word] = f->seen[word];
        if (r == GW_OTEL)
            left[word] &= ~f->used[word];
    }
    /* In mode otel all attributes are written as such; in the others those that the span itself says. */
    for (unsigned word = 0; word < DD_ATTR_WORDS; word++)
        left[word] &= ~(r == GW_OTEL ? attributes(word) : own_fields(f, word));
}

static bool as_is(unsigned name, enum gw_rendering r)
{
    return name == DD_UNKNOWN || (r != GW_OTEL && (name == DD_PROMOTED || name == DD_HEADER));
}

static void write_known(const struct dd_fields *f, struct otlp_buf *w, unsigned name)
{
    const struct dd_said *said = &f->value[name];
    if (said->number)
        write_number(w, dd_names[name].name, said->number);
    else
        put_text(w, &f->body, &dd_names[name], said->text);
}

/* A tag that the table does not know. */
static void write_rest(const struct dd_span *s, struct otlp_buf *w, uint32_t index)
{
    if (index < s->meta_n)
        otlp_attr_text(w, SPAN_ATTRIBUTES, s->meta[index].key, s->meta[index].value);
    else
        write_number(w, s->metrics[index - s->meta_n].key, &s->metrics[index - s->meta_n]);
}

/* The tracer's tags: those that the table knows, then the others in their order. */
static void write_tags(const struct dd_writer *dw, struct otlp_buf *w, enum gw_rendering r)
{
    const struct dd_fields *f = &dw->f;
    const struct dd_span *s = f->span;
    uint64_t left[DD_WORDS];
    left_over(f, r, left);
    for (unsigned word = 0; word < DD_WORDS; word++)
        for (uint64_t bits = left[word]; bits; bits &= bits - 1) {
            unsigned tag = word * 64 + (unsigned)__builtin_ctzll(bits);
            leave_trail(dw->trail, DD_FROM_TAG, tag, w->len);
            write_known(f, w, tag);
        }
    for (uint32_t i = 0; i < dw->rest_n; i++) {
        uint32_t index = dw->rest[i];
        if (!as_is(dw->keys[index].name, r))
            continue;
        leave_trail(dw->trail, DD_FROM_REST, index, w->len);
        write_rest(s, w, index);
    }
}

static void write_structs(struct dd_writer *dw, struct otlp_buf *w, enum gw_rendering r)
{
    const struct dd_span *s = dw->f.span;
    const struct dd_key *keys = dw->keys + s->meta_n + s->metrics_n;
    for (size_t i = 0; i < s->meta_struct_n; i++) {
        unsigned name = keys[i].name;
        if (name == DD_DEAD || (name < DD_ATTRS && dd_is_set(&dw->f, name)))
            continue;
        if (!dd_write_struct(w, SPAN_ATTRIBUTES, s->meta_struct[i].key, s->meta_struct[i].value) && r == dw->counting)
            dw->bad_struct++;
    }
}

static uint64_t end_time(const struct dd_span *s)
{
    int64_t end, start = s->start > 0 ? s->start : 0, duration = s->duration > 0 ? s->duration : 0;
    return __builtin_add_overflow(start, duration, &end) ? INT64_MAX : (uint64_t)end;
}

static void write_status(const struct dd_status *st, struct otlp_buf *w)
{
    if (!st->code)
        return;
    size_t mark = otlp_open(w, SPAN_STATUS, 1);
    otlp_text(w, STATUS_MESSAGE, st->message);
    otlp_uint(w, STATUS_CODE, st->code);
    otlp_close(w, mark, 1);
}

static gw_str span_name(const struct dd_writer *dw)
{
    const struct dd_fields *f = &dw->f;
    gw_str resource = f->resource, name = f->span->name;
    if (dw->opt->span_name == DD_NAME_OPERATION && name.len)
        return name;
    if (dw->opt->span_name == DD_NAME_OTEL && f->name.len)
        return f->name;
    return resource.len ? resource : name.len ? name : GW_STR("unnamed_operation");
}

static uint8_t *put_id(uint8_t *p, uint64_t id)
{
    id = __builtin_bswap64(id);
    memcpy(p, &id, 8);
    return p + 8;
}

static bool sampled(const struct dd_fields *f, const struct dd_scanned *c)
{
    return c->sampling.priority >= 1 || dd_has(f, DD_T_SPAN_SAMPLING);
}

static void write_name(struct otlp_buf *w, gw_str name)
{
    if (!otlp_room(w, name.len + 16))
        return;
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_NAME << 3 | OTLP_LEN;
    p = otlp_put_varint(p, name.len);
    if (__builtin_expect(otlp_copy_ascii(p, name), 1))
        otlp_end(w, p + name.len);
    else
        otlp_text(w, SPAN_NAME, name); /* the end has not moved */
}

static uint8_t *put_time(uint8_t *p, unsigned field, uint64_t ns)
{
    if (!ns)
        return p;
    *p++ = (uint8_t)(field << 3 | OTLP_FIXED64);
    ns = htole64(ns);
    memcpy(p, &ns, 8);
    return p + 8;
}

/* trace_id and span_id have a fixed width and stand first, so the join finds them. */
static void write_ids(struct dd_writer *dw, const struct dd_scanned *c, struct otlp_buf *w)
{
    struct dd_fields *f = &dw->f;
    const struct dd_span *s = f->span;
    if (!otlp_room(w, 64 + c->state.len))
        return;
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_TRACE_ID << 3 | OTLP_LEN;
    *p++ = 16;
    p = put_id(put_id(p, c->high), s->trace_id);
    *p++ = SPAN_ID << 3 | OTLP_LEN;
    *p++ = 8;
    p = put_id(p, s->span_id);
    if (c->state.len && !dd_has(f, DD_T_DD_PARENT_ID)) {
        *p++ = SPAN_TRACE_STATE << 3 | OTLP_LEN;
        p = otlp_put_bytes(otlp_put_varint(p, c->state.len), c->state);
    }
    otlp_end(w, p);
    if (dd_has(f, DD_T_DD_PARENT_ID))
        otlp_text(w, SPAN_TRACE_STATE, dd_sampling_state(&c->sampling, f->arena, s->trace_id, dd_text_of(f, DD_T_DD_PARENT_ID)));
    if (s->parent_id && s->parent_id != s->span_id && otlp_room(w, 16)) {
        p = w->data + w->len;
        *p++ = SPAN_PARENT_ID << 3 | OTLP_LEN;
        *p++ = 8;
        otlp_end(w, put_id(p, s->parent_id));
    }
}

static void write_times(const struct dd_fields *f, struct otlp_buf *w)
{
    if (!otlp_room(w, 32))
        return;
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_KIND << 3 | OTLP_VARINT;
    *p++ = (uint8_t)f->kind;
    p = put_time(p, SPAN_START, f->span->start > 0 ? (uint64_t)f->span->start : 0);
    otlp_end(w, put_time(p, SPAN_END, end_time(f->span)));
}

/* What holds for the chunk: written once (dd_scan.h), copied here. */
static void write_common(const struct dd_fields *f, const struct dd_scanned *c, struct otlp_buf *w, enum gw_rendering r)
{
    gw_str common = r == GW_DATADOG ? gw_str_n(c->common.ptr, c->common_own) : c->common;
    if (f->own_common && otlp_room(w, common.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, common));
}

bool dd_write(struct dd_writer *dw, const struct dd_scanned *c, struct otlp_buf *w, enum gw_rendering r, size_t *id_at)
{
    struct dd_fields *f = &dw->f;
    const struct dd_status *st = &dw->status;
    struct dd_trail none, *trail = dw->trail ? dw->trail : &none;
    size_t at = w->len, mark = otlp_open(w, SS_SPANS, 2);
    write_ids(dw, c, w);
    trail->name_at = w->len;
    write_name(w, span_name(dw));
    trail->name_end = w->len;
    write_times(f, w);
    write_common(f, c, w, r);
    trail->attrs_at = w->len;
    write_out(dw, w, r);
    if (r == GW_OTEL || r == GW_BOTH)
        write_headers(f, w);
    write_tags(dw, w, r);
    trail->attrs_end = w->len;
    write_structs(dw, w, r);
    if (st->exception && r != GW_DATADOG)
        dd_write_exception(w, end_time(f->span), st->type, st->text, st->stack);
    if (dw->events.len && otlp_room(w, dw->events.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, gw_str_n((char *)dw->events.data, dw->events.len)));
    if (dw->links.len && otlp_room(w, dw->links.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, gw_str_n((char *)dw->links.data, dw->links.len)));
    write_status(st, w);
    otlp_fixed32(w, SPAN_FLAGS, sampled(f, c));
    trail->width = (uint8_t)otlp_varint_size(w->len - mark);
    otlp_close(w, mark, 2);
    *id_at = at + 1 + otlp_varint_size(w->len - mark) + 2;
    return !w->failed && !dw->events.failed && !dw->links.failed;
}

/* ---- again, by a plan ---- */

/* Bytes of a plan, in moves of OTLP_WIDER: what is too much is written over. */
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
    if (!raw.len || u.absolute != want->absolute || u.port != want->port || !dd_same(u.scheme, want->scheme) ||
        !dd_same(u.host, want->host))
        return false;
    if (want->whole) {
        parts->full = f->obfuscate ? dd_url_redact(f->arena, raw) : raw;
        return parts->full.len;
    }
    parts->path = u.path;
    parts->query = f->obfuscate ? dd_url_redact_query(f->arena, u.query) : u.query;
    return want->path == !!u.path.len && want->query == !!parts->query.len;
}

/* The same query or command as before, once it is free of data; and not what the resource says, which is then treated alike. */
static bool query_fits(const struct dd_plan *plan, struct dd_fields *f)
{
    gw_str raw = f->span->meta[plan->query_at].value;
    return !gw_str_eq(raw, f->span->resource) && gw_str_eq(dd_db_safe(f, plan->how, raw), plan->query);
}

static bool fill_text(struct otlp_buf *w, const struct dd_fields *f, const struct dd_gap *gap)
{
    gw_str text = f->span->meta[gap->entry].value;
    if (text.len)
        put_text(w, &f->body, &dd_names[gap->attr], text);
    return text.len;
}

static bool fill_int(struct otlp_buf *w, const struct dd_fields *f, const struct dd_gap *gap)
{
    int64_t i;
    const struct dd_span *s = f->span;
    bool whole =
        gap->entry < s->meta_n ? gw_str_i64(s->meta[gap->entry].value, &i) : dd_number_is_int(&s->metrics[gap->entry - s->meta_n], &i);
    if (whole)
        put_number(w, &dd_names[gap->attr], (uint64_t)i, ANY_INT);
    return whole;
}

static bool fill(struct otlp_buf *w, const struct dd_fields *f, const struct url_parts *url, const struct dd_gap *gap)
{
    switch (gap->kind) {
    case DD_GAP_TEXT:
        return fill_text(w, f, gap);
    case DD_GAP_INT:
        return fill_int(w, f, gap);
    case DD_GAP_REST:
        write_rest(f->span, w, gap->entry);
        return true;
    case DD_GAP_URL:
        put_text(w, &f->body, &dd_names[DD_A_URL_FULL], url->full);
        return true;
    case DD_GAP_PATH:
        put_text(w, &f->body, &dd_names[DD_A_URL_PATH], url->path);
        return true;
    case DD_GAP_QUERY:
        put_text(w, &f->body, &dd_names[DD_A_URL_QUERY], url->query);
        return true;
    case DD_GAP_END:
        return true;
    }
    return false;
}

static bool fill_all(struct otlp_buf *w, const struct dd_fields *f, const struct dd_plan *plan, const struct url_parts *url)
{
    for (unsigned i = 0; i < plan->gaps_n; i++) {
        put_planned(w, plan->gaps[i].bytes);
        if (!fill(w, f, url, &plan->gaps[i]))
            return false;
    }
    return true;
}

bool dd_write_again(struct dd_writer *dw, const struct dd_scanned *c, const struct dd_plan *plan, const struct dd_span *s,
                    struct gw_arena *arena, struct otlp_buf *w, size_t *id_at)
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
    write_ids(dw, c, w);
    put_planned(w, plan->span_name);
    write_times(f, w);
    write_common(f, c, w, GW_OTEL);
    if (!fill_all(w, f, plan, &url)) {
        w->len = at;
        w->repaired = repaired;
        return false;
    }
    otlp_fixed32(w, SPAN_FLAGS, sampled(f, c));
    otlp_close(w, mark, 2);
    *id_at = at + 1 + otlp_varint_size(w->len - mark) + 2;
    return !w->failed;
}
