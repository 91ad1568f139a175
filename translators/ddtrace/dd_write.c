/* The slow path's writer: writes the results of dd_derive as an OTLP Span, once per attribute schema. It can
 * record the position of what it writes, for dd_learn.c.
 *
 * The state is the translator's struct dd_writer. Called by dd_export.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_write.h"

#include "translators/ddtrace/dd_put.h"
#include "translators/ddtrace/dd_struct.h"

enum { STATUS_MESSAGE = 2, STATUS_CODE = 3 };

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
    otlp_fini(&w->sent_events);
    otlp_fini(&w->links);
}

static void put_out(struct otlp_buf *w, const struct dd_fields *f, unsigned attr)
{
    const struct dd_out *o = &f->out[attr];
    const struct dd_name_row *row = &dd_names[attr];
    switch ((enum dd_type)o->type) {
    case DD_TY_STR:
        dd_put_text(w, &f->body, row, o->s);
        break;
    case DD_TY_INT:
        dd_put_number(w, row, (uint64_t)o->i, ANY_INT);
        break;
    case DD_TY_DBL:
        dd_put_double(w, row, o->d);
        break;
    case DD_TY_BOOL:
        dd_put_number(w, row, o->b, ANY_BOOL);
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

/* Writes the attributes of the conventions; in mode datadog only the span's own fields. */
static void write_out(const struct dd_writer *dw, struct otlp_buf *w, enum gw_attribute_schema r)
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

/* Returns which names of a word are attributes, as bits. */
static uint64_t attribute_bits(unsigned word)
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

/* Finds the known tags that are still to be written. */
static void left_over(const struct dd_fields *f, enum gw_attribute_schema r, uint64_t *left)
{
    for (unsigned word = 0; word < DD_WORDS; word++) {
        left[word] = f->seen[word];
        if (r == GW_OTEL)
            left[word] &= ~f->used[word];
    }
    /* In mode otel all attributes are written as such; in the others only those that come from the span
     * itself. */
    for (unsigned word = 0; word < DD_ATTR_WORDS; word++)
        left[word] &= ~(r == GW_OTEL ? attribute_bits(word) : own_fields(f, word));
}

static bool as_is(unsigned name, enum gw_attribute_schema r)
{
    return name == DD_UNKNOWN || (r != GW_OTEL && (name == DD_PROMOTED || name == DD_HEADER));
}

static void write_known(const struct dd_fields *f, struct otlp_buf *w, unsigned name)
{
    const struct dd_said *said = &f->value[name];
    if (said->number)
        dd_put_any_number(w, dd_names[name].name, said->number);
    else
        dd_put_text(w, &f->body, &dd_names[name], said->text);
}

/* Writes the tracer's tags: those that the table has, then the others in their order. */
static void write_tags(const struct dd_writer *dw, struct otlp_buf *w, enum gw_attribute_schema r)
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
        dd_put_rest(s, w, index);
    }
}

static void write_structs(struct dd_writer *dw, struct otlp_buf *w, enum gw_attribute_schema r)
{
    const struct dd_span *s = dw->f.span;
    const struct dd_key *keys = dw->keys + s->meta_n + s->metrics_n;
    struct dd_oddities odd = {0};
    for (size_t i = 0; i < s->meta_struct_n; i++) {
        unsigned name = keys[i].name;
        if (name == DD_DEAD || (name < DD_ATTRS && dd_is_set(&dw->f, name)))
            continue;
        odd.bad_struct += !dd_write_struct(w, dw->f.arena, SPAN_ATTRIBUTES, s->meta_struct[i].key,
                                           s->meta_struct[i].value, &odd);
    }
    if (r != dw->counting)
        return;
    dw->bad_struct += odd.bad_struct;
    dw->empty_keys += odd.empty_keys;
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

static void write_name(struct otlp_buf *w, gw_str name)
{
    if (!otlp_room(w, name.len + 16))
        return;
    uint8_t *p = w->data + w->len;
    *p++ = SPAN_NAME << 3 | WIRE_LEN;
    p = wire_put_varint(p, name.len);
    if (__builtin_expect(otlp_copy_ascii(p, name), 1))
        otlp_end(w, p + name.len);
    else
        otlp_text(w, SPAN_NAME, name); /* w->len has not changed */
}

/* Appends fields of the span that were written before. */
static void put_part(struct otlp_buf *w, const struct otlp_buf *part)
{
    if (part->len && otlp_room(w, part->len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, gw_str_n((char *)part->data, part->len)));
}

bool dd_write(struct dd_writer *dw, const struct dd_scanned *c, struct otlp_buf *w,
              enum gw_attribute_schema r, size_t *id_at)
{
    struct dd_fields *f = &dw->f;
    const struct dd_status *st = &dw->status;
    struct dd_trail none, *trail = dw->trail ? dw->trail : &none;
    size_t at = w->len, mark = otlp_open(w, SS_SPANS, 2);
    dd_put_ids(f, c, w);
    trail->name_at = w->len;
    write_name(w, span_name(dw));
    trail->name_end = w->len;
    dd_put_times(f, w);
    dd_put_common(f, c, w, r);
    trail->attrs_at = w->len;
    write_out(dw, w, r);
    if (r == GW_OTEL || r == GW_BOTH)
        write_headers(f, w);
    write_tags(dw, w, r);
    trail->attrs_end = w->len;
    write_structs(dw, w, r);
    if (st->exception && r != GW_DATADOG)
        dd_write_exception(w, dd_end_time(f->span), &st->said);
    put_part(w, r == GW_DATADOG && dw->sent_events.len ? &dw->sent_events : &dw->events);
    put_part(w, &dw->links);
    write_status(st, w);
    otlp_fixed32(w, SPAN_FLAGS, dd_sampled(f, c));
    trail->width = (uint8_t)wire_varint_size(w->len - mark);
    otlp_close(w, mark, 2);
    *id_at = at + 1 + wire_varint_size(w->len - mark) + 2;
    return !w->failed && !dw->events.failed && !dw->sent_events.failed && !dw->links.failed;
}
