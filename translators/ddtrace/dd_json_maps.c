/* Reads objects of tags in JSON payloads: meta, metrics, and meta_struct, whose values are base64.
 *
 * Keeps no state; entries go to the decoder's arena. Called by dd_json.c and dd_json_parts.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_json.h"

enum dd_got dd_json_texts(struct dd_decoder *d, struct dd_text **out, size_t *out_n)
{
    gw_str key;
    enum dd_got got;
    *out_n = 0;
    if (!dd_json_enter(d, GW_JSON_OBJECT, &got))
        return got;
    while (gw_json_member(&d->json, &key)) {
        gw_str value;
        got = dd_json_scalar(d, &value);
        if (got == DD_OTHER_TYPE && gw_json_skip(&d->json)) {
            d->left_out.tags++;
            continue;
        }
        if (got || !(*out = dd_json_room(d, *out, *out_n, sizeof **out)))
            return DD_ILL_FORMED;
        (*out)[(*out_n)++] = (struct dd_text){key, value};
    }
    return dd_json_walked(d);
}

static enum dd_got take_metric(struct dd_decoder *d, struct dd_number *m)
{
    union dd_number_value v;
    gw_str text;
    enum gw_json_kind kind = gw_json_kind(&d->json);
    enum dd_got got = kind == GW_JSON_STRING || kind == GW_JSON_BOOL ? dd_json_scalar(d, &text)
                                                                     : dd_json_number(d, &m->kind, &v);
    if (!got && kind == GW_JSON_BOOL)
        m->kind = DD_INT, v.i = *text.ptr == 't';
    else if (!got && kind == GW_JSON_STRING && !dd_decode_text_number(text, &m->kind, &v))
        return DD_OTHER_TYPE;
    if (!got)
        m->u = v.u;
    return got;
}

enum dd_got dd_json_numbers(struct dd_decoder *d, struct dd_span *s)
{
    struct dd_number m = {0};
    enum dd_got got;
    s->metrics_n = 0;
    if (!dd_json_enter(d, GW_JSON_OBJECT, &got))
        return got;
    while (gw_json_member(&d->json, &m.key)) {
        struct gw_json before = d->json;
        got = take_metric(d, &m);
        if (got == DD_OTHER_TYPE && !dd_json_pass(d, &before)) {
            d->left_out.tags++;
            continue;
        }
        if (got || !(s->metrics = dd_json_room(d, s->metrics, s->metrics_n, sizeof m)))
            return DD_ILL_FORMED;
        s->metrics[s->metrics_n++] = m;
    }
    return dd_json_walked(d);
}

/* JSON contains bytes as base64 (RFC 4648 §4). */
static bool decode_base64(struct gw_arena *arena, gw_str text, gw_str *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *bytes = gw_arena_raw(arena, text.len / 4 * 3 + 3, 1);
    uint32_t bits = 0;
    size_t n = 0, have = 0;
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    if (text.len % 4 == 1) /* a single digit is less than a byte */
        return false;
    for (size_t i = 0; bytes && i < text.len; i++) {
        const char *digit = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[n++] = (char)(bits >> have);
        }
    }
    *out = gw_str_n(bytes, n);
    return bytes != NULL;
}

enum dd_got dd_json_structs(struct dd_decoder *d, struct dd_span *s)
{
    struct dd_text *t;
    size_t n;
    enum dd_got got = dd_json_texts(d, &s->meta_struct, &n);
    s->meta_struct_n = 0;
    for (size_t i = 0; !got && i < n; i++) {
        t = &s->meta_struct[s->meta_struct_n];
        t->key = s->meta_struct[i].key;
        if (decode_base64(d->arena, s->meta_struct[i].value, &t->value))
            s->meta_struct_n += t->value.len > 0;
        else
            d->left_out.tags++;
    }
    return got;
}
