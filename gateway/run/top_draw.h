/* top_draw.h: a page of `ddgate top`, as lines.
 *
 *     head      where, for how long, memory, bytes
 *     signals   received, accepted, refused, dropped: a second, or in all
 *     exporters state, rate, queue, oldest, latency; the last error below one that is not well
 *     clients   service, tracer, host, spans a second; what is known of their versions below, where there is room
 *
 * Pure but for the buffer. Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TOP_DRAW_H
#define GW_TOP_DRAW_H

#include "exporters/encoding/output_buffer.h"
#include "gateway/run/top_read.h"

enum top_order { TOP_BY_RATE, TOP_BY_NAME, TOP_BY_LAST, TOP_BY_HOST };

struct top_view {
    const char *where;   /* for the head */
    const char *trouble; /* instead of an answer that did not come; NULL: it came */
    unsigned columns;
    unsigned rows;    /* 0: as many as there are */
    bool color, keys; /* keys: the last line names them */
    enum top_order order;
};

void top_sort(struct top_page *, enum top_order);
/* `before` is the page before, for what came in between; NULL: totals. Each line ends with LF. */
void top_draw(struct out *, const struct top_view *, const struct top_page *, const struct top_page *before);

#endif
