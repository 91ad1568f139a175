/* api_fleet.c: The handler of /api/fleet: the clients, with what is known of their versions. Owns nothing. Called
 * on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "gateway/api/api.h"
#include "gateway/fleet.h"

static const struct warning {
    const char *id, *language, *from, *below;
    unsigned sends;
    const char *text;
} warnings[] = {
#define WARNING(id, language, from, below, sends, text, source) {id, language, from, below, sends, text},
#include "gateway/api/fleet_warnings.def"
#undef WARNING
};

enum { WARNINGS = sizeof warnings / sizeof *warnings };

/* Reads a number off a version, and the dot behind it; 0 where there is none: "1.11" is 1.11.0. */
static unsigned long next_number(const char **version)
{
    char *end = (char *)*version;
    unsigned long n = gw_is_digit((unsigned char)**version) ? strtoul(*version, &end, 10) : 0;
    *version = *end == '.' ? end + 1 : "";
    return n;
}

/* By the first three numbers: "2.8.3rc1" is 2.8.3. */
static int compare(const char *a, const char *b)
{
    for (int i = 0; i < 3; i++) {
        unsigned long x = next_number(&a), y = next_number(&b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* Only a version that begins with a number is known; OpenTelemetry's SDKs have other numbers. */
static bool has_version(const struct gw_fleet_entry *e, const struct warning *w)
{
    bool of_datadog = e->protocol[0] != 'g' && strncmp(e->protocol, "http/", 5) != 0 &&
                      strcmp(e->protocol, "dogstatsd") != 0;
    const char *number = e->version[0] == 'v' ? e->version + 1 : e->version;
    return of_datadog && gw_is_digit((unsigned char)*number) && compare(number, w->from) >= 0 &&
           (!*w->below || compare(number, w->below) < 0);
}

static bool applies(const struct gw_fleet_entry *e, const struct warning *w)
{
    if (*w->language && strcmp(w->language, e->language) != 0)
        return false;
    return w->sends ? (e->sends & w->sends) == w->sends : has_version(e, w);
}

static void put_warnings(FILE *to, const struct gw_fleet_entry *e)
{
    const char *comma = "";
    fputs("\"warnings\":[", to);
    for (size_t i = 0; i < WARNINGS; i++) {
        if (!applies(e, &warnings[i]))
            continue;
        fprintf(to, "%s{\"id\":\"%s\",", comma, warnings[i].id);
        gw_api_text_of(to, "text", gw_str_z(warnings[i].text));
        putc('}', to);
        comma = ",";
    }
    putc(']', to);
}

static void put_sends(FILE *to, unsigned sends)
{
    static const struct {
        unsigned bits;
        const char *name;
    } names[] = {{GW_FLEET_TELEMETRY, "telemetry"},
                 {GW_FLEET_PROFILES | GW_FLEET_DROPPED_PROFILES, "profiles"},
                 {GW_FLEET_STATISTICS | GW_FLEET_DROPPED_STATISTICS, "statistics"}};
    const char *comma = "";
    fputs("\"sends\":[", to);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (sends & names[i].bits) {
            fprintf(to, "%s\"%s\"", comma, names[i].name);
            comma = ",";
        }
    fputs("],", to);
}

static void put_client(FILE *to, const struct gw_fleet_entry *e)
{
    putc('{', to);
#define PUT(name, size)                                                                                      \
    gw_api_text_of(to, #name, gw_str_z(e->name));                                                            \
    putc(',', to);
    GW_FLEET_TEXTS(PUT)
#undef PUT
    gw_api_time_of(to, "first_seen", (uint64_t)e->first_seen);
    putc(',', to);
    gw_api_time_of(to, "last_seen", (uint64_t)e->last_seen);
    putc(',', to);
    gw_api_number_of(to, "spans", e->items);
    fprintf(to, ",\"spans_per_second\":%.1f,", e->rate);
    put_sends(to, e->sends);
    put_warnings(to, e);
    putc('}', to);
}

void gw_api_fleet(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct gw_fleet_entry *entries = malloc(GW_FLEET_CLIENTS * sizeof *entries);
    if (!entries) {
        gw_api_error(call, to, 503, "there is no memory for the answer now: ask again");
        return;
    }
    size_t n = gw_fleet_read(api->fleet, entries);
    fputs("{\"clients\":[", to);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", to);
        put_client(to, &entries[i]);
    }
    fputs("]}\n", to);
    free(entries);
}
