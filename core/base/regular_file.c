/* regular_file.c: Opens regular files and reports other kinds of files as errors. Owns nothing. Called where a
 * configuration names a file: certificates, scripts, offsets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int trouble_with(int fd, size_t most)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    if (!S_ISREG(st.st_mode))
        return ENOTSUP;
    return st.st_size > 0 && (size_t)st.st_size > most ? EFBIG : 0;
}

FILE *gw_regular_file_open(const char *path, size_t most)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error = fd < 0 ? errno : trouble_with(fd, most);
    FILE *f = error ? NULL : fdopen(fd, "r");
    if (f)
        return f;
    error = error ? error : errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    return NULL;
}

const char *gw_regular_file_error(int error)
{
    return error == ENOTSUP ? "it is no regular file" : error == EFBIG ? "it is too large" : strerror(error);
}
