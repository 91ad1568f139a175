/* Translates statistics: walks over payloads, buckets and groups, and passes each group to
 * span_duration_metric.h and ddsketch.h.
 *
 * The state is in the call's struct dd_stats_work. Called by the ddtrace receiver, tests and the fuzzer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_stats.h"

#include <math.h>

#include "translators/ddtrace/dd_sql.h"
#include "translators/ddtrace/dd_span.h"
#include "translators/ddtrace/dd_stats_internal.h"
#include "translators/metrics/span_duration_metric.h"

enum { POINT_ATTRIBUTES = 1 };
static const double second = 1e-9; /* in nanoseconds, the unit of durations */

/* --- attributes --- */

static size_t read_tags(gw_str raw, struct span_duration_tag *tags, size_t n)
{
    struct dd_stats_array a = dd_stats_array(raw);
    for (gw_str text; n < SPAN_DURATION_TAGS && dd_stats_next_text(&a, &text);) {
        size_t colon = gw_str_find(text, ':');
        if (colon > 0 && colon < text.len)
            tags[n++] = (struct span_duration_tag){gw_str_n(text.ptr, colon), gw_str_from(text, colon + 1)};
    }
    return n;
}

/* Removes a tag from the list because the resource has it. */
static gw_str take_tag(struct span_duration_tag *tags, size_t n, gw_str key)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(tags[i].key, key)) {
            gw_str value = tags[i].value;
            tags[i].value = GW_NOSTR;
            return value;
        }
    return GW_NOSTR;
}

static enum dd_sql_dialect dialect_of(const struct dd_stats_group *g, const struct span_duration *s)
{
    gw_str system = g->db_type;
    for (size_t i = 0; i < s->peer_tags_n && !system.len; i++)
        if (gw_str_eq(s->peer_tags[i].key, GW_STR("db.system")) ||
            gw_str_eq(s->peer_tags[i].key, GW_STR("db.type")))
            system = s->peer_tags[i].value;
    return dd_sql_dialect(system);
}

/* Tracers leave the removal of literals to the agent. A resource that is already obfuscated does not
 * change. */
static gw_str safe_resource(const struct dd_stats_work *w, const struct dd_stats_group *g,
                            const struct span_duration *s)
{
    static const gw_str json[] = {GW_LIT("mongodb"), GW_LIT("elasticsearch"), GW_LIT("opensearch")};
    gw_str type = g->type,
           raw = w->env->privacy ? dd_privacy_resource(w->env->privacy, g->resource, w->arena) : g->resource;
    if (!w->options->obfuscate || !raw.len)
        return raw;
    if (gw_str_ieq(type, GW_STR("sql")) || gw_str_ieq(type, GW_STR("db")) ||
        gw_str_ieq(type, GW_STR("cassandra")))
        return dd_sql_sanitize(w->arena, dialect_of(g, s), raw);
    if (gw_str_ieq(type, GW_STR("redis")) || gw_str_ieq(type, GW_STR("valkey")))
        return dd_redis_sanitize(w->arena, raw);
    if (gw_str_ieq(type, GW_STR("memcached")))
        return dd_memcached_sanitize(w->arena, raw);
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        if (gw_str_ieq(type, json[i]))
            return dd_json_sanitize_part(w->arena, raw);
    return raw;
}

/* --- numbers --- */

/* The spans of one summary. */
struct part {
    struct ddsketch sketch;
    uint64_t n;
    double sum; /* of their durations in ns, estimated from the sketch */
};

/* Returns whether the mapping is an agent's: gamma is 1.01 / 0.99. */
static bool is_agents(const struct ddsketch *s)
{
    return fabs(s->log2_gamma - log2(1.01 / 0.99)) < 1e-9;
}

/* Sketches whose bins are numbered one higher have no offset. An agent that merges sketches of several Python
 * processes makes new ones, numbered like Go's; it does not renumber those of JavaScript, whose mapping is
 * different. */
static bool read_sketch(gw_str bytes, const struct dd_stats_process *p, struct ddsketch *s)
{
    if (!ddsketch_read(bytes, DDSKETCH_LOWER, s))
        return false;
    bool up = p->bound == DDSKETCH_UPPER && s->offset == 0 && !(p->may_be_remade && is_agents(s));
    return !up || ddsketch_read(bytes, DDSKETCH_UPPER, s);
}

static uint64_t rounded(double n)
{
    return (uint64_t)(n + 0.5);
}

static void estimate_sum(struct part *p)
{
    p->sum = p->n ? p->sketch.sum / p->sketch.count * (double)p->n : 0;
}

