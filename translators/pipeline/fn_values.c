/* fn_values.c: Implements the builtins that take values and return one: len, append, parse_int, hash, cidr and
 * others. Owns nothing: results are in the record's arena. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "translators/pipeline/script_internal.h"

bool fn_len(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    if (!sc_eval(r, call->kid[0], &v))
        return false;
    *out = sc_int((int64_t)(v.type == SC_STR    ? v.s.len
                            : v.type == SC_LIST ? v.l->n
                            : v.type == SC_MAP  ? v.m->n
                                                : 0));
    return true;
}

bool fn_strlen(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    if (!sc_eval(r, call->kid[0], &v))
        return false;
    if (v.type != SC_STR)
        return sc_run_fail(r, call->kid[0]->pos, "param data type expect string, got %s",
                           sc_type_name(v.type));
    *out = sc_int((int64_t)gw_utf8_count(v.s));
    return true;
}

bool check_append(struct sc_check *c, struct sc_node *call)
{
    return call->kid[0]->kind == SN_IDENT ||
           sc_check_fail(c, call->kid[0]->pos, "append: the first argument is an identifier");
}

bool fn_append(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v, list;
    if (!sc_get(r, call->kid[0], &list) || list.type != SC_LIST)
        return true;
    if (!sc_eval(r, call->kid[1], &v))
        return false;
    struct sc_list *l = sc_list_new(r->arena);
    if (!l || !(l->items = gw_arena_raw(r->arena, list.l->n + 1, sizeof *l->items)))
        return sc_run_fail(r, call->pos, "the record's memory is spent");
    if (list.l->n)
        memcpy(l->items, list.l->items, list.l->n * sizeof *l->items);
    l->n = l->cap = list.l->n + 1;
    l->items[list.l->n] = v.type == SC_VOID ? sc_nil() : v;
    *out = (struct sc_val){.type = SC_LIST, .l = l};
    return true;
}

bool check_delete(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *from = call->kid[0];
    if (from->kind != SN_IDENT && from->kind != SN_INDEX)
        return sc_check_fail(c, from->pos, "delete: the first argument is an identifier or an index");
    return sc_want_text(c, call->kid[1]);
}

/* Follows an index as far as possible; NULL if it has no target, which is not an error here. */
static struct sc_val *follow(struct sc_run *r, struct sc_val *from, const struct sc_node *index)
{
    for (uint32_t i = 1; from && i < index->n; i++) {
        struct sc_val key;
        if (!sc_try(r, index->kid[i], &key, NULL))
            return NULL;
        if (from->type == SC_MAP && key.type == SC_STR) {
            from = sc_map_get(from->m, key.s);
        } else if (from->type == SC_LIST && key.type == SC_INT) {
            int64_t at = key.i < 0 ? (int64_t)from->l->n + key.i : key.i;
            from = at >= 0 && (uint64_t)at < from->l->n ? &from->l->items[at] : NULL;
        } else {
            from = NULL;
        }
    }
    return from;
}

bool fn_delete(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct sc_node *from = call->kid[0];
    struct sc_val v, *what = &v;
    (void)out;
    if (from->kind == SN_INDEX && !from->kid[0])
        return true;
    if (!sc_get(r, from->kind == SN_INDEX ? from->kid[0] : from, &v))
        return true;
    if (v.type != SC_MAP && v.type != SC_LIST)
        return true;
    if (from->kind == SN_INDEX)
        what = follow(r, &v, from);
    if (r->fault->set)
        return false;
    if (what && what->type == SC_MAP)
        sc_map_del(what->m, call->kid[1]->text);
    return true;
}

bool fn_value_type(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    if (!sc_try(r, call->kid[0], &v, NULL))
        return false;
    *out = sc_z(v.type == SC_VOID || v.type == SC_NIL ? "" : sc_type_name(v.type));
    return true;
}

bool fn_parse_int(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val text, base;
    int64_t i = 0;
    if (!sc_eval(r, call->kid[0], &text) || (text.type == SC_STR && !sc_eval(r, call->kid[1], &base)))
        return false;
    if (text.type == SC_STR && base.type == SC_INT && base.i >= 0 && base.i <= 36)
        gw_parse_int(text.s, (int)base.i, &i);
    *out = sc_int(i);
    return true;
}

