/* syslog_parse.c: Reads a syslog message: RFC 5424, RFC 3164 and its variants. Parts that are not recognized
 * are the message's text. Pure, except for the arena. Called by the syslog receiver for each message.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_severity.h"
#include "translators/logs/log_time.h"
#include "translators/logs/syslog_parse.h"

enum { TAG = 128, HOST = 255 };

/* How the time was written: Nov 21 08:00:00, 2026-11-21T08:00:00Z, 2026-11-21 08:00:00. */
enum form { FORM_BSD, FORM_ISO, FORM_CLOCK };

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

static void skip_blanks(gw_str *s)
{
    while (s->len && *s->ptr == ' ')
        *s = text_from(*s, 1);
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
    skip_blanks(s); /* switches write one */
    return true;
}

/* RFC 5424 */

/* The next field of the header. "-" means none. False: the message ends before it. */
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

/* "1 1637481600.123456789 MX84 flows …" as Meraki's devices write it. */
static bool read_meraki(gw_str s, struct syslog_message *m)
{
    gw_str word = first_word(s), fraction = word, seconds;
    double value;
    if (!gw_str_next(&fraction, '.', &seconds) || seconds.len != 10 || !gw_digit_at(fraction, 0) ||
        !gw_str_double(word, &value) || !log_time_number(word, value, &m->time))
        return false;
    s = text_from(s, word.len + 1);
    if (!read_header_field(&s, &m->host))
        return false;
    m->version = 0;
    m->text = s;
    return true;
}

/* MSGID is the last field that must be; senders that leave structured data out, or have it wrong, have sent
 * text. */
static bool read_rfc5424(gw_str s, const struct syslog_ground *g, struct gw_arena *arena,
                         struct syslog_message *m)
{
    if (!read_version(&s, m))
        return false;
    if (read_meraki(s, m))
        return true;
    if (!read_time_field(&s, g, m) || !read_header_field(&s, &m->host) || !read_header_field(&s, &m->app) ||
        !read_header_field(&s, &m->procid) || !read_header_field(&s, &m->msgid))
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

/* The words of loggers. No host and no program is called so. */
static bool is_level(gw_str s)
{
    static const char words[] =
        "trace debug info information notice warn warning err error crit critical alert "
        "emerg emergency fatal panic severe verbose";
    gw_str rest = gw_str_z(words), word;
    while (gw_str_next(&rest, ' ', &word))
        if (gw_str_ieq(word, s))
            return true;
    return false;
}

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

/* The length of "[pid]" at the front; 0: there is none. */
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
    size_t n = gw_str_starts(*s, GW_STR("%%")) ? 0 : tag_length(*s); /* Huawei's and H3C's mnemonics */
    gw_str rest = text_from(*s, n);
    size_t pid = pid_length(rest);
    if (n == 0 || (pid == 0 && *rest.ptr == '[') || is_level(gw_str_n(s->ptr, n)))
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

/* A tag without a time before it. With a pid it is one; otherwise it must look like the name of a program, in
 * small letters. */
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

/* %%01SHELL/4/LOGIN(l)[12]: of Huawei and H3C */
static bool read_double_mnemonic(gw_str s, struct syslog_message *m)
{
    size_t n = 2;
    if (!gw_str_starts(s, GW_STR("%%")))
        return false;
    while (n < s.len && n < TAG && s.ptr[n] > ' ' && !gw_char_in(s.ptr[n], ":(["))
        n++;
    gw_str id = gw_str_n(s.ptr + 2, n - 2);
    if (n == s.len || s.ptr[n] <= ' ' || gw_str_find(id, '/') == id.len)
        return false;
    m->msgid = id;
    return true;
}

/* %ASA-6-302015: identifies the message and is kept in its text, where Cisco's patterns search for it. */
static bool read_mnemonic(gw_str s, struct syslog_message *m)
{
    size_t n = 1;
    int dashes = 0;
    if (!s.len || *s.ptr != '%')
        return false;
    if (read_double_mnemonic(s, m))
        return true;
    for (; n < s.len && n < TAG && s.ptr[n] > ' ' && s.ptr[n] != ':'; n++)
        dashes += s.ptr[n] == '-';
    gw_str after = text_from(s, n);
    if (dashes < 2 ||
        (!gw_str_starts(after, GW_STR(":")) && !gw_str_starts(after, GW_STR(" :")))) /* IOS XR */
        return false;
    m->msgid = gw_str_n(s.ptr + 1, n - 1);
    return true;
}

/* Hosts */

/* 10.0.0.1:59196, web:80: a client, not a host. Of an IPv6 address there are several colons. */
static bool has_port(gw_str word)
{
    size_t colon = gw_str_find(word, ':');
    return colon < word.len && gw_str_find(text_from(word, colon + 1), ':') == word.len - colon - 1;
}

static bool all_digits(gw_str word)
{
    size_t n = 0;
    while (n < word.len && gw_is_digit(word.ptr[n]))
        n++;
    return n == word.len;
}

static bool is_host(gw_str word)
{
    if (!word.len || word.len > HOST || word.ptr[word.len - 1] == ':' || gw_char_in(*word.ptr, "%-./@_") ||
        has_port(word) || all_digits(word) || is_level(word) || gw_str_starts(word, GW_STR("CISE_")))
        return false;
    bool any = false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) || gw_is_digit(c);
        any |= letter;
        if (!letter && !gw_char_in(c, ".-_:@/%"))
            return false;
    }
    return any;
}

