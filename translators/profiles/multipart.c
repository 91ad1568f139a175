/* multipart.c: Cuts a multipart/form-data body at its delimiters. Owns nothing. Called by profile_upload.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "translators/profiles/multipart.h"

#include <string.h>

enum { BOUNDARY_MOST = 70 };

/* Finds the value of a parameter in `a; name=value; name="value"`. Returns false if there is none; *out is
 * unchanged then. A quoted value ends at the first quote without a backslash before it. */
static bool parameter(gw_str header, gw_str name, gw_str *out)
{
    gw_str rest = gw_str_from(header, gw_str_find(header, ';'));
    while (rest.len) {
        rest = gw_str_trim(gw_str_from(rest, 1)); /* past the ';' */
        size_t end = 0, equals = gw_str_find(rest, '=');
        gw_str key = gw_str_trim(gw_str_n(rest.ptr, equals)), value = gw_str_from(rest, equals + 1);
        bool quoted = value.len && value.ptr[0] == '"';
        if (quoted) {
            value = gw_str_from(value, 1);
            while (end < value.len && value.ptr[end] != '"')
                end += value.ptr[end] == '\\' ? 2 : 1;
            if (end >= value.len)
                return false;
        } else {
            end = gw_str_find(value, ';');
        }
        rest = gw_str_from(value, end + quoted);
        rest = gw_str_from(rest, gw_str_find(rest, ';'));
        if (gw_str_ieq(key, name)) {
            *out = quoted ? gw_str_n(value.ptr, end) : gw_str_trim(gw_str_n(value.ptr, end));
            return true;
        }
    }
    return false;
}

static gw_str media_type(gw_str header)
{
    return gw_str_trim(gw_str_n(header.ptr, gw_str_find(header, ';')));
}

static size_t place(const struct multipart *m)
{
    return m->rest.len ? (size_t)(m->rest.ptr - m->all.ptr) : m->all.len;
}

static enum gw_code fail(const struct multipart *m, struct gw_err *err, const char *why)
{
    return gw_fail(err, GW_BAD_MULTIPART, place(m), "%s", why);
}

/* What follows a delimiter's characters: the number of bytes to the end of its line, or 0: it is no delimiter. *last:
 * it was the last one. */
static size_t line_rest(gw_str after, bool *last)
{
    size_t i = 0;
    *last = gw_str_starts(after, GW_STR("--"));
    if (*last)
        return 2;
    while (i < after.len && (after.ptr[i] == ' ' || after.ptr[i] == '\t'))
        i++;
    return gw_str_starts(gw_str_from(after, i), GW_STR("\r\n")) ? i + 2 : 0;
}

/* Finds the next delimiter line at or after m->rest, which then begins after it. *before is the text in front
 * of it. */
static bool cut(struct multipart *m, gw_str *before, bool *last)
{
    if (!m->rest.len)
        return false;
    const char *from = m->rest.ptr, *end = m->rest.ptr + m->rest.len, *search = from;
    for (const char *at;
         search < end && (at = memmem(search, (size_t)(end - search), m->delimiter, m->delimiter_len));
         search = at + m->delimiter_len) {
        gw_str after = gw_str_from(m->rest, (size_t)(at - from) + m->delimiter_len);
        size_t n = line_rest(after, last);
        if (!n)
            continue;
        *before = gw_str_n(from, (size_t)(at - from));
        m->rest = gw_str_from(after, n);
        return true;
    }
    return false;
}

enum gw_code multipart_begin(struct multipart *m, gw_str content_type, gw_str body, struct gw_err *err)
{
    gw_str boundary;
    bool last = false;
    *m = (struct multipart){.all = body, .rest = body};
    if (!gw_str_ieq(media_type(content_type), GW_STR("multipart/form-data")))
        return fail(m, err, "its Content-Type is not multipart/form-data");
    if (!parameter(content_type, GW_STR("boundary"), &boundary) || !boundary.len ||
        boundary.len > BOUNDARY_MOST)
        return fail(m, err, "its Content-Type names no boundary of 1 to 70 characters");
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.ptr, boundary.len);
    m->delimiter_len = 4 + boundary.len;
    /* the first may begin the body, and then no line ends in front of it */
    gw_str first = gw_str_n(m->delimiter + 2, m->delimiter_len - 2), ignored;
    size_t n = gw_str_starts(body, first) ? line_rest(gw_str_from(body, first.len), &last) : 0;
    if (n)
        m->rest = gw_str_from(body, first.len + n);
    else if (!cut(m, &ignored, &last))
        return fail(m, err, "the boundary of its Content-Type does not stand in it");
    m->over = last;
    return GW_OK;
}

static enum gw_code read_headers(struct multipart *m, gw_str headers, struct multipart_part *out,
                                 struct gw_err *err)
{
    bool disposed = false;
    while (headers.len) {
        const char *end = memmem(headers.ptr, headers.len, "\r\n", 2);
        gw_str line = gw_str_n(headers.ptr, end ? (size_t)(end - headers.ptr) : headers.len);
        size_t colon = gw_str_find(line, ':');
        headers = gw_str_from(headers, line.len + 2);
        if (colon == line.len)
            return fail(m, err, "a line of a part's headers has no colon");
        if (!gw_str_ieq(gw_str_trim(gw_str_n(line.ptr, colon)), GW_STR("content-disposition")))
            continue;
        gw_str value = gw_str_from(line, colon + 1);
        disposed = gw_str_ieq(media_type(value), GW_STR("form-data"));
        out->name = out->filename = GW_NOSTR;
        (void)parameter(value, GW_STR("name"), &out->name);
        out->is_file = parameter(value, GW_STR("filename"), &out->filename);
    }
    return disposed ? GW_OK : fail(m, err, "a part has no Content-Disposition: form-data");
}

enum gw_code multipart_next(struct multipart *m, struct multipart_part *out, struct gw_err *err)
{
    *out = (struct multipart_part){.body = GW_NOSTR};
    if (m->over)
        return GW_OK;
    if (++m->parts > MULTIPART_PARTS)
        return fail(m, err, "it has more than 512 parts");
    size_t most = m->rest.len < MULTIPART_HEADERS ? m->rest.len : MULTIPART_HEADERS;
    const char *end = most ? memmem(m->rest.ptr, most, "\r\n\r\n", 4) : NULL;
    if (!end)
        return fail(m, err, "a part's headers do not end within 8 KiB");
    gw_str headers = gw_str_n(m->rest.ptr, (size_t)(end - m->rest.ptr));
    enum gw_code code = read_headers(m, headers, out, err);
    if (code)
        return code;
    /* an empty body: the CRLF that ends the headers may be that of the delimiter */
    m->rest = gw_str_from(m->rest, headers.len + 2);
    if (gw_str_starts(m->rest, gw_str_n(m->delimiter, m->delimiter_len)) &&
        line_rest(gw_str_from(m->rest, m->delimiter_len), &m->over)) {
        (void)!cut(m, &out->body, &m->over);
        return GW_OK;
    }
    m->rest = gw_str_from(m->rest, 2);
    return cut(m, &out->body, &m->over) ? GW_OK
                                        : fail(m, err, "it ends before its last boundary: it was cut short");
}
