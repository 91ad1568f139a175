/* dd_sampling.h: who decided to keep a trace, and with what probability.
 *
 * The facts stand on one span of a chunk and hold for all of them:
 *
 *   metrics  _sampling_priority_v1                         the decision: ≤ 0 against, 1 and 2 for
 *            _dd.rule_psr, _dd.agent_psr, _dd.limit_psr    probabilities of a rule, of the agent's answer, of the rate limiter
 *            _sampling_priority_rate_v1                    as agent_psr, once
 *   meta     _dd.p.dm ("-4"), _dd.p.ksr ("0.5")            the mechanism that decided, the rate that travelled with the trace
 *            _dd.origin, other _dd.p.*, tracestate         what else travels with the trace
 *
 * From them come Span.trace_state, the attribute datadog.sampling.rate, and nothing else here. trace_state is
 * W3C's:
 *
 *     dd=s:1;o:rum;p:79c9cfcc6dd5e44e;t.dm:-3;t.usr:abc,ot=th:8;rv:f0c3a5d2b19e77,congo=t61rcWkgMzE
 *     └── of our facts, as tracers write it ──────────┘ └── OpenTelemetry's ──┘ └─ incoming, verbatim ┘
 *
 * th is the rejection threshold (1 − p) × 2^56, rounded to four significant digits, trailing zeros removed;
 * rv is the tracer's randomness. Datadog's samplers keep a trace when low × 1111111111111111111 mod 2^64 is
 * small, so rv = ~(that product) >> 8, not the trace id's low 56 bits; dd-trace-go 2.12 sends the same.
 * (OpenTelemetry specification, "TraceState: Probability Sampling".) Where something else than that hash
 * decided (the rate limiter), rv would say something untrue and is left out.
 *
 * Pure. The text lives in the arena. Facts are views.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SAMPLING_H
#define DD_SAMPLING_H

#include "translators/ddtrace/dd_span.h"

enum { DD_MAX_PROPAGATED = 16 };

struct dd_sampling {
    int priority;                               /* DD_NO_PRIORITY: none was said */
    double rule_psr, agent_psr, limit_psr, ksr; /* NAN: not said, or no probability */
    gw_str mechanism;                           /* _dd.p.dm as sent: "-4" */
    gw_str origin, tracestate;
    /* What dd_decide.c made of it. The gateway sampled at this rate (1: not at all) … */
    double gateway_rate;
    bool whole_before;        /* … and nobody before it had, as far as facts say */
    bool regardless;          /* goes on whatever the rates say, so that no probability holds for it */
    uint64_t bad_tracestates; /* texts that did not parse, and are no fact */
    struct {
        gw_str key, value; /* key without "_dd.p." */
    } propagated[DD_MAX_PROPAGATED];
    size_t propagated_n; /* further ones are not part of trace_state: it has room for 256 bytes */
};

void dd_sampling_init(struct dd_sampling *);

/* Shows it what the chunk itself says, in formats that have a place for it: first, for what is said first
 * stays; and last the mechanism, for `_dd.p.dm` may say more than a number. */
void dd_sampling_chunk(struct dd_sampling *, const struct dd_chunk *);
void dd_sampling_chunk_mechanism(struct dd_sampling *, struct gw_arena *, const struct dd_chunk *);

/* Shows it one entry of a span's meta or metrics; true when it was one of the facts above (of which the first
 * that is said stays). Keys that do not begin with '_', 't' or 'w' need not be shown. `_dd.p.tid` is no fact
 * of ours: the trace id says it. */
bool dd_sampling_text(struct dd_sampling *, gw_str key, gw_str value);
bool dd_sampling_number(struct dd_sampling *, gw_str key, double value);

/* The effective probability that the trace was kept with, in (0, 1]; NAN when nobody said, or a person or
 * product kept it regardless (mechanisms 4, 5, 10, 13). rule_psr, else agent_psr, else ksr; times limit_psr
 * where that is ≤ 1 (Java sends 100).
 * What the gateway sampled counts, too: by the same hash, so the smaller of both rates holds; where an incoming
 * ot member says a probability of other randomness, their product. */
double dd_sampling_rate(const struct dd_sampling *, uint64_t trace_id_low);

/* Kept by a person or a product, and not by a rate: priority 2 for no rule, or mechanism 4, 5, 8, 10, 13. */
bool dd_sampling_is_manual(const struct dd_sampling *);
/* Decided by the rates that an agent, or we, told: mechanism 1 or 2, or agent_psr alone. */
bool dd_sampling_follows_rates(const struct dd_sampling *);
/* Does a probability stand among the facts? */
bool dd_sampling_says_rate(const struct dd_sampling *);

/* 1 for "-1": the number of the mechanism; -1 when none was said. */
int dd_sampling_mechanism(const struct dd_sampling *);

/* Span.trace_state of the spans of one trace; empty when there is nothing to say. `last_parent` is the span's
 * own `_dd.parent_id` or empty; a chunk whose spans have none needs one call. */
gw_str dd_sampling_state(const struct dd_sampling *, struct gw_arena *, uint64_t trace_id_low,
                         gw_str last_parent);

#endif
