/* pretty_path.h: prints lines that hold a path, cut in the middle where they do not fit.
 *
 *     File "/usr/lib/a/long/way/to/NAME", line 112, in get         Python's line of a stack trace
 *     /usr/lib/…/NAME:112 in get                                   … in 30 columns
 *     at com.acme.…OrderService.place(OrderService.java:112)       Java's
 *
 * The end of such a line tells most: the file's name, the line's number, the function. So the middle of the path
 * goes, at a separator. A line without a path is cut at its end.
 *
 * Threads: pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_PATH_H
#define GW_PRETTY_PATH_H

#include "exporters/stdout/pretty_span.h"

/* In at most `columns`, and in what is left of the line. */
void pretty_put_frame(struct pretty_line *, enum pretty_style, gw_str text, size_t columns);

#endif
