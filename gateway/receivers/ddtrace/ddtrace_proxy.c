/* ddtrace_proxy.c: The queue, the thread and the requests of the proxy. Owns each request from
 * ddtrace_proxy_forward to its answer. Called by ddtrace_quiet.c on HTTP workers, and by ddtrace.c on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_proxy.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "gateway/receivers/ddtrace/ddtrace_target.h"

/* An answer that is longer is given up. CONNECTIONS: more requests wait in libcurl. */
enum { MOST_ANSWER = 16 * 1024 * 1024, CONNECTIONS = 16, POLL_MS = 1000 };
static const gw_nsec LAST_WORDS = 2 * GW_SEC;

struct job {
    struct job *next; /* in proxy->incoming, then in proxy->open */
    struct ddtrace_proxy *proxy;
    struct gw_http_later *later; /* NULL: no client waits */
    struct ddtrace_proxy_counts *counts;
    enum ddtrace_quiet_row row;
    const char *method;
    char url[DDTRACE_URL];
    struct curl_slist *headers;
    char *body;
    size_t body_len, cost; /* cost: of the queue */
    bool has_body;
    ddtrace_sent_f *done; /* who looks after it, and has the body; NULL: a forwarded request */
    void *cookie;
    /* the proxy's thread */
    CURL *easy;
    char *answer;
    size_t answer_len, answer_room;
    struct gw_http_header kept[GW_HTTP_REPLY_HEADERS]; /* of the answer; malloc'd values */
    unsigned kept_n;
    char *type;
    char error[CURL_ERROR_SIZE];
};

struct ddtrace_proxy {
    struct ddtrace_proxy_conf conf;
    struct ddtrace_upstream upstream;
    struct gw_budget *budget;
    CURLM *multi; /* curl_multi_wakeup: any thread */
    pthread_t thread;
    bool running;
    struct gw_lock lock;
    /* under the lock */
    struct job *incoming, **incoming_end;
    size_t bytes, requests; /* held, until they are answered */
    bool stopping;
    void (*idle)(void *, bool stopping); /* NULL: it only forwards */
    void *cookie;
    /* the thread's own */
    struct job *open;
    bool away; /* the last request could not reach the upstream */
};

/* Open and close */

/* Returns false if there is no upstream, or if a mistake was reported. */
static bool check_options(struct ddtrace_upstream *upstream, const struct ddtrace_proxy_conf *conf,
                          const char *path, struct gw_diagnostics *diagnostics)
{
    struct gw_err err = {0};
    bool key = conf->proxy_api_key.len > 0;
    if (!conf->proxy_upstream.len && key)
        gw_option_error(diagnostics, path, "proxy.upstream", "is missing: api_key alone names no target");
    if (!conf->proxy_upstream.len)
        return false;
    if (ddtrace_upstream_read(upstream, conf->proxy_upstream, &err)) {
        gw_option_error(diagnostics, path, "proxy.upstream", "%s", err.what);
        return false;
    }
    if (upstream->site[0] && !key)
        gw_option_error(diagnostics, path, "proxy.api_key", "is missing: the intake of %s asks for one",
                        upstream->site);
    return !upstream->site[0] || key;
}

