/* Any body as a profiler's upload: its parts, its event, its files unpacked and checked. The boundary is "B".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/pprof.h"
#include "translators/profiles/profile_file.h"
#include "translators/profiles/profile_upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(gw_str part, gw_str whole)
{
    GW_ASSERT(!part.len || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void unpack(gw_str file)
{
    enum { MOST = 1 << 20 };
    struct otlp_buf buf = {0};
    struct gw_err err = {0};
    struct pprof_contents c;
    gw_str plain;
    enum gw_code code = profile_unpack(file, MOST, &buf, &plain, &err);
    GW_ASSERT(code == GW_OK || code == GW_BAD_PROFILE || code == GW_TOO_LARGE);
    GW_ASSERT(err.pos <= file.len);
    if (code == GW_OK && pprof_check(plain, &c, &err) == GW_OK)
        GW_ASSERT(c.samples + c.locations + c.functions + c.strings + c.frames <= plain.len);
    otlp_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str body = gw_str_n((const char *)data, size);
    struct profile_upload u;
    struct gw_arena arena;
    struct gw_err err = {0};
    gw_arena_init(&arena, 1 << 20);
    enum gw_code code =
        profile_upload_read(GW_STR("multipart/form-data; boundary=B"), body, &arena, &u, &err);
    GW_ASSERT(code == GW_OK || err.pos <= size);
    GW_ASSERT(code != GW_OK || u.files_n > 0);
    for (size_t i = 0; code == GW_OK && i < u.files_n; i++) {
        within(u.files[i].body, body);
        within(u.files[i].name, body);
        unpack(u.files[i].body);
    }
    unpack(body); /* so that a file alone is an input, too */
    gw_arena_fini(&arena);
    return 0;
}
