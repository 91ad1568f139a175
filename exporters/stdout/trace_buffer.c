/* trace_buffer.c: Keeps batches of log records until the trace that they belong to is printed or their grace
 * period is over. Owns the buffered batches and the trace ids that were printed last. Called by stdout.c, on
 * its sender's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/stdout/trace_buffer.h"

#include <stdlib.h>

#include "exporters/encoding/otlp_read.h"

typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest logs_request;

/* LEAVING: as WRITING, but it is left out of what is written. */
enum { NEW, WAITING, DUE, WRITING, LEAVING, DONE };

void trace_buffer_init(struct trace_buffer *h, gw_nsec grace_period)
{
    *h = (struct trace_buffer){.grace_period = grace_period};
    h->last = &h->first;
}

bool buffered_batch_begin(struct buffered_batch *h, const struct gw_batch *batch, void *owner)
{
    *h = (struct buffered_batch){
        .batch = batch, .owner = owner, .n = (size_t)batch->items, .state = calloc(batch->items + 1, 1)};
    return h->state != NULL;
}

void buffered_batch_end(struct buffered_batch *h)
{
    free(h->state);
    h->state = NULL;
}

/* --- records --- */

/* What to do with a record: `look` says whether it belongs into the list of this occasion. */
typedef bool look_f(struct trace_buffer *, uint8_t *state, const pretty_log_record *);

struct list {
    struct trace_buffer *trace_buffer;
    struct buffered_batch *buffered_batch;
    struct pretty_log *items;
    size_t n, index; /* index: of the record in its batch */
    look_f *look;
};

static void finish(struct buffered_batch *h, size_t index)
{
    h->done += h->state[index] != DONE;
    h->state[index] = DONE;
}

static void see_record(struct list *l, const pretty_resource *resource, gw_str logger,
                       const pretty_log_record *r)
{
    size_t index = l->index++;
    if (!l->look(l->trace_buffer, &l->buffered_batch->state[index], r))
        return;
    uint8_t *state = &l->buffered_batch->state[index];
    l->items[l->n] = (struct pretty_log){
        .record = r, .resource = resource, .logger = logger, .place = l->n, .state = state};
    l->n++;
}

/* Records beyond what the frame says that it holds are not counted, and not shown. */
static void see_frame(struct list *l, const logs_request *q, size_t end)
{
    for (size_t i = 0; i < q->n_resource_logs; i++)
        for (size_t j = 0; j < q->resource_logs[i]->n_scope_logs; j++) {
            const Opentelemetry__Proto__Logs__V1__ScopeLogs *scope = q->resource_logs[i]->scope_logs[j];
            gw_str logger = scope->scope ? pretty_bytes(scope->scope->name) : GW_NOSTR;
            for (size_t k = 0; k < scope->n_log_records && l->index < end; k++)
                see_record(l, q->resource_logs[i]->resource, logger, scope->log_records[k]);
        }
}

static void see_batch(struct list *l, struct gw_arena *arena)
{
    const struct gw_batch *b = l->buffered_batch->batch;
    size_t end = 0;
    l->index = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct gw_frame *f = b->frames[i];
        const ProtobufCMessage *m = otlp_read(arena, GW_LOGS, gw_str_n((const char *)f->data, f->len));
        end += f->items;
        if (arena->spent)
            return;
        if (m)
            see_frame(l, (const logs_request *)m, end);
        for (; l->index < end; l->index++) { /* what is not there */
            l->buffered_batch->unread += l->buffered_batch->state[l->index] != DONE;
            finish(l->buffered_batch, l->index);
        }
    }
}

/* The last bytes of an id are random; its first may be a time. */
static size_t place_of(ProtobufCBinaryData id)
{
    return ((size_t)id.data[14] << 8 | id.data[15]) % TRACE_BUFFER_SEEN;
}

enum trace_fate trace_buffer_fate(const struct trace_buffer *h, ProtobufCBinaryData id)
{
    if (id.len != sizeof h->seen[0].id)
        return TRACE_UNSEEN;
    const struct trace_seen *seen = &h->seen[place_of(id)];
    return memcmp(seen->id, id.data, id.len) == 0 ? (enum trace_fate)seen->fate : TRACE_UNSEEN;
}

/* A record's first look: may it be shown with what comes? */
static bool now_or_later(struct trace_buffer *h, uint8_t *state, const pretty_log_record *r)
{
    bool linked = r->trace_id.len == sizeof h->seen[0].id;
    h->linked |= linked;
    if (*state == NEW && h->grace_period && linked && !trace_buffer_fate(h, r->trace_id))
        *state = WAITING;
    if (*state != NEW && *state != DUE)
        return false;
    *state = WRITING;
    return true;
}

static bool is_waiting(struct trace_buffer *h, uint8_t *state, const pretty_log_record *r)
{
    return *state == WAITING;
}

