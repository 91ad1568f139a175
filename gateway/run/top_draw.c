/* top_draw.c: Writes a page of `ddgate top` as lines that fit a number of columns and rows, and sorts its clients. Owns
 * nothing; the buffer is the caller's. Called by top.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/top_draw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

/* --- lines; one line of text has a limit of columns, and a page one of rows --- */

struct pen {
    struct out *out;
    const struct top_view *view;
    size_t column;
    unsigned row;
};

static bool has_room_for(const struct pen *p, unsigned lines)
{
    unsigned last = p->view->keys ? 1 : 0; /* the line of keys */
    return !p->view->rows || p->row + lines + last < p->view->rows;
}

static bool has_room(const struct pen *p)
{
    return has_room_for(p, 1);
}

static void end_line(struct pen *p)
{
    while (!p->view->color && p->out->len && p->out->data[p->out->len - 1] == ' ')
        p->out->len--;
    out_char(p->out, '\n');
    p->column = 0;
    p->row++;
}

static void color(struct pen *p, const char *code)
{
    if (p->view->color)
        out_printf(p->out, "\x1b[%sm", code);
}

/* At most so many columns, then blanks up to them; behind it one more. */
static void put(struct pen *p, gw_str s, size_t columns, bool right)
{
    size_t left = p->column < p->view->columns ? p->view->columns - p->column : 0;
    size_t room = columns < left ? columns : left, width = out_columns(s);
    size_t pad = width < room ? room - width : 0;
    for (size_t i = 0; right && i < pad; i++)
        out_char(p->out, ' ');
    out_shown(p->out, s, room);
    for (size_t i = 0; !right && i < pad; i++)
        out_char(p->out, ' ');
    p->column += room;
    if (p->column < p->view->columns) {
        out_char(p->out, ' ');
        p->column++;
    }
}

static void put_z(struct pen *p, const char *z, size_t columns, bool right)
{
    put(p, gw_str_z(z), columns, right);
}

/* The rest of the line. */
static void put_rest(struct pen *p, gw_str s)
{
    put(p, s, p->view->columns, false);
}

/* --- numbers --- */

enum { NUMBER = 32 };

static const char *show_count(char *out, double n)
{
    static const char units[] = " kMGT";
    int unit = 0;
    for (; n >= 100000 && unit < 4; unit++)
        n /= 1000;
    snprintf(out, NUMBER, n < 100 && n != (double)(long)n ? "%.1f%.*s" : "%.0f%.*s", n, unit > 0,
             &units[unit]);
    return out;
}

static const char *show_bytes(char *out, double n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; n >= 1024 && unit < 4; unit++)
        n /= 1024;
    snprintf(out, NUMBER, unit && n < 100 ? "%.1f %s" : "%.0f %s", n, units[unit]);
    return out;
}

static const char *show_seconds(char *out, double s)
{
    if (s < 0.001)
        snprintf(out, NUMBER, "%.0f us", s * 1e6);
    else if (s < 1)
        snprintf(out, NUMBER, "%.0f ms", s * 1e3);
    else if (s < 100)
        snprintf(out, NUMBER, "%.1f s", s);
    else if (s < 6000)
        snprintf(out, NUMBER, "%.0f min", s / 60);
    else if (s < 172800)
        snprintf(out, NUMBER, "%.0f h", s / 3600);
    else
        snprintf(out, NUMBER, "%.0f d", s / 86400);
    return out;
}

/* --- the parts --- */

enum { PART = 3 /* lines of the least: a blank one, the title, a row */ };

/* Seconds between two pages; 0: there is nothing to compare with, or the ddgate was started in between. */
static double between(const struct top_page *p, const struct top_page *before)
{
    if (!before || before->started != p->started || p->time <= before->time)
        return 0;
    return (double)(p->time - before->time) / (double)GW_SEC;
}

static void draw_head(struct pen *p, const struct top_page *page, const struct top_page *before)
{
    char used[NUMBER], limit[NUMBER], came[NUMBER], up[NUMBER], line[256];
    double seconds = between(page, before);
    double bytes = (double)(seconds ? page->bytes_received - before->bytes_received : page->bytes_received);
    snprintf(line, sizeof line, "up %s, memory %s of %s, received %s%s",
             show_seconds(up, (double)(page->time - page->started) / (double)GW_SEC),
             show_bytes(used, (double)page->memory_used), show_bytes(limit, (double)page->memory_limit),
             show_bytes(came, seconds ? bytes / seconds : bytes), seconds ? "/s" : "");
    color(p, "1");
    put_z(p, "ddgate", 6, false);
    put_z(p, p->view->where, out_columns(gw_str_z(p->view->where)), false);
    color(p, "0");
    put_rest(p, gw_str_z(line));
    end_line(p);
    if (!p->view->trouble)
        return;
    color(p, "31");
    put_rest(p, gw_str_z(p->view->trouble));
    color(p, "0");
    end_line(p);
}

