/* admin_request.c: Answers the requests of the admin listener: figures for machines, the page's files, and the
 * API. Owns a request's body until the request is over. Called by libmicrohttpd, on the threads of its daemons.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/admin_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/thread.h"
#include "core/delivery/ledger_report.h"
#include "gateway/api/api.h"
#include "gateway/api/stream.h"
#include "gateway/page/page.h"

#define PLAIN "text/plain; charset=utf-8"
#define JSON "application/json"

/* A request with a body that its route takes. */
struct upload {
    char *ptr;
    size_t len;
    bool is_large;
};

/* In place of a body's: the request has none. */
static char without_body;

/* --- figures: each writes its text and returns the status --- */

typedef unsigned figure_f(const struct gw_admin_source *, FILE *);

static unsigned health(const struct gw_admin_source *p, FILE *to)
{
    fputs("ok\n", to);
    return MHD_HTTP_OK;
}

static unsigned ready(const struct gw_admin_source *p, FILE *to)
{
    if (!p->ready(p->ctx, to))
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    fputs("ready\n", to);
    return MHD_HTTP_OK;
}

static unsigned metrics(const struct gw_admin_source *p, FILE *to)
{
    struct gw_metrics *m = gw_metrics_new();
    if (m)
        p->measure(p->ctx, m);
    bool whole = m && gw_metrics_print(m, to);
    gw_metrics_drop(m);
    return whole ? MHD_HTTP_OK : MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static unsigned ledger(const struct gw_admin_source *p, FILE *to)
{
    struct gw_ledger_view *view = malloc(sizeof *view);
    if (!view)
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    p->ledger(p->ctx, view);
    gw_ledger_json(to, view);
    free(view);
    return MHD_HTTP_OK;
}

static const struct figure {
    const char *path, *type;
    figure_f *write;
} figures[] = {
    {"/healthz", PLAIN, health},
    {"/readyz", PLAIN, ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics},
    {"/ledger", JSON, ledger},
};

static const struct figure *find_figure(const char *path)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (strcmp(figures[i].path, path) == 0)
            return &figures[i];
    return NULL;
}

/* --- answers --- */

/* What an answer has besides its text. */
struct head {
    const char *type;
    const char *allow; /* methods, with 405 */
    const char *file;  /* to download it by; "" or NULL: it is shown */
    const char *etag;  /* of a file of the page, whose headers it has then */
};

/* What a browser may do with the page: its own files, its own API, nothing from elsewhere, no script in its HTML,
 * and no frame around it. */
static const struct {
    const char *name, *value;
} of_the_page[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-cache"}, /* kept, and asked for with If-None-Match */
};

static void add_headers(const struct gw_admin *a, struct MHD_Response *r, unsigned status,
                        const struct head *h)
{
    MHD_add_response_header(r, "Content-Type", h->type);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    if (atomic_load(&a->retired))
        MHD_add_response_header(r, "Connection", "close");
    if (!h->etag)
        MHD_add_response_header(r, "Cache-Control", "no-store");
    for (size_t i = 0; h->etag && i < sizeof of_the_page / sizeof *of_the_page; i++)
        MHD_add_response_header(r, of_the_page[i].name, of_the_page[i].value);
    if (h->etag)
        MHD_add_response_header(r, "ETag", h->etag);
    if (h->allow)
        MHD_add_response_header(r, "Allow", h->allow);
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(r, "WWW-Authenticate", "Basic realm=\"ddgate\", charset=\"UTF-8\"");
    if (h->file && *h->file) {
        char value[128];
        snprintf(value, sizeof value, "attachment; filename=\"%s\"", h->file);
        MHD_add_response_header(r, "Content-Disposition", value);
    }
}

static enum MHD_Result queue(const struct gw_admin *a, struct MHD_Connection *c, unsigned status,
                             const struct head *h, struct MHD_Response *r)
{
    add_headers(a, r, status, h);
    enum MHD_Result ok = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return ok;
}

