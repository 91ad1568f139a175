/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/stdout/trace_buffer.h"

#include <stdlib.h>

#include "exporters/encoding/otlp_read.h"

typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest logs_request;

enum { NEW, WAITING, DUE, WRITING, DONE };

void hold_init(struct hold *h, gw_nsec patience)
{
    *h = (struct hold){.patience = patience};
    h->last = &h->first;
}

bool held_begin(struct held *h, const struct gw_batch *batch, void *owner)
{
    *h = (struct held){.batch = batch, .owner = owner, .n = (size_t)batch->items, .state = calloc(batch->items + 1, 1)};
    return h->state != NULL;
}

void held_end(struct held *h)
{
    free(h->state);
    h->state = NULL;
}

/* --- records --- */

/* What to do with a record: `look` says whether it belongs into the list of this occasion. */
typedef bool look_f(struct hold *, uint8_t *state, const pretty_log_record *);

struct list {
    struct hold *hold;
    struct held *held;
    struct pretty_log *items;
    size_t n, index; /* index: of the record in its batch */
    look_f *look;
};

static void finish(struct held *h, size_t index)
{
    h->done += h->state[index] != DONE;
    h->state[index] = DONE;
}

static void see_record(struct list *l, const pretty_resource *resource, gw_str logger, const pretty_log_record *r)
{
    size_t index = l->index++;
    if (!l->look(l->hold, &l->held->state[index], r))
        return;
    uint8_t *state = &l->held->state[index];
    l->items[l->n] = (struct pretty_log){.record = r, .resource = resource, .logger = logger, .place = l->n, .state = state};
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
    const struct gw_batch *b = l->held->batch;
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
            l->held->unread += l->held->state[l->index] != DONE;
            finish(l->held, l->index);
        }
    }
}

static bool was_seen(const struct hold *h, ProtobufCBinaryData id)
{
    for (size_t i = 0; i < HOLD_SEEN; i++)
        if (memcmp(h->seen[i], id.data, sizeof h->seen[i]) == 0)
            return true;
    return false;
}

/* A record's first look: may it be shown with what comes? */
static bool now_or_later(struct hold *h, uint8_t *state, const pretty_log_record *r)
{
    if (*state == NEW && h->patience && r->trace_id.len == sizeof h->seen[0] && !was_seen(h, r->trace_id))
        *state = WAITING;
    if (*state != NEW && *state != DUE)
        return false;
    *state = WRITING;
    return true;
}

static bool is_waiting(struct hold *h, uint8_t *state, const pretty_log_record *r)
{
    return *state == WAITING;
}

/* There is no memory to look at it. */
static void give_up(struct held *h)
{
    for (size_t i = 0; i < h->n; i++) {
        h->unread += h->state[i] != DONE;
        finish(h, i);
    }
}

struct pretty_log *hold_now(struct hold *h, struct held *held, struct gw_arena *arena, size_t *n)
{
    struct list l = {.hold = h, .held = held, .items = gw_new(arena, struct pretty_log, held->n + 1), .look = now_or_later};
    *n = 0;
    if (l.items)
        see_batch(&l, arena);
    if (arena->spent) {
        give_up(held);
        return NULL;
    }
    *n = l.n;
    return l.items;
}

struct pretty_log *hold_waiting(struct hold *h, struct gw_arena *arena, size_t *n)
{
    struct list l = {.hold = h, .look = is_waiting};
    size_t most = 0;
    *n = 0;
    for (const struct held *held = h->first; held; held = held->next)
        most += held->n;
    if (!most || !(l.items = gw_new(arena, struct pretty_log, most)))
        return NULL;
    for (l.held = h->first; l.held; l.held = l.held->next)
        see_batch(&l, arena);
    *n = arena->spent ? 0 : l.n;
    return l.items;
}

void hold_joined(struct hold *h, const struct pretty_log *logs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (logs[i].shown)
            *logs[i].state = WRITING;
}

static void settle(struct held *h, bool written, uint8_t otherwise)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->state[i] != WRITING)
            continue;
        if (written || otherwise == DONE) {
            finish(h, i);
            h->unread += !written;
        } else {
            h->state[i] = otherwise;
        }
    }
}

void hold_written(struct hold *h, struct held *held)
{
    if (held)
        settle(held, true, DONE);
    for (struct held *at = h->first; at; at = at->next)
        settle(at, true, DONE);
}

/* Logs that could not be shown with their trace may still be alone. */
void hold_failed(struct hold *h, struct held *held)
{
    if (held)
        settle(held, false, DONE);
    for (struct held *at = h->first; at; at = at->next)
        settle(at, false, WAITING);
}

/* --- the list --- */

void hold_add(struct hold *h, struct held *held, gw_nsec now)
{
    held->until = now + h->patience;
    held->next = NULL;
    *h->last = held;
    h->last = &held->next;
    h->bytes += held->batch->bytes;
}

static bool may_go(const struct hold *h, const struct held *held, gw_nsec now, bool all)
{
    bool oldest = held == h->first;
    return all || held_is_over(held) || held->until <= now || (oldest && h->bytes > HOLD_BYTES);
}

struct held *hold_take(struct hold *h, gw_nsec now, bool all)
{
    for (struct held **at = &h->first; *at; at = &(*at)->next) {
        struct held *held = *at;
        if (!may_go(h, held, now, all))
            continue;
        *at = held->next;
        if (!*at)
            h->last = at;
        h->bytes -= held->batch->bytes;
        for (size_t i = 0; i < held->n; i++)
            if (held->state[i] == WAITING)
                held->state[i] = DUE;
        return held;
    }
    return NULL;
}

void hold_see(struct hold *h, ProtobufCBinaryData id)
{
    size_t last = (h->seen_at + HOLD_SEEN - 1) % HOLD_SEEN;
    if (id.len != sizeof h->seen[0] || memcmp(h->seen[last], id.data, id.len) == 0)
        return;
    memcpy(h->seen[h->seen_at], id.data, id.len);
    h->seen_at = (h->seen_at + 1) % HOLD_SEEN;
}
