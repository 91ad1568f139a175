/* scrub.c: Keeps the table of secrets and removes them from texts. Owns the list of secrets, and a table of
 * their encoded forms that is rebuilt at the first use after a change. Readers count themselves in and out of
 * the table and hold no lock while they read. Called where a configuration is read and where texts leave the
 * process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "core/base/scrub.h"

#include <stdlib.h>

#include "core/base/hex.h"
#include "core/base/lock.h"
#include "core/base/url.h"

enum {
    START = 4, /* bytes that a form is found by */
    HEADS = 1024,
    LONGEST = 8192, /* longer secrets are known by their beginning */
    CUT = 12,       /* so much of a secret is a secret */
    CUT_AT_END = 8, /* and so much at the end of a text */
    PEM_LINE = 16,
    SLACK = 4 /* what may follow the base64 form of a text that holds a secret */
};

static const gw_str hidden = GW_LIT("***");

struct form {
    struct form *next; /* with the same start */
    bool digits;       /* only */
    bool base64;
    size_t len;
    char text[];
};

struct table {
    unsigned refs;
    struct form *heads[HEADS];
};

struct secret {
    struct secret *next;
    size_t len;
    char text[];
};

static struct gw_lock lock = GW_LOCK_STATIC(SECRETS);
/* under lock */
static struct secret *secrets; /* the one that was named last is the first */
static size_t secrets_n;
static struct table *current; /* holds a reference; NULL: no secret, or none yet */
static bool stale;

/* --- the list --- */

/* The one of this text, or the last one of a list that is full, out of the list; NULL: neither. */
static struct secret *take(gw_str s)
{
    struct secret **at = &secrets, *found;
    while (*at && !gw_str_eq(gw_str_n((*at)->text, (*at)->len), s) &&
           ((*at)->next || secrets_n < GW_SECRETS_MOST))
        at = &(*at)->next;
    found = *at;
    if (found) {
        *at = found->next;
        secrets_n--;
    }
    return found;
}

void gw_secret_add(gw_str s)
{
    if (s.len == 0)
        return;
    if (s.len > LONGEST)
        s.len = LONGEST;
    gw_lock(&lock);
    struct secret *one = take(s);
    if (!one || !gw_str_eq(gw_str_n(one->text, one->len), s)) {
        free(one);
        one = malloc(sizeof *one + s.len);
        stale = true;
    }
    if (one) {
        memcpy(one->text, s.ptr, s.len);
        one->len = s.len;
        one->next = secrets;
        secrets = one;
        secrets_n++;
    }
    gw_unlock(&lock);
}

/* Removes the part before the next of `separators` from *rest. */
static bool next_part(gw_str *rest, const char *separators, gw_str *part)
{
    size_t n = 0;
    if (!rest->len)
        return false;
    while (n < rest->len && !gw_char_in(rest->ptr[n], separators))
        n++;
    *part = gw_str_n(rest->ptr, n);
    *rest = gw_str_from(*rest, n + 1);
    return true;
}

void gw_secret_add_list(gw_str s)
{
    for (gw_str part; next_part(&s, ", \t\r\n", &part);)
        gw_secret_add(part);
}

static bool holds(gw_str s, gw_str part)
{
    return s.len && memmem(s.ptr, s.len, part.ptr, part.len);
}

void gw_secret_add_text(gw_str s)
{
    gw_str line;
    if (!holds(s, GW_STR("-----BEGIN"))) {
        gw_secret_add(s);
        return;
    }
    while (next_part(&s, "\r\n\\", &line)) {
        if (line.len && *line.ptr == 'n' && line.ptr[-1] == '\\') /* a line end that was written as \n */
            line = gw_str_from(line, 1);
        line = gw_str_trim(line);
        if (line.len >= PEM_LINE && *line.ptr != '-')
            gw_secret_add(line);
    }
}

/* user:password, percent-encoded or not. */
static void add_login(gw_str login)
{
    size_t colon = gw_str_find(login, ':');
    char *plain = malloc(login.len + 1);
    gw_secret_add(login);
    gw_secret_add(gw_str_from(login, colon + 1));
    if (plain && gw_str_find(login, '%') < login.len) {
        gw_str decoded = gw_str_n(plain, gw_url_decode(login, plain));
        gw_secret_add(decoded);
        gw_secret_add(gw_str_from(decoded, gw_str_find(decoded, ':') + 1));
    }
    free(plain);
}