static enum gw_code make(struct ddtrace_proxy **out, const struct ddtrace_proxy_conf *conf,
                         const struct ddtrace_upstream *upstream, struct gw_budget *budget)
{
    struct ddtrace_proxy *p = calloc(1, sizeof *p);
    if (!p)
        return GW_INTERNAL;
    *p = (struct ddtrace_proxy){.conf = *conf, .upstream = *upstream, .budget = budget};
    p->incoming_end = &p->incoming;
    gw_lock_init(&p->lock, GW_LOCK_PROXY);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted: paired in close */
    p->multi = curl_multi_init();
    *out = p;
    if (!p->multi)
        return GW_INTERNAL;
    curl_multi_setopt(p->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
    return GW_OK;
}

enum gw_code ddtrace_proxy_open(struct ddtrace_proxy **out, const struct ddtrace_proxy_conf *conf,
                                struct gw_budget *budget, const char *path,
                                struct gw_diagnostics *diagnostics)
{
    struct ddtrace_upstream upstream;
    *out = NULL;
    return check_options(&upstream, conf, path, diagnostics) ? make(out, conf, &upstream, budget) : GW_OK;
}

void ddtrace_proxy_close(struct ddtrace_proxy *p)
{
    if (!p)
        return;
    ddtrace_proxy_stop(p);
    if (p->multi)
        curl_multi_cleanup(p->multi);
    curl_global_cleanup();
    gw_lock_fini(&p->lock);
    free(p);
}

bool ddtrace_proxy_takes(const struct ddtrace_proxy *p, enum ddtrace_quiet_row row)
{
    return p && ddtrace_upstream_takes(&p->upstream, row);
}

/* Jobs */

/* Room in the queue and in the memory of the process. */
static bool reserve(struct ddtrace_proxy *p, size_t cost)
{
    gw_lock(&p->lock);
    bool room = !p->stopping && p->requests < (size_t)p->conf.proxy_requests &&
                (p->requests == 0 || p->bytes + cost <= p->conf.proxy_queue_size) &&
                gw_budget_take(p->budget, cost);
    if (room) {
        p->bytes += cost;
        p->requests++;
    }
    gw_unlock(&p->lock);
    return room;
}

static void release(struct ddtrace_proxy *p, size_t cost)
{
    gw_lock(&p->lock);
    p->bytes -= cost;
    p->requests--;
    gw_unlock(&p->lock);
    gw_budget_give(p->budget, cost);
}

static void drop_job(struct job *j)
{
    release(j->proxy, j->cost);
    gw_budget_give(j->proxy->budget, j->answer_room);
    for (unsigned i = 0; i < j->kept_n; i++)
        free((char *)(uintptr_t)j->kept[i].value);
    curl_slist_free_all(j->headers);
    free(j->type);
    free(j->answer);
    if (!j->done)
        free(j->body);
    free(j);
}

static void count(atomic_uint_least64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static void answer_error(struct job *j, enum gw_code code)
{
    char text[128];
    snprintf(text, sizeof text, "%s\n", gw_code_text(code));
    const struct gw_http_reply r = {.status = (unsigned)gw_code_http(code),
                                    .type = "text/plain; charset=utf-8",
                                    .body = gw_str_z(text),
                                    .retry_after = gw_code_http(code) == 503};
    count(&j->counts->failed);
    if (j->later)
        gw_http_answer_now(j->later, &r);
}

/* The upstream's answer is passed to the sender. Exception: old profilers do not know 202, which the intake
 * answers. */
static void answer_with(struct job *j, unsigned status)
{
    if (j->row == DDTRACE_QUIET_PROFILES && status == 202)
        status = 200;
    struct gw_http_reply r = {.status = status, .type = j->type, .body = gw_str_n(j->answer, j->answer_len)};
    for (unsigned i = 0; i < j->kept_n; i++)
        gw_http_reply_header(&r, j->kept[i].name, j->kept[i].value);
    count(&j->counts->forwarded);
    if (j->later)
        gw_http_answer_now(j->later, &r);
}

/* The answer */

static size_t take_answer(char *data, size_t size, size_t n, void *cookie)
{
    struct job *j = cookie;
    (void)size;
    if (n > MOST_ANSWER - j->answer_len)
        return 0;
    if (j->answer_len + n > j->answer_room) {
        size_t room = j->answer_room ? 2 * j->answer_room : 4096;
        while (room < j->answer_len + n)
            room *= 2;
        if (!gw_budget_take(j->proxy->budget, room - j->answer_room))
            return 0;
        char *more = realloc(j->answer, room);
        if (!more) {
            gw_budget_give(j->proxy->budget, room - j->answer_room);
            return 0;
        }
        j->answer = more;
        j->answer_room = room;
    }
    memcpy(j->answer + j->answer_len, data, n);
    j->answer_len += n;
    return n;
}

static char *copy(gw_str s)
{
    char *out = malloc(s.len + 1);
    if (out) {
        if (s.len)
            memcpy(out, s.ptr, s.len);
        out[s.len] = '\0';
    }
    return out;
}

/* Those that a tracer reads. Datadog-Agent-… are ours. */
static size_t take_header(char *data, size_t size, size_t n, void *cookie)
{
    static const char *const kept[] = {
        "Content-Encoding", "ETag", "Retry-After", "X-RateLimit-Reset", "Datadog-Container-Tags-Hash",
        "Location"};
    struct job *j = cookie;
    gw_str line = gw_str_n(data, size * n), name, value;
    size_t colon = gw_str_find(line, ':');
    if (colon == line.len)
        return n;
    name = gw_str_n(line.ptr, colon);
    value = gw_str_trim(gw_str_from(line, colon + 1));
    while (value.len && (value.ptr[value.len - 1] == '\r' || value.ptr[value.len - 1] == '\n'))
        value.len--;
    if (gw_str_ieq(name, GW_STR("content-type")) && !j->type)
        j->type = copy(value);
    for (size_t i = 0; i < sizeof kept / sizeof *kept && j->kept_n < GW_HTTP_REPLY_HEADERS; i++) {
        char *text = gw_str_ieq(name, gw_str_z(kept[i])) ? copy(value) : NULL;
        if (text)
            j->kept[j->kept_n++] = (struct gw_http_header){kept[i], text};
    }
    return n;
}

/* Headers of the request */

struct passing {
    struct job *job;
    gw_str named; /* by Connection */
    bool events, typed, accepts, agent, contained, failed;
};

static bool is_one_of(gw_str name, const gw_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_ieq(name, list[i]))
            return true;
    return false;
}

static bool is_named(gw_str list, gw_str name)
{
    gw_str item;
    while (gw_str_next(&list, ',', &item))
        if (gw_str_ieq(gw_str_trim(item), name))
            return true;
    return false;
}

static bool passes(const struct passing *p, gw_str name)
{
    static const gw_str never[] = {
        GW_LIT("connection"),
        GW_LIT("keep-alive"),
        GW_LIT("proxy-connection"),
        GW_LIT("proxy-authenticate"),
        GW_LIT("proxy-authorization"),
        GW_LIT("te"),
        GW_LIT("trailer"),
        GW_LIT("transfer-encoding"),
        GW_LIT("upgrade"),
        GW_LIT("host"),
        GW_LIT("content-length"),
        GW_LIT("expect"),
        GW_LIT("authorization"),
        GW_LIT("dd-api-key"),
        GW_LIT("via"),
        GW_LIT("forwarded"),
        GW_LIT("x-forwarded-for"),
    };
    /* like an agent: an intake belongs to another party, and requests must not tell it more than these */
    static const gw_str events[] = {GW_LIT("content-type"),        GW_LIT("content-encoding"),
                                    GW_LIT("accept-encoding"),     GW_LIT("user-agent"),
                                    GW_LIT("dd-ci-provider-name"), GW_LIT("datadog-container-id"),
                                    GW_LIT("datadog-entity-id")};
    if (p->events)
        return is_one_of(name, events, sizeof events / sizeof *events);
    return !is_one_of(name, never, sizeof never / sizeof *never) && !is_named(p->named, name);
}

static void add_header(struct passing *p, gw_str name, gw_str value)
{
    char small[1024],
        *line = name.len + value.len + 3 <= sizeof small ? small : malloc(name.len + value.len + 3);
    if (!line) {
        p->failed = true;
        return;
    }
    /* "name;" is libcurl's way of writing a header without a value */
    snprintf(line, name.len + value.len + 3, value.len ? "%.*s: %.*s" : "%.*s;%.*s", GW_FMT(name),
             GW_FMT(value));
    struct curl_slist *more = curl_slist_append(p->job->headers, line);
    if (more)
        p->job->headers = more;
    else
        p->failed = true;
    if (line != small)
        free(line);
}

static void see_connection(void *cookie, gw_str name, gw_str value)
{
    struct passing *p = cookie;
    if (gw_str_ieq(name, GW_STR("connection")))
        p->named = value;
}

static void pass_header(void *cookie, gw_str name, gw_str value)
{
    struct passing *p = cookie;
    if (!passes(p, name))
        return;
    p->typed |= gw_str_ieq(name, GW_STR("content-type"));
    p->accepts |= gw_str_ieq(name, GW_STR("accept"));
    p->contained |=
        gw_str_ieq(name, GW_STR("datadog-container-id")) || gw_str_ieq(name, GW_STR("datadog-entity-id"));
    add_header(p, name, value);
}

/* The key, where the upstream looks for it: that of lineage is read by OpenLineage's clients' header. */
static void add_key(struct passing *p, const struct ddtrace_proxy *proxy, enum ddtrace_quiet_row row)
{
    char bearer[1024];
    gw_str key = proxy->conf.proxy_api_key;
    if (!key.len)
        return;
    add_header(p, GW_STR("DD-API-KEY"), key);
    if (!proxy->upstream.site[0] || row != DDTRACE_QUIET_LINEAGE)
        return;
    snprintf(bearer, sizeof bearer, "Bearer %.*s", GW_FMT(key));
    add_header(p, GW_STR("Authorization"), gw_str_z(bearer));
}

/* libcurl adds some headers of its own where they are missing: "name:" keeps them away. */
static bool make_headers(struct job *j, const struct ddtrace_forward *f)
{
    const struct ddtrace_proxy *proxy = j->proxy;
    struct passing p = {.job = j, .events = proxy->upstream.site[0] && f->row == DDTRACE_QUIET_EVENTS};
    gw_http_headers(f->request, see_connection, &p);
    gw_http_headers(f->request, pass_header, &p);
    if (!p.contained && f->container && f->container[0])
        add_header(&p, GW_STR("Datadog-Container-ID"), gw_str_z(f->container));
    add_key(&p, proxy, f->row);
    if (ddtrace_upstream_origin(&proxy->upstream, f->row))
        add_header(&p, GW_STR("DD-EVP-ORIGIN"), gw_str_z(ddtrace_upstream_origin(&proxy->upstream, f->row)));
    add_header(&p, GW_STR("Via"), GW_STR("1.1 ddgate"));
    static const char *const none[] = {"Expect:", "Content-Type:", "Accept:"};
    const bool has[] = {false, p.typed, p.accepts};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct curl_slist *more = has[i] ? j->headers : curl_slist_append(j->headers, none[i]);
        p.failed |= !has[i] && !more;
        j->headers = more ? more : j->headers;
    }
    return !p.failed;
}

