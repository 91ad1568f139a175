/* Rules of the user's own on any spans. First byte: the format (three bits), card numbers (two), literal rules (one). Then up to
 * four lines NAME=PATTERN=>REPL, an empty line, and the payload.
 * What takes long is replaced by ?, as it should be.
 *
 * A rule that is refused has a diagnostic. What a rule is not meant for stays as it was, and so does every value without a match;
 * no text that is a card number stays where rules have not touched it. A literal rule (\Q…\E) does what plain search and
 * replacement does. What the translator makes of such spans is valid OTLP, and is all of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/config/config_diagnostic.h"
#include "tests/fuzz/dd_walk.h"
#include "tests/otlp_valid.h"
#include "translators/ddtrace/dd_card.h"
#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_translate.h"

enum { RULES = 4, CARDS_OFF = 0, CARDS_LUHN = 2 };

struct rules {
    struct gw_map groups[RULES];
    struct gw_map_item items[RULES][3];
    size_t n;
    struct dd_privacy_conf conf;
    bool literal;
    gw_str pattern, repl; /* of the first, as they stand in the input */
};

static gw_str take_line(gw_str *rest)
{
    size_t len = gw_str_find(*rest, '\n');
    gw_str line = gw_str_n(rest->ptr, len);
    *rest = gw_str_from(gw_str_from(*rest, len), 1);
    return line;
}

/* \Q…\E around the pattern, and each $ of the replacement twice. */
static gw_str quoted(gw_str s, bool is_pattern, struct gw_arena *arena)
{
    struct gw_text t = {.arena = arena};
    if (is_pattern)
        gw_text_put_str(&t, GW_STR("\\Q"));
    for (size_t i = 0; i < s.len; i++) {
        gw_text_put(&t, s.ptr + i, 1);
        if (!is_pattern && s.ptr[i] == '$')
            gw_text_put(&t, "$", 1);
    }
    if (is_pattern)
        gw_text_put_str(&t, GW_STR("\\E"));
    return gw_text_result(&t);
}

/* What stands before `separator` in *rest, which is taken; all of it where there is none. */
static gw_str take_until(gw_str *rest, gw_str separator)
{
    const char *at = rest->len ? memmem(rest->ptr, rest->len, separator.ptr, separator.len) : NULL;
    gw_str before = gw_str_n(rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len);
    *rest = gw_str_from(*rest, before.len);
    *rest = gw_str_from(*rest, rest->len ? separator.len : 0);
    return before;
}

static void read_rules(struct rules *r, unsigned bits, gw_str *input, struct gw_arena *arena)
{
    gw_str line;
    *r = (struct rules){.literal = bits & 32};
    while (r->n < RULES && (line = take_line(input)).len) {
        struct gw_map_item *items = r->items[r->n];
        gw_str name = take_until(&line, GW_STR("=")), pattern = take_until(&line, GW_STR("=>")), repl = line;
        if (r->n == 0) {
            r->pattern = pattern;
            r->repl = repl;
        }
        if (r->literal && pattern.len) {
            pattern = quoted(pattern, true, arena);
            repl = quoted(repl, false, arena);
        }
        items[0] = (struct gw_map_item){GW_STR("name"), name};
        items[1] = (struct gw_map_item){GW_STR("pattern"), pattern};
        items[2] = (struct gw_map_item){GW_STR("repl"), repl};
        r->groups[r->n++] = (struct gw_map){items, 3};
    }
    r->conf.privacy_replace_tags = (struct gw_groups){r->groups, r->n};
    r->conf.privacy_credit_cards = (int)((bits >> 3 & 3) % 3);
    r->literal =
        r->literal && r->n == 1 && r->pattern.len && !memmem(r->pattern.ptr, r->pattern.len, "\\E", 2);
}

static struct dd_privacy *open_rules(const struct rules *r, struct dd_privacy_counts *counts)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct dd_privacy *p = dd_privacy_new(&r->conf, counts, "receivers[0]", diagnostics);
    must((p != NULL) == (gw_diagnostics_errors(diagnostics) == 0 && (r->n || r->conf.privacy_credit_cards)));
    gw_diagnostics_drop(diagnostics);
    return p;
}

/* --- what a tag becomes --- */

static bool is_meant(const struct rules *r, gw_str key)
{
    bool is_field = gw_str_eq(key, GW_STR("resource.name")) || gw_str_eq(key, GW_STR("span.name"));
    for (size_t i = 0; i < r->n; i++) {
        gw_str name = r->items[i][0].value;
        if (gw_str_eq(name, GW_STR("*")) ? !gw_str_starts(key, GW_STR("_"))
                                         : !is_field && gw_str_eq(name, key))
            return true;
    }
    return false;
}

/* The text with each occurrence of the pattern replaced: by search alone. */
static gw_str searched(const struct rules *r, gw_str text, struct gw_arena *arena)
{
    struct gw_text made = {.arena = arena};
    char *to = gw_arena_raw(arena, text.len + 1, 3);
    gw_str rest = gw_str_n(to, gw_utf8_repair(text, to));
    bool found = false;
    for (const char *at; rest.len && (at = memmem(rest.ptr, rest.len, r->pattern.ptr, r->pattern.len));) {
        found = true;
        gw_text_put(&made, rest.ptr, (size_t)(at - rest.ptr));
        gw_text_put_str(&made, r->repl);
        rest = gw_str_from(rest, (size_t)(at - rest.ptr) + r->pattern.len);
    }
    gw_text_put_str(&made, rest);
    return found ? gw_text_result(&made) : text;
}

