/* Reads what a tracer sends about itself in request headers, and the container id in a cgroup file.
 *
 * Keeps no state: results are in the caller's struct dd_request. Called by the ddtrace receiver.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_request.h"

#include "translators/tags/dd_origin.h"

/* The agent's rule: anything that is not in this list is true ("yes" of Python 2, "t" of Go, "true" of
 * libdatadog). */
static bool is_true(gw_str s)
{
    static const gw_str no[] = {GW_LIT(""),      GW_LIT("0"),     GW_LIT("f"),    GW_LIT("F"),
                                GW_LIT("FALSE"), GW_LIT("False"), GW_LIT("false")};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (gw_str_eq(s, no[i]))
            return false;
    return true;
}

/* An entity id that contains no container id is kept unchanged. */
static void read_entity(struct dd_request *r, gw_str value)
{
    struct dd_origin o = {.inode = 0};
    dd_origin_read_entity(value, &o);
    if (o.container_id.len)
        r->container_id = o.container_id;
    r->entity_id = o.container_id.len ? GW_NOSTR : value;
    r->cgroup_inode = o.container_id.len ? 0 : o.inode;
}

static void read_external_env(struct dd_request *r, gw_str value)
{
    struct dd_origin o = {.inode = 0};
    dd_origin_read_external(value, &o);
    if (o.k8s_container.len)
        r->k8s_container = o.k8s_container;
    if (o.k8s_pod_uid.len)
        r->k8s_pod_uid = o.k8s_pod_uid;
}

/* The entity id wins over the deprecated header, whichever comes first. */
static void read_container(struct dd_request *r, gw_str value)
{
    if (r->container_id.len == 0)
        r->container_id = value;
}

static void read_count(uint64_t *out, gw_str value)
{
    uint64_t n;
    if (gw_str_u64(value, &n))
        *out = n;
}

enum what { TEXT, COUNT, FLAG, ENTITY, EXTERNAL_ENV, CONTAINER };

static const struct {
    gw_str name;
    enum what what;
    size_t offset;
} headers[] = {
#define FIELD(f) offsetof(struct dd_request, f)
    {GW_LIT("datadog-meta-lang"), TEXT, FIELD(lang)},
    {GW_LIT("datadog-meta-lang-version"), TEXT, FIELD(lang_version)},
    {GW_LIT("datadog-meta-lang-interpreter"), TEXT, FIELD(interpreter)},
    {GW_LIT("datadog-meta-lang-interpreter-vendor"), TEXT, FIELD(vendor)},
    {GW_LIT("datadog-meta-tracer-version"), TEXT, FIELD(tracer_version)},
    {GW_LIT("datadog-rates-payload-version"), TEXT, FIELD(rates_version)},
    {GW_LIT("x-datadog-process-tags"), TEXT, FIELD(process_tags)},
    {GW_LIT("x-datadog-trace-count"), COUNT, FIELD(trace_count)},
    {GW_LIT("datadog-client-dropped-p0-traces"), COUNT, FIELD(dropped_p0_traces)},
    {GW_LIT("datadog-client-dropped-p0-spans"), COUNT, FIELD(dropped_p0_spans)},
    {GW_LIT("datadog-client-computed-stats"), FLAG, FIELD(computed_stats)},
    {GW_LIT("datadog-client-computed-top-level"), FLAG, FIELD(computed_top_level)},
    {GW_LIT("datadog-send-real-http-status"), FLAG, FIELD(real_http_status)},
    {GW_LIT("datadog-entity-id"), ENTITY, 0},
    {GW_LIT("datadog-external-env"), EXTERNAL_ENV, 0},
    {GW_LIT("datadog-container-id"), CONTAINER, 0},
#undef FIELD
};

void dd_request_header(struct dd_request *r, struct gw_arena *arena, gw_str name, gw_str value)
{
    size_t i = 0, n = sizeof headers / sizeof *headers;
    while (i < n && !gw_str_ieq(name, headers[i].name))
        i++;
    if (i == n)
        return;
    void *field = (char *)r + headers[i].offset;
    value = gw_str_trim(value);
    switch (headers[i].what) {
    case TEXT:
        *(gw_str *)field = value;
        break;
    case COUNT:
        read_count(field, value);
        break;
    case FLAG:
        *(bool *)field = is_true(value);
        break;
    case ENTITY:
        read_entity(r, value);
        break;
    case EXTERNAL_ENV:
        read_external_env(r, value);
        break;
    case CONTAINER:
        read_container(r, value);
    }
}

