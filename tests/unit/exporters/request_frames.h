/* request_frames.h: frames that are real requests, for tests of what reads them.
 *
 * Ownership: the frame has one reference, the caller's. SPDX-License-Identifier: Apache-2.0 */
#ifndef REQUEST_FRAMES_H
#define REQUEST_FRAMES_H

#include <stdio.h>

#include "core/delivery/frame.h"
#include "translators/otlp/otlp_write.h"

/* One resource and scope; spans named, or records that say, "NAME 0" … `schema_url` is the resource's, as long as
 * a test wants. */
static inline struct gw_frame *request_frame_of(enum gw_signal signal, const char *name, unsigned items,
                                                gw_str schema_url)
{
    struct otlp_buf w = {0};
    size_t resource = otlp_open(&w, 1, 3);
    otlp_text(&w, 3, schema_url);
    size_t scope = otlp_open(&w, 2, 3);
    for (unsigned i = 0; i < items; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s %u", name, i);
        size_t item = otlp_open(&w, 2, 3);
        if (signal == GW_TRACES) {
            otlp_text(&w, 5, gw_str_z(text));
        } else {
            size_t body = otlp_open(&w, 5, 2);
            otlp_any_text(&w, gw_str_z(text));
            otlp_close(&w, body, 2);
        }
        otlp_close(&w, item, 3);
    }
    otlp_close(&w, scope, 3);
    otlp_close(&w, resource, 3);
    return gw_frame_new(signal, GW_OTEL, w.data, w.len, w.cap, items);
}

static inline struct gw_frame *request_frame(enum gw_signal signal, const char *name, unsigned items)
{
    return request_frame_of(signal, name, items, GW_NOSTR);
}

#endif