bool gw_secret_is_name(gw_str name)
{
    static const char *const words[] = {"key",  "token", "secret", "passw", "pwd",
                                        "auth", "cred",  "cookie", "sign",  NULL};
    char lower[64];
    size_t n = name.len < sizeof lower ? name.len : sizeof lower;
    for (size_t i = 0; i < n; i++)
        lower[i] = gw_lower(name.ptr[i]);
    for (const char *const *w = words; *w; w++)
        if (holds(gw_str_n(lower, n), gw_str_z(*w)))
            return true;
    return false;
}

static void add_query(gw_str query)
{
    gw_str pair;
    query.len = gw_str_find(query, '#');
    while (next_part(&query, "&;", &pair)) {
        size_t sign = gw_str_find(pair, '=');
        if (sign < pair.len && gw_secret_is_name(gw_str_n(pair.ptr, sign)))
            gw_secret_add(gw_str_from(pair, sign + 1));
    }
}

void gw_secret_add_url(gw_str url)
{
    const char *scheme = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    gw_str rest = scheme ? gw_str_from(url, (size_t)(scheme - url.ptr) + 3) : url, host = rest;
    size_t at = 0;
    host.len = gw_str_find(host, '?');
    for (size_t i = 0; i < host.len; i++) /* the last one: a password may hold an @, or a slash */
        if (host.ptr[i] == '@')
            at = i;
    if (at)
        add_login(gw_str_n(host.ptr, at));
    add_query(gw_str_from(rest, host.len + 1));
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c == '-' ? '+' : c == '_' ? '/' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Decodes the text; `out` has room for its length. Returns the length. */
static size_t base64_decode(gw_str s, char *out)
{
    size_t n = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < s.len && base64_digit(s.ptr[i]) >= 0; i++) {
        bits = bits << 6 | (uint32_t)base64_digit(s.ptr[i]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (char)(bits >> held);
        }
    }
    return n;
}

static void add_basic(gw_str encoded)
{
    char *login = malloc(encoded.len + 1);
    size_t n = login ? base64_decode(encoded, login) : 0;
    if (n && gw_str_find(gw_str_n(login, n), ':') < n)
        add_login(gw_str_n(login, n));
    free(login);
}

void gw_secret_add_header(gw_str name, gw_str value)
{
    static const char *const open_ones[] = {"user-agent",
                                            "accept",
                                            "accept-language",
                                            "x-scope-orgid",
                                            "organization",
                                            "stream-name",
                                            "x-honeycomb-dataset",
                                            "x-sls-otel-project",
                                            "x-sls-otel-instance-id",
                                            NULL};
    static const char *const schemes[] = {"bearer",  "basic", "token",  "apikey",
                                          "api-key", "key",   "digest", NULL};
    size_t blank = gw_str_find(value, ' ');
    for (const char *const *o = open_ones; *o; o++)
        if (gw_str_ieq(name, gw_str_z(*o)))
            return;
    gw_str scheme = gw_str_n(value.ptr, blank), rest = gw_str_trim(gw_str_from(value, blank + 1));
    bool known = false;
    for (const char *const *s = schemes; *s && rest.len; s++)
        known |= gw_str_ieq(scheme, gw_str_z(*s));
    gw_secret_add_text(known ? rest : value);
    if (known && gw_str_ieq(scheme, GW_STR("basic")))
        add_basic(rest);
}

/* --- forms --- */

static uint32_t head_of(const char *start)
{
    uint32_t word;
    memcpy(&word, start, START);
    return word * 0x9e3779b1u >> 22;
}
_Static_assert(HEADS == 1u << (32 - 22), "a head for every hash");

static bool is_known(const struct table *t, gw_str s)
{
    for (const struct form *f = t->heads[head_of(s.ptr)]; f; f = f->next)
        if (gw_str_eq(gw_str_n(f->text, f->len), s))
            return true;
    return false;
}

