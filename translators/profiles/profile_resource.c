/* profile_resource.c: Names the tags of profilers as OpenTelemetry does. Owns nothing. Called by pprof_otlp.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/profile_resource.h"

/* tag ─▶ resource attribute; is_number: an integer. The first that is there of two with one name counts. */
static const struct name {
    gw_str tag, attribute;
    bool is_number;
} names[] = {
    {GW_LIT("service"), GW_LIT("service.name"), false},
    {GW_LIT("env"), GW_LIT("deployment.environment.name"), false},
    {GW_LIT("version"), GW_LIT("service.version"), false},
    {GW_LIT("runtime-id"), GW_LIT("service.instance.id"), false},
    {GW_LIT("host"), GW_LIT("host.name"), false},
    {GW_LIT("language"), GW_LIT("telemetry.sdk.language"), false},
    {GW_LIT("profiler_version"), GW_LIT("telemetry.sdk.version"), false},
    {GW_LIT("runtime"), GW_LIT("process.runtime.name"), false},
    {GW_LIT("runtime_version"), GW_LIT("process.runtime.version"), false},
    {GW_LIT("process_id"), GW_LIT("process.pid"), true},
    {GW_LIT("pid"), GW_LIT("process.pid"), true},
};
enum { NAMES = sizeof names / sizeof *names };

static gw_str key_of(gw_str tag, gw_str *value)
{
    size_t colon = gw_str_find(tag, ':');
    *value = gw_str_from(tag, colon + 1);
    return gw_str_n(tag.ptr, colon);
}

/* The row of a tag, or NAMES. */
static size_t find(gw_str key)
{
    size_t i = 0;
    while (i < NAMES && !gw_str_eq(key, names[i].tag))
        i++;
    return i;
}

static gw_str language(gw_str s)
{
    static const struct {
        gw_str said, is;
    } known[] = {{GW_LIT("javascript"), GW_LIT("nodejs")},
                 {GW_LIT("node"), GW_LIT("nodejs")},
                 {GW_LIT("jvm"), GW_LIT("java")},
                 {GW_LIT(".NET"), GW_LIT("dotnet")}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(s, known[i].said))
            return known[i].is;
    return s;
}

/* Returns the value of the row's name in this upload; empty: none. */
static gw_str value_of(const struct profile_upload *u, size_t row)
{
    gw_str value;
    for (size_t i = 0; i < u->tags_n; i++)
        if (gw_str_eq(key_of(u->tags[i], &value), names[row].tag) && value.len)
            return value;
    return GW_NOSTR;
}

static bool is_said(const struct profile_upload *u, size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (gw_str_eq(names[i].attribute, names[row].attribute) && value_of(u, i).len)
            return true;
    return false;
}

void profile_resource(struct otlp_buf *w, const struct profile_upload *u, gw_str host_name)
{
    enum { ATTRIBUTES = 1 };
    for (size_t row = 0; row < NAMES; row++) {
        gw_str value = value_of(u, row);
        int64_t number;
        if (gw_str_eq(names[row].tag, GW_STR("service")) && !value.len)
            value = GW_STR("unnamed-service");
        if (gw_str_eq(names[row].tag, GW_STR("language")))
            value = language(value.len ? value : u->language);
        if (gw_str_eq(names[row].tag, GW_STR("host")) && !value.len)
            value = host_name;
        if (!value.len || is_said(u, row))
            continue;
        if (names[row].is_number && gw_str_i64(value, &number))
            otlp_attr_int(w, ATTRIBUTES, names[row].attribute, number);
        else if (!names[row].is_number)
            otlp_attr_text(w, ATTRIBUTES, names[row].attribute, value);
    }
    otlp_attr_text(w, ATTRIBUTES, GW_STR("telemetry.sdk.name"), GW_STR("datadog"));
}

uint32_t profile_attributes(struct otlp_dictionary *d, const struct profile_upload *u, gw_str file,
                            uint32_t *n)
{
    gw_str value;
    uint32_t key = otlp_dictionary_text(d, GW_STR("datadog.profile.file"));
    uint32_t first = otlp_dictionary_attribute_text(d, key, file);
    *n = 1;
    for (size_t i = 0; i < u->tags_n; i++) {
        gw_str name = key_of(u->tags[i], &value);
        if (!name.len || find(name) < NAMES)
            continue;
        key = otlp_dictionary_text(d, name);
        (void)otlp_dictionary_attribute_text(d, key, value);
        ++*n;
    }
    return first;
}