/* [28/Nov/2026:15:06:22 behind the address of a client, and perhaps two words of an access log. */
static bool is_client(gw_str after)
{
    gw_str word;
    for (int i = 0; i < 3 && gw_str_next(&after, ' ', &word); i++)
        if (word.len > 12 && *word.ptr == '[' && word.ptr[3] == '/' && word.ptr[7] == '/' &&
            word.ptr[12] == ':')
            return true;
    return false;
}

/* True if a tag, or Cisco's words, follow a host's name. */
static bool is_tagged(gw_str s)
{
    struct syslog_message ignored;
    skip_blanks(&s);
    skip_prefix(&s, GW_STR(": "));
    return read_tag(&s, &ignored) || gw_str_starts(s, GW_STR("CISE_")) ||
           (s.len && *s.ptr == '%' && read_mnemonic(s, &ignored));
}

/* web1.example.com, 10.0.0.1, PA-220: more than a word that text begins with. */
static bool looks_like_host(gw_str word)
{
    bool digit = false, dot = false;
    for (size_t i = 0; i < word.len; i++) {
        digit |= gw_is_digit(word.ptr[i]);
        dot |= word.ptr[i] == '.' && i && i + 1 < word.len;
    }
    return (digit || dot) && gw_str_find(word, '/') == word.len;
}

/* The host's name, which is there unless the tag comes at once; empty: it is not. Behind RFC 3339's times
 * HAProxy and others write text, and behind a date, a blank and a clock loggers write theirs. */
static gw_str find_host(gw_str s, const struct syslog_ground *g, enum form form)
{
    gw_str word = first_word(s), after = text_from(s, word.len + 1);
    if (g->local || word.len == s.len || !is_host(word) || gw_str_starts(s, GW_STR("last message repeated ")))
        return GW_NOSTR;
    if (is_tagged(after))
        return word;
    bool unsure = form == FORM_CLOCK || (form == FORM_ISO && !looks_like_host(word));
    return unsure || is_client(after) ? GW_NOSTR : word;
}

static void read_host(gw_str *s, const struct syslog_ground *g, enum form form, struct syslog_message *m)
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
    bool blank = s->len && *s->ptr == ' '; /* nginx at its start has no name to write */
    skip_blanks(s);
    if (blank || skip_prefix(s, GW_STR("- ")))
        return;
    m->host = find_host(*s, g, form);
    if (m->host.len)
        *s = text_from(*s, m->host.len + 1);
}

/* Cisco's "host : %ASA-…" and "host  %FTD-…" */
static void skip_to_mnemonic(gw_str *s)
{
    gw_str from = *s;
    skip_blanks(&from);
    skip_prefix(&from, GW_STR(":"));
    skip_blanks(&from);
    if (from.len && *from.ptr == '%')
        *s = from;
}

/* "CISE_Passed_Authentications 0000000001 1 0 …", of Cisco's ISE */
static bool read_category(gw_str *s, struct syslog_message *m)
{
    gw_str word = first_word(*s);
    if (!gw_str_starts(word, GW_STR("CISE_")) || word.len == s->len)
        return false;
    m->app = word;
    *s = text_from(*s, word.len + 1);
    return true;
}

/* Cisco's own front: "123: ", "123: router: ", "123: router: 000045: ", "wlc1: *task: ",
 * "5: RP/0/RSP0/CPU0:", ": " */

/* Digits and a colon; a colon alone. */
static bool read_sequence(gw_str *s, struct syslog_message *m)
{
    size_t n = 0;
    while (n < s->len && n < 12 && gw_is_digit(s->ptr[n]))
        n++;
    gw_str after = text_from(*s, n);
    if (!skip_prefix(&after, GW_STR(": ")) && (n || !skip_prefix(&after, GW_STR(":")))) /* ASA */
        return false;
    m->sequence = n ? gw_str_n(s->ptr, n) : m->sequence;
    *s = after;
    return true;
}