/* Old agents send counts and sketches separately: such a group has no hits. */
static enum dd_stats_fault read_parts(const struct dd_stats_group *g, const struct dd_stats_process *p,
                                      struct part *ok, struct part *error)
{
    if (!read_sketch(g->ok, p, &ok->sketch) || !read_sketch(g->error, p, &error->sketch))
        return DD_STATS_BAD_SKETCH;
    if (g->hits > 1ull << 53)
        return DD_STATS_BAD_FIELD;
    error->n = g->errors < g->hits ? g->errors : g->hits; /* agents round both numbers randomly */
    ok->n = g->hits - error->n;
    if (!g->hits) {
        ok->n = rounded(ok->sketch.count);
        error->n = rounded(error->sketch.count);
    }
    if ((ok->n && ok->sketch.count <= 0) || (error->n && error->sketch.count <= 0))
        return DD_STATS_NO_SKETCH;
    estimate_sum(ok);
    estimate_sum(error);
    double both = ok->sum + error->sum;
    if (g->hits && g->duration && both > 0) {
        ok->sum *= (double)g->duration / both;
        error->sum *= (double)g->duration / both;
    }
    return DD_STATS_GOOD;
}

/* The sketch's minimum and maximum are off by the width of a bin; the mean is exact. */
static bool fill(const struct part *p, struct exphist *h)
{
    double mean = p->sum * second / (double)p->n, min = p->sketch.min * second, max = p->sketch.max * second;
    if (!ddsketch_fill(&p->sketch, p->n, second, h))
        return false;
    h->sum = p->sum * second;
    h->min = p->n == 1 || min > mean ? mean : min;
    h->max = p->n == 1 || max < mean ? mean : max;
    return true;
}

/* --- points --- */

static bool add_part(struct dd_stats_work *w, const struct dd_stats_bucket *b, struct dd_stats_resource *r,
                     struct span_duration *s, const struct part *p, bool error)
{
    struct exphist h;
    struct dd_stats_point *point;
    if (!p->n)
        return true;
    s->error = error;
    w->scratch.len = 0;
    span_duration_attributes(&w->scratch, POINT_ATTRIBUTES, s);
    if (w->scratch.failed ||
        !(point = dd_stats_point(&w->points, r, b->start, b->start + b->duration, otlp_written(&w->scratch))))
        return false;
    exphist_init(&h, w->arena->account);
    bool good = fill(p, &h) && exphist_merge(&point->histogram, &h);
    exphist_fini(&h);
    return good;
}

static bool refuse(struct dd_stats_work *w, enum dd_stats_fault why, uint64_t n)
{
    w->out->refused[why] += n;
    w->out->intake.received += n;
    w->out->intake.not_taken[GW_REASON_BAD_GROUP] += n;
    return true;
}

static struct span_duration describe_spans(const struct dd_stats_group *g)
{
    return (struct span_duration){
        .service = g->service,
        .operation = g->name,
        .type = g->type,
        .kind = g->kind,
        .synthetics = g->synthetics,
        .top_level = g->top_level_hits && g->top_level_hits >= g->hits,
        .trace_root = g->trace_root == 1   ? SPAN_IS_ROOT
                      : g->trace_root == 2 ? SPAN_IS_NO_ROOT
                                           : SPAN_ROOT_UNKNOWN,
        .http_status = g->http_status < 1000 ? (unsigned)g->http_status : 0,
        .http_method = g->http_method,
        .http_endpoint = g->http_endpoint,
        .grpc_status = g->grpc_status,
        .db_type = g->db_type,
        .service_source = g->service_source,
    };
}

/* Returns false if there is no memory. */
static bool take_group(struct dd_stats_work *w, struct dd_stats_process *p, const struct dd_stats_bucket *b,
                       gw_str raw)
{
    struct dd_stats_group g;
    struct part ok = {.n = 0}, error = {.n = 0};
    struct span_duration_tag peers[SPAN_DURATION_TAGS], tags[SPAN_DURATION_TAGS];
    w->out->groups++;
    if (!dd_stats_read_group(raw, &g))
        return refuse(w, DD_STATS_BAD_FIELD, 1);
    if (!g.ok.len && !g.error.len && gw_str_eq(p->said.aggregation, GW_STR("counts")))
        return w->out->counts_only++, true;
    enum dd_stats_fault fault = read_parts(&g, p, &ok, &error);
    if (fault != DD_STATS_GOOD)
        return refuse(w, fault, 1);
    struct span_duration s = describe_spans(&g);
    s.peer_tags = peers;
    s.peer_tags_n = read_tags(g.peer_tags, peers, 0);
    s.tags = tags;
    s.tags_n = read_tags(g.additional_tags, tags, read_tags(g.primary_tags, tags, 0));
    gw_str base =
        dd_stats_first_of(take_tag(peers, s.peer_tags_n, GW_STR("_dd.base_service")), p->said.service);
    struct dd_stats_resource *r = dd_stats_resource_of(w, p, g.service, base);
    s.resource = safe_resource(w, &g, &s);
    return r && !w->arena->spent && add_part(w, b, r, &s, &ok, false) && add_part(w, b, r, &s, &error, true);
}

