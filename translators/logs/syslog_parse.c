/* A syslog message: RFC 5424, RFC 3164 and what is sent under their names. What is not recognized is the
 * message's text.
 *
 * Pure but for the arena. Called by the syslog receiver for each message.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/syslog_parse.h"

enum { TAG = 128, HOST = 255 };

/* The word up to a blank. */
static gw_str first_word(gw_str s)
{
    return gw_str_n(s.ptr, gw_str_find(s, ' '));
}

/* From byte n on. */
static gw_str text_from(gw_str s, size_t n)
{
    return n >= s.len ? GW_STR("") : gw_str_n(s.ptr + n, s.len - n);
}

static bool skip_prefix(gw_str *s, gw_str prefix)
{
    if (!gw_str_starts(*s, prefix))
        return false;
    *s = text_from(*s, prefix.len);
    return true;
}

/* <0> … <191> */
static bool read_pri(gw_str *s, struct syslog_message *m)
{
    int n = 0;
    size_t i = 1;
    if (!s->len || *s->ptr != '<')
        return false;
    for (; i < s->len && i < 4 && gw_is_digit(s->ptr[i]); i++)
        n = n * 10 + (s->ptr[i] - '0');
    if (i == 1 || i == s->len || s->ptr[i] != '>' || n > 191)
        return false;
    m->facility = n / 8;
    m->severity = n % 8;
    *s = text_from(*s, i + 1);
    return true;
}

/* RFC 5424 */

/* The next field of the header. "-" is none. False: the message ends before it. */
static bool read_header_field(gw_str *s, gw_str *out)
{
    gw_str word = first_word(*s);
    if (!word.len || word.len == s->len)
        return false;
    *out = gw_str_eq(word, GW_STR("-")) ? GW_NOSTR : word;
    *s = text_from(*s, word.len + 1);
    return true;
}

static bool read_version(gw_str *s, struct syslog_message *m)
{
    size_t i = 0;
    for (; i < s->len && i < 3 && gw_is_digit(s->ptr[i]); i++)
        m->version = m->version * 10 + (s->ptr[i] - '0');
    if (i == 0 || *s->ptr == '0' || i == s->len || s->ptr[i] != ' ')
        return false;
    *s = text_from(*s, i + 1);
    return true;
}

static bool read_time_field(gw_str *s, const struct syslog_ground *g, struct syslog_message *m)
{
    return skip_prefix(s, GW_STR("- ")) || (syslog_time_iso(s, g, &m->time) && skip_prefix(s, GW_STR(" ")));
}

/* MSGID is the last field that must be; senders that leave structured data out, or have it wrong, have sent
 * text. */
static bool read_rfc5424(gw_str s, const struct syslog_ground *g, struct gw_arena *arena,
                         struct syslog_message *m)
{
    if (!read_version(&s, m) || !read_time_field(&s, g, m) || !read_header_field(&s, &m->host) ||
        !read_header_field(&s, &m->app) || !read_header_field(&s, &m->procid) ||
        !read_header_field(&s, &m->msgid))
        return false;
    if (gw_str_eq(first_word(s), GW_STR("-")))
        s = text_from(s, 1);
    else if (s.len && *s.ptr == '[')
        (void)syslog_data(&s, arena, m);
    skip_prefix(&s, GW_STR(" "));
    skip_prefix(&s, GW_STR("\xEF\xBB\xBF"));
    m->text = s;
    return true;
}

/* RFC 3164 */

/* "tag: ", "tag[pid]: ", "tag[pid] ". The length of the tag alone; 0: there is none. */
static size_t tag_length(gw_str s)
{
    for (size_t i = 0; i < s.len && i < TAG && s.ptr[i] > ' '; i++) {
        if (s.ptr[i] == '[')
            return i;
        if (s.ptr[i] == ':' && (i + 1 == s.len || s.ptr[i + 1] == ' '))
            return i;
    }
    return 0;
}

/* The length of "[pid]" at the front; 0: none stands there. */
static size_t pid_length(gw_str s)
{
    size_t end = s.len && *s.ptr == '[' ? gw_str_find(s, ']') : s.len;
    for (size_t i = 1; i < end && end < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] == '[')
            return 0;
    return end < s.len && end > 1 && end < TAG ? end + 1 : 0;
}

static bool read_tag(gw_str *s, struct syslog_message *m)
{
    size_t n = tag_length(*s);
    gw_str rest = text_from(*s, n);
    size_t pid = pid_length(rest);
    if (n == 0 || (pid == 0 && *rest.ptr == '['))
        return false;
    gw_str after = text_from(rest, pid);
    if (after.len && *after.ptr != ':' && *after.ptr != ' ')
        return false;
    m->app = gw_str_n(s->ptr, n);
    if (pid)
        m->procid = gw_str_n(rest.ptr + 1, pid - 2);
    *s = after;
    skip_prefix(s, GW_STR(":"));
    skip_prefix(s, GW_STR(" "));
    return true;
}

static bool is_level(gw_str s)
{
    static const char words[] =
        "debug info notice warn warning err error crit critical alert emerg emergency fatal panic trace";
    gw_str rest = gw_str_z(words), word;
    while (gw_str_next(&rest, ' ', &word))
        if (gw_str_eq(word, s))
            return true;
    return false;
}

/* A tag that no time stands before. With a pid it is one; else it must look like a program's name, which is
 * written small. */
