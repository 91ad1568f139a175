/* re_memo.c: Finds the places of an expression whose failures may be remembered, and runs the match that
 * remembers them. Owns the second program of an expression. Called by re.c, for expressions that exceeded
 * their limit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "translators/text/re_memo.h"

#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/text.h"

enum {
    DEPTH = 256,      /* of groups */
    ARENA = 8 << 20,  /* the expression with its calls */
    MEMORY = 4 << 20, /* bytes of a match */
    CALLS = 256,      /* between readings of the clock */
    STEPS = 10000000, /* of backtracking, in all */
    HEAP_KIB = 8192
};

struct re_memo {
    pcre2_code *code;
    uint32_t *place; /* of each byte of the expression: the number of the call before it, from 1; 0: none */
    size_t len, places;
};

/* --- places --- */

/* The last byte of a class that begins at `at`. */
static size_t class_end(gw_str s, size_t at)
{
    at += 1 + (at + 1 < s.len && s.ptr[at + 1] == '^');
    for (at += at < s.len && s.ptr[at] == ']'; at < s.len && s.ptr[at] != ']'; at++) {
        if (s.ptr[at] == '\\')
            at++;
        else if (s.ptr[at] == '[' && at + 1 < s.len && s.ptr[at + 1] == ':')
            for (at += 2; at + 1 < s.len && !(s.ptr[at] == ':' && s.ptr[at + 1] == ']');)
                at++;
    }
    return at;
}

static bool is_repeated(gw_str s, size_t end)
{
    char c = end + 1 < s.len ? s.ptr[end + 1] : '\0';
    return c == '*' || c == '+' || c == '{';
}

/* Not one that only sets options. */
static bool is_group(gw_str s, size_t open)
{
    size_t i = open + 2;
    if (!gw_str_starts(gw_str_from(s, open), GW_STR("(?")))
        return true;
    while (i < s.len && (gw_is_letter(s.ptr[i]) || s.ptr[i] == '-'))
        i++;
    return i < s.len && s.ptr[i] == ':';
}

/* Marks groups, and the dot of `.*`, unless a group around them is repeated. False: too deep a nesting. */
static bool find_places(gw_str s, uint8_t *mark)
{
    size_t open[DEPTH], depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\') {
            i++;
        } else if (s.ptr[i] == '[') {
            i = class_end(s, i);
        } else if (s.ptr[i] == '.') {
            mark[i] = is_repeated(s, i);
        } else if (s.ptr[i] == '(') {
            if (depth == DEPTH)
                return false;
            mark[i] = is_group(s, i);
            open[depth++] = i;
        } else if (s.ptr[i] == ')' && depth) {
            size_t from = open[--depth];
            if (is_repeated(s, i))
                memset(mark + from, 0, i - from);
        }
    }
    return true;
}

/* The expression with a call before each place. */
static bool write_calls(struct re_memo *m, struct gw_text *out, gw_str s, const uint8_t *mark)
{
    m->place = calloc(s.len * (sizeof "(?C)") + 1, sizeof *m->place);
    for (size_t i = 0; m->place && i < s.len; i++) {
        if (mark[i]) {
            gw_text_put_z(out, "(?C)");
            m->place[out->len] = (uint32_t)++m->places;
        }
        gw_text_put_char(out, s.ptr[i]);
    }
    m->len = out->len;
    return m->place;
}

static pcre2_code *compile(gw_str expression, uint32_t options)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_code *code = NULL;
    int error;
    size_t at;
    if (!context)
        return NULL;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    code = pcre2_compile((PCRE2_SPTR)expression.ptr, expression.len, options, &error, &at, context);
    pcre2_compile_context_free(context);
    return code;
}

struct re_memo *re_memo_new(gw_str expression, uint32_t options)
{
    struct gw_arena arena;
    struct re_memo *m = calloc(1, sizeof *m);
    gw_arena_init(&arena, ARENA);
    struct gw_text out = {.arena = &arena};
    uint8_t *mark = gw_arena_array(&arena, expression.len + 1, 1);
    if (m && mark && find_places(expression, mark) && write_calls(m, &out, expression, mark) && !arena.spent)
        m->code = compile(gw_text_result(&out), options);
    gw_arena_fini(&arena);
    if (m && m->code)
        return m;
    re_memo_drop(m);
    return NULL;
}

void re_memo_drop(struct re_memo *m)
{
    if (!m)
        return;
    pcre2_code_free(m->code);
    free(m->place);
    free(m);
}

/* --- a match --- */

struct memory {
    const struct re_memo *memo;
    uint8_t *been; /* a bit for each pair of places */
    size_t width;  /* places of the text */
    int64_t end;
    unsigned calls;
};

/* 0: on; above: back. */
static int visit(pcre2_callout_block *b, void *arg)
{
    struct memory *m = arg;
    if (++m->calls % CALLS == 0 && gw_now() > m->end)
        return PCRE2_ERROR_MATCHLIMIT;
    size_t at = b->pattern_position, place = at <= m->memo->len ? m->memo->place[at] : 0;
    if (!place)
        return 0;
    size_t pair = (place - 1) * m->width + b->current_position;
    uint8_t bit = (uint8_t)(1u << (pair & 7));
    if (m->been[pair >> 3] & bit)
        return 1;
    m->been[pair >> 3] |= bit;
    return 0;
}

int re_memo_match(const struct re_memo *m, gw_str text, size_t from, pcre2_match_data *data, int64_t ns)
{
    size_t width = text.len + 1;
    if (width > (size_t)MEMORY * 8 / (m->places + 1))
        return PCRE2_ERROR_MATCHLIMIT;
    struct memory memory = {
        .memo = m, .been = calloc(m->places * width / 8 + 1, 1), .width = width, .end = gw_now() + ns};
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    int rc = PCRE2_ERROR_MATCHLIMIT;
    if (memory.been && context) {
        pcre2_set_callout(context, visit, &memory);
        pcre2_set_match_limit(context, STEPS);
        pcre2_set_heap_limit(context, HEAP_KIB);
        rc = pcre2_match(m->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, PCRE2_NO_UTF_CHECK,
                         data, context);
    }
    pcre2_match_context_free(context);
    free(memory.been);
    return rc;
}
