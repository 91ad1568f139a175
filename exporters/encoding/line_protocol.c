/* line_protocol.c: Unpacks an OTLP request and writes it as lines of line protocol. Owns nothing. Called by
 * stdout.c and datakit.c, on their senders' threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/line_protocol.h"

#include "exporters/encoding/line_signals.h"
#include "exporters/encoding/otlp_read.h"

bool line_protocol(struct out *o, struct gw_arena *arena, enum gw_signal signal, gw_str request,
                   enum line_ids ids, uint64_t *left_out)
{
    static uint64_t (*const writers[GW_SIGNALS])(struct out *, struct gw_arena *, const ProtobufCMessage *,
                                                 enum line_ids) = {[GW_TRACES] = line_protocol_spans,
                                                                   [GW_LOGS] = line_protocol_logs,
                                                                   [GW_METRICS] = line_protocol_metrics};
    const ProtobufCMessage *message = otlp_read(arena, signal, request);
    if (!message)
        return false;
    *left_out = writers[signal](o, arena, message, ids);
    return true;
}
