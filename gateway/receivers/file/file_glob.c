/* file_glob.c: matches paths against the patterns of a file receiver, and lists the files that match. Owns
 * nothing between calls. Called by file_scan.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* DT_DIR */
#include "gateway/receivers/file/file_glob.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>

/* --- by words --- */

/* Copies the first name of *rest, NUL-terminated, to name; *rest moves after it and its slashes. False: there
 * is none, or it is too long. */
static bool next_name(const char **rest, char *name)
{
    const char *at = *rest;
    while (*at == '/')
        at++;
    size_t n = strcspn(at, "/");
    if (n == 0 || n > NAME_MAX)
        return false;
    memcpy(name, at, n);
    name[n] = '\0';
    *rest = at + n;
    while (**rest == '/')
        ++*rest;
    return true;
}

static bool is_stars(const char *name)
{
    return strcmp(name, "**") == 0;
}

bool file_glob_match(const char *pattern, const char *path)
{
    char want[NAME_MAX + 1], name[NAME_MAX + 1];
    while (next_name(&pattern, want)) {
        if (is_stars(want)) {
            if (!*pattern)
                return *path != '\0';
            do
                if (file_glob_match(pattern, path))
                    return true;
            while (next_name(&path, name) && name[0] != '.');
            return false;
        }
        if (!next_name(&path, name) || fnmatch(want, name, FNM_PERIOD) != 0)
            return false;
    }
    return !next_name(&path, name);
}

bool file_glob_match_any(const struct gw_list *patterns, const char *path)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (file_glob_match(patterns->items[i].ptr, path))
            return true;
    return false;
}

/* --- in folders --- */

struct walk {
    const struct gw_list *exclude;
    const struct file_glob_seen *seen;
    int depth;
    size_t len; /* of path, which ends with a slash unless it is empty */
    char path[PATH_MAX];
};

static void walk_names(struct walk *w, const char *rest);

/* Appends a name; false when it does not fit. */
static bool push(struct walk *w, const char *name, bool folder)
{
    size_t n = strlen(name);
    if (w->len + n + 2 > sizeof w->path)
        return false;
    memcpy(w->path + w->len, name, n);
    w->len += n;
    if (folder)
        w->path[w->len++] = '/';
    w->path[w->len] = '\0';
    return true;
}

static void pop(struct walk *w, size_t len)
{
    w->len = len;
    w->path[len] = '\0';
}

/* The type in the directory entry avoids an lstat. */
static bool is_link(const char *path, unsigned char type)
{
    struct stat st;
    return type == DT_LNK || (type == DT_UNKNOWN && lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
}

static void tell_trouble(const struct walk *w, const char *path)
{
    if (w->seen->trouble && errno != ENOENT && errno != ENOTDIR)
        w->seen->trouble(w->seen->ctx, path, errno);
}

static void see_file(struct walk *w, unsigned char type)
{
    struct stat st;
    if (w->seen->link && is_link(w->path, type) && !file_glob_match_any(w->exclude, w->path))
        w->seen->link(w->seen->ctx, w->path);
    if (stat(w->path, &st) != 0)
        tell_trouble(w, w->path);
    else if (S_ISREG(st.st_mode) && !file_glob_match_any(w->exclude, w->path))
        w->seen->file(w->seen->ctx, w->path, &st);
}

/* On with one name: a file when the pattern ends here. */
static void enter(struct walk *w, const char *name, unsigned char type, const char *rest)
{
    size_t len = w->len;
    if (push(w, name, *rest != '\0')) {
        if (*rest)
            walk_names(w, rest);
        else
            see_file(w, type);
    }
    pop(w, len);
}

static bool is_folder(const struct walk *w, const struct dirent *e)
{
    struct stat st;
    char path[PATH_MAX + NAME_MAX + 1];
    if (e->d_type != DT_UNKNOWN)
        return e->d_type == DT_DIR;
    snprintf(path, sizeof path, "%s%s", w->path, e->d_name);
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static DIR *open_here(struct walk *w)
{
    const char *path = w->len ? w->path : ".";
    w->seen->folder(w->seen->ctx, path);
    DIR *dir = opendir(path);
    if (!dir)
        tell_trouble(w, path);
    return dir;
}

static void walk_matches(struct walk *w, const char *want, const char *rest)
{
    DIR *dir = open_here(w);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            fnmatch(want, e->d_name, FNM_PERIOD) == 0)
            enter(w, e->d_name, e->d_type, rest);
    if (dir)
        closedir(dir);
}

/* Everything here, and in every folder below. */
static void walk_below(struct walk *w, const char *rest)
{
    walk_names(w, rest);
    DIR *dir = w->depth < FILE_GLOB_DEPTH ? open_here(w) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        size_t len = w->len;
        if (e->d_name[0] != '.' && is_folder(w, e) && push(w, e->d_name, true)) {
            w->depth++;
            walk_below(w, rest);
            w->depth--;
        }
        pop(w, len);
    }
    if (dir)
        closedir(dir);
}

static void walk_names(struct walk *w, const char *rest)
{
    char name[NAME_MAX + 1];
    if (!next_name(&rest, name))
        return;
    if (is_stars(name)) {
        walk_below(w, *rest ? rest : "*");
    } else if (strpbrk(name, "*?[\\")) {
        walk_matches(w, name, rest);
    } else {
        if (!*rest)
            w->seen->folder(w->seen->ctx, w->len ? w->path : ".");
        enter(w, name, DT_UNKNOWN, rest);
    }
}

void file_glob_walk(const struct gw_list *include, const struct gw_list *exclude,
                    const struct file_glob_seen *seen)
{
    struct walk w = {.exclude = exclude, .seen = seen};
    for (size_t i = 0; i < include->n; i++) {
        pop(&w, 0);
        if (include->items[i].ptr[0] == '/')
            push(&w, "", true);
        walk_names(&w, include->items[i].ptr);
    }
}
