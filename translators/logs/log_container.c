/* Lines and paths of the logs of containers: CRI's format and Docker's json-file; the folders of the kubelet
 * and of Docker.
 *
 * Owns a struct log_container and the attributes that it was written as. Called by the file receiver.
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

/* The object has these keys, and perhaps `attrs`; with others it is somebody else's. */
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

struct names {
    gw_str namespace, pod, uid, container, restarts, id;
};

enum { FIELDS = sizeof(struct names) / sizeof(gw_str), CONTAINER_ID = 64, UID_LEAST = 32, UID_MOST = 36 };

struct log_container {
    struct names is;
    char *kept[FIELDS]; /* malloc'd, in the order of struct names */
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

/* A UUID, or the hash that stands for one of a static pod. */
static bool is_uid(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (gw_hex_digit(s.ptr[i]) < 0 && s.ptr[i] != '-')
            return false;
    return s.len >= UID_LEAST && s.len <= UID_MOST;
}

/* The last name of a path; *path is what stands before it. */
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
static bool read_pods(gw_str path, struct names *n)
{
    gw_str file = take_last(&path), folder, pod;
    size_t digits = 0;
    while (digits < file.len && gw_is_digit(file.ptr[digits]))
        digits++;
    n->restarts = gw_str_n(file.ptr, digits);
    file = gw_str_from(file, digits);
    n->container = take_last(&path);
    folder = pod = take_last(&path);
    if (!digits || !gw_str_starts(file, GW_STR(".log")) || (file.len > 4 && file.ptr[4] != '.') ||
        !gw_str_next(&pod, '_', &n->namespace) || !gw_str_next(&pod, '_', &n->pod) || !pod.ptr)
        return false;
    n->uid = pod;
    return folder.len && is_name(n->namespace) && is_name(n->pod) && is_uid(n->uid) && is_name(n->container);
}

/* POD_NS_CONTAINER-ID.log */
static bool read_link(gw_str path, struct names *n)
{
    gw_str file = take_last(&path), rest = file;
    if (!gw_str_ends(file, GW_STR(".log")))
        return false;
    rest.len -= 4;
    if (!gw_str_next(&rest, '_', &n->pod) || !gw_str_next(&rest, '_', &n->namespace) || !rest.ptr)
        return false;
    size_t dash = find_last(rest, '-');
    n->container = gw_str_n(rest.ptr, dash);
    n->id = gw_str_from(rest, dash + 1);
    return n->id.len == CONTAINER_ID && is_hex(n->id) && is_name(n->pod) && is_name(n->namespace) &&
           is_name(n->container);
}

/* ID-json.log, ID-json.log.1 */
static bool read_docker_path(gw_str path, struct names *n)
{
    gw_str file = take_last(&path);
    n->id = gw_str_n(file.ptr, file.len < CONTAINER_ID ? file.len : CONTAINER_ID);
    return n->id.len == CONTAINER_ID && is_hex(n->id) &&
           gw_str_starts(gw_str_from(file, CONTAINER_ID), GW_STR("-json.log"));
}

static bool read_path(gw_str path, struct names *n)
{
    *n = (struct names){.namespace = GW_NOSTR};
    if (read_pods(path, n))
        return true;
    *n = (struct names){.namespace = GW_NOSTR};
    if (read_link(path, n))
        return true;
    *n = (struct names){.namespace = GW_NOSTR};
    return read_docker_path(path, n);
}

static void write_text(struct otlp_buf *w, gw_str key, gw_str text)
{
    if (text.len)
        otlp_attr_text(w, LOG_RESOURCE_ATTRIBUTES, key, text);
}

static void write_resource(struct log_container *c)
{
    int64_t restarts;
    c->resource.len = 0;
    write_text(&c->resource, GW_STR("k8s.namespace.name"), c->is.namespace);
    write_text(&c->resource, GW_STR("k8s.pod.name"), c->is.pod);
    write_text(&c->resource, GW_STR("k8s.pod.uid"), c->is.uid);
    write_text(&c->resource, GW_STR("k8s.container.name"), c->is.container);
    if (gw_str_i64(c->is.restarts, &restarts))
        otlp_attr_int(&c->resource, LOG_RESOURCE_ATTRIBUTES, GW_STR("k8s.container.restart_count"), restarts);
    write_text(&c->resource, GW_STR("container.id"), c->is.id);
}

static void keep(struct log_container *c, size_t i, gw_str *to, gw_str text)
{
    if (to->len || !text.len || !(c->kept[i] = malloc(text.len)))
        return;
    memcpy(c->kept[i], text.ptr, text.len);
    *to = gw_str_n(c->kept[i], text.len);
}

struct log_container *log_container_learn(struct log_container *known, gw_str path)
{
    struct names n;
    struct log_container *c = known;
    if (!read_path(path, &n) || (!c && !(c = calloc(1, sizeof *c))))
        return known;
    keep(c, 0, &c->is.namespace, n.namespace);
    keep(c, 1, &c->is.pod, n.pod);
    keep(c, 2, &c->is.uid, n.uid);
    keep(c, 3, &c->is.container, n.container);
    keep(c, 4, &c->is.restarts, n.restarts);
    keep(c, 5, &c->is.id, n.id);
    write_resource(c);
    return c;
}

void log_container_drop(struct log_container *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < FIELDS; i++)
        free(c->kept[i]);
    otlp_fini(&c->resource);
    free(c);
}

gw_str log_container_resource(const struct log_container *c)
{
    return c && !c->resource.failed ? gw_str_n((const char *)c->resource.data, c->resource.len) : GW_NOSTR;
}
