/* kafka_batch.c: Records become frames; the frames of many records are offered together, with one ack callback for their offsets.
 * Owns the batch. Called by the consumer's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/recent.h"
#include "gateway/receivers/kafka/kafka_batch.h"
#include "gateway/receivers/kafka/kafka_set_aside.h"
#include "translators/otlp/otlp_json_in.h"

enum { ARENA_KEEP = 1024 * 1024, MOST_BYTES = GW_FRAME_BYTES, MOST_RECORDS = 1000 };

static void begin(struct kafka_batch *b)
{
    b->records = b->bytes = 0;
    b->sealed = false;
    for (int s = 0; s < GW_SIGNALS; s++) {
        b->frames[s] = (struct otlp_frames){.signal = (enum gw_signal)s, .arena = &b->arena};
        b->intake[s] = (struct gw_intake){0};
    }
}

void kafka_batch_init(struct kafka *k)
{
    struct kafka_batch *b = &k->batch;
    size_t whole = k->host->budget->limit;
    b->scratch = (struct gw_budget){.limit = whole / 8 * 5, .parent = k->host->budget};
    gw_arena_init(&b->arena, b->scratch.limit);
    b->arena.account = &b->scratch;
    begin(b);
}

void kafka_batch_fini(struct kafka *k)
{
    gw_arena_fini(&k->batch.arena);
}

bool kafka_batch_is_empty(const struct kafka_batch *b)
{
    return b->records == 0;
}

bool kafka_batch_is_full(const struct kafka_batch *b)
{
    return b->bytes >= MOST_BYTES || b->records >= MOST_RECORDS;
}

/* --- a record --- */

static enum gw_code make_json(struct kafka *k, enum gw_signal signal, gw_str value, struct otlp_made *made,
                              struct gw_err *err)
{
    struct gw_arena *arena = &k->batch.arena;
    struct otlp_buf w = {.account = arena->account};
    *made = (struct otlp_made){0};
    gw_budget_begin(arena->account);
    enum gw_code code =
        otlp_json_read((enum otlp_message)(OTLP_TRACES_REQUEST + signal), value, arena, &w, err);
    code = gw_arena_refusal(arena, code, "the record in protobuf", err);
    if (!code)
        code = otlp_intake_make(&k->intake, &k->intake_thread, signal, otlp_written(&w), arena, made, err);
    otlp_fini(&w);
    return code;
}

/* Frames of a record join those of the batch. */
static bool join(struct kafka_batch *b, struct otlp_made *made)
{
    struct otlp_frames *to = &b->frames[made->frames.signal];
    size_t before = to->list.n, i = 0;
    while (i < made->frames.list.n && otlp_frames_add(to, made->frames.list.frames[i]))
        i++;
    if (i < made->frames.list.n) {
        to->list.n = before; /* still the record's */
        gw_frame_list_drop(&made->frames.list);
        return false;
    }
    gw_intake_add(&b->intake[made->frames.signal], &made->intake);
    return true;
}

static void set_aside_parts(struct kafka *k, const struct kafka_record *r, const struct otlp_taken *t)
{
    char detail[160];
    snprintf(detail, sizeof detail, "%llu of %llu items are refused: %s", (unsigned long long)t->refused,
             (unsigned long long)t->contents.items, otlp_fault_text(t->contents.first));
    kafka_set_aside(k, r, KAFKA_FAULT_PARTIAL, detail);
}

static enum gw_code take(struct kafka *k, const struct kafka_record *r, enum gw_signal signal, bool json,
                         struct gw_err *err)
{
    struct otlp_made made;
    enum gw_code code =
        json ? make_json(k, signal, r->value, &made, err)
             : otlp_intake_make(&k->intake, &k->intake_thread, signal, r->value, &k->batch.arena, &made, err);
    if (!code && !join(&k->batch, &made))
        code = gw_arena_refusal(&k->batch.arena, GW_BUDGET, "the record's frames", err);
    if (code)
        return code;
    kafka_count(&k->counts.records[signal], 1);
    if (made.taken.refused)
        set_aside_parts(k, r, &made.taken);
    return GW_OK;
}

static void done(struct kafka *k, const struct kafka_record *r, struct kafka_partition *p)
{
    k->batch.records++;
    k->batch.bytes += r->value.len;
    kafka_count(&k->counts.bytes, r->value.len);
    if (p)
        kafka_offsets_touch(k->offsets, p, r->offset);
}