static void add_form(struct table *t, gw_str s, bool base64)
{
    if (s.len < GW_SECRET_SHORTEST || is_known(t, s))
        return;
    struct form *f = malloc(sizeof *f + s.len);
    if (!f)
        return;
    *f = (struct form){.next = t->heads[head_of(s.ptr)], .digits = true, .base64 = base64, .len = s.len};
    memcpy(f->text, s.ptr, s.len);
    for (size_t i = 0; i < s.len; i++)
        f->digits &= gw_is_digit(s.ptr[i]);
    t->heads[head_of(s.ptr)] = f;
}

/* %41 for all characters except letters, digits and -._~ */
static size_t percent(gw_str s, char *out, const char *digits)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (gw_is_letter(c) || gw_is_digit(c) || gw_char_in((char)c, "-._~")) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    return n;
}

/* Characters and their escapes in JSON texts, as most libraries write them, PHP and Go; and in HTML. */
enum { ESCAPES = 6 };
typedef const char *const escapes[ESCAPES];
static escapes json = {"\"\\\"", "\\\\\\"}, json_of_php = {"\"\\\"", "\\\\\\", "/\\/"},
               json_of_go = {"\"\\\"", "\\\\\\", "&\\u0026", "<\\u003c", ">\\u003e"},
               html = {"&&amp;", "<&lt;", ">&gt;", "\"&quot;", "'&#39;"};

static size_t escaped(gw_str s, char *out, escapes of)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *escape = NULL;
        for (size_t k = 0; k < ESCAPES && of[k]; k++)
            escape = s.ptr[i] == of[k][0] ? of[k] + 1 : escape;
        if (escape)
            n += (size_t)(stpcpy(out + n, escape) - (out + n));
        else
            out[n++] = s.ptr[i];
    }
    return n;
}

/* Base64 of s after `before` unknown bytes, without the digits that depend on the bytes around it. */
static size_t base64(gw_str s, size_t before, const char *last_two, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t n = 0, first = (before * 8 + 5) / 6, whole = (before + s.len) * 8 / 6;
    for (size_t digit = first; digit < whole; digit++) {
        unsigned value = 0;
        for (size_t bit = digit * 6; bit < digit * 6 + 6; bit++) {
            unsigned char byte = (unsigned char)s.ptr[bit / 8 - before];
            value = value << 1 | (byte >> (7 - bit % 8) & 1);
        }
        out[n++] = value < 62 ? digits[value] : last_two[value - 62];
    }
    return n;
}

static void add_forms(struct table *t, gw_str s, char *room)
{
    add_form(t, s, false);
    add_form(t, gw_str_n(room, percent(s, room, "0123456789ABCDEF")), false);
    add_form(t, gw_str_n(room, percent(s, room, "0123456789abcdef")), false);
    add_form(t, gw_str_n(room, escaped(s, room, json)), false);
    add_form(t, gw_str_n(room, escaped(s, room, json_of_php)), false);
    add_form(t, gw_str_n(room, escaped(s, room, json_of_go)), false);
    add_form(t, gw_str_n(room, escaped(s, room, html)), false);
    if (s.len < START) /* base64 of so little is in many texts */
        return;
    for (size_t before = 0; before < 3; before++) {
        add_form(t, gw_str_n(room, base64(s, before, "+/", room)), true);
        add_form(t, gw_str_n(room, base64(s, before, "-_", room)), true);
    }
}

static void drop_table(struct table *t)
{
    for (size_t i = 0; i < HEADS; i++)
        for (struct form *f = t->heads[i], *next; f; f = next) {
            next = f->next;
            explicit_bzero(f->text, f->len);
            free(f);
        }
    free(t);
}

/* Under lock. */
static void unref(struct table *t)
{
    if (t && --t->refs == 0)
        drop_table(t);
}

/* Under lock. Without memory the old table stays in use. */
static void renew(void)
{
    struct table *fresh = calloc(1, sizeof *fresh);
    char *room = fresh ? malloc(6 * LONGEST + 8) : NULL;
    if (!room) {
        free(fresh);
        return;
    }
    fresh->refs = 1;
    for (const struct secret *s = secrets; s; s = s->next)
        add_forms(fresh, gw_str_n(s->text, s->len), room);
    free(room);
    unref(current);
    current = fresh;
    stale = false;
}

