/* listen_claims.c: Keeps the list of addresses that the receivers and the admin listener of one configuration
 * want, to report two that want the same. Owns the list. Called by the code that opens addresses, on the main
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/listen_claims.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { CLAIMS = 256 };

struct claim {
    struct gw_address address;
    struct gw_listen_claimant by;
};

struct gw_listen_claims {
    struct claim all[CLAIMS];
    size_t n;
};

struct gw_listen_claims *gw_listen_claims_new(void)
{
    return calloc(1, sizeof(struct gw_listen_claims));
}

void gw_listen_claims_drop(struct gw_listen_claims *c)
{
    free(c);
}

static bool is_wildcard(const struct gw_address *a)
{
    if (a->sa.ss_family == AF_INET)
        return ((const struct sockaddr_in *)&a->sa)->sin_addr.s_addr == INADDR_ANY;
    return a->sa.ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&a->sa)->sin6_addr);
}

/* Would the system refuse the second of them? Port 0 is another one each time. */
static bool collide(const struct gw_address *a, const struct gw_address *b)
{
    if (gw_listen_same(a, b))
        return true;
    return a->sa.ss_family == b->sa.ss_family && a->sa.ss_family != AF_UNIX && gw_listen_port(a) &&
           gw_listen_port(a) == gw_listen_port(b) && (is_wildcard(a) || is_wildcard(b));
}

static enum gw_listen_result refuse(const struct gw_address *a, const struct claim *first,
                                    const struct gw_listen_claimant *by, struct gw_listen_error *why)
{
    char name[128];
    gw_listen_name(a, name, sizeof name);
    if (strcmp(first->by.kind, by->kind) == 0 && gw_listen_same(a, &first->address))
        snprintf(why->text, sizeof why->text,
                 "%s: %s, of the same type, listens there already: give each an address of its own", name,
                 first->by.path);
    else
        snprintf(why->text, sizeof why->text, "%s is wanted by %s (%s) too: give each an address of its own",
                 name, first->by.path,
                 strchr(first->by.kind, '=') ? strchr(first->by.kind, '=') + 1 : first->by.kind);
    return GW_LISTEN_CLAIMED;
}

enum gw_listen_result gw_listen_claim(struct gw_listen_claims *c, const struct gw_address *a,
                                      const struct gw_listen_claimant *by, struct gw_listen_error *why)
{
    for (size_t i = 0; c && i < c->n; i++) {
        const struct claim *other = &c->all[i];
        bool shared = other->by.http && by->http && strcmp(other->by.kind, by->kind) != 0 &&
                      gw_listen_same(a, &other->address);
        if (other->by.type == by->type && collide(a, &other->address) && !shared)
            return refuse(a, other, by, why);
    }
    if (c && c->n < CLAIMS)
        c->all[c->n++] = (struct claim){*a, *by};
    return GW_LISTEN_OK;
}

bool gw_listen_is_claimed(const struct gw_listen_claims *c, const struct gw_address *a)
{
    for (size_t i = 0; c && i < c->n; i++)
        if (gw_listen_same(a, &c->all[i].address))
            return true;
    return false;
}

bool gw_listen_claims_print(const struct gw_listen_claims *c, const char *path, FILE *to)
{
    char name[128];
    bool any = false;
    for (size_t i = 0; c && i < c->n; i++) {
        if (strcmp(c->all[i].by.path, path) != 0)
            continue;
        gw_listen_name(&c->all[i].address, name, sizeof name);
        fprintf(to, "%s%s%s", any ? ", " : "", name, c->all[i].by.type == SOCK_DGRAM ? " (datagrams)" : "");
        any = true;
    }
    return any;
}