/* Forwarding */

static void see_subdomain(void *cookie, gw_str name, gw_str value)
{
    if (gw_str_ieq(name, GW_STR("x-datadog-evp-subdomain")))
        *(gw_str *)cookie = value;
}

static const char *method_of(const struct gw_http_request *q)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "POST"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (q->method == 1u << i)
            return names[i];
    return NULL;
}

static enum gw_code fill(struct job *j, const struct ddtrace_forward *f, struct gw_err *err)
{
    const struct gw_http_request *q = f->request;
    gw_str subdomain = GW_NOSTR;
    gw_http_headers(q, see_subdomain, &subdomain);
    enum gw_code code =
        ddtrace_upstream_url(&j->proxy->upstream, f->row, q->path, gw_http_query(q), subdomain, j->url, err);
    if (code)
        return code;
    j->method = method_of(q);
    j->has_body = q->body.len || q->method == GW_HTTP_PUT || q->method == GW_HTTP_POST;
    j->body = copy(q->body);
    j->body_len = q->body.len;
    return j->body && make_headers(j, f) ? GW_OK : gw_fail(err, GW_BUSY, 0, "%s", "");
}

static void submit(struct ddtrace_proxy *p, struct job *j)
{
    gw_lock(&p->lock);
    *p->incoming_end = j;
    p->incoming_end = &j->next;
    gw_unlock(&p->lock);
    curl_multi_wakeup(p->multi);
}

