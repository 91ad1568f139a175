/* log_scripts.c: Reads folders of Pipeline scripts into libraries, which are shared by reference count, and
 * keeps the list of the configurations that use them. Owns struct log_scripts, one per process, and struct
 * log_library. Read on the main thread; libraries are used by all threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "translators/logs/log_scripts.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/regular_file.h"
#include "core/config/config_diagnostic.h"

enum { SCRIPTS = 1024 /* of a folder */, PATH_ROOM = 4096, SHOWN = 1 << 16 };

struct log_library {
    atomic_uint refs;
    struct sc_set *set;
    char *names[SCRIPTS + 1]; /* without .p; NULL-terminated */
};

struct log_scripts {
    struct log_library *library;
    struct log_counts counts;
    struct log_misses misses;
    bool strict;
    struct log_scripts_user *users; /* main thread */
};

struct folder {
    struct sc_source sources[SCRIPTS];
    size_t n;
};

static bool read_script(const char *path, gw_str *out)
{
    FILE *file = gw_regular_file_open(path, SC_SCRIPT_MAX);
    char *text = file ? malloc(SC_SCRIPT_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, SC_SCRIPT_MAX + 1, file) : 0;
    bool good = text && !ferror(file);
    if (file)
        fclose(file);
    if (good && n > SC_SCRIPT_MAX) {
        errno = EFBIG;
        good = false;
    }
    if (!good) {
        free(text);
        return false;
    }
    char *fit = realloc(text, n + 1);
    *out = gw_str_n(fit ? fit : text, n);
    return true;
}

static void free_folder(struct folder *f)
{
    for (size_t i = 0; f && i < f->n; i++) {
        free((void *)(uintptr_t)f->sources[i].name.ptr);
        free((void *)(uintptr_t)f->sources[i].text.ptr);
    }
    free(f);
}

static bool add_script(struct folder *f, const char *dir, const char *name)
{
    char path[PATH_ROOM];
    gw_str text;
    if (f->n == SCRIPTS)
        return false;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    errno = ENAMETOOLONG;
    if (n < 0 || (size_t)n >= sizeof path || !read_script(path, &text))
        return false;
    char *copy = strdup(name);
    if (!copy) {
        free((void *)(uintptr_t)text.ptr);
        return false;
    }
    f->sources[f->n++] = (struct sc_source){gw_str_z(copy), text};
    return true;
}

/* Every *.p of the folder. One that cannot be read is a warning. */
static bool read_folder(struct folder *f, const char *dir, const char *path,
                        struct gw_diagnostics *diagnostics)
{
    DIR *d = opendir(dir);
    if (!d)
        return false;
    for (struct dirent *e; (e = readdir(d));)
        if (*e->d_name != '.' && gw_str_ends(gw_str_z(e->d_name), GW_STR(".p")) &&
            !add_script(f, dir, e->d_name))
            gw_config_warning(diagnostics, path, "%s/%s: %s", dir, e->d_name,
                              f->n == SCRIPTS ? "too many scripts in one folder"
                                              : gw_regular_file_error(errno));
    closedir(d);
    return true;
}

static struct log_library *library_of(const struct folder *f)
{
    struct log_library *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    l->set = sc_load(f->sources, f->n);
    for (size_t i = 0; l->set && i < f->n; i++)
        l->names[i] = strndup(f->sources[i].name.ptr,
                              f->sources[i].name.len - 2 * gw_str_ends(f->sources[i].name, GW_STR(".p")));
    if (l->set)
        return l;
    free(l);
    return NULL;
}

const char *const *log_library_names(const struct log_library *l)
{
    static const char *const none[] = {NULL};
    return l ? (const char *const *)l->names : none;
}

static struct log_library *log_library_ref(struct log_library *l)
{
    if (l)
        atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void log_library_drop(struct log_library *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1)
        return;
    sc_drop(l->set);
    for (char **name = l->names; *name; name++)
        free(*name);
    free(l);
}

const struct sc_script *log_library_find(const struct log_library *l, gw_str name)
{
    char with[256];
    if (!l)
        return NULL;
    if (gw_str_ends(name, GW_STR(".p")))
        return sc_find(l->set, name);
    int n = snprintf(with, sizeof with, "%.*s.p", GW_FMT(name));
    return n > 0 && (size_t)n < sizeof with ? sc_find(l->set, gw_str_n(with, (size_t)n)) : NULL;
}

