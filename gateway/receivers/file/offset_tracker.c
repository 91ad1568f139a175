/* offset_tracker.c: Keeps trackers, their entries, and the file in which they are saved. A tracker is found by
 * its name until its last reference is dropped, which writes all unsaved offsets. Owns the trackers. Called by
 * the reader; offset_flush.c handles flushes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/offset_tracker_internal.h"

static struct gw_lock all_lock = GW_LOCK_STATIC(FILE_OFFSETS_ALL);
static struct offset_tracker *all;

/* --- life --- */

void file_entry_free(struct file_entry *e)
{
    if (e->fd >= 0)
        close(e->fd);
    free(e->at.path);
    free(e);
}

static struct file_entry *add(struct offset_tracker *b, const struct file_saved *s, char *path)
{
    struct file_entry *e = path ? calloc(1, sizeof *e) : NULL;
    if (!e) {
        free(path);
        return NULL;
    }
    e->at = *s;
    e->at.path = path;
    e->fd = -1;
    e->next = b->first;
    if (b->first)
        b->first->prev = e;
    b->first = e;
    file_index_add(&b->by_inode, &e->by_inode, e->at.ino, e);
    b->changed = true;
    return e;
}

static bool add_all(struct offset_tracker *b, struct file_offsets *loaded)
{
    for (size_t i = loaded->files_n; i-- > 0;) { /* each goes to the front: the order stays */
        char *path = loaded->files[i].path;
        loaded->files[i].path = NULL;
        if (!add(b, &loaded->files[i], path))
            return false;
    }
    b->changed = false;
    return true;
}

static void free_patterns(struct gw_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free((char *)(uintptr_t)l->items[i].ptr); /* copied by us */
    free(l->items);
    *l = (struct gw_list){0};
}

/* A deleted file has only its descriptor, and no reader continues it. */
static void warn_of_lost(const struct file_entry *e)
{
    struct stat st;
    if (e->fd >= 0 && fstat(e->fd, &st) == 0 && st.st_nlink == 0 && (uint64_t)st.st_size > e->at.offset)
        gw_log(GW_WARNING, "receiver=file",
               "%s was deleted, and %llu bytes of it that were not delivered are lost", e->at.path,
               (unsigned long long)((uint64_t)st.st_size - e->at.offset));
}

static void free_tracker(struct offset_tracker *b)
{
    for (struct file_entry *e; (e = b->first);) {
        b->first = e->next;
        warn_of_lost(e);
        file_entry_free(e);
    }
    file_index_fini(&b->by_inode);
    free_patterns(&b->known);
    if (b->lock_file >= 0)
        close(b->lock_file);
    gw_lock_fini(&b->lock);
    free(b->name);
    free(b);
}

/* For a tracker without a reader: the file must be exact when the tracker is gone. */
static void save_last(struct offset_tracker *b)
{
    char why[FILE_ERROR_SIZE];
    if (!b->in_memory && b->name[0] && !offset_tracker_save(b, why))
        gw_log(GW_WARNING, "receiver=file",
               "offsets cannot be saved, and what was read last will be read again after a restart: %s", why);
}

/* Under the lock of all it cannot be found while it ends. */
void offset_tracker_unref(struct offset_tracker *b)
{
    for (size_t refs = atomic_load(&b->refs); refs > 1;)
        if (atomic_compare_exchange_weak(&b->refs, &refs, refs - 1))
            return;
    gw_lock(&all_lock);
    bool last = atomic_fetch_sub(&b->refs, 1) == 1;
    struct offset_tracker **at = &all;
    while (last && *at != b)
        at = &(*at)->next;
    if (last) {
        save_last(b);
        *at = b->next;
    }
    gw_unlock(&all_lock);
    if (last)
        free_tracker(b);
}

void offset_tracker_drop(struct offset_tracker *b)
{
    if (!b)
        return;
    gw_lock(&all_lock);
    b->used = false;
    gw_unlock(&all_lock);
    if (!b->in_memory || !b->name[0]) /* otherwise its offsets would have no other place */
        offset_tracker_unref(b);
}

/* Prepares it for the next reader: forgets the records that the last one held. */
static void reset(struct offset_tracker *b)
{
    b->touched = NULL;
    for (struct file_entry *e = b->first, *next; e; e = next) {
        next = e->next;
        e->open = e->touched = false;
        if (e->hidden)
            offset_tracker_remove(b, e);
    }
}

