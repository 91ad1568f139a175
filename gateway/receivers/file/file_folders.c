/* file_folders.c: Watches folders, reads the events for names in them, and opens a new file that may be the
 * copy of a file before its truncation. Owns the watches and the copies. The scan adds folders; the reader
 * passes events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* DT_DIR */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/receivers/file/file_reader.h"

static const gw_nsec HELD = 60 * GW_SEC;
/* A rename does not change this: older files are shifted, not made. */
static const int64_t fresh = 60; /* seconds */

/* --- folders beside a folder --- */

/* Those in `path`, unless there are very many. */
static void each_in(const char *path, file_folder_f *call, void *ctx)
{
    char found[PATH_MAX + NAME_MAX + 2];
    DIR *dir = opendir(path[0] ? path : ".");
    size_t n = 0;
    for (int counts = 1; dir && counts >= 0 && n <= FILE_BESIDE; counts--, rewinddir(dir))
        for (const struct dirent *e; (e = readdir(dir)) && n <= FILE_BESIDE;) {
            if (e->d_type != DT_DIR || e->d_name[0] == '.')
                continue;
            n += counts > 0;
            snprintf(found, sizeof found, "%s%s/", path, e->d_name);
            if (counts == 0)
                call(ctx, found);
        }
    if (dir)
        closedir(dir);
}

/* "/var/log/app/" → "/var/log/"; "app/" → "". Empty if there is none. */
static gw_str parent_of(gw_str folder)
{
    size_t n = folder.len;
    while (n && folder.ptr[n - 1] == '/')
        n--;
    while (n && folder.ptr[n - 1] != '/')
        n--;
    return gw_str_n(folder.ptr, n);
}

/* An item of `olddir`, which may be relative to the log's folder. False: it is too long. */
static bool olddir_path(gw_str item, gw_str folder, char out[PATH_MAX])
{
    bool slash = gw_str_ends(item, GW_STR("/")), absolute = gw_str_starts(item, GW_STR("/"));
    return snprintf(out, PATH_MAX, "%.*s%.*s%s", absolute ? 0 : (int)folder.len, folder.ptr, GW_FMT(item),
                    slash ? "" : "/") < PATH_MAX;
}

void file_folders_beside(const struct file_conf *conf, const char *folder, file_folder_f *call, void *ctx)
{
    char path[PATH_MAX];
    gw_str parent = parent_of(gw_str_z(folder));
    for (size_t i = 0; i < conf->olddir.n; i++)
        if (olddir_path(conf->olddir.items[i], gw_str_z(folder), path))
            call(ctx, path);
    each_in(folder, call, ctx);
    if (parent.len && snprintf(path, sizeof path, "%.*s", GW_FMT(parent)) < PATH_MAX)
        each_in(path, call, ctx);
}

bool file_folders_are_beside(const struct file_conf *conf, gw_str a, gw_str b)
{
    char path[PATH_MAX];
    gw_str above = parent_of(b);
    if (gw_str_eq(above, a) || (above.len && gw_str_eq(above, parent_of(a))))
        return true;
    for (size_t i = 0; i < conf->olddir.n; i++)
        if (olddir_path(conf->olddir.items[i], a, path) && gw_str_eq(gw_str_z(path), b))
            return true;
    return false;
}

/* --- watching --- */

void file_folders_init(struct file_folders *f)
{
    f->watch.fd = -1;
    for (size_t i = 0; i < FILE_APPEARED; i++)
        f->appeared[i].fd = -1;
}

static struct file_folder *folder_of(struct file_folders *f, const char *path)
{
    gw_str key = gw_str_z(path);
    for (struct file_index_link *l = file_index_find(&f->by_path, file_name_key(key)); l;
         l = file_index_next(l)) {
        struct file_folder *one = l->of;
        if (strcmp(one->path, path) == 0)
            return one;
    }
    struct file_folder *one = calloc(1, sizeof *one + key.len + 1);
    if (!one)
        return NULL;
    memcpy(one->path, path, key.len + 1);
    one->number = -1;
    one->next = f->all;
    f->all = one;
    file_index_add(&f->by_path, &one->by_path, file_name_key(key), one);
    return one;
}

/* The watch of a folder that was replaced has another number. */
static bool watch(struct file_folders *f, struct file_folder *one)
{
    int number = file_watch_folder(&f->watch, one->path[0] ? one->path : ".");
    if (number == one->number)
        return number >= 0;
    file_index_remove(&f->by_watch, &one->by_watch);
    one->number = number;
    if (number >= 0)
        file_index_add(&f->by_watch, &one->by_watch, (uint64_t)number, one);
    return number >= 0;
}

