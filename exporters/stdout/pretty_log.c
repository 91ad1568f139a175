/* pretty_log.c: Writes log records, alone or below their span. Owns nothing: scratch memory is the caller's
 * arena. Called by pretty.c and pretty_metric.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/stdout/pretty_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exporters/stdout/pretty_path.h"

/* Further lines of a text from its beginning and its end (a stack trace has its most useful lines at one of
 * them); columns of one, and of names; hexadecimal digits of a trace id, from its end: its beginning may be a
 * time. */
enum { HEAD = 8, TAIL = 12, TEXT = 1000, NAME = 60, WORD = 10, ID_DIGITS = 8, SEVERITY = 5 };

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;

uint64_t pretty_log_time(const pretty_log_record *r)
{
    return r->time_unix_nano ? r->time_unix_nano : r->observed_time_unix_nano;
}

bool pretty_when(char out[64], uint64_t unix_ns)
{
    char zone[8];
    time_t seconds = (time_t)(unix_ns / 1000000000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || !strftime(out, 40, "%Y-%m-%d %H:%M:%S", &tm) ||
        !strftime(zone, sizeof zone, " %z", &tm))
        return false;
    size_t len = strlen(out);
    snprintf(out + len, 64 - len, ".%03u%s", (unsigned)(unix_ns / 1000000 % 1000),
             strcmp(zone, " +0000") == 0 ? "Z" : zone);
    return true;
}

/* --- the parts of a line --- */

