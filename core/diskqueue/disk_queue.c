/* disk_queue.c: opens the disk queue of the process, attaches exporters to it by name, and syncs it. Owns the
 * segment log and the sync thread. Called by the main thread; the fan-out uses it through durable.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/diskqueue/disk_queue.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/hex.h"
#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/base/wakeup.h"

struct gw_disk_queue {
    /* const after open */
    const struct gw_disk_queue_conf *conf;
    struct gw_ledger *ledger;
    struct gw_segment_log *disk_log;
    /* main thread, before the first offer */
    unsigned exporter[GW_SEGMENT_LOG_READERS]; /* of each reader: its number in the ledger */

    pthread_t thread;
    bool started;
    struct gw_wakeup wakeup;
    atomic_bool stopping; /* set before the wakeup */
};

static void damaged(void *arg, const char *file, uint64_t at, uint64_t bytes, const char *what)
{
    const struct gw_disk_queue *s = arg;
    if (bytes)
        gw_log(GW_WARNING, "storage", "%.*s/%s: damage at offset %llu: %s: %llu bytes are skipped",
               GW_FMT(s->conf->directory), file, (unsigned long long)at, what, (unsigned long long)bytes);
    else
        gw_log(GW_WARNING, "storage", "%.*s/%s is damaged at offset %llu: %s", GW_FMT(s->conf->directory),
               file, (unsigned long long)at, what);
}

static void gave_up(void *arg, unsigned reader, const struct gw_segment_log_items *items)
{
    const struct gw_disk_queue *s = arg;
    for (int i = 0; i < GW_SIGNALS; i++)
        if (items->of[i])
            gw_ledger_move(s->ledger, s->exporter[reader], (enum gw_signal)i, GW_QUEUED, GW_DROPPED,
                           GW_REASON_EVICTED, items->of[i]);
}

/* Identifies this boot: monotonic times are valid until the next one. Zeros if the system does not provide
 * it: then wall clocks are used. */
static void read_boot(uint8_t out[static 16])
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    size_t digits = 0;
    for (ssize_t i = 0; i < n && digits < 32; i++) {
        int digit = gw_hex_digit(text[i]);
        if (digit < 0)
            continue;
        out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | digit);
        digits++;
    }
}

struct gw_disk_queue *gw_disk_queue_open(const struct gw_disk_queue_conf *conf, struct gw_ledger *ledger,
                                         struct gw_err *err)
{
    struct gw_disk_queue *s = calloc(1, sizeof *s);
    if (!s) {
        gw_fail(err, GW_STORAGE, 0, "no memory");
        return NULL;
    }
    s->conf = conf;
    s->ledger = ledger;
    struct gw_segment_log_conf disk_log = {.directory = conf->directory.ptr,
                                           .max_size = conf->max_size,
                                           .sync_names = conf->fsync != GW_FSYNC_NEVER,
                                           .io = conf->io ? conf->io : &gw_segment_io_system,
                                           .arg = s,
                                           .damaged = damaged,
                                           .gave_up = gave_up};
    read_boot(disk_log.boot);
    s->disk_log = gw_segment_log_open(&disk_log, err);
    if (!s->disk_log) {
        free(s);
        return NULL;
    }
    gw_wakeup_init(&s->wakeup);
    return s;
}

unsigned gw_disk_queue_attach(struct gw_disk_queue *s, const char *name, unsigned exporter, bool drop_oldest)
{
    struct gw_segment_log_items pending;
    unsigned reader = gw_segment_log_attach(s->disk_log, name, false, &pending);
    if (reader == GW_SEGMENT_LOG_READERS)
        return reader;
    s->exporter[reader] = exporter;
    for (int i = 0; i < GW_SIGNALS; i++)
        if (pending.of[i]) {
            gw_ledger_recovered(s->ledger, exporter, (enum gw_signal)i, pending.of[i]);
            gw_log(GW_INFO, "storage", "%llu items of %s from an earlier run wait for exporter %s",
                   (unsigned long long)pending.of[i], gw_signal_name((enum gw_signal)i), name);
        }
    if (drop_oldest)
        gw_segment_log_drop_oldest(s->disk_log, reader);
    return reader;
}

struct gw_segment_log *gw_disk_queue_log(struct gw_disk_queue *s)
{
    return s->disk_log;
}

static bool is_lagging(void *ctx, unsigned reader)
{
    return gw_segment_log_lagging(((struct gw_disk_queue *)ctx)->disk_log, reader);
}