struct offset_tracker *offset_tracker_find(const char *name)
{
    gw_lock(&all_lock);
    struct offset_tracker *b = all;
    while (b && (b->used || !b->name[0] || strcmp(b->name, name) != 0))
        b = b->next;
    if (b) {
        b->used = true;
        if (!b->in_memory)
            atomic_fetch_add(&b->refs, 1);
    }
    gw_unlock(&all_lock);
    if (b)
        reset(b);
    return b;
}

static void show(struct offset_tracker *b)
{
    gw_lock(&all_lock);
    b->next = all;
    all = b;
    gw_unlock(&all_lock);
}

struct offset_tracker *offset_tracker_new(const char *name, bool in_memory, struct file_offsets *loaded)
{
    struct offset_tracker *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    *b = (struct offset_tracker){.used = true, .in_memory = in_memory, .name = strdup(name), .lock_file = -1};
    atomic_init(&b->refs, 1);
    gw_lock_init(&b->lock, GW_LOCK_FILE_OFFSETS);
    if (!b->name || !add_all(b, loaded)) {
        free_tracker(b);
        return NULL;
    }
    offset_tracker_patterns(b, &loaded->patterns);
    b->changed = false;
    show(b);
    return b;
}

void offset_tracker_own_lock(struct offset_tracker *b, int fd)
{
    b->lock_file = fd;
}

void offset_tracker_save_after(struct offset_tracker *b, const struct offset_tracker_before *before)
{
    b->before = *before;
}

const struct gw_list *offset_tracker_known(const struct offset_tracker *b)
{
    return &b->known;
}

void offset_tracker_patterns(struct offset_tracker *b, const struct gw_list *patterns)
{
    struct gw_list copy = {.items = calloc(patterns->n + 1, sizeof *copy.items)};
    for (char *one; copy.items && copy.n < patterns->n; copy.n++) {
        if (!(one = strndup(patterns->items[copy.n].ptr, patterns->items[copy.n].len)))
            break;
        copy.items[copy.n] = gw_str_z(one);
    }
    if (!copy.items || copy.n < patterns->n) {
        free_patterns(&copy);
        return;
    }
    free_patterns(&b->known);
    b->known = copy;
    gw_lock(&b->lock);
    b->changed = true;
    gw_unlock(&b->lock);
}

/* --- entries --- */

struct file_entry *offset_tracker_first(struct offset_tracker *b)
{
    return b->first;
}

struct file_entry *offset_tracker_of_inode(struct offset_tracker *b, dev_t dev, ino_t ino, const char *path)
{
    struct file_entry *moved = NULL;
    for (struct file_index_link *l = file_index_find(&b->by_inode, ino); l; l = file_index_next(l)) {
        struct file_entry *e = l->of;
        if (e->open)
            continue;
        if (e->at.dev == dev)
            return e;
        if (e->at.head_n && strcmp(e->at.path, path) == 0)
            moved = e;
    }
    return moved;
}

struct file_entry *offset_tracker_add(struct offset_tracker *b, const struct file_saved *s)
{
    char *path = strdup(s->path);
    gw_lock(&b->lock);
    struct file_entry *e = add(b, s, path);
    gw_unlock(&b->lock);
    return e;
}

bool offset_tracker_rename(struct offset_tracker *b, struct file_entry *e, const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return false;
    free(e->at.path);
    e->at.path = copy;
    gw_lock(&b->lock);
    b->changed = true;
    gw_unlock(&b->lock);
    return true;
}

void offset_tracker_move(struct offset_tracker *b, struct file_entry *e, dev_t dev, ino_t ino)
{
    gw_lock(&b->lock);
    e->at.dev = dev;
    e->at.ino = ino;
    b->changed = true;
    gw_unlock(&b->lock);
    file_index_add(&b->by_inode, &e->by_inode, ino, e);
}

void offset_tracker_limit(struct offset_tracker *b, struct file_entry *e, uint64_t size)
{
    gw_lock(&b->lock);
    e->limit = size;
    e->at.offset = file_entry_within(e, e->at.offset);
    b->changed = true;
    gw_unlock(&b->lock);
}

void offset_tracker_hide(struct offset_tracker *b, struct file_entry *e, bool hidden)
{
    gw_lock(&b->lock);
    e->hidden = hidden;
    b->changed = true;
    gw_unlock(&b->lock);
}

