/* Any bytes as a frame for stdout: they are refused, or printed as whole JSON and as lines that cannot drive
 * a terminal. First byte: signal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/base/err.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"
#include "exporters/stdout/pretty_metric.h"
#include "exporters/stdout/trace_buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(const struct out *o)
{
    gw_str s = gw_str_n(o->data, o->len);
    GW_ASSERT(gw_utf8_valid(s));
    while (s.len) {
        uint32_t r = out_next_rune(&s);
        GW_ASSERT(r == '\n' || !out_rune_hidden(r));
    }
}

/* Brackets balance outside of strings, and no control character stands anywhere. */
static void check_json(const struct out *o)
{
    long depth = 0;
    bool quoted = false;
    check_lines(o);
    for (size_t i = 0; i < o->len; i++) {
        char c = o->data[i];
        GW_ASSERT(c != '\n');
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']'))
            GW_ASSERT(--depth >= 0);
    }
    GW_ASSERT(!quoted && depth == 0);
}

/* As a batch of logs that is shown at once, and what waits of it then. */
static void show_logs(struct out *o, const uint8_t *data, size_t size, uint32_t items)
{
    static const struct pretty how = {.color = false, .columns = 0};
    struct gw_frame f = {.signal = GW_LOGS, .items = items, .len = size, .data = (uint8_t *)(uintptr_t)data};
    struct gw_frame *frames[] = {&f};
    struct gw_batch batch = {.signal = GW_LOGS, .n = 1, .bytes = size, .items = items, .frames = frames};
    struct trace_buffer trace_buffer;
    struct buffered_batch buffered_batch;
    struct gw_arena arena;
    size_t n;
    trace_buffer_init(&trace_buffer, GW_SEC);
    GW_ASSERT(buffered_batch_begin(&buffered_batch, &batch, NULL));
    for (int turn = 0; turn < 2; turn++) {
        gw_arena_init(&arena, size * 48 + (1 << 20));
        struct pretty_log *logs = trace_buffer_now(&trace_buffer, &buffered_batch, &arena, &n);
        if (logs)
            pretty_logs(o, &how, logs, n);
        trace_buffer_written(&trace_buffer, &buffered_batch);
        gw_arena_fini(&arena);
        trace_buffer_add(&trace_buffer, &buffered_batch, 0);
        GW_ASSERT(trace_buffer_take(&trace_buffer, 2 * GW_SEC, false) == &buffered_batch);
    }
    GW_ASSERT(buffered_batch_is_over(&buffered_batch));
    if (!o->failed)
        check_lines(o);
    buffered_batch_end(&buffered_batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    struct out o;
    if (size == 0)
        return 0;
    enum gw_signal signal = (enum gw_signal)(data[0] % GW_SIGNALS);
    gw_arena_init(&arena, size * 48 + (1 << 20));
    out_init(&o, 64 << 20);
    const ProtobufCMessage *m = otlp_read(&arena, signal, gw_str_n((const char *)data + 1, size - 1));
    if (m) {
        otlp_json(&o, m);
        if (!o.failed)
            check_json(&o);
        out_reset(&o);
    }
    if (m && signal == GW_TRACES) {
        const pretty_request *r = (const pretty_request *)m;
        struct pretty how = {.columns = size % 160};
        if (pretty_traces(&o, &arena, &how, &r, 1, NULL, 0) && !o.failed)
            check_lines(&o);
    }
    out_reset(&o);
    if (m && signal == GW_METRICS) {
        static struct pretty_history history;
        struct pretty how = {.columns = size % 160};
        memset(&history, 0, sizeof history);
        pretty_metrics(&o, &how, &history, (const pretty_metrics_request *)m);
        if (!o.failed)
            check_lines(&o);
    }
    out_reset(&o);
    if (signal == GW_LOGS)
        show_logs(&o, data + 1, size - 1, data[0]);
    out_fini(&o);
    gw_arena_fini(&arena);
    return 0;
}
