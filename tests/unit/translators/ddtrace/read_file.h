/* read_file.h: a file whole, in malloc's memory.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef READ_FILE_H
#define READ_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "core/base/str.h"

/* GW_NOSTR when there is no such file. An empty file has a pointer, too. */
static inline gw_str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return GW_NOSTR;
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    char *bytes = malloc(len ? len : 1);
    rewind(f);
    assert_int_equal(fread(bytes, 1, len, f), len);
    fclose(f);
    return gw_str_n(bytes, len);
}

#endif