static bool is_time(const struct dd_stats_bucket *b)
{
    return b->start > 0 && b->start <= INT64_MAX && b->duration <= INT64_MAX - b->start;
}

/* A bucket without times makes all of its groups unusable. */
static bool take_bucket(struct dd_stats_work *w, struct dd_stats_process *p, gw_str raw)
{
    struct dd_stats_bucket b;
    bool read = dd_stats_read_bucket(raw, &b), good = true;
    struct dd_stats_array groups = dd_stats_array(b.groups);
    if (!read || !is_time(&b)) {
        w->out->groups += groups.left;
        return refuse(w, DD_STATS_BAD_TIME, groups.left ? groups.left : 1);
    }
    for (gw_str group; good && dd_stats_next(&groups, &group);)
        good = take_group(w, p, &b, group);
    return good;
}

static bool take_payload(struct dd_stats_work *w, const struct dd_stats_agent *agent, gw_str raw)
{
    struct dd_stats_process p = {.resource = NULL};
    bool good = true;
    w->out->payloads++;
    if (!dd_stats_read_payload(raw, &p.said) && !p.said.buckets.len)
        return refuse(w, DD_STATS_BAD_FIELD, 1);
    dd_stats_describe_process(w, agent, &p);
    struct dd_stats_array buckets = dd_stats_array(p.said.buckets);
    for (gw_str bucket; good && dd_stats_next(&buckets, &bucket);)
        good = take_bucket(w, &p, bucket);
    return good;
}

static bool take_agent(struct dd_stats_work *w, gw_str body)
{
    struct dd_stats_agent agent;
    bool good = true;
    if (!dd_stats_read_agent(body, &agent) && !agent.payloads.len)
        return refuse(w, DD_STATS_BAD_FIELD, 1);
    struct dd_stats_array payloads = dd_stats_array(agent.payloads);
    for (gw_str payload; good && dd_stats_next(&payloads, &payload);)
        good = take_payload(w, &agent, payload);
    return good;
}

/* --- the whole --- */

/* Checks that the whole body is msgpack and a map before anything is read. An empty body is a client's test
 * whether the path exists. */
static enum gw_code check(gw_str *body, struct gw_err *err)
{
    struct dd_msgpack in;
    if (!body->len)
        return GW_OK;
    dd_msgpack_init(&in, *body, DD_MAX_ELEMENTS);
    enum dd_kind kind = dd_msgpack_kind(&in);
    if (dd_msgpack_skip(&in))
        return dd_msgpack_fail(&in, err);
    if (kind != DD_MAP)
        return gw_fail(err, GW_BAD_MSGPACK, 0, "statistics are a map, this is %s", dd_kind_name(kind));
    body->len = dd_msgpack_pos(&in);
    return GW_OK;
}

/* Discards everything from this request. */
static void refuse_all(struct dd_stats_result *out, enum gw_code code)
{
    uint64_t n = out->groups ? out->groups : 1;
    out->intake = (struct gw_intake){.received = n};
    out->intake.not_taken[code == GW_BUDGET ? GW_REASON_BUDGET
                          : code == GW_BUSY ? GW_REASON_QUEUE_FULL
                                            : GW_REASON_BAD_PAYLOAD] = n;
}

static enum gw_code translate(struct dd_stats_work *w, bool from_agent, gw_str body, struct gw_err *err)
{
    static const struct dd_stats_agent tracer = {.client_computed = true};
    bool good = !body.len || (from_agent ? take_agent(w, body) : take_payload(w, &tracer, body));
    if (!good || !dd_stats_write(&w->points, w->out->frames, DD_STATS_FRAMES, &w->out->frames_n))
        return gw_fail(err, GW_BUDGET, 0, "no memory for the points of these statistics");
    for (size_t i = 0; i < w->out->frames_n; i++) {
        w->out->frames[i]->arrived = w->env->now;
        w->out->intake.received += w->out->frames[i]->items;
    }
    w->out->repaired_text = w->scratch.repaired;
    return GW_OK;
}

enum gw_code dd_stats_translate(struct gw_arena *arena, bool from_agent, gw_str body,
                                const struct dd_request *request, const struct dd_env *env,
                                const struct dd_options *options, struct dd_stats_result *out,
                                struct gw_err *err)
{
    struct dd_stats_work w = {.arena = arena,
                              .request = request,
                              .env = env,
                              .options = options,
                              .out = out,
                              .scratch.account = arena->account};
    *out = (struct dd_stats_result){0};
    gw_budget_begin(arena->account);
    dd_stats_points_init(&w.points, arena);
    enum gw_code code = check(&body, err);
    if (code == GW_OK)
        code = gw_arena_refusal(arena, translate(&w, from_agent, body, err), "the points of these statistics",
                                err);
    dd_stats_points_fini(&w.points);
    otlp_fini(&w.scratch);
    if (code != GW_OK)
        refuse_all(out, code);
    return code;
}
