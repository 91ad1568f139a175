/* re.c: compiles expressions of RE2's language with PCRE2 and runs them with bounded work. An expression is
 * const after it is made; each thread has its own match data (struct re_thread). Called by grok.c, script
 * functions and the multi-line options of receivers.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#define PCRE2_CODE_UNIT_WIDTH 8
#include "translators/text/re.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "translators/text/re_memo.h"
#include "translators/text/re_syntax.h"

enum {
    STEPS = 100000,        /* of backtracking, at one start position */
    SLICE = 32,            /* start positions before the clock is first read */
    QUICK_NS = 100000,     /* a slice that took no longer is doubled */
    EXPRESSION = 64 << 10, /* bytes, all patterns taken in */
    STACK_MIN = 32 << 10,
    STACK_MAX = 1 << 20,
    HEAP_KIB = 4096 /* without the JIT */
};

struct re {
    pcre2_code *code;
    struct re_name *names;
    size_t names_n;
    unsigned groups;
    bool anchored;
    gw_str source;                  /* for PCRE2 */
    _Atomic(struct re_memo *) memo; /* made when it gave up for the first time */
    struct gw_arena arena;          /* names, source */
};

struct re_thread {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    gw_str valid; /* was found to be UTF-8 */
};

static const uint32_t OPTIONS =
    PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;

static pcre2_code *translate(gw_str expression, char *why)
{
    int code;
    size_t offset;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return NULL;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_code *made = pcre2_compile((PCRE2_SPTR)expression.ptr, expression.len,
                                     OPTIONS | PCRE2_USE_OFFSET_LIMIT, &code, &offset, context);
    if (!made) {
        size_t n = (size_t)snprintf(why, RE_ERROR_SIZE, "error parsing regexp: ");
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why + n, RE_ERROR_SIZE - n);
    }
    pcre2_compile_context_free(context);
    return made;
}

static bool keep_names(struct re *re, const struct re_syntax *x)
{
    re->groups = x->groups;
    re->names_n = x->names_n;
    re->names = gw_arena_raw(&re->arena, x->names_n, sizeof *re->names);
    for (size_t i = 0; re->names && i < x->names_n; i++)
        re->names[i] = (struct re_name){gw_arena_dup(&re->arena, x->names[i].name), x->names[i].group};
    return re->names && !re->arena.spent;
}

struct re *re_compile(gw_str expression, bool named_only, char *why)
{
    struct gw_arena scratch;
    struct re *re = calloc(1, sizeof *re);
    snprintf(why, RE_ERROR_SIZE, "error parsing regexp: expression is too large");
    if (!re || expression.len > EXPRESSION) {
        free(re);
        return NULL;
    }
    gw_arena_init(&scratch, 8 << 20);
    gw_arena_init(&re->arena, 1 << 20);
    struct re_syntax x = {
        .from = expression, .out = {.arena = &scratch}, .named_only = named_only, .why = why};
    if (re_rewrite(&x) && x.groups <= RE_GROUPS && !scratch.spent && keep_names(re, &x))
        re->code = translate(re->source = gw_arena_dup(&re->arena, gw_text_result(&x.out)), why);
    gw_arena_fini(&scratch);
    if (!re->code) {
        re_drop(re);
        return NULL;
    }
    uint32_t options = 0;
    pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(re->code, PCRE2_INFO_ALLOPTIONS, &options);
    re->anchored = options & PCRE2_ANCHORED;
    return re;
}

void re_drop(struct re *re)
{
    if (!re)
        return;
    pcre2_code_free(re->code);
    re_memo_drop(atomic_load(&re->memo));
    gw_arena_fini(&re->arena);
    free(re);
}

unsigned re_groups(const struct re *re)
{
    return re->groups;
}

const struct re_name *re_names(const struct re *re, size_t *n)
{
    *n = re->names_n;
    return re->names;
}

struct re_thread *re_thread_new(void)
{
    struct re_thread *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->context = pcre2_match_context_create(NULL);
    t->data = pcre2_match_data_create(RE_GROUPS + 1, NULL);
    t->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    if (!t->context || !t->data || !t->stack) {
        re_thread_drop(t);
        return NULL;
    }
    pcre2_set_match_limit(t->context, STEPS);
    pcre2_set_heap_limit(t->context, HEAP_KIB);
    pcre2_jit_stack_assign(t->context, NULL, t->stack);
    return t;
}