static struct table *borrow(void)
{
    gw_lock(&lock);
    if (stale)
        renew();
    struct table *t = current;
    if (t)
        t->refs++;
    gw_unlock(&lock);
    return t;
}

static void give_back(struct table *t)
{
    if (!t)
        return;
    gw_lock(&lock);
    unref(t);
    gw_unlock(&lock);
}

void gw_secrets_forget(void)
{
    gw_lock(&lock);
    for (struct secret *next; secrets; secrets = next) {
        next = secrets->next;
        explicit_bzero(secrets->text, secrets->len);
        free(secrets);
    }
    secrets_n = 0;
    unref(current);
    current = NULL;
    stale = false;
    gw_unlock(&lock);
}

/* --- texts --- */

static bool is_base64(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || gw_char_in(c, "+/-_=");
}

/* How much of the text at `at` is this form: 0 for what does not matter. */
static size_t covered(const struct form *f, gw_str text, size_t at)
{
    gw_str rest = gw_str_from(text, at);
    size_t n = START, most = rest.len < f->len ? rest.len : f->len;
    while (n < most && rest.ptr[n] == f->text[n])
        n++;
    bool cut = n >= CUT || (n == rest.len && n >= CUT_AT_END);
    if (n < f->len && !cut)
        return 0;
    if (f->digits && (gw_digit_at(rest, n) || (at && gw_is_digit(text.ptr[at - 1]))))
        return 0;
    for (size_t i = 0; f->base64 && i < SLACK && n < rest.len && is_base64(rest.ptr[n]); i++)
        n++;
    return n;
}

/* The longest secret that begins there, or 0. */
static size_t secret_at(const struct table *t, gw_str text, size_t at)
{
    size_t longest = 0;
    for (const struct form *f = t->heads[head_of(text.ptr + at)]; f; f = f->next) {
        size_t n = memcmp(f->text, text.ptr + at, START) == 0 ? covered(f, text, at) : 0;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static size_t hide_secrets(const struct table *t, char *text, size_t n)
{
    size_t to = 0, from = 0;
    while (from + START <= n) {
        size_t len = t->heads[head_of(text + from)] ? secret_at(t, gw_str_n(text, n), from) : 0;
        if (len >= hidden.len) {
            memcpy(text + to, hidden.ptr, hidden.len);
            to += hidden.len;
            from += len;
        } else {
            text[to++] = text[from++];
        }
    }
    memmove(text + to, text + from, n - from);
    return to + (n - from);
}

/* The start of the host in a URL whose authority begins at `at`; `at` if it has no user. */
static size_t after_user(gw_str text, size_t at)
{
    size_t after = at;
    for (size_t i = at;
         i < text.len && (unsigned char)text.ptr[i] > ' ' && !gw_char_in(text.ptr[i], "/?#\"'<>\\"); i++)
        if (text.ptr[i] == '@')
            after = i;
    return after;
}

static size_t hide_users(char *text, size_t n)
{
    size_t to = 0, from = 0;
    for (const char *colon; (colon = memmem(text + from, n - from, "://", 3));) {
        size_t authority = (size_t)(colon - text) + 3, host = after_user(gw_str_n(text, n), authority);
        memmove(text + to, text + from, authority - from);
        to += authority - from;
        from = authority;
        if (host - authority >= hidden.len) {
            memcpy(text + to, hidden.ptr, hidden.len);
            to += hidden.len;
            from = host;
        } else if (host > authority) {
            from = host + 1; /* no room for the mark: without a user */
        }
    }
    memmove(text + to, text + from, n - from);
    return to + (n - from);
}

size_t gw_scrub_data(char *text, size_t n)
{
    struct table *t = borrow();
    if (t)
        n = hide_secrets(t, text, n);
    give_back(t);
    return n;
}

size_t gw_scrub(char *text, size_t n)
{
    return hide_users(text, gw_scrub_data(text, n));
}
