/* admin_access.c: Decides by a request's headers whether its sender may see the page and the API, and checks
 * the options about it. Owns digests of the tokens. Called by admin.c on the main thread, and by
 * admin_request.c on the listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/admin_access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "core/config/config_diagnostic.h"

enum { NAME = 256, CREDENTIALS = 1024 };

/* The host of "host:port", "[::1]:port", "host" or "[::1]". False if it is too long. */
static bool host_of(gw_str text, char out[static NAME])
{
    const char *end = NULL;
    if (text.len && *text.ptr == '[') {
        text = gw_str_from(text, 1);
        end = text.len ? memchr(text.ptr, ']', text.len) : NULL;
    } else if (text.len) {
        end = memchr(text.ptr, ':', text.len);
    }
    if (end)
        text.len = (size_t)(end - text.ptr);
    if (text.len >= NAME)
        return false;
    snprintf(out, NAME, "%.*s", GW_FMT(text));
    return true;
}

void gw_admin_access_read(struct gw_admin_access *a, const struct gw_admin_conf *c,
                          struct gw_diagnostics *diagnostics)
{
    static gw_str authorization[] = {GW_LIT("Authorization")};
    static const struct gw_list headers = {authorization, 1};
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    size_t n = 0;
    gw_auth_read(&a->auth, c->token, &headers, "admin", diagnostics);
    gw_options_not_empty(diagnostics, "admin", (const char *const[]){"auth.token", NULL});
    if (!host_of(c->listen, a->host))
        a->host[0] = '\0';
    if (!c->page || !c->is_page_written || !c->listen.len || a->auth.n ||
        gw_listen_resolve(c->listen, addresses, &n, &why) != GW_LISTEN_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (!gw_listen_is_local((const struct sockaddr *)&addresses[i].sa)) {
            gw_config_error(
                diagnostics, "admin.page",
                "other machines can reach %.*s and would see data of applications: set admin.auth.token, "
                "listen on 127.0.0.1, or write page = false",
                GW_FMT(c->listen));
            return;
        }
}

bool gw_admin_access_shows(const struct gw_admin_access *a, const struct gw_admin_conf *c,
                           const struct gw_address *address)
{
    return c->page && (a->auth.n || gw_listen_is_local((const struct sockaddr *)&address->sa));
}

static bool is(const char *value, const char *word)
{
    return value && strcmp(value, word) == 0;
}

/* False for a page of another site that makes a browser ask. */
static bool comes_from_here(enum gw_admin_place place, const struct gw_admin_asker *by)
{
    if (!by->fetch_site || is(by->fetch_site, "none") || is(by->fetch_site, "same-origin"))
        return true;
    if (place == GW_ADMIN_FIGURES)
        return !is(by->fetch_site, "cross-site");
    return place == GW_ADMIN_PAGE && is(by->fetch_mode, "navigate") && is(by->fetch_dest, "document");
}

static bool is_known_host(const struct gw_admin_access *a, const char *header)
{
    struct in6_addr address;
    char host[NAME];
    if (!header || !host_of(gw_str_z(header), host))
        return false;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1 ||
           gw_str_ieq(gw_str_z(host), GW_STR("localhost")) ||
           (a->host[0] && gw_str_ieq(gw_str_z(host), gw_str_z(a->host)));
}

/* Reads user:password in base64; the password is the token, and any user name is accepted. */
static void take_basic(const struct gw_auth *auth, gw_str encoded, enum gw_code *verdict)
{
    unsigned char text[CREDENTIALS];
    encoded = gw_str_trim(encoded);
    if (encoded.len > CREDENTIALS || encoded.len % 4 != 0)
        return;
    int n = EVP_DecodeBlock(text, (const unsigned char *)encoded.ptr, (int)encoded.len);
    for (size_t i = encoded.len; n > 0 && i > 0 && encoded.ptr[i - 1] == '='; i--)
        n--; /* what stands for padding */
    const unsigned char *colon = n > 0 ? memchr(text, ':', (size_t)n) : NULL;
    if (colon)
        gw_auth_token(auth, gw_str_n((const char *)colon + 1, (size_t)(text + n - colon - 1)), verdict);
    OPENSSL_cleanse(text, sizeof text);
}

static bool shows_token(const struct gw_auth *auth, const char *authorization)
{
    static const gw_str basic = GW_LIT("basic ");
    enum gw_code verdict = GW_NO_TOKEN;
    gw_str value = gw_str_z(authorization ? authorization : "");
    if (value.len > basic.len && gw_str_ieq(gw_str_n(value.ptr, basic.len), basic))
        take_basic(auth, gw_str_from(value, basic.len), &verdict);
    else if (value.len)
        gw_auth_header(auth, GW_STR("Authorization"), value, &verdict);
    return verdict == GW_OK;
}

struct gw_admin_refusal gw_admin_access_refuses(const struct gw_admin_access *a, enum gw_admin_place place,
                                                const struct gw_admin_asker *by)
{
    if (!comes_from_here(place, by))
        return (struct gw_admin_refusal){403, "not for pages of other sites"};
    if (place == GW_ADMIN_FIGURES)
        return (struct gw_admin_refusal){0};
    if (a->auth.n)
        return shows_token(&a->auth, by->authorization)
                   ? (struct gw_admin_refusal){0}
                   : (struct gw_admin_refusal){401,
                                               "show the token of admin.auth.token: Authorization: Bearer "
                                               "TOKEN, or as the password of Basic"};
    if (!by->by_file && !is_known_host(a, by->host))
        return (struct gw_admin_refusal){403,
                                         "the Host header names neither an address, nor localhost, nor the "
                                         "host of admin.listen: ask by one of these"};
    return (struct gw_admin_refusal){0};
}
