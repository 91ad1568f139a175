/* recorded_request.c: reads requests from files. Owns the data that it read. Called by `ddgate explain`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/recorded_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/budget.h"
#include "core/base/json.h"
#include "gateway/http/inflate.h"
#include "translators/otlp/otlp_check.h"
#include "translators/otlp/otlp_json_in.h"

enum { FILE_MAX = 256 << 20, BODY_MAX = 256 << 20, HEADERS_MAX = 64 << 10 };

static const struct format {
    const char *word, *protocol, *path; /* path: of requests of this format, the beginning */
    enum gw_recorded_kind kind;
    enum dd_format format;
    bool json;
} formats[] = {
    {"v0.1", "v0.1 JSON", "/v0.1/spans", GW_RECORDED_DDTRACE, DD_V01_JSON, true},
    {"v0.4", "v0.4 msgpack", "/v0.4/traces", GW_RECORDED_DDTRACE, DD_V04_MSGPACK, false},
    {"v0.4-json", "v0.4 JSON", "/v0.4/traces", GW_RECORDED_DDTRACE, DD_V04_JSON, true},
    {"v0.5", "v0.5 msgpack", "/v0.5/traces", GW_RECORDED_DDTRACE, DD_V05_MSGPACK, false},
    {"v0.7", "v0.7 msgpack", "/v0.7/traces", GW_RECORDED_DDTRACE, DD_V07_MSGPACK, false},
    {"v1.0", "v1.0 msgpack", "/v1.0/traces", GW_RECORDED_DDTRACE, DD_V10_MSGPACK, false},
    {"agent", "agent protobuf", "/api/v0.2/traces", GW_RECORDED_DDTRACE, DD_AGENT_PROTOBUF, false},
    {"otlp", "OTLP", "/v1/traces", GW_RECORDED_OTLP, 0, false},
    {"otlp-json", "OTLP/JSON", "/v1/traces", GW_RECORDED_OTLP, 0, true},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const struct format *format_of_word(const char *word)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].word, word) == 0)
            return &formats[i];
    return NULL;
}

bool gw_recorded_is_format(const char *word)
{
    return format_of_word(word) != NULL;
}

/* --- the file --- */

static bool read_stream(FILE *from, char **out, size_t *len)
{
    size_t cap = 64 << 10, n;
    char *bytes = malloc(cap);
    *len = 0;
    while (bytes && *len <= FILE_MAX && (n = fread(bytes + *len, 1, cap - *len, from)) > 0) {
        *len += n;
        if (*len < cap)
            continue;
        char *more = realloc(bytes, cap *= 2);
        if (!more)
            free(bytes);
        bytes = more;
    }
    *out = bytes;
    return bytes && !ferror(from);
}

static bool read_file(const char *name, char **bytes, size_t *len, struct gw_err *err)
{
    bool is_stdin = strcmp(name, "-") == 0;
    errno = 0;
    FILE *from = is_stdin ? stdin : fopen(name, "rbe");
    bool good = from && read_stream(from, bytes, len);
    int error = errno;
    if (from && !is_stdin)
        fclose(from);
    if (!good)
        gw_fail(err, GW_INTERNAL, 0, "cannot be read: %s", error ? strerror(error) : "not enough memory");
    else if (*len > FILE_MAX)
        gw_fail(err, GW_TOO_LARGE, 0, "is longer than %d MiB: cut it to one request", FILE_MAX >> 20);
    return good && *len <= FILE_MAX;
}

/* --- guesses --- */

static bool is_array(uint8_t byte)
{
    return (byte & 0xf0) == 0x90 || byte == 0xdc || byte == 0xdd;
}

/* v0.5 is [texts, traces], v0.4 an array of arrays of maps. */
static bool is_v05(gw_str body)
{
    struct dd_decoder d;
    struct gw_arena arena;
    struct gw_err ignored;
    gw_arena_init(&arena, 64 << 20);
    uint8_t first = (uint8_t)body.ptr[0];
    bool two = first == 0x92 || (first == 0xdc && body.len > 2 && body.ptr[1] == 0 && body.ptr[2] == 2);
    bool good = two && dd_decode_begin(&d, DD_V05_MSGPACK, body, &arena, &ignored) == GW_OK;
    gw_arena_fini(&arena);
    return good;
}

