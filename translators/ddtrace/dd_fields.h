/* dd_fields.h: one span on its way: its tags by number, and the attributes that are concluded from them.
 *
 *     tags of the wire ─▶ value[], seen        what the tracer said
 *          │ rename, dd_semconv_*.c
 *          ▼
 *     out[], set         attributes of the semantic conventions, each with how surely it is meant
 *     used               tags that an attribute now says: not written as well in mode otel
 *
 * An attribute is set by whoever is surest: a field of the span itself, a tag under the attribute's own name,
 * a number in `metrics`, a renamed text of `meta`, something derived. Of equals the first stays.
 *
 * Ownership: one per translator, cleared for every span; values are views or in the chunk's arena.
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

/* What a tag said. */
struct dd_said {
    gw_str text;
    const struct dd_number *number; /* not NULL: a number of `metrics`, and `text` is empty */
};

enum dd_sure { DD_UNSET, DD_DERIVED, DD_RENAMED, DD_RENAMED_NUMBER, DD_EXPLICIT, DD_FIELD };

struct dd_out {
    uint8_t sure; /* enum dd_sure */
    uint8_t type; /* enum dd_type, of the value that is there */
    uint16_t tag; /* the tag that says it and was used up for it, or DD_UNKNOWN */
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

/* An attribute http.request.header.<name>, from http.request.headers.<Name>. */
struct dd_header {
    gw_str key, value;
    struct dd_header *next;
};

struct dd_fields {
    const struct dd_span *span;
    struct gw_arena *arena;
    struct dd_memo *memo;
    bool obfuscate;
    struct otlp_region body; /* where texts may be copied wide */
    enum dd_span_kind kind;
    unsigned when;   /* DD_SERVER, DD_CLIENT or DD_OTHER */
    gw_str name;     /* the span's name, when an area of the conventions has a rule for it */
    gw_str resource; /* the span's resource, without data */
    struct dd_header *headers;
    bool rare;       /* one of dd_rare_tags is there */
    bool by_parent;  /* the kind was concluded from the span's parent */
    bool own_common; /* what holds for the chunk is copied as it is: no tag of the span says the same */
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

/* dd_text_of of a tag that is there. */
gw_str dd_text_said(struct dd_fields *, unsigned name);
/* What the tag says as text; numbers are written out, in the arena. Empty when absent. */
static inline gw_str dd_text_of(struct dd_fields *f, unsigned name)
{
    return dd_has(f, name) ? dd_text_said(f, name) : GW_NOSTR;
}
/* True when the tag is there and is a whole number, as text or as a number. */
bool dd_int_of(const struct dd_fields *, unsigned name, int64_t *);
/* true, 1, t, yes and numbers but 0 are true; absent and others false. */
bool dd_bool_of(const struct dd_fields *, unsigned name);
/* The value of an attribute that is set as text; empty when unset or of another type. */
static inline gw_str dd_set_text_of(const struct dd_fields *f, unsigned attr)
{
    return dd_is_set(f, attr) && f->out[attr].type == DD_TY_STR ? f->out[attr].s : GW_NOSTR;
}

/* False when somebody surer was there before. Empty text sets nothing. */
bool dd_set_text(struct dd_fields *, unsigned attr, gw_str, enum dd_sure);
bool dd_set_int(struct dd_fields *, unsigned attr, int64_t, enum dd_sure);
bool dd_set_double(struct dd_fields *, unsigned attr, double, enum dd_sure);
bool dd_set_bool(struct dd_fields *, unsigned attr, bool, enum dd_sure);

/* A value that the attribute can have: a port is 1 … 65535, an HTTP status has three digits, a count is not
 * negative. */
bool dd_int_fits(unsigned attr, int64_t);

/* Sets the attribute of a tag's row to what the tag says, in the attribute's type, and uses the tag up; also
 * when the attribute says the same already. False, and nothing done, when it is not of that type or does not
 * fit, or something else was said more surely. */
bool dd_rename(struct dd_fields *, unsigned tag);
/* The tag's text goes to its row's attribute, changed by the caller. */
bool dd_rename_as(struct dd_fields *, unsigned tag, gw_str text);
/* Tags under an attribute's own name: as they are where they have the attribute's type, or a text of it; else
 * as text. */
void dd_explicit(struct dd_fields *, unsigned attr);

/* Decimal text of a whole number. */
gw_str dd_decimal(struct gw_arena *, int64_t);
/* A whole number within int64, exactly. */
bool dd_number_is_int(const struct dd_number *, int64_t *);
double dd_number_as_double(const struct dd_number *);

#endif
