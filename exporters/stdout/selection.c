/* selection.c: Decides which traces and log records are printed, and writes the line about those that are not.
 * Owns nothing. Called by stdout.c, on the sender's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/stdout/selection.h"

#include <inttypes.h>
#include <stdio.h>

#include "exporters/stdout/pretty_span.h"

/* Numbers of OpenTelemetry's severities. */
enum { WARN = 13, ERROR = 17 };

void selection_init(struct selection *s, const struct selection_rules *rules, gw_nsec fold, uint64_t seed)
{
    *s = (struct selection){.rules = *rules, .since = GW_NEVER};
    repeats_init(&s->repeats, fold, seed);
}

static bool has_rules(const struct selection_rules *r)
{
    return r->errors || r->services.n || r->min_duration;
}

/* Something may be left out or folded. */
static bool is_set(const struct selection *s)
{
    return has_rules(&s->rules) || s->repeats.window;
}

static bool is_listed(const struct gw_list *services, const pretty_resource *r)
{
    gw_str service = pretty_resource_text(r, "service.name");
    for (size_t i = 0; i < services->n; i++)
        if (gw_str_eq(services->items[i], service))
            return true;
    return false;
}

static bool has_severity(const struct pretty_log *logs, size_t n, int least)
{
    for (size_t i = 0; i < n; i++)
        if ((int)logs[i].record->severity_number >= least)
            return true;
    return false;
}

static bool has_service(const struct selection_rules *rules, const struct pretty_trace *t)
{
    const pretty_resource *before = NULL;
    for (size_t i = 0; i < t->n; i++) {
        if (t->spans[i]->resource != before && is_listed(&rules->services, t->spans[i]->resource))
            return true;
        before = t->spans[i]->resource;
    }
    return false;
}

static enum selection_cause judge(const struct selection_rules *rules, const struct pretty_trace *t,
                                  const struct pretty_log *logs, size_t n)
{
    if (rules->errors && !t->errors && !has_severity(logs, n, ERROR))
        return SELECTION_NO_ERROR;
    if (rules->services.n && !has_service(rules, t))
        return SELECTION_OTHER_SERVICE;
    if (rules->min_duration && t->end < t->begin + (uint64_t)rules->min_duration)
        return SELECTION_TOO_SHORT;
    return SELECTION_TAKEN;
}

static void begin_period(struct selection *s, gw_nsec now)
{
    s->since = s->since == GW_NEVER ? now : s->since;
}

/* --- traces --- */

static void leave_out(struct selection *s, enum selection_cause cause, enum trace_fate before,
                      const struct pretty_trace *t, struct pretty_log *logs, size_t n, gw_nsec now)
{
    s->left_out_spans += t->n;
    s->traces[cause] += before == TRACE_UNSEEN; /* else it was counted with an earlier part */
    s->logs += n;
    for (size_t i = 0; i < n; i++)
        logs[i].left_out = true;
    begin_period(s, now);
}

/* A further part of a trace that was folded goes the same way, unless there is something to see. */
static bool is_folded(struct selection *s, enum trace_fate before, const struct pretty_trace *t,
                      const struct pretty_log *logs, size_t n, gw_nsec now)
{
    if (before == TRACE_SHOWN || has_severity(logs, n, WARN))
        return false;
    return repeats_fold(&s->repeats, t, now) || (before == TRACE_FOLDED && !t->errors);
}

bool selection_takes_trace(struct selection *s, struct trace_buffer *seen, const struct pretty_trace *t,
                           struct pretty_log *logs, size_t n, gw_nsec now)
{
    ProtobufCBinaryData id = t->spans[0]->span->trace_id;
    enum trace_fate before = trace_buffer_fate(seen, id), fate = TRACE_SHOWN;
    enum selection_cause cause =
        before == TRACE_SHOWN || before == TRACE_FOLDED ? SELECTION_TAKEN : judge(&s->rules, t, logs, n);
    if (cause != SELECTION_TAKEN) {
        leave_out(s, cause, before, t, logs, n, now);
        fate = cause == SELECTION_TOO_SHORT ? TRACE_TOO_SHORT : TRACE_LEFT_OUT;
    } else if (is_folded(s, before, t, logs, n, now)) {
        for (size_t i = 0; i < n; i++)
            logs[i].shown = true;
        fate = TRACE_FOLDED;
    }
    trace_buffer_seen_trace(seen, id, fate);
    return fate == TRACE_SHOWN;
}

