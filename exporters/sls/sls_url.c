/* sls_url.c: completes the endpoint that a user of SLS writes. Keeps no state. Called by sls.c when it opens.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sls/sls_url.h"

#include <stdio.h>

struct url {
    gw_str scheme, host, port, path;
};

static size_t scheme_len(gw_str url)
{
    return gw_str_starts(url, GW_STR("https://")) ? 8 : gw_str_starts(url, GW_STR("http://")) ? 7 : 0;
}

static struct url split(gw_str text)
{
    struct url u = {.scheme = gw_str_n(text.ptr, scheme_len(text))};
    gw_str rest = gw_str_from(text, u.scheme.len);
    size_t path = gw_str_find(rest, '/');
    u.path = gw_str_from(rest, path);
    gw_str authority = gw_str_n(rest.ptr, path);
    size_t port = gw_str_find(authority, ':');
    u.host = gw_str_n(authority.ptr, port);
    u.port = gw_str_from(authority, port);
    while (u.path.len && u.path.ptr[u.path.len - 1] == '/')
        u.path.len--;
    return u;
}

static bool lacks_project(gw_str host, gw_str project)
{
    bool there = host.len > project.len && gw_str_starts(host, project) && host.ptr[project.len] == '.';
    return project.len && !there && gw_str_ends(host, GW_STR(".aliyuncs.com"));
}

void sls_url(gw_str endpoint, gw_str project, bool http, char *out, size_t room)
{
    struct url u = split(endpoint);
    bool add = lacks_project(u.host, project);
    const char *port = !http && !u.port.len ? ":10010" : "",
               *path = http && !u.path.len ? "/opentelemetry" : "";
    snprintf(out, room, "%.*s%.*s%s%.*s%.*s%s%.*s%s", GW_FMT(u.scheme), add ? (int)project.len : 0,
             project.ptr ? project.ptr : "", add ? "." : "", GW_FMT(u.host), GW_FMT(u.port), port,
             GW_FMT(u.path), path);
}