static void read_lone_tag(gw_str *s, struct syslog_message *m)
{
    size_t n = tag_length(*s);
    gw_str name = gw_str_n(s->ptr, n);
    bool plain = n > 0 && s->ptr[n] == ':' && !is_level(name);
    for (size_t i = 0; i < n && plain; i++)
        plain = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') ||
                (i && (gw_is_digit(name.ptr[i]) || gw_char_in(name.ptr[i], "-_./")));
    gw_str rest = text_from(*s, n);
    size_t pid = pid_length(rest);
    if (plain || (n && pid && rest.len > pid && rest.ptr[pid] == ':'))
        read_tag(s, m);
}

/* %ASA-6-302015: is what the message is, and stays in its text, where Cisco's patterns look for it. */
static bool read_mnemonic(gw_str s, struct syslog_message *m)
{
    size_t n = 1;
    int dashes = 0;
    if (!s.len || *s.ptr != '%')
        return false;
    for (; n < s.len && n < TAG && s.ptr[n] > ' ' && s.ptr[n] != ':'; n++)
        dashes += s.ptr[n] == '-';
    if (dashes < 2 || n == s.len || s.ptr[n] != ':')
        return false;
    m->msgid = gw_str_n(s.ptr + 1, n - 1);
    return true;
}

static bool is_host(gw_str word)
{
    if (!word.len || word.len > HOST || word.ptr[word.len - 1] == ':')
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
        if (!letter && !gw_is_digit(c) && !gw_char_in(c, ".-_:@/%"))
            return false;
    }
    return true;
}

/* The host, which is there unless the tag comes at once. */
static void read_host(gw_str *s, const struct syslog_ground *g, struct syslog_message *m)
{
    gw_str from = *s, word;
    if (skip_prefix(&from, GW_STR("Message forwarded from "))) { /* AIX */
        word = first_word(from);
        if (word.len > 1 && word.ptr[word.len - 1] == ':') {
            m->host = gw_str_n(word.ptr, word.len - 1);
            *s = text_from(from, word.len + 1);
        }
        return;
    }
    word = first_word(*s);
    if (g->local || word.len == s->len || !is_host(word) || *word.ptr == '%' ||
        gw_str_starts(*s, GW_STR("last message repeated ")))
        return;
    m->host = word;
    *s = text_from(*s, word.len + 1);
    skip_prefix(s, GW_STR(": ")); /* Cisco's "host : %ASA-…" */
}

/* "123: ", "123: router: ", ": " before a time or a mnemonic */
static bool read_cisco(gw_str *s, const struct syslog_ground *g, struct syslog_message *m)
{
    gw_str from = *s;
    size_t digits = 0;
    while (digits < from.len && digits < 12 && gw_is_digit(from.ptr[digits]))
        digits++;
    gw_str sequence = gw_str_n(from.ptr, digits);
    from = text_from(from, digits);
    if (!skip_prefix(&from, GW_STR(": ")))
        return false;
    gw_str word = first_word(from), origin = GW_NOSTR, after = from;
    if (word.len > 1 && word.ptr[word.len - 1] == ':' && *word.ptr != '%') {
        origin = gw_str_n(word.ptr, word.len - 1);
        after = text_from(from, word.len + 1);
    }
    if (!syslog_time(&from, g, &m->time)) {
        from = after;
        if (!syslog_time(&from, g, &m->time) && (!from.len || *from.ptr != '%'))
            return false;
        m->host = origin;
    }
    m->sequence = sequence;
    *s = from;
    return true;
}

static void read_rfc3164(gw_str s, const struct syslog_ground *g, struct syslog_message *m)
{
    bool timed = syslog_time(&s, g, &m->time),
         from_cisco = !timed && m->severity >= 0 && read_cisco(&s, g, m);
    if (timed)
        read_host(&s, g, m);
    if (!read_mnemonic(s, m)) {
        if (timed || from_cisco)
            read_tag(&s, m);
        else if (m->severity >= 0)
            read_lone_tag(&s, m);
    }
    m->text = s;
}

void syslog_parse(gw_str message, const struct syslog_ground *g, struct gw_arena *arena,
                  struct syslog_message *m)
{
    gw_str s = message;
    m->data_n = 0;
    m->facility = m->severity = -1;
    m->version = 0;
    m->time = 0;
    m->host = m->app = m->procid = m->msgid = m->sequence = GW_NOSTR;
    bool has_pri = read_pri(&s, m);
    if (!has_pri || !read_rfc5424(s, g, arena, m)) {
        m->data_n = 0;
        m->version = 0;
        m->time = 0;
        m->host = m->app = m->procid = m->msgid = GW_NOSTR;
        read_rfc3164(s, g, m);
    }
    if (skip_prefix(&m->text, GW_STR("@cee:")))
        m->text = gw_str_trim(m->text);
}

int syslog_severity(unsigned severity, gw_str *word)
{
    static const struct {
        int number;
        gw_str word;
    } known[] = {{21, GW_LIT("emerg")},   {19, GW_LIT("alert")},  {18, GW_LIT("crit")}, {17, GW_LIT("err")},
                 {13, GW_LIT("warning")}, {10, GW_LIT("notice")}, {9, GW_LIT("info")},  {5, GW_LIT("debug")}};
    *word = known[severity & 7].word;
    return known[severity & 7].number;
}
