/* arena.c: Allocates from chunks that are freed together. An arena owns its chunks and charges them to its
 * budget. Called by the thread that owns the arena.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/arena.h"

#include "core/base/budget.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define GW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GW_ASAN 1
#endif
#endif
#ifdef GW_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { CHUNK = 64 * 1024 };

struct gw_chunk {
    struct gw_chunk *next;
    size_t size; /* of data */
    char data[] __attribute__((aligned(8)));
};

void gw_arena_init(struct gw_arena *a, size_t budget)
{
    *a = (struct gw_arena){.budget = budget};
}

static void release(const struct gw_arena *a, struct gw_chunk *c)
{
    while (c) {
        struct gw_chunk *next = c->next;
        UNPOISON(c->data, c->size);
        gw_budget_give(a->account, sizeof *c + c->size);
        free(c);
        c = next;
    }
}

void gw_arena_fini(struct gw_arena *a)
{
    release(a, a->first);
    *a = (struct gw_arena){.account = a->account};
}

/* Makes c the chunk that is handed out from, starting at `at`. */
static void enter(struct gw_arena *a, struct gw_chunk *c, char *at)
{
    a->current = c;
    a->at = at;
    a->end = c ? c->data + c->size : NULL;
    if (c)
        POISON(a->at, (size_t)(a->end - a->at));
}

void gw_arena_reset(struct gw_arena *a, size_t keep)
{
    struct gw_chunk **link = &a->first;
    size_t kept = 0;
    while (*link && kept + (*link)->size <= keep) {
        kept += (*link)->size;
        POISON((*link)->data, (*link)->size);
        link = &(*link)->next;
    }
    release(a, *link);
    *link = NULL;
    a->used = a->first ? a->first->size : 0;
    a->spent = a->no_memory = false;
    enter(a, a->first, a->first ? a->first->data : NULL);
}

/* A chunk, paid for. */
static struct gw_chunk *chunk_new(const struct gw_arena *a, size_t size)
{
    if (a->account && !gw_budget_take(a->account, sizeof(struct gw_chunk) + size))
        return NULL;
    struct gw_chunk *c = malloc(sizeof *c + size);
    if (c)
        c->size = size;
    else {
        gw_budget_give(a->account, sizeof *c + size);
        gw_budget_no_memory(a->account);
    }
    return c;
}

/* Moves on to a chunk with room for n bytes: the next kept one if it is large enough, else a new one put in
 * before it. */
static bool grow(struct gw_arena *a, size_t n)
{
    struct gw_chunk *next = a->current ? a->current->next : a->first;
    size_t size = n > CHUNK ? n : CHUNK;
    if (next && next->size >= n)
        size = next->size;
    if (a->used > a->budget || size > a->budget - a->used)
        return false;
    if (!next || next->size < n) {
        struct gw_chunk *fresh = chunk_new(a, size);
        if (!fresh) {
            a->no_memory = true;
            return false;
        }
        fresh->next = next;
        if (a->current)
            a->current->next = fresh;
        else
            a->first = fresh;
        next = fresh;
    }
    a->used += next->size;
    enter(a, next, next->data);
    return true;
}

void *gw_arena_raw(struct gw_arena *a, size_t n, size_t size)
{
    size_t want;
    if (__builtin_mul_overflow(n, size, &want) || want > SIZE_MAX - 8) {
        a->spent = true;
        return NULL;
    }
    want = want ? (want + 7) & ~(size_t)7 : 8;
    if (want > (size_t)(a->end - a->at) && (a->spent || !grow(a, want))) {
        a->spent = true;
        return NULL;
    }
    void *p = a->at;
    a->at += want;
    UNPOISON(p, want);
    return p;
}

void *gw_arena_array(struct gw_arena *a, size_t n, size_t size)
{
    void *p = gw_arena_raw(a, n, size);
    return p ? memset(p, 0, n * size) : NULL;
}

struct gw_snap gw_arena_snap(const struct gw_arena *a)
{
    return (struct gw_snap){a->current, a->at, a->used};
}

void gw_arena_back(struct gw_arena *a, struct gw_snap s)
{
    if (!s.current) { /* taken before the first allocation */
        s.current = a->first;
        s.at = a->first ? a->first->data : NULL;
        s.used = a->first ? a->first->size : 0;
    }
    for (struct gw_chunk *c = s.current ? s.current->next : NULL; c; c = c->next)
        POISON(c->data, c->size);
    a->used = s.used;
    enter(a, s.current, s.at);
}

gw_str gw_arena_dup(struct gw_arena *a, gw_str s)
{
    char *p = gw_arena_raw(a, s.len, 1);
    if (!p)
        return GW_NOSTR;
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return gw_str_n(p, s.len);
}

gw_str gw_arena_printf(struct gw_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : gw_arena_raw(a, (size_t)n + 1, 1);
    if (!p)
        return GW_NOSTR;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return gw_str_n(p, (size_t)n);
}

enum gw_code gw_arena_refusal(const struct gw_arena *a, enum gw_code code, const char *what,
                              struct gw_err *err)
{
    if (code != GW_BUDGET || !gw_budget_is_short(a->account))
        return code;
    return gw_fail(err, GW_BUSY, 0, "no memory for %s just now", what);
}
