/* dd_put.h: writes fields of an OTLP Span that both writers share; private to them.
 *
 *   dd_write.c         slow path: from the results of dd_derive, once per schema      any span
 *   dd_write_cached.c  cached path: from the bytes of a similar span (dd_plan.h)      nearly every span
 *   dd_put.c           a known attribute, ids, times                                  both
 *
 * Each function reserves room and appends to the buffer; if there is no memory, it appends nothing and marks
 * the buffer as failed (otlp_write.h). The key of a known attribute is stored in its row, ready to be copied
 * in moves of a fixed size (dd_name_row.head): superfluous bytes are overwritten by the next field. Invalid
 * UTF-8 is repaired.
 *
 * The inline functions are called once per span or attribute and consist of a few instructions each.
 *
 * Ownership, threads: those of the translator to which the dd_writer and the buffer belong.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PUT_H
#define DD_PUT_H

#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_scan.h"

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
enum { ANY_STRING = 1, ANY_BOOL = 2, ANY_INT = 3, ANY_DOUBLE = 4 };
/* Writes a known attribute. `field` is ANY_INT or ANY_BOOL. */
void dd_put_text(struct otlp_buf *, const struct otlp_region *body, const struct dd_name_row *, gw_str);
void dd_put_number(struct otlp_buf *, const struct dd_name_row *, uint64_t varint, unsigned field);
void dd_put_double(struct otlp_buf *, const struct dd_name_row *, double);
/* Writes trace_id, span_id, trace_state and parent_span_id; before all other fields. */
void dd_put_ids(struct dd_fields *, const struct dd_scanned *, struct otlp_buf *);
/* Writes kind, start and end. */
void dd_put_times(const struct dd_fields *, struct otlp_buf *);

/* dd_translate.c has made sure that neither is negative and that their sum does not exceed INT64_MAX. */
static inline uint64_t dd_end_time(const struct dd_span *s)
{
    return (uint64_t)s->start + (uint64_t)s->duration;
}

static inline bool dd_sampled(const struct dd_fields *f, const struct dd_scanned *c)
{
    return c->sampling.priority >= 1 || dd_has(f, DD_T_SPAN_SAMPLING);
}

static inline void dd_put_any_number(struct otlp_buf *w, gw_str key, const struct dd_number *n)
{
    int64_t i;
    if (dd_number_is_int(n, &i))
        otlp_attr_int(w, SPAN_ATTRIBUTES, key, i);
    else
        otlp_attr_double(w, SPAN_ATTRIBUTES, key, dd_number_as_double(n));
}

/* Writes a tag that the table does not have. */
static inline void dd_put_rest(const struct dd_span *s, struct otlp_buf *w, uint32_t index)
{
    if (index < s->meta_n)
        otlp_attr_text(w, SPAN_ATTRIBUTES, s->meta[index].key, s->meta[index].value);
    else
        dd_put_any_number(w, s->metrics[index - s->meta_n].key, &s->metrics[index - s->meta_n]);
}

/* Copies the chunk's common attributes, which are written once (dd_scan.h), to a span. */
static inline void dd_put_common(const struct dd_fields *f, const struct dd_scanned *c, struct otlp_buf *w,
                                 enum gw_attribute_schema r)
{
    gw_str common = r == GW_DATADOG ? gw_str_n(c->common.ptr, c->common_own) : c->common;
    if (f->own_common && otlp_room(w, common.len))
        otlp_end(w, otlp_put_bytes(w->data + w->len, common));
}

#endif