/* The word that the application used, else OpenTelemetry's for the number. */
static void put_severity(struct pretty_line *l, const pretty_log_record *r)
{
    static const char *const names[] = {"-", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
    static const enum pretty_style styles[] = {PRETTY_DIM,    PRETTY_DIM, PRETTY_DIM, PRETTY_GREEN,
                                               PRETTY_YELLOW, PRETTY_RED, PRETTY_RED};
    int number = (int)r->severity_number;
    int range = number >= 1 && number <= 24 ? (number + 3) / 4 : 0;
    gw_str word = r->severity_text.len ? pretty_bytes(r->severity_text) : gw_str_z(names[range]);
    size_t before = l->left;
    pretty_put_text(l, styles[range], word, WORD);
    for (size_t taken = before - l->left; taken < SEVERITY; taken++)
        pretty_put(l, PRETTY_PLAIN, " ");
    pretty_put(l, PRETTY_PLAIN, " ");
}

static void put_time(struct pretty_line *l, const pretty_log_record *r)
{
    char text[64];
    if (!pretty_when(text, pretty_log_time(r)))
        return;
    pretty_put(l, PRETTY_DIM, text);
    pretty_put(l, PRETTY_PLAIN, " ");
}

static void put_service(struct pretty_line *l, const struct pretty_log *log)
{
    gw_str service = pretty_resource_text(log->resource, "service.name");
    if (!service.len)
        return;
    pretty_put_service(l, service);
    pretty_put(l, PRETTY_PLAIN, "  ");
}

static void put_trace(struct pretty_line *l, const pretty_log_record *r)
{
    char text[2 * ID_DIGITS + 1] = "";
    size_t bytes = ID_DIGITS / 2;
    if (r->trace_id.len < bytes)
        return;
    for (size_t i = 0; i < bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", r->trace_id.data[r->trace_id.len - bytes + i]);
    pretty_put(l, PRETTY_DIM, "  · trace …");
    pretty_put(l, PRETTY_DIM, text);
}

/* The next line of a text that is worth showing. */
static bool next_line(gw_str *rest, gw_str *line)
{
    while (gw_str_next(rest, '\n', line)) {
        while (line->len && gw_char_in(line->ptr[line->len - 1], " \t\r"))
            line->len--;
        if (line->len && !pretty_is_underline(*line))
            return true;
    }
    return false;
}

static void more_lines(const struct pretty_margin *m, gw_str rest)
{
    size_t n = 0, i = 0;
    gw_str line;
    for (gw_str all = rest; next_line(&all, &line);)
        n++;
    size_t skipped = n > HEAD + TAIL ? n - HEAD - TAIL : 0;
    for (; next_line(&rest, &line); i++) {
        char words[48];
        if (skipped && i > HEAD && i < HEAD + skipped)
            continue;
        struct pretty_line l = m->begin(m->page, false);
        if (skipped && i == HEAD) {
            snprintf(words, sizeof words, "… %zu more lines", skipped);
            pretty_put(&l, PRETTY_DIM, words);
        } else {
            pretty_put_frame(&l, PRETTY_PLAIN, line, TEXT);
        }
        pretty_end(&l);
    }
}

static gw_str attribute(const struct pretty_log *log, const char *key)
{
    const any_value *v = pretty_find(log->record->attributes, log->record->n_attributes, key);
    bool is_text = v && v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    return is_text ? pretty_bytes(v->string_value) : GW_NOSTR;
}

static void put_exception(const struct pretty_margin *m, const struct pretty_log *log)
{
    gw_str type = attribute(log, "exception.type"), message = attribute(log, "exception.message"),
           lines[PRETTY_STACK];
    if (type.len || message.len) {
        struct pretty_line l = m->begin(m->page, false);
        pretty_put(&l, PRETTY_RED, "✗ ");
        pretty_put_text(&l, PRETTY_RED, type, NAME);
        pretty_put(&l, PRETTY_RED, type.len && message.len ? ": " : "");
        pretty_put_text(&l, PRETTY_RED, message, TEXT);
        pretty_end(&l);
    }
    size_t n = pretty_stack(attribute(log, "exception.stacktrace"), lines);
    for (size_t i = 0; i < n; i++) {
        struct pretty_line l = m->begin(m->page, false);
        pretty_put_frame(&l, PRETTY_DIM, lines[i], TEXT);
        pretty_end(&l);
    }
}

/* --- records --- */

/* Where in the application it was written. */
static void put_place(struct pretty_line *l, const struct pretty_log *log)
{
    gw_str file = attribute(log, "code.file.path");
    const any_value *line =
        pretty_find(log->record->attributes, log->record->n_attributes, "code.line.number");
    if (!file.len)
        return;
    pretty_put(l, PRETTY_DIM, "  ");
    pretty_put_frame(l, PRETTY_DIM, file, NAME);
    if (line) {
        pretty_put(l, PRETTY_DIM, ":");
        pretty_put_text(l, PRETTY_DIM, pretty_value(l, line), WORD);
    }
}

static void put_record(const struct pretty_margin *m, const struct pretty_log *log, bool alone)
{
    const pretty_log_record *r = log->record;
    struct pretty_line l = m->begin(m->page, true);
    bool is_text =
        r->body && r->body->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    gw_str rest = is_text ? pretty_bytes(r->body->string_value) : GW_NOSTR, first = GW_NOSTR;
    if (alone)
        put_time(&l, r);
    put_severity(&l, r);
    if (alone)
        put_service(&l, log);
    if (log->logger.len) {
        pretty_put_text(&l, PRETTY_DIM, log->logger, NAME);
        pretty_put(&l, PRETTY_DIM, ": ");
    }
    next_line(&rest, &first);
    pretty_put_text(&l, PRETTY_PLAIN, is_text || !r->body ? first : pretty_value(&l, r->body), TEXT);
    put_place(&l, log);
    pretty_put_log_attributes(&l, r->attributes, r->n_attributes);
    if (alone)
        put_trace(&l, r);
    pretty_end(&l);
    more_lines(m, rest);
    put_exception(m, log);
}

void pretty_put_log(const struct pretty_margin *m, const struct pretty_log *log)
{
    put_record(m, log, false);
}

void pretty_put_log_alone(const struct pretty_margin *m, const struct pretty_log *log)
{
    put_record(m, log, true);
}

/* --- lists --- */

static int by_bytes(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.data, b.data, a.len) : 0;
}

static int by_ids(const void *x, const void *y)
{
    const struct pretty_log *a = x, *b = y;
    uint64_t s = pretty_log_time(a->record), t = pretty_log_time(b->record);
    int order = by_bytes(a->record->trace_id, b->record->trace_id);
    if (!order)
        order = by_bytes(a->record->span_id, b->record->span_id);
    if (!order)
        order = s < t ? -1 : s > t;
    return order ? order : a->place < b->place ? -1 : a->place > b->place;
}

void pretty_log_sort(struct pretty_log *logs, size_t n)
{
    if (n)
        qsort(logs, n, sizeof *logs, by_ids);
}

static int by_time(const void *x, const void *y)
{
    const struct pretty_log *a = x, *b = y;
    uint64_t s = pretty_log_time(a->record), t = pretty_log_time(b->record);
    return s != t ? (s < t ? -1 : 1) : a->place < b->place ? -1 : a->place > b->place;
}

void pretty_log_sort_by_time(struct pretty_log *logs, size_t n)
{
    if (n)
        qsort(logs, n, sizeof *logs, by_time);
}

static ProtobufCBinaryData id_of(const struct pretty_log *log, bool span)
{
    return span ? log->record->span_id : log->record->trace_id;
}

static size_t find(const struct pretty_log *logs, size_t n, ProtobufCBinaryData id, bool span, size_t *first)
{
    size_t from = 0, to = n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_bytes(id_of(&logs[middle], span), id) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    *first = from;
    while (to < n && by_bytes(id_of(&logs[to], span), id) == 0)
        to++;
    return to - from;
}

size_t pretty_log_of_trace(const struct pretty_log *logs, size_t n, ProtobufCBinaryData id, size_t *first)
{
    return find(logs, n, id, false, first);
}

size_t pretty_log_of_span(const struct pretty_log *logs, size_t n, ProtobufCBinaryData id, size_t *first)
{
    return find(logs, n, id, true, first);
}
