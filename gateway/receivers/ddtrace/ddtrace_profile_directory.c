/* ddtrace_profile_directory.c: keeps uploads in a directory and deletes old ones. Owns the list of them, the
 * lock file and the thread that deletes by age; the process's open directories are in one list. Called by
 * ddtrace_profiles.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/receivers/ddtrace/ddtrace_profile_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "gateway/receivers/ddtrace/ddtrace_profile_files.h"

/* MOST: an entry of the list costs some hundred bytes */
enum { TIME_NAME = 32, MOST = 100000, SEQUENCES = 10000 };
static const gw_nsec LOOK = 60 * GW_SEC; /* at the age, at least so often */
static const int64_t LATEST_MS =
    INT64_MAX / 2 / GW_MSEC; /* in 2116; with an age it is less than all nanoseconds */
static const char component[] = "receiver=ddtrace";

/* An upload in the directory. */
struct entry {
    int64_t ms; /* when it arrived */
    uint64_t bytes;
    unsigned sequence;
    char service[]; /* the name of its folder */
};

/* One that is being made. */
struct new_entry {
    int64_t ms;
    uint64_t bytes;
    unsigned sequence;
    char service[DDTRACE_PROFILE_NAME];
};

struct ddtrace_profile_directory {
    struct ddtrace_profile_directory *next; /* in the list of all */
    unsigned users;
    char *path;
    int lock_fd;
    atomic_uint temporary; /* number of the next folder that is written */
    pthread_t thread;
    bool running;
    struct gw_lock lock;
    pthread_cond_t changed;
    /* under the lock */
    struct ddtrace_profile_bounds bounds;
    struct ddtrace_profile_directory_counts counts;
    struct entry **entries; /* a ring, oldest first */
    size_t first, n, room;  /* room: a power of two, or 0 */
    dev_t device;           /* … of the directory that contains them */
    ino_t inode;
    unsigned sequence;
    bool stopping, away;
};

static struct gw_lock all_lock = GW_LOCK_STATIC(PROFILE_DIRECTORIES);
static struct ddtrace_profile_directory *all; /* under all_lock */

/* --- the list of entries --- */

static struct entry **slot(const struct ddtrace_profile_directory *d, size_t i)
{
    return &d->entries[(d->first + i) & (d->room - 1)];
}

static bool add(struct ddtrace_profile_directory *d, const struct new_entry *e)
{
    size_t name = strlen(e->service) + 1;
    struct entry *copy = malloc(sizeof *copy + name);
    if (copy && d->n == d->room) {
        size_t room = d->room ? 2 * d->room : 64;
        struct entry **grown = malloc(room * sizeof *grown);
        for (size_t i = 0; grown && i < d->n; i++)
            grown[i] = *slot(d, i);
        if (grown) {
            free(d->entries);
            d->entries = grown;
            d->room = room;
            d->first = 0;
        }
    }
    if (!copy || d->n == d->room) {
        free(copy);
        return false;
    }
    *copy = (struct entry){.ms = e->ms, .bytes = e->bytes, .sequence = e->sequence};
    memcpy(copy->service, e->service, name);
    *slot(d, d->n++) = copy;
    d->counts.uploads = d->n;
    d->counts.bytes += e->bytes;
    return true;
}

static void forget_oldest(struct ddtrace_profile_directory *d)
{
    d->counts.bytes -= (*slot(d, 0))->bytes;
    free(*slot(d, 0));
    d->first = (d->first + 1) & (d->room - 1);
    d->counts.uploads = --d->n;
}

/* --- names --- */

/* "2026-11-29T22-30-01.071-0000" */
static void put_time_name(int64_t ms, unsigned sequence, char out[static TIME_NAME])
{
    struct tm t;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &t);
    size_t n = strftime(out, TIME_NAME, "%Y-%m-%dT%H-%M-%S", &t);
    snprintf(out + n, TIME_NAME - n, ".%03u-%04u", (unsigned)(ms % 1000) % 1000, sequence % SEQUENCES);
}