/* Keys of v1.0 are numbers, those of v0.7 texts. */
static bool has_number_keys(gw_str body)
{
    uint8_t first = (uint8_t)body.ptr[0];
    size_t at = first == 0xdf ? 5 : first == 0xde ? 3 : 1;
    return at < body.len && (uint8_t)body.ptr[at] < 0x80;
}

static bool is_otlp(gw_str body)
{
    struct otlp_contents contents;
    struct gw_err ignored;
    return otlp_check(OTLP_TRACES_REQUEST, body, NULL, &contents, &ignored) == GW_OK && contents.items > 0;
}

static gw_str without_blanks(gw_str text)
{
    while (text.len && gw_char_in(*text.ptr, " \t\r\n"))
        text = gw_str_from(text, 1);
    return text;
}

static const char *guess(gw_str body)
{
    gw_str text = without_blanks(body);
    if (!text.len)
        return "v0.4";
    if (*body.ptr == '\n' && is_otlp(body)) /* a line end is also how protobuf begins */
        return "otlp";
    uint8_t first = (uint8_t)*text.ptr;
    if (first == '{')
        return "otlp-json";
    if (first == '[') {
        gw_str inner = without_blanks(gw_str_from(text, 1));
        return inner.len && *inner.ptr == '{' ? "v0.1" : "v0.4-json";
    }
    first = (uint8_t)*body.ptr;
    if (is_array(first))
        return is_v05(body) ? "v0.5" : "v0.4";
    if ((first & 0xf0) == 0x80 || first == 0xde || first == 0xdf)
        return has_number_keys(body) ? "v1.0" : "v0.7";
    return "agent";
}

/* --- a request as it was on the wire --- */

struct wire {
    struct gw_recorded *out;
    gw_str path, type, encoding;
    bool chunked;
};

static void take_header(struct wire *w, gw_str name, gw_str value)
{
    dd_request_header(&w->out->request, &w->out->arena, name, value);
    if (gw_str_ieq(name, GW_STR("content-type")))
        w->type = value;
    else if (gw_str_ieq(name, GW_STR("content-encoding")))
        w->encoding = value;
    else if (gw_str_ieq(name, GW_STR("transfer-encoding")))
        w->chunked = gw_str_ieq(value, GW_STR("chunked"));
}

static bool take_line(gw_str *rest, gw_str *line)
{
    size_t at = gw_str_find(*rest, '\n');
    if (at == rest->len)
        return false;
    *line = gw_str_n(rest->ptr, at && rest->ptr[at - 1] == '\r' ? at - 1 : at);
    *rest = gw_str_n(rest->ptr + at + 1, rest->len - at - 1);
    return true;
}

/* "PUT /v0.4/traces HTTP/1.1" */
static bool is_request_line(gw_str line, gw_str *path)
{
    gw_str method, protocol, rest = line;
    if (!gw_str_next(&rest, ' ', &method) || !method.len || method.len > 8)
        return false;
    for (size_t i = 0; i < method.len; i++)
        if (method.ptr[i] < 'A' || method.ptr[i] > 'Z')
            return false;
    return gw_str_next(&rest, ' ', path) && gw_str_next(&rest, ' ', &protocol) && path->len &&
           *path->ptr == '/' && gw_str_starts(protocol, GW_STR("HTTP/"));
}

/* The data of a chunked body, moved together in place. */
static bool join_chunks(gw_str *body, struct gw_err *err)
{
    char *to = (char *)(uintptr_t)body->ptr;
    gw_str rest = *body, line;
    size_t n = 0;
    uint64_t size = 0;
    while (take_line(&rest, &line)) {
        line.len = gw_str_find(line, ';');
        if (!gw_str_hex64(gw_str_trim(line), &size) || size > rest.len)
            break;
        if (size == 0) {
            *body = gw_str_n(to, n);
            return true;
        }
        memmove(to + n, rest.ptr, size);
        n += size;
        rest = gw_str_n(rest.ptr + size, rest.len - size);
        if (!take_line(&rest, &line))
            break;
    }
    gw_fail(err, GW_BAD_ENVELOPE, (size_t)(rest.ptr - body->ptr),
            "the chunked body is cut off or no HTTP chunk: keep the whole request");
    return false;
}

