/* ddtrace_profile_forward.c: the queue of profiles for one target, and the handling of its answers. Owns each
 * request from take to its end; the process's open targets are in one list. Called by ddtrace_profiles.c, and
 * by the proxy on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_profile_forward.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/delivery/ledger.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/ddtrace/ddtrace_profile_request.h"
#include "gateway/receivers/ddtrace/ddtrace_proxy.h"

enum { AT_A_TIME = 4, ROW_NAME = sizeof(((struct gw_ledger_view *)0)->exporter_name[0]) };
static const gw_nsec TIMEOUT = 30 * GW_SEC, FIRST_PAUSE = GW_SEC, LONGEST_PAUSE = 30 * GW_SEC,
                     CREDENTIALS_PAUSE = 60 * GW_SEC;
static const char component[] = "receiver=ddtrace";

struct ddtrace_profile_forward {
    struct ddtrace_profile_forward *next; /* in the list of all */
    unsigned users;
    char *target, *api_key;
    struct ddtrace_profile_target to;
    const struct gw_host *host;
    struct ddtrace_proxy *proxy;
    unsigned row; /* of the ledger */
    bool running;
    struct gw_lock lock;
    /* under the lock */
    struct ddtrace_profile_request *first, **end;
    uint64_t bytes, queue_size;
    gw_nsec retry_time;
    unsigned open;
    bool stopping; /* everything has had its last try or has it */
    bool away;     /* the last answer was none */
};

static struct gw_lock all_lock = GW_LOCK_STATIC(PROFILE_FORWARDS);
static struct ddtrace_profile_forward *all; /* under all_lock */

/* --- the queue, under the lock --- */

static void unlink_request(struct ddtrace_profile_forward *f, struct ddtrace_profile_request *r)
{
    struct ddtrace_profile_request **at = &f->first;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (f->end == &r->next)
        f->end = at;
    f->bytes -= r->cost;
}

static void settle(struct ddtrace_profile_forward *f, struct ddtrace_profile_request *r, enum gw_place to,
                   enum gw_reason why)
{
    gw_ledger_move(f->host->ledger, f->row, GW_PROFILES, GW_QUEUED, to, why, r->items);
    gw_budget_give(f->host->budget, r->cost);
    free(r);
}

/* Returns false if all requests in the queue are being sent. */
static bool drop_oldest(struct ddtrace_profile_forward *f)
{
    struct ddtrace_profile_request *r = f->first;
    while (r && r->open)
        r = r->next;
    if (!r)
        return false;
    unlink_request(f, r);
    settle(f, r, GW_DROPPED, GW_REASON_EVICTED);
    return true;
}

static bool make_room(struct ddtrace_profile_forward *f, size_t cost)
{
    while (f->bytes + cost > f->queue_size)
        if (cost > f->queue_size || !drop_oldest(f))
            return false;
    while (!gw_budget_take(f->host->budget, cost))
        if (!drop_oldest(f))
            return false;
    return true;
}

static void drop_new(struct ddtrace_profile_forward *f, uint64_t items, enum gw_reason why)
{
    gw_ledger_move(f->host->ledger, f->row, GW_PROFILES, GW_QUEUED, GW_DROPPED, why, items);
}

static void queue(struct ddtrace_profile_forward *f, struct ddtrace_profile_request *r, uint64_t items)
{
    bool queued = false;
    if (r) {
        r->arrived = r->due = gw_now();
        gw_lock(&f->lock);
        queued = make_room(f, r->cost);
        if (queued) {
            *f->end = r;
            f->end = &r->next;
            f->bytes += r->cost;
        }
        gw_unlock(&f->lock);
    }
    if (queued) {
        ddtrace_proxy_wake(f->proxy);
        return;
    }
    free(r);
    drop_new(f, items, GW_REASON_EVICTED);
    gw_log(
        GW_WARNING, component,
        "profiles.forward %s: a profile is dropped: it has no room in profiles.queue_size, or in max_memory",
        f->target);
}

