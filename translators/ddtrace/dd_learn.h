/* dd_learn.h: makes a plan (dd_plan.h) from a span that the slow path has just written.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_LEARN_H
#define DD_LEARN_H

#include "translators/ddtrace/dd_write.h"

/* The span is the one in w->f; w->trail lists the positions of its parts in `b`. No plan is made if the
 * result depends on something that a plan does not compare: the span's parent, other spans of the process, a
 * rare tag. */
void dd_learn(struct dd_writer *w, const struct dd_scanned *, const struct dd_group *,
              const struct otlp_buf *b, uint64_t hash);

#endif
