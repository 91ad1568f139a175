/* Handles records of a body in any format: counts each, truncates it if it is longer than max_record, and
 * passes it on. Called by the readers of the formats.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/log_http/http_log_formats.h"

#include "core/base/json.h"
#include "core/base/text.h"

void http_log_line(struct http_log_reader *r, struct log_input *in, gw_str text)
{
    r->records++;
    if (!r->take)
        return;
    in->form = LOG_TEXT;
    in->text = gw_str_n(text.ptr, gw_utf8_cut(text, r->body->max_record));
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

/* How many bytes the escape takes that begins at s: a pair of \u that means one character is one. */
static size_t json_escape(gw_str s)
{
    bool pair = s.len >= 12 && gw_lower(s.ptr[2]) == 'd' && gw_char_in(s.ptr[3], "89abAB") &&
                s.ptr[6] == '\\' && s.ptr[7] == 'u';
    if (s.len < 2 || s.ptr[1] != 'u')
        return 2;
    return pair ? 12 : 6;
}

/* Returns the number of bytes of the character at s. Invalid UTF-8 ends where the next character may begin,
 * so that it cannot hide an escape. */
static size_t json_character(gw_str s)
{
    uint8_t c = (uint8_t)s.ptr[0];
    size_t most = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4, n = 1;
    if (c == '\\')
        return json_escape(s);
    while (n < most && n < s.len && ((uint8_t)s.ptr[n] & 0xC0) == 0x80)
        n++;
    return n;
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
