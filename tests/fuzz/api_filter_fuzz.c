/* A filter, a NUL, and bytes that are taken for a span's attributes: reading is bounded, and texts of words lie in
 * the filter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "gateway/api/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct gw_filter *f, gw_str s)
{
    if (s.ptr && (s.ptr < f->bytes || s.ptr + s.len > f->bytes + sizeof f->bytes))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str all = {(const char *)data, size};
    size_t cut = gw_str_find(all, 0);
    gw_str rest = gw_str_from(all, cut + 1);
    struct gw_filter f, copy;
    struct gw_err err = {0};
    struct wire_view view = {(const uint8_t *)rest.ptr, (const uint8_t *)rest.ptr + rest.len};
    struct gw_filter_item item = {
        .name = rest, .body = rest, .service = rest, .item = view, .item_field = 9, .resource = view};
    if (gw_filter_read(&f, gw_str_n(all.ptr, cut), &err) != GW_OK) {
        if (!err.what[0])
            abort();
        return 0;
    }
    for (size_t i = 0; i < f.n; i++) {
        check(&f, f.words[i].key);
        check(&f, f.words[i].text);
    }
    gw_filter_copy(&copy, &f);
    if (gw_filter_meets(&f, &item) != gw_filter_meets(&copy, &item))
        abort();
    return 0;
}
