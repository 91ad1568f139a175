/* file_offsets.h: saves how far each file was read.
 *
 *     ddgate-offsets 1
 *     pattern 8d2f01c4 /var/log/app/[*].log
 *     file 5b1e77aa 2049 1311768 1024 9ae16a3b2f90404f 7340032 1795255200 /var/log/app/web.log
 *          check    dev  inode   head hash             offset  seen       path (special bytes are %XX)
 *
 * A file is identified by device and inode together with a hash of its first bytes (FILE_HEAD, or as many
 * as there are), because an inode is used again, and a truncated file keeps its inode. Every line has a
 * checksum of the rest of the line, so damage costs only the damaged lines.
 *
 * The file is replaced as a whole: written beside, fsync, rename, fsync of the folder. So there is always a
 * complete one.
 *
 * Ownership: file_offsets_fini frees the result of load; the argument of save is the caller's.
 * Threads: any; no state.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_OFFSETS_H
#define GW_FILE_OFFSETS_H

#include "core/base/err.h"
#include "core/config/option.h"

enum { FILE_HEAD = 1024 };

struct file_saved {
    uint64_t dev, ino;
    uint32_t head_n; /* bytes of its beginning … */
    uint64_t head;   /* … with this hash */
    uint64_t offset; /* everything before it was delivered, or durably queued */
    int64_t seen;    /* seconds since 1970: when it was last there */
    char *path;      /* its name then */
};

struct file_offsets {
    struct file_saved *files;
    size_t files_n, files_cap;
    /* that the receiver read when it was saved: files that only other ones match are new to it */
    struct gw_list patterns;
    size_t patterns_cap;
    size_t damaged; /* lines that could not be read */
};

uint64_t file_head_hash(const char *head, size_t n);

enum { FILE_ERROR_SIZE = 200 };

/* A missing file is an empty one. Except for LOADED, `why` (FILE_ERROR_SIZE bytes) has the reason and nothing
 * was loaded: FOREIGN, a file that another program or a later version wrote; REFUSED, one that cannot be
 * read, is not a regular file, or is a dangling symbolic link. */
enum file_offsets_are {
    FILE_OFFSETS_LOADED,
    FILE_OFFSETS_FOREIGN,
    FILE_OFFSETS_REFUSED
} file_offsets_load(const char *path, struct file_offsets *, char *why) GW_MUST_CHECK;
/* False, with why: the old one, if any, is still there. */
bool file_offsets_save(const char *path, const struct file_offsets *, char *why) GW_MUST_CHECK;
void file_offsets_fini(struct file_offsets *);

#endif
