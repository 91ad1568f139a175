/* log_recent.c: copies a line and its record into the ring of recent data. Owns nothing beyond the call.
 * Called by log_batch.c, while a client of the API or the page is connected.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_batch.h"

#include "core/base/protobuf_wire.h"
#include "core/delivery/recent.h"

gw_str log_recent_form(const struct log_batch *b, const struct log_input *in)
{
    gw_str text = in->text;
    while (text.len && (*text.ptr == ' ' || *text.ptr == '\t'))
        text = gw_str_from(text, 1);
    if (b->script)
        return GW_STR("script");
    if (b->setup->options.parse == LOG_PARSE_NONE)
        return GW_STR("none");
    if (text.len && *text.ptr == '{')
        return GW_STR("json");
    return b->attrs.w.len ? GW_STR("logfmt") : GW_STR("text");
}

/* Returns the message that the script left, because data that a script removed must not be shown. */
static gw_str line_of(const struct log_batch *b, const struct log_input *in, const struct log_found *f)
{
    return b->script && !gw_str_eq(f->body, b->message) ? GW_NOSTR : in->text;
}

static gw_str body_of(gw_str field)
{
    struct wire_view v = {(const uint8_t *)field.ptr, (const uint8_t *)field.ptr + field.len};
    struct wire_field f;
    return wire_next(&v, &f) ? wire_text(f.body) : GW_NOSTR;
}

void log_recent_keep(struct log_batch *b, const struct log_input *in, const struct log_found *f,
                     gw_str record)
{
    struct otlp_buf resource = {0};
    log_write_resource(&resource, b->setup, &f->origin);
    b->has_lines = true;
    gw_recent_put(&(struct gw_recent_entry){
        .kind = GW_RECENT_LINE,
        .link = gw_recent_request(),
        .signal = GW_LOGS,
        .count = in->cut,
        .parts = {[GW_LINE_TEXT] = line_of(b, in, f),
                  [GW_LINE_RECEIVER] = gw_str_z(b->conf->receiver),
                  [GW_LINE_SOURCE] = log_or_else(f->source, log_or_else(in->source, b->setup->source)),
                  [GW_LINE_SCRIPT] = b->script ? sc_name(b->script) : GW_NOSTR,
                  [GW_LINE_FORM] = b->form,
                  [GW_LINE_RESOURCE] = otlp_written(&resource),
                  [GW_LINE_RECORD] = body_of(record)}});
    otlp_fini(&resource);
}
