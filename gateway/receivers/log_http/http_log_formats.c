/* http_log_formats.c: Splits the body of a log request into records, by its format. Owns nothing: records
 * are views of the body. Called by the handlers of log_http, on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/log_http/http_log_formats.h"

#include "core/base/json.h"
#include "core/base/text.h"

/* The longest beginning of s with at most `most` bytes that ends between characters of UTF-8. */
static gw_str http_log_beginning(gw_str s, size_t most)
{
    size_t n = s.len < most ? s.len : most;
    for (int back = 0; n < s.len && n > 0 && back < 3 && ((uint8_t)s.ptr[n] & 0xC0) == 0x80; back++)
        n--;
    return gw_str_n(s.ptr, n);
}

void http_log_line(struct http_log_reader *r, struct log_input *in, gw_str text)
{
    r->records++;
    if (!r->take)
        return;
    in->form = LOG_TEXT;
    in->text = http_log_beginning(text, r->body->max_record);
    in->cut = text.len - in->text.len;
    r->take(r->to, in);
}

/* --- items that are too long --- */

/* The longest text among the members of an object, without its quotes. */
static gw_str longest_text(gw_str object, struct gw_arena *arena)
{
    struct gw_json j;
    gw_str key, value, best = GW_NOSTR;
    gw_json_init(&j, object, arena);
    if (gw_json_object(&j))
        while (gw_json_member(&j, &key)) {
            bool is_text = gw_json_kind(&j) == GW_JSON_STRING;
            if (gw_json_raw(&j, &value) && is_text && value.len - 2 > best.len)
                best = gw_str_n(value.ptr + 1, value.len - 2);
        }
    return best;
}

/* How many bytes the character takes that begins at s: an escape is one, and so is a pair of \u that means
 * one. */
static size_t json_character(gw_str s)
{
    bool high = s.len >= 12 && gw_str_starts(s, GW_STR("\\u")) && gw_lower(s.ptr[2]) == 'd' &&
                gw_char_in(s.ptr[3], "89abAB");
    if (s.ptr[0] == '\\')
        return s.len > 1 && s.ptr[1] == 'u' ? (high ? 12 : 6) : 2;
    uint8_t c = (uint8_t)s.ptr[0];
    return c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static size_t whole_characters(gw_str s, size_t most)
{
    size_t n = 0;
    while (n < s.len) {
        size_t next = n + json_character(gw_str_from(s, n));
        if (next > most)
            break;
        n = next;
    }
    return n < s.len ? n : s.len;
}

/* The object with its longest text cut so that it has max_record bytes; false where that text is too short
 * for it. */
static bool cut_item(struct http_log_reader *r, struct log_input *in, gw_str object)
{
    gw_str text = longest_text(object, r->body->arena);
    size_t over = object.len - r->body->max_record;
    if (text.len <= over)
        return false;
    size_t keep = whole_characters(text, text.len - over), head = (size_t)(text.ptr - object.ptr) + keep;
    gw_str tail = gw_str_from(object, (size_t)(text.ptr - object.ptr) + text.len);
    char *out = gw_arena_raw(r->body->arena, head + tail.len, 1);
    if (!out)
        return false;
    memcpy(out, object.ptr, head);
    memcpy(out + head, tail.ptr, tail.len);
    in->text = gw_str_n(out, head + tail.len);
    in->cut = text.len - keep;
    return true;
}

bool http_log_item(struct http_log_reader *r, struct log_input *in, gw_str object)
{
    in->form = LOG_ITEM;
    in->text = object;
    in->cut = 0;
    if (object.len > r->body->max_record && r->take && !cut_item(r, in, object)) {
        if (r->body->arena->spent)
            return false;
        http_log_line(r, in, object);
        return true;
    }
    r->records++;
    if (r->take)
        r->take(r->to, in);
    return true;
}

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

/* Datakit's names for what the log router sends: the text is `message`, and `source` is the stream of the
 * container. */
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

/* What is no array of objects is one record, as it is. */
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
    static enum gw_code (*const forms[])(struct http_log_reader *) = {[HTTP_LOG_JSON] = read_json,
                                                                      [HTTP_LOG_LINES] = read_lines,
                                                                      [HTTP_LOG_LOGPLEX] = log_logplex_read,
                                                                      [HTTP_LOG_FIRELENS] = read_firelens,
                                                                      [HTTP_LOG_LINE_PROTOCOL] =
                                                                          line_protocol_read};
    struct http_log plain = *body;
    struct http_log_reader r = {.body = &plain, .take = take, .to = to, .err = err};
    struct gw_snap snap = gw_arena_snap(body->arena);
    plain.text = plain_text(body->text);
    enum gw_code code = forms[body->form](&r);
    gw_arena_back(body->arena, snap);
    *records = r.records;
    return code;
}