enum gw_code ddtrace_proxy_forward(struct ddtrace_proxy *p, const struct ddtrace_forward *f,
                                   struct gw_err *err)
{
    size_t cost = sizeof(struct job) + f->request->body.len;
    if (!method_of(f->request))
        return gw_fail(err, GW_METHOD_NOT_ALLOWED, 0, "%s", "");
    if (!reserve(p, cost)) {
        count(&f->counts->refused);
        return gw_fail(err, GW_PROXY_FULL, 0, "%s", "");
    }
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        release(p, cost);
        return gw_fail(err, GW_BUSY, 0, "%s", "");
    }
    j->proxy = p;
    j->cost = cost;
    j->counts = f->counts;
    j->row = f->row;
    enum gw_code code = fill(j, f, err);
    if (!code && !f->at_once && !(j->later = gw_http_answer_later(f->request)))
        code = gw_fail(err, GW_BUSY, 0, "%s", "");
    if (code) {
        count(&f->counts->refused);
        drop_job(j);
        return code;
    }
    submit(p, j);
    return GW_OK;
}

/* The thread */

static void set_up(struct job *j)
{
    const struct ddtrace_proxy *p = j->proxy;
    CURL *e = j->easy;
    curl_easy_setopt(e, CURLOPT_URL, j->url);
    curl_easy_setopt(e, CURLOPT_PRIVATE, j);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, j->headers);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, j->error);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(p->conf.proxy_timeout / GW_MSEC));
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, j);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, j);
    if (!p->upstream.site[0])
        curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    if (p->upstream.socket[0])
        curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, p->upstream.socket);
    if (j->has_body) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->body_len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, j->body);
    }
    if (strcmp(j->method, "HEAD") == 0)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, j->method);
}