static bool unpack(struct wire *w, gw_str *body, struct gw_err *err)
{
    static struct gw_budget unbounded = {.limit = SIZE_MAX};
    enum gw_encoding how = gw_encoding_of(w->encoding);
    struct gw_body_pool pool;
    struct gw_body plain = {0};
    if (how == GW_ENC_IDENTITY)
        return true;
    if (how == GW_ENC_UNKNOWN) {
        gw_fail(err, GW_BAD_ENCODING, 0, "Content-Encoding %.*s: gzip, deflate and zstd are read",
                GW_FMT(w->encoding));
        return false;
    }
    struct gw_inflater *inflater = gw_inflater_new();
    gw_body_pool_init(&pool, &unbounded, &unbounded, 0);
    bool good = inflater && gw_inflate(inflater, how, *body, &pool, &plain, BODY_MAX, err) == GW_OK;
    if (good)
        *body = gw_arena_dup(&w->out->arena, gw_str_n(plain.data, plain.len));
    gw_body_release(&pool, &plain);
    gw_body_pool_fini(&pool);
    gw_inflater_drop(inflater);
    return good;
}

/* No msgpack and no OTLP begins so. */
static bool is_json(gw_str body)
{
    gw_str text = *body.ptr == '\n' && is_otlp(body) ? GW_NOSTR : without_blanks(body);
    return text.len && (*text.ptr == '[' || *text.ptr == '{');
}

/* By the path, as the receivers do it. */
static const char *format_of_request(const struct wire *w, gw_str body, struct gw_err *err)
{
    gw_str path = gw_str_n(w->path.ptr, gw_str_find(w->path, '?'));
    bool json = body.len && is_json(body), map = body.len && ((uint8_t)*body.ptr & 0xf0) == 0x80;
    if (gw_str_eq(path, GW_STR("/spans")))
        return "v0.1";
    if (gw_str_eq(path, GW_STR("/v0.3/traces")) || gw_str_eq(path, GW_STR("/v0.2/traces")))
        path = GW_STR("/v0.4/traces");
    if (gw_str_eq(path, GW_STR("/v1.0/traces")) && !map)
        return json ? "v0.4-json" : "v0.4"; /* dd-trace-js sends v0.4 there */
    for (size_t i = 0; i < FORMATS; i++)
        if (gw_str_eq(path, gw_str_z(formats[i].path)) && formats[i].json == json)
            return formats[i].word;
    for (size_t i = 0; i < FORMATS; i++)
        if (gw_str_eq(path, gw_str_z(formats[i].path)))
            return formats[i].word;
    gw_fail(err, GW_NOT_FOUND, 0,
            "a request to %.*s has no spans: /v0.x/traces, /api/v0.2/traces and /v1/traces have",
            (int)(path.len < 60 ? path.len : 60), path.ptr);
    return NULL;
}

/* --- a recording: headers in JSON, the body beside it --- */

static void read_pairs(struct gw_json *j, struct wire *w)
{
    gw_str name, value;
    if (gw_json_array(j))
        while (gw_json_item(j)) {
            name = value = GW_NOSTR;
            if (gw_json_array(j))
                for (unsigned i = 0; gw_json_item(j); i++)
                    (void)gw_json_text(j, i ? &value : &name);
            take_header(w, name, value);
        }
}

/* Returns true if the text contains a request's path and headers. */
static bool read_about(struct wire *w, gw_str text)
{
    struct gw_json j;
    gw_str key;
    bool headers = false;
    gw_json_init(&j, text, &w->out->arena);
    if (gw_json_object(&j))
        while (gw_json_member(&j, &key)) {
            if (gw_str_eq(key, GW_STR("path"))) {
                (void)gw_json_text(&j, &w->path);
            } else if (gw_str_eq(key, GW_STR("headers"))) {
                read_pairs(&j, w);
                headers = true;
            } else {
                (void)gw_json_skip(&j);
            }
        }
    return gw_json_end(&j) && headers && w->path.len;
}

