/* otlp_frames.c: Makes frames of the pieces of a request. Called by otlp_intake.c, and by kafka_batch.c, which
 * collects the frames of many requests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/common/otlp_frames.h"

#include "translators/otlp/otlp_cut.h"

bool otlp_frames_add(struct otlp_frames *l, struct gw_frame *f)
{
    if (!gw_frame_list_reserve(&l->list, l->arena))
        return false;
    l->list.frames[l->list.n++] = f;
    return true;
}

static bool take_piece(void *ctx, struct otlp_buf *w, uint64_t items)
{
    struct otlp_frames *l = ctx;
    if (!gw_frame_list_reserve(&l->list, l->arena))
        return false;
    struct gw_frame *f = gw_frame_new(l->signal, l->schema, w->data, w->len, w->cap, (uint32_t)items);
    if (!f) {
        gw_budget_no_memory(w->account);
        return false;
    }
    f->budget = w->account; /* until the frame is offered */
    f->charged = w->cap;
    l->list.frames[l->list.n++] = f;
    return true;
}

enum gw_code otlp_frames_cut(struct otlp_frames *l, gw_str body, const struct otlp_contents *contents,
                             struct gw_err *err)
{
    const struct otlp_cut how = {.request = (enum otlp_message)(OTLP_TRACES_REQUEST + l->signal),
                                 .piece = GW_FRAME_BYTES,
                                 .uncut = 2 * (size_t)GW_FRAME_BYTES,
                                 .account = l->arena->account,
                                 .take = take_piece,
                                 .ctx = l};
    if (otlp_cut(&how, body, contents))
        return GW_OK;
    return gw_arena_refusal(l->arena, GW_BUDGET, "the request's frames", err);
}
