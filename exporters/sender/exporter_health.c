/* exporter_health.c: logs when a backend begins to fail, while it fails, and when it works again. Owns only
 * its own state. Called by sender_outcome.c for each answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/exporter_health.h"

#include <inttypes.h>

#include "core/base/log.h"

static const gw_nsec log_repeat = 60 * GW_SEC;

static const char *semicolon(const struct gw_outcome *o)
{
    return o->remedy ? "; " : "";
}

static const char *remedy(const struct gw_outcome *o)
{
    return o->remedy ? o->remedy : "";
}

void gw_exporter_health_trouble(struct gw_exporter_health *h, const struct gw_outcome *o, bool quiet,
                                gw_nsec now)
{
    if (!h->troubled)
        h->since = now;
    h->troubled = true;
    bool lately = (h->told || h->said) && now - h->said < log_repeat;
    if (h->told ? lately : quiet && (lately || o->verdict != GW_RETRY_SLOWLY))
        return;
    h->told = true;
    h->said = now;
    const char *state = o->verdict == GW_RETRY_SLOWLY
                            ? "the backend refuses us, the data is kept and tried again slowly"
                            : "the backend takes nothing at the moment, the data is kept and tried again";
    gw_log(GW_WARNING, h->component, "%s: %s%s%s", state, o->text, semicolon(o), remedy(o));
}

void gw_exporter_health_recovered(struct gw_exporter_health *h, gw_nsec now)
{
    if (h->told)
        gw_log(GW_INFO, h->component, "the backend takes data again, after %.1f s",
               (double)(now - h->since) / (double)GW_SEC);
    h->troubled = h->told = false;
}

void gw_exporter_health_inherit(struct gw_exporter_health *h, const struct gw_exporter_health *predecessor)
{
    h->troubled = predecessor->troubled;
    h->told = predecessor->told;
    h->since = predecessor->since;
    h->said = predecessor->said - log_repeat;
}

void gw_exporter_health_suspect(struct gw_exporter_health *h, const struct gw_batch *b,
                                const struct gw_outcome *o, gw_nsec now)
{
    if (h->suspect_said && now - h->suspect_said < log_repeat)
        return;
    h->suspect_said = now;
    gw_log(GW_WARNING, h->component,
           "the backend takes other requests, but not this one of %" PRIu64
           " items (%s): it is tried in parts, to find what is wrong with it: %s",
           b->items, gw_signal_name(b->signal), o->text);
}

void gw_exporter_health_rejected(struct gw_exporter_health *h, const struct gw_batch *b, uint64_t items,
                                 const struct gw_outcome *o)
{
    gw_log(GW_WARNING, h->component,
           "the backend rejected %" PRIu64 " of %" PRIu64 " items (%s) for good: %s%s%s", items, b->items,
           gw_signal_name(b->signal), o->text, semicolon(o), remedy(o));
}
