/* The JSON cursor against json-c: what it takes json-c takes, with the same values; skipping and reading
 * agree. What the strict dialect takes the others take.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <json-c/json.h>
#include <stdlib.h>

#include "core/base/json.h"
#include "core/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void same_number(const struct gw_json_number *n, json_object *o)
{
    if (n->type == GW_JSON_INT)
        check(json_object_is_type(o, json_type_int) && json_object_get_int64(o) == n->i);
    else if (n->type == GW_JSON_UINT)
        check(json_object_is_type(o, json_type_int) && json_object_get_uint64(o) == n->u);
    /* json-c keeps integers beyond 64 bits at its bounds */
    else if (json_object_is_type(o, json_type_double))
        check(json_object_get_double(o) == n->d || n->d != n->d);
}

/* json-c 0.16 to 0.18 takes a code point beyond 16 bits whose low 16 bits look like a surrogate (U+1D800 to
 * U+1DFFF, U+2D800…) for one, and loses it (json-c pull request 893). Such a text cannot be compared. */
static bool misleads_json_c(gw_str text)
{
    while (text.len) {
        uint32_t rune = gw_utf8_next(&text);
        if (rune > 0xFFFF && (rune & 0xF800) == 0xD800)
            return true;
    }
    return false;
}

static void same_text(gw_str text, json_object *o)
{
    gw_str other = gw_str_n(json_object_get_string(o), (size_t)json_object_get_string_len(o));
    check(json_object_is_type(o, json_type_string));
    check(gw_str_eq(text, other) || misleads_json_c(text));
}

/* Reads the next value beside json-c's; names that come twice are json-c's last. */
static void compare(struct gw_json *j, json_object *o)
{
    struct gw_json_number n;
    gw_str text;
    bool flag;
    size_t count = 0;
    switch (gw_json_kind(j)) {
    case GW_JSON_NULL:
        check(gw_json_null(j) && o == NULL);
        return;
    case GW_JSON_BOOL:
        check(gw_json_bool(j, &flag) && json_object_is_type(o, json_type_boolean) &&
              json_object_get_boolean(o) == flag);
        return;
    case GW_JSON_NUMBER:
        check(gw_json_number(j, &n));
        same_number(&n, o);
        return;
    case GW_JSON_STRING:
        check(gw_json_text(j, &text));
        same_text(text, o);
        return;
    case GW_JSON_ARRAY:
        for (gw_json_array(j); gw_json_item(j); count++)
            compare(j, json_object_array_get_idx(o, count));
        check(json_object_array_length(o) == count);
        return;
    case GW_JSON_OBJECT:
        for (gw_json_object(j); gw_json_member(j, &text);)
            check(gw_json_skip(j));
        check(json_object_is_type(o, json_type_object));
        return;
    case GW_JSON_NONE:
        check(false);
    }
}

static bool takes(gw_str text, enum gw_json_dialect dialect)
{
    struct gw_json j;
    gw_json_init(&j, text, NULL);
    j.dialect = dialect;
    return gw_json_skip(&j) && gw_json_end(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    struct gw_json j;
    gw_arena_init(&arena, 64 << 20);
    gw_json_init(&j, gw_str_n((const char *)data, size), &arena);
    gw_json_skip(&j);
    bool good = gw_json_end(&j);
    gw_str text = gw_str_n((const char *)data, size);
    check(!takes(text, GW_JSON_STRICT) || (good && takes(text, GW_JSON_LOOSE)));
    check(good || (j.bad >= j.begin && j.bad <= j.end && gw_json_fail(&j, NULL) == GW_BAD_JSON));
    if (good && !memchr(data, '\0', size)) {
        struct json_tokener *tokener = json_tokener_new_ex(GW_JSON_DEPTH + 1);
        json_object *o = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
        enum json_tokener_error error = json_tokener_get_error(tokener);
        if (error == json_tokener_continue) /* a number at the end may go on */
            o = json_tokener_parse_ex(tokener, "", -1);
        check(json_tokener_get_error(tokener) == json_tokener_success);
        gw_json_init(&j, gw_str_n((const char *)data, size), &arena);
        compare(&j, o);
        check(gw_json_end(&j));
        json_object_put(o);
        json_tokener_free(tokener);
    }
    gw_arena_fini(&arena);
    return 0;
}