/* The length of "router: ", "RP/0/RSP0/CPU0:" before a time, or "router " before that. *name: without its
 * end. 0: there is none. */
static size_t origin_length(gw_str s, gw_str *name)
{
    size_t blank = gw_str_find(s, ' ');
    gw_str word = gw_str_n(s.ptr, blank);
    *name = word;
    if (word.len > 1 && word.ptr[word.len - 1] == ':') {
        name->len--;
        return blank + (blank < s.len);
    }
    size_t colon = gw_str_find(word, ':');
    if (gw_str_find(word, '/') < colon && colon + 4 == word.len) { /* the month's name comes at once */
        name->len = colon;
        return colon + 1;
    }
    gw_str next = text_from(s, blank + 1);
    bool node = gw_str_find(next, '/') < gw_str_find(next, ':') && gw_str_starts(next, GW_STR("RP/"));
    return node ? blank + 1 : 0;
}

static bool read_cisco(gw_str *s, const struct syslog_ground *g, struct syslog_message *m)
{
    enum { WORDS = 3 };
    gw_str from = *s, origin = GW_NOSTR, name;
    bool numbered = read_sequence(&from, m), timed = syslog_time(&from, g, &m->time);
    for (int i = 0; i < WORDS && !timed && (!from.len || *from.ptr != '%'); i++) {
        size_t n = origin_length(from, &name);
        if (n == 0)
            break;
        origin = origin.len ? origin : name;
        from = text_from(from, n);
        (void)read_sequence(&from, m);
        timed = syslog_time(&from, g, &m->time);
    }
    skip_prefix(&from, GW_STR(": "));
    skip_to_mnemonic(&from);
    struct syslog_message ignored;
    bool shown = read_mnemonic(from, &ignored) || (timed && is_tagged(from));
    if (!(numbered ? timed || (from.len && *from.ptr == '%') : timed && shown)) {
        m->sequence = GW_NOSTR;
        m->time = 0;
        return false;
    }
    m->host = is_host(origin) && gw_str_find(origin, '/') == origin.len ? origin : GW_NOSTR;
    *s = from;
    return true;
}

/* The form of a time that was read off the front of s. */
static enum form form_of(gw_str s)
{
    if (s.len && (*s.ptr == '*' || *s.ptr == '.'))
        s = text_from(s, 1);
    return s.len < 11 || s.ptr[4] != '-' ? FORM_BSD : s.ptr[10] == ' ' ? FORM_CLOCK : FORM_ISO;
}

/* True if a logger wrote the text after its time, which the reader of texts handles: it begins with a level,
 * a dash or a bracket, or its clock has milliseconds after a comma. */
static bool is_loggers(gw_str whole, gw_str behind, enum form form)
{
    enum { COMMA = 19, END = 23 };
    if (form == FORM_BSD)
        return false;
    if (form == FORM_CLOCK && whole.len > END && whole.ptr[COMMA] == ',' && gw_is_digit(whole.ptr[END - 1]) &&
        whole.ptr[END] == ' ')
        return true;
    gw_str word = first_word(behind);
    if (gw_str_eq(word, GW_STR("-")))
        return form == FORM_CLOCK || !is_tagged(text_from(behind, 2));
    return (behind.len && gw_char_in(*behind.ptr, "[|")) || is_level(word) ||
           (word.len && word.ptr[word.len - 1] == ':' && is_level(gw_str_n(word.ptr, word.len - 1)));
}

static void read_rfc3164(gw_str s, const struct syslog_ground *g, struct syslog_message *m)
{
    gw_str whole = s;
    bool timed = syslog_time(&s, g, &m->time),
         from_cisco = !timed && m->severity >= 0 && read_cisco(&s, g, m);
    enum form form = timed ? form_of(whole) : FORM_BSD;
    m->text = whole;
    if (timed && is_loggers(whole, s, form))
        return;
    if (timed)
        read_host(&s, g, form, m);
    skip_to_mnemonic(&s);
    bool mnemonic = read_mnemonic(s, m), known = mnemonic || m->host.len;
    if (!mnemonic && !read_category(&s, m)) {
        if (timed || from_cisco)
            known |= read_tag(&s, m);
        else if (m->severity >= 0)
            read_lone_tag(&s, m);
    }
    if (form != FORM_CLOCK || known)
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
    return log_severity_number(severity & 7, false, word);
}
