/* operate.h: operators and slices. Each evaluates its node; false with the fault when the operands do not go
 * together.
 * Threads: pure functions, except for the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_OPERATE_H
#define SC_OPERATE_H

#include "translators/pipeline/script_internal.h"

bool sc_unary(struct sc_run *, const struct sc_node *, struct sc_val *out);
bool sc_binary(struct sc_run *, const struct sc_node *, struct sc_val *out);
/* x->op on two values: + - * / % (x may be an assignment such as +=). */
bool sc_arithmetic(struct sc_run *, const struct sc_node *x, const struct sc_val *a, const struct sc_val *b,
                   struct sc_val *out);
bool sc_slice(struct sc_run *, const struct sc_node *, struct sc_val *out);

#endif
