/* dd_learn.h: a span that was just written the long way leaves a plan (dd_plan.h) behind.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_LEARN_H
#define DD_LEARN_H

#include "translators/ddtrace/dd_write.h"

/* The span that w->f holds, as w->trail says that it lies in `b`. Learns nothing where something was concluded from what a plan does not
 * compare: the parent, other spans of the process, a tag that is too rare to care for. */
void dd_learn(struct dd_writer *w, const struct dd_scanned *, const struct dd_group *, const struct otlp_buf *b, uint64_t hash);

#endif
