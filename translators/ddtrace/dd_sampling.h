/* dd_sampling.h: finds out what decided to keep a trace, and with what probability.
 *
 * One span of a chunk carries the facts, which apply to all its spans:
 *
 *   metrics  _sampling_priority_v1                         the decision: ≤ 0 reject, 1 and 2 keep
 *            _dd.rule_psr, _dd.agent_psr, _dd.limit_psr    probabilities of a rule, of the agent's answer, of the rate limiter
 *            _sampling_priority_rate_v1                    older name of agent_psr
 *   meta     _dd.p.dm ("-4"), _dd.p.ksr ("0.5")            the mechanism that decided, the propagated rate
 *            _dd.origin, other _dd.p.*, tracestate         other propagated values
 *
 * Span.trace_state and the attribute datadog.sampling.rate are derived from them. trace_state has W3C's
 * format:
 *
 *     dd=s:1;o:rum;p:79c9cfcc6dd5e44e;t.dm:-3;t.usr:abc,ot=th:8;rv:f0c3a5d2b19e77,congo=t61rcWkgMzE
 *     └── the facts, as tracers write them ───────────┘ └── OpenTelemetry's ──┘ └─ incoming, verbatim ┘
 *
 * th is the rejection threshold (1 − p) × 2^56, rounded to four significant digits, without trailing zeros;
 * rv is the tracer's randomness. Datadog's samplers keep a trace if low × 1111111111111111111 mod 2^64 is
 * small, so rv = ~(that product) >> 8, not the low 56 bits of the trace id; dd-trace-go 2.12 sends the same.
 * (OpenTelemetry specification, "TraceState: Probability Sampling".) If something other than that hash
 * decided (the rate limiter), rv would be wrong and is left out.
 *
 * Keeps no state. Texts are in the arena; facts are views.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SAMPLING_H
#define DD_SAMPLING_H

#include "translators/ddtrace/dd_span.h"

enum { DD_MAX_PROPAGATED = 16 };

struct dd_sampling {
    int priority;                               /* DD_NO_PRIORITY: none was sent */
    double rule_psr, agent_psr, limit_psr, ksr; /* NAN: missing, or not a probability */
    gw_str mechanism;                           /* _dd.p.dm unchanged: "-4" */
    gw_str origin, tracestate;
    /* Results of dd_decide.c. The rate at which the gateway sampled (1: it did not) … */
    double gateway_rate;
    bool whole_before;        /* … and no component before it had sampled, according to the facts */
    bool regardless;          /* kept regardless of the rates, so that no probability applies */
    uint64_t bad_tracestates; /* texts that could not be parsed and are ignored */
    struct {
        gw_str key, value; /* key without "_dd.p." */
    } propagated[DD_MAX_PROPAGATED];
    size_t propagated_n; /* further ones are not in trace_state, which has room for 256 bytes */
};

void dd_sampling_init(struct dd_sampling *);

/* Reads the facts of the chunk itself, in formats that have fields for them. Call it before dd_sampling_text,
 * because the first value of a fact counts; the mechanism is set last, because `_dd.p.dm` may contain more
 * than a number. */
void dd_sampling_chunk(struct dd_sampling *, const struct dd_chunk *);
void dd_sampling_chunk_mechanism(struct dd_sampling *, struct gw_arena *, const struct dd_chunk *);

/* Reads one entry of a span's meta or metrics. Returns true if it is one of the facts above (the first value
 * counts). Only keys that begin with '_', 't' or 'w' need to be passed. `_dd.p.tid` is not a fact here: it is
 * part of the trace id. */
bool dd_sampling_text(struct dd_sampling *, gw_str key, gw_str value);
bool dd_sampling_number(struct dd_sampling *, gw_str key, double value);

/* Returns the effective probability with which the trace was kept, in (0, 1]; NAN if it is unknown, or if a
 * person or product kept the trace regardless (mechanisms 4, 5, 10, 13). It is rule_psr, else agent_psr, else
 * ksr; multiplied by limit_psr if that is ≤ 1 (Java sends 100). The gateway's own rate is included: with the
 * same hash, the smaller rate applies; if an incoming ot member has a probability with other randomness,
 * their product. */
double dd_sampling_rate(const struct dd_sampling *, uint64_t trace_id_low);

/* Returns whether a person or a product kept the trace and not a rate: priority 2 without a rule, or
 * mechanism 4, 5, 8, 10, 13. */
bool dd_sampling_is_manual(const struct dd_sampling *);
/* Returns whether the rates that an agent or this gateway sent decided: mechanism 1 or 2, or agent_psr
 * alone. */
bool dd_sampling_follows_rates(const struct dd_sampling *);
/* Returns whether the facts include a probability. */
bool dd_sampling_says_rate(const struct dd_sampling *);

/* Returns the number of the mechanism, such as 1 for "-1"; -1 if there is none. */
int dd_sampling_mechanism(const struct dd_sampling *);

/* Returns Span.trace_state for the spans of one trace; empty if there are no facts. `last_parent` is the
 * span's own `_dd.parent_id` or empty; one call is enough for a chunk whose spans have none. */
gw_str dd_sampling_state(const struct dd_sampling *, struct gw_arena *, uint64_t trace_id_low,
                         gw_str last_parent);

#endif
