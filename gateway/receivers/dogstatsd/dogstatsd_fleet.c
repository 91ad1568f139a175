/* dogstatsd_fleet.c: Tells the table of clients (gateway/fleet.h) of client libraries of DogStatsD, by the line in
 * which they count what they have sent; others are not told apart. Owns nothing. Called on the threads that take
 * lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/fleet.h"
#include "gateway/receivers/dogstatsd/dogstatsd.h"

static gw_str language_of(gw_str client)
{
    return gw_str_eq(client, GW_STR("py"))       ? GW_STR("python")
           : gw_str_eq(client, GW_STR("csharp")) ? GW_STR("dotnet")
                                                 : client;
}

void dogstatsd_client(void *ctx, const struct dsd_line *l)
{
    const struct dogstatsd_way *w = ctx;
    struct gw_fleet_client c = {
        .host = w->host, .protocol = GW_STR("dogstatsd"), .transport = gw_str_z(w->transport)};
    gw_str tags = l->origin.tags, client = GW_NOSTR, tag;
    const struct {
        gw_str key;
        gw_str *value;
    } known[] = {{GW_LIT("client:"), &client},
                 {GW_LIT("client_version:"), &c.version},
                 {GW_LIT("service:"), &c.service},
                 {GW_LIT("env:"), &c.env}};
    while (gw_str_next(&tags, ',', &tag))
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (gw_str_starts(tag, known[i].key))
                *known[i].value = gw_str_from(tag, known[i].key.len);
    c.language = language_of(client);
    if (gw_str_starts(l->origin.container, GW_STR("ci-")))
        c.container = gw_str_from(l->origin.container, 3);
    gw_fleet_note(w->receiver->host->fleet, &c, 0, 0);
}
