/* admin_client.c: Finds the address of a running ddgate, asks it, and takes its answers apart. Owns what an answer
 * holds. Called by the commands that show what passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/run/admin_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/config/config_diagnostic.h"
#include "gateway/admin/admin.h"

enum { SECONDS = 5, HEAD = 16 * 1024, PIECE = 64 * 1024 };

/* --- the address --- */

static bool resolve(struct gw_client_target *t, gw_str listen, char *why, size_t size)
{
    struct gw_listen_error error;
    snprintf(t->name, sizeof t->name, "%.*s", GW_FMT(listen));
    if (!listen.len) {
        snprintf(why, size, "admin.listen is empty, so there is no address to ask");
        return false;
    }
    if (gw_listen_resolve(listen, t->addresses, &t->n, &error) == GW_LISTEN_OK)
        return true;
    snprintf(why, size, "%s", error.text);
    return false;
}

/* http://127.0.0.1:8127/, 127.0.0.1:8127 or the path of a socket. */
static bool resolve_url(struct gw_client_target *t, const char *url, char *why, size_t size)
{
    static const char http[] = "http://";
    char text[256];
    if (strncmp(url, "https://", 8) == 0) {
        snprintf(why, size, "the admin listener has no TLS: write http://");
        return false;
    }
    bool is_url = strncmp(url, http, sizeof http - 1) == 0;
    snprintf(text, sizeof text, "%s", is_url ? url + sizeof http - 1 : url);
    if (is_url)
        text[strcspn(text, "/?#")] = '\0';
    return resolve(t, gw_str_z(text), why, size);
}

/* The first of them. */
static void take_token(struct gw_client_target *t, gw_str tokens)
{
    size_t n = 0;
    while (n < tokens.len && !gw_char_in(tokens.ptr[n], " \t\r\n,"))
        n++;
    snprintf(t->token, sizeof t->token, "%.*s", (int)n, n ? tokens.ptr : "");
}

static bool read_conf(struct gw_client_target *t, const char *file, const char *url,
                      const struct gw_conf_environment *environment, char *why, size_t size)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct gw_conf *conf = diagnostics ? gw_conf_read(file, environment, diagnostics) : NULL;
    bool found = false;
    snprintf(why, size, "no memory");
    if (conf && conf->unread) {
        snprintf(why, size, "%s cannot be read: ddgate check -c %s shows why", file, file);
    } else if (conf) {
        take_token(t, conf->process.admin_auth_token);
        found = url ? resolve_url(t, url, why, size) : resolve(t, conf->process.admin_listen, why, size);
    }
    gw_conf_drop(conf);
    gw_diagnostics_drop(diagnostics);
    return found;
}

bool gw_client_target_read(struct gw_client_target *t, const char *file, const char *url,
                           const struct gw_conf_environment *environment, char *why, size_t size)
{
    *t = (struct gw_client_target){0};
    if (file)
        return read_conf(t, file, url, environment, why, size);
    return url ? resolve_url(t, url, why, size) : resolve(t, GW_STR(GW_ADMIN_LISTEN), why, size);
}

/* --- the connection --- */

static int connect_to(const struct gw_client_target *t, char *why, size_t size)
{
    static const struct timeval most = {.tv_sec = SECONDS};
    int error = ECONNREFUSED;
    for (size_t i = 0; i < t->n; i++) {
        int fd = socket(t->addresses[i].sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            error = errno;
            continue;
        }
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most); /* of connect, too */
        if (connect(fd, (const struct sockaddr *)&t->addresses[i].sa, t->addresses[i].len) == 0)
            return fd;
        error = errno == EINPROGRESS ? ETIMEDOUT : errno;
        close(fd);
    }
    snprintf(why, size, "%s", strerror(error));
    return -1;
}

static bool send_request(int fd, const struct gw_client_target *t, const char *path)
{
    char *text = NULL;
    size_t len = 0, sent = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return false;
    bool named = *t->name != '/' && *t->name != ':' && *t->name != '*';
    fprintf(to, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: application/x-ndjson, application/json\r\n", path,
            named ? t->name : "localhost");
    if (*t->token)
        fprintf(to, "Authorization: Bearer %s\r\n", t->token);
    fputs("Connection: close\r\n\r\n", to);
    fclose(to);
    for (ssize_t n = 1; text && sent < len && n > 0; sent += n > 0 ? (size_t)n : 0)
        n = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
    free(text);
    return len && sent == len;
}

