/* Lines and records of anything: every byte is passed in order, nothing twice; a buffer that ends anywhere
 * changes no record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "gateway/receivers/file/file_multiline.h"
#include "gateway/receivers/file/file_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_record(const struct file_multiline *j, const struct file_record *r, size_t at, size_t n)
{
    check(at <= r->from && r->from < r->to && r->to + r->cut <= r->next && r->next <= n);
    check(r->to - r->from <= j->max);
    check((r->from - at) % j->unit.width == 0 && (r->next - at) % j->unit.width == 0);
}

/* The records of the whole, one after the other. */
static void walk(const struct file_multiline *j, const char *buf, size_t n, enum file_end end)
{
    struct file_record r;
    size_t at = 0;
    for (enum file_found found; (found = file_multiline_next(j, buf, at, n, end, &r)) == FILE_RECORD;
         at = r.next)
        check_record(j, &r, at, n);
    check(r.next >= at && r.next <= n);
    if (end == FILE_OVER)
        check(n - r.next < j->unit.width); /* nothing but half a unit is left */
}

/* What a reader that sees only `part` of the bytes calls records are the same records when it sees more. */
static void same_when_more_comes(const struct file_multiline *j, const char *buf, size_t part, size_t n)
{
    struct file_record some, all;
    for (size_t at = 0; file_multiline_next(j, buf, at, part, FILE_OPEN, &some) == FILE_RECORD;
         at = some.next) {
        check(file_multiline_next(j, buf, at, n, FILE_OPEN, &all) == FILE_RECORD);
        check(some.from == all.from && some.to == all.to && some.next == all.next && some.cut == all.cut);
    }
}

static void strip(const char *buf, size_t n)
{
    static struct file_text t; /* opening converters takes longer than using them */
    static bool ready;
    char why[160];
    check(ready || file_text_init(&t, GW_STR("gbk"), why, sizeof why));
    ready = true;
    for (int e = 0; e < FILE_ENCODINGS; e++) {
        gw_str text = file_text_decode(&t, (enum file_encoding)e, gw_str_n(buf, n));
        check(e == FILE_UTF8 || gw_utf8_valid(text));
        check(file_text_strip(&t, text).len <= text.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct file_unit units[] = {{1, false}, {2, false}, {2, true}, {4, false}};
    if (size < 3)
        return 0;
    struct file_multiline j = {.how = data[0] & 1 ? FILE_STACKTRACES : FILE_EACH_LINE,
                               .unit = units[data[0] >> 1 & 3],
                               .max = 16 + data[1]};
    size_t n = size - 3, part = n * data[2] / 256 / j.unit.width * j.unit.width;
    char *buf = malloc(n + 1);
    memcpy(buf, data + 3, n);
    for (int end = FILE_OPEN; end <= FILE_OVER; end++)
        walk(&j, buf, n, (enum file_end)end);
    same_when_more_comes(&j, buf, part, n);
    strip(buf, n < 4096 ? n : 4096);
    free(buf);
    return 0;
}
