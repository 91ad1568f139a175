/* Reads a span's tags as text, numbers and bools, and sets attributes from them. If there are several
 * sources, the most reliable one wins (dd_fields.h).
 *
 * The state is a struct dd_fields, one per translator. Called by dd_derive.c, dd_export.c and the
 * dd_semconv_*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_fields.h"

#include <math.h>

double dd_number_as_double(const struct dd_number *n)
{
    return n->kind == DD_INT ? (double)n->i : n->kind == DD_UINT ? (double)n->u : n->d;
}

bool dd_number_is_int(const struct dd_number *n, int64_t *out)
{
    if (n->kind == DD_DOUBLE) {
        /* 2^63 itself is no int64; NaN fails both comparisons. */
        if (!(n->d >= -0x1p63 && n->d < 0x1p63) || (double)(int64_t)n->d != n->d ||
            (n->d == 0 && signbit(n->d)))
            return false;
        *out = (int64_t)n->d;
        return true;
    }
    *out = n->i;
    return n->kind == DD_INT;
}

gw_str dd_decimal(struct gw_arena *arena, int64_t i)
{
    enum { LONGEST = 20 };
    char *p = gw_arena_raw(arena, LONGEST, 1), *end = p + LONGEST, *at = end;
    if (!p)
        return GW_NOSTR;
    for (uint64_t left = i < 0 ? 0 - (uint64_t)i : (uint64_t)i; at == end || left; left /= 10)
        *--at = (char)('0' + left % 10);
    if (i < 0)
        *--at = '-';
    return gw_str_n(at, (size_t)(end - at));
}

gw_str dd_text_said(struct dd_fields *f, unsigned name)
{
    int64_t i;
    const struct dd_number *n = f->value[name].number;
    if (!n)
        return f->value[name].text;
    return dd_number_is_int(n, &i) ? dd_decimal(f->arena, i)
                                   : gw_arena_printf(f->arena, "%.17g", dd_number_as_double(n));
}

bool dd_int_of(const struct dd_fields *f, unsigned name, int64_t *out)
{
    if (!dd_has(f, name))
        return false;
    const struct dd_said *v = &f->value[name];
    return v->number ? dd_number_is_int(v->number, out) : gw_str_i64(v->text, out);
}

static bool dd_double_of(const struct dd_fields *f, unsigned name, double *out)
{
    if (!dd_has(f, name))
        return false;
    const struct dd_said *v = &f->value[name];
    if (!v->number)
        return gw_str_double(v->text, out);
    *out = dd_number_as_double(v->number);
    return true;
}

bool dd_bool_of(const struct dd_fields *f, unsigned name)
{
    if (!dd_has(f, name))
        return false;
    const struct dd_said *v = &f->value[name];
    if (v->number)
        return dd_number_as_double(v->number) != 0;
    return gw_str_ieq(v->text, GW_STR("true")) || gw_str_eq(v->text, GW_STR("1")) ||
           gw_str_ieq(v->text, GW_STR("t")) || gw_str_ieq(v->text, GW_STR("yes"));
}

/* Returns the slot of an attribute, or NULL if a more reliable source has set it. */
static struct dd_out *claim_attr(struct dd_fields *f, unsigned attr, enum dd_sure sure, enum dd_type type)
{
    struct dd_out *o = &f->out[attr];
    if (dd_is_set(f, attr)) {
        if (o->sure >= sure)
            return NULL;
        if (o->tag != DD_UNKNOWN) /* that tag keeps its name, because another source is the attribute now */
            f->used[o->tag / 64] &= ~((uint64_t)1 << (o->tag % 64));
    }
    o->tag = DD_UNKNOWN;
    f->set[attr / 64] |= (uint64_t)1 << (attr % 64);
    o->sure = (uint8_t)sure;
    o->type = (uint8_t)type;
    return o;
}

bool dd_set_text(struct dd_fields *f, unsigned attr, gw_str text, enum dd_sure sure)
{
    struct dd_out *o = text.len || sure == DD_EXPLICIT ? claim_attr(f, attr, sure, DD_TY_STR) : NULL;
    if (o)
        o->s = text;
    return o;
}

bool dd_set_int(struct dd_fields *f, unsigned attr, int64_t i, enum dd_sure sure)
{
    struct dd_out *o = claim_attr(f, attr, sure, DD_TY_INT);
    if (o)
        o->i = i;
    return o;
}

bool dd_set_double(struct dd_fields *f, unsigned attr, double d, enum dd_sure sure)
{
    struct dd_out *o = claim_attr(f, attr, sure, DD_TY_DBL);
    if (o)
        o->d = d;
    return o;
}

bool dd_set_bool(struct dd_fields *f, unsigned attr, bool b, enum dd_sure sure)
{
    struct dd_out *o = claim_attr(f, attr, sure, DD_TY_BOOL);
    if (o)
        o->b = b;
    return o;
}

