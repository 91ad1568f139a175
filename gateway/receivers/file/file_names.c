/* file_names.c: compares names of files and recognizes the names that rotations give them. Owns nothing;
 * keeps no state, except for looking up the names that are read. Called by the scan, the search for copies
 * and the folders.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memrchr */
#include <limits.h>
#include <stdio.h>

#include "gateway/receivers/file/file_reader.h"

gw_str file_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return gw_str_z(slash ? slash + 1 : path);
}

uint64_t file_name_key(gw_str path)
{
    return file_head_hash(path.ptr, path.len);
}

bool file_is_compressed_name(const char *path)
{
    static const gw_str ends[] = {GW_LIT(".gz"), GW_LIT(".zst"), GW_LIT(".bz2"),
                                  GW_LIT(".xz"), GW_LIT(".zip"), GW_LIT(".lz4")};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (gw_str_ends(gw_str_z(path), ends[i]))
            return true;
    return false;
}

static bool is_mark(char c)
{
    return c == '.' || c == '-' || c == '_' || c == '~';
}

bool file_is_rotation(const char *base, const char *name)
{
    size_t n = strlen(base), m = strlen(name);
    const char *dot = strrchr(base, '.');
    if (m <= n)
        return false;
    if (memcmp(name, base, n) == 0)
        return is_mark(name[n]);
    size_t stem = dot ? (size_t)(dot - base) : n;
    return stem && memcmp(name, base, stem) == 0 && is_mark(name[stem]) &&
           strcmp(name + m - (n - stem), dot ? dot : "") == 0;
}

bool file_is_numbered(const char *base, const char *name)
{
    size_t n = strlen(base);
    const char *dot = strrchr(base, '.');
    if (strncmp(name, base, n) != 0)
        n = dot ? (size_t)(dot - base) : n;
    return file_is_rotation(base, name) && name[n + 1] >= '0' && name[n + 1] <= '9';
}

bool file_each_original(gw_str name, file_original_f *call, void *ctx)
{
    char base[NAME_MAX + 1];
    const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
    for (const char *at = name.ptr + 1; at < name.ptr + name.len; at++) {
        size_t n = (size_t)(at - name.ptr);
        if (!is_mark(*at))
            continue;
        if (call(ctx, gw_str_n(name.ptr, n)))
            return true;
        if (dot && dot > at &&
            (size_t)snprintf(base, sizeof base, "%.*s%s", (int)n, name.ptr, dot) < sizeof base &&
            call(ctx, gw_str_z(base)))
            return true;
    }
    return false;
}

static bool is_read(void *reader, gw_str base)
{
    const struct file_reader *r = reader;
    uint64_t key = file_name_key(base);
    return file_index_find(&r->by_base, key) || file_index_find(&r->by_target, key);
}

bool file_has_rotation(const struct file_reader *r, const char *name)
{
    return file_each_original(gw_str_z(name), is_read, (void *)(uintptr_t)r);
}
