/* profile_upload.c: Reads the parts of an upload, its event or the fields of older profilers. Owns nothing beyond the
 * arena's memory. Called by ddtrace_profiles.c on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/profile_upload.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "translators/profiles/multipart.h"
#include "translators/profiles/profile_file.h"
#include "translators/text/civil.h"

/* --- times --- */

static bool digits(gw_str *s, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (!gw_digit_at(*s, i))
            return false;
        *out = *out * 10 + (s->ptr[i] - '0');
    }
    *s = gw_str_from(*s, n);
    return true;
}

static bool sign(gw_str *s, const char *set)
{
    bool is = s->len && gw_char_in(s->ptr[0], set);
    if (is)
        *s = gw_str_from(*s, 1);
    return is;
}

static int64_t fraction(gw_str *s)
{
    int64_t ns = 0, unit = GW_SEC / 10;
    if (!sign(s, ".,"))
        return 0;
    for (; gw_digit_at(*s, 0); unit /= 10, *s = gw_str_from(*s, 1))
        ns += (s->ptr[0] - '0') * unit;
    return ns;
}

/* Reads "2026-11-29T22:19:03.123456789Z", or a time with an offset; returns 0 for any other text. */
static int64_t parse_time(gw_str s)
{
    int year, month, day, hour, minute, second, off_hour = 0, off_minute = 0;
    if (!digits(&s, 4, &year) || !sign(&s, "-") || !digits(&s, 2, &month) || !sign(&s, "-") ||
        !digits(&s, 2, &day) || !sign(&s, "Tt ") || !digits(&s, 2, &hour) || !sign(&s, ":") ||
        !digits(&s, 2, &minute) || !sign(&s, ":") || !digits(&s, 2, &second))
        return 0;
    if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
        day > civil_month_days(year, month) || hour > 23 || minute > 59 || second > 60)
        return 0;
    int64_t ns = fraction(&s);
    bool west = s.len && s.ptr[0] == '-';
    if (sign(&s, "+-") && (!digits(&s, 2, &off_hour) || (sign(&s, ":"), !digits(&s, 2, &off_minute)) ||
                           off_hour > 23 || off_minute > 59))
        return 0;
    int64_t offset = ((int64_t)off_hour * 60 + off_minute) * 60;
    int64_t seconds =
        civil_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second + (west ? offset : -offset);
    return seconds < 0 ? 0 : seconds * GW_SEC + ns;
}

/* --- tags --- */

struct reading {
    struct profile_upload *u;
    struct gw_arena *arena;
    size_t tags_room, files_room;
};

/* Appends to a list in the arena that doubles as it grows. NULL: no memory. */
static void *one_more(struct gw_arena *arena, void *list, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return list;
    size_t more = *room ? 2 * *room : 16;
    char *grown = gw_arena_array(arena, more, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, list, n * size);
    *room = more;
    return grown;
}

static void know(struct profile_upload *u, gw_str key, gw_str value)
{
    const struct {
        gw_str key;
        gw_str *to;
    } known[] = {
        {GW_LIT("service"), &u->service},
        {GW_LIT("env"), &u->env},
        {GW_LIT("version"), &u->version},
        {GW_LIT("language"), &u->language},
        {GW_LIT("host"), &u->host},
        {GW_LIT("runtime-id"), &u->runtime_id},
        {GW_LIT("runtime_id"), &u->runtime_id},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(key, known[i].key) && !known[i].to->len)
            *known[i].to = value;
}

static bool add_tag(struct reading *r, gw_str tag)
{
    struct profile_upload *u = r->u;
    tag = gw_str_trim(tag);
    size_t colon = gw_str_find(tag, ':');
    if (!tag.len)
        return true;
    gw_str *tags = one_more(r->arena, u->tags, u->tags_n, &r->tags_room, sizeof *tags);
    if (!tags)
        return false;
    u->tags = tags;
    u->tags[u->tags_n++] = tag;
    know(u, gw_str_n(tag.ptr, colon), gw_str_from(tag, colon + 1));
    return true;
}

static bool add_tags(struct reading *r, gw_str list)
{
    for (gw_str tag; gw_str_next(&list, ',', &tag);)
        if (!add_tag(r, tag))
            return false;
    return true;
}

/* --- the event --- */

static bool event_text(struct gw_json *j, gw_str *out)
{
    return gw_json_kind(j) == GW_JSON_STRING ? gw_json_text(j, out) : gw_json_skip(j) && false;
}

/* Go writes a text, some profilers a list. */
static bool read_tags(struct reading *r, struct gw_json *j)
{
    gw_str text;
    if (gw_json_kind(j) != GW_JSON_ARRAY)
        return !event_text(j, &text) || add_tags(r, text);
    (void)gw_json_array(j);
    while (gw_json_item(j))
        if (event_text(j, &text) && !add_tag(r, text))
            return false;
    return true;
}

