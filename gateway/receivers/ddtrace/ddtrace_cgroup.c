/* ddtrace_cgroup.c: Reads cgroups: the file of a process, and the tree. Owns the table of inodes that the last walk
 * found. Called by ddtrace_request.c, on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/receivers/ddtrace/ddtrace_cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/lock.h"

enum { MOST_FOLDERS = 65536, MOST_CONTAINERS = 8192, DEEPEST = 24, PATH = 2048, CGROUP_FILE = 16 * 1024 };
static const gw_nsec WALKS_APART = 10 * GW_SEC;

struct cgroup {
    uint64_t inode;
    struct ddtrace_origin origin;
};

struct list {
    struct cgroup *items; /* by inode */
    size_t n, room;
};

struct ddtrace_cgroups {
    const char *proc_root, *cgroup_root;
    struct gw_lock lock;
    /* under the lock */
    struct list known;
    gw_nsec walked; /* 0: never */
    bool walking;
};

struct ddtrace_cgroups *ddtrace_cgroups_new(const char *proc_root, const char *cgroup_root)
{
    struct ddtrace_cgroups *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->proc_root = proc_root;
    c->cgroup_root = cgroup_root;
    gw_lock_init(&c->lock, GW_LOCK_CGROUPS);
    return c;
}

void ddtrace_cgroups_drop(struct ddtrace_cgroups *c)
{
    if (!c)
        return;
    gw_lock_fini(&c->lock);
    free(c->known.items);
    free(c);
}

/* A path of a cgroup, or the text of /proc/<pid>/cgroup, which has one in each line. */
static void read_origin(gw_str cgroups, struct ddtrace_origin *o)
{
    gw_str id = dd_container_of_cgroup(cgroups);
    *o = (struct ddtrace_origin){0};
    if (id.len && id.len < sizeof o->container)
        memcpy(o->container, id.ptr, id.len);
    dd_pod_of_cgroup(cgroups, o->pod);
}

void ddtrace_origin_of_process(const struct ddtrace_cgroups *c, pid_t pid, struct ddtrace_origin *o)
{
    char path[512], text[CGROUP_FILE];
    *o = (struct ddtrace_origin){0};
    if (pid <= 0) /* it is in a PID namespace that this process does not see */
        return;
    snprintf(path, sizeof path, "%s/%d/cgroup", c->proc_root, (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    if (n > 0)
        read_origin(gw_str_n(text, (size_t)n), o);
}

/* The walk */

struct walk {
    struct list found;
    char path[PATH]; /* as in the file of a process: "0::/kubepods.slice/…" */
    unsigned folders;
};

static void note(struct walk *w, uint64_t inode, size_t len)
{
    struct list *l = &w->found;
    struct ddtrace_origin o;
    read_origin(gw_str_n(w->path, len), &o);
    if (!o.container[0] && !o.pod[0])
        return;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct cgroup *more = room <= MOST_CONTAINERS ? realloc(l->items, room * sizeof *more) : NULL;
        if (!more)
            return;
        l->items = more;
        l->room = room;
    }
    l->items[l->n++] = (struct cgroup){inode, o};
}

/* Closes `fd`. In cgroupfs, the number of a directory entry is the inode of its target. */
static void walk_folder(struct walk *w, int fd, size_t len, int depth)
{
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) && w->folders < MOST_FOLDERS;) {
        size_t n = strlen(e->d_name);
        if (e->d_type != DT_DIR || e->d_name[0] == '.' || len + 1 + n >= PATH)
            continue;
        w->folders++;
        w->path[len] = '/';
        memcpy(w->path + len + 1, e->d_name, n);
        note(w, e->d_ino, len + 1 + n);
        if (depth < DEEPEST)
            walk_folder(w, openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                        len + 1 + n, depth + 1);
    }
    closedir(dir);
}

static int by_inode(const void *a, const void *b)
{
    uint64_t x = ((const struct cgroup *)a)->inode, y = ((const struct cgroup *)b)->inode;
    return (x > y) - (x < y);
}

/* Searches v2, whose controllers are at the root; else v1's memory hierarchy and a v2 tree beside it. */
static struct list walk_tree(const char *root)
{
    static const char *const v1[] = {"memory", "unified"};
    char path[PATH];
    struct walk *w = calloc(1, sizeof *w);
    if (!w)
        return (struct list){0};
    memcpy(w->path, "0::", 3);
    snprintf(path, sizeof path, "%s/cgroup.controllers", root);
    bool v2 = access(path, F_OK) == 0;
    for (size_t i = 0; i < (v2 ? 1 : sizeof v1 / sizeof *v1); i++) {
        snprintf(path, sizeof path, v2 ? "%s" : "%s/%s", root, v1[i]);
        walk_folder(w, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 3, 0);
    }
    struct list found = w->found;
    if (found.n)
        qsort(found.items, found.n, sizeof *found.items, by_inode);
    free(w);
    return found;
}

/* Looking up */

static bool look_up(struct ddtrace_cgroups *c, uint64_t inode, gw_nsec now, struct ddtrace_origin *o,
                    bool *walk)
{
    const struct cgroup key = {.inode = inode}, *hit = NULL;
    gw_lock(&c->lock);
    if (c->known.n)
        hit = bsearch(&key, c->known.items, c->known.n, sizeof key, by_inode);
    if (hit)
        *o = hit->origin;
    *walk = !hit && !c->walking && (!c->walked || now - c->walked >= WALKS_APART);
    c->walking |= *walk;
    gw_unlock(&c->lock);
    return hit;
}

static void walk_again(struct ddtrace_cgroups *c, gw_nsec now)
{
    struct list found = walk_tree(c->cgroup_root), before;
    gw_lock(&c->lock);
    before = c->known;
    c->known = found;
    c->walked = now;
    c->walking = false;
    gw_unlock(&c->lock);
    free(before.items);
}

void ddtrace_origin_of_inode(struct ddtrace_cgroups *c, uint64_t inode, gw_nsec now, struct ddtrace_origin *o)
{
    bool walk;
    *o = (struct ddtrace_origin){0};
    if (look_up(c, inode, now, o, &walk) || !walk)
        return;
    walk_again(c, now);
    look_up(c, inode, now, o, &walk);
}
