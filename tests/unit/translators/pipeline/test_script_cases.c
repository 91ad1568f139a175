/* The Pipeline language in one process: every case of tests/data/pipeline with the record it must leave, or
 * the line where it must not load or must stop. cases.jsonl are the reference engine's results; more.jsonl is
 * by family what scripts get wrong: odd arguments, wrong types, nil, negative and huge numbers, escapes.
 * `ddgate pipeline` runs the first file once more, end to end.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "core/base/text.h"
#include "translators/pipeline/json_in.h"
#include "translators/pipeline/script.h"

enum { SCRIPTS = 8, IGNORED = 8 };
static const int64_t arrival = INT64_C(1700000000123456789);

struct bed {
    struct gw_arena arena;
    struct sc_thread *thread;
    char why[600];
    char *documented; /* docs/pipeline.md, which names the cases that differ */
};

static struct json_object *of(struct json_object *o, const char *name)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, name, &v) ? v : NULL;
}

static gw_str text_of(struct json_object *o)
{
    return o ? gw_str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o)) : GW_STR("");
}

static int64_t sextet(char c)
{
    const char *set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
               *at = c ? strchr(set, c) : NULL;
    return at ? at - set : -1;
}

/* Text, or {"$b64": …} for bytes that are none. */
static gw_str bytes_of(struct gw_arena *a, struct json_object *o)
{
    struct json_object *coded = o && json_object_is_type(o, json_type_object) ? of(o, "$b64") : NULL;
    struct gw_text b = {.arena = a};
    if (!coded)
        return text_of(o);
    gw_str s = text_of(coded);
    uint32_t bits = 0;
    for (size_t i = 0, n = 0; i < s.len && sextet(s.ptr[i]) >= 0; i++) {
        bits = bits << 6 | (uint32_t)sextet(s.ptr[i]);
        n += 6;
        if (n >= 8) {
            n -= 8;
            gw_text_put_char(&b, (char)(bits >> n));
        }
    }
    return gw_text_result(&b);
}

static struct sc_val value_of(struct gw_arena *a, struct json_object *o)
{
    struct json_object *named;
    switch (json_object_get_type(o)) {
    case json_type_boolean:
        return sc_bool(json_object_get_boolean(o));
    case json_type_int:
        return sc_int(json_object_get_int64(o));
    case json_type_double:
        return sc_float(json_object_get_double(o));
    case json_type_null:
        return sc_nil();
    case json_type_object:
        if ((named = of(o, "$float")))
            return sc_float(strtod(json_object_get_string(named), NULL));
        return sc_str(bytes_of(a, o));
    default:
        return sc_str(text_of(o));
    }
}

static bool alike(const struct sc_val *a, const struct sc_val *b)
{
    if (a->type == SC_FLOAT && b->type == SC_FLOAT)
        return !a->digits_len && (a->f.v == b->f.v || (isnan(a->f.v) && isnan(b->f.v)));
    return sc_same(a, b);
}

static bool listed(struct json_object *list, gw_str key)
{
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (gw_str_eq(text_of(json_object_array_get_idx(list, i)), key))
            return true;
    return false;
}

static bool wrong(struct bed *bed, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct bed *bed, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(bed->why, sizeof bed->why, fmt, ap);
    va_end(ap);
    return false;
}

static gw_str shown(struct bed *bed, const struct sc_val *v)
{
    struct gw_text b = {.arena = &bed->arena};
    gw_text_put_z(&b, sc_type_name(v->type));
    gw_text_put_char(&b, ' ');
    sc_json(&b, v);
    return gw_text_result(&b);
}

/* The keys of one kind: all that are wanted, with their types, and no other. */
static bool same_keys(struct bed *bed, const struct sc_point *p, struct json_object *want, bool tags)
{
    struct json_object *keys = of(want, tags ? "tags" : "fields");
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->fields[i].tag == tags;
    json_object_object_foreach(keys, name, item)
    {
        gw_str key = gw_str_z(name);
        const struct sc_field *f = sc_point_get(p, key);
        struct sc_val v = value_of(&bed->arena, item);
        if (!f || f->tag != tags)
            return wrong(bed, "%s %s is missing", tags ? "tag" : "field", name);
        if (!listed(of(want, "arrival_time_fields"), key) && !alike(&f->val, &v))
            return wrong(bed, "%s is %.*s, want %.*s", name, GW_FMT(shown(bed, &f->val)),
                         GW_FMT(shown(bed, &v)));
    }
    if (n != (size_t)json_object_object_length(keys))
        return wrong(bed, "%zu %s, want %d", n, tags ? "tags" : "fields", json_object_object_length(keys));
    return true;
}