/* It is too large to be looked at. */
static void give_up(struct buffered_batch *h)
{
    for (size_t i = 0; i < h->n; i++) {
        h->unread += h->state[i] != DONE;
        finish(h, i);
    }
}

struct pretty_log *trace_buffer_now(struct trace_buffer *h, struct buffered_batch *buffered_batch,
                                    struct gw_arena *arena, size_t *n)
{
    struct list l = {.trace_buffer = h,
                     .buffered_batch = buffered_batch,
                     .items = gw_new(arena, struct pretty_log, buffered_batch->n + 1),
                     .look = now_or_later};
    *n = 0;
    if (l.items)
        see_batch(&l, arena);
    if (arena->spent) {
        if (!arena->no_memory)
            give_up(buffered_batch);
        return NULL;
    }
    *n = l.n;
    return l.items;
}

struct pretty_log *trace_buffer_waiting(struct trace_buffer *h, struct gw_arena *arena, size_t *n)
{
    struct list l = {.trace_buffer = h, .look = is_waiting};
    size_t most = 0;
    *n = 0;
    for (const struct buffered_batch *buffered_batch = h->first; buffered_batch;
         buffered_batch = buffered_batch->next)
        most += buffered_batch->n;
    if (!most || !(l.items = gw_new(arena, struct pretty_log, most)))
        return NULL;
    for (l.buffered_batch = h->first; l.buffered_batch; l.buffered_batch = l.buffered_batch->next)
        see_batch(&l, arena);
    *n = arena->spent ? 0 : l.n;
    return l.items;
}

void trace_buffer_shown(struct trace_buffer *h, struct pretty_log *logs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (logs[i].left_out)
            trace_buffer_leave_out(&logs[i]);
        else if (logs[i].shown)
            *logs[i].state = WRITING;
}

void trace_buffer_leave_out(struct pretty_log *log)
{
    *log->state = LEAVING;
}

static void settle(struct buffered_batch *h, bool written, uint8_t otherwise)
{
    for (size_t i = 0; i < h->n; i++) {
        bool leaves = h->state[i] == LEAVING;
        if (h->state[i] != WRITING && !leaves)
            continue;
        if (written || otherwise == DONE) {
            finish(h, i);
            h->left_out += leaves;
            h->unread += !written && !leaves;
        } else {
            h->state[i] = otherwise;
        }
    }
}

void trace_buffer_written(struct trace_buffer *h, struct buffered_batch *buffered_batch)
{
    if (buffered_batch)
        settle(buffered_batch, true, DONE);
    for (struct buffered_batch *at = h->first; at; at = at->next)
        settle(at, true, DONE);
}

/* Logs that could not be shown with their trace may still be alone. */
void trace_buffer_failed(struct trace_buffer *h, struct buffered_batch *buffered_batch)
{
    if (buffered_batch)
        settle(buffered_batch, false, DONE);
    for (struct buffered_batch *at = h->first; at; at = at->next)
        settle(at, false, WAITING);
}

void trace_buffer_undo(struct trace_buffer *h, struct buffered_batch *buffered_batch)
{
    if (buffered_batch)
        settle(buffered_batch, false, DUE);
    for (struct buffered_batch *at = h->first; at; at = at->next)
        settle(at, false, WAITING);
}

/* --- the list --- */

void trace_buffer_add(struct trace_buffer *h, struct buffered_batch *buffered_batch, gw_nsec now)
{
    buffered_batch->until = now + h->grace_period;
    buffered_batch->next = NULL;
    *h->last = buffered_batch;
    h->last = &buffered_batch->next;
    h->bytes += buffered_batch->batch->bytes;
}

static bool may_go(const struct trace_buffer *h, const struct buffered_batch *buffered_batch, gw_nsec now,
                   bool all)
{
    bool oldest = buffered_batch == h->first;
    return all || buffered_batch_is_over(buffered_batch) || buffered_batch->until <= now ||
           (oldest && h->bytes > TRACE_BUFFER_BYTES);
}

struct buffered_batch *trace_buffer_take(struct trace_buffer *h, gw_nsec now, bool all)
{
    for (struct buffered_batch **at = &h->first; *at; at = &(*at)->next) {
        struct buffered_batch *buffered_batch = *at;
        if (!may_go(h, buffered_batch, now, all))
            continue;
        *at = buffered_batch->next;
        if (!*at)
            h->last = at;
        h->bytes -= buffered_batch->batch->bytes;
        for (size_t i = 0; i < buffered_batch->n; i++)
            if (buffered_batch->state[i] == WAITING)
                buffered_batch->state[i] = DUE;
        return buffered_batch;
    }
    return NULL;
}

void trace_buffer_seen_trace(struct trace_buffer *h, ProtobufCBinaryData id, enum trace_fate fate)
{
    if (id.len != sizeof h->seen[0].id)
        return;
    struct trace_seen *seen = &h->seen[place_of(id)];
    memcpy(seen->id, id.data, id.len);
    seen->fate = (uint8_t)fate;
}