void ddtrace_profile_forward_take(struct ddtrace_profile_forward *f, const struct ddtrace_profile *p,
                                  const struct gw_http_request *q, const char *container)
{
    gw_str key = gw_str_z(f->api_key);
    uint64_t left = p->items;
    if (f->to.form == DDTRACE_PROFILE_AS_SENT) {
        queue(f, ddtrace_profile_as_sent(&f->to, key, p, q, container), p->items);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        if (p->files[i].sent->kind != PROFILE_FILE_OTHER) {
            queue(f, ddtrace_profile_pyroscope(&f->to, key, p, &p->files[i]), 1);
            left--;
        }
    if (left) /* an upload without a profile */
        drop_new(f, left, GW_REASON_NOT_KEPT);
}

/* --- answers, on the proxy's thread --- */

static void log_away(struct ddtrace_profile_forward *f, bool away, const struct ddtrace_sent *sent)
{
    if (away && !f->away && sent->code)
        gw_log(GW_WARNING, component,
               "profiles.forward %s does not answer: %s; profiles wait, and it is tried again", f->target,
               sent->why);
    else if (away && !f->away)
        gw_log(GW_WARNING, component,
               "profiles.forward %s answers %u; profiles wait, and it is tried again%s", f->target,
               sent->status,
               sent->status == 401 || sent->status == 403 ? ": is profiles.api_key right?" : "");
    else if (!away && f->away)
        gw_log(GW_INFO, component, "profiles.forward %s takes profiles again", f->target);
    f->away = away;
}

/* When it is tried again; GW_NEVER: it was refused for good. */
static gw_nsec next_try(const struct ddtrace_profile_request *r, const struct ddtrace_sent *sent, gw_nsec now)
{
    unsigned s = sent->status;
    gw_nsec pause = FIRST_PAUSE << (r->tries < 6 ? r->tries : 6);
    if (!sent->code && (s == 401 || s == 403))
        return now + CREDENTIALS_PAUSE;
    if (!sent->code && s != 408 && s != 429 && s < 500)
        return GW_NEVER;
    pause = pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
    return now + (sent->retry_after > pause ? sent->retry_after : pause);
}

struct on_its_way {
    struct ddtrace_profile_forward *f;
    struct ddtrace_profile_request *r;
};

static void sent(void *cookie, const struct ddtrace_sent *what)
{
    struct on_its_way w = *(struct on_its_way *)cookie;
    struct ddtrace_profile_request *r = w.r;
    bool taken = !what->code && what->status >= 200 && what->status < 300;
    gw_nsec now = gw_now(), again = taken ? 0 : next_try(r, what, now);
    free(cookie);
    gw_lock(&w.f->lock);
    w.f->open--;
    r->open = false;
    r->tries++;
    r->due = again;
    bool expired = again != GW_NEVER && !taken && again > r->arrived + w.f->retry_time && !w.f->stopping;
    bool over = taken || again == GW_NEVER || expired;
    if (over)
        unlink_request(w.f, r);
    gw_unlock(&w.f->lock);
    if (over)
        settle(w.f, r, taken ? GW_DELIVERED : expired ? GW_DROPPED : GW_REJECTED, GW_REASON_EXPIRED);
    if (again == GW_NEVER)
        gw_log(GW_WARNING, component, "profiles.forward %s refuses a profile: it answers %u", w.f->target,
               what->status);
    else
        log_away(w.f, !taken, what);
}

/* The next that is due, which is then open. */
static struct ddtrace_profile_request *take_due(struct ddtrace_profile_forward *f, bool stopping)
{
    gw_nsec now = gw_now();
    struct ddtrace_profile_request *r = NULL;
    gw_lock(&f->lock);
    if (stopping && !f->stopping)
        for (r = f->first; r; r = r->next)
            r->due = now; /* a last try */
    f->stopping |= stopping;
    for (r = f->open < AT_A_TIME ? f->first : NULL; r && (r->open || r->due > now);)
        r = r->next;
    if (r) {
        r->open = true;
        f->open++;
    }
    gw_unlock(&f->lock);
    return r;
}

static void idle(void *forward, bool stopping)
{
    struct ddtrace_profile_forward *f = forward;
    for (struct ddtrace_profile_request *r; (r = take_due(f, stopping));) {
        struct on_its_way *w = malloc(sizeof *w);
        const struct ddtrace_sending s = {r->url, r->headers, r->body, sent, w};
        if (w)
            *w = (struct on_its_way){f, r};
        if (w && ddtrace_proxy_send(f->proxy, &s))
            continue;
        free(w);
        gw_lock(&f->lock);
        r->open = false;
        r->due = gw_now() + FIRST_PAUSE;
        f->open--;
        gw_unlock(&f->lock);
        break;
    }
}

/* --- open and close --- */

enum gw_code ddtrace_profile_forward_check(const struct ddtrace_profile_forward_conf *conf,
                                           struct gw_err *err)
{
    struct ddtrace_profile_target to;
    enum gw_code code = ddtrace_profile_target_read(&to, conf->target, err);
    if (!code && to.is_site && !conf->api_key.len)
        code = gw_fail(err, GW_BAD_REQUEST, 0, "the intake of %.*s asks for profiles.api_key",
                       GW_FMT(conf->target));
    return code;
}

static void drop(struct ddtrace_profile_forward *f)
{
    ddtrace_proxy_close(f->proxy);
    for (struct ddtrace_profile_request *r; (r = f->first);) {
        unlink_request(f, r);
        settle(f, r, GW_DROPPED, GW_REASON_SHUTDOWN);
    }
    gw_lock_fini(&f->lock);
    free(f->target);
    free(f->api_key);
    free(f);
}

static struct ddtrace_profile_forward *make(const struct ddtrace_profile_forward_conf *conf,
                                            const struct gw_host *host)
{
    struct ddtrace_profile_forward *f = calloc(1, sizeof *f);
    struct gw_err err;
    if (!f)
        return NULL;
    f->users = 1;
    f->host = host;
    f->end = &f->first;
    gw_lock_init(&f->lock, GW_LOCK_PROFILE_FORWARD);
    f->target = strndup(conf->target.ptr, conf->target.len);
    f->api_key = strndup(conf->api_key.len ? conf->api_key.ptr : "", conf->api_key.len);
    bool good = f->target && f->api_key && !ddtrace_profile_target_read(&f->to, conf->target, &err) &&
                (f->proxy = ddtrace_proxy_for_sending(gw_str_z(f->to.base), TIMEOUT, host->budget, idle, f));
    if (good)
        return f;
    drop(f);
    return NULL;
}

struct ddtrace_profile_forward *ddtrace_profile_forward_open(const struct ddtrace_profile_forward_conf *conf,
                                                             const struct gw_host *host)
{
    gw_lock(&all_lock);
    struct ddtrace_profile_forward *f = all;
    while (f &&
           (!gw_str_eq(gw_str_z(f->target), conf->target) || !gw_str_eq(gw_str_z(f->api_key), conf->api_key)))
        f = f->next;
    if (f) {
        f->users++;
    } else if ((f = make(conf, host))) {
        f->next = all;
        all = f;
    }
    gw_unlock(&all_lock);
    return f;
}

/* Each target has a row of its own: a name that the ledger would cut ends in a hash. */
static void row_name(const char *target, char out[static ROW_NAME])
{
    enum { HASH = sizeof "-01234567" };
    if (snprintf(out, ROW_NAME, "profiles.forward %s", target) >= ROW_NAME)
        snprintf(out + ROW_NAME - HASH, HASH, "-%08x", (unsigned)gw_hash_text(0, gw_str_z(target)));
}

unsigned ddtrace_profile_forward_start(struct ddtrace_profile_forward *f,
                                       const struct ddtrace_profile_forward_conf *conf)
{
    char name[ROW_NAME];
    gw_lock(&f->lock);
    f->queue_size = conf->queue_size;
    f->retry_time = conf->retry_time;
    gw_unlock(&f->lock);
    if (f->running)
        return f->row;
    row_name(f->target, name);
    f->row = gw_ledger_exporter(f->host->ledger, name, 1u << GW_PROFILES);
    f->running = f->row < GW_LEDGER_EXPORTERS && ddtrace_proxy_start(f->proxy);
    if (!f->running)
        gw_log(GW_ERROR, component,
               "%s: there is no thread, or no row of the ledger, for it: it gets nothing", name);
    return f->running ? f->row : GW_LEDGER_EXPORTERS;
}

void ddtrace_profile_forward_close(struct ddtrace_profile_forward *f)
{
    if (!f)
        return;
    gw_lock(&all_lock);
    bool last = --f->users == 0;
    if (last) {
        struct ddtrace_profile_forward **at = &all;
        while (*at != f)
            at = &(*at)->next;
        *at = f->next;
    }
    gw_unlock(&all_lock);
    if (last)
        drop(f);
}
