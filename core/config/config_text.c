/* config_text.c: Reads the configuration file and replaces ${…} by values. Owns nothing: text is in the
 * caller's arena. Called by config_tree.c and configuration.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "core/config/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/scrub.h"
#include "core/config/config_diagnostic.h"
#include "core/config/config_path.h"
#include "core/config/config_syntax.h"

enum { PIPE_WAIT = 10000 /* ms */ };

/* A pipe, as `-c <(command)` makes one, may have nothing yet. */
static ssize_t read_some(int fd, char *to, size_t room)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    ssize_t got;
    while ((got = read(fd, to, room)) < 0 && (errno == EAGAIN || errno == EINTR))
        if (poll(&readable, 1, PIPE_WAIT) == 0)
            return -1;
    return got;
}

/* Up to `most` bytes of a file into the arena, or why not. */
static const char *read_file(const char *file, size_t most, struct gw_arena *a, gw_str *out)
{
    struct stat st;
    const char *why = NULL;
    size_t len = 0;
    ssize_t got = 0;
    int fd =
        strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    char *data = gw_arena_raw(a, most + 1, 1);
    if (fstat(fd, &st) < 0)
        why = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        why = "it is a directory";
    else if (!data)
        why = "no memory";
    while (!why && len <= most && (got = read_some(fd, data + len, most + 1 - len)) > 0)
        len += (size_t)got;
    if (!why && got < 0)
        why = strerror(errno);
    if (!why && len > most)
        why = "it is too large";
    close(fd);
    *out = gw_str_n(data, why ? 0 : len);
    return why;
}

static bool in_word(char c)
{
    return gw_is_digit(c) || gw_is_letter(c) || c == '_' || c == '*';
}

/* The length of the comment or string at s; 0 if there is none. */
static size_t opaque(gw_str s)
{
    size_t i = 1;
    if (*s.ptr == '#' || gw_str_starts(s, GW_STR("//")))
        return gw_str_find(s, '\n');
    if (gw_str_starts(s, GW_STR("/*"))) {
        const char *end = memmem(s.ptr + 2, s.len - 2, "*/", 2);
        return end ? (size_t)(end + 2 - s.ptr) : s.len;
    }
    if (*s.ptr != '"')
        return 0;
    while (i < s.len && s.ptr[i] != '"')
        i += s.ptr[i] == '\\' ? 2 : 1;
    return i < s.len ? i + 1 : s.len;
}

enum width { FITS, NEEDS_L, TOO_WIDE };

static bool all_digits(gw_str s, bool hex)
{
    for (size_t i = 0; i < s.len; i++)
        if (!gw_is_digit(s.ptr[i]) && !(hex && gw_char_in(gw_lower(s.ptr[i]), "abcdef")))
            return false;
    return s.len;
}

/* Of a word that is a whole number: whether 32 bits hold it, or 64. */
static enum width width_of(gw_str word, char before, char after)
{
    uint64_t value;
    bool marked = word.len && gw_lower(word.ptr[word.len - 1]) == 'l';
    while (word.len && gw_lower(word.ptr[word.len - 1]) == 'l')
        word.len--;
    bool hex = word.len > 2 && word.ptr[0] == '0' && gw_lower(word.ptr[1]) == 'x';
    gw_str digits = hex ? gw_str_from(word, 2) : word;
    if (before == '.' || after == '.' || !all_digits(digits, hex))
        return FITS;
    if (!(hex ? gw_str_hex64(digits, &value) : gw_str_u64(digits, &value)) || value > INT64_MAX)
        return TOO_WIDE;
    return value > INT32_MAX && !marked ? NEEDS_L : FITS;
}

gw_str gw_conf_widen(gw_str text, struct gw_arena *a)
{
    static const char largest[] = "9223372036854775807L"; /* for what has 19 digits at least, or 0x and 16 */
    char *out = gw_arena_raw(a, 2 * text.len + 1, 1);     /* an L to every ten digits at most */
    size_t n = 0;
    if (!out)
        return GW_NOSTR;
    for (size_t i = 0, len; i < text.len; i += len) {
        gw_str rest = gw_str_from(text, i);
        enum width width = FITS;
        len = opaque(rest);
        if (!len && in_word(*rest.ptr)) {
            while (len < rest.len && in_word(rest.ptr[len]))
                len++;
            width = width_of(gw_str_n(rest.ptr, len), i ? text.ptr[i - 1] : ' ',
                             len < rest.len ? rest.ptr[len] : ' ');
        }
        len = len ? len : 1;
        gw_str word = width == TOO_WIDE ? gw_str_z(largest) : gw_str_n(rest.ptr, len);
        memcpy(out + n, word.ptr, word.len);
        n += word.len;
        if (width == NEEDS_L)
            out[n++] = 'L';
    }
    out[n] = '\0';
    return gw_str_n(out, n);
}