/* At least one more byte. */
static bool make_room(struct gw_client_answer *a)
{
    if (a->taken) { /* what was taken makes room */
        memmove(a->data, a->data + a->taken, a->len - a->taken);
        a->len -= a->taken;
        a->plain -= a->taken;
        a->taken = 0;
    }
    if (a->len + PIECE <= a->cap)
        return true;
    size_t cap = a->cap ? 2 * a->cap : 2 * PIECE;
    char *data = cap <= 2 * (size_t)GW_CLIENT_BODY ? realloc(a->data, cap) : NULL;
    if (!data)
        return false;
    a->data = data;
    a->cap = cap;
    return true;
}

/* What has come; waits for it if `flags` is 0. False: the end. */
static bool receive_some(struct gw_client_answer *a, int flags)
{
    if (!make_room(a))
        return false;
    ssize_t n = recv(a->fd, a->data + a->len, PIECE, flags);
    if (n < 0)
        return errno == EINTR || (flags && (errno == EAGAIN || errno == EWOULDBLOCK));
    a->len += (size_t)n;
    return n > 0;
}

/* Waits until something can be read. */
static bool wait_for(const struct gw_client_answer *a, gw_nsec until)
{
    gw_nsec left = until - gw_now();
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    return left > 0 && poll(&p, 1, (int)(left / GW_MSEC) + 1) > 0;
}

/* --- chunks --- */

/* The line with the size of the next chunk, at the end of the plain bytes. False: it has not come whole. */
static bool next_chunk(struct gw_client_answer *a)
{
    char *at = a->data + a->plain, *end = memmem(at, a->len - a->plain, "\r\n", 2);
    if (end == at) { /* of the chunk before */
        memmove(at, at + 2, a->len - a->plain - 2);
        a->len -= 2;
        end = memmem(at, a->len - a->plain, "\r\n", 2);
    }
    if (!end)
        return false;
    *end = '\0';
    a->left = strtoull(at, NULL, 16);
    a->ended = a->left == 0;
    size_t head = (size_t)(end + 2 - at);
    memmove(at, end + 2, a->len - a->plain - head);
    a->len -= head;
    return true;
}

static void read_chunks(struct gw_client_answer *a)
{
    while (!a->ended && a->plain < a->len) {
        size_t more = a->len - a->plain;
        if (!a->left && !next_chunk(a))
            return;
        more = a->len - a->plain;
        more = more < a->left ? more : (size_t)a->left;
        a->plain += more;
        a->left -= more;
    }
}

/* How much of what came is body. */
static void sort_out(struct gw_client_answer *a)
{
    if (a->chunked) {
        read_chunks(a);
        return;
    }
    size_t more = a->len - a->plain;
    more = more < a->left ? more : (size_t)a->left;
    a->plain += more;
    a->left -= more;
    a->ended = !a->left;
}

/* --- the answer --- */

static const char *header(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at ? at + strlen(name) : NULL;
}

/* The head, which ends with a NUL byte. */
static void read_head(struct gw_client_answer *a, size_t len)
{
    const char *transfer = header(a->data, "\r\nTransfer-Encoding:"),
               *length = header(a->data, "\r\nContent-Length:");
    a->status = (unsigned)strtoul(a->data + strlen("HTTP/1.1 "), NULL, 10);
    a->chunked = transfer && strcasestr(transfer, "chunked");
    a->left = a->chunked ? 0 : length ? strtoull(length, NULL, 10) : UINT64_MAX;
    a->taken = a->plain = len;
    sort_out(a);
}