/* --- log records --- */

static bool takes_log(const struct selection_rules *rules, const struct pretty_log *log, enum trace_fate fate)
{
    if (fate == TRACE_SHOWN)
        return true;
    return fate != TRACE_TOO_SHORT && (!rules->errors || has_severity(log, 1, ERROR)) &&
           (!rules->services.n || is_listed(&rules->services, log->resource));
}

size_t selection_sift_logs(struct selection *s, const struct trace_buffer *seen, struct pretty_log *logs,
                           size_t n, gw_nsec now)
{
    size_t kept = 0;
    for (size_t i = 0; i < n && is_set(s); i++) {
        enum trace_fate fate = trace_buffer_fate(seen, logs[i].record->trace_id);
        if (!takes_log(&s->rules, &logs[i], fate)) {
            trace_buffer_leave_out(&logs[i]);
            s->logs++;
            begin_period(s, now);
        } else if (fate != TRACE_FOLDED || has_severity(&logs[i], 1, WARN)) {
            logs[kept++] = logs[i];
        }
    }
    n = is_set(s) ? kept : n;
    pretty_log_sort_by_time(logs, n);
    return n;
}

/* --- what is told --- */

/* 1204 as 1,204. */
static const char *grouped(char out[32], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n), to = 0;
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    out[to] = '\0';
    return out;
}

static void put_cause(const struct selection *s, enum selection_cause cause, const char *comma,
                      struct pretty_line *l)
{
    char number[32], least[16] = "", text[96];
    static const char *const words[SELECTION_CAUSES] = {
        [SELECTION_NO_ERROR] = " without errors",
        [SELECTION_OTHER_SERVICE] = " of other services",
        [SELECTION_TOO_SHORT] = " shorter than ",
    };
    if (cause == SELECTION_TOO_SHORT)
        pretty_duration(least, (uint64_t)s->rules.min_duration);
    snprintf(text, sizeof text, "%s%s trace%s%s%s", comma, grouped(number, s->traces[cause]),
             s->traces[cause] == 1 ? "" : "s", words[cause], least);
    pretty_put(l, PRETTY_YELLOW, text);
}

static void put_left_out(struct selection *s, struct out *o, const struct pretty *how)
{
    char number[32], text[64];
    const char *comma = "";
    struct pretty_line l = {o, NULL, how->color ? "" : NULL, how->columns ? how->columns : SIZE_MAX / 2};
    pretty_put(&l, PRETTY_YELLOW, "hidden: ");
    for (int cause = 0; cause < SELECTION_CAUSES; cause++) {
        if (!s->traces[cause])
            continue;
        put_cause(s, (enum selection_cause)cause, comma, &l);
        comma = ", ";
    }
    if (s->logs) {
        snprintf(text, sizeof text, "%s%s log record%s", comma, grouped(number, s->logs),
                 s->logs == 1 ? "" : "s");
        pretty_put(&l, PRETTY_YELLOW, text);
    } else if (!*comma) {
        pretty_put(&l, PRETTY_YELLOW, "further parts of traces");
    }
    pretty_end(&l);
    memset(s->traces, 0, sizeof s->traces);
    s->logs = 0;
    s->since = GW_NEVER;
}

static gw_nsec next_line(const struct selection *s)
{
    return s->since == GW_NEVER ? GW_NEVER : s->since + SELECTION_PERIOD;
}

void selection_put(struct selection *s, struct out *o, const struct pretty *how, gw_nsec now, bool all)
{
    repeats_put(&s->repeats, o, how, now, all);
    if (s->since != GW_NEVER && (all || next_line(s) <= now))
        put_left_out(s, o, how);
}

gw_nsec selection_next(const struct selection *s)
{
    gw_nsec line = next_line(s), repeats = repeats_next(&s->repeats);
    return line < repeats ? line : repeats;
}
