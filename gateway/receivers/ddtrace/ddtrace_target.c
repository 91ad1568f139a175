/* ddtrace_target.c: reads the option proxy.upstream and makes URLs: for an agent with the unchanged path, for
 * an intake with host and path by the kind of data, like the Datadog agent 7.70. Owns nothing. Called by
 * ddtrace_proxy.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_target.h"

#include <stdio.h>

/* host.<site>/path; a path that ends with a slash is followed by the rest after the matched prefix. Requests
 * without a row have no intake that accepts them from anyone but an agent. */
static const struct intake {
    const char *host, *path, *origin; /* origin: DD-EVP-ORIGIN, as an agent sends it; NULL: none */
} intakes[DDTRACE_QUIETS] = {
    [DDTRACE_QUIET_TELEMETRY] = {"instrumentation-telemetry-intake", "/", NULL},
    [DDTRACE_QUIET_DIAGNOSTICS] = {"debugger-intake", "/api/v2/debugger", "agent-debugger"},
    [DDTRACE_QUIET_DEBUGGER] = {"http-intake.logs", "/api/v2/logs", "agent-debugger"},
    [DDTRACE_QUIET_DEBUGGER_V2] = {"debugger-intake", "/api/v2/debugger", "agent-debugger"},
    [DDTRACE_QUIET_SYMBOLS] = {"debugger-intake", "/api/v2/debugger", "agent-symdb"},
    [DDTRACE_QUIET_STREAMS] = {"trace.agent", "/api/v0.1/pipeline_stats", NULL},
    [DDTRACE_QUIET_EVENTS] = {"", "/", NULL}, /* its host is named by the request */
    [DDTRACE_QUIET_PROFILES] = {"intake.profile", "/api/v2/profile", NULL},
    [DDTRACE_QUIET_LINEAGE] = {"data-obs-intake", "/api/v1/lineage", NULL},
};

static bool is_name(gw_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = gw_lower(s.ptr[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return s.len > 0;
}

enum gw_code ddtrace_upstream_read(struct ddtrace_upstream *u, gw_str text, struct gw_err *err)
{
    static const gw_str schemes[] = {GW_LIT("http://"), GW_LIT("https://"), GW_LIT("unix://")};
    *u = (struct ddtrace_upstream){0};
    while (gw_str_ends(text, GW_STR("/")))
        text.len--;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (!gw_str_starts(text, schemes[i]))
            continue;
        gw_str rest = gw_str_from(text, schemes[i].len);
        bool socket = i == 2;
        if (rest.len == 0 || text.len >= sizeof u->base || (socket && rest.len >= sizeof u->socket) ||
            (socket && rest.ptr[0] != '/'))
            break;
        memcpy(socket ? u->socket : u->base, socket ? rest.ptr : text.ptr, socket ? rest.len : text.len);
        if (socket)
            memcpy(u->base, "http://localhost", sizeof "http://localhost");
        return GW_OK;
    }
    bool dotted = memchr(text.ptr ? text.ptr : "", '.', text.len) != NULL;
    if (!is_name(text) || !dotted || text.len >= sizeof u->site)
        return gw_fail(err, GW_BAD_REQUEST, 0,
                       "\"%.*s\" is neither the URL of an agent (http://host:8126, unix:///path) nor a site "
                       "(datadoghq.com)",
                       GW_FMT(text));
    memcpy(u->site, text.ptr, text.len);
    return GW_OK;
}

bool ddtrace_upstream_takes(const struct ddtrace_upstream *u, enum ddtrace_quiet_row row)
{
    if (row == DDTRACE_QUIET_AGENT_STATS) /* from an agent: another one does not take them */
        return false;
    return !u->site[0] || intakes[row].host;
}

const char *ddtrace_upstream_origin(const struct ddtrace_upstream *u, enum ddtrace_quiet_row row)
{
    return u->site[0] ? intakes[row].origin : NULL;
}

/* What follows "/evp_proxy/v2" or "/telemetry/proxy" in the path, from its slash on. */
static gw_str after(gw_str path, int slashes)
{
    size_t i = 0;
    for (; i < path.len; i++)
        if (path.ptr[i] == '/' && slashes-- == 0)
            break;
    return gw_str_from(path, i);
}

/* What an agent lets through: a request must not choose another host, or a path that is read in another way. */
static bool is_plain(gw_str s, const char *also)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!is_name(gw_str_n(&c, 1)) && !strchr(also, c))
            return false;
    }
    return true;
}

static enum gw_code intake_url(const struct ddtrace_upstream *u, enum ddtrace_quiet_row row, gw_str path,
                               gw_str query, gw_str subdomain, char out[DDTRACE_URL], struct gw_err *err)
{
    const struct intake *to = &intakes[row];
    gw_str rest = GW_STR("/"), host = gw_str_z(to->host);
    bool events = row == DDTRACE_QUIET_EVENTS;
    if (to->path[1] == '\0')
        rest = after(path, 2);
    if (events)
        host = subdomain;
    if (!is_name(host))
        return gw_fail(err, GW_BAD_REQUEST, 0, "X-Datadog-EVP-Subdomain names no intake");
    if (!is_plain(rest, "/+") || !is_plain(query, "/+@?&=.:\"%,~"))
        return gw_fail(err, GW_BAD_REQUEST, 0, "no path or query of an intake");
    int n = snprintf(out, DDTRACE_URL, "https://%.*s.%s%.*s%s%.*s", GW_FMT(host), u->site,
                     GW_FMT(to->path[1] ? gw_str_z(to->path) : rest), query.len ? "?" : "", GW_FMT(query));
    return n < DDTRACE_URL ? GW_OK : gw_fail(err, GW_BAD_REQUEST, 0, "a path or query that is too long");
}

enum gw_code ddtrace_upstream_url(const struct ddtrace_upstream *u, enum ddtrace_quiet_row row, gw_str path,
                                  gw_str query, gw_str subdomain, char out[DDTRACE_URL], struct gw_err *err)
{
    if (u->site[0])
        return intake_url(u, row, path, query, subdomain, out, err);
    int n = snprintf(out, DDTRACE_URL, "%s%.*s%s%.*s", u->base, GW_FMT(path), query.len ? "?" : "",
                     GW_FMT(query));
    return n < DDTRACE_URL ? GW_OK : gw_fail(err, GW_BAD_REQUEST, 0, "a path or query that is too long");
}