static void unlink_job(struct ddtrace_proxy *p, const struct job *j)
{
    for (struct job **at = &p->open; *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            return;
        }
}

static gw_nsec retry_after(const struct job *j)
{
    curl_off_t seconds = 0;
    if (j->easy)
        curl_easy_getinfo(j->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > 0 && seconds < 3600 ? (gw_nsec)seconds * GW_SEC : 0;
}

static void tell_maker(const struct job *j, enum gw_code code, unsigned status)
{
    const struct ddtrace_sent sent = {.code = code,
                                      .status = status,
                                      .retry_after = retry_after(j),
                                      .why = j->error[0] ? j->error : gw_code_text(code)};
    j->done(j->cookie, &sent);
}

static void end_job(struct job *j, enum gw_code code, unsigned status)
{
    struct ddtrace_proxy *p = j->proxy;
    unlink_job(p, j);
    if (j->done)
        tell_maker(j, code, status);
    else if (code)
        answer_error(j, code);
    else
        answer_with(j, status);
    if (j->easy) {
        curl_multi_remove_handle(p->multi, j->easy);
        curl_easy_cleanup(j->easy);
    }
    drop_job(j);
}

/* Once when it goes, and once when it is there again. */
static void log_away(struct ddtrace_proxy *p, bool away, const char *why)
{
    const char *where = p->upstream.site[0] ? p->upstream.site : p->conf.proxy_upstream.ptr;
    if (away && !p->away)
        gw_log(GW_WARNING, "receiver=ddtrace",
               "the upstream of the proxy, %s, does not answer: %s; requests for it get 502", where, why);
    else if (!away && p->away)
        gw_log(GW_INFO, "receiver=ddtrace", "the upstream of the proxy, %s, answers again", where);
    p->away = away;
}

static void finish(struct ddtrace_proxy *p, struct job *j, CURLcode result)
{
    long status = 0;
    curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
    bool good = result == CURLE_OK && status >= 200;
    if (!good && !j->error[0])
        snprintf(j->error, sizeof j->error, "%s", curl_easy_strerror(result));
    if (!j->done)
        log_away(p, !good, j->error);
    if (good && !j->done && p->conf.proxy_api_key.len && (status == 401 || status == 403))
        gw_log(GW_WARNING, "receiver=ddtrace",
               "the upstream of the proxy answers %ld: is proxy.api_key right?", status);
    end_job(j,
            good                                 ? GW_OK
            : result == CURLE_OPERATION_TIMEDOUT ? GW_PROXY_SLOW
                                                 : GW_PROXY_AWAY,
            (unsigned)status);
}

static void begin(struct ddtrace_proxy *p, struct job *j)
{
    j->next = p->open;
    p->open = j;
    j->easy = curl_easy_init();
    if (j->easy)
        set_up(j);
    if (!j->easy || curl_multi_add_handle(p->multi, j->easy) != CURLM_OK)
        end_job(j, GW_BUSY, 0);
}

/* Returns whether the proxy is to stop. */
static bool take_incoming(struct ddtrace_proxy *p)
{
    gw_lock(&p->lock);
    struct job *next = p->incoming;
    p->incoming = NULL;
    p->incoming_end = &p->incoming;
    bool stopping = p->stopping;
    gw_unlock(&p->lock);
    for (struct job *j; (j = next);) {
        next = j->next;
        begin(p, j);
    }
    return stopping;
}

static void take_results(struct ddtrace_proxy *p)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left));) {
        struct job *j = NULL;
        CURLcode result = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&j);
        if (m->msg == CURLMSG_DONE)
            finish(p, j, result);
    }
}