/* NAME.json for NAME.bin, and the other way round; empty for other names. */
static gw_str partner_of(struct gw_arena *arena, const char *file, const char *ending, const char *other)
{
    gw_str name = gw_str_z(file);
    size_t n = strlen(ending);
    if (!gw_str_ends(name, gw_str_z(ending)))
        return GW_NOSTR;
    return gw_arena_printf(arena, "%.*s%s%c", (int)(name.len - n), file, other, '\0');
}

/* The headers beside a body. What cannot be read is just not there. */
static bool find_about(struct wire *w, const char *file)
{
    struct gw_err ignored;
    char *text = NULL;
    size_t n = 0;
    gw_str partner = partner_of(&w->out->arena, file, ".bin", ".json");
    bool found = partner.len && read_file(partner.ptr, &text, &n, &ignored) &&
                 read_about(w, gw_arena_dup(&w->out->arena, gw_str_n(text, n)));
    free(text);
    return found;
}

/* The body beside headers. */
static bool find_body(struct wire *w, const char *file, gw_str *body, struct gw_err *err)
{
    char *bytes = NULL;
    size_t n = 0;
    gw_str partner = partner_of(&w->out->arena, file, ".json", ".bin");
    if (!partner.len) {
        gw_fail(err, GW_BAD_ENVELOPE, 0, "has headers and no body: name it NAME.json, and the body NAME.bin");
        return false;
    }
    bool good = read_file(partner.ptr, &bytes, &n, err);
    *body = good ? gw_arena_dup(&w->out->arena, gw_str_n(bytes, n)) : GW_NOSTR;
    free(bytes);
    return good;
}

/* --- all of it --- */

static bool read_json_request(struct gw_recorded *r, struct gw_err *err)
{
    struct otlp_buf w = {0};
    bool good = otlp_json_read(OTLP_TRACES_REQUEST, r->body, &r->arena, &w, err) == GW_OK;
    r->body = good ? gw_arena_dup(&r->arena, otlp_written(&w)) : GW_NOSTR;
    otlp_fini(&w);
    return good;
}

static bool use_format(struct gw_recorded *r, const char *word, struct gw_err *err)
{
    const struct format *f = format_of_word(word);
    r->kind = f->kind;
    r->format = f->format;
    r->protocol = f->protocol;
    if (f->kind == GW_RECORDED_DDTRACE && f->format == DD_AGENT_PROTOBUF)
        r->request.container_id = r->request.entity_id = r->request.k8s_container = r->request.k8s_pod_uid =
            GW_NOSTR; /* those of the agent's process */
    return f->kind != GW_RECORDED_OTLP || !f->json || read_json_request(r, err);
}

/* Takes the head of a request off the bytes, where there is one. */
static bool read_head(struct wire *w, gw_str *body, struct gw_err *err)
{
    gw_str rest = *body, line;
    if (!take_line(&rest, &line) || !is_request_line(line, &w->path)) {
        w->path = GW_NOSTR;
        return true;
    }
    while (take_line(&rest, &line) && line.len) {
        size_t colon = gw_str_find(line, ':');
        take_header(w, gw_str_n(line.ptr, colon), gw_str_trim(gw_str_from(line, colon + 1)));
    }
    *body = rest.ptr ? rest : GW_STR("");
    return !w->chunked || join_chunks(body, err);
}

bool gw_recorded_read(struct gw_recorded *out, const char *file, const char *format, struct gw_err *err)
{
    struct wire w = {.out = out};
    size_t n = 0;
    *out = (struct gw_recorded){.request.peer_is_local = true};
    gw_arena_init(&out->arena, (size_t)4 * FILE_MAX);
    if (!read_file(file, &out->bytes, &n, err))
        return false;
    gw_str body = gw_str_n(out->bytes, n), text = without_blanks(body);
    if (!read_head(&w, &body, err))
        return false;
    if (!w.path.len && text.len && *text.ptr == '{' && read_about(&w, text)) {
        if (!find_body(&w, file, &body, err))
            return false;
    } else if (!w.path.len) {
        (void)find_about(&w, file);
    }
    if (!unpack(&w, &body, err))
        return false;
    out->body = body;
    if (!format)
        format = w.path.len ? format_of_request(&w, body, err) : guess(body);
    return format && use_format(out, format, err);
}

void gw_recorded_fini(struct gw_recorded *r)
{
    free(r->bytes);
    gw_arena_fini(&r->arena);
}