bool gw_client_open(struct gw_client_answer *a, const struct gw_client_target *t, const char *path, char *why,
                    size_t size)
{
    gw_nsec until = gw_now() + SECONDS * GW_SEC;
    *a = (struct gw_client_answer){.fd = connect_to(t, why, size)};
    if (a->fd < 0)
        return false;
    char *end = NULL;
    if (send_request(a->fd, t, path))
        while (!end && a->len < HEAD && wait_for(a, until) && receive_some(a, 0))
            end = memmem(a->data, a->len, "\r\n\r\n", 4);
    if (end && strncmp(a->data, "HTTP/1.", 7) == 0) {
        end[2] = '\0';
        read_head(a, (size_t)(end + 4 - a->data));
        return true;
    }
    snprintf(why, size, a->len ? "the answer is not HTTP" : "there is no answer");
    gw_client_close(a);
    return false;
}

void gw_client_close(struct gw_client_answer *a)
{
    if (a->fd >= 0)
        close(a->fd);
    free(a->data);
    *a = (struct gw_client_answer){.fd = -1};
}

bool gw_client_receive(struct gw_client_answer *a)
{
    if (a->ended || a->plain - a->taken > GW_CLIENT_LINE || !receive_some(a, MSG_DONTWAIT))
        return false;
    sort_out(a);
    return true;
}

bool gw_client_next_line(struct gw_client_answer *a, gw_str *line)
{
    const char *at = a->data + a->taken;
    const char *end = a->plain > a->taken ? memchr(at, '\n', a->plain - a->taken) : NULL;
    if (!end)
        return false;
    *line = gw_str_n(at, (size_t)(end - at));
    a->taken += line->len + 1;
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

bool gw_client_read_body(struct gw_client_answer *a, gw_nsec until, gw_str *body)
{
    while (!a->ended && a->plain - a->taken < GW_CLIENT_BODY) {
        if (!wait_for(a, until))
            return false;
        if (!receive_some(a, 0))
            break; /* an answer without a length ends with its connection */
        sort_out(a);
    }
    *body = gw_str_n(a->data + a->taken, a->plain - a->taken);
    return a->ended || (!a->chunked && a->left > UINT64_MAX / 2);
}

gw_str gw_client_words(gw_str body)
{
    static char words[512];
    struct gw_arena arena;
    struct gw_json j;
    gw_str key, text = GW_NOSTR, rest = body;
    gw_arena_init(&arena, 64 * 1024);
    gw_json_init(&j, body, &arena);
    if (gw_json_kind(&j) == GW_JSON_OBJECT && gw_json_object(&j))
        while (gw_json_member(&j, &key)) {
            if (gw_str_eq(key, GW_STR("error")) && gw_json_kind(&j) == GW_JSON_STRING)
                gw_json_text(&j, &text);
            else
                gw_json_skip(&j);
        }
    if (!text.len)
        gw_str_next(&rest, '\n', &text);
    snprintf(words, sizeof words, "%.*s", GW_FMT(text));
    gw_arena_fini(&arena);
    return gw_str_z(words);
}

const char *gw_client_remedy(unsigned status)
{
    return status == 401                    ? "the token is read from the configuration: give it with -c FILE"
           : status == 403 || status == 404 ? "the API is there with admin.page = true, on loopback or with "
                                              "admin.auth.token: docs/operations.md"
                                            : "";
}

uint64_t gw_client_count(struct gw_json *j)
{
    struct gw_json_number n = {0};
    gw_str text;
    uint64_t count;
    if (gw_json_kind(j) == GW_JSON_STRING)
        return gw_json_text(j, &text) && gw_str_u64(text, &count) ? count : 0;
    if (gw_json_kind(j) != GW_JSON_NUMBER) {
        gw_json_skip(j);
        return 0;
    }
    gw_json_number(j, &n);
    return n.type == GW_JSON_UINT ? n.u : n.type == GW_JSON_INT && n.i > 0 ? (uint64_t)n.i : 0;
}

gw_str gw_client_text(struct gw_json *j)
{
    gw_str s = GW_NOSTR;
    if (gw_json_kind(j) == GW_JSON_STRING)
        gw_json_text(j, &s);
    else
        gw_json_skip(j);
    return s;
}

bool gw_client_object(struct gw_json *j)
{
    if (gw_json_kind(j) == GW_JSON_OBJECT)
        return gw_json_object(j);
    gw_json_skip(j);
    return false;
}

bool gw_client_array(struct gw_json *j)
{
    if (gw_json_kind(j) == GW_JSON_ARRAY)
        return gw_json_array(j);
    gw_json_skip(j);
    return false;
}