void log_library_report(const struct log_library *l, const struct sc_script *script, const char *path,
                        bool strict, struct gw_diagnostics *diagnostics)
{
    const struct sc_fault *fault = sc_broken(script);
    struct gw_arena arena;
    if (!fault)
        return;
    gw_arena_init(&arena, SHOWN);
    gw_str shown = sc_fault_show(&arena, fault, sc_source_text(l->set, fault->name));
    if (!shown.len)
        shown = gw_str_z(fault->text);
    if (strict)
        gw_config_error(diagnostics, path, "%.*s\n    its records would be delivered unparsed",
                        GW_FMT(shown));
    else
        gw_config_warning(diagnostics, path, "%.*s\n    its records are delivered unparsed", GW_FMT(shown));
    gw_arena_fini(&arena);
}

struct log_library *log_library_file(gw_str file, const char *path, struct gw_diagnostics *diagnostics)
{
    char dir[PATH_ROOM], base[PATH_ROOM];
    struct folder *f = calloc(1, sizeof *f);
    struct log_library *l = NULL;
    const char *slash = memrchr(file.ptr, '/', file.len);
    size_t len = slash ? (size_t)(slash - file.ptr) : 0;
    gw_str name = slash ? gw_str_from(file, len + 1) : file;
    if (!f)
        return NULL;
    snprintf(dir, sizeof dir, "%.*s", slash && !len ? 1 : slash ? (int)len : 1, slash ? file.ptr : ".");
    snprintf(base, sizeof base, "%.*s", GW_FMT(name));
    if (!gw_str_ends(name, GW_STR(".p")) && !add_script(f, dir, base))
        gw_config_error(diagnostics, path, "%.*s: %s", GW_FMT(file), gw_regular_file_error(errno));
    else if (!read_folder(f, dir, path, diagnostics))
        gw_config_error(diagnostics, path, "%s: %s", dir, strerror(errno));
    else
        l = library_of(f);
    if (l && !sc_find(l->set, name)) {
        gw_config_error(diagnostics, path, "%.*s: there is no such file", GW_FMT(file));
        log_library_drop(l);
        l = NULL;
    }
    free_folder(f);
    return l;
}

/* --- the process's --- */

struct log_scripts *log_scripts_new(void)
{
    return calloc(1, sizeof(struct log_scripts));
}

void log_scripts_drop(struct log_scripts *s)
{
    if (s) {
        log_library_drop(s->library);
        log_misses_fini(&s->misses);
    }
    free(s);
}

void log_scripts_read(struct log_scripts *s, gw_str directory, struct gw_diagnostics *diagnostics)
{
    static const char path[] = "pipelines.directory";
    struct folder *f = calloc(1, sizeof *f);
    struct log_library *l = NULL;
    if (f && directory.len && !read_folder(f, directory.ptr, path, diagnostics)) {
        gw_config_error(diagnostics, path, "%.*s: %s", GW_FMT(directory), strerror(errno));
        free_folder(f);
        return;
    }
    if (f && f->n)
        l = library_of(f);
    for (size_t i = 0; l && i < f->n; i++)
        log_library_report(l, sc_find(l->set, f->sources[i].name), path, s->strict, diagnostics);
    free_folder(f);
    log_scripts_watch(s, l);
    log_library_drop(s->library);
    s->library = l;
}

void log_scripts_watch(struct log_scripts *s, struct log_library *l)
{
    if (s && l)
        log_misses_watch(&s->misses, l->set);
}

const struct log_miss *log_scripts_miss(const struct log_scripts *s, size_t i)
{
    return i < atomic_load(&s->misses.rows_n) ? s->misses.rows[i] : NULL;
}

void log_scripts_be_strict(struct log_scripts *s)
{
    s->strict = true;
}

bool log_scripts_are_strict(const struct log_scripts *s)
{
    return s && s->strict;
}

struct log_library *log_scripts_library(const struct log_scripts *s)
{
    return s ? log_library_ref(s->library) : NULL;
}

void log_scripts_enter(struct log_scripts *s, struct log_scripts_user *user)
{
    user->next = s->users;
    s->users = user;
}

void log_scripts_leave(struct log_scripts *s, struct log_scripts_user *user)
{
    struct log_scripts_user **link = &s->users;
    while (*link && *link != user)
        link = &(*link)->next;
    if (*link)
        *link = user->next;
}

void log_scripts_renew(struct log_scripts *s, struct gw_diagnostics *diagnostics)
{
    for (struct log_scripts_user *user = s->users; user; user = user->next)
        user->renew(user, diagnostics);
}

struct log_counts *log_scripts_counts(struct log_scripts *s)
{
    return &s->counts;
}
