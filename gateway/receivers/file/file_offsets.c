/* file_offsets.c: Writes and reads the file of offsets: lines with checksums, always written as a whole. Owns
 * nothing. The offset tracker saves it; the receiver loads it when it opens.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* O_NOFOLLOW */
#include "gateway/receivers/file/file_offsets.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hex.h"

#define MAGIC "ddgate-offsets "
enum { VERSION = 1 };

/* FNV-1a: it detects accidents, not attacks. */
uint64_t file_head_hash(const char *head, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)head[i]) * 0x100000001b3u;
    return h;
}

static uint32_t check_of(const char *text, size_t n)
{
    uint64_t h = file_head_hash(text, n);
    return (uint32_t)(h ^ h >> 32);
}

/* --- writing --- */

static bool is_plain(char c)
{
    return (unsigned char)c > ' ' && (unsigned char)c != 0x7f && c != '%';
}

static void put_path(FILE *f, const char *path)
{
    for (; *path; path++)
        if (is_plain(*path))
            fputc(*path, f);
        else
            fprintf(f, "%%%02x", (unsigned char)*path);
}

/* "file CHECK REST\n": `text` is REST, written to memory. */
static void put_line(FILE *f, const char *kind, char **text, const size_t *n, FILE *line)
{
    fflush(line);
    fprintf(f, "%s %08" PRIx32 " %.*s\n", kind, check_of(*text, *n), (int)*n, *text);
    rewind(line);
}

static bool put_all(FILE *f, const struct file_offsets *o)
{
    char *text = NULL;
    size_t n;
    FILE *line = open_memstream(&text, &n);
    if (!line)
        return false;
    fprintf(f, MAGIC "%d\n", VERSION);
    for (size_t i = 0; i < o->patterns.n; i++) {
        put_path(line, o->patterns.items[i].ptr);
        put_line(f, "pattern", &text, &n, line);
    }
    for (size_t i = 0; i < o->files_n; i++) {
        const struct file_saved *s = &o->files[i];
        fprintf(line, "%" PRIu64 " %" PRIu64 " %" PRIu32 " %016" PRIx64 " %" PRIu64 " %" PRId64 " ", s->dev,
                s->ino, s->head_n, s->head, s->offset, s->seen);
        put_path(line, s->path);
        put_line(f, "file", &text, &n, line);
    }
    bool ok = !ferror(line) && !ferror(f);
    fclose(line);
    free(text);
    return ok;
}

static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool file_offsets_save(const char *path, const struct file_offsets *o, char *why)
{
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0640);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool ok = f && put_all(f, o) && fflush(f) == 0 && fsync(fd) == 0;
    int error = errno;
    if (f)
        ok = fclose(f) == 0 && ok;
    else if (fd >= 0)
        close(fd);
    ok = ok && rename(beside, path) == 0 && sync_folder(path);
    if (!ok)
        snprintf(why, FILE_ERROR_SIZE, "%.120s: %s", beside, strerror(error ? error : errno));
    return ok;
}

/* --- reading --- */

static bool take_number(gw_str *rest, uint64_t *out)
{
    gw_str word;
    return gw_str_next(rest, ' ', &word) && gw_str_u64(word, out);
}

/* malloc'd; NULL: not a path, or no memory. */
static char *take_path(gw_str text)
{
    char *path = text.len ? malloc(text.len + 1) : NULL;
    size_t n = 0;
    for (size_t i = 0; path && i < text.len; i++) {
        if (text.ptr[i] != '%') {
            path[n++] = text.ptr[i];
        } else if (gw_hex_byte(gw_str_from(text, i + 1)) >= 0) {
            path[n++] = (char)gw_hex_byte(gw_str_from(text, i + 1));
            i += 2;
        } else {
            free(path);
            return NULL;
        }
    }
    if (path)
        path[n] = '\0';
    return path;
}

static void *more(void *items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    size_t wanted = *cap ? 2 * *cap : 16;
    void *p = realloc(items, wanted * size);
    if (p)
        *cap = wanted;
    return p;
}

static bool take_pattern(struct file_offsets *o, gw_str rest)
{
    gw_str *patterns = more(o->patterns.items, o->patterns.n, &o->patterns_cap, sizeof *patterns);
    char *path = take_path(rest);
    if (patterns)
        o->patterns.items = patterns;
    if (patterns && path)
        patterns[o->patterns.n++] = gw_str_z(path);
    else
        free(path);
    return patterns && path;
}

