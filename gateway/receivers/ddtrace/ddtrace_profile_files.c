/* ddtrace_profile_files.c: Writes, measures and takes away the files of one upload. Owns the descriptors for the length of a call.
 * Called by ddtrace_profile_directory.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/receivers/ddtrace/ddtrace_profile_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/hash.h"

enum { KEPT = 71 /* bytes of a name that is changed */, STEP = 64 * 1024, GZIP_BITS = 15 + 16 };

/* --- names --- */

static bool is_plain(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || gw_char_in(c, "._-");
}

void ddtrace_profile_safe_name(gw_str s, char out[static DDTRACE_PROFILE_NAME])
{
    bool plain = s.len > 0 && s.len <= KEPT + 9 && s.ptr[0] != '.';
    size_t n = s.len < KEPT ? s.len : KEPT;
    for (size_t i = 0; i < s.len && plain; i++)
        plain = is_plain(s.ptr[i]);
    if (plain) {
        snprintf(out, DDTRACE_PROFILE_NAME, "%.*s", GW_FMT(s));
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = is_plain(s.ptr[i]) && (i || s.ptr[i] != '.') ? s.ptr[i] : '_';
    snprintf(out + n, DDTRACE_PROFILE_NAME - n, "-%08x", (unsigned)gw_hash_text(0, s));
}

/* Returns the extension of a compressed file's name, so that people know how to decompress it. */
static const char *ending(const struct ddtrace_profile_file *f)
{
    static const char *const endings[] = {"", ".gz", ".zst", ".lz4"};
    const char *end = endings[f->packing];
    if (f->sent->kind == PROFILE_FILE_PPROF || gw_str_ends(f->sent->name, gw_str_z(end)))
        return "";
    return end;
}

static gw_str without(gw_str name, gw_str end)
{
    return gw_str_ends(name, end) ? gw_str_n(name.ptr, name.len - end.len) : name;
}

/* --- writing --- */

static bool write_all(int fd, gw_str s)
{
    while (s.len) {
        ssize_t n = write(fd, s.ptr, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = gw_str_from(s, (size_t)n);
    }
    return true;
}

static bool write_packed_by(z_stream *z, int fd, gw_str plain)
{
    char out[STEP];
    z->next_in = (Bytef *)(uintptr_t)plain.ptr;
    z->avail_in = (uInt)plain.len;
    for (int rc = Z_OK; rc != Z_STREAM_END;) {
        z->next_out = (Bytef *)out;
        z->avail_out = sizeof out;
        rc = deflate(z, Z_FINISH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            errno = EIO;
            return false;
        }
        if (!write_all(fd, gw_str_n(out, sizeof out - z->avail_out)))
            return false;
    }
    return true;
}

static bool write_gzip(int fd, gw_str plain)
{
    z_stream z = {0};
    if (plain.len > UINT32_MAX / 2 ||
        deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        errno = ENOMEM;
        return false;
    }
    bool good = write_packed_by(&z, fd, plain);
    int why = errno;
    deflateEnd(&z);
    errno = why;
    return good;
}

static uint64_t blocks(int64_t bytes)
{
    uint64_t n = bytes > 0 ? (uint64_t)bytes : 0;
    return (n + DDTRACE_PROFILE_BLOCK - 1) / DDTRACE_PROFILE_BLOCK * DDTRACE_PROFILE_BLOCK;
}

static bool close_measured(int fd, bool good, uint64_t *bytes)
{
    struct stat s;
    int why = errno;
    good = good && fstat(fd, &s) == 0;
    if (good)
        *bytes += blocks(s.st_size);
    if (close(fd) != 0 && good) /* a disk quota may speak up here */
        return false;
    if (!good)
        errno = why;
    return good;
}

/* Another file of this upload may have the name: then a number goes in front. */
static int create(int folder, const char *name)
{
    char other[DDTRACE_PROFILE_NAME + 16];
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    for (unsigned i = 2; fd < 0 && errno == EEXIST && i < 1000; i++) {
        snprintf(other, sizeof other, "%u-%s", i, name);
        fd = openat(folder, other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    return fd;
}

static bool write_text(int folder, const char *name, gw_str text, uint64_t *bytes)
{
    int fd = create(folder, name);
    return fd >= 0 && close_measured(fd, write_all(fd, text), bytes);
}

/* pprof that is packed as no pprof reader takes it is packed by gzip. */
static bool write_file(int folder, const struct ddtrace_profile_file *f, uint64_t *bytes)
{
    char name[DDTRACE_PROFILE_NAME], whole[DDTRACE_PROFILE_NAME + 8];
    bool pprof = f->sent->kind == PROFILE_FILE_PPROF;
    bool repack = pprof && (f->packing == PROFILE_ZSTD || f->packing == PROFILE_LZ4);
    gw_str told = f->sent->name;
    if (repack)
        told = without(without(told, GW_STR(".zst")), GW_STR(".lz4"));
    ddtrace_profile_safe_name(told, name);
    snprintf(whole, sizeof whole, "%s%s", name, ending(f));
    int fd = create(folder, whole);
    return fd >= 0 &&
           close_measured(fd, repack ? write_gzip(fd, f->plain) : write_all(fd, f->sent->body), bytes);
}

/* Writes the tags of an older profiler's form fields. */
static bool write_tags(int folder, const struct profile_upload *u, uint64_t *bytes)
{
    bool good = true;
    int fd = create(folder, "tags.txt");
    for (size_t i = 0; i < u->tags_n && fd >= 0 && good; i++)
        good = write_all(fd, u->tags[i]) && write_all(fd, GW_STR("\n"));
    return fd >= 0 && close_measured(fd, good, bytes);
}

bool ddtrace_profile_write_files(int folder, const struct ddtrace_profile *p, uint64_t *bytes)
{
    *bytes = DDTRACE_PROFILE_BLOCK;
    bool good = p->upload->event.len ? write_text(folder, "event.json", p->upload->event, bytes)
                                     : write_tags(folder, p->upload, bytes);
    for (size_t i = 0; i < p->n && good; i++)
        good = write_file(folder, &p->files[i], bytes);
    return good;
}

/* --- folders --- */

DIR *ddtrace_profile_list_folder(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (fd >= 0 && !d)
        close(fd);
    return d;
}

void ddtrace_profile_empty_folder(int folder)
{
    DIR *d = ddtrace_profile_list_folder(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            (void)!unlinkat(folder, e->d_name, 0);
    if (d)
        closedir(d);
}

uint64_t ddtrace_profile_measure_folder(int folder)
{
    uint64_t bytes = DDTRACE_PROFILE_BLOCK;
    struct stat s;
    DIR *d = ddtrace_profile_list_folder(folder);
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.' && fstatat(folder, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(s.st_mode))
            bytes += blocks(s.st_size);
    if (d)
        closedir(d);
    return bytes;
}
