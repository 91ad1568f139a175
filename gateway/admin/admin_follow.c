/* admin_follow.c: Feeds streams of the API to connections, suspends them while there is nothing, and resumes them
 * from a ticker. Owns the streams and the ticker. Called by admin.c on the main thread, and by admin_request.c
 * on the daemons' threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/admin/admin_follow.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/lock.h"
#include "core/base/thread.h"
#include "core/delivery/recent.h"
#include "gateway/api/stream.h"

enum { FOLLOWERS = 16, BLOCK = 32 * 1024 };
static const gw_nsec FOLLOW_TICK = 200 * GW_MSEC, FOLLOW_BEAT = 5 * GW_SEC, FOLLOW_END = GW_SEC;

struct follower {
    struct gw_followers *of;
    struct MHD_Connection *connection;
    struct gw_api_stream *stream; /* the daemon's thread's */
    struct gw_api_text text;      /* of the last turn … */
    size_t sent;                  /* … and how much of it the client has */
    /* under the lock; a suspended connection stays until the ticker resumes it, so the ticker may read its stream */
    bool suspended;
    gw_nsec beat; /* when it is due */
};

struct gw_followers {
    const struct gw_api *api;
    struct gw_lock lock;
    pthread_cond_t wake;
    pthread_t ticker;
    bool runs, stops;
    atomic_bool ending;
    gw_nsec tidy; /* when the ring may be given back; under the lock */
    struct follower *at[FOLLOWERS];
    unsigned n;
};

/* --- one follower; on its daemon's thread --- */

/* Nothing is new: the ticker resumes it. */
static ssize_t rest(struct follower *f)
{
    gw_lock(&f->of->lock);
    bool ends = atomic_load(&f->of->ending);
    if (!ends) {
        MHD_suspend_connection(f->connection);
        f->suspended = true;
    }
    gw_unlock(&f->of->lock);
    return ends ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

static bool is_beat_due(struct follower *f)
{
    gw_nsec now = gw_now();
    gw_lock(&f->of->lock);
    bool due = now >= f->beat;
    if (due)
        f->beat = now + FOLLOW_BEAT;
    gw_unlock(&f->of->lock);
    return due;
}

static ssize_t read_follower(void *follower, uint64_t position, char *to, size_t size)
{
    struct follower *f = follower;
    bool failed = false;
    if (atomic_load(&f->of->ending))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (f->sent == f->text.len) {
        gw_api_text_drop(f->of->api, &f->text);
        f->sent = 0;
        if (gw_api_stream_has_news(f->stream))
            f->text = gw_api_stream_turn(f->stream, &failed);
    }
    if (failed)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (!f->text.len && is_beat_due(f)) {
        gw_str beat = gw_api_stream_beat(f->stream);
        memcpy(to, beat.ptr, beat.len < size ? beat.len : size);
        return (ssize_t)(beat.len < size ? beat.len : size);
    }
    if (!f->text.len)
        return gw_api_stream_has_news(f->stream) ? 0 : rest(f);
    size_t n = f->text.len - f->sent < size ? f->text.len - f->sent : size;
    memcpy(to, f->text.ptr + f->sent, n);
    f->sent += n;
    return (ssize_t)n;
}

static void free_follower(struct follower *f)
{
    gw_api_text_drop(f->of->api, &f->text);
    gw_api_stream_drop(f->stream);
    free(f);
}

/* The connection is over. */
static void drop_follower(void *follower)
{
    struct follower *f = follower;
    struct gw_followers *all = f->of;
    gw_lock(&all->lock);
    for (unsigned i = 0; i < all->n; i++)
        if (all->at[i] == f) {
            all->at[i] = all->at[--all->n];
            break;
        }
    pthread_cond_signal(&all->wake); /* who stops waits for the last */
    gw_unlock(&all->lock);
    free_follower(f);
}

static bool add(struct gw_followers *all, struct follower *f)
{
    gw_lock(&all->lock);
    bool room = all->n < FOLLOWERS && !atomic_load(&all->ending);
    if (room)
        all->at[all->n++] = f;
    pthread_cond_signal(&all->wake);
    gw_unlock(&all->lock);
    return room;
}

struct MHD_Response *gw_follow(struct gw_followers *all, struct MHD_Connection *c,
                               struct gw_api_stream *stream)
{
    struct follower *f = calloc(1, sizeof *f);
    if (!f) {
        gw_api_stream_drop(stream);
        return NULL;
    }
    *f = (struct follower){.of = all, .connection = c, .stream = stream, .beat = gw_now()};
    if (!add(all, f)) {
        free_follower(f);
        return NULL;
    }
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_follower, f, drop_follower);
    if (!r)
        drop_follower(f);
    return r;
}

