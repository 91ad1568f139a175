/* log.c: Decides which log lines are written, formats them and counts the suppressed ones; log_writer.c writes
 * them to standard error. Owns the level, the format and the counts of the process. Called through the macro
 * gw_log, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/lock.h"
#include "core/base/log_writer.h"
#include "core/base/scrub.h"
#include "core/base/text.h"

enum { PER_WINDOW = 5, LINE = 2048, TEXT = 1024, MESSAGE_END = LINE - 64 };
static const gw_nsec window = GW_SEC;

static atomic_int least = GW_INFO, form = GW_LOG_TEXT;
static struct gw_lock lock = GW_LOCK_STATIC(LOG); /* over call sites, counts and the order of lines */
static struct gw_log_counts counts;
static struct held *held_back; /* lines that were held back, the last one of a site each */
static uint64_t missing;       /* lines lost since the last report */

void gw_log_level(enum gw_level level)
{
    atomic_store_explicit(&least, level, memory_order_relaxed);
}

void gw_log_format(enum gw_log_format format)
{
    atomic_store(&form, format);
}

bool gw_log_for_machines(void)
{
    return form != GW_LOG_TEXT;
}

/* The last line that a site held back. */
struct held {
    struct held *next;
    struct gw_log_site *site;
    enum gw_level level;
    char component[208], text[TEXT];
};

/* Under lock: takes it out of the list. */
static struct held *take_held(struct held **at)
{
    struct held *h = *at;
    if (h)
        *at = h->next;
    return h;
}

static struct held **find_held(const struct gw_log_site *site)
{
    struct held **at = &held_back;
    while (*at && (*at)->site != site)
        at = &(*at)->next;
    return at;
}

static void forget_held(const struct gw_log_site *site)
{
    free(take_held(find_held(site)));
}

/* Under lock. Without memory the count is written with the next line. */
static void hold_back(struct gw_log_site *site, enum gw_level level, const char *component, const char *text)
{
    if (!site->lasting)
        return;
    struct held **at = find_held(site), *h = *at ? *at : calloc(1, sizeof *h);
    if (!h)
        return;
    if (!*at)
        gw_log_writer_wake();
    *at = h;
    h->site = site;
    h->level = level;
    snprintf(h->component, sizeof h->component, "%s", component);
    snprintf(h->text, sizeof h->text, "%s", text);
}

/* False: not now. *held is how many lines were held back since the last one. */
static bool may_speak(struct gw_log_site *site, gw_nsec now, unsigned *held)
{
    if (site->window == 0 || now - site->window >= window) {
        site->window = now;
        site->in_window = 0;
    }
    if (site->in_window >= PER_WINDOW) {
        site->suppressed++;
        counts.suppressed++;
        return false;
    }
    site->in_window++;
    *held = site->suppressed;
    site->suppressed = 0;
    if (*held)
        forget_held(site);
    return true;
}

struct gw_log_counts gw_log_counts(void)
{
    gw_lock(&lock);
    struct gw_log_counts now = counts;
    gw_unlock(&lock);
    return now;
}

/* --- a line, piece by piece --- */

struct line {
    char *at;
    size_t n, end; /* behind `end` is room for what closes the line */
};

static void put(struct line *l, const char *text)
{
    size_t len = strlen(text);
    if (len > l->end - l->n)
        len = l->end - l->n;
    memcpy(l->at + l->n, text, len);
    l->n += len;
}

/* Returns the escape for a character that may not be in the text as it is; NULL: none is needed. */
static const char *escape(unsigned char c, char out[8])
{
    bool json = form != GW_LOG_TEXT;
    if (c == '"' || c == '\\')
        snprintf(out, 8, "\\%c", c);
    else if (c == '\n')
        snprintf(out, 8, "\\n");
    else if (c < 0x20 || c == 0x7f)
        snprintf(out, 8, json ? "\\u%04x" : "\\x%02x", c);
    else
        return NULL;
    return out;
}

/* Removes the next character of the text and returns its written form. A byte that is not UTF-8 is \xNN;
 * formats that JSON readers parse get a second backslash. */
