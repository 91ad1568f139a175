/* api_pipeline.c: POST /api/pipeline: runs a Pipeline script on lines that come with it, for the page's playground.
 * Owns everything that it needs until it returns. Called by the admin listener, on its threads.
 *
 *     {"script": "…", "lines": ["…"], "source": "default", "category": "logging", "timezone": "…"}
 *         ─▶ {"results": [a record for each line], "error": the script's mistake or null, "grok": [where each stopped]}
 *
 * A script reaches nothing outside of the request: there is no other script for use(), and what cache_set() keeps
 * ends with the answer. The thread also answers health checks, so all lines together have RUN_TIME; lines that
 * it does not reach have no result.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"
#include "gateway/api/api.h"
#include "translators/pipeline/point_json.h"
#include "translators/pipeline/script.h"

enum { LINES = 200, MEMORY = 16 << 20, LINE_MEMORY = 8 << 20, KEPT = 1 << 16, STOPS = 1 << 20 /* bytes */ };
static const gw_nsec RUN_TIME = 200 * GW_MSEC, EXPLAIN_TIME = 100 * GW_MSEC;
static const gw_str name = GW_LIT("script");
static const gw_str too_large = GW_LIT(
    "{\"name\": \"\", \"tags\": {}, \"fields\": {}, \"dropped\": false, \"error\": \"the record is larger "
    "than 16 MiB, or max_memory is used up\"}");

struct request {
    gw_str script, source, lines[LINES];
    size_t lines_n;
    enum sc_category category;
    const struct zone *zone;
};

/* What a run needs, and the second list of the answer, which is written while the first is. */
struct run {
    const struct request *request;
    struct sc_set *set;
    const struct sc_script *script;
    struct sc_thread *thread;
    struct gw_arena *arena; /* of the request */
    struct gw_arena line;   /* of one line */
    struct gw_text stops;
    gw_nsec until;
};

/* --- the request --- */

/* NULL, or what is wrong. */
static const char *take_lines(struct gw_json *j, struct request *out)
{
    if (!gw_json_array(j))
        return NULL;
    while (gw_json_item(j)) {
        if (out->lines_n == LINES)
            return "lines has more than 200 lines: send fewer";
        if (gw_json_text(j, &out->lines[out->lines_n]))
            out->lines_n++;
    }
    return NULL;
}

static const char *take_category(gw_str text, enum sc_category *out)
{
    if (gw_str_eq(text, GW_STR("logging")))
        *out = SC_LOGGING;
    else if (gw_str_eq(text, GW_STR("metric")))
        *out = SC_METRIC;
    else if (gw_str_eq(text, GW_STR("tracing")))
        *out = SC_TRACING;
    else
        return "category is logging, metric or tracing";
    return NULL;
}

/* Of the tz database or an offset: unlike the configuration, a request names no files and no rules of its own. */
static const char *take_zone(gw_str text, const struct zone **out)
{
    *out = text.len ? zone_of(text) : zone_local();
    return *out ? NULL : "timezone is no zone of the tz database (Asia/Shanghai) and no offset (+8)";
}

static const char *take_member(struct gw_json *j, gw_str key, struct request *out)
{
    gw_str text;
    if (gw_str_eq(key, GW_STR("lines")))
        return take_lines(j, out);
    if (gw_str_eq(key, GW_STR("script")))
        gw_json_text(j, &out->script);
    else if (gw_str_eq(key, GW_STR("source")))
        gw_json_text(j, &out->source);
    else if (gw_str_eq(key, GW_STR("category")))
        return gw_json_text(j, &text) ? take_category(text, &out->category) : NULL;
    else if (gw_str_eq(key, GW_STR("timezone")))
        return gw_json_text(j, &text) ? take_zone(text, &out->zone) : NULL;
    else
        return "members are script, lines, source, category and timezone";
    return NULL;
}

/* False, and the error is written. */
static bool read_request(struct gw_api_call *call, struct gw_arena *arena, struct request *out, FILE *to)
{
    struct gw_json j;
    struct gw_err err;
    gw_str key;
    const char *wrong = NULL;
    *out = (struct request){.source = GW_STR("default"), .category = SC_LOGGING, .zone = zone_local()};
    gw_json_init(&j, call->body, arena);
    if (gw_json_object(&j))
        while (!wrong && gw_json_member(&j, &key))
            wrong = take_member(&j, key, out);
    if (wrong) {
        gw_api_error(call, to, 400, "%s", wrong);
        return false;
    }
    if (!gw_json_end(&j)) {
        gw_json_fail(&j, &err);
        gw_api_error(call, to, 400, "the body wants a JSON object with script and lines; byte %zu: %s",
                     err.pos, err.what);
        return false;
    }
    if (out->script.ptr)
        return true;
    gw_api_error(call, to, 400, "the body has no script");
    return false;
}

/* --- the answer --- */

static void put_count(struct gw_text *b, const char *label, uint64_t n)
{
    char number[GW_NUMBER_SIZE];
    gw_text_put_z(b, label);
    gw_text_put(b, number, gw_i64_text(number, (int64_t)n));
}