void offset_tracker_head(struct offset_tracker *b, struct file_entry *e, uint32_t n, uint64_t hash)
{
    gw_lock(&b->lock);
    e->at.head_n = n;
    e->at.head = hash;
    b->changed = true;
    gw_unlock(&b->lock);
}

static void unlink_entry(struct offset_tracker *b, struct file_entry *e)
{
    *(e->prev ? &e->prev->next : &b->first) = e->next;
    if (e->next)
        e->next->prev = e->prev;
    file_index_remove(&b->by_inode, &e->by_inode);
    for (struct file_entry **at = &b->touched; e->touched && *at; at = &(*at)->next_touched)
        if (*at == e) {
            *at = e->next_touched;
            break;
        }
    e->touched = false;
}

void offset_tracker_remove(struct offset_tracker *b, struct file_entry *e)
{
    gw_lock(&b->lock);
    unlink_entry(b, e);
    e->gone = true;
    b->changed = true;
    bool checkpoints = e->first != NULL;
    gw_unlock(&b->lock);
    if (!checkpoints)
        file_entry_free(e);
}

uint64_t offset_tracker_safe(struct offset_tracker *b, const struct file_entry *e)
{
    gw_lock(&b->lock);
    uint64_t safe = e->at.offset;
    gw_unlock(&b->lock);
    return safe;
}

uint64_t offset_tracker_reached(struct offset_tracker *b, const struct file_entry *e)
{
    gw_lock(&b->lock);
    uint64_t reached = e->at.offset;
    for (const struct offset_checkpoint *m = e->stuck ? NULL : e->first;
         m && (m->of->kept || !m->of->settled); m = m->next)
        reached = m->offset;
    reached = file_entry_within(e, reached);
    gw_unlock(&b->lock);
    return reached;
}

bool offset_tracker_settled(struct offset_tracker *b, const struct file_entry *e)
{
    gw_lock(&b->lock);
    bool settled = !e->first && !e->touched && !e->stuck;
    gw_unlock(&b->lock);
    return settled;
}

void offset_tracker_skip(struct offset_tracker *b, struct file_entry *e, uint64_t offset)
{
    gw_lock(&b->lock);
    if (!e->first && !e->stuck && !e->touched && e->at.offset != offset) {
        e->at.offset = offset;
        b->changed = true;
    }
    gw_unlock(&b->lock);
}

bool offset_tracker_rewind(struct offset_tracker *b, struct file_entry *e, uint64_t *safe)
{
    gw_lock(&b->lock);
    bool again = e->stuck && !e->first;
    if (again) {
        e->stuck = false;
        *safe = e->at.offset;
    }
    gw_unlock(&b->lock);
    return again;
}

bool offset_tracker_given_up(struct offset_tracker *b)
{
    gw_lock(&b->lock);
    bool given_up = b->given_up;
    b->given_up = false;
    gw_unlock(&b->lock);
    return given_up;
}

/* --- disk --- */

bool offset_tracker_changed(struct offset_tracker *b)
{
    gw_lock(&b->lock);
    bool changed = b->changed;
    gw_unlock(&b->lock);
    return changed;
}

/* As it is at this moment; the paths are borrowed. */
static bool snapshot(struct offset_tracker *b, struct file_offsets *o)
{
    size_t n = 0;
    for (const struct file_entry *e = b->first; e; e = e->next)
        n++;
    o->files = malloc((n + 1) * sizeof *o->files);
    if (!o->files)
        return false;
    gw_lock(&b->lock);
    for (const struct file_entry *e = b->first; e; e = e->next)
        if (!e->hidden)
            o->files[o->files_n++] = e->at;
    b->changed = false;
    gw_unlock(&b->lock);
    return true;
}

bool offset_tracker_save(struct offset_tracker *b, char *why)
{
    struct file_offsets o = {.patterns = b->known};
    if (!offset_tracker_changed(b))
        return true;
    bool ok = snapshot(b, &o);
    snprintf(why, FILE_ERROR_SIZE, "%s", ok ? "what they cover cannot be brought to the disk" : "no memory");
    ok = ok && (!b->before.call || b->before.call(b->before.ctx)) && file_offsets_save(b->name, &o, why);
    free(o.files);
    if (!ok) {
        gw_lock(&b->lock);
        b->changed = true;
        gw_unlock(&b->lock);
    }
    return ok;
}