/* Takes over text (malloc'd, may be NULL). */
static enum MHD_Result answer(const struct gw_admin *a, struct MHD_Connection *c, unsigned status,
                              const struct head *h, char *text, size_t len)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(text ? len : 0, text, MHD_RESPMEM_MUST_FREE);
    if (r)
        return queue(a, c, status, h, r);
    free(text);
    return MHD_NO;
}

static enum MHD_Result refuse(const struct gw_admin *a, struct MHD_Connection *c, unsigned status,
                              const char *words)
{
    static const struct head head = {.type = PLAIN};
    return answer(a, c, status, &head, strdup(words), strlen(words));
}

/* A refusal of the API has words in JSON, as everything there. */
static enum MHD_Result refuse_at(const struct gw_admin *a, struct MHD_Connection *c,
                                 enum gw_admin_place place, unsigned status, const char *words,
                                 const char *allow)
{
    char text[1024];
    const struct head head = {.type = place == GW_ADMIN_API ? JSON : PLAIN, .allow = allow};
    snprintf(text, sizeof text, place == GW_ADMIN_API ? "{\"error\":\"%s\"}\n" : "%s\n", words);
    return answer(a, c, status, &head, strdup(text), strlen(text));
}

static enum MHD_Result show_figure(const struct gw_admin *a, struct MHD_Connection *c,
                                   const struct figure *figure)
{
    const struct head head = {.type = figure->type};
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return MHD_NO;
    unsigned status = figure->write(&a->source, to);
    bool whole = !ferror(to);
    if (fclose(to) != 0 || !whole) {
        free(text);
        return MHD_NO;
    }
    return answer(a, c, status, &head, text, len);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* --- the page --- */

static enum MHD_Result show_page(const struct gw_admin *a, struct MHD_Connection *c,
                                 const struct gw_page_file *file)
{
    const struct head head = {.type = file->type, .etag = file->etag};
    const char *known = header(c, "If-None-Match");
    bool is_known = known && strcmp(known, file->etag) == 0;
    struct MHD_Response *r = MHD_create_response_from_buffer(is_known ? 0 : file->len, (void *)file->bytes,
                                                             MHD_RESPMEM_PERSISTENT);
    return r ? queue(a, c, is_known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, &head, r) : MHD_NO;
}

/* --- the API --- */

/* An answer of the API as libmicrohttpd holds it: the budget gets its bytes back with the last of them. */
struct charged {
    const struct gw_api *api;
    struct gw_api_text text;
};

static void free_charged(void *charged)
{
    struct charged *t = charged;
    gw_api_text_drop(t->api, &t->text);
    free(t);
}

static enum MHD_Result add_query(void *call, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    struct gw_api_call *to = call;
    if (to->queries_n < GW_API_QUERIES)
        to->queries[to->queries_n++] =
            (struct gw_api_query){gw_str_n(name, name_len), gw_str_n(value ? value : "", value_len)};
    return MHD_YES;
}

static enum MHD_Result show_api(const struct gw_admin *a, struct MHD_Connection *c,
                                const struct gw_api_route *route, struct gw_api_call *call)
{
    struct charged *t = calloc(1, sizeof *t);
    if (!t)
        return MHD_NO;
    t->api = a->source.api;
    t->text = gw_api_answer(t->api, route, call);
    struct MHD_Response *r =
        MHD_create_response_from_buffer_with_free_callback_cls(t->text.len, t->text.ptr, free_charged, t);
    if (!r) {
        free_charged(t);
        return MHD_NO;
    }
    gw_followers_looked(a->followers);
    const struct head head = {.type = JSON, .file = call->file};
    return queue(a, c, call->status, &head, r);
}

/* --- streams --- */

static bool wants_events(struct MHD_Connection *c)
{
    const char *accept = header(c, "Accept");
    return accept && strstr(accept, "text/event-stream");
}

/* True if the query asks to follow. */
static bool follows(const struct gw_api_call *call)
{
    gw_str follow = gw_api_query(call, "follow");
    return follow.len && !gw_str_eq(follow, GW_STR("0"));
}

static enum MHD_Result refuse_stream(const struct gw_admin *a, struct MHD_Connection *c, unsigned status,
                                     char *text, size_t len)
{
    const struct head head = {.type = JSON};
    return answer(a, c, status, &head, text, len);
}

static enum MHD_Result stream_api(const struct gw_admin *a, struct MHD_Connection *c,
                                  const struct gw_api_route *route, struct gw_api_call *call)
{
    const char *last = header(c, "Last-Event-ID");
    char *error = NULL;
    size_t len = 0;
    bool events = wants_events(c);
    FILE *to = open_memstream(&error, &len);
    if (!to)
        return MHD_NO;
    struct gw_api_stream *s =
        gw_api_stream_open(a->source.api, route, call, events, last ? gw_str_z(last) : GW_NOSTR, to);
    fclose(to);
    if (!s)
        return refuse_stream(a, c, call->status, error, len);
    free(error);
    struct MHD_Response *r = gw_follow(a->followers, c, s);
    if (!r)
        return refuse_at(a, c, GW_ADMIN_API, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "16 clients follow already, or the listener stops: close another page, or ask again",
                         NULL);
    const struct head head = {.type = events ? "text/event-stream; charset=utf-8" : "application/x-ndjson"};
    return queue(a, c, MHD_HTTP_OK, &head, r);
}

/* --- requests --- */

static bool has_body(struct MHD_Connection *c)
{
    return header(c, "Content-Length") || header(c, "Transfer-Encoding");
}

/* A request whose framing was not checked (framed_recv.h) is not served. */
static bool begin(struct peer *p)
{
    if (!p || p->begun == p->framing.heads)
        return false;
    p->begun++;
    p->since = gw_now();
    return true;
}

static enum gw_admin_place place_of(const char *url)
{
    if (find_figure(url))
        return GW_ADMIN_FIGURES;
    return strncmp(url, "/api/", 5) == 0 || strcmp(url, "/api") == 0 ? GW_ADMIN_API : GW_ADMIN_PAGE;
}

static struct gw_admin_refusal refusal(const struct listener *l, struct MHD_Connection *c,
                                       enum gw_admin_place place)
{
    const struct gw_admin_asker by = {.host = header(c, "Host"),
                                      .authorization = header(c, "Authorization"),
                                      .fetch_site = header(c, "Sec-Fetch-Site"),
                                      .fetch_mode = header(c, "Sec-Fetch-Mode"),
                                      .fetch_dest = header(c, "Sec-Fetch-Dest"),
                                      .by_file = l->address.sa.ss_family == AF_UNIX};
    return gw_admin_access_refuses(&l->admin->access, place, &by);
}

static const char *words_of_404(const struct listener *l, enum gw_admin_place place)
{
    if (!l->shows)
        return l->admin->conf.page ? "here are /healthz, /readyz, /metrics and /ledger; the page and the API "
                                     "need admin.auth.token "
                                     "here, because other machines can reach this address"
                                   : "here are /healthz, /readyz, /metrics and /ledger; admin.page = false "
                                     "turns the page and the "
                                     "API off";
    return place == GW_ADMIN_API ? "there is no such resource: GET /api/ names those that there are"
                                 : "here are /, /api/, /healthz, /readyz, /metrics and /ledger";
}

/* No form of a page elsewhere can send this type unasked. */
static bool is_json(struct MHD_Connection *c)
{
    const char *type = header(c, "Content-Type");
    gw_str media = gw_str_z(type ? type : "");
    media.len = gw_str_find(media, ';');
    return gw_str_ieq(gw_str_trim(media), GW_STR(JSON));
}

static bool takes(const char *method, const char *wanted)
{
    return strcmp(method, wanted) == 0 || (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static enum MHD_Result answer_request(const struct listener *l, struct MHD_Connection *c, const char *url,
                                      const char *method, const struct upload *body)
{
    const struct gw_admin *a = l->admin;
    const struct figure *figure = find_figure(url);
    enum gw_admin_place place = place_of(url);
    struct gw_api_call call = {0};
    const struct gw_api_route *route =
        place == GW_ADMIN_API && l->shows ? gw_api_find(gw_str_z(url), &call) : NULL;
    const struct gw_page_file *file = place == GW_ADMIN_PAGE && l->shows ? gw_page_file(url) : NULL;
    struct gw_admin_refusal refused = {0};
    if (figure || l->shows)
        refused = refusal(l, c, place);
    if (refused.words)
        return refuse_at(a, c, place, refused.status, refused.words, NULL);
    if (!figure && !route && !file)
        return refuse_at(a, c, place, MHD_HTTP_NOT_FOUND, words_of_404(l, place), NULL);
    const char *wanted = route ? route->method : "GET";
    bool posts = strcmp(wanted, "POST") == 0;
    if (!takes(method, wanted))
        return refuse_at(a, c, place, MHD_HTTP_METHOD_NOT_ALLOWED, posts ? "POST only" : "GET and HEAD only",
                         posts ? "POST" : "GET, HEAD");
    if (body && body->is_large)
        return refuse_at(a, c, place, MHD_HTTP_CONTENT_TOO_LARGE, "the body has more than 64 KiB: send less",
                         NULL);
    if (posts && !is_json(c))
        return refuse_at(a, c, place, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                         "Content-Type must be application/json", NULL);
    if (figure)
        return show_figure(a, c, figure);
    if (file)
        return show_page(a, c, file);
    if (body)
        call.body = gw_str_n(body->ptr, body->len);
    MHD_get_connection_values_n(c, MHD_GET_ARGUMENT_KIND, add_query, &call);
    return gw_api_streams(route) && follows(&call) ? stream_api(a, c, route, &call)
                                                   : show_api(a, c, route, &call);
}

/* Bodies are read where a route takes one, from whoever may use it. */
static bool reads_body(const struct listener *l, struct MHD_Connection *c, const char *url,
                       const char *method)
{
    struct gw_api_call call = {0};
    const struct gw_api_route *route =
        l->shows && place_of(url) == GW_ADMIN_API ? gw_api_find(gw_str_z(url), &call) : NULL;
    return route && strcmp(route->method, "POST") == 0 && strcmp(method, "POST") == 0 &&
           !refusal(l, c, GW_ADMIN_API).words;
}

static void take_body(struct upload *u, const char *data, size_t n)
{
    u->is_large = u->is_large || n > GW_API_BODY - u->len;
    if (u->is_large)
        return;
    memcpy(u->ptr + u->len, data, n);
    u->len += n;
}

static struct upload *new_upload(void)
{
    struct upload *u = calloc(1, sizeof *u + GW_API_BODY);
    if (u)
        u->ptr = (char *)(u + 1);
    return u;
}

/* Called with a request's headers, with each part of its body, and again when it is whole. One that has a body
 * that nobody reads is answered at once, which ends the connection. */
enum MHD_Result gw_admin_on_request(void *listener, struct MHD_Connection *c, const char *url,
                                    const char *method, const char *version, const char *data, size_t *size,
                                    void **request)
{
    const struct listener *l = listener;
    struct upload *body = *request == &without_body ? NULL : *request;
    if (!*request && !begin(MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context))
        return refuse(l->admin, c, MHD_HTTP_INTERNAL_SERVER_ERROR,
                      "no memory, or a libmicrohttpd that does not read by recv\n");
    if (!*request && (!has_body(c) || reads_body(l, c, url, method))) {
        *request = has_body(c) ? (void *)new_upload() : &without_body;
        gw_thread_works_for("admin");
        return *request ? MHD_YES : MHD_NO;
    }
    if (body && *size) {
        take_body(body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return answer_request(l, c, url, method, body);
}

void gw_admin_on_completed(void *listener, struct MHD_Connection *c, void **request,
                           enum MHD_RequestTerminationCode code)
{
    if (*request && *request != &without_body)
        free(*request);
}
