/* file_text.c: decodes the bytes of a record to UTF-8 and strips the escape sequences of terminals. Owns the
 * open iconv descriptors and two buffers that are used again. Called by the reader, on its thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/file/file_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CLOSED ((iconv_t)-1)

static const char *const names[FILE_ENCODINGS] = {"UTF-8",    "UTF-16LE", "UTF-16BE",
                                                  "UTF-32LE", "UTF-32BE", NULL};

/* --- the option --- */

static const struct alias {
    gw_str name;
    enum file_encoding is;
} aliases[] = {
    {GW_LIT("utf-8"), FILE_UTF8},       {GW_LIT("utf8"), FILE_UTF8},
    {GW_LIT("ascii"), FILE_UTF8},       {GW_LIT("us-ascii"), FILE_UTF8},
    {GW_LIT("utf-16"), FILE_UTF16LE},   {GW_LIT("utf16"), FILE_UTF16LE},
    {GW_LIT("utf-16le"), FILE_UTF16LE}, {GW_LIT("ucs-2"), FILE_UTF16LE},
    {GW_LIT("utf-16be"), FILE_UTF16BE}, {GW_LIT("utf-32"), FILE_UTF32LE},
    {GW_LIT("utf-32le"), FILE_UTF32LE}, {GW_LIT("utf-32be"), FILE_UTF32BE},
};

static enum file_encoding by_name(gw_str name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (gw_str_ieq(name, aliases[i].name))
            return aliases[i].is;
    return FILE_OTHER;
}

static gw_str superset(gw_str name)
{
    bool gbk = gw_str_ieq(name, GW_STR("gbk")) || gw_str_ieq(name, GW_STR("gb2312")) ||
               gw_str_ieq(name, GW_STR("cp936"));
    return gbk ? GW_STR("GB18030") : name;
}

/* True if ASCII, including line feeds, is encoded as itself. */
static bool keeps_ascii(const char *name)
{
    static const char probe[] = "a\n +Z{~";
    char in[sizeof probe], out[64], *from = in, *to = out;
    size_t left = sizeof probe, room = sizeof out;
    iconv_t cd = iconv_open(name, "UTF-8");
    if (cd == CLOSED)
        return false;
    memcpy(in, probe, sizeof in);
    bool ok = iconv(cd, &from, &left, &to, &room) != (size_t)-1 && (size_t)(to - out) == sizeof probe &&
              !memcmp(out, probe, sizeof probe);
    iconv_close(cd);
    return ok;
}

bool file_text_init(struct file_text *t, gw_str encoding, char *why, size_t size)
{
    *t = (struct file_text){.by_option = by_name(encoding)};
    for (int i = 0; i < FILE_ENCODINGS; i++)
        t->open[i] = CLOSED;
    if (t->by_option != FILE_OTHER)
        return true;
    encoding = superset(encoding);
    snprintf(t->name, sizeof t->name, "%.*s", GW_FMT(encoding));
    t->open[FILE_OTHER] = iconv_open("UTF-8", t->name);
    if (t->open[FILE_OTHER] == CLOSED)
        snprintf(why, size, "there is no encoding \"%s\" on this machine; `iconv -l` lists them", t->name);
    else if (!keeps_ascii(t->name))
        snprintf(why, size, "lines cannot be found in %s: it writes ASCII in another way", t->name);
    else
        return true;
    file_text_fini(t);
    return false;
}

void file_text_fini(struct file_text *t)
{
    for (int i = 0; i < FILE_ENCODINGS; i++) {
        if (t->open[i] != CLOSED)
            iconv_close(t->open[i]);
        t->open[i] = CLOSED;
    }
    free(t->decoded);
    free(t->stripped);
    t->decoded = t->stripped = NULL;
}

/* --- of a file --- */

