/* log_json.c: Reads a JSON log line, or an item of Datadog's logs intake, in one pass over the object:
 * reserved keys go to their places, all others become attributes with their type. If several keys have one
 * place, the better one wins, and the other becomes an attribute. The state lives for one record; attributes
 * go to the reader's log_attrs. Called by log_add.c, and by log_script.c for what a script leaves open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"
#include "translators/logs/log_found.h"
#include "translators/logs/log_keys.h"
#include "translators/logs/log_logfmt.h"
#include "translators/logs/log_severity.h"

enum { SEVERITY_ERROR = 17, LINES_DEEP = 4 /* lines within lines that are read */ };
enum { DEPTH = 24 /* of objects and arrays that stay structures; deeper ones are their text */, PATH = 64 };
/* Field numbers of AnyValue, KeyValueList, ArrayValue, KeyValue. */
enum { ANY_STRING = 1, ANY_ARRAY = 5, ANY_KVLIST = 6, VALUES = 1, KV_KEY = 1, KV_VALUE = 2 };

struct value {
    enum gw_json_kind kind;
    gw_str text; /* of a string; of a number its digits; of a container its JSON */
    struct gw_json_number number;
    bool b;
};

struct place {
    unsigned rank; /* 0: nothing is here */
    gw_str key;
    struct value value;
};

/* An attribute of the record that was found while a structure was being written. */
struct later {
    gw_str key;
    struct value value;
    struct later *next;
};

struct object {
    struct log_reader *r;
    struct log_found *found;
    struct gw_json j;
    struct place places[ROLE_RANKED];
    struct later *later;
    bool traced; /* a stack trace was there */
};

/* The path of objects in which no key has a place: those in arrays, those that lie too deep. */
static const gw_str nowhere = GW_LIT("?.");

static void read_members(struct object *o, gw_str path, unsigned field, unsigned depth);

/* --- attributes --- */

static bool take_value(struct gw_json *j, struct value *v)
{
    v->kind = gw_json_kind(j);
    switch (v->kind) {
    case GW_JSON_STRING:
        return gw_json_text(j, &v->text);
    case GW_JSON_NUMBER:
        if (!gw_json_number(j, &v->number))
            return false;
        v->text = v->number.text;
        return true;
    case GW_JSON_BOOL:
        return gw_json_bool(j, &v->b);
    case GW_JSON_NULL:
        return gw_json_null(j);
    default:
        return gw_json_raw(j, &v->text);
    }
}

/* More digits than a double holds. */
static bool is_long_integer(gw_str digits)
{
    size_t sign = digits.len && *digits.ptr == '-';
    if (digits.len - sign < 16)
        return false;
    for (size_t i = sign; i < digits.len; i++)
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
    return true;
}

static void write_any_number(struct otlp_buf *w, const struct gw_json_number *n)
{
    if (n->type == GW_JSON_INT)
        otlp_any_int(w, n->i);
    else if (is_long_integer(n->text))
        otlp_any_text(w, n->text); /* all digits stay */
    else
        otlp_any_double(w, n->type == GW_JSON_UINT ? (double)n->u : n->d);
}

static void write_any_array(struct object *o, unsigned depth);

/* Writes the AnyValue of the next value; its message is open. */
static void write_any_next(struct object *o, unsigned depth)
{
    struct otlp_buf *w = &o->r->attrs->w;
    enum gw_json_kind kind = gw_json_kind(&o->j);
    struct value v;
    if (kind == GW_JSON_ARRAY && depth < DEPTH) {
        write_any_array(o, depth + 1);
    } else if (kind == GW_JSON_OBJECT && depth < DEPTH) {
        size_t list = otlp_open(w, ANY_KVLIST, 2);
        read_members(o, nowhere, VALUES, depth + 1);
        otlp_close(w, list, 2);
    } else if (take_value(&o->j, &v)) {
        if (kind == GW_JSON_NUMBER)
            write_any_number(w, &v.number);
        else if (kind == GW_JSON_BOOL)
            otlp_any_bool(w, v.b);
        else if (kind != GW_JSON_NULL)
            otlp_any_text(w, v.text);
    }
}

static void write_any_array(struct object *o, unsigned depth)
{
    struct otlp_buf *w = &o->r->attrs->w;
    size_t array = otlp_open(w, ANY_ARRAY, 2);
    if (gw_json_array(&o->j))
        while (gw_json_item(&o->j)) {
            size_t value = otlp_open(w, VALUES, 1);
            write_any_next(o, depth);
            otlp_close(w, value, 1);
        }
    otlp_close(w, array, 2);
}