gw_str gw_conf_load(const char *file, struct gw_arena *a, struct gw_diagnostics *p)
{
    gw_str text;
    const char *why = read_file(file, GW_CONF_FILE, a, &text);
    if (!why && text.len && memchr(text.ptr, '\0', text.len)) {
        const char *kind = gw_syntax_other_kind(text);
        gw_config_error(p, "", "%s",
                        kind ? kind : "cannot be read: it holds a NUL byte: it is not a text file");
        return GW_NOSTR;
    }
    if (why) {
        gw_config_error(p, "", "cannot be read: %s", why);
        return GW_NOSTR;
    }
    return text;
}

/* Reported once, for any number of options. */
static void missing_variable(gw_str name, const char *path, struct gw_diagnostics *p)
{
    char text[256];
    snprintf(text, sizeof text,
             "the environment variable %.*s is not set: set it, or write ${env:%.*s:-default}", GW_FMT(name),
             GW_FMT(name));
    if (!gw_diagnostics_says(p, text))
        gw_config_error(p, path, "%s", text);
}

static bool put_env(gw_str name, gw_env_f *env, struct gw_arena *a, gw_str *out, const char *path,
                    struct gw_diagnostics *p)
{
    const char *mark = name.len ? memmem(name.ptr, name.len, ":-", 2) : NULL;
    gw_str preset = mark ? gw_str_from(name, (size_t)(mark - name.ptr) + 2) : GW_NOSTR;
    if (mark)
        name.len = (size_t)(mark - name.ptr);
    gw_str z = gw_arena_printf(a, "%.*s", GW_FMT(name));
    const char *value = name.len && z.ptr ? env(z.ptr) : NULL;
    if (value && gw_secret_is_name(name) && !gw_path_is_name(gw_str_z(value))) /* TLS_KEY_FILE names a file */
        gw_secret_add_text(gw_str_z(value));
    if (mark && (!value || !*value))
        *out = preset;
    else if (value)
        *out = gw_str_z(value);
    else if (name.len == 0)
        gw_config_error(p, path, "${env:} names no variable: write ${env:NAME}");
    else
        missing_variable(name, path, p);
    return mark || value;
}

static bool put_file(gw_str name, struct gw_arena *a, gw_str *out, const char *path, struct gw_diagnostics *p)
{
    gw_str z = gw_arena_printf(a, "%.*s", GW_FMT(name));
    const char *why = z.ptr ? read_file(z.ptr, GW_CONF_SECRET, a, out) : "no memory";
    if (!why && out->len && memchr(out->ptr, '\0', out->len))
        why = "it holds a NUL byte";
    if (why)
        gw_config_error(p, path, "%s cannot be read: %s", gw_path_shown(name).text, why);
    while (out->len && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
        out->len--;
    gw_secret_add_text(*out);
    return !why;
}

/* `inner` is the text between the braces. */
static bool put_value(gw_str inner, gw_env_f *env, struct gw_arena *a, gw_str *out, const char *path,
                      struct gw_diagnostics *p)
{
    *out = GW_NOSTR;
    if (gw_str_starts(inner, GW_STR("env:")))
        return put_env(gw_str_from(inner, 4), env, a, out, path, p);
    if (gw_str_starts(inner, GW_STR("file:")))
        return put_file(gw_str_from(inner, 5), a, out, path, p);
    gw_config_error(
        p, path,
        "${%.*s} is neither ${env:NAME} nor ${file:/path}; the characters ${ themselves are written $${",
        GW_FMT(inner));
    return false;
}

/* Where the next ${ or $${ begins, or the text's end. */
static size_t next_dollar(gw_str s)
{
    const char *at = s.len ? memmem(s.ptr, s.len, "${", 2) : NULL;
    if (!at)
        return s.len;
    return (size_t)(at - s.ptr) - (at > s.ptr && at[-1] == '$');
}

bool gw_conf_expand(gw_str raw, gw_env_f *env, struct gw_arena *a, gw_str *out, const char *path,
                    struct gw_diagnostics *p)
{
    bool good = true;
    gw_str text = GW_NOSTR, value;
    for (gw_str rest = raw; good && rest.len;) {
        size_t plain = next_dollar(rest), used;
        gw_str at = gw_str_from(rest, plain);
        if (gw_str_starts(at, GW_STR("$${"))) {
            value = GW_STR("${");
            used = 3;
        } else if (at.len) {
            used = gw_str_find(at, '}');
            good = used < at.len && put_value(gw_str_n(at.ptr + 2, used - 2), env, a, &value, path, p);
            if (used++ == at.len)
                gw_config_error(p, path, "%.*s has no closing }", GW_FMT(at));
        } else {
            value = GW_NOSTR;
            used = 0;
        }
        if (good)
            text = gw_arena_printf(a, "%.*s%.*s%.*s", GW_FMT(text), (int)plain, rest.ptr, GW_FMT(value));
        rest = gw_str_from(rest, plain + used);
    }
    *out = text;
    return good;
}