static void check_text(const struct rules *r, const struct dd_text *before, gw_str after, bool gave_up,
                       struct gw_arena *arena)
{
    bool is_card = r->conf.privacy_credit_cards != CARDS_OFF && !dd_card_spares(before->key) &&
                   dd_is_card(before->value, r->conf.privacy_credit_cards == CARDS_LUHN);
    if (!is_meant(r, before->key))
        must(gw_str_eq(after, is_card ? GW_STR("?") : before->value));
    else if (r->literal && !gave_up && !is_card)
        must(gw_str_eq(after, searched(r, before->value, arena)));
}

/* The tags of a chunk as they were. Rules may move a number to the texts, behind those that were there. */
static void check_chunk(const struct rules *r, struct dd_privacy_thread *t, struct dd_privacy_counts *counts,
                        struct dd_chunk *c, struct gw_arena *arena)
{
    struct dd_text **before = gw_arena_raw(arena, c->n + 1, sizeof *before);
    size_t *n = gw_arena_raw(arena, c->n + 1, sizeof *n);
    for (size_t i = 0; i < c->n; i++) {
        n[i] = c->spans[i].meta_n;
        before[i] = gw_arena_raw(arena, n[i] + 1, sizeof **before);
        if (n[i])
            memcpy(before[i], c->spans[i].meta, n[i] * sizeof **before);
    }
    must(!arena->spent);
    gw_nsec began = gw_now();
    bool whole = dd_privacy_chunk(t, c, arena);
    bool gave_up = counts->gave_up || gw_now() - began > DD_PRIVACY_NS / 4; /* then what is left becomes ? */
    must(whole || arena->spent);
    walk_chunk(c);
    for (size_t i = 0; whole && i < c->n; i++) {
        must(c->spans[i].meta_n >= n[i]);
        for (size_t k = 0; k < n[i]; k++)
            check_text(r, &before[i][k], c->spans[i].meta[k].value, gave_up, arena);
    }
}

static void check_chunks(const struct rules *r, struct dd_privacy *p, struct dd_privacy_counts *counts,
                         enum dd_format format, gw_str body)
{
    struct gw_arena arena, keep;
    struct dd_decoder d;
    struct gw_err err = {0};
    struct gw_intake intake = {0};
    struct dd_chunk chunk;
    bool more = true;
    struct dd_privacy_thread *t = dd_privacy_thread_new(p);
    gw_arena_init(&arena, 1 << 25);
    gw_arena_init(&keep, 1 << 24);
    dd_privacy_begin(t);
    enum gw_code code = dd_decode_begin(&d, format, body, &arena, &err);
    d.keep = &keep;
    while (!code && more && !arena.spent) {
        code = dd_decode_next(&d, &chunk, &more, &intake, &err);
        if (!code)
            check_chunk(r, t, counts, &chunk, &arena);
    }
    dd_privacy_thread_drop(t);
    gw_arena_fini(&arena);
    gw_arena_fini(&keep);
}

/* --- all of the way --- */

static void check_frame(const struct gw_frame *f, size_t *spans)
{
    size_t n = 0;
    valid_request *q = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, f->len, f->data);
    must(q && !valid_of_request(q, &n) && n == f->items);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(q, NULL);
    *spans += n;
}

static void check_translation(struct dd_privacy *p, enum dd_format format, gw_str body)
{
    static const struct dd_options options = {.trace_id_bits = 128, .obfuscate = true};
    static struct dd_translator *translator;
    struct dd_request request = {.lang = GW_STR("python"), .tracer_version = GW_STR("4.16.0")};
    struct dd_env env = {
        .now = GW_SEC, .wall = 1700000000 * GW_SEC, .host_name = GW_STR("here"), .schemas = 1u << GW_OTEL};
    struct gw_arena arena;
    struct dd_result out;
    struct gw_err err = {0};
    size_t spans = 0;
    if (!translator)
        translator = dd_translator_new(&options);
    env.privacy = dd_privacy_thread_new(p);
    gw_arena_init(&arena, 1 << 25);
    enum gw_code code = dd_translate(translator, &arena, format, body, &request, &env, &out, &err);
    must(code == GW_OK || out.frames_n == 0);
    for (size_t i = 0; i < out.frames_n; i++) {
        check_frame(out.frames[i], &spans);
        gw_frame_drop(out.frames[i]);
    }
    must(spans == gw_intake_accepted(&out.intake));
    gw_arena_fini(&arena);
    dd_privacy_thread_drop(env.privacy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rules rules;
    struct gw_arena arena;
    struct dd_privacy_counts counts = {0};
    if (size == 0)
        return 0;
    unsigned bits = data[0], format = bits & 7;
    gw_str input = gw_str_n((const char *)data + 1, size - 1);
    gw_arena_init(&arena, 1 << 24);
    read_rules(&rules, bits, &input, &arena);
    struct dd_privacy *p = open_rules(&rules, &counts);
    if (p) {
        format = format > DD_AGENT_PROTOBUF ? DD_V10_MSGPACK : format;
        check_chunks(&rules, p, &counts, (enum dd_format)format, input);
        check_translation(p, (enum dd_format)format, input);
        dd_privacy_drop(p);
    }
    gw_arena_fini(&arena);
    return 0;
}
