/* The body formats that are read here: JSON, lines, and what a log router sends (firelens). Heroku's logplex
 * and points have files of their own. Each format finds the records, and http_log_records.c passes them on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/log_http/http_log_formats.h"

#include "core/base/json.h"
#include "core/base/text.h"

/* --- JSON --- */

static bool is_empty_object(gw_str object)
{
    for (size_t i = 1; i + 1 < object.len; i++)
        if (!gw_char_in(object.ptr[i], " \t\r\n"))
            return false;
    return true;
}

static bool read_object(struct http_log_reader *r, struct gw_json *j)
{
    struct log_input in = *r->body->like;
    gw_str object;
    if (!gw_json_raw(j, &object))
        return false;
    return is_empty_object(object) || http_log_item(r, &in, object) ||
           gw_json_bad(j, "the request's memory budget is spent");
}

static bool read_text(struct http_log_reader *r, struct gw_json *j)
{
    struct log_input in = *r->body->like;
    gw_str text;
    if (r->take ? !gw_json_text(j, &text) : !gw_json_raw(j, &text))
        return false;
    if (text.len > (r->take ? 0 : 2)) /* the quotes */
        http_log_line(r, &in, text);
    return true;
}

static bool read_element(struct http_log_reader *r, struct gw_json *j)
{
    switch (gw_json_kind(j)) {
    case GW_JSON_OBJECT:
        return read_object(r, j);
    case GW_JSON_STRING:
        return read_text(r, j);
    default:
        return gw_json_bad(j, "want an object or a text");
    }
}

static void read_value(struct http_log_reader *r, struct gw_json *j)
{
    struct gw_snap snap = gw_arena_snap(r->body->arena);
    if (gw_json_kind(j) != GW_JSON_ARRAY) {
        read_element(r, j);
    } else if (gw_json_array(j)) {
        while (gw_json_item(j) && read_element(r, j))
            gw_arena_back(r->body->arena, snap);
    }
    gw_arena_back(r->body->arena, snap);
}

static enum gw_code read_json(struct http_log_reader *r)
{
    struct gw_json j;
    gw_json_init(&j, r->body->text, r->body->arena);
    while (gw_json_kind(&j) != GW_JSON_NONE)
        read_value(r, &j);
    if (gw_json_end(&j))
        return GW_OK;
    r->records++;
    return gw_json_fail(&j, r->err);
}

/* --- lines --- */

static enum gw_code read_lines(struct http_log_reader *r)
{
    gw_str rest = r->body->text, text;
    struct log_input in = *r->body->like;
    while (gw_str_next(&rest, '\n', &text)) {
        text.len -= text.len && text.ptr[text.len - 1] == '\r';
        if (text.len)
            http_log_line(r, &in, text);
    }
    return GW_OK;
}

/* --- firelens --- */

/* Seconds since 1970, with a fraction, as nanoseconds; digit by digit, as a double has only 16 of them. */
static bool seconds_ns(const struct gw_json_number *n, uint64_t *out)
{
    gw_str whole = n->text, fraction;
    uint64_t seconds, ns = 0;
    whole.len = gw_str_find(n->text, '.');
    fraction = gw_str_from(n->text, whole.len + 1);
    if (!gw_str_u64(whole, &seconds) || seconds > UINT64_MAX / 1000000000 - 1)
        return false;
    for (size_t i = 0; i < 9; i++) {
        if (i < fraction.len && (fraction.ptr[i] < '0' || fraction.ptr[i] > '9'))
            return false; /* an exponent */
        ns = ns * 10 + (i < fraction.len ? (uint64_t)(fraction.ptr[i] - '0') : 0);
    }
    *out = seconds * 1000000000 + ns;
    return true;
}

/* Returns Datakit's names for the fields of a log router: the text is `message`, and `source` is the stream
 * of the container. */
