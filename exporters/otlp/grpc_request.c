/* grpc_request.c: divides a batch into parts, sends each to its target and, on failure, to others, and
 * combines their outcomes. Owns requests and parts. Called by otlp_grpc.c for each batch.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/grpc_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
    struct part *next;
    struct request *request;
    int target;
    uint64_t tried; /* targets that did not take it, as bits */
    uint32_t first; /* first of its items; GW_NO_ITEM: the whole batch */
    bool gzip;
    bool by_trace; /* may be divided by trace; then `first` is set, unless … */
    bool moved;    /* … its items have moved to other parts */
    struct gw_outcome outcome;
};

struct request {
    struct grpc_requests *of;
    const struct gw_batch *batch;
    gw_nsec timeout;
    gw_done_f *done;
    void *cookie;
    struct gw_items items;
    struct part *parts;
    unsigned open; /* open: parts, and callers that are still sending */
};

/* --- the end --- */

/* Returns the rank of a failure; the highest rank decides for the request. */
static unsigned rank(enum gw_verdict verdict)
{
    static const unsigned ranks[] = {[GW_DONE] = 0,  [GW_DISCARDED] = 0, [GW_REFUSED] = 1,     [GW_SPLIT] = 2,
                                     [GW_RETRY] = 4, [GW_TIMED_OUT] = 5, [GW_RETRY_SLOWLY] = 3};
    return ranks[verdict];
}

/* Sets a flag for each item of a part that was not taken. */
static void flag_failed(const struct request *q, bool *failed)
{
    for (const struct part *p = q->parts; p; p = p->next)
        for (uint32_t at = p->moved || p->outcome.verdict == GW_DONE ? GW_NO_ITEM : p->first;
             at != GW_NO_ITEM; at = q->items.items[at].next)
            failed[at] = true;
}

/* Returns the undelivered rest of the batch. NULL: all of it is undelivered, or there is no memory. */
static struct gw_frame **left_of(struct request *q)
{
    bool *failed = calloc(q->items.n, sizeof *failed);
    struct gw_frame **left = failed ? calloc(q->batch->n, sizeof *left) : NULL;
    if (left) {
        flag_failed(q, failed);
        gw_items_left(&q->items, failed, q->batch->frames, left);
    }
    free(failed);
    return left;
}

static void finish(struct request *q)
{
    struct gw_outcome all = {.verdict = GW_DONE};
    uint64_t rejected = 0;
    bool some = false;
    for (const struct part *p = q->parts; p; p = p->next) {
        bool taken = p->outcome.verdict == GW_DONE;
        if (p->moved)
            continue;
        rejected += taken ? p->outcome.rejected : 0;
        some |= taken;
        if (rank(p->outcome.verdict) > rank(all.verdict) || (taken && all.verdict == GW_DONE && !all.text[0]))
            all = p->outcome;
    }
    struct gw_frame **left = some && all.verdict != GW_DONE ? left_of(q) : NULL;
    all.left = left;
    all.rejected = all.verdict == GW_DONE || left ? rejected : 0;
    q->done(q->cookie, &all);
    free(left);
    for (struct part *p = q->parts, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    gw_items_drop(&q->items);
    free(q);
}

static void close_one(struct request *q)
{
    if (--q->open == 0)
        finish(q);
}

static void end_part(struct part *p, enum gw_verdict verdict, const char *text)
{
    p->outcome = (struct gw_outcome){.verdict = verdict};
    snprintf(p->outcome.text, sizeof p->outcome.text, "%s", text);
}

/* --- parts --- */

/* Returns false if there is no memory. */
static struct part *add_part(struct request *q, uint32_t first, uint64_t tried)
{
    struct part *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct part){
        .next = q->parts, .request = q, .first = first, .tried = tried, .by_trace = first != GW_NO_ITEM};
    return q->parts = p;
}

static grpc_byte_buffer *body_of(struct part *p)
{
    struct request *q = p->request;
    if (p->first == GW_NO_ITEM)
        return q->of->body(q->of->ctx, q->batch, &p->gzip);
    struct gw_frame *frame = gw_items_frame(&q->items, p->first, q->batch->frames[0]);
    if (!frame)
        return NULL;
    const struct gw_batch part = {.signal = q->batch->signal,
                                  .n = 1,
                                  .bytes = frame->len,
                                  .items = frame->items,
                                  .frames = &frame,
                                  .compress = q->batch->compress};
    grpc_byte_buffer *body = q->of->body(q->of->ctx, &part, &p->gzip);
    gw_frame_drop(frame); /* the body has its own reference */
    return body;
}

static void on_answer(void *cookie, struct gw_outcome *outcome);

static void send_part(struct part *p)
{
    struct request *q = p->request;
    struct grpc_targets *targets = q->of->targets;
    grpc_byte_buffer *body = body_of(p);
    if (!body) {
        end_part(p, GW_RETRY, "no memory for a request");
        return;
    }
    const struct otlp_call_conf call = {.channel = targets->all[p->target].channel,
                                        .signal = q->batch->signal,
                                        .request = body,
                                        .gzip = p->gzip,
                                        .timeout = q->timeout,
                                        .done = on_answer,
                                        .cookie = p};
    if (!otlp_calls_start(q->of->calls, &call)) {
        end_part(p, GW_RETRY, "gRPC refused to start a call");
        return;
    }
    balancer_sent(&targets->balancer, p->target);
    q->open++;
}