static bool same_point(struct bed *bed, const struct sc_point *p, struct json_object *want)
{
    struct json_object *time = of(want, "time");
    if (!gw_str_eq(p->name, text_of(of(want, "name"))))
        return wrong(bed, "the name is %.*s", GW_FMT(p->name));
    if (p->dropped != json_object_get_boolean(of(want, "dropped")))
        return wrong(bed, "dropped is %d", p->dropped);
    if (p->time_set != (time != NULL) || (time && p->time != json_object_get_int64(time)))
        return wrong(bed, "time is %lld (set: %d)", (long long)p->time, p->time_set);
    return same_keys(bed, p, want, true) && same_keys(bed, p, want, false);
}

/* Points that the script made. Their status is not looked at: the reference gives them one when it makes
 * them. */
static bool same_created(struct bed *bed, struct sc_point *p, struct json_object *want)
{
    struct json_object *made = of(want, "sub_points");
    size_t i = 0, n = made ? json_object_array_length(made) : 0;
    for (struct sc_point *one = p->created; one; one = one->next, i++) {
        struct json_object *other = i < n ? json_object_array_get_idx(made, i) : NULL;
        if (!other)
            return wrong(bed, "a point more was created");
        json_object_object_del(of(other, "fields"), "status");
        sc_point_del(one, GW_STR("status"));
        if (!same_point(bed, one, other))
            return false;
    }
    return i == n || wrong(bed, "%zu points were created, want %zu", i, n);
}

/* "main.p:3:" at the head of both. */
static bool same_line(const char *mine, const char *want)
{
    const char *colon = strchr(want, ':'), *end = colon ? strchr(colon + 1, ':') : NULL;
    return strncmp(mine, want, end ? (size_t)(end - want) + 1 : strlen(want)) == 0;
}

static void fill(struct bed *bed, struct sc_point *p, struct json_object *c)
{
    struct json_object *fields = of(c, "fields"), *tags = of(c, "tags");
    if (fields) {
        json_object_object_foreach(fields, name, item)
            sc_point_set(p, gw_str_z(name), value_of(&bed->arena, item));
    }
    if (tags) {
        json_object_object_foreach(tags, name, item)
            sc_point_set_tag(p, gw_str_z(name), value_of(&bed->arena, item));
    }
    sc_point_set(p, GW_STR("message"), sc_str(bytes_of(&bed->arena, of(c, "message"))));
}

static void options(struct json_object *c, struct sc_point *p, struct sc_finish *finish, gw_str *ignore)
{
    struct json_object *ignored = of(c, "ignore_status"), *category = of(c, "category");
    if (category)
        p->category = *json_object_get_string(category) == 'm' ? SC_METRIC : SC_TRACING;
    finish->no_status = json_object_get_boolean(of(c, "no_status"));
    finish->ignore = ignore;
    for (size_t i = 0; ignored && i < json_object_array_length(ignored) && i < IGNORED; i++)
        ignore[finish->ignore_n++] = text_of(json_object_array_get_idx(ignored, i));
}

static bool ran_as_wanted(struct bed *bed, const struct sc_script *s, struct json_object *c,
                          struct json_object *want)
{
    struct json_object *tz = of(c, "tz"), *source = of(c, "source"), *error = of(want, "run_error");
    struct sc_env env = {.arena = &bed->arena,
                         .thread = bed->thread,
                         .now = arrival,
                         .zone = zone_find(tz ? text_of(tz) : GW_STR("Asia/Shanghai"))};
    struct sc_finish finish = {0};
    gw_str ignore[IGNORED];
    struct sc_point p;
    struct sc_fault fault;
    sc_point_init(&p, &bed->arena, source ? text_of(source) : GW_STR("default"), arrival);
    fill(bed, &p, c);
    options(c, &p, &finish, ignore);
    bool good = sc_run(s, &env, &p, &fault);
    if (good)
        sc_point_finish(&p, &finish);
    if (good == (error != NULL))
        return wrong(bed, "it ends with %s", good ? "no error" : fault.text);
    if (error && !same_line(fault.text, json_object_get_string(error)))
        return wrong(bed, "it ends with %s, want %s", fault.text, json_object_get_string(error));
    return same_point(bed, &p, want) && (error || same_created(bed, &p, want));
}

