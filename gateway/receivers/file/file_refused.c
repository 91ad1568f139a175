/* file_refused.c: Keeps the matching files that are not read: files that cannot be opened, folders that cannot
 * be listed, symbolic links that are not followed. Logs each once with its remedy, again when the reason
 * changes, and when it is over; their number is a metric. Owns the list. Called by the scan.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

static struct file_refused *refused_of(const struct file_reader *r, uint64_t dev, uint64_t ino)
{
    for (const struct file_index_link *l = file_index_find(&r->refused_by_inode, ino); l;
         l = file_index_next(l)) {
        struct file_refused *one = l->of;
        if (one->dev == dev)
            return one;
    }
    return NULL;
}

static struct file_refused *add_refused(struct file_reader *r, const char *path, uint64_t dev, uint64_t ino)
{
    struct file_refused *one = calloc(1, sizeof *one + strlen(path) + 1);
    if (!one)
        return NULL;
    *one = (struct file_refused){.next = r->refused, .dev = dev};
    memcpy(one->path, path, strlen(path) + 1);
    r->refused = one;
    file_index_add(&r->refused_by_inode, &one->by_inode, ino, one);
    atomic_fetch_add_explicit(&r->counts->failing, 1, memory_order_relaxed);
    return one;
}

static void tell(const struct file_reader *r, const char *path, int error)
{
    if (error == FILE_LINK_OF_OTHERS)
        gw_log(GW_WARNING, r->component,
               "%s is a symbolic link that leads to another user's file, and is not followed (see option "
               "`links`)",
               path);
    else if (error == EACCES || error == EPERM)
        gw_log(GW_WARNING, r->component,
               "%s cannot be opened: %s. Let ddgate's user (uid %u) read it: put it into the group that may, "
               "or write "
               "setfacl -m u:%u:rX",
               path, strerror(error), (unsigned)geteuid(), (unsigned)geteuid());
    else
        gw_log(GW_WARNING, r->component, "%s cannot be opened: %s", path, strerror(error));
}

static void refuse(struct file_reader *r, const char *path, uint64_t dev, uint64_t ino, int error)
{
    struct file_refused *one = refused_of(r, dev, ino);
    if (!one || one->error != error)
        tell(r, path, error);
    if (!one && !(one = add_refused(r, path, dev, ino)))
        return;
    one->error = error;
    one->seen = true;
}

void file_refuse(struct file_reader *r, const char *path, const struct stat *st, int error)
{
    refuse(r, path, st->st_dev, st->st_ino, error);
}

/* No device has the number 0; the inode of a name that cannot be read is not known. */
void file_refuse_name(struct file_reader *r, const char *path, int error)
{
    refuse(r, path, 0, file_name_key(gw_str_z(path)), error);
}

void file_refusals_end(struct file_reader *r, bool all)
{
    for (struct file_refused **at = &r->refused, *one; (one = *at);) {
        if (one->seen && !all) {
            one->seen = false;
            at = &one->next;
            continue;
        }
        *at = one->next;
        if (!all)
            gw_log(GW_INFO, r->component, "%s is no longer refused", one->path);
        file_index_remove(&r->refused_by_inode, &one->by_inode);
        free(one);
        atomic_fetch_sub_explicit(&r->counts->failing, 1, memory_order_relaxed);
    }
}

bool file_link_is_followed(const struct file_reader *r, const char *path, const struct stat *target)
{
    enum { OWNED, ALL, NONE }; /* the option's words */
    struct stat link;
    if (r->conf->links == ALL || lstat(path, &link) != 0 || !S_ISLNK(link.st_mode))
        return true;
    return r->conf->links == OWNED &&
           (link.st_uid == 0 || link.st_uid == geteuid() || link.st_uid == target->st_uid);
}
