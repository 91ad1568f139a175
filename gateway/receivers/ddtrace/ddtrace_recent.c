/* ddtrace_recent.c: copies a payload and some of its headers into the ring of recent data. Owns nothing.
 * Called by HTTP workers while a client of the API or the page is connected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_recent.h"

#include "core/base/text.h"
#include "core/delivery/recent.h"

/* Headers that are needed to read a payload; none of them is a credential. */
static bool is_kept(gw_str name)
{
    static const gw_str prefixes[] = {GW_LIT("datadog-"), GW_LIT("x-datadog-")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (name.len > prefixes[i].len && gw_str_ieq(gw_str_n(name.ptr, prefixes[i].len), prefixes[i]))
            return true;
    return gw_str_ieq(name, GW_STR("content-type"));
}

static void add_header(void *to, gw_str name, gw_str value)
{
    struct gw_text *headers = to;
    if (!is_kept(name))
        return;
    gw_text_put_str(headers, name);
    gw_text_put_z(headers, ": ");
    gw_text_put_str(headers, value);
    gw_text_put_char(headers, '\n');
}

/* Adds the container from the peer's cgroup, if no header contained it, as the header that would contain
 * it. */
static void add_container(struct gw_text *headers, const struct dd_request *from)
{
    if (from->container_id.len)
        add_header(headers, GW_STR("Datadog-Container-ID"), from->container_id);
}

void ddtrace_recent_begin(const struct gw_http_request *q, const struct dd_request *from,
                          const struct ddtrace_payload *p)
{
    struct gw_text headers = {.arena = q->arena};
    char address[64] = "";
    gw_http_headers(q, add_header, &headers);
    add_container(&headers, from);
    gw_http_peer_name(q->peer, address, sizeof address);
    gw_recent_begin(&(struct gw_recent_entry){
        .kind = GW_RECENT_REQUEST,
        .signal = GW_TRACES,
        .count = p->format,
        .parts = {[GW_REQUEST_BODY] = p->body,
                  [GW_REQUEST_RECEIVER] = GW_STR("ddtrace"),
                  [GW_REQUEST_PROTOCOL] = p->points ? GW_STR("points") : gw_str_z(dd_format_name(p->format)),
                  [GW_REQUEST_TRANSPORT] = q->peer->by_socket ? GW_STR("unix") : GW_STR("tcp"),
                  [GW_REQUEST_ADDRESS] = gw_str_z(address),
                  [GW_REQUEST_LANGUAGE] = from->lang,
                  [GW_REQUEST_LANGUAGE_VERSION] = from->lang_version,
                  [GW_REQUEST_CLIENT_VERSION] = from->tracer_version,
                  [GW_REQUEST_HEADERS] = gw_text_result(&headers)}});
}
