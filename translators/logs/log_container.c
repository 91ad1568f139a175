/* log_container.c: Reads lines and paths of container logs: CRI's format and Docker's json-file; the folders
 * of the kubelet and of Docker. Owns a struct log_container and its serialized attributes. Called by the file
 * receiver.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_container.h"

#include <stdlib.h>

#include "core/base/json.h"
#include "translators/logs/log_resource.h"

/* --- lines --- */

static const gw_str streams[LOG_IOSTREAMS] = {GW_LIT("stdout"), GW_LIT("stderr")};

gw_str log_iostream_name(enum log_iostream stream)
{
    return streams[stream];
}

static bool read_stream(gw_str word, enum log_iostream *stream)
{
    for (int i = 0; i < LOG_IOSTREAMS; i++)
        if (gw_str_eq(word, streams[i])) {
            *stream = (enum log_iostream)i;
            return true;
        }
    return false;
}

/* Both write RFC 3339 with a zone. */
static bool read_time(gw_str text, struct log_clock *clock, uint64_t *time)
{
    enum { ZONE_AT = 19 };
    size_t n = text.len > ZONE_AT && text.ptr[10] == 'T' ? log_time_front(clock, text, 0, time) : 0;
    char last = n ? text.ptr[n - 1] : '\0';
    return n && n == text.len && n > ZONE_AT && (last == 'Z' || gw_char_in(text.ptr[n - 6], "+-"));
}

/* TIME STREAM TAGS TEXT. The first tag is P or F; others would follow behind colons. */
static bool read_cri(gw_str line, struct log_clock *clock, struct log_piece *piece)
{
    gw_str rest = line, time, stream, tags;
    if (!gw_str_next(&rest, ' ', &time) || !gw_str_next(&rest, ' ', &stream) ||
        !read_stream(stream, &piece->stream) || !gw_str_next(&rest, ' ', &tags) || !tags.len ||
        (*tags.ptr != 'P' && *tags.ptr != 'F') || (tags.len > 1 && tags.ptr[1] != ':'))
        return false;
    piece->part = *tags.ptr == 'P';
    piece->text = rest.ptr ? rest : GW_STR("");
    return read_time(time, clock, &piece->time);
}

/* The object has these keys, and perhaps `attrs`; with other keys it is not Docker's. */
static bool read_docker(gw_str line, struct log_clock *clock, struct gw_arena *arena, struct log_piece *piece)
{
    struct gw_json j;
    gw_str key, log = GW_NOSTR, stream = GW_NOSTR, time = GW_NOSTR;
    bool known = true;
    gw_json_init(&j, line, arena);
    if (!gw_json_object(&j))
        return false;
    while (known && gw_json_member(&j, &key)) {
        if (gw_str_eq(key, GW_STR("log")))
            gw_json_text(&j, &log);
        else if (gw_str_eq(key, GW_STR("stream")))
            gw_json_text(&j, &stream);
        else if (gw_str_eq(key, GW_STR("time")))
            gw_json_text(&j, &time);
        else
            known = gw_str_eq(key, GW_STR("attrs")) && gw_json_skip(&j);
    }
    if (!known || !gw_json_end(&j) || !log.ptr || !read_stream(stream, &piece->stream) ||
        !read_time(time, clock, &piece->time))
        return false;
    piece->part = !gw_str_ends(log, GW_STR("\n"));
    piece->text = gw_str_n(log.ptr, log.len - !piece->part);
    return true;
}

bool log_container_piece(gw_str line, struct log_clock *clock, struct gw_arena *arena,
                         struct log_piece *piece)
{
    if (line.len && gw_is_digit(*line.ptr))
        return read_cri(line, clock, piece);
    return gw_str_starts(line, GW_STR("{\"")) && read_docker(line, clock, arena, piece);
}

/* --- paths --- */

enum { CONTAINER_ID = 64, UID_LEAST = 32, UID_MOST = 36 };
enum name { NAMESPACE, POD, UID, CONTAINER, RESTARTS, ID, NAMES };

struct log_container {
    gw_str is[NAMES]; /* malloc'd */
    struct otlp_buf resource;
};

/* A name of Kubernetes: small letters, digits, - and . */
static bool is_name(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!gw_is_digit(s.ptr[i]) && (s.ptr[i] < 'a' || s.ptr[i] > 'z') && s.ptr[i] != '-' &&
            s.ptr[i] != '.')
            return false;
    return s.len;
}

static bool is_hex(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (gw_hex_digit(s.ptr[i]) < 0)
            return false;
    return s.len;
}

/* A UUID, or the hash that a static pod has instead. */
static bool is_uid(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (gw_hex_digit(s.ptr[i]) < 0 && s.ptr[i] != '-')
            return false;
    return s.len >= UID_LEAST && s.len <= UID_MOST;
}

/* The last name of a path; *path becomes the part before it. */
static gw_str take_last(gw_str *path)
{
    size_t at = path->len;
    while (at && path->ptr[at - 1] != '/')
        at--;
    gw_str name = gw_str_n(path->ptr + at, path->len - at);
    path->len = at ? at - 1 : 0;
    return name;
}

