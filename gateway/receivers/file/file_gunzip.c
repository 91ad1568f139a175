/* file_gunzip.c: Reads the rest of a file that a rotation compressed before it was read, for example while
 * ddgate was not running. It recognizes the archive by its name and its first bytes, and writes the unread
 * rest to an unnamed file at the original offset; the bytes before it are a hole. Supports gzip only. Owns
 * nothing after the call. Called by the scan for entries whose file is gone, and by a tail after a truncation.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_TMPFILE, memfd_create */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

/* The rest of a longer one is skipped: the reader would do nothing else for seconds. */
static const uint64_t MOST = 1024u * 1024 * 1024, MOST_IN_MEMORY = 16u * 1024 * 1024;
static const char too_long[] = "that is too much at once";

struct search {
    const struct file_reader *r;
    const struct file_entry *entry;
    uint64_t from;
    const char *base;            /* what the file was called … */
    char original[NAME_MAX + 1]; /* … and before a rotation numbered it */
    struct file_copy_found *found;
};

/* --- names --- */

static bool is_original(void *search, gw_str base)
{
    struct search *s = search;
    char original[NAME_MAX + 1];
    snprintf(original, sizeof original, "%.*s", GW_FMT(base));
    if (!file_is_numbered(original, s->base))
        return false;
    memcpy(s->original, original, sizeof original);
    return true;
}

/* "app.log.2.gz" where the file was app.log, or app.log.1. */
static bool has_name(const struct search *s, const char *compressed)
{
    char name[NAME_MAX + 1];
    const char *dot = strrchr(compressed, '.');
    if (!file_is_compressed_name(compressed) || dot == compressed)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)(dot - compressed), compressed);
    return strcmp(name, s->base) == 0 || file_is_rotation(s->original, name);
}

/* --- contents --- */

/* The number of bytes after `offset`, by gzip's own length, of which it stores 32 bits. */
static uint32_t bytes_behind(int fd, uint64_t offset, uint64_t packed)
{
    uint8_t last[4];
    if (packed < 20 || file_pread(fd, last, sizeof last, packed - sizeof last) != sizeof last)
        return 0;
    return (last[0] | (uint32_t)last[1] << 8 | (uint32_t)last[2] << 16 | (uint32_t)last[3] << 24) -
           (uint32_t)offset;
}

/* Once for a file: the entry goes. */
static void leave(struct search *s, const char *path, const struct stat *st, uint64_t lost, const char *why)
{
    gw_log(GW_WARNING, s->r->component,
           "%s (%" PRIu64 " bytes) may have lines that were not read before it was compressed, and is not "
           "unpacked: %s",
           path, (uint64_t)st->st_size, why);
    atomic_fetch_add_explicit(&s->r->counts->unread_archives, 1, memory_order_relaxed);
    s->found->left = true;
    s->found->lost = lost;
}

static int unnamed_file(const struct file_reader *r, uint64_t *most)
{
    char folder[PATH_MAX];
    *most = MOST;
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(r->state).ptr - r->state), r->state);
    int fd = folder[0] ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        return fd;
    *most = MOST_IN_MEMORY;
    return memfd_create("rotated", MFD_CLOEXEC);
}

static bool put(int fd, const char *bytes, size_t n, uint64_t at)
{
    return n == 0 || pwrite(fd, bytes, n, (off_t)at) == (ssize_t)n;
}

/* Its beginning was read, and is the file's. Writes the bytes after `from`. NULL: all of them; otherwise the
 * reason. */
static const char *unpack(const struct search *s, gzFile gz, const char *head, size_t n, int to,
                          uint64_t most)
{
    char buf[64 * 1024];
    uint64_t at = n, from = s->from;
    int got = 0;
    bool good = put(to, head, n, 0);
    while (good && at < from + most && !atomic_load(&s->r->stopping) &&
           (got = gzread(gz, buf, sizeof buf)) > 0) {
        size_t skip = at >= from ? 0 : from - at < (uint64_t)got ? (size_t)(from - at) : (size_t)got;
        good = put(to, buf + skip, (size_t)got - skip, at + skip);
        at += (uint64_t)got;
    }
    return !good ? strerror(errno) : got < 0 ? "it is damaged" : got > 0 ? too_long : NULL;
}

