/* ddtrace_profiles.c: handles uploads of profilers: reads them, passes them to each destination, counts them.
 * Owns what the option profiles has opened. Called by ddtrace.c on the main thread and by ddtrace_quiet.c on
 * HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_profiles.h"

#include <stdio.h>

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/ddtrace/ddtrace_profile.h"
#include "gateway/receivers/ddtrace/ddtrace_profile_directory.h"
#include "gateway/receivers/ddtrace/ddtrace_profile_forward.h"
#include "translators/profiles/pprof_otlp.h"

static const char component[] = "receiver=ddtrace";

/* --- open and close --- */

static void open_directory(struct ddtrace_profiles *p, const char *path, struct gw_diagnostics *diagnostics)
{
    struct gw_err err;
    if (!ddtrace_profile_directory_check(p->conf.profiles_directory, path, diagnostics) || p->host->check)
        return;
    p->directory = ddtrace_profile_directory_open(p->conf.profiles_directory, &err);
    if (!p->directory)
        gw_option_error(diagnostics, path, "profiles.directory", "%s", err.what);
}

static struct ddtrace_profile_forward_conf forward_conf(const struct ddtrace_profiles *p, size_t i)
{
    const struct ddtrace_profiles_conf *c = &p->conf;
    gw_str to = c->profiles_forward.items[i];
    while (gw_str_ends(to, GW_STR("/")))
        to.len--;
    return (struct ddtrace_profile_forward_conf){to, c->profiles_api_key, c->profiles_queue_size,
                                                 c->profiles_retry_time};
}

/* Its own upload would come back, without end. */
static bool is_own(const struct gw_list *listen, gw_str target)
{
    static const gw_str hosts[] = {GW_LIT("http://127.0.0.1:"), GW_LIT("http://localhost:"),
                                   GW_LIT("http://[::1]:")};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        gw_str port = gw_str_from(target, hosts[i].len);
        port.len = gw_str_find(port, '/');
        for (size_t l = 0; gw_str_starts(target, hosts[i]) && l < listen->n; l++) {
            gw_str address = listen->items[l];
            if (port.len && address.len > port.len && gw_str_ends(address, port) &&
                address.ptr[address.len - port.len - 1] == ':')
                return true;
        }
    }
    return false;
}

/* A row of the ledger counts an item once. */
static bool is_named_before(const struct ddtrace_profiles *p, size_t i)
{
    gw_str target = forward_conf(p, i).target;
    for (size_t k = 0; k < i; k++)
        if (gw_str_eq(forward_conf(p, k).target, target))
            return true;
    return false;
}

static bool open_forward(struct ddtrace_profiles *p, size_t i, const struct gw_list *listen, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    const struct ddtrace_profile_forward_conf conf = forward_conf(p, i);
    struct gw_err err = {0};
    if (ddtrace_profile_forward_check(&conf, &err)) {
        gw_option_error(diagnostics, path, "profiles.forward", "%s", err.what);
        return true;
    }
    if (is_own(listen, conf.target)) {
        gw_option_error(diagnostics, path, "profiles.forward", "%.*s is this receiver itself",
                        GW_FMT(conf.target));
        return true;
    }
    if (is_named_before(p, i)) {
        gw_option_error(diagnostics, path, "profiles.forward", "names %.*s twice", GW_FMT(conf.target));
        return true;
    }
    if (p->host->check)
        return true;
    p->forwards[p->forwards_n] = ddtrace_profile_forward_open(&conf, p->host);
    return p->forwards[p->forwards_n] && ++p->forwards_n;
}

static enum gw_code open_forwards(struct ddtrace_profiles *p, const struct gw_list *listen, const char *path,
                                  struct gw_diagnostics *diagnostics)
{
    const struct gw_list *all = &p->conf.profiles_forward;
    if (p->conf.profiles_api_key.len && !all->n)
        gw_option_error(diagnostics, path, "profiles.api_key", "is of no use without profiles.forward");
    if (all->n > DDTRACE_PROFILE_FORWARDS) {
        gw_option_error(diagnostics, path, "profiles.forward", "names more than %d targets",
                        DDTRACE_PROFILE_FORWARDS);
        return GW_OK;
    }
    for (size_t i = 0; i < all->n; i++)
        if (!open_forward(p, i, listen, path, diagnostics))
            return GW_INTERNAL;
    return GW_OK;
}

