/* own_targets.c: The endpoints of exporters, compared with a port of this machine. Pure; called by receivers through
 * their host, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/own_targets.h"

static bool is_this_machine(gw_str host)
{
    return gw_str_ieq(host, GW_STR("localhost")) || gw_str_starts(host, GW_STR("127.")) ||
           gw_str_eq(host, GW_STR("[::1]")) || gw_str_eq(host, GW_STR("0.0.0.0"));
}

/* Behind the scheme, in front of the path: host and port. */
static gw_str authority_of(gw_str url)
{
    static const gw_str schemes[] = {GW_LIT("http://"), GW_LIT("https://")};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (gw_str_starts(url, schemes[i]))
            url = gw_str_from(url, schemes[i].len);
    return gw_str_n(url.ptr, gw_str_find(url, '/'));
}

/* Without a port gRPC goes to 4317. */
static bool names(gw_str url, int port)
{
    enum { GRPC_PORT = 4317 };
    gw_str authority = authority_of(url), host = authority;
    int64_t number = GRPC_PORT;
    size_t colon = authority.len;
    while (colon && authority.ptr[colon - 1] != ':' && authority.ptr[colon - 1] != ']')
        colon--;
    if (colon && authority.ptr[colon - 1] == ':' && gw_str_i64(gw_str_from(authority, colon), &number))
        host.len = colon - 1;
    return number == port && is_this_machine(host);
}

/* Options whose names end in "endpoint", and lists of such. */
static bool leads_to(const void *field, const struct gw_opt *row, int port)
{
    const struct gw_list *list = field;
    gw_str name = gw_str_z(row->name);
    if (row->type == GW_OPT_str)
        return gw_str_ends(name, GW_STR("endpoint")) && names(*(const gw_str *)field, port);
    if (row->type != GW_OPT_list ||
        !(gw_str_eq(name, GW_STR("endpoints")) || gw_str_eq(name, GW_STR("failover"))))
        return false;
    for (size_t i = 0; i < list->n; i++)
        if (names(list->items[i], port))
            return true;
    return false;
}

bool gw_conf_sends_to(const void *conf, int port)
{
    const struct gw_conf *c = conf;
    for (size_t i = 0; i < c->exporters_n; i++) {
        const struct gw_conf_exporter *e = &c->exporters[i];
        for (const struct gw_opt *row = e->module->opts; row->type != GW_OPT_END_ROW; row++)
            if (leads_to((const char *)e->conf + row->offset, row, port))
                return true;
    }
    return false;
}

bool gw_conf_takes(const void *conf, unsigned signal)
{
    const struct gw_conf *c = conf;
    for (size_t i = 0; i < c->exporters_n; i++)
        if (gw_sender_signals(&c->exporters[i].sender, c->exporters[i].module) >> signal & 1)
            return true;
    return false;
}