static void title(struct pen *p, const char *const *names, const int *widths, size_t n)
{
    color(p, "7");
    for (size_t i = 0; i < n; i++)
        put_z(p, names[i], (size_t)abs(widths[i]), widths[i] < 0);
    color(p, "0");
    end_line(p);
}

static void put_amount(struct pen *p, uint64_t now, uint64_t before, double seconds)
{
    char text[NUMBER];
    put_z(p, show_count(text, seconds ? (double)(now - before) / seconds : (double)now), 10, true);
}

static void draw_signals(struct pen *p, const struct top_page *page, const struct top_page *before)
{
    static const char *const rates[] = {"SIGNAL",    "RECEIVED/S", "ACCEPTED/S", "REFUSED/S",
                                        "DROPPED/S", "TOTAL",      "MOSTLY"},
                             *const totals[] = {"SIGNAL",  "RECEIVED", "ACCEPTED", "REFUSED",
                                                "DROPPED", "TOTAL",    "MOSTLY"};
    static const int widths[] = {10, -10, -10, -10, -10, -10, 20};
    double seconds = between(page, before);
    char text[NUMBER], reason[96];
    if (!has_room_for(p, PART))
        return;
    end_line(p);
    title(p, seconds ? rates : totals, widths, 7);
    for (int i = 0; i < GW_SIGNALS; i++) {
        const struct top_signal *s = &page->signals[i], *old = seconds ? &before->signals[i] : s;
        if (!s->received || !has_room(p))
            continue;
        put_z(p, gw_signal_name((enum gw_signal)i), 10, false);
        put_amount(p, s->received, old->received, seconds);
        put_amount(p, s->accepted, old->accepted, seconds);
        put_amount(p, s->refused, old->refused, seconds);
        put_amount(p, s->dropped, old->dropped, seconds);
        put_z(p, show_count(text, (double)s->received), 10, true);
        snprintf(reason, sizeof reason, "%.*s %s", GW_FMT(s->worst), show_count(text, (double)s->worst_n));
        put_z(p, s->worst_n ? reason : "", 40, false);
        end_line(p);
    }
}

static const char *color_of(gw_str state)
{
    return gw_str_eq(state, GW_STR("ok")) ? "32" : gw_str_eq(state, GW_STR("down")) ? "31" : "33";
}

static void put_latency(struct pen *p, const struct top_exporter *x)
{
    char text[NUMBER];
    put_z(p, x->has_latency ? show_seconds(text, x->p50 / 1e9) : "-", 7, true);
    put_z(p, x->has_latency ? show_seconds(text, x->p99 / 1e9) : "-", 7, true);
}

static void draw_exporter(struct pen *p, const struct top_exporter *x)
{
    char text[NUMBER], used[NUMBER], limit[NUMBER], queue[2 * NUMBER + 4];
    put(p, x->name, 18, false);
    color(p, color_of(x->state));
    put(p, x->state, 8, false);
    color(p, "0");
    put_z(p, show_count(text, x->per_second), 8, true);
    put_z(p, show_count(text, (double)x->items), 8, true);
    snprintf(queue, sizeof queue, "%s/%s", show_bytes(used, (double)x->bytes),
             show_bytes(limit, (double)x->limit_bytes));
    put_z(p, queue, 17, true);
    put_z(p, x->has_disk ? show_bytes(text, (double)x->disk_bytes) : "-", 9, true);
    put_z(p, x->items ? show_seconds(text, x->oldest) : "-", 7, true);
    put_z(p, !x->items ? "-" : x->empties ? show_seconds(text, x->empty_in) : "never", 8, true);
    put_latency(p, x);
    end_line(p);
    if (gw_str_eq(x->state, GW_STR("ok")) || !x->error.len || !has_room(p))
        return;
    color(p, color_of(x->state));
    put_z(p, "", 1, false);
    put_rest(p, x->error);
    color(p, "0");
    end_line(p);
}

static void draw_exporters(struct pen *p, const struct top_page *page)
{
    static const char *const names[] = {"EXPORTER", "STATE",  "SENT/S",   "ITEMS", "QUEUE",
                                        "DISK",     "OLDEST", "EMPTY IN", "P50",   "P99"};
    static const int widths[] = {18, 8, -8, -8, -17, -9, -7, -8, -7, -7};
    if (!has_room_for(p, PART))
        return;
    end_line(p);
    title(p, names, widths, sizeof widths / sizeof *widths);
    for (size_t i = 0; i < page->exporters_n && has_room(p); i++)
        draw_exporter(p, &page->exporters[i]);
}