enum gw_code ddtrace_profiles_open(struct ddtrace_profiles *p, const struct ddtrace_profiles_conf *conf,
                                   uint64_t max_unpacked, const struct gw_list *listen,
                                   const struct gw_host *host, const char *path,
                                   struct gw_diagnostics *diagnostics)
{
    p->conf = *conf;
    p->max_unpacked = max_unpacked;
    p->host = host;
    if (conf->profiles_otlp && host->takes && !host->takes(host->exporters, GW_PROFILES))
        gw_option_error(diagnostics, path, "profiles.otlp",
                        "is of no use: no exporter's option signals names profiles");
    if (conf->profiles_directory.len)
        open_directory(p, path, diagnostics);
    return open_forwards(p, listen, path, diagnostics);
}

/* Its row of the ledger stays: a reload finds it again. */
static void start_directory(struct ddtrace_profiles *p)
{
    const struct ddtrace_profile_bounds bounds = {p->conf.profiles_max_size, p->conf.profiles_max_age};
    char name[64];
    snprintf(name, sizeof name, "profiles.directory %.*s", GW_FMT(p->conf.profiles_directory));
    p->directory_row = gw_ledger_exporter(p->host->ledger, name, 1u << GW_PROFILES);
    if (p->directory_row < GW_LEDGER_EXPORTERS)
        p->rows |= UINT64_C(1) << p->directory_row;
    else
        gw_log(GW_ERROR, component, "%s: the ledger has no row left for it: what it gets is not counted",
               name);
    ddtrace_profile_directory_start(p->directory, &bounds);
}

void ddtrace_profiles_start(struct ddtrace_profiles *p)
{
    for (size_t i = 0; i < p->forwards_n; i++) {
        const struct ddtrace_profile_forward_conf conf = forward_conf(p, i);
        unsigned number = ddtrace_profile_forward_start(p->forwards[i], &conf);
        if (number < GW_LEDGER_EXPORTERS)
            p->rows |= UINT64_C(1) << number;
        p->started[i] = number < GW_LEDGER_EXPORTERS;
    }
    if (p->directory)
        start_directory(p);
}

void ddtrace_profiles_stop(struct ddtrace_profiles *p)
{
    while (p->forwards_n)
        ddtrace_profile_forward_close(p->forwards[--p->forwards_n]);
}

void ddtrace_profiles_close(struct ddtrace_profiles *p)
{
    ddtrace_profiles_stop(p);
    ddtrace_profile_directory_close(p->directory);
    p->directory = NULL;
}

bool ddtrace_profiles_wanted(const struct ddtrace_profiles *p)
{
    return p->conf.profiles_directory.len > 0 || p->conf.profiles_forward.n > 0 || p->conf.profiles_otlp;
}

/* --- reading --- */

static enum gw_code open_file(struct ddtrace_profile_file *f, size_t most, struct gw_err *err)
{
    f->packing = profile_packing_of(f->sent->body);
    f->plain = f->sent->body;
    if (f->sent->kind == PROFILE_FILE_OTHER)
        return GW_OK;
    enum gw_code code = profile_unpack(f->sent->body, most, &f->buf, &f->plain, err);
    if (code)
        return code;
    if (f->sent->kind == PROFILE_FILE_JFR)
        return profile_is_jfr(f->plain) ? GW_OK : gw_fail(err, GW_BAD_PROFILE, 0, "a file is no JFR");
    return pprof_check(f->plain, &f->contents, err);
}

/* Unpacks and checks every file; all together may come to `most` bytes. */
static enum gw_code open_files(struct ddtrace_profile *profile, struct gw_arena *arena, size_t most,
                               struct gw_err *err)
{
    const struct profile_upload *u = profile->upload;
    profile->files = gw_new(arena, struct ddtrace_profile_file, u->files_n);
    if (!profile->files)
        return gw_arena_refusal(arena, GW_BUDGET, "the upload's files", err);
    for (profile->n = 0; profile->n < u->files_n;) {
        struct ddtrace_profile_file *f = &profile->files[profile->n++];
        f->sent = &u->files[profile->n - 1];
        f->buf.account = arena->account;
        enum gw_code code = open_file(f, most, err);
        if (code == GW_BUDGET)
            return gw_arena_refusal(arena, GW_BUDGET, "the unpacked files of an upload", err);
        if (code)
            return code;
        most -= f->buf.len;
        profile->items += f->sent->kind != PROFILE_FILE_OTHER;
    }
    profile->items += profile->items == 0;
    return GW_OK;
}