/* ---- cgroups ---- */

static bool is_hex_digit(char c)
{
    return gw_hex_digit(c) >= 0 && c == gw_lower(c);
}

static bool all_hex(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_hex_digit(s.ptr[i]))
            return false;
    return true;
}

/* Matches 64 hexadecimal digits at the end of "cri-containerd-<id>", "docker-<id>", "crio-<id>",
 * "libpod-<id>", "<id>". */
static bool long_id(gw_str segment, gw_str *id)
{
    if (segment.len < 64)
        return false;
    *id = gw_str_from(segment, segment.len - 64);
    return all_hex(*id) && (segment.len == 64 || !is_hex_digit(segment.ptr[segment.len - 65]));
}

/* Matches the ids of ECS and Fargate: "<32 hexadecimal digits>-<number>". */
static bool task_id(gw_str segment, gw_str *id)
{
    uint64_t number;
    if (segment.len < 34 || segment.ptr[32] != '-' || !all_hex(gw_str_n(segment.ptr, 32)))
        return false;
    *id = segment;
    return gw_str_u64(gw_str_from(segment, 33), &number);
}

/* Matches the ids of Cloud Foundry's garden: 8-4-4-4-4 hexadecimal digits. A pod's uid ends in twelve. */
static bool garden_id(gw_str segment, gw_str *id)
{
    if (segment.len != 28)
        return false;
    for (size_t i = 0; i < segment.len; i++)
        if (i >= 8 && (i - 8) % 5 == 0 ? segment.ptr[i] != '-' : !is_hex_digit(segment.ptr[i]))
            return false;
    *id = segment;
    return true;
}

/* Returns the last container id in a cgroup's path. */
static gw_str id_of_path(gw_str path)
{
    gw_str segment, id, found = GW_NOSTR;
    while (gw_str_next(&path, '/', &segment)) {
        if (gw_str_ends(segment, GW_STR(".scope")))
            segment.len -= strlen(".scope");
        if (long_id(segment, &id) || task_id(segment, &id) || garden_id(segment, &id))
            found = id;
    }
    return found;
}

/* Returns the path of a line "hierarchy:controllers:path". */
static bool next_path(gw_str *cgroup_file, gw_str *path)
{
    gw_str field;
    while (gw_str_next(cgroup_file, '\n', path))
        if (gw_str_next(path, ':', &field) && gw_str_next(path, ':', &field))
            return true;
    return false;
}

gw_str dd_container_of_cgroup(gw_str cgroup_file)
{
    gw_str path, id = GW_NOSTR;
    while (!id.len && next_path(&cgroup_file, &path))
        id = id_of_path(path);
    return id;
}

/* Matches "8-4-4-4-12" hexadecimal digits, which systemd's slices write with '_'; or the 32 digits of a
 * static pod. */
static bool is_pod_uid(gw_str s)
{
    if (s.len == 32)
        return all_hex(s);
    for (size_t i = 0; s.len == 36 && i < s.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.ptr[i] != '-' && s.ptr[i] != '_' : !is_hex_digit(s.ptr[i]))
            return false;
    }
    return s.len == 36;
}

/* Matches "pod<uid>", "kubepods-burstable-pod<uid>.slice", "kubelet-kubepods-pod<uid>.slice". */
static bool pod_of_segment(gw_str segment, gw_str *uid)
{
    if (gw_str_ends(segment, GW_STR(".slice")))
        segment.len -= strlen(".slice");
    for (size_t len = 32; len <= 36 && len + 3 <= segment.len; len += 4) {
        *uid = gw_str_from(segment, segment.len - len);
        if (memcmp(uid->ptr - 3, "pod", 3) == 0 && is_pod_uid(*uid))
            return true;
    }
    return false;
}

void dd_pod_of_cgroup(gw_str cgroup_file, char out[DD_POD_UID])
{
    gw_str path, segment, uid;
    size_t n = 0;
    while (!n && next_path(&cgroup_file, &path))
        while (!n && gw_str_next(&path, '/', &segment))
            if (pod_of_segment(segment, &uid))
                for (; n < uid.len; n++)
                    out[n] = uid.ptr[n] == '_' ? '-' : uid.ptr[n];
    out[n] = '\0';
}
