/* config_path.c: Decides whether a text is the name of a file, and which part of it messages may show. Owns
 * nothing. Called where a file that an option names cannot be used.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem, memrchr */
#include "core/config/config_path.h"

#include <stdio.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

static bool is_there(gw_str path)
{
    char z[PATH_SIZE];
    if (path.len == 0 || path.len >= sizeof z)
        return false;
    memcpy(z, path.ptr, path.len);
    z[path.len] = '\0';
    return access(z, F_OK) == 0;
}

static bool ends_like_one(gw_str path)
{
    static const gw_str endings[] = {GW_LIT(".pem"), GW_LIT(".key"), GW_LIT(".crt"), GW_LIT(".cer"),
                                     GW_LIT(".txt")};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (gw_str_ends(path, endings[i]))
            return true;
    return false;
}

/* "/run/secrets/token": from the root on, in the letters that people name files with. Encoded secrets have others. */
static bool looks_like_one(gw_str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (!gw_is_digit(path.ptr[i]) && !(path.ptr[i] >= 'a' && path.ptr[i] <= 'z') &&
            !gw_char_in(path.ptr[i], "/._-"))
            return false;
    return path.len && *path.ptr == '/';
}

bool gw_path_is_name(gw_str path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] < ' ')
            return false;
    const char *slash = path.len ? memrchr(path.ptr, '/', path.len) : NULL;
    return is_there(path) || looks_like_one(path) || ends_like_one(path) ||
           (slash && is_there(gw_str_n(path.ptr, (size_t)(slash - path.ptr))));
}

struct gw_path_shown gw_path_shown(gw_str path)
{
    struct gw_path_shown shown;
    bool pem = path.len && memmem(path.ptr, path.len, "-----BEGIN", 10);
    if (!pem && gw_path_is_name(path))
        snprintf(shown.text, sizeof shown.text, "%.*s", GW_FMT(path));
    else
        snprintf(shown.text, sizeof shown.text, "%s",
                 pem ? "what stands there (the PEM text itself, not the name of a file: write it to a file "
                       "and name that)"
                     : "what stands there (it is not shown, for it may be a secret: the name of a file is "
                       "wanted)");
    return shown;
}