/* At the top of the record every key is claimed once; deeper objects stay as they were. */
static bool claim_key(struct object *o, unsigned field, gw_str key)
{
    return field != LOG_RECORD_ATTRIBUTES || log_attrs_claim(o->r->attrs, key);
}

static void attr_number(struct otlp_buf *w, unsigned field, gw_str key, const struct gw_json_number *n)
{
    if (n->type == GW_JSON_INT)
        otlp_attr_int(w, field, key, n->i);
    else if (is_long_integer(n->text))
        otlp_attr_text(w, field, key, n->text);
    else
        otlp_attr_double(w, field, key, n->type == GW_JSON_UINT ? (double)n->u : n->d);
}

static void write_value(struct object *o, unsigned field, gw_str key, const struct value *v)
{
    struct otlp_buf *w = &o->r->attrs->w;
    if (v->kind == GW_JSON_NUMBER)
        attr_number(w, field, key, &v->number);
    else if (v->kind == GW_JSON_BOOL)
        otlp_attr_bool(w, field, key, v->b);
    else
        otlp_attr_text(w, field, key, v->text);
}

static void attr_value(struct object *o, unsigned field, gw_str key, const struct value *v)
{
    if (v->kind != GW_JSON_NULL && v->kind != GW_JSON_NONE && claim_key(o, field, key))
        write_value(o, field, key, v);
}

/* An attribute of the record, whatever is being written: now at the top, else at the end. */
static void raise_value(struct object *o, unsigned field, gw_str key, const struct value *v)
{
    if (field == LOG_RECORD_ATTRIBUTES) {
        write_value(o, field, key, v);
        return;
    }
    struct later *l = gw_new(o->r->arena, struct later, 1);
    if (!l)
        return;
    *l = (struct later){key, *v, o->later};
    o->later = l;
}

/* A structure: members with a place of their own go there; nothing is written if nothing is left. */
static void attr_structure(struct object *o, gw_str path, unsigned field, gw_str key, unsigned depth)
{
    struct otlp_buf *w = &o->r->attrs->w;
    size_t value_mark, before = w->len;
    struct value skipped;
    bool taken = false;
    if (!claim_key(o, field, key)) {
        (void)!take_value(&o->j, &skipped);
        return;
    }
    size_t mark = otlp_attr_open(w, field, key, &value_mark);
    if (gw_json_kind(&o->j) == GW_JSON_ARRAY) {
        write_any_array(o, depth + 1);
    } else {
        size_t list = otlp_open(w, ANY_KVLIST, 2), empty = w->len;
        const char *from = o->j.at;
        read_members(o, path, VALUES, depth + 1);
        taken = w->len == empty && o->j.at - from > 2;
        otlp_close(w, list, 2);
    }
    otlp_attr_close(w, mark, value_mark);
    if (taken && !w->failed)
        w->len = before;
}

/* --- places --- */

static gw_str text_of_value(const struct value *v)
{
    return v->kind == GW_JSON_STRING || v->kind == GW_JSON_NUMBER ? v->text : GW_NOSTR;
}

static bool read_time(const struct object *o, const struct value *v, uint64_t *ns)
{
    if (v->kind == GW_JSON_STRING)
        return log_time_text(o->r->clock, v->text, o->r->now, ns);
    if (v->kind != GW_JSON_NUMBER)
        return false;
    const struct gw_json_number *n = &v->number;
    return log_time_number(v->text,
                           n->type == GW_JSON_INT    ? (double)n->i
                           : n->type == GW_JSON_UINT ? (double)n->u
                                                     : n->d,
                           ns);
}

/* The level, and its word: that of a number, too. */
static int read_severity(const struct object *o, const struct value *v, gw_str *word)
{
    int64_t n;
    *word = v->text;
    if (v->kind == GW_JSON_STRING && !gw_str_i64(v->text, &n))
        return log_severity_word(v->text);
    if (v->kind == GW_JSON_NUMBER && v->number.type == GW_JSON_INT)
        n = v->number.i;
    else if (v->kind != GW_JSON_STRING)
        return 0;
    return log_severity_number(n, o->r->python, word);
}

/* Numbers that loggers wrote as doubles: 1.6108321602917563e+19 */
static gw_str id_text(const struct value *v, char digits[24])
{
    if (v->kind != GW_JSON_NUMBER || v->number.type != GW_JSON_DOUBLE || is_long_integer(v->text))
        return text_of_value(v);
    double d = v->number.d;
    if (!(d >= 1) || d >= 18446744073709551616.0)
        return v->text;
    size_t at = 24;
    for (uint64_t n = (uint64_t)d; n; n /= 10)
        digits[--at] = (char)('0' + n % 10);
    return gw_str_n(digits + at, 24 - at);
}

