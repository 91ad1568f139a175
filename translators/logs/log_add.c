/* log_add.c: Adds a record to a batch: read by its script, by its text or JSON, or unchanged. Keeps no state
 * but the batch's. log_add is called by the log receivers, one thread per batch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_batch.h"

/* Adds a line that is not parsed. */
static enum gw_code add_plain(struct log_batch *b, const struct log_input *in)
{
    struct log_found found;
    log_found_begin(&found, in->text);
    return log_batch_write(b, in, &found);
}

static bool is_python(gw_str source)
{
    return gw_str_starts(source, GW_STR("python"));
}

/* The item is read first, then the script or the text: the item names the source, and the source the script. */
static enum gw_code add_read(struct log_batch *b, const struct log_input *in)
{
    struct log_found found;
    log_found_begin(&found, in->text);
    gw_str source = log_or_else(in->source, b->setup->source);
    struct log_reader r = {.arena = &b->scratch,
                           .clock = &b->clock,
                           .attrs = &b->attrs,
                           .now = in->observed,
                           .python = is_python(source)};
    bool inner = false, item = in->form == LOG_ITEM && log_read_item(&r, in->text, &found, &inner);
    const struct sc_script *script =
        !item || inner ? log_script_of(b, in->script, log_or_else(found.source, source)) : NULL;
    if (script)
        return log_script_run(b, script, in, found.body, &found);
    if (b->setup->options.parse == LOG_PARSE_NONE)
        return log_batch_write(b, in, &found);
    if (item && inner)
        log_read_inner(&r, found.body, &found);
    else if (!item)
        log_read_any(&r, in->text, &found);
    return log_batch_write(b, in, &found);
}

enum gw_code log_add(struct log_batch *b, const struct log_input *in)
{
    if (b->n == 0 && b->generation != atomic_load_explicit(&b->conf->generation, memory_order_relaxed))
        log_batch_begin_setup(b);
    if (b->scratch.used)
        gw_arena_reset(&b->scratch, LOG_SCRATCH_KEEP);
    log_attrs_begin(&b->attrs, &b->scratch);
    b->script = NULL;
    bool plain = b->setup->options.parse == LOG_PARSE_NONE && in->form == LOG_TEXT && !b->setup->fixed &&
                 !b->setup->library;
    return plain ? add_plain(b, in) : add_read(b, in);
}
