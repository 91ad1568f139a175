/* segment_io.c: the system calls of the disk queue, and reading a file through a window. A window owns its
 * buffer. Called by the files of the segment log.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "core/diskqueue/segment_io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/iov.h"

/* If the file system cannot reserve room, the file only gets its length: writes may then find a full disk and
 * fail. */
static int reserve(int fd, off_t size)
{
    if (fallocate(fd, 0, 0, size) == 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS ? ftruncate(fd, size) : -1;
}

const struct gw_segment_io gw_segment_io_system = {
    .write = pwritev, .read = pread, .sync = fdatasync, .reserve = reserve, .now = gw_now, .wall = gw_wall};

bool gw_segment_log_write(const struct gw_segment_io *io, int fd, struct iovec *v, int n, uint64_t at)
{
    while (n) {
        ssize_t written = io->write(fd, v, n, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return false;
        at += (uint64_t)written;
        gw_iov_advance(&v, &n, (size_t)written);
    }
    return true;
}

bool gw_segment_log_write_one(const struct gw_segment_io *io, int fd, const void *data, size_t len,
                              uint64_t at)
{
    struct iovec v = {(void *)(uintptr_t)data, len};
    return gw_segment_log_write(io, fd, &v, 1, at);
}

void gw_segment_log_window_set(struct gw_segment_log_window *w, int fd, uint64_t end)
{
    w->fd = fd;
    w->end = end;
    w->filled = 0;
}

/* How many bytes came: fewer than n at the end of the file or where it cannot be read. */
static size_t read_some(struct gw_segment_log_window *w, uint64_t offset, uint8_t *to, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = w->io->read(w->fd, to + got, n - got, (off_t)(offset + got));
        if (r < 0 && errno == EINTR)
            continue;
        w->failed |= r < 0;
        if (r <= 0)
            break;
        got += (size_t)r;
    }
    return got;
}

static bool inside(const struct gw_segment_log_window *w, uint64_t offset, size_t n)
{
    return offset <= w->end && n <= w->end - offset;
}

static bool buffered(const struct gw_segment_log_window *w, uint64_t offset, size_t n)
{
    return offset >= w->base && offset - w->base <= w->filled && n <= w->filled - (size_t)(offset - w->base);
}

const uint8_t *gw_segment_log_at(struct gw_segment_log_window *w, uint64_t offset, size_t n)
{
    GW_ASSERT(n <= w->size);
    if (!inside(w, offset, n))
        return NULL;
    if (!buffered(w, offset, n)) {
        uint64_t ahead = w->end - offset;
        w->base = offset;
        w->filled = read_some(w, offset, w->buffer, ahead < w->size ? (size_t)ahead : w->size);
    }
    return buffered(w, offset, n) ? w->buffer + (offset - w->base) : NULL;
}

bool gw_segment_log_copy(struct gw_segment_log_window *w, uint64_t offset, void *to, size_t n)
{
    if (!n || !inside(w, offset, n))
        return !n;
    size_t have = buffered(w, offset, 0) ? w->filled - (size_t)(offset - w->base) : 0;
    if (have > n)
        have = n;
    if (have)
        memcpy(to, w->buffer + (offset - w->base), have);
    return read_some(w, offset + have, (uint8_t *)to + have, n - have) == n - have;
}
