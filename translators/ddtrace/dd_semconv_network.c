/* The network: the server that was called, its port, the peer's address, transport and protocol. Tracers
 * write them in different forms: a list of brokers, "[::1]", "host:port", "host,1433".
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c: dd_network before the plain renames,
 * dd_first_server after them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

#include "translators/ddtrace/dd_url.h"

/* Accepts "host", "host:port", "[::1]:port", "tcp://host:port". A text with a colon but no port
 * ("unix:/run/x") is returned whole. */
static gw_str server_of(gw_str text, int *port)
{
    struct dd_url u;
    gw_str name;
    dd_url_split(text, &u);
    if (u.absolute) {
        *port = u.port;
        return u.host;
    }
    dd_url_authority(text, &name, port);
    return *port || (text.len && *text.ptr == '[') ? name : text;
}

/* Returns the first server of a list. *more: there are others. SQL Server writes its port after a comma. */
static gw_str first_server(gw_str list, int *port, bool *more)
{
    gw_str rest = list, one;
    uint64_t number;
    *port = 0;
    *more = false;
    if (!list.len || !gw_str_next(&rest, ',', &one))
        return GW_NOSTR;
    gw_str name = server_of(gw_str_trim(one), port);
    if (!*port && gw_str_u64(gw_str_trim(rest), &number) && number && number <= 65535)
        *port = (int)number;
    else
        *more = rest.len;
    return name;
}

static void kafka_servers(struct dd_fields *f, unsigned tag)
{
    int port;
    bool more;
    gw_str name = first_server(dd_text_of(f, tag), &port, &more);
    if (!name.len)
        return;
    if ((more ? dd_set_text(f, DD_A_SERVER_ADDRESS, name, DD_RENAMED) : dd_rename_as(f, tag, name)) && port)
        dd_set_int(f, DD_A_SERVER_PORT, port, DD_RENAMED);
}

/* Handles a host that is not a plain name. A port with a tag of its own wins over the port in the text. */
static void peer_host(struct dd_fields *f, unsigned tag)
{
    int port;
    bool more;
    if (!dd_has(f, tag) || f->value[tag].number)
        return;
    gw_str text = f->value[tag].text;
    if (gw_str_find(text, ':') == text.len && gw_str_find(text, ',') == text.len &&
        !gw_str_starts(text, GW_STR("[")))
        return;
    gw_str name = first_server(text, &port, &more);
    if (dd_is_set(f, DD_A_SERVER_ADDRESS) && !gw_str_eq(dd_set_text_of(f, DD_A_SERVER_ADDRESS), name))
        return;
    if (more)
        dd_set_text(f, DD_A_SERVER_ADDRESS, name, DD_RENAMED);
    else
        dd_rename_as(f, tag, name);
    if (port)
        dd_set_int(f, DD_A_SERVER_PORT, port, DD_DERIVED);
}

/* Handles "10.1.2.3:5555", the other end of the connection. */
static void peer_address(struct dd_fields *f)
{
    gw_str text = dd_text_of(f, DD_T_PEER_ADDRESS), name;
    int port;
    if (!text.len || gw_str_starts(text, GW_STR("unix:")))
        return;
    name = server_of(text, &port);
    if (dd_rename_as(f, DD_T_PEER_ADDRESS, name) && port)
        dd_set_int(f, DD_A_NETWORK_PEER_PORT, port, DD_RENAMED);
}

static void peer_port(struct dd_fields *f)
{
    int64_t n;
    if (!dd_int_of(f, DD_T_PEER_PORT, &n) || !dd_int_fits(DD_A_NETWORK_PEER_PORT, n))
        return;
    if (f->kind != DD_KIND_SERVER)
        dd_rename(f, DD_T_PEER_PORT);
    else if (dd_set_int(f, DD_A_NETWORK_PEER_PORT, n, DD_RENAMED))
        dd_use(f, DD_T_PEER_PORT);
}

/* Sets the tag's text in the conventions' spelling. */
static void rename_word(struct dd_fields *f, unsigned tag, const gw_str (*words)[2], size_t n)
{
    gw_str said = dd_lower(f->arena, dd_text_of(f, tag));
    for (size_t i = 0; i < n && said.len; i++)
        if (gw_str_eq(said, words[i][0])) {
            dd_rename_as(f, tag, words[i][1]);
            return;
        }
}

static void set_transport(struct dd_fields *f)
{
    static const gw_str transports[][2] = {
        {GW_LIT("ip_tcp"), GW_LIT("tcp")}, {GW_LIT("ip_udp"), GW_LIT("udp")},
        {GW_LIT("tcp"), GW_LIT("tcp")},    {GW_LIT("udp"), GW_LIT("udp")},
        {GW_LIT("pipe"), GW_LIT("pipe")},  {GW_LIT("unix"), GW_LIT("unix")}};
    static const gw_str types[][2] = {{GW_LIT("inet"), GW_LIT("ipv4")}, {GW_LIT("inet6"), GW_LIT("ipv6")}};
    const unsigned tags[] = {DD_T_NET_TRANSPORT,
                             f->kind == DD_KIND_SERVER ? DD_T_CLIENT_TRANSPORT : DD_T_DESTINATION_TRANSPORT};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (dd_has(f, tags[i]))
            rename_word(f, tags[i], transports, sizeof transports / sizeof *transports);
    if (dd_has(f, DD_T_NET_SOCK_FAMILY))
        rename_word(f, DD_T_NET_SOCK_FAMILY, types, sizeof types / sizeof *types);
}

static void set_rare(struct dd_fields *f)
{
    static const unsigned protocols[] = {DD_T_NET_PROTOCOL_NAME, DD_T_MSG_PROTOCOL};
    if (dd_has(f, DD_T_PEER_ADDRESS))
        peer_address(f);
    set_transport(f);
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (dd_has(f, protocols[i]))
            dd_rename_as(f, protocols[i], dd_lower(f->arena, dd_text_of(f, protocols[i])));
}

void dd_network(struct dd_fields *f)
{
    static const unsigned hosts[] = {DD_T_OUT_HOST, DD_T_DB_HOSTNAME, DD_T_PEER_HOSTNAME, DD_T_NET_PEER_NAME,
                                     DD_T_DB_HOST};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts && f->kind != DD_KIND_SERVER; i++)
        peer_host(f, hosts[i]);
    if (dd_has(f, DD_T_PEER_PORT))
        peer_port(f);
    if (dd_has(f, DD_T_KAFKA_SERVERS))
        kafka_servers(f, DD_T_KAFKA_SERVERS);
    if (dd_has(f, DD_T_MESSAGING_KAFKA_SERVERS))
        kafka_servers(f, DD_T_MESSAGING_KAFKA_SERVERS);
    if (f->rare)
        set_rare(f);
}

void dd_first_server(struct dd_fields *f)
{
    static const unsigned lists[] = {DD_T_CASSANDRA_CONTACT_POINTS, DD_T_COUCHBASE_SEED_NODES,
                                     DD_T_REDIS_ADDRS};
    int port;
    bool more;
    if (f->kind != DD_KIND_CLIENT || dd_is_set(f, DD_A_SERVER_ADDRESS))
        return;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !dd_is_set(f, DD_A_SERVER_ADDRESS); i++) {
        gw_str name = first_server(dd_text_of(f, lists[i]), &port, &more);
        if (dd_set_text(f, DD_A_SERVER_ADDRESS, name, DD_DERIVED) && port)
            dd_set_int(f, DD_A_SERVER_PORT, port, DD_DERIVED);
    }
}
