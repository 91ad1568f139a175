/* Framing: a stream in pieces gives the records that it gives whole, no byte comes twice, and all memory is
 * given back. First byte: mode and limit; second: size of the pieces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>

#include "gateway/receivers/stream/stream_framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

struct sum {
    size_t records, bytes;
    uint64_t cut, hash;
};

static void add(void *to, gw_str text, uint64_t cut)
{
    struct sum *s = to;
    s->records++;
    s->bytes += text.len;
    s->cut += cut;
    for (size_t i = 0; i < text.len; i++)
        s->hash = (s->hash ^ (uint8_t)text.ptr[i]) * 0x100000001b3u;
    s->hash = (s->hash + text.len) * 31 + cut;
}

static struct sum run(enum stream_frame mode, size_t max, gw_str in, size_t step)
{
    struct gw_budget budget = {.limit = 1 << 20};
    struct stream_framing f = {.mode = mode, .max = max, .budget = &budget};
    struct sum s = {0};
    for (size_t i = 0; i < in.len; i += step) {
        stream_framing_push(&f, gw_str_n(in.ptr + i, in.len - i < step ? in.len - i : step), add, &s);
        check(budget.used <= max + 512);
    }
    stream_framing_end(&f, add, &s);
    check(!stream_framing_is_inside(&f));
    stream_framing_fini(&f);
    check(budget.used == 0);
    check(s.bytes + s.cut <= in.len);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {16, 64, 1000, 1 << 20};
    if (size < 3)
        return 0;
    enum stream_frame mode = (enum stream_frame)(data[0] % 3);
    size_t max = limits[data[0] / 3 % 4];
    gw_str in = gw_str_n((const char *)data + 2, size - 2);
    struct sum whole = run(mode, max, in, in.len), pieces = run(mode, max, in, data[1] % 64 + 1);
    check(whole.records == pieces.records && whole.bytes == pieces.bytes && whole.cut == pieces.cut &&
          whole.hash == pieces.hash);
    return 0;
}