/* Sends the part as a whole to a target that was not tried. Returns false if there is none. */
static bool send_whole(struct part *p)
{
    int target = balancer_pick(&p->request->of->targets->balancer, p->tried, gw_now());
    if (target == BALANCER_NONE)
        return false;
    p->target = target;
    send_part(p);
    return true;
}

/* Lists of items by target. */
struct shares {
    uint32_t first[BALANCER_TARGETS], last[BALANCER_TARGETS];
};

static void add_to_share(struct gw_item *items, struct shares *s, int target, uint32_t item)
{
    if (s->first[target] == GW_NO_ITEM)
        s->first[target] = item;
    else
        items[s->last[target]].next = item;
    items[item].next = GW_NO_ITEM;
    s->last[target] = item;
}

/* Assigns each item to the target of its trace; items without a trace go to `any`. */
static void share_out(struct part *p, int any, struct shares *s)
{
    struct request *q = p->request;
    const struct balancer *balancer = &q->of->targets->balancer;
    gw_nsec now = gw_now();
    for (int t = 0; t < BALANCER_TARGETS; t++)
        s->first[t] = GW_NO_ITEM;
    for (uint32_t at = p->first, next; at != GW_NO_ITEM; at = next) {
        uint8_t id[16];
        next = q->items.items[at].next;
        bool has_id = gw_item_trace_id(&q->items, at, id);
        add_to_share(q->items.items, s, has_id ? balancer_pick_trace(balancer, id, p->tried, now) : any, at);
    }
}

/* Makes a new part for each untried target that has some of the part's traces. Items for which there is no
 * memory stay in p. Returns false if items stay or there is no such target. */
static bool send_by_trace(struct part *p)
{
    struct request *q = p->request;
    struct shares shares;
    int any = balancer_pick(&q->of->targets->balancer, p->tried, gw_now());
    if (any == BALANCER_NONE)
        return false;
    share_out(p, any, &shares);
    p->first = GW_NO_ITEM;
    for (int t = 0; t < BALANCER_TARGETS; t++) {
        if (shares.first[t] == GW_NO_ITEM)
            continue;
        struct part *own = add_part(q, shares.first[t], p->tried);
        if (own) {
            own->target = t;
            send_part(own);
        } else {
            q->items.items[shares.last[t]].next = p->first;
            p->first = shares.first[t];
        }
    }
    p->moved = p->first == GW_NO_ITEM;
    return p->moved;
}

/* A target did not take the part: sends it, or its traces, to the next targets. */
static void go_on(struct part *p)
{
    if (p->request->of->cancelled)
        return;
    if (p->by_trace)
        (void)send_by_trace(p);
    else
        (void)send_whole(p);
}

static void on_answer(void *cookie, struct gw_outcome *outcome)
{
    struct part *p = cookie;
    struct request *q = p->request;
    q->of->judge(q->of->ctx, p->gzip, outcome);
    grpc_targets_answered(q->of->targets, p->target, gw_is_failure(outcome->verdict), outcome->retry_after);
    p->tried |= (uint64_t)1 << p->target;
    p->outcome = *outcome;
    if (outcome->verdict == GW_RETRY || outcome->verdict == GW_RETRY_SLOWLY)
        go_on(p);
    close_one(q);
}

/* --- send --- */

/* The first part contains all items. */
static void begin(struct part *p)
{
    if (p->by_trace ? send_by_trace(p) : send_whole(p))
        return;
    end_part(p, GW_RETRY, "no address of a backend is known yet");
    p->outcome.unreachable = true;
}

/* Returns false if there is no memory. */
static bool read_items(struct request *q, struct part *p)
{
    enum gw_items_read how = gw_items_read(&q->items, q->batch->signal, q->batch->frames, q->batch->n);
    p->by_trace = how == GW_ITEMS_READ && q->items.n;
    p->first = p->by_trace ? 0 : GW_NO_ITEM; /* a batch that cannot be divided is sent whole */
    return how != GW_ITEMS_NO_MEMORY;
}

void grpc_request_send(struct grpc_requests *of, const struct gw_batch *batch, gw_nsec timeout,
                       gw_done_f *done, void *cookie)
{
    static const struct gw_outcome no_memory = {.verdict = GW_RETRY, .text = "no memory for a request"};
    struct request *q = calloc(1, sizeof *q);
    if (!q) {
        done(cookie, &no_memory);
        return;
    }
    *q = (struct request){
        .of = of, .batch = batch, .timeout = timeout, .done = done, .cookie = cookie, .open = 1};
    struct part *all = add_part(q, GW_NO_ITEM, 0);
    if (!all ||
        (of->by_trace && (batch->signal == GW_TRACES || batch->signal == GW_LOGS) && !read_items(q, all))) {
        free(all);
        free(q);
        done(cookie, &no_memory);
        return;
    }
    grpc_targets_update(of->targets);
    begin(all);
    close_one(q);
}
