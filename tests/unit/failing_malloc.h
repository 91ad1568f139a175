/* failing_malloc.h: an allocator that refuses the n-th request, so that a test sees what becomes of the data
 * then.
 *
 *     for (unsigned long n = 1;; n++) { …; failing_begin(n, 1); …; if (!failing_end()) break; }
 *
 * Programs named test_…_no_memory.c are linked with --wrap (tests/CMakeLists.txt): what this program's own
 * code allocates comes here, what shared libraries allocate does not. Allocation number n, counted from
 * failing_begin, is refused, and so are the `run` − 1 behind it.
 *
 * Threads: one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FAILING_MALLOC_H
#define FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

static struct {
    bool on;
    unsigned long from, to, seen; /* refused: from … to−1 */
    unsigned long refused;
} failing;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static inline bool failing_refuses(void)
{
    if (!failing.on)
        return false;
    unsigned long number = ++failing.seen;
    bool refuses = number >= failing.from && number < failing.to;
    failing.refused += refuses;
    return refuses;
}

void *__wrap_malloc(size_t size)
{
    return failing_refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return failing_refuses() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return failing_refuses() ? NULL : __real_realloc(old, size);
}

/* From now on, the n-th allocation and those behind it are refused, `run` of them. */
static inline void failing_begin(unsigned long n, unsigned long run)
{
    failing.from = n;
    failing.to = n + run;
    failing.seen = failing.refused = 0;
    failing.on = true;
}

/* Everything is given again. False when nothing was refused: then there are fewer than n allocations, and the
 * test has seen all. */
static inline bool failing_end(void)
{
    failing.on = false;
    return failing.refused > 0;
}

#endif