/* Its first bytes are the file's. */
static void take(struct search *s, gzFile gz, const char *head, size_t n, const char *path,
                 const struct stat *st, uint32_t behind)
{
    struct file_copy_found *found = s->found;
    uint64_t most, lost = behind;
    int to = unnamed_file(s->r, &most);
    const char *why = to < 0 ? strerror(errno) : unpack(s, gz, head, n, to, most);
    if (!why && fstat(to, &found->st) == 0 && (uint64_t)found->st.st_size > s->from) {
        found->fd = to;
        found->unnamed = true;
        snprintf(found->path, sizeof found->path, "%.*s", (int)strlen(path) - 3, path);
        return;
    }
    if (to >= 0)
        close(to);
    if (why == too_long && lost < most)
        lost += UINT64_C(1) << 32;
    if (why && !atomic_load(&s->r->stopping))
        leave(s, path, st, lost, why);
}

/* Takes over fd. */
static void consider(struct search *s, int fd, const char *path)
{
    const struct file_saved *saved = &s->entry->at;
    char head[FILE_HEAD];
    struct stat st;
    uint32_t behind = fd >= 0 && fstat(fd, &st) == 0 ? bytes_behind(fd, s->from, (uint64_t)st.st_size) : 0;
    gzFile gz = behind ? gzdopen(fd, "r") : NULL;
    if (!gz && fd >= 0)
        close(fd);
    if (!gz)
        return;
    int n = gzdirect(gz) ? -1 : gzread(gz, head, saved->head_n);
    if (n == (int)saved->head_n && file_head_hash(head, (size_t)n) == saved->head)
        take(s, gz, head, (size_t)n, path, &st, behind);
    gzclose(gz);
}

/* With another compression only the archive's time shows that it was written after the file was last read. */
static void pass_over(struct search *s, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mtim.tv_sec > s->entry->at.seen)
        leave(s, path, &st, 0, "ddgate unpacks gzip only");
}

/* --- folders --- */

static void search_folder(void *search, const char *folder)
{
    struct search *s = search;
    char path[PATH_MAX];
    DIR *dir = s->found->fd < 0 ? opendir(folder[0] ? folder : ".") : NULL;
    for (struct dirent *e; dir && s->found->fd < 0 && (e = readdir(dir));) {
        if (!has_name(s, e->d_name) ||
            (size_t)snprintf(path, sizeof path, "%s%s", folder, e->d_name) >= sizeof path)
            continue;
        if (gw_str_ends(gw_str_z(path), GW_STR(".gz")))
            consider(s, file_open(path), path);
        else
            pass_over(s, path);
    }
    if (dir)
        closedir(dir);
}

static void search_for(struct search *s, const char *of)
{
    char folder[PATH_MAX];
    s->base = file_base_name(of).ptr;
    snprintf(s->original, sizeof s->original, "%.*s", NAME_MAX, s->base);
    file_each_original(gw_str_z(s->base), is_original, s);
    snprintf(folder, sizeof folder, "%.*s", (int)(s->base - of), of);
    search_folder(s, folder);
    if (s->found->fd < 0 && s->entry->at.head_n >= FILE_TELLING)
        file_folders_beside(s->r->conf, folder, search_folder, s);
}

void file_gunzip(const struct file_reader *r, const struct file_entry *e, const char *target, uint64_t from,
                 struct file_copy_found *found)
{
    struct search s = {.r = r, .entry = e, .from = from, .found = found};
    found->fd = -1;
    found->left = false;
    if (!e->at.head_n)
        return;
    search_for(&s, e->at.path);
    if (target && found->fd < 0)
        search_for(&s, target);
    if (found->fd >= 0)
        gw_log(GW_INFO, r->component,
               "%s.gz has %" PRIu64 " bytes that were not read before it was compressed", found->path,
               (uint64_t)found->st.st_size - from);
}
