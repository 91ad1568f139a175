/* Reads lines of the DogStatsD protocol: metrics, events and service checks, and the sections that all of
 * them may have.
 *
 * Keeps no state. Called by the dogstatsd receiver for every line, so a metric is read in one pass over its
 * sections.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/dogstatsd_line.h"

#include <math.h>

static const double LEAST_RATE = 1e-12; /* the lowest sample rate that is accepted; one line then counts 10^12
                                         * times */

const char *dsd_reason_label(enum dsd_reason reason)
{
    static const char *const labels[] = {
#define DSD_REASON_LABEL(id, label, text) label,
        DSD_REASONS(DSD_REASON_LABEL)
#undef DSD_REASON_LABEL
    };
    return reason < DSD_REASON_N ? labels[reason] : "";
}

const char *dsd_reason_text(enum dsd_reason reason)
{
    static const char *const texts[] = {
#define DSD_REASON_TEXT(id, label, text) text,
        DSD_REASONS(DSD_REASON_TEXT)
#undef DSD_REASON_TEXT
    };
    return reason < DSD_REASON_N ? texts[reason] : "";
}

bool dsd_next(gw_str *datagram, gw_str *line)
{
    while (gw_str_next(datagram, '\n', line)) {
        if (line->len && line->ptr[line->len - 1] == '\r')
            line->len--;
        if (line->len)
            return true;
    }
    return false;
}

/* --- values --- */

/* Reads a whole number of up to fifteen digits. Most values are such numbers, and a double holds them
 * exactly. */
static bool read_digits(gw_str s, double *out)
{
    int64_t n = 0;
    bool negative = s.len && *s.ptr == '-';
    size_t i = negative, digits = s.len - i;
    if (digits == 0 || digits > 15)
        return false;
    for (; i < s.len; i++) {
        if (!gw_is_digit(s.ptr[i]))
            return false;
        n = n * 10 + (s.ptr[i] - '0');
    }
    *out = (double)(negative ? -n : n);
    return true;
}

static bool read_number(gw_str s, double *out)
{
    if (read_digits(s, out))
        return true;
    if (s.len > 1 && *s.ptr == '+')
        s = gw_str_from(s, 1);
    return gw_str_double(s, out) && isfinite(*out);
}

bool dsd_next_value(gw_str *values, double *value, bool *good)
{
    gw_str field;
    while (gw_str_next(values, ':', &field))
        if (field.len) {
            *good = read_number(field, value);
            return true;
        }
    return false;
}

size_t dsd_unescape(gw_str text, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
        bool escaped = text.ptr[i] == '\\' && (next == 'n' || (next == ':' && i && text.ptr[i - 1] == 'm'));
        i += escaped;
        out[n++] = !escaped ? text.ptr[i] : next == 'n' ? '\n' : ':';
    }
    return n;
}

/* --- sections --- */

/* Sets *rest to what follows `prefix` in the section. */
static bool is_section(gw_str section, gw_str prefix, gw_str *rest)
{
    if (!gw_str_starts(section, prefix))
        return false;
    *rest = gw_str_from(section, prefix.len);
    return true;
}

/* Reads a section that metrics, events and checks share. Returns false for any other section. */
static bool read_common(gw_str section, struct dsd_origin *o)
{
    if (*section.ptr == '#') {
        o->tags = gw_str_from(section, 1);
        return true;
    }
    return is_section(section, GW_STR("c:"), &o->container) ||
           is_section(section, GW_STR("e:"), &o->external) ||
           is_section(section, GW_STR("card:"), &o->cardinality);
}

static bool read_time(gw_str text, int64_t *out)
{
    /* nanoseconds in 64 bits end in the year 2262 */
    return gw_str_i64(text, out) && *out > 0 && *out < INT64_MAX / 1000000000;
}

/* --- metrics --- */