static gw_str next_piece(gw_str *text, char room[8])
{
    const char *from = text->ptr;
    bool stray = gw_utf8_next(text) == 0xFFFD && text->ptr - from == 1;
    const char *e = stray ? room : escape((unsigned char)*from, room);
    if (stray)
        snprintf(room, 8, form == GW_LOG_TEXT ? "\\x%02x" : "\\\\x%02x", (unsigned char)*from);
    return e ? gw_str_z(e) : gw_str_n(from, (size_t)(text->ptr - from));
}

/* In quotes; nothing in it can end the line or the quotes, and the line is UTF-8. Cut at the line's end. */
static void put_quoted(struct line *l, const char *text)
{
    char room[8];
    gw_str left = gw_str_z(text);
    l->at[l->n++] = '"';
    while (left.len && l->n < l->end) {
        gw_str piece = next_piece(&left, room);
        if (piece.len > l->end - l->n)
            break;
        memcpy(l->at + l->n, piece.ptr, piece.len);
        l->n += piece.len;
    }
    l->at[l->n++] = '"';
}

/* A value of logfmt: quoted where a blank or a quote would end it. */
static void put_value(struct line *l, const char *value)
{
    bool plain = *value && gw_utf8_valid(gw_str_z(value));
    for (const unsigned char *c = (const unsigned char *)value; *c; c++)
        plain = plain && *c > ' ' && *c != '"' && *c != '=' && *c != '\\' && *c != 0x7f;
    if (plain)
        put(l, value);
    else
        put_quoted(l, value);
}

static void put_time(struct line *l)
{
    char text[40];
    gw_nsec wall = gw_wall();
    time_t seconds = (time_t)(wall / GW_SEC);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ", (int)(wall % GW_SEC / GW_MSEC));
    put(l, text);
}

/* "exporter=sls" is a key and its value; "ddgate" is a component. */
static void split(const char *component, char key[static 32], char value[static 208])
{
    const char *sign = strchr(component, '=');
    snprintf(key, 32, "%.*s", sign ? (int)(sign - component) : 9, sign ? component : "component");
    snprintf(value, 208, "%.200s", sign ? sign + 1 : component);
}

static void put_head(struct line *l, enum gw_level level, const char *component)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char key[32], value[208];
    split(component, key, value);
    put(l, form == GW_LOG_JSON ? "{\"time\":\"" : form == GW_LOG_LOGFMT ? "time=" : "");
    put_time(l);
    put(l, form == GW_LOG_JSON ? "\",\"level\":\"" : form == GW_LOG_LOGFMT ? " level=" : " ");
    put(l, names[level]);
    if (form == GW_LOG_TEXT) {
        put(l, " ");
        put(l, strchr(component, '=') ? key : value);
        put(l, strchr(component, '=') ? "=" : "");
        put(l, strchr(component, '=') ? value : "");
        put(l, " ");
        return;
    }
    put(l, form == GW_LOG_JSON ? "\",\"" : " ");
    put(l, key);
    put(l, form == GW_LOG_JSON ? "\":" : "=");
    form == GW_LOG_JSON ? put_quoted(l, value) : put_value(l, value);
    put(l, form == GW_LOG_JSON ? ",\"msg\":" : " msg=");
}

/* Under lock: reports the number of missing lines in their place, as soon as there is room for a line. */
static bool tell_missing(void)
{
    char room[LINE], text[TEXT];
    struct line l = {room, 0, MESSAGE_END};
    if (!missing)
        return true;
    snprintf(text, sizeof text, "%llu lines are missing here: standard error did not take them",
             (unsigned long long)missing);
    put_head(&l, GW_WARNING, "ddgate");
    put_quoted(&l, text);
    if (form == GW_LOG_JSON)
        room[l.n++] = '}';
    room[l.n++] = '\n';
    if (!gw_log_writer_put(room, l.n))
        return false;
    counts.lines[GW_WARNING]++;
    missing = 0;
    return true;
}

/* Under lock. */
static void emit(const char *text, size_t n, uint64_t lines)
{
    if (tell_missing() && gw_log_writer_put(text, n))
        return;
    missing += lines;
    counts.lost += lines;
}

static void emit_line(struct line *l)
{
    l->at[l->n++] = '\n';
    emit(l->at, l->n, 1);
}