static bool take_file(struct file_offsets *o, gw_str rest)
{
    struct file_saved s = {0}, *files = more(o->files, o->files_n, &o->files_cap, sizeof *files);
    gw_str word;
    uint64_t head_n, seen;
    if (files)
        o->files = files;
    if (!files || !take_number(&rest, &s.dev) || !take_number(&rest, &s.ino) ||
        !take_number(&rest, &head_n) || head_n > FILE_HEAD || !gw_str_next(&rest, ' ', &word) ||
        !gw_str_hex64(word, &s.head) || !take_number(&rest, &s.offset) || !take_number(&rest, &seen) ||
        !(s.path = take_path(rest)))
        return false;
    s.head_n = (uint32_t)head_n;
    s.seen = (int64_t)seen;
    o->files[o->files_n++] = s;
    return true;
}

static bool take_line(struct file_offsets *o, gw_str line)
{
    gw_str kind, word;
    uint64_t check;
    if (!gw_str_next(&line, ' ', &kind) || !gw_str_next(&line, ' ', &word) || !gw_str_hex64(word, &check) ||
        check != check_of(line.ptr ? line.ptr : "", line.len))
        return false;
    if (gw_str_eq(kind, GW_STR("file")))
        return take_file(o, line);
    return gw_str_eq(kind, GW_STR("pattern")) && take_pattern(o, line);
}

/* Any user may have written the file: longer lines than ddgate's are skipped, in bounded memory, and reading
 * stops at a line feed that does not come. */
enum { LINE = 64 * 1024, LONGEST = 16 << 20 };
enum line { A_LINE, BAD_LINE, BAD_END, NO_MORE };

static enum line next_line(FILE *f, char line[LINE], size_t *n)
{
    int c = getc_unlocked(f);
    for (*n = 0; c != EOF && c != '\n' && *n < LONGEST; c = getc_unlocked(f)) {
        if (*n < LINE)
            line[*n] = (char)c;
        ++*n;
    }
    if (c != '\n')
        return *n ? BAD_END : NO_MORE;
    return *n <= LINE ? A_LINE : BAD_LINE;
}

static bool take_version(FILE *f, const char *path, char *why)
{
    char line[sizeof MAGIC + 24];
    uint64_t version;
    size_t n = fread(line, 1, sizeof line, f);
    const char *end = memchr(line, '\n', n);
    gw_str text = gw_str_n(line, end ? (size_t)(end - line) : 0);
    if (!gw_str_starts(text, GW_STR(MAGIC)) || !gw_str_u64(gw_str_from(text, sizeof MAGIC - 1), &version)) {
        snprintf(why, FILE_ERROR_SIZE, "%.160s is not a file of offsets", path);
        return false;
    }
    if (version != VERSION)
        snprintf(why, FILE_ERROR_SIZE, "%.140s was written by another version of ddgate", path);
    return version == VERSION && fseek(f, (long)text.len + 1, SEEK_SET) == 0;
}

static bool take_all(FILE *f, const char *path, struct file_offsets *o, char *why)
{
    char line[LINE];
    enum line is = A_LINE;
    size_t n;
    if (!take_version(f, path, why))
        return false;
    while (is != BAD_END && (is = next_line(f, line, &n)) != NO_MORE)
        if (is != A_LINE || !take_line(o, gw_str_n(line, n)))
            o->damaged++;
    return true;
}

/* For reading, without waiting for a writer of a pipe. NULL with an empty `why`: it does not exist. */
static FILE *open_regular(const char *path, char *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = errno;
    why[0] = '\0';
    if (fd < 0 && error == ENOENT && lstat(path, &st) != 0)
        return NULL;
    if (fd < 0 && error == ENOENT)
        snprintf(why, FILE_ERROR_SIZE, "%.140s is a symbolic link that leads nowhere", path);
    else if (fd < 0)
        snprintf(why, FILE_ERROR_SIZE, "%.120s: %s", path, strerror(error));
    else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        snprintf(why, FILE_ERROR_SIZE, "%.120s is no regular file, and offsets cannot be kept in it", path);
    FILE *f = fd >= 0 && !why[0] ? fdopen(fd, "r") : NULL;
    if (!f && fd >= 0)
        close(fd);
    if (!f && !why[0])
        snprintf(why, FILE_ERROR_SIZE, "%.120s: %s", path, strerror(ENOMEM));
    return f;
}

enum file_offsets_are file_offsets_load(const char *path, struct file_offsets *o, char *why)
{
    *o = (struct file_offsets){0};
    FILE *f = open_regular(path, why);
    if (!f)
        return why[0] ? FILE_OFFSETS_REFUSED : FILE_OFFSETS_LOADED;
    bool ok = take_all(f, path, o, why);
    fclose(f);
    return ok ? FILE_OFFSETS_LOADED : FILE_OFFSETS_FOREIGN;
}

void file_offsets_fini(struct file_offsets *o)
{
    for (size_t i = 0; i < o->files_n; i++)
        free(o->files[i].path);
    for (size_t i = 0; i < o->patterns.n; i++)
        free((char *)(uintptr_t)o->patterns.items[i].ptr); /* made by take_path */
    free(o->files);
    free(o->patterns.items);
    *o = (struct file_offsets){0};
}
