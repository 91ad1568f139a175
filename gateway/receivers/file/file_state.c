/* file_state.c: Finds the place of a receiver's offsets: the folder, the file name in it, and the lock beside
 * it. Owns nothing; the receiver keeps the lock's descriptor. Called by file.c when it opens.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/file/file_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/folder.h"
#include "core/base/log.h"
#include "gateway/receivers/file/file_offsets.h"

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* With all folders above it, for us alone. */
static bool make_folder(const char *path)
{
    char part[PATH_MAX];
    for (size_t n = 1; path[n - 1]; n++) {
        if (path[n] != '/' && path[n] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return false;
    }
    return is_folder(path);
}

/* A folder that can be written, or could be made. */
static bool usable(const char *folder, bool check)
{
    char above[PATH_MAX];
    if (!check)
        return make_folder(folder) && gw_folder_takes_files(folder);
    snprintf(above, sizeof above, "%s", folder);
    while (access(above, F_OK) != 0 && errno == ENOENT && strcmp(above, "/") != 0 &&
           strcmp(above, ".") != 0) {
        char *slash = strrchr(above, '/');
        if (slash)
            slash[slash == above] = '\0';
        else
            snprintf(above, sizeof above, ".");
    }
    return is_folder(above) && gw_folder_takes_files(above);
}

static bool in_folder(const char *folder, gw_str first_path, bool check, char *out, size_t size)
{
    if (!usable(folder, check))
        return false;
    size_t n = strlen(folder);
    snprintf(out, size, "%.*s/file-%016" PRIx64 ".offsets", (int)(n && folder[n - 1] == '/' ? n - 1 : n),
             folder, file_head_hash(first_path.ptr, first_path.len));
    return true;
}

static void by_option(const char *option, gw_str first_path, bool check, char *out, size_t size, char *why)
{
    const char *slash = strrchr(option, '/');
    char folder[PATH_MAX];
    if (is_folder(option) || (slash && !slash[1])) {
        if (!in_folder(option, first_path, check, out, size))
            snprintf(why, FILE_ERROR_SIZE, "%.120s cannot be written: %s", option, strerror(errno));
        return;
    }
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - option) : 1, slash ? option : ".");
    if (!usable(folder[0] ? folder : "/", check))
        snprintf(why, FILE_ERROR_SIZE, "%.120s cannot be written: %s", folder, strerror(errno));
    else
        snprintf(out, size, "%s", option);
}

static bool below(const char *base, const char *rest, char *folder, size_t size)
{
    return base && base[0] == '/' &&
           (size_t)snprintf(folder, size, "%.*s%s", (int)strcspn(base, ":"), base, rest) < size;
}

void file_state_find(gw_str option, gw_str first_path, bool check, char *out, size_t size, char *why)
{
    const struct {
        const char *base, *rest;
    } places[] = {{getenv("STATE_DIRECTORY"), ""},
                  {"/var/lib/ddgate", ""},
                  {getenv("XDG_STATE_HOME"), "/ddgate"},
                  {getenv("HOME"), "/.local/state/ddgate"}};
    char folder[PATH_MAX];
    out[0] = why[0] = '\0';
    if (option.len) {
        by_option(option.ptr, first_path, check, out, size, why);
        return;
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (below(places[i].base, places[i].rest, folder, sizeof folder) &&
            in_folder(folder, first_path, check, out, size))
            return;
    snprintf(why, FILE_ERROR_SIZE,
             "there is no folder to remember offsets in: after a restart reading begins where `start` says; "
             "set `offsets`");
}

enum file_lock file_state_lock(const char *state, int *lock, char *why)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s.lock", state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    *lock = fd;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return FILE_LOCK_OURS;
    bool others = fd >= 0 && errno == EWOULDBLOCK;
    if (others)
        snprintf(why, FILE_ERROR_SIZE, "another receiver keeps its offsets in %.100s; set `offsets`", state);
    else
        snprintf(why, FILE_ERROR_SIZE, "%.120s: %s", path, fd >= 0 ? "it cannot be locked" : strerror(errno));
    if (fd >= 0)
        close(fd);
    *lock = -1;
    return others ? FILE_LOCK_OTHERS : FILE_LOCK_NONE;
}

void file_state_set_aside(const char *state, const char *component, const char *why)
{
    char aside[PATH_MAX];
    bool ok =
        (size_t)snprintf(aside, sizeof aside, "%s.aside", state) < sizeof aside && rename(state, aside) == 0;
    gw_log(GW_WARNING, component, "%s: no offsets are known, and reading begins at option `start`. %s%s", why,
           ok ? "It is set aside as " : "It cannot be set aside: ", ok ? aside : strerror(errno));
}
