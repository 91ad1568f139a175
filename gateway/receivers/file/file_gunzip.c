/* file_gunzip.c: the rest of a file that a rotation compressed before it was read, as when no gateway ran
 * meanwhile. It is told by its name and its first bytes, and its rest is written into a file without a name, at
 * the offset where it stood: the bytes before it that were read already are a hole. Rotations with gzip only.
 * The scan asks for entries whose file is gone, a tail after a truncation.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_TMPFILE, memfd_create */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

/* Of what is longer the rest is left: the reader would do nothing else for seconds. */
static const uint64_t MOST = 1024u * 1024 * 1024, MOST_IN_MEMORY = 16u * 1024 * 1024;

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
static bool has_name(const struct search *s, const char *gz)
{
    char name[NAME_MAX + 1];
    size_t n = strlen(gz);
    if (n < 4 || strcmp(gz + n - 3, ".gz") != 0)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)n - 3, gz);
    return strcmp(name, s->base) == 0 || file_is_rotation(s->original, name);
}

/* --- contents --- */

/* What gzip says of the length, of which it keeps 32 bits. */
static bool ends_at(int fd, uint64_t offset)
{
    uint8_t last[4];
    off_t size = lseek(fd, 0, SEEK_END);
    bool read = size >= 20 && file_pread(fd, last, sizeof last, (uint64_t)size - sizeof last) == sizeof last;
    lseek(fd, 0, SEEK_SET);
    return read && (uint32_t)offset ==
                       (last[0] | (uint32_t)last[1] << 8 | (uint32_t)last[2] << 16 | (uint32_t)last[3] << 24);
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

/* Its beginning was read, and is the file's. Writes what stands behind `from`; false: not all of it. */
static bool unpack(const struct search *s, gzFile gz, const char *head, size_t n, int to, uint64_t most)
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
    return good && got == 0 && gzeof(gz);
}

/* Takes over fd. */
static void consider(struct search *s, int fd, const char *path)
{
    const struct file_saved *saved = &s->entry->at;
    char head[FILE_HEAD];
    uint64_t most;
    gzFile gz = fd < 0 || ends_at(fd, s->from) ? NULL : gzdopen(fd, "r");
    if (!gz && fd >= 0)
        close(fd);
    if (!gz)
        return;
    int n = gzdirect(gz) ? -1 : gzread(gz, head, saved->head_n), to = -1;
    if (n == (int)saved->head_n && file_head_hash(head, (size_t)n) == saved->head &&
        (to = unnamed_file(s->r, &most)) >= 0) {
        if (unpack(s, gz, head, (size_t)n, to, most) && fstat(to, &s->found->st) == 0 &&
            (uint64_t)s->found->st.st_size > s->from) {
            s->found->fd = to;
            s->found->unnamed = true;
            snprintf(s->found->path, sizeof s->found->path, "%.*s", (int)strlen(path) - 3, path);
        } else {
            close(to);
        }
    }
    gzclose(gz);
}

/* --- folders --- */

static void search_folder(void *search, const char *folder)
{
    struct search *s = search;
    char path[PATH_MAX];
    DIR *dir = s->found->fd < 0 ? opendir(folder[0] ? folder : ".") : NULL;
    for (struct dirent *e; dir && s->found->fd < 0 && (e = readdir(dir));)
        if (has_name(s, e->d_name) &&
            (size_t)snprintf(path, sizeof path, "%s%s", folder, e->d_name) < sizeof path)
            consider(s, file_open(path), path);
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