static void watch_beside(void *ctx, const char *path)
{
    struct file_folders *f = ctx;
    struct file_folder *one = folder_of(f, path);
    if (one && one->number < 0)
        watch(f, one);
}

/* Adds its folders and those of the folder above, each once. */
static void list_beside(struct file_reader *r, struct file_folder *one)
{
    char above[PATH_MAX];
    gw_str parent = parent_of(gw_str_z(one->path));
    snprintf(above, sizeof above, "%.*s", GW_FMT(parent));
    struct file_folder *up = parent.len ? folder_of(&r->folders, above) : NULL;
    if (!one->listed)
        each_in(one->path, watch_beside, &r->folders);
    if (up && !up->listed)
        each_in(above, watch_beside, &r->folders);
    one->listed = true;
    if (up)
        up->listed = true;
    for (size_t i = 0; i < r->conf->olddir.n; i++)
        if (olddir_path(r->conf->olddir.items[i], gw_str_z(one->path), above))
            watch_beside(&r->folders, above);
}

bool file_folders_add(struct file_reader *r, const char *path)
{
    struct file_folder *one = folder_of(&r->folders, strcmp(path, ".") == 0 ? "" : path);
    bool is_new = one && !one->reads;
    if (!one || !watch(&r->folders, one))
        return false;
    one->reads = true;
    if (is_new)
        list_beside(r, one);
    return true;
}

/* --- copies that appear --- */

static void let_go(struct file_appeared *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}

void file_folders_close(struct file_folders *f)
{
    for (size_t i = 0; i < FILE_APPEARED; i++)
        let_go(&f->appeared[i]);
    for (struct file_folder *one; (one = f->all);) {
        f->all = one->next;
        free(one);
    }
    file_index_fini(&f->by_watch);
    file_index_fini(&f->by_path);
    file_watch_close(&f->watch);
}

void file_folders_expire(struct file_reader *r)
{
    for (struct file_appeared *a = r->folders.appeared; a < r->folders.appeared + FILE_APPEARED; a++)
        if (a->fd >= 0 && r->now - a->at > HELD)
            let_go(a);
}

static struct file_appeared *place_for(struct file_folders *f, const struct stat *st)
{
    struct file_appeared *place = f->appeared;
    for (struct file_appeared *a = f->appeared; a < f->appeared + FILE_APPEARED; a++) {
        if (a->fd >= 0 && a->ino == st->st_ino && a->dev == st->st_dev)
            return NULL;
        if (place->fd >= 0 && (a->fd < 0 || a->at < place->at))
            place = a;
    }
    return place;
}

static void hold(struct file_reader *r, const char *path)
{
    struct stat st;
    int fd = file_open(path);
    struct file_appeared *place = NULL;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !file_tail_of(r, &st) &&
        (st.st_size == 0 || time(NULL) - st.st_mtime < fresh))
        place = place_for(&r->folders, &st);
    if (!place) {
        if (fd >= 0)
            close(fd);
        return;
    }
    let_go(place);
    place->fd = fd;
    place->dev = st.st_dev;
    place->ino = st.st_ino;
    place->at = gw_now();
    snprintf(place->path, sizeof place->path, "%s", path);
}

/* Files whose name is a symbolic link, which was made again. */
static void hear_link(struct file_reader *r, const char *path)
{
    for (struct file_index_link *l = file_index_find(&r->by_name, file_name_key(gw_str_z(path))); l;
         l = file_index_next(l)) {
        struct file_tail *t = l->of;
        t->linked += t->target && !t->gone;
    }
}

static void hear(void *ctx, int number, enum file_event what, const char *name)
{
    struct file_reader *r = ctx;
    const struct file_index_link *l = file_index_find(&r->folders.by_watch, (uint64_t)number);
    struct file_folder *one = l ? l->of : NULL;
    char path[PATH_MAX];
    r->scan |= !one || one->reads;
    if (what != FILE_APPEARS || !one || !name[0] ||
        snprintf(path, sizeof path, "%s%s", one->path, name) >= PATH_MAX)
        return;
    hear_link(r, path);
    if (!file_is_compressed_name(name) && file_has_rotation(r, name))
        hold(r, path);
}

void file_folders_look(struct file_reader *r)
{
    file_watch_read(&r->folders.watch, hear, r);
}
