/* Lines that belong together: no byte of any line goes missing or comes twice but for line feeds and blank
 * lines, a record is no longer than its limit or one line, and all memory is given back. First byte: how and
 * the limit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "gateway/receivers/stream/stream_multiline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Blanks do not count: lines of nothing else are dropped. */
static uint64_t sum_of(uint64_t sum, gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '\n' && s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            sum = (sum ^ (uint8_t)s.ptr[i]) * 0x100000001b3u;
    return sum;
}

static void add(void *sum, gw_str text, uint64_t cut, uint64_t observed)
{
    check(cut == 0 && observed == 1);
    *(uint64_t *)sum = sum_of(*(uint64_t *)sum, text);
}

static struct gw_budget budget = {.limit = 1 << 20};

static struct stream_multiline_conf *multiline(int how)
{
    static const char *const words[] = {"auto", "^[A-Z0-9<]"};
    static struct stream_multiline_conf made[2];
    struct stream_multiline_conf *k = &made[how];
    if (k->budget)
        return k;
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    stream_multiline_conf_open(k, gw_str_z(words[how]), "", diagnostics);
    check(gw_diagnostics_errors(diagnostics) == 0);
    gw_diagnostics_drop(diagnostics);
    k->budget = &budget;
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct stream_multiline_conf *k = multiline(data[0] & 1);
    struct stream_multiline j = {.open = false};
    gw_str rest = gw_str_n((const char *)data + 1, size - 1), line;
    uint64_t in = 1, out = 1;
    k->max = data[0] & 2 ? 40 : 1 << 16;
    while (gw_str_next(&rest, '\n', &line)) {
        char *copy = malloc(line.len ? line.len : 1);
        check(copy != NULL);
        if (line.len)
            memcpy(copy, line.ptr, line.len);
        in = sum_of(in, line);
        stream_multiline_line(k, &j, gw_str_n(copy, line.len), 0, 1, add, &out);
        free(copy);
    }
    stream_multiline_end(k, &j, add, &out);
    check(in == out && budget.used == 0);
    return 0;
}