static bool read_type(gw_str word, enum dsd_type *out)
{
    static const char letters[] = "cghds";
    static const enum dsd_type types[] = {DSD_COUNT, DSD_GAUGE, DSD_HISTOGRAM, DSD_DISTRIBUTION, DSD_SET};
    if (word.len == 2 && word.ptr[0] == 'm' && word.ptr[1] == 's') {
        *out = DSD_TIMING;
        return true;
    }
    const char *at = word.len == 1 && *word.ptr ? strchr(letters, *word.ptr) : NULL;
    if (at)
        *out = types[at - letters];
    return at != NULL;
}

static enum dsd_reason read_metric_section(gw_str section, struct dsd_line *l)
{
    struct dsd_metric *m = &l->metric;
    if (*section.ptr == '@')
        return read_number(gw_str_from(section, 1), &m->rate) && m->rate >= LEAST_RATE && m->rate <= 1
                   ? DSD_TAKEN
                   : DSD_BAD_RATE;
    if (*section.ptr == 'T')
        return read_time(gw_str_from(section, 1), &l->origin.time) ? DSD_TAKEN : DSD_BAD_TIME;
    read_common(section, &l->origin);
    return DSD_TAKEN;
}

static enum dsd_reason read_metric(gw_str rest, struct dsd_line *l)
{
    struct dsd_metric *m = &l->metric;
    gw_str head = GW_NOSTR, section = GW_NOSTR;
    enum dsd_reason why = DSD_TAKEN;
    *m = (struct dsd_metric){.rate = 1};
    gw_str_next(&rest, '|', &head);
    size_t colon = gw_str_find(head, ':');
    if (!rest.ptr)
        return DSD_NO_TYPE;
    if (colon == 0 || colon == head.len)
        return DSD_NO_NAME;
    m->name = gw_str_n(head.ptr, colon);
    m->values = gw_str_from(head, colon + 1);
    gw_str_next(&rest, '|', &section);
    if (!m->values.len)
        return DSD_BAD_VALUE;
    if (!read_type(section, &m->type))
        return DSD_BAD_TYPE;
    while (why == DSD_TAKEN && gw_str_next(&rest, '|', &section))
        if (section.len)
            why = read_metric_section(section, l);
    return why;
}

/* --- events --- */

/* Reads "12,": a length and its separator. *rest is what follows. */
static bool read_length(gw_str *rest, char end, size_t *out)
{
    gw_str digits;
    uint64_t n;
    size_t at = gw_str_find(*rest, end);
    if (at == rest->len)
        return false;
    digits = gw_str_n(rest->ptr, at);
    *rest = gw_str_from(*rest, at + 1);
    *out = 0;
    return gw_str_u64(digits, &n) && n <= SIZE_MAX / 4 && (*out = (size_t)n, true);
}

static enum dsd_alert read_alert(gw_str word)
{
    return gw_str_eq(word, GW_STR("error"))     ? DSD_ERROR
           : gw_str_eq(word, GW_STR("warning")) ? DSD_WARNING
           : gw_str_eq(word, GW_STR("success")) ? DSD_SUCCESS
                                                : DSD_INFO;
}

/* A section that cannot be read is ignored and the event is kept, as in the agent. */
static void read_event_section(gw_str section, struct dsd_line *l)
{
    struct dsd_event *e = &l->event;
    gw_str word;
    if (is_section(section, GW_STR("d:"), &word)) {
        if (!read_time(word, &l->origin.time))
            l->origin.time = 0;
    } else if (is_section(section, GW_STR("p:"), &word)) {
        e->low_priority = gw_str_eq(word, GW_STR("low"));
    } else if (is_section(section, GW_STR("t:"), &word)) {
        e->alert = read_alert(word);
    } else if (!is_section(section, GW_STR("h:"), &e->host) &&
               !is_section(section, GW_STR("k:"), &e->aggregation_key) &&
               !is_section(section, GW_STR("s:"), &e->source)) {
        read_common(section, &l->origin);
    }
}

/* Returns how many bytes the first n UTF-16 units of UTF-8 text take; more than text.len if the text is
 * shorter. */
static size_t bytes_of_units(gw_str text, size_t n)
{
    size_t at = 0;
    for (; n && at < text.len; n--) {
        uint8_t first = (uint8_t)text.ptr[at];
        n -= first >= 0xf0 && n > 1;
        at += first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    }
    return at + n;
}