/* False: the value does not fit the role, and stays an attribute. */
static bool place_value(struct object *o, enum log_role role, const struct value *v)
{
    struct log_found *f = o->found;
    int severity;
    gw_str text = text_of_value(v), word;
    switch (role) {
    case ROLE_TIME:
        return read_time(o, v, &f->time);
    case ROLE_SECOND:
    case ROLE_NANO:
        return v->kind == GW_JSON_NUMBER && v->number.type == GW_JSON_INT;
    case ROLE_STATUS:
        severity = read_severity(o, v, &word);
        if (!severity)
            return false;
        f->severity = severity;
        f->severity_text = word;
        return true;
    case ROLE_MESSAGE:
    case ROLE_LINE:
    case ROLE_TAGS:
        return v->kind == GW_JSON_STRING;
    default:
        return text.len > 0;
    }
}

/* An empty id (`0`) is ignored and does not block another one. */
static enum log_id place_id(struct object *o, enum log_role role, const struct value *v)
{
    char digits[24];
    struct log_trace trace;
    uint64_t span;
    gw_str text = id_text(v, digits);
    enum log_id is = v->kind == GW_JSON_NULL ? LOG_ID_NONE
                     : !text.ptr             ? LOG_ID_BAD
                     : role == ROLE_TRACE    ? log_trace_id(text, &trace)
                                             : log_span_id(text, &span);
    if (is == LOG_ID_GOOD && role == ROLE_TRACE)
        o->found->trace = trace;
    else if (is == LOG_ID_GOOD)
        o->found->span = span;
    return is;
}

static gw_str full_path(struct object *o, gw_str path, gw_str key)
{
    char *full = path.len ? gw_arena_raw(o->r->arena, path.len + key.len, 1) : NULL;
    if (!full)
        return key;
    memcpy(full, path.ptr, path.len);
    memcpy(full + path.len, key.ptr, key.len);
    return gw_str_n(full, path.len + key.len);
}

/* Decides which of two values gets the role's place; the other becomes an attribute. */
static void compete_for_place(struct object *o, gw_str path, unsigned field, struct log_key k, gw_str key,
                              const struct value *v)
{
    struct place *p = &o->places[k.role];
    bool is_id = k.role == ROLE_TRACE || k.role == ROLE_SPAN, better = !p->rank || k.rank < p->rank;
    enum log_id id = is_id && better ? place_id(o, k.role, v) : LOG_ID_BAD;
    if (id == LOG_ID_NONE)
        return;
    if (!better || !(is_id ? id == LOG_ID_GOOD : place_value(o, k.role, v))) {
        attr_value(o, field, key, v);
        return;
    }
    struct place old = *p;
    *p = (struct place){k.rank, full_path(o, path, key), *v};
    if (old.rank && log_attrs_claim(o->r->attrs, old.key))
        raise_value(o, field, old.key, &old.value);
}

static void put_caller(struct object *o, unsigned field, gw_str key, const struct value *v)
{
    struct value part = {.kind = GW_JSON_STRING};
    int64_t line;
    size_t colon = v->kind == GW_JSON_STRING ? v->text.len : 0;
    while (colon && v->text.ptr[colon - 1] != ':')
        colon--;
    if (colon < 2 || !gw_str_i64(gw_str_from(v->text, colon), &line) ||
        !log_attrs_claim(o->r->attrs, GW_STR("code.file.path"))) {
        attr_value(o, field, key, v);
        return;
    }
    part.text = gw_str_n(v->text.ptr, colon - 1);
    raise_value(o, field, GW_STR("code.file.path"), &part);
    part = (struct value){.kind = GW_JSON_NUMBER, .number = {.type = GW_JSON_INT, .i = line}};
    if (log_attrs_claim(o->r->attrs, GW_STR("code.line.number")))
        raise_value(o, field, GW_STR("code.line.number"), &part);
}

