/* ddtrace_fleet.c: Tells the table of clients (gateway/fleet.h) who sends: of requests with spans by the headers
 * and by the payload's first resource, of telemetry, profiles and statistics by the headers. Owns nothing.
 * Called by HTTP workers, once a request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/fleet.h"
#include "gateway/receivers/ddtrace/ddtrace.h"
#include "translators/ddtrace/dd_scan.h"

/* "/v0.4/traces" is v0.4. */
static gw_str protocol_of(gw_str path)
{
    if (gw_str_starts(path, GW_STR("/api/")))
        return GW_STR("agent");
    if (gw_str_starts(path, GW_STR("/v1/write/")))
        return GW_STR("datakit");
    if (!gw_str_starts(path, GW_STR("/v")))
        return GW_STR("v0.1");
    gw_str version = gw_str_from(path, 1);
    version.len = gw_str_find(version, '/');
    return version;
}

static gw_str transport_of(const struct gw_http_request *q)
{
    return q->peer->by_socket ? GW_STR("unix") : GW_STR("tcp");
}

static gw_str first(gw_str a, gw_str b)
{
    return a.len ? a : b;
}

void ddtrace_fleet_traces(struct ddtrace *d, const struct gw_http_request *q, const struct dd_request *from,
                          const struct dd_result *r)
{
    const struct dd_process *p = &r->process;
    const struct gw_fleet_client client = {.language = p->language.len ? p->language
                                                                       : dd_language(q->arena, from->lang),
                                           .language_version = first(from->lang_version, p->language_version),
                                           .version = first(from->tracer_version, p->tracer_version),
                                           .service = p->service,
                                           .env = p->env,
                                           .host = p->host,
                                           .container = from->container_id,
                                           .protocol = protocol_of(q->path),
                                           .transport = transport_of(q)};
    if (p->service.len)
        gw_fleet_note(d->host->fleet, &client, r->intake.received, 0);
    else if (r->intake.received) /* all of it was dropped or refused: nobody knows of which service it is */
        gw_fleet_mark(d->host->fleet, &client, r->intake.received, 0);
}

/* What the headers of other requests say. */
struct who {
    struct dd_request request;
    gw_str telemetry_lang, telemetry_version;
    struct gw_arena *arena;
};

static void see_header(void *cookie, gw_str name, gw_str value)
{
    struct who *w = cookie;
    if (gw_str_ieq(name, GW_STR("dd-client-library-language")))
        w->telemetry_lang = value;
    else if (gw_str_ieq(name, GW_STR("dd-client-library-version")))
        w->telemetry_version = value;
    else
        dd_request_header(&w->request, w->arena, name, value);
}

void ddtrace_fleet_other(struct ddtrace *d, const struct gw_http_request *q, unsigned sends)
{
    struct who w = {.arena = q->arena};
    if (!d->host->fleet)
        return;
    gw_http_headers(q, see_header, &w);
    const struct gw_fleet_client client = {.language =
                                               dd_language(q->arena, first(w.request.lang, w.telemetry_lang)),
                                           .language_version = w.request.lang_version,
                                           .version = first(w.request.tracer_version, w.telemetry_version),
                                           .container = w.request.container_id,
                                           .transport = transport_of(q)};
    gw_fleet_mark(d->host->fleet, &client, 0, sends);
}
