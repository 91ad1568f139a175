/* file_watch.c: Asks inotify to report growing files and changed folders. If that is not possible, it tells
 * the reader to poll. Owns the inotify descriptor and the watches. Called by the reader, on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/file/file_watch.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "core/base/log.h"

/* Not in every version of linux/magic.h. */
enum {
    MAGIC_NFS = 0x6969,
    MAGIC_SMB = 0x517b,
    MAGIC_FUSE = 0x65735546,
    MAGIC_9P = 0x01021997,
    MAGIC_CEPH = 0x00c36400,
    MAGIC_AFS = 0x5346414f
};
static const unsigned magic_cifs = 0xff534d42, magic_smb2 = 0xfe534d42;

static bool is_remote(const struct statfs *s)
{
    switch ((unsigned)s->f_type) {
    case MAGIC_NFS:
    case MAGIC_SMB:
    case MAGIC_FUSE:
    case MAGIC_9P:
    case MAGIC_CEPH:
    case MAGIC_AFS:
        return true;
    default:
        return (unsigned)s->f_type == magic_cifs || (unsigned)s->f_type == magic_smb2;
    }
}

static void log_failure(struct file_watch *w, const char *what)
{
    if (!w->said)
        gw_log(GW_WARNING, w->component,
               "%s: %s; files are polled every `poll` instead (see fs.inotify.max_user_watches)", what,
               strerror(errno));
    w->said = true;
}

void file_watch_open(struct file_watch *w, const char *component)
{
    *w = (struct file_watch){.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), .component = component};
    if (w->fd < 0)
        log_failure(w, "inotify cannot be had");
}

void file_watch_close(struct file_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static int add(struct file_watch *w, const char *path, uint32_t mask)
{
    int number = inotify_add_watch(w->fd, path, mask);
    if (number < 0 && (errno == ENOSPC || errno == ENOMEM))
        log_failure(w, "no more files can be watched");
    return number;
}

int file_watch_folder(struct file_watch *w, const char *path)
{
    struct statfs s;
    if (w->fd < 0 || statfs(path, &s) != 0 || is_remote(&s))
        return -1;
    return add(w, path, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
}

int file_watch_file(struct file_watch *w, int fd)
{
    struct statfs s;
    char path[40];
    if (w->fd < 0 || fstatfs(fd, &s) != 0 || is_remote(&s))
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return add(w, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB);
}

void file_watch_end(struct file_watch *w, int number)
{
    if (w->fd >= 0 && number >= 0)
        inotify_rm_watch(w->fd, number); /* may be over already: the file is gone */
}

static enum file_event meaning(uint32_t mask)
{
    if (mask & IN_Q_OVERFLOW)
        return FILE_OVERFLOW;
    if (mask & (IN_CREATE | IN_MOVED_TO))
        return FILE_APPEARS;
    if (mask & (IN_MOVED_FROM | IN_DELETE))
        return FILE_LEAVES;
    return mask & (IN_MOVE_SELF | IN_ATTRIB | IN_IGNORED) ? FILE_MOVED : FILE_GREW;
}

void file_watch_read(struct file_watch *w, file_event_f *tell, void *ctx)
{
    char buf[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    for (ssize_t n; w->fd >= 0 && (n = read(w->fd, buf, sizeof buf)) > 0;)
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)(buf + at);
            tell(ctx, e->wd, meaning(e->mask), e->len ? e->name : "");
            at += (ssize_t)(sizeof *e + e->len);
        }
}