static void draw_client(struct pen *p, const struct top_client *c, const struct top_page *page)
{
    char text[NUMBER], tracer[160], warnings[32] = "";
    double age = page->time > c->last_seen ? (double)(page->time - c->last_seen) / (double)GW_SEC : 0;
    snprintf(tracer, sizeof tracer, "%.*s %.*s", GW_FMT(c->language), GW_FMT(c->version));
    if (c->warnings_n)
        snprintf(warnings, sizeof warnings, "! %zu", c->warnings_n);
    put(p, c->service.len ? c->service : GW_STR("-"), 24, false);
    put(p, c->env, 10, false);
    put_z(p, tracer, 18, false);
    put(p, c->host.len ? c->host : c->container, 18, false);
    put(p, c->protocol, 13, false);
    put_z(p, show_count(text, c->rate), 8, true);
    put_z(p, show_count(text, (double)c->spans), 8, true);
    put_z(p, show_seconds(text, age), 7, true);
    color(p, "33");
    put_z(p, warnings, 4, false);
    color(p, "0");
    end_line(p);
}

/* Each once, with the first client that it is of. */
static void draw_warnings(struct pen *p, const struct top_page *page)
{
    gw_str told[16];
    size_t n = 0;
    for (size_t i = 0; i < page->clients_n; i++)
        for (size_t k = 0; k < page->clients[i].warnings_n && has_room(p); k++) {
            const struct top_warning *w = &page->clients[i].warnings[k];
            size_t at = 0;
            while (at < n && !gw_str_eq(told[at], w->text))
                at++;
            if (at < n || n == sizeof told / sizeof *told)
                continue;
            told[n++] = w->text;
            color(p, "33");
            put_z(p, "!", 1, false);
            put(p, page->clients[i].service, 24, false);
            color(p, "0");
            put_rest(p, w->text);
            end_line(p);
        }
}

static void draw_clients(struct pen *p, const struct top_page *page)
{
    static const char *const names[] = {"SERVICE", "ENV",   "TRACER", "HOST", "PROTOCOL",
                                        "SPANS/S", "SPANS", "SEEN",   ""};
    static const int widths[] = {24, 10, 18, 18, 13, -8, -8, -7, 4};
    char line[64];
    if (!has_room_for(p, PART))
        return;
    end_line(p);
    title(p, names, widths, sizeof widths / sizeof *widths);
    size_t i = 0;
    for (; i < page->clients_n && has_room(p); i++)
        draw_client(p, &page->clients[i], page);
    if (i < page->clients_n) {
        snprintf(line, sizeof line, "… %zu more", page->clients_n - i);
        put_rest(p, gw_str_z(line));
        end_line(p);
    } else if (!page->clients_n) {
        put_rest(p, GW_STR("nobody has sent anything yet"));
        end_line(p);
    } else {
        draw_warnings(p, page);
    }
}

static void draw_keys(struct pen *p)
{
    static const char *const orders[] = {"rate", "name", "last request", "host"};
    char line[128];
    snprintf(line, sizeof line, "sorted by %s; r rate  n name  l last request  h host  blank now  q leave",
             orders[p->view->order]);
    color(p, "2");
    put_rest(p, gw_str_z(line));
    color(p, "0");
    end_line(p);
}

void top_draw(struct out *out, const struct top_view *view, const struct top_page *page,
              const struct top_page *before)
{
    struct pen p = {.out = out, .view = view};
    draw_head(&p, page, before);
    draw_signals(&p, page, before);
    draw_exporters(&p, page);
    draw_clients(&p, page);
    if (view->keys)
        draw_keys(&p);
}

/* --- the order --- */

static int by_text(gw_str a, gw_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    const struct top_client *x = a, *y = b;
    int c = by_text(x->service, y->service);
    return c ? c : by_text(x->language, y->language);
}

static int by_host(const void *a, const void *b)
{
    const struct top_client *x = a, *y = b;
    int c = by_text(x->host, y->host);
    return c ? c : by_name(a, b);
}

static int by_last(const void *a, const void *b)
{
    const struct top_client *x = a, *y = b;
    int c = (x->last_seen < y->last_seen) - (x->last_seen > y->last_seen);
    return c ? c : by_name(a, b);
}

static int by_rate(const void *a, const void *b)
{
    const struct top_client *x = a, *y = b;
    int c = (x->rate < y->rate) - (x->rate > y->rate);
    return c ? c : by_name(a, b);
}

void top_sort(struct top_page *p, enum top_order order)
{
    static int (*const orders[])(const void *, const void *) = {by_rate, by_name, by_last, by_host};
    qsort(p->clients, p->clients_n, sizeof *p->clients, orders[order]);
}