/* Under lock. */
static void put_line(enum gw_level level, const char *component, const char *text, unsigned held)
{
    char room[LINE];
    struct line l = {room, 0, MESSAGE_END};
    counts.lines[level]++;
    put_head(&l, level, component);
    put_quoted(&l, text);
    if (held)
        l.n += (size_t)snprintf(room + l.n, 32, form == GW_LOG_JSON ? ",\"suppressed\":%u" : " suppressed=%u",
                                held);
    if (form == GW_LOG_JSON)
        room[l.n++] = '}';
    emit_line(&l);
}

/* Under lock: writes the last suppressed lines of sites whose second is over, or of all. Returns when the
 * next second is over. */
static gw_nsec put_held(gw_nsec now, bool all)
{
    gw_nsec next = GW_NEVER;
    for (struct held **at = &held_back; *at;) {
        gw_nsec due = (*at)->site->window + window;
        if (due > now && !all) {
            next = due < next ? due : next;
            at = &(*at)->next;
            continue;
        }
        struct held *h = take_held(at);
        put_line(h->level, h->component, h->text, h->site->suppressed - 1);
        h->site->suppressed = 0;
        h->site->window = now;
        h->site->in_window = 1;
        free(h);
    }
    return next;
}

/* A text that was cut ends between characters. */
static void end_whole(char text[static TEXT])
{
    size_t from = TEXT - 1;
    while (from > TEXT - 4 && ((unsigned char)text[from - 1] & 0xc0) == 0x80)
        from--;
    if (((unsigned char)text[from - 1] & 0xc0) == 0xc0 && !gw_utf8_valid(gw_str_z(text + from - 1)))
        text[from - 1] = '\0';
}

void gw_log_at(struct gw_log_site *site, enum gw_level level, const char *component, const char *fmt, ...)
{
    char text[TEXT];
    unsigned held = 0;
    va_list ap;
    if ((int)level < atomic_load_explicit(&least, memory_order_relaxed))
        return;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) >= TEXT)
        end_whole(text);
    va_end(ap);
    text[gw_scrub(text, strlen(text))] = '\0';
    gw_lock(&lock);
    if (may_speak(site, gw_now(), &held))
        put_line(level, component, text, held);
    else
        hold_back(site, level, component, text);
    gw_unlock(&lock);
}

void gw_log_object(enum gw_level level, const char *component, const char *message, const char *key,
                   const char *json)
{
    size_t size = LINE + 5 * strlen(json);
    char *room = form == GW_LOG_TEXT || (int)level < atomic_load_explicit(&least, memory_order_relaxed)
                     ? NULL
                     : malloc(size);
    if (!room)
        return;
    gw_lock(&lock);
    struct line l = {room, 0, size - 64};
    put_head(&l, level, component);
    put_quoted(&l, message);
    put(&l, form == GW_LOG_JSON ? ",\"" : " ");
    put(&l, key);
    put(&l, form == GW_LOG_JSON ? "\":" : "=");
    if (form == GW_LOG_JSON)
        l.n += gw_utf8_repair(gw_str_z(json), room + l.n);
    else
        put_quoted(&l, json);
    put(&l, form == GW_LOG_JSON ? "}" : "");
    emit_line(&l);
    gw_unlock(&lock);
    free(room);
}

void gw_log_text(const char *text, size_t n)
{
    uint64_t lines = 0;
    char *copy = n ? malloc(n) : NULL;
    if (!copy)
        return;
    memcpy(copy, text, n);
    n = gw_scrub(copy, n);
    for (size_t i = 0; i < n; i++)
        lines += copy[i] == '\n';
    gw_lock(&lock);
    emit(copy, n, lines);
    gw_unlock(&lock);
    free(copy);
}

/* --- its thread --- */

/* Everything is written: lines that were lost before can be reported. */
static gw_nsec on_idle(void)
{
    gw_lock(&lock);
    gw_nsec next = put_held(gw_now(), false);
    tell_missing();
    gw_unlock(&lock);
    return next;
}

bool gw_log_start(void)
{
    return gw_log_writer_start(on_idle);
}

void gw_log_stop(gw_nsec grace_period)
{
    gw_lock(&lock);
    put_held(gw_now(), true);
    gw_unlock(&lock);
    gw_log_writer_stop(grace_period);
}
