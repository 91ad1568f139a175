/* dd_fields.h: one span during translation: its tags by number, and the attributes derived from them.
 *
 *     tags of the wire ─▶ value[], seen        what the tracer sent
 *          │ rename, dd_semconv_*.c
 *          ▼
 *     out[], set         attributes of the semantic conventions, each with the reliability of its source
 *     used               tags whose value is in an attribute: not written again in mode otel
 *
 * The most reliable source sets an attribute: first a field of the span itself, then a tag with the
 * attribute's own name, a number in `metrics`, a renamed text of `meta`, and last a derived value. Among
 * equals the first one stays.
 *
 * Ownership: one struct per translator, cleared for every span; values are views or are in the chunk's arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_FIELDS_H
#define DD_FIELDS_H

#include "core/base/arena.h"
#include "translators/ddtrace/dd_memo.h"
#include "translators/ddtrace/dd_names.h"
#include "translators/ddtrace/dd_span.h"
#include "translators/otlp/otlp_write.h"

enum { DD_WORDS = (DD_NAMES + 63) / 64, DD_ATTR_WORDS = (DD_ATTRS + 63) / 64 };

/* The value of a tag. */
struct dd_said {
    gw_str text;
    const struct dd_number *number; /* not NULL: a number of `metrics`; `text` is then empty */
};

enum dd_sure { DD_UNSET, DD_DERIVED, DD_RENAMED, DD_RENAMED_NUMBER, DD_EXPLICIT, DD_FIELD };

struct dd_out {
    uint8_t sure; /* enum dd_sure */
    uint8_t type; /* enum dd_type of the value */
    uint16_t tag; /* the tag that provided it and is not written again, or DD_UNKNOWN */
    union {
        gw_str s; /* DD_TY_STR, DD_TY_ARR */
        int64_t i;
        double d;
        bool b;
    };
};

/* OTLP's numbers. */
enum dd_span_kind {
    DD_KIND_NONE,
    DD_KIND_INTERNAL,
    DD_KIND_SERVER,
    DD_KIND_CLIENT,
    DD_KIND_PRODUCER,
    DD_KIND_CONSUMER
};

/* An attribute http.request.header.<name>, made from the tag http.request.headers.<Name>. */
struct dd_header {
    gw_str key, value;
    struct dd_header *next;
};

struct dd_fields {
    const struct dd_span *span;
    struct gw_arena *arena;
    struct dd_memo *memo;
    bool obfuscate;
    struct otlp_region body; /* where texts may be copied in wide steps */
    enum dd_span_kind kind;
    unsigned when;   /* DD_SERVER, DD_CLIENT or DD_OTHER */
    gw_str name;     /* the span's name, if an area of the conventions has a rule for it */
    gw_str resource; /* the span's resource, obfuscated */
    struct dd_header *headers;
    bool rare;      /* the span has one of dd_rare_tags */
    bool by_parent; /* the kind was derived from the span's parent */
    /* the chunk's common attributes are copied unchanged: the span has no tag with such a name */
    bool own_common;
    uint64_t seen[DD_WORDS], used[DD_WORDS], set[DD_ATTR_WORDS];
    struct dd_said value[DD_NAMES];
    struct dd_out out[DD_ATTRS];
};

static inline bool dd_has(const struct dd_fields *f, unsigned name)
{
    return f->seen[name / 64] >> (name % 64) & 1;
}

static inline void dd_use(struct dd_fields *f, unsigned name)
{
    f->used[name / 64] |= (uint64_t)1 << (name % 64);
}

static inline bool dd_is_used(const struct dd_fields *f, unsigned name)
{
    return f->used[name / 64] >> (name % 64) & 1;
}

static inline bool dd_is_set(const struct dd_fields *f, unsigned attr)
{
    return f->set[attr / 64] >> (attr % 64) & 1;
}

/* dd_text_of for a tag that is present. */
gw_str dd_text_said(struct dd_fields *, unsigned name);
/* Returns the tag as text; numbers are converted, in the arena. Empty if it is missing. */
static inline gw_str dd_text_of(struct dd_fields *f, unsigned name)
{
    return dd_has(f, name) ? dd_text_said(f, name) : GW_NOSTR;
}
/* Returns true if the tag is present and is a whole number, as text or as a number. */
bool dd_int_of(const struct dd_fields *, unsigned name, int64_t *);
/* true, 1, t, yes and numbers other than 0 are true. Any other value, or none, is false. */
bool dd_bool_of(const struct dd_fields *, unsigned name);
/* Returns the value of an attribute that is set to a text; empty if it is not set or has another type. */
static inline gw_str dd_set_text_of(const struct dd_fields *f, unsigned attr)
{
    return dd_is_set(f, attr) && f->out[attr].type == DD_TY_STR ? f->out[attr].s : GW_NOSTR;
}

/* Returns false if a more reliable source has set the attribute. An empty text sets nothing. */
bool dd_set_text(struct dd_fields *, unsigned attr, gw_str, enum dd_sure);
bool dd_set_int(struct dd_fields *, unsigned attr, int64_t, enum dd_sure);
bool dd_set_double(struct dd_fields *, unsigned attr, double, enum dd_sure);
bool dd_set_bool(struct dd_fields *, unsigned attr, bool, enum dd_sure);

/* Returns whether the attribute can have this value: a port is 1 … 65535, an HTTP status has three digits, a
 * count is not negative. */
bool dd_int_fits(unsigned attr, int64_t);

/* Sets the attribute of a tag's row to the tag's value, converted to the attribute's type, and marks the tag
 * as used; also if the attribute has that value already. Returns false, with nothing done, if the value
 * cannot be converted or does not fit, or if a more reliable source has set another value. */
bool dd_rename(struct dd_fields *, unsigned tag);
/* Sets the attribute of a tag's row to `text`, which the caller made from the tag's value. */
bool dd_rename_as(struct dd_fields *, unsigned tag, gw_str text);
/* Handles tags with an attribute's own name: they are kept if they have the attribute's type or a text that
 * can be converted to it; otherwise they are written as text. */
void dd_explicit(struct dd_fields *, unsigned attr);

/* Returns the decimal text of a whole number. */
gw_str dd_decimal(struct gw_arena *, int64_t);
/* Returns true if the number is exactly a whole number within int64. */
bool dd_number_is_int(const struct dd_number *, int64_t *);
double dd_number_as_double(const struct dd_number *);

#endif
