/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PER_WINDOW = 5, LINE = 2048, TEXT = 1024, MESSAGE_END = LINE - 64 };
static const gw_nsec window = GW_SEC;

static atomic_int least = GW_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over call sites, counts and the order of lines */
static struct gw_log_counts counts;

void gw_log_level(enum gw_level level)
{
    atomic_store_explicit(&least, level, memory_order_relaxed);
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
    return true;
}

struct gw_log_counts gw_log_counts(void)
{
    pthread_mutex_lock(&lock);
    struct gw_log_counts now = counts;
    pthread_mutex_unlock(&lock);
    return now;
}

static size_t put_head(char *line, enum gw_level level, const char *component)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    gw_nsec wall = gw_wall();
    time_t seconds = (time_t)(wall / GW_SEC);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(line, LINE, "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, 256, ".%03dZ %s %.200s ", (int)(wall % GW_SEC / GW_MSEC), names[level], component);
    return n;
}

/* In quotes; nothing in it can end the line or the quotes. Bytes of UTF-8 pass, control characters do not. */
static size_t put_quoted(char *line, size_t n, const char *text)
{
    line[n++] = '"';
    for (const unsigned char *c = (const unsigned char *)text; *c && n < MESSAGE_END; c++) {
        if (*c == '"' || *c == '\\')
            line[n++] = '\\', line[n++] = (char)*c;
        else if (*c == '\n')
            line[n++] = '\\', line[n++] = 'n';
        else if (*c < 0x20 || *c == 0x7f)
            n += (size_t)snprintf(line + n, 5, "\\x%02x", *c);
        else
            line[n++] = (char)*c;
    }
    line[n++] = '"';
    return n;
}

void gw_log_at(struct gw_log_site *site, enum gw_level level, const char *component, const char *fmt, ...)
{
    char text[TEXT], line[LINE];
    unsigned held = 0;
    va_list ap;
    if ((int)level < atomic_load_explicit(&least, memory_order_relaxed))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&lock);
    if (may_speak(site, gw_now(), &held)) {
        counts.lines[level]++;
        size_t n = put_quoted(line, put_head(line, level, component), text);
        if (held)
            n += (size_t)snprintf(line + n, 32, " suppressed=%u", held);
        line[n++] = '\n';
        /* A standard error that is closed or full loses the line: there is nobody to tell. */
        ssize_t written = write(STDERR_FILENO, line, n);
        (void)written;
    }
    pthread_mutex_unlock(&lock);
}