static void *run(void *proxy)
{
    struct ddtrace_proxy *p = proxy;
    gw_nsec until = 0;
    for (int running;;) {
        bool stopping = take_incoming(p);
        curl_multi_perform(p->multi, &running);
        take_results(p);
        if (stopping && !until)
            until = gw_now() + LAST_WORDS;
        if (p->idle)
            p->idle(p->cookie, stopping);
        if (stopping && (!p->open || gw_now() >= until))
            break;
        curl_multi_poll(p->multi, NULL, 0, stopping ? 50 : POLL_MS, NULL);
    }
    while (p->open)
        end_job(p->open, GW_STOPPING, 0);
    return NULL;
}

/* Requests that are kept by who made them */

struct ddtrace_proxy *ddtrace_proxy_for_sending(gw_str base, gw_nsec timeout, struct gw_budget *budget,
                                                void (*idle)(void *, bool stopping), void *cookie)
{
    struct ddtrace_proxy *p = NULL;
    const struct ddtrace_proxy_conf conf = {.proxy_upstream = base, .proxy_timeout = timeout};
    struct ddtrace_upstream upstream;
    struct gw_err err;
    if (ddtrace_upstream_read(&upstream, base, &err) || make(&p, &conf, &upstream, budget)) {
        ddtrace_proxy_close(p);
        return NULL;
    }
    p->idle = idle;
    p->cookie = cookie;
    return p;
}

bool ddtrace_proxy_send(struct ddtrace_proxy *p, const struct ddtrace_sending *s)
{
    struct job *j = calloc(1, sizeof *j);
    struct passing passing = {.job = j};
    if (!j)
        return false;
    *j = (struct job){.proxy = p,
                      .method = "POST",
                      .has_body = true,
                      .body = (char *)(uintptr_t)s->body.ptr,
                      .body_len = s->body.len};
    snprintf(j->url, sizeof j->url, "%s", s->url);
    for (const char *const *h = s->headers; *h; h++) {
        gw_str line = gw_str_z(*h);
        size_t colon = gw_str_find(line, ':');
        add_header(&passing, gw_str_n(line.ptr, colon), gw_str_trim(gw_str_from(line, colon + 1)));
    }
    gw_lock(&p->lock);
    p->requests++;
    gw_unlock(&p->lock);
    j->done = s->done; /* from here on the body is the caller's */
    j->cookie = s->cookie;
    if (passing.failed) {
        drop_job(j);
        return false;
    }
    begin(p, j);
    return true;
}

void ddtrace_proxy_wake(struct ddtrace_proxy *p)
{
    curl_multi_wakeup(p->multi);
}

bool ddtrace_proxy_start(struct ddtrace_proxy *p)
{
    struct gw_err err;
    p->running =
        gw_thread_start(&p->thread, &(struct gw_thread){"dd-proxy", "receiver=ddtrace", run, p}, &err);
    if (!p->running)
        gw_log(GW_ERROR, "receiver=ddtrace", "%s", err.what);
    return p->running;
}

void ddtrace_proxy_stop(struct ddtrace_proxy *p)
{
    if (!p || !p->running)
        return;
    gw_lock(&p->lock);
    p->stopping = true;
    gw_unlock(&p->lock);
    curl_multi_wakeup(p->multi);
    pthread_join(p->thread, NULL);
    p->running = false;
}
