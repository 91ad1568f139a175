/* otlp_fleet.c: Tells the table of clients (gateway/fleet.h) who sends OTLP: by what the first resources of a
 * request say of their SDK and service. Reads the resources, and of spans only their lengths. Owns nothing.
 * Called by HTTP workers, once a request that was taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/protobuf_wire.h"
#include "gateway/fleet.h"
#include "gateway/receivers/otlp/otlp_receiver.h"

/* A collector in between may send many; of the others nothing is noted. */
enum { MOST_RESOURCES = 16 };

/* Numbers of fields of OTLP's messages, the same for all signals. */
enum {
    REQUEST_RESOURCES = 1,
    RESOURCE_RESOURCE = 1,
    RESOURCE_SCOPES = 2,
    SCOPE_ITEMS = 2,
    RESOURCE_ATTRIBUTES = 1,
    ATTRIBUTE_KEY = 1,
    ATTRIBUTE_VALUE = 2,
    VALUE_TEXT = 1
};

static void see_attribute(struct gw_fleet_client *c, gw_str key, gw_str value)
{
    const struct {
        gw_str key;
        gw_str *value;
    } known[] = {
        {GW_LIT("service.name"), &c->service},
        {GW_LIT("telemetry.sdk.language"), &c->language},
        {GW_LIT("telemetry.sdk.version"), &c->version},
        {GW_LIT("process.runtime.version"), &c->language_version},
        {GW_LIT("deployment.environment.name"), &c->env},
        {GW_LIT("deployment.environment"), &c->env},
        {GW_LIT("host.name"), &c->host},
        {GW_LIT("container.id"), &c->container},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(key, known[i].key))
            *known[i].value = value;
}

static void read_attribute(struct gw_fleet_client *c, struct wire_view attribute)
{
    gw_str key = GW_NOSTR, value = GW_NOSTR;
    for (struct wire_field f = {0}; wire_next(&attribute, &f);) {
        if (f.type == WIRE_LEN && f.number == ATTRIBUTE_KEY)
            key = wire_text(f.body);
        if (f.type != WIRE_LEN || f.number != ATTRIBUTE_VALUE)
            continue;
        struct wire_view any = f.body;
        for (struct wire_field v = {0}; wire_next(&any, &v);)
            if (v.type == WIRE_LEN && v.number == VALUE_TEXT)
                value = wire_text(v.body);
    }
    see_attribute(c, key, value);
}

static void read_resource(struct gw_fleet_client *c, struct wire_view resource)
{
    for (struct wire_field f = {0}; wire_next(&resource, &f);)
        if (f.type == WIRE_LEN && f.number == RESOURCE_ATTRIBUTES)
            read_attribute(c, f.body);
}

static uint64_t count_items(struct wire_view scope)
{
    uint64_t n = 0;
    for (struct wire_field f = {0}; wire_next(&scope, &f);)
        n += f.type == WIRE_LEN && f.number == SCOPE_ITEMS;
    return n;
}

static void note(struct gw_fleet *fleet, struct gw_fleet_client c, struct wire_view resource, bool spans)
{
    uint64_t items = 0;
    for (struct wire_field f = {0}; wire_next(&resource, &f);)
        if (f.type == WIRE_LEN && f.number == RESOURCE_RESOURCE)
            read_resource(&c, f.body);
        else if (f.type == WIRE_LEN && f.number == RESOURCE_SCOPES && spans)
            items += count_items(f.body);
    gw_fleet_note(fleet, &c, items, 0);
}

void otlp_fleet_note(const struct otlp_receiver *o, enum gw_signal signal, gw_str body, gw_str protocol,
                     gw_str transport)
{
    struct wire_view request = {(const uint8_t *)body.ptr, (const uint8_t *)body.ptr + body.len};
    unsigned n = 0;
    if (!o->host->fleet || signal == GW_PROFILES)
        return;
    for (struct wire_field f = {0}; n < MOST_RESOURCES && wire_next(&request, &f);)
        if (f.type == WIRE_LEN && f.number == REQUEST_RESOURCES) {
            note(o->host->fleet, (struct gw_fleet_client){.protocol = protocol, .transport = transport},
                 f.body, signal == GW_TRACES);
            n++;
        }
}
