/* dead_letter_file.c: writes lines to two files of limited size. Owns the open file. Called by the senders
 * and by the Kafka receiver.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "core/delivery/dead_letter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/folder.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"

enum { PATH_SIZE = 4096 };

void gw_dead_letter_file_init(struct gw_dead_letter_file *d, gw_str directory, uint64_t max_size,
                              const char *name, const char *component)
{
    *d = (struct gw_dead_letter_file){
        .directory = directory, .max_size = max_size, .name = name, .component = component, .fd = -1};
}

void gw_dead_letter_file_close(struct gw_dead_letter_file *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void gw_dead_letter_file_check(gw_str directory, const char *path, struct gw_diagnostics *diagnostics)
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
    else if (!gw_folder_takes_files(directory.ptr))
        gw_config_error(diagnostics, at, "%s: %s: let ddgate's user write there", directory.ptr,
                        strerror(errno));
}

/* The name comes from the user: '/' in it would lead to another directory. */
static bool path_of(const struct gw_dead_letter_file *d, const char *ending, char out[static PATH_SIZE])
{
    int n = snprintf(out, PATH_SIZE, "%.*s/", GW_FMT(d->directory));
    for (const char *c = d->name; *c && n > 0 && n + 1 < PATH_SIZE; c++)
        out[n++] = *c == '/' || (unsigned char)*c < ' ' ? '_' : *c;
    return n > 0 && n < PATH_SIZE && snprintf(out + n, (size_t)(PATH_SIZE - n), "%s", ending) < PATH_SIZE - n;
}

static bool failed(const struct gw_dead_letter_file *d, const char *what)
{
    gw_log(GW_WARNING, d->component, "%.*s: rejected items cannot be set aside: %s: %s", GW_FMT(d->directory),
           what, strerror(errno));
    return false;
}

/* If a crash cut the last line short, ends it, so that the next line is intact. */
static bool end_line(int fd, uint64_t size)
{
    char last = '\n';
    return size == 0 ||
           (pread(fd, &last, 1, (off_t)size - 1) == 1 && (last == '\n' || write(fd, "\n", 1) == 1));
}

/* Returns false if the file is gone, because a person may have moved it to send it again. */
static bool is_there_still(struct gw_dead_letter_file *d, const char *path, struct gw_dead_letter_fate *fate)
{
    struct stat open_one, named;
    if (d->fd < 0)
        return false;
    if (fstat(d->fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_dev == named.st_dev &&
        open_one.st_ino == named.st_ino) {
        d->size = (uint64_t)open_one.st_size;
        return true;
    }
    gw_dead_letter_file_close(d);
    fate->taken_away = true;
    return false;
}

static bool open_file(struct gw_dead_letter_file *d, struct gw_dead_letter_fate *fate)
{
    char path[PATH_SIZE];
    struct stat s;
    if (!path_of(d, ".jsonl", path)) {
        errno = ENAMETOOLONG;
        return failed(d, "open");
    }
    if (is_there_still(d, path, fate))
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

/* Makes the file the old one. */
static bool turn(struct gw_dead_letter_file *d, struct gw_dead_letter_fate *fate)
{
    char path[PATH_SIZE], old[PATH_SIZE];
    gw_dead_letter_file_close(d);
    if (!path_of(d, ".jsonl", path) || !path_of(d, ".old.jsonl", old) || rename(path, old) != 0)
        return failed(d, "rename");
    fate->turned = true;
    gw_log(
        GW_WARNING, d->component,
        "%s is full and was renamed to %s: the previous content of that file is lost (dead_letter.max_size)",
        path, old);
    return open_file(d, fate);
}

static bool write_all(struct gw_dead_letter_file *d, gw_str line)
{
    uint64_t before = d->size;
    while (line.len) {
        ssize_t n = write(d->fd, line.ptr, line.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* an incomplete line is removed */
            failed(d, "write");
            if (ftruncate(d->fd, (off_t)before) == 0)
                d->size = before;
            return false;
        }
        d->size += (uint64_t)n;
        line = gw_str_from(line, (size_t)n);
    }
    return true;
}

bool gw_dead_letter_file_put(struct gw_dead_letter_file *d, gw_str line, struct gw_dead_letter_fate *fate)
{
    *fate = (struct gw_dead_letter_fate){0};
    if (line.len > d->max_size / 2) {
        errno = EFBIG;
        return failed(d, "it is larger than half of dead_letter.max_size");
    }
    if (!open_file(d, fate) || (d->size + line.len > d->max_size / 2 && !turn(d, fate)))
        return false;
    return write_all(d, line);
}
