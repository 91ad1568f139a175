/* Heroku's logplex: octet-counted syslog whose header is RFC 5424's without the structured data, so a parser
 * of that would take the first word of the text for it.
 *
 *     83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up
 *
 * HOST is the drain's and always "host" or d.UUID; APP is "app" (the application) or "heroku" (the platform),
 * PROC the dyno.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/log_http/http_log_formats.h"
#include "translators/logs/syslog_parse.h"
#include "translators/text/layout.h"

enum { FIELDS = 6, COUNT_DIGITS = 8, MOST_PRI = 191 };

/* "<40>1 " off the front. */
static bool take_pri(gw_str *text, uint64_t *pri)
{
    size_t end = gw_str_find(*text, '>');
    if (end >= 5 || text->len < end + 3 || text->ptr[0] != '<' ||
        !gw_str_u64(gw_str_n(text->ptr + 1, end - 1), pri) || *pri > MOST_PRI)
        return false;
    if (text->ptr[end + 1] != '1' || text->ptr[end + 2] != ' ')
        return false;
    *text = gw_str_n(text->ptr + end + 3, text->len - end - 3);
    return true;
}

/* TIME HOST APP PROC MSGID off the front; "-" is none. */
static bool take_fields(gw_str *text, gw_str *fields, size_t n)
{
    gw_str rest = *text;
    for (size_t i = 0; i < n; i++) {
        if (!gw_str_next(&rest, ' ', &fields[i]) || !fields[i].len)
            return false;
        if (gw_str_eq(fields[i], GW_STR("-")))
            fields[i] = GW_NOSTR;
    }
    *text = rest.ptr ? rest : GW_NOSTR;
    return true;
}

static void add(struct log_input *in, struct log_attr *attrs, gw_str key, gw_str value)
{
    if (value.len)
        attrs[in->attrs_n++] = (struct log_attr){.key = key, .text = value};
}

/* A frame that has no such header is all text. */
static void read_frame(struct http_log_reader *r, gw_str frame)
{
    struct log_input in = *r->body->like;
    struct log_attr attrs[FIELDS];
    struct layout_time time;
    uint64_t pri;
    enum { TIME, HOST, APP, PROC, MSGID, N };
    gw_str fields[N], text = frame;
    if (take_pri(&text, &pri) && take_fields(&text, fields, N)) {
        in.severity = syslog_severity((unsigned)pri & 7, &in.severity_text);
        if (layout_parse(GW_STR("2006-01-02T15:04:05Z07:00"), fields[TIME], zone_utc(), &time, NULL))
            in.time = (uint64_t)layout_ns(time);
        in.host = in.host.len ? in.host : fields[HOST];
        in.attrs = attrs;
        in.attrs_n = 0;
        attrs[in.attrs_n++] = (struct log_attr){
            .key = GW_STR("syslog.facility"), .is_int = true, .number = (int64_t)(pri >> 3)};
        add(&in, attrs, GW_STR("syslog.appname"), fields[APP]);
        add(&in, attrs, GW_STR("syslog.procid"), fields[PROC]);
        add(&in, attrs, GW_STR("syslog.msgid"), fields[MSGID]);
        frame = text;
    }
    while (frame.len && gw_char_in(frame.ptr[frame.len - 1], "\r\n"))
        frame.len--;
    if (frame.len)
        http_log_line(r, &in, frame);
}

static enum gw_code bad(struct http_log_reader *r, gw_str rest, const char *why)
{
    r->records++;
    return gw_fail(r->err, GW_BAD_LOGPLEX, (size_t)(rest.ptr - r->body->text.ptr), "%s", why);
}

enum gw_code log_logplex_read(struct http_log_reader *r)
{
    gw_str rest = r->body->text;
    for (;;) {
        while (rest.len && gw_char_in(*rest.ptr, " \r\n"))
            rest = gw_str_n(rest.ptr + 1, rest.len - 1);
        if (!rest.len)
            return GW_OK;
        uint64_t count;
        size_t digits = gw_str_find(rest, ' ');
        if (digits == rest.len || digits > COUNT_DIGITS || !gw_str_u64(gw_str_n(rest.ptr, digits), &count))
            return bad(r, rest, "want the length of a frame and a blank");
        if (count > rest.len - digits - 1)
            return bad(r, rest, "the frame is shorter than its length says");
        read_frame(r, gw_str_n(rest.ptr + digits + 1, (size_t)count));
        rest = gw_str_n(rest.ptr + digits + 1 + count, rest.len - digits - 1 - (size_t)count);
    }
}
