/* auth.c: Tokens of a listener: reads them from an option, and compares the tokens of requests by their
 * digests. Owns the digests. Called by listener_access.c and by HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/net/auth.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "core/config/config_diagnostic.h"

enum { SHORT = 16 };

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next token of *rest; false at its end. */
static bool next_token(gw_str *rest, gw_str *token)
{
    while (rest->len && is_separator(*rest->ptr))
        *rest = gw_str_from(*rest, 1);
    size_t n = 0;
    while (n < rest->len && !is_separator(rest->ptr[n]))
        n++;
    *token = gw_str_n(rest->ptr, n);
    *rest = gw_str_from(*rest, n);
    return n > 0;
}

static bool is_visible(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return true;
}

void gw_auth_read(struct gw_auth *a, gw_str tokens, const struct gw_list *headers, const char *path,
                  struct gw_diagnostics *diagnostics)
{
    gw_str rest = tokens, token;
    *a = (struct gw_auth){.headers = *headers};
    while (next_token(&rest, &token)) {
        if (a->n == GW_AUTH_TOKENS) {
            gw_option_error(diagnostics, path, "auth.token", "holds more than %d tokens", GW_AUTH_TOKENS);
            return;
        }
        if (!is_visible(token))
            gw_option_error(
                diagnostics, path, "auth.token",
                "token %zu has characters that a header cannot carry: use letters, digits and -._~+/=",
                a->n + 1);
        if (token.len < SHORT)
            gw_option_warning(diagnostics, path, "auth.token",
                              "token %zu is shorter than %d characters and can be guessed: `openssl rand "
                              "-hex 32` makes a good one",
                              a->n + 1, SHORT);
        SHA256((const uint8_t *)token.ptr, token.len, a->digests[a->n++]);
    }
    if (tokens.len && a->n == 0)
        gw_option_error(diagnostics, path, "auth.token", "holds blanks and commas only, and no token");
    if (a->n && headers->n == 0)
        gw_option_error(diagnostics, path, "auth.header",
                        "is empty: name at least one header that may carry the token");
}

static bool knows(const struct gw_auth *a, gw_str token)
{
    uint8_t digest[GW_AUTH_DIGEST];
    unsigned known = 0;
    SHA256((const uint8_t *)token.ptr, token.len, digest);
    for (size_t i = 0; i < a->n; i++)
        known |= CRYPTO_memcmp(digest, a->digests[i], sizeof digest) == 0;
    return known;
}

static bool is_asked_for(const struct gw_auth *a, gw_str name)
{
    for (size_t i = 0; i < a->headers.n; i++)
        if (gw_str_ieq(name, a->headers.items[i]))
            return true;
    return false;
}

void gw_auth_header(const struct gw_auth *a, gw_str name, gw_str value, enum gw_code *verdict)
{
    static const gw_str scheme = GW_LIT("bearer ");
    if (*verdict == GW_OK || !is_asked_for(a, name))
        return;
    bool bearer = gw_str_ieq(name, GW_STR("authorization"));
    if (bearer && (value.len <= scheme.len || !gw_str_ieq(gw_str_n(value.ptr, scheme.len), scheme)))
        *verdict = GW_BAD_TOKEN; /* Basic, Digest, … */
    else if (knows(a, bearer ? gw_str_trim(gw_str_from(value, scheme.len)) : value))
        *verdict = GW_OK;
    else
        *verdict = bearer ? GW_BAD_TOKEN : GW_BAD_KEY;
}

void gw_auth_token(const struct gw_auth *a, gw_str token, enum gw_code *verdict)
{
    if (*verdict != GW_OK)
        *verdict = knows(a, token) ? GW_OK : GW_BAD_KEY;
}