static size_t find_last(gw_str s, char c)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.ptr[i - 1] == c)
            return i - 1;
    return s.len;
}

/* NS_POD_UID/CONTAINER/2.log, 2.log.20261121-003542, 2.log.20261121-003542.gz */
static bool read_pods(gw_str path, gw_str n[static NAMES])
{
    gw_str file = take_last(&path), folder, pod;
    size_t digits = 0;
    while (digits < file.len && gw_is_digit(file.ptr[digits]))
        digits++;
    n[RESTARTS] = gw_str_n(file.ptr, digits);
    file = gw_str_from(file, digits);
    n[CONTAINER] = take_last(&path);
    folder = pod = take_last(&path);
    if (!digits || !gw_str_starts(file, GW_STR(".log")) || (file.len > 4 && file.ptr[4] != '.') ||
        !gw_str_next(&pod, '_', &n[NAMESPACE]) || !gw_str_next(&pod, '_', &n[POD]) || !pod.ptr)
        return false;
    n[UID] = pod;
    return folder.len && is_name(n[NAMESPACE]) && is_name(n[POD]) && is_uid(n[UID]) && is_name(n[CONTAINER]);
}

/* POD_NS_CONTAINER-ID.log */
static bool read_link(gw_str path, gw_str n[static NAMES])
{
    gw_str file = take_last(&path), rest = file;
    if (!gw_str_ends(file, GW_STR(".log")))
        return false;
    rest.len -= 4;
    if (!gw_str_next(&rest, '_', &n[POD]) || !gw_str_next(&rest, '_', &n[NAMESPACE]) || !rest.ptr)
        return false;
    size_t dash = find_last(rest, '-');
    n[CONTAINER] = gw_str_n(rest.ptr, dash);
    n[ID] = gw_str_from(rest, dash + 1);
    return n[ID].len == CONTAINER_ID && is_hex(n[ID]) && is_name(n[POD]) && is_name(n[NAMESPACE]) &&
           is_name(n[CONTAINER]);
}

/* ID-json.log, ID-json.log.1 */
static bool read_docker_path(gw_str path, gw_str n[static NAMES])
{
    gw_str file = take_last(&path);
    n[ID] = gw_str_n(file.ptr, file.len < CONTAINER_ID ? file.len : CONTAINER_ID);
    return n[ID].len == CONTAINER_ID && is_hex(n[ID]) &&
           gw_str_starts(gw_str_from(file, CONTAINER_ID), GW_STR("-json.log"));
}

static bool read_path(gw_str path, gw_str n[static NAMES])
{
    static bool (*const readers[])(gw_str, gw_str *) = {read_pods, read_link, read_docker_path};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        for (int k = 0; k < NAMES; k++)
            n[k] = GW_NOSTR;
        if (readers[i](path, n))
            return true;
    }
    return false;
}

static void write_resource(struct log_container *c)
{
    static const gw_str keys[NAMES] = {[NAMESPACE] = GW_LIT("k8s.namespace.name"),
                                       [POD] = GW_LIT("k8s.pod.name"),
                                       [UID] = GW_LIT("k8s.pod.uid"),
                                       [CONTAINER] = GW_LIT("k8s.container.name"),
                                       [RESTARTS] = GW_LIT("k8s.container.restart_count"),
                                       [ID] = GW_LIT("container.id")};
    int64_t restarts;
    c->resource.len = 0;
    for (int i = 0; i < NAMES; i++)
        if (i == RESTARTS && gw_str_i64(c->is[i], &restarts))
            otlp_attr_int(&c->resource, LOG_RESOURCE_ATTRIBUTES, keys[i], restarts);
        else if (i != RESTARTS && c->is[i].len)
            otlp_attr_text(&c->resource, LOG_RESOURCE_ATTRIBUTES, keys[i], c->is[i]);
}

static void keep(gw_str *to, gw_str text)
{
    char *copy = !to->len && text.len ? malloc(text.len) : NULL;
    if (!copy)
        return;
    memcpy(copy, text.ptr, text.len);
    *to = gw_str_n(copy, text.len);
}

struct log_container *log_container_learn(struct log_container *known, gw_str path)
{
    gw_str names[NAMES];
    struct log_container *c = known;
    if (!read_path(path, names) || (!c && !(c = calloc(1, sizeof *c))))
        return known;
    for (int i = 0; i < NAMES; i++)
        keep(&c->is[i], names[i]);
    write_resource(c);
    return c;
}

void log_container_drop(struct log_container *c)
{
    if (!c)
        return;
    for (int i = 0; i < NAMES; i++)
        free((char *)(uintptr_t)c->is[i].ptr);
    otlp_fini(&c->resource);
    free(c);
}

gw_str log_container_resource(const struct log_container *c)
{
    return c && !c->resource.failed ? otlp_written(&c->resource) : GW_NOSTR;
}