/* Returns whether a lack of memory is temporary: memory that others or earlier records hold comes back. If
 * one record alone needs too much, it is not. */
static bool is_for_later(const struct kafka_batch *b, enum gw_code code)
{
    return code == GW_BUSY || (code == GW_BUDGET && !kafka_batch_is_empty(b));
}

bool kafka_batch_add(struct kafka *k, const struct kafka_record *r, struct kafka_partition *p)
{
    enum gw_signal signal;
    bool json;
    struct gw_err err = {0};
    enum kafka_fault fault = kafka_record_read(r, (enum kafka_encoding)k->conf.encoding, &signal, &json);
    enum gw_code code = fault || !r->value.len ? GW_OK : take(k, r, signal, json, &err);
    if (is_for_later(&k->batch, code)) {
        k->batch.arena.spent = false;
        return false;
    }
    if (code)
        fault =
            code == GW_BAD_PROTOBUF || code == GW_BAD_JSON ? KAFKA_FAULT_MALFORMED : KAFKA_FAULT_TOO_LARGE;
    if (fault)
        kafka_set_aside(k, r, fault, err.what);
    done(k, r, p);
    return true;
}

/* --- the offer --- */

static bool seal(struct kafka *k)
{
    struct kafka_batch *b = &k->batch;
    struct gw_ack_callback *ack;
    size_t n = 0;
    for (int s = 0; s < GW_SIGNALS; s++)
        n += b->frames[s].list.n;
    if (!kafka_offsets_ack(k->offsets, n, &ack))
        return false;
    for (int s = 0; s < GW_SIGNALS; s++)
        for (size_t i = 0; i < b->frames[s].list.n; i++)
            b->frames[s].list.frames[i]->ack = ack;
    b->sealed = true;
    return true;
}

/* Refuses a record that can never be accepted, and counts it in the ledger. */
static enum gw_code refuse(struct kafka *k, enum gw_signal signal, const struct gw_err *why)
{
    struct otlp_frames *f = &k->batch.frames[signal];
    struct gw_err ignored;
    gw_log(GW_WARNING, KAFKA_COMPONENT, "records are refused: %s", why->what);
    (void)!gw_fanout_offer(k->host->fanout, signal, f->list.frames, f->list.n, &k->batch.intake[signal],
                           &ignored);
    return GW_OK;
}

static bool offer_signal(struct kafka *k, enum gw_signal signal, bool can_wait)
{
    struct kafka_batch *b = &k->batch;
    struct otlp_frames *f = &b->frames[signal];
    struct gw_err err = {0};
    if (!b->intake[signal].received)
        return true;
    enum gw_code code =
        gw_fanout_try(k->host->fanout, signal, f->list.frames, f->list.n, &b->intake[signal], can_wait, &err);
    if (code == GW_OVER_STORAGE)
        code = refuse(k, signal, &err);
    if (code)
        return false;
    f->list.n = 0;
    b->intake[signal] = (struct gw_intake){0};
    return true;
}

bool kafka_batch_offer(struct kafka *k, bool can_wait)
{
    struct kafka_batch *b = &k->batch;
    bool all = true;
    if (kafka_batch_is_empty(b))
        return true;
    if (!b->sealed && !seal(k))
        return false;
    if (gw_recent_wanted())
        gw_recent_begin(&(struct gw_recent_entry){.kind = GW_RECENT_REQUEST,
                                                  .parts = {[GW_REQUEST_RECEIVER] = GW_STR("kafka"),
                                                            [GW_REQUEST_PROTOCOL] = GW_STR("otlp"),
                                                            [GW_REQUEST_TRANSPORT] = GW_STR("kafka")}});
    for (int s = 0; s < GW_SIGNALS; s++)
        all &= offer_signal(k, (enum gw_signal)s, can_wait);
    gw_recent_end();
    if (!all)
        return false;
    gw_arena_reset(&b->arena, ARENA_KEEP);
    begin(b);
    return true;
}

void kafka_batch_discard(struct kafka *k)
{
    struct kafka_batch *b = &k->batch;
    for (int s = 0; s < GW_SIGNALS; s++) {
        for (size_t i = 0; i < b->frames[s].list.n; i++)
            gw_frame_abandon(b->frames[s].list.frames[i]);
        gw_frame_list_drop(&b->frames[s].list);
    }
    gw_arena_reset(&b->arena, ARENA_KEEP);
    begin(b);
}
