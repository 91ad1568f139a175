/* configuration_env.c: Finds the environment variable of OpenTelemetry that fills an option, and reads it.
 * Owns nothing. Called by configuration.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/configuration_env.h"

#include <stdio.h>

#include "core/base/url.h"

/* option of an exporter ◁ end of the variable's name */
static const struct {
    const char *option, *variable;
} map[] = {
    {"endpoint", "ENDPOINT"},           {"headers", "HEADERS"},
    {"compression", "COMPRESSION"},     {"timeout", "TIMEOUT"},
    {"tls.ca", "CERTIFICATE"},          {"tls.key", "CLIENT_KEY"},
    {"tls.cert", "CLIENT_CERTIFICATE"}, {"encoding", "PROTOCOL"},
};

/* Options that only one variable fills. An exporter with these options has a base URL in `endpoint`, and the
 * traces' own endpoint is not a base URL. */
static const struct {
    const char *option, *variable;
} whole[] = {{"traces_endpoint", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
             {"logs_endpoint", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"},
             {"metrics_endpoint", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"},
             {"profiles_endpoint", "OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT"}};

/* The signal's own variable, or the general one; NULL if neither is set. */
static const char *lookup(gw_env_f *env, const char *variable, char name[static 64])
{
    static const char *const prefixes[] = {"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        snprintf(name, 64, "%s%s", prefixes[i], variable);
        const char *value = env(name);
        if (value && *value)
            return value;
    }
    return NULL;
}

/* HEADERS are percent-encoded, as in W3C Baggage. A % without two digits stays. */
static gw_str decode_percent(gw_str s, struct gw_arena *a)
{
    char *out = gw_arena_raw(a, s.len + 1, 1);
    return out ? gw_str_n(out, gw_url_decode(s, out)) : GW_NOSTR;
}

static bool has_row(const struct gw_opt *rows, const char *name)
{
    while (rows->type != GW_OPT_END_ROW && strcmp(rows->name, name) != 0)
        rows++;
    return rows->type != GW_OPT_END_ROW;
}

static const char *read_variable(gw_env_f *env, const char *variable, char name[static 64])
{
    snprintf(name, 64, "%s", variable);
    const char *value = env(name);
    return value && *value ? value : NULL;
}

/* The value of the variable that fills this option of an exporter with these rows. */
static const char *find_value(gw_env_f *env, const struct gw_opt *rows, const char *option,
                              char name[static 64])
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(whole[i].option, option) == 0)
            return read_variable(env, whole[i].variable, name);
    if (strcmp(option, "endpoint") == 0 && has_row(rows, whole[0].option))
        return read_variable(env, "OTEL_EXPORTER_OTLP_ENDPOINT", name);
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (strcmp(map[i].option, option) == 0)
            return lookup(env, map[i].variable, name);
    return NULL;
}

bool gw_conf_env_value(gw_env_f *env, const struct gw_opt *rows, const struct gw_opt *row, struct gw_arena *a,
                       gw_str *text, const char **name)
{
    char buf[64];
    const char *value = find_value(env, rows, row->name, buf);
    if (!value)
        return false;
    *name = gw_arena_printf(a, "%s", buf).ptr;
    *text = gw_str_z(value);
    if (row->type == GW_OPT_duration) /* milliseconds, without a unit */
        *text = gw_arena_printf(a, "%sms", value);
    /* PROTOCOL: http/protobuf, http/json; grpc is another exporter's */
    if (strcmp(row->name, "encoding") == 0) {
        if (!gw_str_starts(*text, GW_STR("http/")))
            return false;
        *text = gw_str_from(*text, 5);
    }
    return *name != NULL;
}

bool gw_conf_env_headers(gw_str text, struct gw_map *out, struct gw_arena *a)
{
    gw_str item;
    *out = (struct gw_map){0};
    while (gw_str_next(&text, ',', &item)) {
        size_t at = gw_str_find(item, '=');
        gw_str key = decode_percent(gw_str_trim(gw_str_n(item.ptr, at)), a);
        gw_str value = decode_percent(gw_str_trim(gw_str_from(item, at + 1)), a);
        if (gw_str_trim(item).len == 0)
            continue;
        if (at == item.len || key.len == 0 || !gw_map_add(out, key, value, a))
            return false;
    }
    return true;
}

bool gw_conf_env_fills(const struct gw_exporter *e)
{
    return strncmp(e->name, "otlp_", 5) == 0;
}

const char *gw_conf_env_exporter(gw_env_f *env)
{
    char name[64];
    if (!lookup(env, "ENDPOINT", name))
        return "stdout";
    const char *protocol = lookup(env, "PROTOCOL", name);
    return protocol && strncmp(protocol, "http/", 5) == 0 ? "otlp_http" : "otlp_grpc";
}