/* Splits ":title|text". The end of the line or another section must follow. */
static bool split_event(gw_str *rest, size_t title, size_t text, struct dsd_event *e)
{
    if (rest->len < title + text + 2 || rest->ptr[0] != ':' || rest->ptr[1 + title] != '|' ||
        (rest->len > title + text + 2 && rest->ptr[title + text + 2] != '|'))
        return false;
    e->title = gw_str_n(rest->ptr + 1, title);
    e->text = gw_str_n(rest->ptr + title + 2, text);
    *rest = gw_str_from(*rest, title + text + 2);
    return true;
}

/* By the protocol, lengths count bytes, and `\n` counts as two. hot-shots (Node) counts JavaScript's UTF-16
 * units instead; both are tried. */
static bool read_texts(gw_str *rest, size_t title, size_t text, struct dsd_event *e)
{
    if (split_event(rest, title, text, e))
        return true;
    title = bytes_of_units(gw_str_from(*rest, rest->len != 0), title);
    if (rest->len < title + 2)
        return false;
    return split_event(rest, title, bytes_of_units(gw_str_from(*rest, title + 2), text), e);
}

static enum dsd_reason read_event(gw_str rest, struct dsd_line *l)
{
    struct dsd_event *e = &l->event;
    size_t title, text;
    gw_str section;
    *e = (struct dsd_event){0};
    if (!read_length(&rest, ',', &title) || !read_length(&rest, '}', &text) || !title ||
        !read_texts(&rest, title, text, e))
        return DSD_BAD_EVENT;
    while (gw_str_next(&rest, '|', &section))
        if (section.len)
            read_event_section(section, l);
    return DSD_TAKEN;
}

/* --- service checks --- */

static void read_check_section(gw_str section, struct dsd_line *l)
{
    gw_str word;
    if (is_section(section, GW_STR("d:"), &word)) {
        if (!read_time(word, &l->origin.time))
            l->origin.time = 0;
    } else if (!is_section(section, GW_STR("h:"), &l->check.host)) {
        read_common(section, &l->origin);
    }
}

/* The message is the last section and may contain any `|`. But Datadog's library for Python writes the origin
 * (`|c:`) after it. */
static void read_message(gw_str rest, struct dsd_line *l)
{
    static const gw_str sections[] = {GW_LIT("c:"), GW_LIT("e:"), GW_LIT("card:")};
    for (size_t at = rest.len; at-- > 0;) {
        gw_str last = gw_str_from(rest, at + 1);
        if (rest.ptr[at] != '|')
            continue;
        bool known = false;
        for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
            known |= gw_str_starts(last, sections[i]);
        if (!known)
            break;
        read_common(last, &l->origin);
        rest.len = at;
    }
    l->check.message = rest;
}

static enum dsd_reason read_check(gw_str rest, struct dsd_line *l)
{
    struct dsd_check *c = &l->check;
    gw_str section, status = GW_NOSTR;
    *c = (struct dsd_check){0};
    gw_str_next(&rest, '|', &c->name);
    gw_str_next(&rest, '|', &status);
    if (!c->name.len || status.len != 1 || *status.ptr < '0' || *status.ptr > '3')
        return DSD_BAD_CHECK;
    c->status = (unsigned)(*status.ptr - '0');
    while (rest.ptr && !is_section(rest, GW_STR("m:"), &c->message)) {
        gw_str_next(&rest, '|', &section);
        if (section.len)
            read_check_section(section, l);
    }
    read_message(c->message, l);
    return DSD_TAKEN;
}

enum dsd_reason dsd_read(gw_str line, struct dsd_line *l)
{
    gw_str rest;
    l->origin = (struct dsd_origin){0};
    if (is_section(line, GW_STR("_e{"), &rest)) {
        l->kind = DSD_EVENT;
        return read_event(rest, l);
    }
    if (is_section(line, GW_STR("_sc|"), &rest)) {
        l->kind = DSD_SERVICE_CHECK;
        return read_check(rest, l);
    }
    l->kind = DSD_METRIC;
    return read_metric(line, l);
}