static enum gw_code read_event(struct reading *r, gw_str text, struct gw_err *err)
{
    struct profile_upload *u = r->u;
    struct gw_json j;
    gw_str key, value;
    gw_json_init(&j, text, r->arena);
    if (gw_json_kind(&j) != GW_JSON_OBJECT)
        return gw_fail(err, GW_BAD_PROFILE, 0, "its event is no JSON object");
    (void)gw_json_object(&j);
    while (gw_json_member(&j, &key)) {
        if (gw_str_eq(key, GW_STR("tags_profiler"))) {
            if (!read_tags(r, &j))
                return gw_fail(err, GW_BUDGET, 0, "the tags of a profile");
        } else if (!event_text(&j, &value)) {
            continue;
        } else if (gw_str_eq(key, GW_STR("start"))) {
            u->start = parse_time(value);
        } else if (gw_str_eq(key, GW_STR("end"))) {
            u->end = parse_time(value);
        } else if (gw_str_eq(key, GW_STR("family"))) {
            u->language = value;
        }
    }
    u->event = text;
    return gw_json_end(&j) ? GW_OK : gw_json_fail(&j, err);
}

/* --- parts --- */

/* "cpu.pprof" of data[cpu.pprof] */
static bool in_brackets(gw_str name, gw_str *out)
{
    gw_str prefix = GW_STR("data[");
    if (!gw_str_starts(name, prefix) || !gw_str_ends(name, GW_STR("]")))
        return false;
    *out = gw_str_n(name.ptr + prefix.len, name.len - prefix.len - 1);
    return true;
}

static enum profile_file_kind kind_of(gw_str name)
{
    static const gw_str packed[] = {GW_LIT(".gz"), GW_LIT(".zst"), GW_LIT(".lz4")};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (gw_str_ends(name, packed[i]))
            name.len -= packed[i].len;
    return gw_str_ends(name, GW_STR(".pprof")) ? PROFILE_FILE_PPROF
           : gw_str_ends(name, GW_STR(".jfr")) ? PROFILE_FILE_JFR
                                               : PROFILE_FILE_OTHER;
}

static bool add_file(struct reading *r, const struct multipart_part *p)
{
    struct profile_upload *u = r->u;
    gw_str name = p->filename, inner;
    bool numbered = false;
    if (in_brackets(p->name, &inner)) {
        uint64_t number;
        numbered = gw_str_u64(inner, &number);
        name = numbered && p->filename.len ? p->filename : inner;
    }
    struct profile_file *files = one_more(r->arena, u->files, u->files_n, &r->files_room, sizeof *files);
    if (!files)
        return false;
    u->files = files;
    struct profile_file *f = &u->files[u->files_n++];
    *f = (struct profile_file){.name = name.len ? name : p->name, .body = p->body, .kind = kind_of(name)};
    if (!f->kind)
        f->kind = kind_of(p->name);
    if (!f->kind && profile_is_jfr(p->body))
        f->kind = PROFILE_FILE_JFR;
    if (!f->kind && numbered)
        f->kind = PROFILE_FILE_PPROF;
    return true;
}

/* A field of versions 2 and 3. */
static bool read_field(struct reading *r, const struct multipart_part *p)
{
    struct profile_upload *u = r->u;
    gw_str name = p->name, value = p->body;
    if (gw_str_eq(name, GW_STR("tags[]")))
        return add_tag(r, value);
    if (gw_str_eq(name, GW_STR("tags")) || gw_str_eq(name, GW_STR("tags_profiler")))
        return add_tags(r, value);
    if (gw_str_eq(name, GW_STR("start")) || gw_str_eq(name, GW_STR("recording-start")))
        u->start = parse_time(value);
    else if (gw_str_eq(name, GW_STR("end")) || gw_str_eq(name, GW_STR("recording-end")))
        u->end = parse_time(value);
    else if (gw_str_eq(name, GW_STR("family")) || gw_str_eq(name, GW_STR("language")) ||
             (gw_str_eq(name, GW_STR("runtime")) && !u->language.len))
        u->language = value;
    return true;
}

static enum gw_code read_part(struct reading *r, const struct multipart_part *p, struct gw_err *err)
{
    gw_str ignored;
    bool is_event = gw_str_eq(p->name, GW_STR("event")) ||
                    (gw_str_eq(p->filename, GW_STR("event.json")) && !r->u->event.len);
    if (is_event)
        return read_event(r, p->body, err);
    bool taken = p->is_file || in_brackets(p->name, &ignored) ? add_file(r, p) : read_field(r, p);
    return taken ? GW_OK : gw_fail(err, GW_BUDGET, 0, "the parts of a profile");
}

static enum gw_code read_parts(struct reading *r, gw_str content_type, gw_str body, struct gw_err *err)
{
    struct multipart m;
    struct multipart_part p;
    enum gw_code code = multipart_begin(&m, content_type, body, err);
    while (!code && !m.over) {
        code = multipart_next(&m, &p, err);
        if (code)
            break;
        code = read_part(r, &p, err);
        if (code && code != GW_BUDGET && err) /* the place in the body, not in the part */
            err->pos += p.body.len ? (size_t)(p.body.ptr - body.ptr) : 0;
    }
    return code;
}

enum gw_code profile_upload_read(gw_str content_type, gw_str body, struct gw_arena *arena,
                                 struct profile_upload *out, struct gw_err *err)
{
    struct reading r = {.u = out, .arena = arena};
    *out = (struct profile_upload){.service = GW_NOSTR};
    enum gw_code code = read_parts(&r, content_type, body, err);
    if (code)
        return code;
    if (!out->files_n)
        return gw_fail(err, GW_BAD_PROFILE, 0, "it has no file");
    if (!out->event.len && !out->start && !out->end)
        return gw_fail(err, GW_BAD_PROFILE, 0, "it has neither an event nor a time");
    return GW_OK;
}
