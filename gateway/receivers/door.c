/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/door.h"

#include "gateway/receivers/listen.h"

void gw_door_open(struct gw_door *d, const struct gw_door_conf *c, const char *path, struct gw_problems *problems)
{
    gw_auth_read(&d->auth, c->auth_token, &c->auth_header, path, problems);
}

static bool is_public(gw_str address)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    struct gw_listen_why why;
    size_t n;
    if (gw_listen_resolve(address, all, &n, &why) != GW_LISTEN_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!gw_listen_is_local((const struct sockaddr *)&all[i].sa))
            return true;
    return false;
}

bool gw_door_warn(const struct gw_door *d, gw_str address, const char *path, struct gw_problems *problems)
{
    char where[160];
    if (d->auth.n || !is_public(address))
        return false;
    snprintf(where, sizeof where, "%s.listen", path);
    gw_warning(problems, where,
               "\"%.*s\" can be reached from other machines, and whoever reaches it may send: set auth.token, or listen on 127.0.0.1 only; "
               "where a network policy or firewall decides who reaches it, nothing needs to be done",
               GW_FMT(address));
    return true;
}
