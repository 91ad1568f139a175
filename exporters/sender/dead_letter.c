/* Writes refused requests as OTLP/JSON lines to two files of limited size (core/delivery/dead_letter_file.h).
 * A frame is first written as text in memory, so a line is in the file completely or not at all. Called by
 * sender_outcome.c on the sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/dead_letter.h"

#include "core/base/log.h"
#include "core/base/scrub.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"

enum { UNFOLD = 64, SCRATCH = 1024 * 1024 }; /* UNFOLD: memory that a decoded message takes, per byte of it */

void gw_dead_letter_init(struct gw_dead_letter *d, gw_str directory, uint64_t max_size, const char *name,
                         const char *component)
{
    *d = (struct gw_dead_letter){0};
    gw_dead_letter_file_init(&d->file, directory, max_size, name, component);
}

void gw_dead_letter_close(struct gw_dead_letter *d)
{
    gw_dead_letter_file_close(&d->file);
}

void gw_dead_letter_inherit(struct gw_dead_letter *d, struct gw_dead_letter *predecessor)
{
    gw_dead_letter_close(predecessor);
    if (!gw_str_eq(d->file.directory, predecessor->file.directory))
        return;
    memcpy(d->now, predecessor->now, sizeof d->now);
    memcpy(d->old, predecessor->old, sizeof d->old);
}

/* Updates the counts after lines were written. */
static void follow(struct gw_dead_letter *d, const struct gw_dead_letter_fate *fate,
                   uint64_t overwritten[GW_SIGNALS])
{
    if (fate->taken_away)
        memset(d->now, 0, sizeof d->now);
    for (int i = 0; i < GW_SIGNALS && fate->turned; i++) {
        overwritten[i] += d->old[i];
        d->old[i] = d->now[i];
        d->now[i] = 0;
    }
}

/* Writes a frame as one line. Returns false if it cannot be written as text; `out` is then failed and tells
 * whether memory was the reason. */
static bool render(struct out *out, const struct gw_frame *f)
{
    struct gw_arena arena;
    gw_arena_init(&arena, f->len * UNFOLD + SCRATCH);
    const ProtobufCMessage *message = otlp_read(&arena, f->signal, gw_str_n((const char *)f->data, f->len));
    if (message) {
        otlp_json(out, message);
        if (!out->failed)
            out->len = gw_scrub_data(out->data, out->len);
        out_char(out, '\n');
    } else {
        out->failed = true;
        out->no_memory = arena.no_memory;
    }
    gw_arena_fini(&arena);
    return !out->failed;
}

/* Returns true if the frame is in the file. */
static bool put_frame(struct gw_dead_letter *d, const struct gw_frame *f, struct out *out,
                      struct gw_set_aside *put)
{
    struct gw_dead_letter_fate fate;
    out_reset(out);
    put->no_memory = !render(out, f) && out->no_memory;
    if (put->no_memory)
        return false;
    if (out->failed) {
        gw_log(GW_WARNING, d->file.component, "%.*s: a request cannot be set aside as text: it is too large",
               GW_FMT(d->file.directory));
        return false;
    }
    bool there = gw_dead_letter_file_put(&d->file, gw_str_n(out->data, out->len), &fate);
    follow(d, &fate, put->overwritten);
    return there;
}

struct gw_set_aside gw_dead_letter_put(struct gw_dead_letter *d, const struct gw_batch *b)
{
    struct gw_set_aside put = {0};
    struct out out;
    if (!d->file.directory.len)
        return put;
    out_init(&out, d->file.max_size);
    while (put.frames < b->n && put_frame(d, b->frames[put.frames], &out, &put)) {
        const struct gw_frame *f = b->frames[put.frames++];
        d->now[b->signal] += f->items;
        put.items += f->items;
    }
    out_fini(&out);
    return put;
}