enum file_encoding file_text_sniff(const struct file_text *t, gw_str head, size_t *mark)
{
    static const struct {
        gw_str mark;
        enum file_encoding is;
    } marks[] = {
        {GW_LIT("\xef\xbb\xbf"), FILE_UTF8},    {GW_LIT("\xff\xfe\0\0"), FILE_UTF32LE},
        {GW_LIT("\0\0\xfe\xff"), FILE_UTF32BE}, {GW_LIT("\xff\xfe"), FILE_UTF16LE},
        {GW_LIT("\xfe\xff"), FILE_UTF16BE},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (gw_str_starts(head, marks[i].mark)) {
            *mark = marks[i].mark.len;
            return marks[i].is;
        }
    *mark = 0;
    return t->by_option;
}

struct file_unit file_text_unit(enum file_encoding e)
{
    switch (e) {
    case FILE_UTF16LE:
    case FILE_UTF16BE:
        return (struct file_unit){2, e == FILE_UTF16BE};
    case FILE_UTF32LE:
    case FILE_UTF32BE:
        return (struct file_unit){4, e == FILE_UTF32BE};
    default:
        return (struct file_unit){1, false};
    }
}

/* --- of a record --- */

static bool reserve(char **buf, size_t *cap, size_t size)
{
    if (*cap >= size)
        return true;
    size_t more = *cap * 2 > size ? *cap * 2 : size;
    char *p = realloc(*buf, more);
    if (!p)
        return false;
    *buf = p;
    *cap = more;
    return true;
}

static iconv_t converter(struct file_text *t, enum file_encoding e)
{
    if (t->open[e] == CLOSED)
        t->open[e] = iconv_open("UTF-8", e == FILE_OTHER ? t->name : names[e]);
    return t->open[e];
}

/* One unit that cannot be read. */
static char *replace(char *to, char **from, size_t *left, size_t width)
{
    size_t skip = *left < width ? *left : width;
    memcpy(to, "\xef\xbf\xbd", 3);
    *from += skip;
    *left -= skip;
    return to + 3;
}

gw_str file_text_decode(struct file_text *t, enum file_encoding e, gw_str raw)
{
    enum { SLACK = 16 };
    iconv_t cd;
    if (e == FILE_UTF8 || raw.len == 0 || (cd = converter(t, e)) == CLOSED ||
        !reserve(&t->decoded, &t->decoded_cap, raw.len + SLACK))
        return raw;
    char *from = (char *)(uintptr_t)raw.ptr; /* iconv's prototype takes no const, and writes nothing there */
    size_t left = raw.len, n = 0;
    iconv(cd, NULL, NULL, NULL, NULL);
    while (left) {
        char *to = t->decoded + n;
        size_t room = t->decoded_cap - n - 3; /* what replace() needs */
        size_t r = iconv(cd, &from, &left, &to, &room);
        bool full = r == (size_t)-1 && errno == E2BIG;
        if (r == (size_t)-1 && !full)
            to = replace(to, &from, &left, file_text_unit(e).width);
        n = (size_t)(to - t->decoded);
        if (!reserve(&t->decoded, &t->decoded_cap, n + left + (full ? left : 0) + SLACK))
            break;
    }
    return gw_str_n(t->decoded, n);
}

static bool between(char c, int low, int high)
{
    return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* Length of the sequence whose ESC is at s[0]; 0 if it is not one, or not complete. */
static size_t sequence(gw_str s)
{
    size_t i = 2;
    if (s.len < 2)
        return 0;
    /* OSC and the like: to BEL or ESC \ */
    if (s.ptr[1] == ']' || s.ptr[1] == 'P' || s.ptr[1] == '_' || s.ptr[1] == '^') {
        for (; i < s.len; i++)
            if (s.ptr[i] == '\a' || (s.ptr[i] == '\\' && s.ptr[i - 1] == '\033'))
                return i + 1;
        return 0;
    }
    if (s.ptr[1] == '[') {
        while (i < s.len && between(s.ptr[i], 0x20, 0x3f))
            i++;
        return i < s.len && between(s.ptr[i], 0x40, 0x7e) ? i + 1 : 0;
    }
    for (i = 1; i < s.len && between(s.ptr[i], 0x20, 0x2f);)
        i++;
    return i < s.len && between(s.ptr[i], 0x30, 0x7e) ? i + 1 : 0;
}

gw_str file_text_strip(struct file_text *t, gw_str s)
{
    size_t at = gw_str_find(s, '\033'), n = 0;
    if (at == s.len || !reserve(&t->stripped, &t->stripped_cap, s.len))
        return s;
    while (at < s.len) {
        size_t skip = sequence(gw_str_from(s, at));
        memcpy(t->stripped + n, s.ptr, at);
        n += at;
        s = gw_str_from(s, at + skip);
        if (!skip) /* it is not one: it stays */
            t->stripped[n++] = '\033', s = gw_str_from(s, 1);
        at = gw_str_find(s, '\033');
    }
    if (s.len)
        memcpy(t->stripped + n, s.ptr, s.len);
    return gw_str_n(t->stripped, n + s.len);
}
