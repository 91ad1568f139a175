/* segment_io.h: the system calls of the disk queue, replaceable so that tests control the disk and the
 * clocks; and reading a file through a buffer.
 *
 *     file  ─────[··········window··········]──────────────▶      gw_segment_log_at(offset, n): n bytes there, in one piece
 *
 * A window reads ahead, so that a thousand small records cost a few system calls. Data larger than the
 * window is copied without it (gw_segment_log_copy).
 *
 * Threads: a window belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SEGMENT_IO_H
#define GW_SEGMENT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "core/base/clock.h"

/* As the system's functions of these names: −1 and errno. The clocks are monotonic time and wall time
 * (core/base/clock.h). */
struct gw_segment_io {
    ssize_t (*write)(int fd, const struct iovec *, int n, off_t at);
    ssize_t (*read)(int fd, void *, size_t, off_t at);
    int (*sync)(int fd);
    /* room on the disk for bytes 0 … size, so that a full disk shows early */
    int (*reserve)(int fd, off_t size);
    gw_nsec (*now)(void);
    gw_nsec (*wall)(void);
};
extern const struct gw_segment_io gw_segment_io_system;

/* All of it or false, with errno. */
bool gw_segment_log_write(const struct gw_segment_io *, int fd, struct iovec *, int n, uint64_t at);
bool gw_segment_log_write_one(const struct gw_segment_io *, int fd, const void *, size_t, uint64_t at);

struct gw_segment_log_window {
    const struct gw_segment_io *io;
    int fd;
    uint64_t end; /* of what may be read */
    uint8_t *buffer;
    size_t size;   /* of the buffer */
    uint64_t base; /* offset of its first byte … */
    size_t filled; /* … and how many are good */
    bool failed;   /* the disk returned less than it should have; the caller that checks this clears it */
};

/* Changes the file, or the end up to which it is read; discards the buffer. */
void gw_segment_log_window_set(struct gw_segment_log_window *, int fd, uint64_t end);
/* n bytes (at most the window's size) at this offset, until the next call; NULL past the end or when they
 * cannot be read. */
const uint8_t *gw_segment_log_at(struct gw_segment_log_window *, uint64_t offset, size_t n);
bool gw_segment_log_copy(struct gw_segment_log_window *, uint64_t offset, void *to, size_t n);

#endif