static bool is_bool(const struct dd_said *v)
{
    double d = v->number ? dd_number_as_double(v->number) : 0;
    if (v->number)
        return d == 0 || d == 1;
    return gw_str_ieq(v->text, GW_STR("true")) || gw_str_ieq(v->text, GW_STR("false")) ||
           gw_str_eq(v->text, GW_STR("1")) || gw_str_eq(v->text, GW_STR("0"));
}

/* Converts the tag's value to `type`. Returns false if that is impossible. */
static bool convert_tag(struct dd_fields *f, unsigned tag, enum dd_type type, struct dd_out *to)
{
    to->type = (uint8_t)type;
    switch (type) {
    case DD_TY_STR:
    case DD_TY_ARR:
        to->s = dd_text_said(f, tag);
        return to->s.len;
    case DD_TY_INT:
        return dd_int_of(f, tag, &to->i);
    case DD_TY_DBL:
        return dd_double_of(f, tag, &to->d);
    case DD_TY_BOOL:
        to->b = dd_bool_of(f, tag);
        return is_bool(&f->value[tag]);
    }
    return false;
}

static bool same_value(const struct dd_out *a, const struct dd_out *b)
{
    if (a->type != b->type)
        return false;
    switch ((enum dd_type)a->type) {
    case DD_TY_STR:
    case DD_TY_ARR:
        return gw_str_eq(a->s, b->s);
    case DD_TY_INT:
        return a->i == b->i;
    case DD_TY_DBL:
        return memcmp(&a->d, &b->d, sizeof a->d) == 0;
    case DD_TY_BOOL:
        return a->b == b->b;
    }
    return false;
}

/* Sets the value if its source is the most reliable so far. A tag with the same value as the attribute is
 * marked as used. */
static bool offer_value(struct dd_fields *f, unsigned tag, struct dd_out *said)
{
    unsigned attr = dd_names[tag].to;
    struct dd_out *o = claim_attr(f, attr, (enum dd_sure)said->sure, (enum dd_type)said->type);
    if (o) {
        *o = *said;
        o->tag = (uint16_t)tag;
    } else if (!same_value(&f->out[attr], said)) {
        return false;
    }
    dd_use(f, tag);
    return true;
}

static uint8_t sureness(const struct dd_fields *f, unsigned tag)
{
    return f->value[tag].number ? DD_RENAMED_NUMBER : DD_RENAMED;
}

bool dd_int_fits(unsigned attr, int64_t i)
{
    switch (attr) {
    case DD_A_SERVER_PORT:
    case DD_A_CLIENT_PORT:
    case DD_A_NETWORK_PEER_PORT:
    case DD_A_NETWORK_LOCAL_PORT:
        return i > 0 && i <= 65535;
    case DD_A_HTTP_RESPONSE_STATUS_CODE:
        return i >= 100 && i <= 999;
    case DD_A_HTTP_REQUEST_BODY_SIZE:
    case DD_A_HTTP_RESPONSE_BODY_SIZE:
    case DD_A_DB_RETURNED_ROWS:
    case DD_A_DB_BATCH_SIZE:
    case DD_A_MESSAGING_KAFKA_OFFSET:
    case DD_A_MESSAGING_BODY_SIZE:
    case DD_A_MESSAGING_BATCH_COUNT:
        return i >= 0;
    default:
        return true;
    }
}

/* Converts the tag's value for the attribute. Returns false if the attribute cannot have it. */
static bool convert_for(struct dd_fields *f, unsigned tag, unsigned attr, struct dd_out *to)
{
    return convert_tag(f, tag, (enum dd_type)dd_names[attr].type, to) &&
           (to->type != DD_TY_INT || dd_int_fits(attr, to->i));
}

bool dd_rename(struct dd_fields *f, unsigned tag)
{
    unsigned attr = dd_names[tag].to;
    if (dd_is_set(f, attr)) {
        struct dd_out said = {.sure = sureness(f, tag)};
        return convert_for(f, tag, attr, &said) && offer_value(f, tag, &said);
    }
    if (!convert_for(f, tag, attr, &f->out[attr]))
        return false;
    f->out[attr].sure = sureness(f, tag);
    f->out[attr].tag = (uint16_t)tag;
    f->set[attr / 64] |= (uint64_t)1 << (attr % 64);
    dd_use(f, tag);
    return true;
}

bool dd_rename_as(struct dd_fields *f, unsigned tag, gw_str text)
{
    struct dd_out said = {.sure = sureness(f, tag), .type = DD_TY_STR, .s = text};
    return text.len && offer_value(f, tag, &said);
}

void dd_explicit(struct dd_fields *f, unsigned attr)
{
    struct dd_out said = {.sure = DD_EXPLICIT, .tag = DD_UNKNOWN}, *o;
    const struct dd_number *n = f->value[attr].number;
    if (convert_tag(f, attr, (enum dd_type)dd_names[attr].type, &said)) {
        o = claim_attr(f, attr, DD_EXPLICIT, (enum dd_type)said.type);
        if (o)
            *o = said;
    } else if (!n) {
        dd_set_text(f, attr, f->value[attr].text, DD_EXPLICIT);
    } else {
        dd_set_double(f, attr, dd_number_as_double(n), DD_EXPLICIT);
    }
}