/* An attribute under OpenTelemetry's name, unless one is there already. */
static void rename_value(struct object *o, unsigned field, enum log_role role, gw_str key,
                         const struct value *v)
{
    static const gw_str names[] = {
        [ROLE_THREAD - ROLE_RANKED] = GW_LIT("thread.name"),
        [ROLE_FUNCTION - ROLE_RANKED] = GW_LIT("code.function.name"),
        [ROLE_PATH - ROLE_RANKED] = GW_LIT("code.file.path"),
        [ROLE_PLACE - ROLE_RANKED] = GW_LIT("code.line.number"),
        [ROLE_ERROR - ROLE_RANKED] = GW_LIT("exception.type"),
        [ROLE_REASON - ROLE_RANKED] = GW_LIT("exception.message"),
        [ROLE_STACK - ROLE_RANKED] = GW_LIT("exception.stacktrace"),
    };
    bool fits = role == ROLE_PLACE ? v->kind == GW_JSON_NUMBER && v->number.type == GW_JSON_INT
                                   : v->kind == GW_JSON_STRING && v->text.len;
    o->traced |= role == ROLE_STACK && fits;
    if (fits && log_attrs_claim(o->r->attrs, names[role - ROLE_RANKED]))
        raise_value(o, field, names[role - ROLE_RANKED], v);
    else
        attr_value(o, field, key, v);
}

/* Keys that have a meaning only beside others: those of one letter beside MongoDB's time, those of tracing
 * beside its fields. */