static void close_files(struct ddtrace_profile *profile)
{
    while (profile->n)
        otlp_fini(&profile->files[--profile->n].buf);
}

/* --- where it goes --- */

/* One file as a frame, which pays by the request's account until it is offered. */
static enum gw_code make_frame(struct ddtrace_profile *profile, const struct ddtrace_profile_file *f,
                               gw_str host_name, struct gw_arena *arena, struct gw_err *err)
{
    const struct profile_otlp how = {.upload = profile->upload,
                                     .host_name = host_name,
                                     .file = f->sent->name,
                                     .arrived = profile->arrived,
                                     .random = {gw_random(), gw_random()}};
    struct otlp_buf w = {.account = arena->account};
    struct gw_snap snap = gw_arena_snap(arena);
    enum gw_code code = f->sent->kind == PROFILE_FILE_JFR
                            ? profile_payload_to_otlp(&how, GW_STR("jfr"), f->plain, &w, err)
                            : profile_pprof_to_otlp(&how, f->plain, &f->contents, arena, &w, err);
    gw_arena_back(arena, snap);
    struct gw_frame *frame = code ? NULL : gw_frame_new(GW_PROFILES, GW_OTEL, w.data, w.len, w.cap, 1);
    if (!frame) {
        otlp_fini(&w);
        return code && code != GW_BUDGET ? code
                                         : gw_arena_refusal(arena, GW_BUDGET, "a profile as OTLP", err);
    }
    frame->budget = w.account;
    frame->charged = w.cap;
    profile->frames[profile->frames_n++] = frame;
    return GW_OK;
}

/* Makes no frames if no exporter takes profiles now. */
static enum gw_code make_frames(const struct ddtrace_profiles *p, struct ddtrace_profile *profile,
                                const struct gw_http_request *q, struct gw_err *err)
{
    enum gw_code code = GW_OK;
    struct gw_arena *arena = q->arena;
    gw_str host_name = q->peer->local ? p->host->host_name : GW_NOSTR;
    if (!p->conf.profiles_otlp || !gw_fanout_schemas(p->host->fanout, GW_PROFILES))
        return GW_OK;
    profile->frames = gw_new(arena, struct gw_frame *, profile->n);
    if (!profile->frames)
        return gw_arena_refusal(arena, GW_BUDGET, "a profile as OTLP", err);
    for (size_t i = 0; i < profile->n && !code; i++)
        if (profile->files[i].sent->kind != PROFILE_FILE_OTHER)
            code = make_frame(profile, &profile->files[i], host_name, arena, err);
    while (code && profile->frames_n)
        gw_frame_drop(profile->frames[--profile->frames_n]);
    return code;
}

/* Into the ledger, and the queues of exporters. */
static enum gw_code enter(struct ddtrace_profiles *p, const struct ddtrace_profile *profile,
                          struct gw_err *err)
{
    struct gw_intake intake = {.received = profile->items};
    if (profile->frames_n)
        return gw_fanout_offer_also(p->host->fanout, GW_PROFILES, profile->frames, profile->frames_n, &intake,
                                    p->rows, err);
    if (!p->rows) /* only the option otlp, and no exporter for it */
        intake.not_taken[GW_REASON_NOT_KEPT] = profile->items;
    gw_ledger_intake(p->host->ledger, GW_PROFILES, &intake, p->rows);
    return GW_OK;
}