void re_thread_drop(struct re_thread *t)
{
    if (!t)
        return;
    pcre2_match_context_free(t->context);
    pcre2_match_data_free(t->data);
    pcre2_jit_stack_free(t->stack);
    free(t);
}

void re_thread_forget(struct re_thread *t)
{
    t->valid = GW_NOSTR;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Start positions are tried slice by slice; \b and ^ see the text before a slice all the same. */
static int search(const struct re *re, struct re_thread *t, gw_str text, size_t from)
{
    size_t slice = SLICE;
    int64_t began = 0, before = 0;
    for (;;) {
        bool last = re->anchored || slice >= text.len || from >= text.len - slice;
        pcre2_set_offset_limit(t->context, last ? PCRE2_UNSET : from + slice - 1);
        int rc = pcre2_match(re->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from,
                             PCRE2_NO_UTF_CHECK, t->data, t->context);
        if (rc != PCRE2_ERROR_NOMATCH || last)
            return rc;
        int64_t after = now();
        if (!began)
            began = before = after; /* the first slice is free: most lines need no second */
        if (after - began > RE_TIME_NS)
            return PCRE2_ERROR_MATCHLIMIT;
        from += slice;
        if (after - before < QUICK_NS)
            slice *= 2;
        before = after;
        for (; from < text.len && ((unsigned char)text.ptr[from] & 0xC0) == 0x80;)
            from++;
    }
}

/* Made once, by whichever thread comes first. NULL: no memory. */
static const struct re_memo *memo_of(const struct re *re)
{
    struct re *own = (struct re *)(uintptr_t)re; /* the lazily made part is not const */
    struct re_memo *memo = atomic_load_explicit(&own->memo, memory_order_acquire), *none = NULL;
    if (memo)
        return memo;
    memo = re_memo_new(re->source, OPTIONS);
    if (memo && !atomic_compare_exchange_strong(&own->memo, &none, memo)) {
        re_memo_drop(memo);
        return none;
    }
    return memo;
}

/* Again, with a memory, where backtracking takes too long. */
static int search_harder(const struct re *re, struct re_thread *t, gw_str text, size_t from)
{
    const struct re_memo *memo = memo_of(re);
    return memo ? re_memo_match(memo, text, from, t->data, RE_TIME_NS) : PCRE2_ERROR_MATCHLIMIT;
}

static enum re_result match_valid(const struct re *re, struct re_thread *t, gw_str text, size_t from,
                                  size_t *spans)
{
    int rc = search(re, t, text, from);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        rc = search_harder(re, t, text, from);
    if (rc == PCRE2_ERROR_NOMATCH)
        return RE_NO_MATCH;
    if (rc < 0)
        return RE_GAVE_UP;
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(t->data);
    for (unsigned i = 0; i < 2 * (re->groups + 1); i++)
        spans[i] = i < 2 * (unsigned)rc ? ovector[i] : SIZE_MAX;
    return RE_MATCH;
}

/* Text with U+FFFD for every bad byte, and for each byte of it (and the end) the offset it came from. */
static bool repair(struct gw_arena *a, gw_str text, gw_str *good, size_t **origin)
{
    char *to = gw_arena_raw(a, text.len, 3);
    size_t n = 0, *map = gw_arena_raw(a, text.len * 3 + 1, sizeof *map);
    if (!to || !map)
        return false;
    for (gw_str rest = text; rest.len;) {
        size_t at = text.len - rest.len;
        size_t len = gw_utf8_encode(to + n, gw_utf8_next(&rest));
        for (size_t i = 0; i < len; i++)
            map[n++] = at;
    }
    map[n] = text.len;
    *good = gw_str_n(to, n);
    *origin = map;
    return true;
}

enum re_result re_match(const struct re *re, struct re_thread *t, struct gw_arena *a, gw_str text,
                        size_t from, size_t *spans)
{
    bool known = text.len && t->valid.ptr == text.ptr && t->valid.len == text.len;
    if (known || gw_utf8_valid(text)) {
        t->valid = text;
        return match_valid(re, t, text, from, spans);
    }
    gw_str good;
    size_t *origin, begin = 0;
    if (!repair(a, text, &good, &origin))
        return RE_GAVE_UP;
    while (begin < good.len && origin[begin] < from)
        begin++;
    enum re_result result = match_valid(re, t, good, begin, spans);
    for (unsigned i = 0; result == RE_MATCH && i < 2 * (re->groups + 1); i++)
        if (spans[i] != SIZE_MAX)
            spans[i] = origin[spans[i]];
    return result;
}