static struct log_key key_beside(const struct object *o, gw_str key)
{
    static const struct {
        gw_str key, beside;
        enum log_role role, of;
    } keys[] = {{GW_LIT("s"), GW_LIT("t.$date"), ROLE_STATUS, ROLE_TIME},
                {GW_LIT("c"), GW_LIT("t.$date"), ROLE_LOGGER, ROLE_TIME},
                {GW_LIT("ctx"), GW_LIT("t.$date"), ROLE_THREAD, ROLE_TIME},
                {GW_LIT("target"), GW_LIT("fields.message"), ROLE_LOGGER, ROLE_MESSAGE}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (gw_str_eq(key, keys[i].key) && gw_str_eq(o->places[keys[i].of].key, keys[i].beside))
            return (struct log_key){keys[i].role, 1};
    return (struct log_key){ROLE_NONE, 0};
}

static void read_member(struct object *o, gw_str path, unsigned field, gw_str key, unsigned depth)
{
    struct log_key k = log_key_find(path, key);
    if (!k.role && !path.len && (key.len < 4 || key.len == 6))
        k = key_beside(o, key);
    enum gw_json_kind kind = gw_json_kind(&o->j);
    struct value v;
    char below[PATH];
    if ((kind == GW_JSON_OBJECT || kind == GW_JSON_ARRAY) && depth < DEPTH) {
        gw_str next = nowhere;
        if (path.len + key.len + 1 < PATH && kind == GW_JSON_OBJECT) {
            memcpy(below, path.ptr ? path.ptr : "", path.len);
            memcpy(below + path.len, key.ptr, key.len);
            below[path.len + key.len] = '.';
            next = gw_str_n(below, path.len + key.len + 1);
        }
        attr_structure(o, next, field, key, depth);
    } else if (take_value(&o->j, &v)) {
        if (k.role == ROLE_NONE)
            attr_value(o, field, key, &v);
        else if (k.role < ROLE_RANKED)
            compete_for_place(o, path, field, k, key, &v);
        else if (k.role == ROLE_CALLER)
            put_caller(o, field, key, &v);
        else
            rename_value(o, field, k.role, key, &v);
    }
}

static void read_members(struct object *o, gw_str path, unsigned field, unsigned depth)
{
    gw_str key;
    if (gw_json_object(&o->j))
        while (gw_json_member(&o->j, &key))
            read_member(o, path, field, key, depth);
}

/* --- the whole --- */

static gw_str placed_text(const struct object *o, enum log_role role)
{
    return o->places[role].rank ? text_of_value(&o->places[role].value) : GW_NOSTR;
}

/* What log4j2 calls an instant. */
static void settle_time(struct object *o)
{
    const struct place *second = &o->places[ROLE_SECOND], *nano = &o->places[ROLE_NANO];
    uint64_t ns;
    if (!second->rank || !log_time_number(second->value.text, (double)second->value.number.i, &ns))
        return;
    o->found->time =
        ns + (nano->rank && nano->value.number.i < 1000000000 ? (uint64_t)nano->value.number.i : 0);
}

static void settle_record(struct object *o)
{
    struct log_found *f = o->found;
    f->origin.service = placed_text(o, ROLE_SERVICE);
    f->origin.env = placed_text(o, ROLE_ENV);
    f->origin.version = placed_text(o, ROLE_VERSION);
    f->origin.host = placed_text(o, ROLE_HOST);
    f->origin.logger = placed_text(o, ROLE_LOGGER);
    if (gw_str_eq(f->origin.logger, GW_STR("-"))) /* MongoDB: none */
        f->origin.logger = GW_NOSTR;
    f->source = placed_text(o, ROLE_SOURCE);
    f->tags = placed_text(o, ROLE_TAGS);
    settle_time(o);
    if (o->traced && !f->severity)
        f->severity = SEVERITY_ERROR;
    for (const struct later *l = o->later; l; l = l->next)
        write_value(o, LOG_RECORD_ATTRIBUTES, l->key, &l->value);
}

/* Values of an inner line override those around it. */
static void merge_found(struct log_found *f, const struct log_found *inner)
{
    f->time = inner->time ? inner->time : f->time;
    if (inner->severity) {
        f->severity = inner->severity;
        f->severity_text = inner->severity_text;
    }
    if (inner->trace.low || inner->trace.high)
        f->trace = inner->trace;
    f->span = inner->span ? inner->span : f->span;
    f->origin = (struct log_origin){log_or_else(inner->origin.service, f->origin.service),
                                    log_or_else(inner->origin.env, f->origin.env),
                                    log_or_else(inner->origin.version, f->origin.version),
                                    log_or_else(inner->origin.host, f->origin.host),
                                    log_or_else(inner->origin.logger, f->origin.logger),
                                    f->origin.more,
                                    0};
    f->source = log_or_else(inner->source, f->source);
    f->tags = log_or_else(inner->tags, f->tags);
    f->program = log_or_else(inner->program, f->program);
    f->body = inner->body;
}

void log_read_inner(struct log_reader *r, gw_str text, struct log_found *f)
{
    struct log_found inner = {0};
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    inner.body = text;
    if (r->depth++ < LINES_DEEP)
        log_read_any(r, text, &inner);
    r->depth--;
    merge_found(f, &inner);
}

static bool read_object(struct object *o, gw_str text)
{
    struct log_attrs *a = o->r->attrs;
    struct log_attrs_mark before = log_attrs_here(a);
    gw_json_init(&o->j, text, o->r->arena);
    if (gw_json_kind(&o->j) == GW_JSON_OBJECT)
        read_members(o, GW_NOSTR, LOG_RECORD_ATTRIBUTES, 0);
    if (gw_json_kind(&o->j) == GW_JSON_NONE && gw_json_end(&o->j) && !o->j.why) {
        settle_record(o);
        return true;
    }
    *o->found = (struct log_found){0};
    log_attrs_back(a, before);
    return false;
}

/* Reads one JSON object; false if it is not one, and then nothing was found. */
static bool read_json(struct log_reader *r, gw_str text, struct log_found *found)
{
    struct object o = {.r = r, .found = found};
    if (!read_object(&o, text))
        return false;
    const struct place *message = &o.places[ROLE_MESSAGE], *line = &o.places[ROLE_LINE];
    found->body = message->rank ? message->value.text : text;
    if (line->rank && message->rank)
        attr_value(&o, LOG_RECORD_ATTRIBUTES, line->key, &line->value);
    else if (line->rank)
        log_read_inner(r, line->value.text, found);
    return true;
}

/* A logfmt line as JSON: its pairs have the same places. One that is not pairs alone stays whole. */
static bool read_pairs(struct log_reader *r, gw_str text, struct log_found *found)
{
    gw_str json;
    bool whole;
    if (!log_logfmt_json(r->arena, text, &json, &whole) || !read_json(r, json, found))
        return false;
    if (whole || found->body.ptr == json.ptr)
        found->body = text;
    return true;
}

static bool looks_like_json(gw_str s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t' || *s.ptr == '\n' || *s.ptr == '\r'))
        s.ptr++, s.len--;
    return s.len > 1 && *s.ptr == '{';
}

void log_read_any(struct log_reader *r, gw_str text, struct log_found *f)
{
    bool json = looks_like_json(text),
         pairs = !json && text.len && !gw_is_digit(*text.ptr) && log_is_logfmt(text);
    if ((json && read_json(r, text, f)) || (pairs && read_pairs(r, text, f)))
        return;
    gw_str inner = log_read_text(r, text, f);
    if (inner.len)
        log_read_inner(r, inner, f);
}

bool log_read_item(struct log_reader *r, gw_str text, struct log_found *found, bool *inner)
{
    struct object o = {.r = r, .found = found};
    if (!read_object(&o, text))
        return false;
    const struct place *message = &o.places[ROLE_MESSAGE], *line = &o.places[ROLE_LINE];
    *inner = message->rank || line->rank;
    found->body = message->rank ? message->value.text : line->rank ? line->value.text : text;
    if (line->rank && message->rank)
        attr_value(&o, LOG_RECORD_ATTRIBUTES, line->key, &line->value);
    return true;
}