/* The upload was accepted: passes it to its destinations. Returns GW_PROFILE_STORAGE if none has it. */
static enum gw_code hand_out(struct ddtrace_profiles *p, const struct ddtrace_profile *profile,
                             const struct gw_http_request *q, const char *container, struct gw_err *err)
{
    bool others = p->conf.profiles_otlp;
    enum gw_code code = enter(p, profile, err);
    if (code)
        return code;
    bool kept = p->directory && ddtrace_profile_directory_keep(p->directory, profile);
    if (p->directory && p->directory_row < GW_LEDGER_EXPORTERS)
        gw_ledger_move(p->host->ledger, p->directory_row, GW_PROFILES, GW_QUEUED,
                       kept ? GW_DELIVERED : GW_DROPPED, GW_REASON_UNWRITTEN, profile->items);
    for (size_t i = 0; i < p->forwards_n; i++)
        if (p->started[i]) {
            ddtrace_profile_forward_take(p->forwards[i], profile, q, container);
            others = true;
        }
    return kept || others ? GW_OK : gw_fail(err, GW_PROFILE_STORAGE, 0, "%s", "");
}

static enum gw_reason reason_of(enum gw_code code)
{
    return code == GW_BUDGET || code == GW_TOO_LARGE ? GW_REASON_BUDGET
           : code == GW_BUSY                         ? GW_REASON_QUEUE_FULL
                                                     : GW_REASON_BAD_PAYLOAD;
}

static void refuse(const struct gw_host *host, enum gw_reason why, uint64_t n)
{
    struct gw_intake intake = {.received = n};
    intake.not_taken[why] = n;
    gw_ledger_intake(host->ledger, GW_PROFILES, &intake, 0);
}

void ddtrace_profiles_unread(const struct gw_host *host, enum gw_reason why)
{
    refuse(host, why, 1);
}

static void answer_bad(struct ddtrace_profiles *p, const struct gw_http_request *q, struct gw_err *err,
                       uint64_t items, struct gw_http_reply *reply)
{
    refuse(p->host, reason_of(err->code), items ? items : 1);
    atomic_fetch_add_explicit(&p->refused, 1, memory_order_relaxed);
    gw_log(GW_WARNING, component, "a profile is refused: %s: %s", gw_code_text(err->code), err->what);
    gw_http_reply_error(reply, q->arena, err, 1);
}

void ddtrace_profiles_take(struct ddtrace_profiles *p, const struct gw_http_request *q, const char *container,
                           struct gw_http_reply *reply)
{
    struct profile_upload upload;
    struct ddtrace_profile profile = {.upload = &upload, .arrived = gw_wall()};
    struct gw_err err = {0};
    gw_budget_begin(q->arena->account);
    enum gw_code code = profile_upload_read(q->content_type, q->body, q->arena, &upload, &err);
    if (code == GW_BUDGET)
        code = gw_arena_refusal(q->arena, GW_BUDGET, "the parts of an upload", &err);
    if (!code)
        code = open_files(&profile, q->arena, (size_t)p->max_unpacked, &err);
    if (!code)
        code = make_frames(p, &profile, q, &err);
    if (code) {
        answer_bad(p, q, &err, profile.items, reply);
    } else {
        atomic_fetch_add_explicit(&p->uploads, 1, memory_order_relaxed);
        code = hand_out(p, &profile, q, container, &err);
        if (code)
            gw_http_reply_error(reply, q->arena, &err,
                                gw_code_http(code) == 429 ? gw_fanout_retry_after(p->host->fanout, gw_now())
                                                          : 1);
    }
    close_files(&profile);
}

/* --- metrics --- */

void ddtrace_profiles_measure(const struct ddtrace_profiles *p, const struct gw_metric *rows,
                              struct gw_metrics *to)
{
    enum { UPLOADS, STANDING, BYTES, WRITTEN, FAILED, REMOVED };
    gw_metrics_add_for(to, &rows[UPLOADS], (double)atomic_load(&p->uploads), GW_STR("taken"));
    gw_metrics_add_for(to, &rows[UPLOADS], (double)atomic_load(&p->refused), GW_STR("refused"));
    if (!p->directory)
        return;
    struct ddtrace_profile_directory_counts c = ddtrace_profile_directory_counts(p->directory);
    gw_metrics_add(to, &rows[STANDING], (double)c.uploads);
    gw_metrics_add(to, &rows[BYTES], (double)c.bytes);
    gw_metrics_add(to, &rows[WRITTEN], (double)c.kept);
    gw_metrics_add(to, &rows[FAILED], (double)c.failed);
    gw_metrics_add_for(to, &rows[REMOVED], (double)c.outed, GW_STR("max_size"));
    gw_metrics_add_for(to, &rows[REMOVED], (double)c.aged, GW_STR("max_age"));
}
