/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/file/offset_tracker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/lock.h"

struct ack;

/* One entry's part of a flush. */
struct offset_checkpoint {
    struct offset_checkpoint *next; /* of the entry, in order of offsets */
    struct ack *of;
    struct file_entry *entry;
    uint64_t offset;
};

struct ack {
    struct gw_ack_callback ack;
    struct offset_tracker *tracker;
    bool settled, kept; /* under the lock */
    size_t left;        /* marks that entries still hold; under the lock */
    size_t n;
    struct offset_checkpoint checkpoints[];
};

struct offset_tracker {
    struct offset_tracker *next; /* of all; under the lock of all */
    size_t refs;                 /* the reader's, and a receipt's each; under the lock of all */
    char *name;
    struct gw_lock lock;
    bool changed; /* under the lock */
    struct file_entry *first;
};

static struct gw_lock all_lock = GW_LOCK_STATIC(FILE_OFFSETS_ALL);
static struct offset_tracker *all;

/* --- life --- */

static void free_entry(struct file_entry *e)
{
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
    e->next = b->first;
    b->first = e;
    b->changed = true;
    return e;
}

static bool add_all(struct offset_tracker *b, struct file_offsets *loaded)
{
    for (size_t i = 0; i < loaded->files_n; i++) {
        char *path = loaded->files[i].path;
        loaded->files[i].path = NULL;
        if (!add(b, &loaded->files[i], path))
            return false;
    }
    b->changed = false;
    return true;
}

static void free_tracker(struct offset_tracker *b)
{
    for (struct file_entry *e; (e = b->first);) {
        b->first = e->next;
        free_entry(e);
    }
    gw_lock_fini(&b->lock);
    free(b->name);
    free(b);
}

static void ref(struct offset_tracker *b)
{
    gw_lock(&all_lock);
    b->refs++;
    gw_unlock(&all_lock);
}

void offset_tracker_drop(struct offset_tracker *b)
{
    if (!b)
        return;
    gw_lock(&all_lock);
    bool last = --b->refs == 0;
    struct offset_tracker **at = &all;
    while (last && *at != b)
        at = &(*at)->next;
    if (last)
        *at = b->next;
    gw_unlock(&all_lock);
    if (last)
        free_tracker(b);
}

/* One that lives, with a reference more. */
static struct offset_tracker *find(const char *name)
{
    gw_lock(&all_lock);
    struct offset_tracker *b = all;
    while (b && (!name[0] || strcmp(b->name, name) != 0))
        b = b->next;
    if (b)
        b->refs++;
    gw_unlock(&all_lock);
    for (struct file_entry *e = b ? b->first : NULL; e; e = e->next)
        e->open = e->touched = false;
    return b;
}

static void show(struct offset_tracker *b)
{
    gw_lock(&all_lock);
    b->next = all;
    all = b;
    gw_unlock(&all_lock);
}

struct offset_tracker *offset_tracker_new(const char *name, struct file_offsets *loaded)
{
    struct offset_tracker *b = find(name);
    if (b || !(b = calloc(1, sizeof *b)))
        return b;
    b->name = strdup(name);
    b->refs = 1;
    gw_lock_init(&b->lock, GW_LOCK_FILE_OFFSETS);
    if (!b->name || !add_all(b, loaded)) {
        free_tracker(b);
        return NULL;
    }
    show(b);
    return b;
}

/* --- entries --- */

struct file_entry *offset_tracker_first(struct offset_tracker *b)
{
    return b->first;
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
    struct file_entry **at = &b->first;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
}

void offset_tracker_remove(struct offset_tracker *b, struct file_entry *e)
{
    gw_lock(&b->lock);
    e->touched = false;
    e->gone = true;
    b->changed = true;
    unlink_entry(b, e);
    bool checkpoints = e->first != NULL;
    gw_unlock(&b->lock);
    if (!checkpoints)
        free_entry(e);
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
    uint64_t reached = e->first ? e->last->offset : e->at.offset;
    gw_unlock(&b->lock);
    return reached;
}

bool offset_tracker_settled(struct offset_tracker *b, const struct file_entry *e)
{
    gw_lock(&b->lock);
    bool settled = !e->first && !e->touched;
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

/* --- receipts --- */

void offset_tracker_touch(struct file_entry *e, uint64_t offset)
{
    e->touched = true;
    e->flush = offset;
}

/* The marks at the front that are settled leave; safe follows them up to the first that was given up. */
static void advance(struct offset_tracker *b, struct file_entry *e)
{
    for (struct offset_checkpoint *m; (m = e->first) && m->of->settled;) {
        e->first = m->next;
        if (!m->of->kept)
            e->stuck = true;
        if (!e->stuck) {
            e->at.offset = m->offset;
            b->changed = true;
        }
        if (--m->of->left == 0)
            free(m->of);
    }
    if (!e->first && e->gone)
        free_entry(e);
}

/* Any thread. */
static void settled(struct gw_ack_callback *ack, bool kept)
{
    struct ack *r = (struct ack *)ack;
    struct offset_tracker *b = r->tracker;
    gw_lock(&b->lock);
    r->settled = true;
    r->kept = kept;
    r->left++; /* so that it outlives the loop */
    for (size_t i = 0; i < r->n; i++)
        if (r->checkpoints[i].entry->first == &r->checkpoints[i])
            advance(b, r->checkpoints[i].entry);
    bool last = --r->left == 0;
    gw_unlock(&b->lock);
    if (last)
        free(r);
    offset_tracker_drop(b);
}

static void add_checkpoint(struct ack *r, struct file_entry *e)
{
    struct offset_checkpoint *m = &r->checkpoints[r->n++];
    *m = (struct offset_checkpoint){.of = r, .entry = e, .offset = e->flush};
    if (e->first)
        e->last->next = m;
    else
        e->first = m;
    e->last = m;
    e->touched = false;
}

struct gw_ack_callback *offset_tracker_ack(struct offset_tracker *b)
{
    size_t n = 0;
    for (const struct file_entry *e = b->first; e; e = e->next)
        n += e->touched;
    struct ack *r = malloc(sizeof *r + n * sizeof *r->checkpoints);
    if (!r)
        return NULL;
    *r = (struct ack){.ack = {settled}, .tracker = b, .left = n};
    ref(b);
    gw_lock(&b->lock);
    for (struct file_entry *e = b->first; e; e = e->next)
        if (e->touched)
            add_checkpoint(r, e);
    gw_unlock(&b->lock);
    return &r->ack;
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

bool offset_tracker_save(struct offset_tracker *b, const char *path, const struct gw_list *patterns,
                         char *why)
{
    struct file_offsets o = {.patterns = *patterns};
    if (!offset_tracker_changed(b) || !snapshot(b, &o))
        return true;
    bool ok = file_offsets_save(path, &o, why);
    free(o.files);
    if (!ok) {
        gw_lock(&b->lock);
        b->changed = true;
        gw_unlock(&b->lock);
    }
    return ok;
}