static void put_stop(struct gw_text *b, size_t line, const struct sc_miss *m)
{
    put_count(b, b->len ? ",\n{\"line\":" : "{\"line\":", line);
    put_count(b, ",\"at\":{\"line\":", m->line);
    put_count(b, ",\"column\":", m->column);
    gw_text_put_z(b, "},\"pattern\":");
    gw_text_put_json(b, m->pattern);
    put_count(b, ",\"stopped_at\":", m->stop.at);
    gw_text_put_z(b, ",\"matched\":");
    gw_text_put_json(b, m->stop.before);
    gw_text_put_z(b, ",\"part\":");
    gw_text_put_json(b, m->stop.part);
    gw_text_put_z(b, ",\"text\":");
    gw_text_put_json(b, m->text);
    gw_text_put_char(b, '}');
}

/* Each grok of the run that did not match. */
static void explain(struct run *r, size_t line)
{
    struct sc_miss m;
    gw_nsec until = r->until + EXPLAIN_TIME;
    for (size_t i = 0; r->stops.len < STOPS && sc_find_miss(r->thread, i, &r->line, until, &m); i++)
        put_stop(&r->stops, line, &m);
}

static void run_line(struct run *r, size_t i, FILE *to)
{
    const struct request *q = r->request;
    struct sc_point p;
    struct sc_fault fault = {.set = false};
    struct sc_finish finish = {0};
    struct gw_text b = {.arena = &r->line};
    struct sc_env env = {
        .arena = &r->line, .thread = r->thread, .now = gw_wall(), .zone = q->zone, .until = r->until};
    gw_arena_reset(&r->line, KEPT);
    sc_point_init(&p, &r->line, q->source, env.now);
    p.category = q->category;
    sc_point_set(&p, GW_STR("message"), sc_str(q->lines[i]));
    if (sc_run(r->script, &env, &p, &fault))
        sc_point_finish(&p, &finish);
    r->line.spent = false; /* what the script made stays to be shown */
    r->line.budget = (size_t)MEMORY;
    explain(r, i);
    sc_point_json(&b, &p, fault.set ? &fault : NULL, false, false);
    r->line.budget = (size_t)LINE_MEMORY;
    fputs(i ? ",\n" : "", to);
    gw_api_json(to, r->line.spent ? too_large : gw_text_result(&b));
}

static size_t run_lines(struct run *r, FILE *to)
{
    size_t i = 0;
    gw_arena_init(&r->line, LINE_MEMORY);
    r->line.account = r->arena->account;
    for (; i < r->request->lines_n && gw_now() < r->until; i++)
        run_line(r, i, to);
    gw_arena_fini(&r->line);
    return i;
}

/* The mistake, or null. Its text begins with the name of the script and the place, which are members here. */
static void write_mistake(const struct run *r, FILE *to)
{
    const struct sc_fault *f = sc_broken(r->script);
    if (!f) {
        fputs("null", to);
        return;
    }
    unsigned line, column;
    gw_str text = gw_str_z(f->text);
    sc_place(r->request->script, f->pos, &line, &column);
    for (int colons = 3; colons; colons--)
        text = gw_str_from(text, gw_str_find(text, ':') + 1);
    fprintf(to, "{\"line\":%u,\"column\":%u,", line, column);
    gw_api_text_of(to, "text", gw_str_trim(text));
    fputc('}', to);
}

static void write_answer(struct run *r, FILE *to)
{
    size_t done = 0;
    fputs("{\"error\":", to);
    write_mistake(r, to);
    fputs(",\n\"results\":[", to);
    if (!sc_broken(r->script))
        done = run_lines(r, to);
    fputs("],\n\"grok\":[", to);
    gw_api_json(to, gw_text_result(&r->stops));
    fprintf(to, "],\n\"not_run\":%zu}\n", sc_broken(r->script) ? 0 : r->request->lines_n - done);
}

static void run(struct gw_api_call *call, struct gw_arena *arena, const struct request *q, FILE *to)
{
    const struct sc_source source = {name, q->script};
    struct run r = {.request = q, .arena = arena, .stops = {.arena = arena}};
    r.set = sc_load(&source, 1);
    r.script = r.set ? sc_find(r.set, name) : NULL;
    r.thread = r.script ? sc_thread_new() : NULL;
    r.until = gw_now() + RUN_TIME;
    if (r.thread)
        write_answer(&r, to);
    else
        gw_api_error(call, to, 503, "there is no memory for the script now: ask again");
    sc_thread_drop(r.thread);
    sc_drop(r.set);
}

void gw_api_pipeline(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct gw_arena arena;
    struct request *q;
    gw_arena_init(&arena, MEMORY);
    arena.account = api->budget;
    q = gw_new(&arena, struct request, 1);
    if (!q)
        gw_api_error(call, to, 503, "there is no memory for the request now: ask again");
    else if (read_request(call, &arena, q, to))
        run(call, &arena, q, to);
    gw_arena_fini(&arena);
}