static enum gw_code append(void *ctx, struct gw_durable_entry *entries, size_t n, void (*commit)(void *),
                           void *arg, uint64_t *ticket, uint32_t *lagging, struct gw_err *err)
{
    return gw_segment_log_append(((struct gw_disk_queue *)ctx)->disk_log, entries, n, commit, arg, ticket,
                                 lagging, err);
}

/* Waits for an appended ticket as fsync requires. */
static bool wait_durable(void *ctx, uint64_t ticket)
{
    struct gw_disk_queue *s = ctx;
    return s->conf->fsync != GW_FSYNC_ALWAYS || gw_segment_log_durable(s->disk_log, ticket);
}

static bool sync_all(void *ctx)
{
    struct gw_disk_queue *s = ctx;
    return s->conf->fsync == GW_FSYNC_NEVER || gw_segment_log_sync(s->disk_log);
}

const struct gw_durable gw_disk_queue_durable = {is_lagging, append, wait_durable, sync_all};

/* Waits for the next time; false when it is the end. */
static bool until_next(struct gw_disk_queue *s, gw_nsec next)
{
    while (!atomic_load(&s->stopping) && gw_now() < next)
        gw_wakeup_wait(&s->wakeup, next);
    return !atomic_load(&s->stopping);
}

static void *run(void *arg)
{
    struct gw_disk_queue *s = arg;
    while (until_next(s, gw_now() + s->conf->interval / 2))
        gw_segment_log_sync_aged(s->disk_log);
    return NULL;
}

bool gw_disk_queue_start(struct gw_disk_queue *s)
{
    gw_segment_log_report_orphans(s->disk_log);
    if (s->conf->fsync != GW_FSYNC_INTERVAL)
        return true;
    s->started = gw_thread_start(&s->thread, &(struct gw_thread){"storage", "storage", run, s}, NULL);
    return s->started;
}

bool gw_disk_queue_ready(struct gw_disk_queue *s, FILE *why)
{
    struct gw_segment_log_stats stats;
    gw_segment_log_stats(s->disk_log, &stats);
    if (stats.full)
        fprintf(why, "the disk queue is full: %" PRIu64 " of %" PRIu64 " bytes\n", stats.size,
                s->conf->max_size);
    if (stats.broken)
        fputs("the disk queue cannot be written\n", why);
    return !stats.full && !stats.broken;
}

enum { M_SIZE, M_LIMIT, M_REFUSING, M_RECORDS, M_BYTES, M_DAMAGED, M_TROUBLE, M_SYNCS };

const struct gw_metric gw_disk_queue_metrics[] = {
    [M_SIZE] = GW_GAUGE_ASKED("storage_bytes", "", "Bytes of the disk queue's files, free ones too."),
    [M_LIMIT] = GW_GAUGE_ASKED("storage_limit_bytes", "", "The option storage.max_size."),
    [M_REFUSING] =
        GW_GAUGE_ASKED("storage_refusing", "", "1 while the disk queue is full or cannot be written."),
    [M_RECORDS] = GW_COUNTER_ASKED("storage_records_total", "", "Frames written to the disk queue."),
    [M_BYTES] = GW_COUNTER_ASKED("storage_written_bytes_total", "", "Bytes of them."),
    [M_DAMAGED] =
        GW_COUNTER_ASKED("storage_damaged_total", "",
                         "Places in the disk queue's files that could not be read; the log names them."),
    [M_TROUBLE] = GW_COUNTER_ASKED("storage_write_failures_total", "",
                                   "Times that the disk did not take what was written."),
    [M_SYNCS] = GW_COUNTER_ASKED("storage_sync_failures_total", "",
                                 "Files that could not be forced to the disk, and are not used again."),
    GW_METRICS_END,
};

void gw_disk_queue_measure(struct gw_disk_queue *s, struct gw_metrics *to)
{
    struct gw_segment_log_stats stats;
    gw_segment_log_stats(s->disk_log, &stats);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_SIZE], (double)stats.size);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_LIMIT], (double)s->conf->max_size);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_REFUSING], stats.full || stats.broken);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_RECORDS], (double)stats.appended);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_BYTES], (double)stats.appended_bytes);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_DAMAGED], (double)stats.damaged);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_TROUBLE], (double)stats.trouble);
    gw_metrics_add(to, &gw_disk_queue_metrics[M_SYNCS], (double)stats.sync_failures);
}

void gw_disk_queue_close(struct gw_disk_queue *s)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    gw_wakeup_signal(&s->wakeup);
    if (s->started)
        pthread_join(s->thread, NULL);
    if (s->conf->fsync != GW_FSYNC_NEVER)
        gw_segment_log_sync(s->disk_log);
    gw_segment_log_close(s->disk_log);
    gw_wakeup_fini(&s->wakeup);
    free(s);
}