static bool broke_as_wanted(struct bed *bed, const struct sc_fault *fault, struct json_object *want)
{
    char place[64];
    if (!of(want, "load_error"))
        return wrong(bed, "it does not load: %s", fault->text);
    snprintf(place, sizeof place, "main.p:%s:", json_object_get_string(of(want, "load_error_line")));
    return strncmp(json_object_get_string(of(want, "load_error")), "main.p", 6) != 0 ||
           same_line(fault->text, place) || wrong(bed, "%s, want it in line %s", fault->text, place);
}

static bool agrees(struct bed *bed, struct json_object *c, struct json_object *want)
{
    struct sc_source sources[SCRIPTS] = {{GW_STR("main.p"), text_of(of(c, "script"))}};
    struct json_object *others = of(c, "scripts");
    size_t n = 1;
    if (others) {
        json_object_object_foreach(others, name, text) if (n < SCRIPTS) sources[n++] =
            (struct sc_source){gw_str_z(name), text_of(text)};
    }
    gw_arena_reset(&bed->arena, 1 << 20);
    struct sc_set *set = sc_load(sources, n);
    const struct sc_script *s = sc_find(set, GW_STR("main.p"));
    bool good = sc_broken(s)             ? broke_as_wanted(bed, sc_broken(s), want)
                : of(want, "load_error") ? wrong(bed, "it loads")
                                         : ran_as_wanted(bed, s, c, want);
    sc_drop(set);
    return good;
}

/* Whether docs/pipeline.md names the case as one that differs. */
static bool documented(const struct bed *bed, const char *id)
{
    char quoted[40];
    snprintf(quoted, sizeof quoted, "`%s`", id);
    return strstr(bed->documented, quoted) != NULL;
}

static unsigned judge(struct bed *bed, struct json_object *c)
{
    const char *id = json_object_get_string(of(c, "id"));
    struct json_object *want = of(c, "expect"), *other = of(c, "expect_alt");
    if (of(want, "panic")) /* what crashes the reference */
        return 0;
    bool good = agrees(bed, c, want);
    char why[sizeof bed->why];
    memcpy(why, bed->why, sizeof why);
    if (!good && other)
        good = agrees(bed, c, other);
    if (good != documented(bed, id))
        return 0;
    print_error("%s: %s\n", id, good ? "agrees, but docs/pipeline.md says that it does not" : why);
    return 1;
}

static void judge_file(struct bed *bed, const char *path, size_t least)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0, n = 0, bad = 0;
    assert_non_null(file);
    while (getline(&line, &cap, file) > 0) {
        struct json_object *c = json_tokener_parse(line);
        assert_non_null(c);
        bad += judge(bed, c);
        n++;
        json_object_put(c);
    }
    free(line);
    fclose(file);
    assert_true(n >= least);
    assert_int_equal(bad, 0);
}

static void test_cases(void **state)
{
    judge_file(*state, "tests/data/pipeline/cases.jsonl", 1000);
}

static void test_more(void **state)
{
    judge_file(*state, "tests/data/pipeline/more.jsonl", 600);
}

static int set_up(void **state)
{
    static struct bed bed;
    FILE *file = fopen("docs/pipeline.md", "re");
    bed.documented = calloc(1, 1 << 20);
    if (!file || !bed.documented || !fread(bed.documented, 1, (1 << 20) - 1, file))
        return -1;
    fclose(file);
    gw_arena_init(&bed.arena, 64 << 20);
    bed.thread = sc_thread_new();
    *state = &bed;
    return bed.thread ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    sc_thread_drop(bed->thread);
    gw_arena_fini(&bed->arena);
    free(bed->documented);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_more)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