static gw_str name_of(gw_str key)
{
    if (gw_str_eq(key, GW_STR("log")))
        return GW_STR("message");
    return gw_str_eq(key, GW_STR("source")) ? GW_STR("firelens_source") : key;
}

static bool is_date(struct gw_json *j, gw_str key, uint64_t *time)
{
    struct gw_json at = *j;
    struct gw_json_number n;
    if (!gw_str_eq(key, GW_STR("date")) || gw_json_kind(j) != GW_JSON_NUMBER)
        return false;
    return gw_json_number(&at, &n) && seconds_ns(&n, time);
}

/* The object by Datakit's names, its date in `time`. */
static bool rewrite(struct gw_json *j, struct gw_text *out, uint64_t *time)
{
    gw_str key, value;
    gw_text_put_char(out, '{');
    if (!gw_json_object(j))
        return false;
    while (gw_json_member(j, &key)) {
        bool date = is_date(j, key, time);
        if (!gw_json_raw(j, &value))
            return false;
        if (date)
            continue;
        if (out->len > 1)
            gw_text_put_char(out, ',');
        gw_text_put_json(out, name_of(key));
        gw_text_put_char(out, ':');
        gw_text_put_str(out, value);
    }
    gw_text_put_char(out, '}');
    return !j->why;
}

static enum gw_code read_firelens_objects(struct http_log_reader *r)
{
    struct gw_json j;
    struct gw_snap snap = gw_arena_snap(r->body->arena);
    gw_json_init(&j, r->body->text, r->body->arena);
    for (gw_json_array(&j); gw_json_item(&j); gw_arena_back(r->body->arena, snap)) {
        struct gw_text text = {.arena = r->body->arena};
        struct log_input in = *r->body->like;
        if (!rewrite(&j, &text, &in.time))
            break;
        if (r->body->arena->spent || !http_log_item(r, &in, gw_text_result(&text)))
            return gw_fail(r->err, GW_BUDGET, (size_t)(j.at - j.begin), "a record is too large");
    }
    return gw_json_end(&j) ? GW_OK : GW_BAD_JSON;
}

/* A body that is not an array of objects is one record. */
static enum gw_code read_firelens(struct http_log_reader *r)
{
    struct http_log_reader look = {.body = r->body, .err = r->err};
    struct log_input in = *r->body->like;
    enum gw_code code = read_firelens_objects(&look);
    if (code == GW_OK)
        return read_firelens_objects(r);
    if (code == GW_BAD_JSON && r->body->text.len)
        http_log_line(r, &in, r->body->text);
    return code == GW_BAD_JSON ? GW_OK : code;
}

/* --- any --- */

/* Without UTF-8's byte order mark; never a null pointer, which one may not reckon with. */
static gw_str plain_text(gw_str s)
{
    if (s.len >= 3 && gw_str_starts(s, GW_STR("\xEF\xBB\xBF")))
        return gw_str_n(s.ptr + 3, s.len - 3);
    return s.ptr ? s : GW_STR("");
}

enum gw_code http_log_read(const struct http_log *body, http_log_f *take, void *to, uint64_t *records,
                           struct gw_err *err)
{
    static enum gw_code (*const forms[])(struct http_log_reader *) = {
        [HTTP_LOG_JSON] = read_json,
        [HTTP_LOG_LINES] = read_lines,
        [HTTP_LOG_LOGPLEX] = log_logplex_read,
        [HTTP_LOG_FIRELENS] = read_firelens,
        [HTTP_LOG_LINE_PROTOCOL] = http_log_points_read,
        [HTTP_LOG_POINTS_JSON] = http_log_points_read};
    struct http_log plain = *body;
    struct http_log_reader r = {.body = &plain, .take = take, .to = to, .err = err};
    struct gw_snap snap = gw_arena_snap(body->arena);
    plain.text = plain_text(body->text);
    enum gw_code code = forms[body->form](&r);
    gw_arena_back(body->arena, snap);
    *records = r.records;
    return code;
}
