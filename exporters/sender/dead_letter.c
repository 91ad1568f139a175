/* Writes refused requests as OTLP/JSON lines to two files of bounded size. Owns the open file; a frame is
 * decoded and written as text in memory first, so a line stands in the file whole or not at all. Called by
 * sender_outcome.c on the sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "exporters/sender/dead_letter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/scrub.h"
#include "core/config/config_diagnostic.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"

enum { PATH_SIZE = 4096, UNFOLD = 64, SCRATCH = 1024 * 1024 /* memory that a message takes unfolded */ };

void gw_dead_letter_init(struct gw_dead_letter *d, gw_str directory, uint64_t max_size, const char *name,
                         const char *component)
{
    *d = (struct gw_dead_letter){
        .directory = directory, .max_size = max_size, .name = name, .component = component, .fd = -1};
}

void gw_dead_letter_close(struct gw_dead_letter *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void gw_dead_letter_inherit(struct gw_dead_letter *d, struct gw_dead_letter *predecessor)
{
    gw_dead_letter_close(predecessor);
    if (!gw_str_eq(d->directory, predecessor->directory))
        return;
    memcpy(d->now, predecessor->now, sizeof d->now);
    memcpy(d->old, predecessor->old, sizeof d->old);
}

void gw_dead_letter_check(gw_str directory, const char *path, struct gw_diagnostics *diagnostics)
{
    char at[GW_OPTION_PATH];
    struct stat s;
    if (!directory.len)
        return;
    gw_option_path(at, path, "dead_letter.directory");
    if (stat(directory.ptr, &s) != 0)
        gw_config_error(diagnostics, at, "%s: %s: make it, and let ddgate's user write there", directory.ptr,
                        strerror(errno));
    else if (!S_ISDIR(s.st_mode))
        gw_config_error(diagnostics, at, "%s is not a directory", directory.ptr);
    else if (access(directory.ptr, W_OK | X_OK) != 0)
        gw_config_error(diagnostics, at, "%s: %s: let ddgate's user write there", directory.ptr,
                        strerror(errno));
}

/* A name is the user's: '/' would lead elsewhere. */
static bool path_of(const struct gw_dead_letter *d, const char *ending, char out[static PATH_SIZE])
{
    int n = snprintf(out, PATH_SIZE, "%.*s/", GW_FMT(d->directory));
    for (const char *c = d->name; *c && n > 0 && n + 1 < PATH_SIZE; c++)
        out[n++] = *c == '/' || (unsigned char)*c < ' ' ? '_' : *c;
    return n > 0 && n < PATH_SIZE && snprintf(out + n, (size_t)(PATH_SIZE - n), "%s", ending) < PATH_SIZE - n;
}

static bool failed(const struct gw_dead_letter *d, const char *what)
{
    gw_log(GW_WARNING, d->component, "%.*s: rejected items cannot be set aside: %s: %s", GW_FMT(d->directory),
           what, strerror(errno));
    return false;
}

/* A line that a crash cut short must not spoil the next one. */
static bool end_line(int fd, uint64_t size)
{
    char last = '\n';
    return size == 0 ||
           (pread(fd, &last, 1, (off_t)size - 1) == 1 && (last == '\n' || write(fd, "\n", 1) == 1));
}

/* Somebody may have taken the file away to send it again: what stood in it is theirs now. */
static bool is_there_still(struct gw_dead_letter *d, const char *path)
{
    struct stat open_one, named;
    if (d->fd < 0)
        return false;
    if (fstat(d->fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_dev == named.st_dev &&
        open_one.st_ino == named.st_ino) {
        d->size = (uint64_t)open_one.st_size;
        return true;
    }
    gw_dead_letter_close(d);
    memset(d->now, 0, sizeof d->now);
    return false;
}

static bool open_file(struct gw_dead_letter *d)
{
    char path[PATH_SIZE];
    struct stat s;
    if (!path_of(d, ".jsonl", path)) {
        errno = ENAMETOOLONG;
        return failed(d, "open");
    }
    if (is_there_still(d, path))
        return true;
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fstat(fd, &s) != 0 || !end_line(fd, (uint64_t)s.st_size)) {
        failed(d, "open");
        if (fd >= 0)
            close(fd);
        return false;
    }
    d->fd = fd;
    d->size = (uint64_t)s.st_size;
    return true;
}

/* The file becomes the old one. */
static bool turn(struct gw_dead_letter *d, uint64_t overwritten[GW_SIGNALS])
{
    char path[PATH_SIZE], old[PATH_SIZE];
    gw_dead_letter_close(d);
    if (!path_of(d, ".jsonl", path) || !path_of(d, ".old.jsonl", old) || rename(path, old) != 0)
        return failed(d, "rename");
    for (int i = 0; i < GW_SIGNALS; i++) {
        overwritten[i] += d->old[i];
        d->old[i] = d->now[i];
        d->now[i] = 0;
    }
    gw_log(
        GW_WARNING, d->component,
        "%s is full and was renamed to %s: the previous content of that file is lost (dead_letter.max_size)",
        path, old);
    return open_file(d);
}

static bool write_all(struct gw_dead_letter *d, const char *data, size_t len)
{
    uint64_t before = d->size;
    while (len) {
        ssize_t n = write(d->fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* half a line is no line */
            failed(d, "write");
            if (ftruncate(d->fd, (off_t)before) == 0)
                d->size = before;
            return false;
        }
        d->size += (uint64_t)n;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* A line of its own. False when the frame cannot be written as text; `out` is failed then, and says whether
 * memory was the reason. */
static bool render(struct out *out, const struct gw_frame *f)
{
    struct gw_arena arena;
    gw_arena_init(&arena, f->len * UNFOLD + SCRATCH);
    const ProtobufCMessage *message = otlp_read(&arena, f->signal, gw_str_n((const char *)f->data, f->len));
    if (message) {
        otlp_json(out, message);
        if (!out->failed)
            out->len = gw_scrub_data(out->data, out->len);
        out_char(out, '\n');
    } else {
        out->failed = true;
        out->no_memory = arena.no_memory;
    }
    gw_arena_fini(&arena);
    return !out->failed;
}

/* True when the frame stands in the file. */
static bool put_frame(struct gw_dead_letter *d, const struct gw_frame *f, struct out *out,
                      struct gw_set_aside *put)
{
    out_reset(out);
    put->no_memory = !render(out, f) && out->no_memory;
    if (put->no_memory)
        return false;
    if (out->failed || out->len > d->max_size / 2) {
        errno = EFBIG;
        return failed(d, "a request that is larger than half of dead_letter.max_size");
    }
    if (!open_file(d) || (d->size + out->len > d->max_size / 2 && !turn(d, put->overwritten)))
        return false;
    return write_all(d, out->data, out->len);
}

struct gw_set_aside gw_dead_letter_put(struct gw_dead_letter *d, const struct gw_batch *b)
{
    struct gw_set_aside put = {0};
    struct out out;
    if (!d->directory.len)
        return put;
    out_init(&out, d->max_size);
    while (put.frames < b->n && put_frame(d, b->frames[put.frames], &out, &put)) {
        const struct gw_frame *f = b->frames[put.frames++];
        d->now[b->signal] += f->items;
        put.items += f->items;
    }
    out_fini(&out);
    return put;
}
