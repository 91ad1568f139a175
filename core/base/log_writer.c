/* log_writer.c: Keeps log lines in a ring until its thread has written them to standard error. Owns the ring
 * and the thread, one of each in a process. Called by log.c only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/iov.h"
#include "core/base/lock.h"
#include "core/base/thread.h"

static struct gw_lock lock = GW_LOCK_STATIC(LOG_WRITER);
static pthread_cond_t changed; /* there is something to write, or nothing any more, or it shall end */
/* under lock */
static char ring[GW_LOG_RING];
static size_t first, used; /* of the bytes in it; the thread may be writing the first ones */
static bool running, stopping, woken;
/* main thread */
static pthread_t thread;
static bool joinable;
/* const while there is a thread */
static gw_nsec (*on_idle)(void);

/* The first line in the ring, in one piece or two. Under lock. */
static int first_line(struct iovec v[static 2], size_t *len)
{
    size_t one = used < GW_LOG_RING - first ? used : GW_LOG_RING - first;
    const char *end = memchr(ring + first, '\n', one);
    v[0] = (struct iovec){ring + first, end ? (size_t)(end - (ring + first)) + 1 : one};
    *len = v[0].iov_len;
    if (end)
        return 1;
    end = memchr(ring, '\n', used - one);
    v[1] = (struct iovec){ring, end ? (size_t)(end - ring) + 1 : used - one};
    *len += v[1].iov_len;
    return 2;
}

/* A line of at most PIPE_BUF bytes is written in one piece, even if other processes write to the same pipe. A
 * closed standard error loses it. */
static void write_line(struct iovec *v, int n)
{
    struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};
    while (n) {
        ssize_t written = writev(STDERR_FILENO, v, n);
        if (written > 0)
            gw_iov_advance(&v, &n, (size_t)written);
        else if (written < 0 && errno == EAGAIN) /* another process made it non-blocking */
            poll(&writable, 1, -1);
        else if (written == 0 || errno != EINTR)
            return;
    }
}

/* Under lock, which is released during the write. */
static void write_first(void)
{
    struct iovec v[2];
    size_t len;
    int n = first_line(v, &len);
    gw_unlock(&lock);
    write_line(v, n);
    gw_lock(&lock);
    first = (first + len) % GW_LOG_RING;
    used -= len;
}

static void *write_all(void *arg)
{
    gw_lock(&lock);
    for (;;) {
        while (used)
            write_first();
        woken = false;
        gw_unlock(&lock);
        gw_nsec until = on_idle();
        gw_lock(&lock);
        if (used)
            continue;
        if (stopping)
            break;
        if (!woken)
            gw_cond_wait_until(&changed, &lock, until);
    }
    running = false;
    pthread_cond_broadcast(&changed);
    gw_unlock(&lock);
    return NULL;
}

void gw_log_writer_wake(void)
{
    gw_lock(&lock);
    woken = true;
    pthread_cond_signal(&changed);
    gw_unlock(&lock);
}

bool gw_log_writer_start(gw_nsec (*idle)(void))
{
    const struct gw_thread writer = {.name = "log", .run = write_all};
    on_idle = idle;
    stopping = false;
    gw_cond_init(&changed);
    running = true;
    joinable = gw_thread_start(&thread, &writer, NULL);
    if (!joinable)
        running = false;
    return joinable;
}

/* Under lock. */
static void put_in_ring(const char *lines, size_t n)
{
    size_t end = (first + used) % GW_LOG_RING, one = n < GW_LOG_RING - end ? n : GW_LOG_RING - end;
    memcpy(ring + end, lines, one);
    memcpy(ring, lines + one, n - one);
    used += n;
}

bool gw_log_writer_put(const char *lines, size_t n)
{
    struct iovec whole = {(void *)(uintptr_t)lines, n};
    gw_lock(&lock);
    bool queued = running, fits = n <= GW_LOG_RING - used;
    if (queued && fits) {
        put_in_ring(lines, n);
        pthread_cond_signal(&changed);
    }
    gw_unlock(&lock);
    if (!queued)
        write_line(&whole, 1);
    return !queued || fits;
}

bool gw_log_writer_stop(gw_nsec grace_period)
{
    gw_nsec until = gw_now() + grace_period;
    gw_lock(&lock);
    stopping = true;
    pthread_cond_broadcast(&changed);
    while (running && gw_now() < until)
        gw_cond_wait_until(&changed, &lock, until);
    bool all = !running;
    gw_unlock(&lock);
    if (joinable && all) {
        pthread_join(thread, NULL);
        joinable = false;
    }
    return all;
}