static bool read_time_name(const char *name, struct new_entry *out)
{
    struct tm t = {0};
    unsigned ms, sequence;
    int end = 0;
    char again[TIME_NAME];
    if (sscanf(name, "%4d-%2d-%2dT%2d-%2d-%2d.%3u-%4u%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
               &t.tm_min, &t.tm_sec, &ms, &sequence, &end) != 8 ||
        name[end] != '\0')
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    out->ms = (int64_t)timegm(&t) * 1000 + ms;
    out->sequence = sequence;
    if (out->ms < 0 || out->ms > LATEST_MS)
        return false;
    put_time_name(out->ms, out->sequence, again);
    return strcmp(again, name) == 0;
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Removes a folder that contains only files; otherwise only the files in it. */
static void remove_folder(int at, const char *name)
{
    int folder = open_folder(at, name);
    if (folder < 0)
        return;
    ddtrace_profile_empty_folder(folder);
    close(folder);
    (void)!unlinkat(at, name, AT_REMOVEDIR);
}

/* --- what is there --- */

typedef void each_f(struct ddtrace_profile_directory *, int at, const char *name, const char *service);

static void for_each(struct ddtrace_profile_directory *d, int folder, const char *service, each_f *each)
{
    DIR *list = ddtrace_profile_list_folder(folder);
    for (const struct dirent *e; list && (e = readdir(list));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            each(d, folder, e->d_name, service);
    if (list)
        closedir(list);
}

static void see_upload(struct ddtrace_profile_directory *d, int at, const char *name, const char *service)
{
    struct new_entry e = {0};
    int folder = read_time_name(name, &e) ? open_folder(at, name) : -1;
    if (folder < 0)
        return;
    e.bytes = ddtrace_profile_measure_folder(folder);
    close(folder);
    snprintf(e.service, sizeof e.service, "%s", service);
    (void)add(d, &e);
}

/* A folder that a process did not come to rename. */
static bool is_temporary(const char *name)
{
    return strncmp(name, ".new-", 5) == 0;
}

static void see_service(struct ddtrace_profile_directory *d, int at, const char *name, const char *service)
{
    (void)service;
    if (is_temporary(name)) {
        remove_folder(at, name);
        return;
    }
    int folder = name[0] != '.' && strlen(name) < DDTRACE_PROFILE_NAME ? open_folder(at, name) : -1;
    if (folder >= 0)
        for_each(d, folder, name, see_upload);
    close_fd(folder);
}

static int by_age(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    return x->ms != y->ms ? (x->ms > y->ms) - (x->ms < y->ms)
                          : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* Under the lock, or before another thread has the struct. */
static void look(struct ddtrace_profile_directory *d, int root)
{
    while (d->n)
        forget_oldest(d);
    d->first = 0;
    for_each(d, root, NULL, see_service);
    if (d->n)
        qsort(d->entries, d->n, sizeof *d->entries, by_age);
}

/* The directory, which may have gone away or be another one. Under the lock. */
static int open_root(struct ddtrace_profile_directory *d)
{
    struct stat s;
    int root = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstat(root, &s) != 0) {
        close_fd(root);
        return -1;
    }
    if (s.st_dev != d->device || s.st_ino != d->inode) {
        d->device = s.st_dev;
        d->inode = s.st_ino;
        look(d, root);
    }
    return root;
}

/* --- making room --- */

static void remove_oldest(struct ddtrace_profile_directory *d, int root)
{
    const struct entry *e = *slot(d, 0);
    char name[TIME_NAME];
    int service = open_folder(root, e->service);
    put_time_name(e->ms, e->sequence, name);
    if (service >= 0) {
        remove_folder(service, name);
        close(service);
        (void)!unlinkat(root, e->service, AT_REMOVEDIR); /* where it was the last */
    }
    forget_oldest(d);
}

static void make_room(struct ddtrace_profile_directory *d, int root, uint64_t bytes)
{
    while (d->n && (d->n >= MOST || d->counts.bytes + bytes > d->bounds.max_size)) {
        remove_oldest(d, root);
        d->counts.outed++;
    }
}

/* Returns when the oldest upload will be too old, on the wall clock; 0: there is none. */
static gw_nsec remove_aged(struct ddtrace_profile_directory *d, int root, gw_nsec now)
{
    while (d->n && (*slot(d, 0))->ms * GW_MSEC + d->bounds.max_age <= now) {
        remove_oldest(d, root);
        d->counts.aged++;
    }
    return d->n ? (*slot(d, 0))->ms * GW_MSEC + d->bounds.max_age : 0;
}

static void *age(void *directory)
{
    struct ddtrace_profile_directory *d = directory;
    gw_lock(&d->lock);
    while (!d->stopping) {
        gw_nsec now = gw_wall(), next = 0;
        int root = open_root(d);
        if (root >= 0)
            next = remove_aged(d, root, now);
        close_fd(root);
        gw_nsec wait = next > now && next - now < LOOK ? next - now : LOOK;
        (void)gw_cond_wait_until(&d->changed, &d->lock, gw_now() + wait);
    }
    gw_unlock(&d->lock);
    return NULL;
}

/* --- keeping --- */

static bool away(struct ddtrace_profile_directory *d, bool is, const char *what)
{
    int why = errno;
    gw_lock(&d->lock);
    bool was = d->away;
    d->away = is;
    d->counts.failed += is;
    d->counts.kept += !is;
    gw_unlock(&d->lock);
    if (is)
        gw_log(GW_ERROR, component, "profiles.directory %s: a profile is not kept: %s: %s", d->path, what,
               strerror(why));
    else if (was)
        gw_log(GW_INFO, component, "profiles.directory %s takes profiles again", d->path);
    return !is;
}

/* A new folder with the files; its name to `name`. False with errno: nothing of it is left. */
static bool write_temporary(struct ddtrace_profile_directory *d, int root, const struct ddtrace_profile *p,
                            char name[static TIME_NAME], uint64_t *bytes)
{
    snprintf(name, TIME_NAME, ".new-%ld-%u", (long)getpid(), atomic_fetch_add(&d->temporary, 1));
    if (mkdirat(root, name, 0700) != 0)
        return false;
    int folder = open_folder(root, name);
    bool good = folder >= 0 && ddtrace_profile_write_files(folder, p, bytes);
    int why = errno;
    close_fd(folder);
    if (!good)
        remove_folder(root, name);
    errno = why;
    return good;
}

/* Under the lock. */
static bool place(struct ddtrace_profile_directory *d, int root, const char *from, struct new_entry *e)
{
    char to[TIME_NAME];
    if (e->bytes > d->bounds.max_size) {
        errno = EFBIG;
        return false;
    }
    make_room(d, root, e->bytes);
    if (mkdirat(root, e->service, 0700) != 0 && errno != EEXIST)
        return false;
    int service = open_folder(root, e->service), rc = -1;
    for (unsigned tries = 0; service >= 0 && rc != 0 && tries < SEQUENCES; tries++) {
        e->sequence = d->sequence++ % SEQUENCES;
        put_time_name(e->ms, e->sequence, to);
        rc = renameat(root, from, service, to); /* onto an upload it fails, for that is not empty */
        if (rc != 0 && errno != EEXIST && errno != ENOTEMPTY)
            break;
    }
    int why = errno;
    close_fd(service);
    errno = why;
    return rc == 0 && add(d, e);
}

static int root_of(struct ddtrace_profile_directory *d)
{
    gw_lock(&d->lock);
    int root = open_root(d);
    int why = errno;
    gw_unlock(&d->lock);
    errno = why;
    return root;
}

/* The disk is full, though the directory may hold more: the oldest uploads go for it. */
static bool make_room_on_disk(struct ddtrace_profile_directory *d, int root, const struct ddtrace_profile *p)
{
    uint64_t need = 0, freed = 0;
    for (size_t i = 0; i < p->n; i++)
        need += p->files[i].sent->body.len + DDTRACE_PROFILE_BLOCK;
    gw_lock(&d->lock);
    while (d->n && freed < need) {
        freed += (*slot(d, 0))->bytes;
        remove_oldest(d, root);
        d->counts.outed++;
    }
    gw_unlock(&d->lock);
    return freed > 0;
}

bool ddtrace_profile_directory_keep(struct ddtrace_profile_directory *d, const struct ddtrace_profile *p)
{
    struct new_entry e = {.ms = p->arrived / GW_MSEC};
    char temporary[TIME_NAME];
    gw_str service = p->upload->service.len ? p->upload->service : GW_STR("unnamed-service");
    ddtrace_profile_safe_name(service, e.service);
    int root = root_of(d);
    if (root < 0)
        return away(d, true, "open");
    bool good = write_temporary(d, root, p, temporary, &e.bytes);
    if (!good && (errno == ENOSPC || errno == EDQUOT) && make_room_on_disk(d, root, p))
        good = write_temporary(d, root, p, temporary, &e.bytes);
    if (good) {
        gw_lock(&d->lock);
        good = place(d, root, temporary, &e);
        int why = errno;
        gw_unlock(&d->lock);
        if (!good)
            remove_folder(root, temporary);
        errno = why;
    }
    int why = errno;
    close(root);
    errno = why;
    return away(d, !good, "write");
}

/* --- open and close --- */

bool ddtrace_profile_directory_check(gw_str directory, const char *path, struct gw_diagnostics *diagnostics)
{
    static const char option[] = "profiles.directory";
    struct stat s;
    if (directory.ptr[0] != '/')
        gw_option_error(diagnostics, path, option, "must be an absolute path");
    else if (stat(directory.ptr, &s) != 0)
        gw_option_error(diagnostics, path, option, "%s: %s: make it, and let ddgate's user write there",
                        directory.ptr, strerror(errno));
    else if (!S_ISDIR(s.st_mode))
        gw_option_error(diagnostics, path, option, "%s is not a directory", directory.ptr);
    else if (access(directory.ptr, R_OK | W_OK | X_OK) != 0)
        gw_option_error(diagnostics, path, option, "%s: %s: let ddgate's user write there", directory.ptr,
                        strerror(errno));
    else
        return true;
    return false;
}

static void drop(struct ddtrace_profile_directory *d)
{
    while (d->n)
        forget_oldest(d);
    free(d->entries);
    close_fd(d->lock_fd);
    pthread_cond_destroy(&d->changed);
    gw_lock_fini(&d->lock);
    free(d->path);
    free(d);
}

static enum gw_code take_lock(struct ddtrace_profile_directory *d, int root, struct gw_err *err)
{
    d->lock_fd = openat(root, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d->lock_fd < 0)
        return gw_fail(err, GW_STORAGE, 0, "%s/.lock: %s", d->path, strerror(errno));
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return gw_fail(err, GW_STORAGE, 0, "%s: another ddgate keeps its profiles there", d->path);
    return GW_OK;
}

static struct ddtrace_profile_directory *make(gw_str path, struct gw_err *err)
{
    struct ddtrace_profile_directory *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    gw_lock_init(&d->lock, GW_LOCK_PROFILE_DIRECTORY);
    gw_cond_init(&d->changed);
    d->lock_fd = -1;
    d->users = 1;
    d->bounds = (struct ddtrace_profile_bounds){UINT64_MAX, INT64_MAX / 4};
    d->path = strndup(path.ptr, path.len);
    int root = d->path ? open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (root < 0)
        (void)gw_fail(err, GW_STORAGE, 0, "%.*s: %s", GW_FMT(path), strerror(errno));
    bool good = root >= 0 && take_lock(d, root, err) == GW_OK;
    close_fd(root);
    if (good) {
        close_fd(open_root(d)); /* and reads its contents */
        return d;
    }
    drop(d);
    return NULL;
}

struct ddtrace_profile_directory *ddtrace_profile_directory_open(gw_str path, struct gw_err *err)
{
    *err = (struct gw_err){.what = "no memory"};
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    gw_lock(&all_lock);
    struct ddtrace_profile_directory *d = all;
    while (d && !gw_str_eq(gw_str_z(d->path), path))
        d = d->next;
    if (d) {
        d->users++;
    } else if ((d = make(path, err))) {
        d->next = all;
        all = d;
    }
    gw_unlock(&all_lock);
    return d;
}

static void stop(struct ddtrace_profile_directory *d)
{
    gw_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->changed);
    gw_unlock(&d->lock);
    if (d->running)
        pthread_join(d->thread, NULL);
}

void ddtrace_profile_directory_close(struct ddtrace_profile_directory *d)
{
    if (!d)
        return;
    gw_lock(&all_lock);
    bool last = --d->users == 0;
    if (last) {
        struct ddtrace_profile_directory **at = &all;
        while (*at != d)
            at = &(*at)->next;
        *at = d->next;
    }
    gw_unlock(&all_lock);
    if (last) {
        stop(d);
        drop(d);
    }
}

void ddtrace_profile_directory_start(struct ddtrace_profile_directory *d,
                                     const struct ddtrace_profile_bounds *bounds)
{
    struct gw_err err;
    gw_lock(&d->lock);
    d->bounds = *bounds;
    int root = open_root(d);
    if (root >= 0)
        make_room(d, root, 0);
    close_fd(root);
    pthread_cond_signal(&d->changed);
    gw_unlock(&d->lock);
    if (d->running)
        return;
    d->running = gw_thread_start(&d->thread, &(struct gw_thread){"dd-profiles", component, age, d}, &err);
    if (!d->running)
        gw_log(GW_ERROR, component, "profiles.max_age cannot be applied: %s", err.what);
}

struct ddtrace_profile_directory_counts ddtrace_profile_directory_counts(struct ddtrace_profile_directory *d)
{
    gw_lock(&d->lock);
    struct ddtrace_profile_directory_counts counts = d->counts;
    gw_unlock(&d->lock);
    return counts;
}