bool fn_format_int(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val number, base;
    char text[66];
    size_t at = sizeof text;
    if (!sc_eval(r, call->kid[0], &number) || (number.type == SC_INT && !sc_eval(r, call->kid[1], &base)))
        return false;
    if (number.type == SC_INT && base.type == SC_INT && base.i >= 2 && base.i <= 36) {
        uint64_t u = number.i < 0 ? 0 - (uint64_t)number.i : (uint64_t)number.i;
        do
            text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[u % (uint64_t)base.i];
        while (u /= (uint64_t)base.i);
        if (number.i < 0)
            text[--at] = '-';
    }
    *out = sc_str(gw_arena_dup(r->arena, gw_str_n(text + at, sizeof text - at)));
    return true;
}

bool fn_slice_string(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v[3];
    if (!sc_arguments(r, call, v))
        return false;
    int64_t count = (int64_t)gw_utf8_count(v[0].s), end = v[2].i > count ? count : v[2].i, start = v[1].i;
    struct gw_text b = {.arena = r->arena};
    gw_str rest = v[0].s;
    for (int64_t i = 0; start >= 0 && start <= end && i < end; i++) {
        uint32_t rune = gw_utf8_next(&rest);
        if (i >= start)
            gw_text_put_rune(&b, rune);
    }
    *out = sc_str(gw_text_result(&b));
    return true;
}

bool fn_hash(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    static const char *const methods[] = {"md5", "sha1", "sha256", "sha512"};
    struct sc_val v[2];
    unsigned char sum[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    if (!sc_arguments(r, call, v))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (gw_str_eq(v[1].s, gw_str_z(methods[i])) &&
            !EVP_Digest(v[0].s.ptr ? v[0].s.ptr : "", v[0].s.len, sum, &len, EVP_get_digestbyname(methods[i]),
                        NULL))
            return sc_run_fail(r, call->pos, "hash: %s is not to be had", methods[i]);
    for (unsigned i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    *out = sc_str(gw_arena_dup(r->arena, gw_str_n(hex, 2 * len)));
    return true;
}

static bool key_text_or_call(const struct sc_node *x)
{
    return x->kind == SN_IDENT || x->kind == SN_ATTR || x->kind == SN_STR || x->kind == SN_CALL;
}

bool check_cidr(struct sc_check *c, struct sc_node *call)
{
    for (uint32_t i = 0; i < 2; i++)
        if (!key_text_or_call(call->kid[i]))
            return sc_check_fail(c, call->kid[i]->pos, "cidr: expected an identifier, a.b or text");
    return true;
}

/* 4 or 16 bytes; how many, 0: no address. */
static size_t address(gw_str s, unsigned char to[16])
{
    char text[64];
    if (!s.len || s.len >= sizeof text || memchr(s.ptr, 0, s.len))
        return 0;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    return inet_pton(AF_INET, text, to) == 1 ? 4 : inet_pton(AF_INET6, text, to) == 1 ? 16 : 0;
}

static bool contains(gw_str prefix, gw_str ip)
{
    unsigned char net[16], one[16];
    uint64_t bits;
    size_t slash = gw_str_find(prefix, '/'), n = address(gw_str_n(prefix.ptr, slash), net),
           zone = gw_str_find(ip, '%');
    gw_str length = gw_str_from(prefix, slash + 1);
    if (!n || !gw_str_u64(length, &bits) || bits > 8 * n || (length.len > 1 && *length.ptr == '0') ||
        address(gw_str_n(ip.ptr, zone), one) != n || zone < ip.len)
        return false;
    for (size_t i = 0; i < n && bits; i++) {
        unsigned take = bits > 8 ? 8 : (unsigned)bits;
        if ((net[i] ^ one[i]) >> (8 - take))
            return false;
        bits -= take;
    }
    return true;
}

/* The text itself, or the text of a key; empty for other values. */
static gw_str text_of(struct sc_run *r, const struct sc_node *x)
{
    struct sc_val v;
    if (x->kind == SN_STR)
        return x->text;
    return (x->kind == SN_IDENT || x->kind == SN_ATTR) && sc_get(r, x, &v) && v.type == SC_STR ? v.s
                                                                                               : GW_NOSTR;
}

bool fn_cidr(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    *out = sc_bool(contains(text_of(r, call->kid[1]), text_of(r, call->kid[0])));
    return true;
}