/* --- the ticker --- */

/* Those that have something to do. A connection that was suspended stays until it is resumed, which only this
 * thread does, so it may be resumed without the lock. */
static unsigned collect(struct gw_followers *all, gw_nsec now, struct MHD_Connection *out[FOLLOWERS])
{
    unsigned n = 0;
    for (unsigned i = 0; i < all->n; i++) {
        struct follower *f = all->at[i];
        if (!f->suspended ||
            (!atomic_load(&all->ending) && now < f->beat && !gw_api_stream_has_news(f->stream)))
            continue;
        f->suspended = false;
        out[n++] = f->connection;
    }
    return n;
}

static void tick(struct gw_followers *all)
{
    struct MHD_Connection *ready[FOLLOWERS];
    gw_nsec now = gw_now();
    if (all->n)
        gw_recent_look(now);
    all->tidy = gw_recent_tidy(now);
    unsigned n = collect(all, now, ready);
    gw_unlock(&all->lock);
    for (unsigned i = 0; i < n; i++)
        MHD_resume_connection(ready[i]);
    gw_lock(&all->lock);
}

static void *run(void *followers)
{
    struct gw_followers *all = followers;
    gw_lock(&all->lock);
    while (!all->stops) {
        tick(all);
        gw_nsec until = all->n ? gw_now() + FOLLOW_TICK : all->tidy;
        if (!all->stops)
            gw_cond_wait_until(&all->wake, &all->lock, until);
    }
    tick(all); /* it ends: nobody may stay suspended */
    gw_unlock(&all->lock);
    return NULL;
}

/* --- life --- */

struct gw_followers *gw_followers_new(const struct gw_api *api)
{
    struct gw_followers *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->api = api;
    all->tidy = GW_NEVER;
    gw_lock_init(&all->lock, GW_LOCK_ADMIN_FOLLOWERS);
    gw_cond_init(&all->wake);
    return all;
}

bool gw_followers_start(struct gw_followers *all)
{
    all->runs = gw_thread_start(&all->ticker, &(struct gw_thread){"admin/follow", "admin", run, all}, NULL);
    return all->runs;
}

static void wake(struct gw_followers *all)
{
    gw_lock(&all->lock);
    pthread_cond_signal(&all->wake);
    gw_unlock(&all->lock);
}

void gw_followers_looked(struct gw_followers *all)
{
    wake(all);
}

void gw_followers_end(struct gw_followers *all)
{
    atomic_store(&all->ending, true);
    wake(all);
}

void gw_followers_stop(struct gw_followers *all)
{
    if (!all->runs)
        return;
    atomic_store(&all->ending, true);
    gw_lock(&all->lock);
    all->stops = true;
    pthread_cond_signal(&all->wake);
    gw_unlock(&all->lock);
    pthread_join(all->ticker, NULL);
    all->runs = false;
    gw_nsec until = gw_now() + FOLLOW_END;
    gw_lock(&all->lock);
    while (all->n && gw_cond_wait_until(&all->wake, &all->lock, until))
        continue;
    gw_unlock(&all->lock);
}

void gw_followers_drop(struct gw_followers *all)
{
    if (!all)
        return;
    pthread_cond_destroy(&all->wake);
    gw_lock_fini(&all->lock);
    free(all);
}
