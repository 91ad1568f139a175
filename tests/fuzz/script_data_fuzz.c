/* Hostile values in well-meant scripts: a first byte chooses a builtin, a first line is its pattern where it
 * takes one, the rest is the text that it reads. What is set can be written as JSON, and is text, a number, a
 * bool or nil.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "translators/pipeline/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where a script has an @, the first line goes in as a text literal. */
static const char *const scripts[] = {
    "xml(_, @, r)",
    "gjson(_, @, \"r\")",
    "strfmt(r, @, _, 42, -1.5, [1, nil, \"x\"], {\"a\": true})",
    "datetime(_, \"ms\", @, \"Asia/Tokyo\")",
    "default_time_with_fmt(_, @)",
    "replace(_, @, \"<$1$$${0}>\")",
    "kv_split(_, @, \"[=:]\", include_keys=[\"a\", \"b\", \"c\"], trim_value=\"\\\"\")",
    "sql_cover(_)",
    "user_agent(_)",
    "x = url_parse(_)\nadd_key(r, x)",
    "url_decode(_)",
    "decode(_, \"gb18030\")",
    "decode(_, \"utf-16le\")",
    "json(_, a.b[0].c, r, true, false)\njson(_, `a b`, s)",
    "x = load_json(_)\nadd_key(r, x)\nadd_key(t, value_type(x))\nadd_key(v, valid_json(_))",
    "json(_, a, r, true, true)",
    "uppercase(_)\nlowercase(_)\ncover(_, [2, -2])\ntrim(_, \"a中\")",
    "add_key(s, _[1:-1:2])\nadd_key(n, slice_string(_, 1, 5))",
    "b64dec(_)",
    "parse_duration(_)",
    "cast(_, \"int\")\nadd_key(f, parse_int(_, 16))",
    "grok(_, \"%{COMBINEDAPACHELOG}\")",
    "x = cidr(_, @)\nadd_key(r, x)",
};
enum { SCRIPTS = sizeof scripts / sizeof *scripts };

/* The script with a text literal for its @. */
static gw_str filled(struct gw_arena *a, const char *script, gw_str pattern)
{
    struct gw_text b = {.arena = a};
    const char *at = strchr(script, '@');
    if (!at)
        return gw_str_z(script);
    gw_text_put(&b, script, (size_t)(at - script));
    gw_text_put_char(&b, '"');
    for (size_t i = 0; i < pattern.len; i++) {
        char text[5];
        snprintf(text, sizeof text, "\\x%02x", (unsigned char)pattern.ptr[i]);
        gw_text_put_z(&b, text);
    }
    gw_text_put_char(&b, '"');
    gw_text_put_z(&b, at + 1);
    return gw_text_result(&b);
}

static void run(const struct sc_script *script, struct gw_arena *a, struct sc_thread *thread, gw_str line)
{
    struct sc_point p;
    struct sc_fault fault;
    struct sc_env env = {
        .arena = a, .thread = thread, .now = INT64_C(1700000000000000000), .zone = zone_utc()};
    sc_point_init(&p, a, GW_STR("fuzz"), env.now);
    sc_point_set(&p, GW_STR("message"), sc_str(line));
    if (!sc_run(script, &env, &p, &fault) && !fault.set)
        abort();
    for (size_t i = 0; i < p.n; i++) {
        struct gw_text b = {.arena = a};
        if (p.fields[i].val.type == SC_LIST || p.fields[i].val.type == SC_MAP)
            abort();
        sc_json(&b, &p.fields[i].val);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena a;
    if (size < 1)
        return 0;
    gw_arena_init(&a, 8 << 20);
    const char *script = scripts[data[0] % SCRIPTS];
    gw_str rest = {(const char *)data + 1, size - 1}, pattern = GW_NOSTR;
    if (strchr(script, '@')) {
        size_t line = gw_str_find(rest, '\n');
        pattern = gw_str_n(rest.ptr, line);
        rest = gw_str_from(rest, line + 1);
    }
    struct sc_source source = {GW_STR("f.p"), filled(&a, script, pattern)};
    struct sc_set *set = sc_load(&source, 1);
    struct sc_thread *thread = sc_thread_new();
    const struct sc_script *loaded = set ? sc_find(set, source.name) : NULL;
    if (loaded && thread && !sc_broken(loaded))
        run(loaded, &a, thread, rest);
    sc_thread_drop(thread);
    sc_drop(set);
    gw_arena_fini(&a);
    return 0;
}
