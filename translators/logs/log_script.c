/* log_script.c: Reads a record with its Pipeline script: the keys that the script leaves become attributes,
 * except those with a place of their own. Ids and a level that the script left open are searched in the text.
 * Keeps no state but the batch's. Called by log_add.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/base/text.h"
#include "translators/logs/log_batch.h"
#include "translators/logs/log_resource.h"

static const gw_str message_key = GW_LIT("message"), status_key = GW_LIT("status"),
                    level_key = GW_LIT("level");

static void count_up(atomic_uint_least64_t *c)
{
    atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

const struct sc_script *log_script_of(struct log_batch *b, gw_str asked, gw_str source)
{
    const struct log_setup *s = b->setup;
    const struct sc_script *script = asked.len ? log_library_find(s->library, asked) : NULL;
    script = script ? script : s->fixed;
    if (!script && s->library && b->last.source.ptr && gw_str_eq(b->last.source, source)) {
        script = b->last.script;
    } else if (!script && s->library) {
        script = log_library_find(s->library, source);
        if (source.len < sizeof b->last.name) {
            if (source.len)
                memcpy(b->last.name, source.ptr, source.len);
            b->last.source = gw_str_n(b->last.name, source.len);
            b->last.script = script;
        }
    }
    if (script && sc_broken(script)) {
        count_up(&b->conf->counts->unparsed);
        return NULL;
    }
    return script;
}

/* --- the record as the script sees it --- */

static void set_tags(struct sc_point *p, gw_str tags)
{
    gw_str one;
    while (gw_str_next(&tags, ',', &one)) {
        size_t colon = gw_str_find(one, ':');
        if (colon && colon < one.len)
            sc_point_set_tag(p, gw_str_trim(gw_str_n(one.ptr, colon)), sc_str(gw_str_from(one, colon + 1)));
    }
}

/* As in Datakit: the line as message; service and tags besides. */
static void fill_point(struct log_batch *b, const struct log_input *in, gw_str text,
                       const struct log_found *around, struct sc_point *p)
{
    const struct log_options *o = &b->setup->options;
    gw_str service = log_or_else(around->origin.service, log_or_else(in->service, o->service));
    sc_point_set(p, message_key, sc_str(text));
    if (service.len)
        sc_point_set_tag(p, GW_STR("service"), sc_str(service));
    set_tags(p, log_or_else(around->tags, in->tags));
    for (size_t i = 0; i < o->tags.n; i++)
        sc_point_set_tag(p, o->tags.items[i].key, sc_str(o->tags.items[i].value));
}

/* --- the script's result --- */

static void put_attr(struct log_batch *b, gw_str key, const struct sc_val *v)
{
    struct otlp_buf *w = &b->attrs.w;
    if (v->type == SC_NIL || v->type == SC_VOID || !log_attrs_claim(&b->attrs, key))
        return;
    if (v->type == SC_INT)
        otlp_attr_int(w, LOG_RECORD_ATTRIBUTES, key, v->i);
    else if (v->type == SC_BOOL)
        otlp_attr_bool(w, LOG_RECORD_ATTRIBUTES, key, v->b);
    else if (v->type == SC_FLOAT && !v->digits_len)
        otlp_attr_double(w, LOG_RECORD_ATTRIBUTES, key, v->f.v);
    else
        /* all digits of a long integer */
        otlp_attr_text(w, LOG_RECORD_ATTRIBUTES, key, sc_text(&b->scratch, v));
}

enum place { ATTRIBUTE, MESSAGE, TRACE, SPAN, SERVICE, ENV, VERSION, STATUS, LEVEL };

#define KEY_IS(text) (memcmp(key.ptr, text, sizeof(text) - 1) == 0)

static enum place place_of_key(gw_str key)
{
    switch (key.len) {
    case 3:
        return KEY_IS("env") ? ENV : ATTRIBUTE;
    case 5:
        return KEY_IS("level") ? LEVEL : ATTRIBUTE;
    case 6:
        return KEY_IS("status") ? STATUS : KEY_IS("dd.env") ? ENV : ATTRIBUTE;
    case 7:
        return KEY_IS("message")   ? MESSAGE
               : KEY_IS("span_id") ? SPAN
               : KEY_IS("service") ? SERVICE
               : KEY_IS("version") ? VERSION
                                   : ATTRIBUTE;
    case 8:
        return KEY_IS("trace_id") ? TRACE : ATTRIBUTE;
    case 10:
        return KEY_IS("dd.span_id")   ? SPAN
               : KEY_IS("dd.service") ? SERVICE
               : KEY_IS("dd.version") ? VERSION
                                      : ATTRIBUTE;
    case 11:
        return KEY_IS("dd.trace_id") ? TRACE : ATTRIBUTE;
    default:
        return ATTRIBUTE;
    }
}

static bool put_level(struct log_found *f, gw_str text)
{
    int severity = f->severity ? 0 : log_severity_word(text);
    if (severity) {
        f->severity = severity;
        f->severity_text = text;
    }
    return severity;
}

static bool put_origin(gw_str *to, gw_str text)
{
    if (to->len)
        return false;
    *to = text;
    return true;
}

/* False: the field is an attribute after all. */
static bool put_in_place(struct log_batch *b, enum place place, const struct sc_val *v, struct log_found *f)
{
    gw_str text = sc_text(&b->scratch, v);
    switch (place) {
    case MESSAGE:
        f->body = text.ptr ? text : GW_STR("");
        return true;
    case TRACE:
        return !f->trace.low && !f->trace.high && log_trace_id(text, &f->trace) != LOG_ID_BAD;
    case SPAN:
        return !f->span && log_span_id(text, &f->span) != LOG_ID_BAD;
    case SERVICE:
        return put_origin(&f->origin.service, text);
    case ENV:
        return put_origin(&f->origin.env, text);
    case VERSION:
        return put_origin(&f->origin.version, text);
    case STATUS:
    case LEVEL:
        return put_level(f, text);
    default:
        return false;
    }
}

/* The fields of a point; `status` first, because `level` is only used without one. */
static void take_fields(struct log_batch *b, const struct sc_point *p, struct log_found *f)
{
    const struct sc_field *status = sc_point_get(p, status_key);
    bool leveled = status && put_in_place(b, STATUS, &status->val, f);
    for (size_t i = 0; i < p->n; i++) {
        const struct sc_field *field = &p->fields[i];
        enum place place = place_of_key(field->key);
        if ((place == STATUS && field == status && leveled) ||
            (field->tag && log_tag_is_resource(f->tags, field->key)) ||
            (place && place != STATUS && put_in_place(b, place, &field->val, f)))
            continue;
        put_attr(b, field->key, &field->val);
    }
    if (p->time_set && p->time > 0)
        f->time = (uint64_t)p->time;
    f->source = p->name;
}

/* --- values that the script left open, and that the text may have --- */

/* Service, env and version: their values before the script. */
struct origin_field {
    gw_str before;
    bool seen, open;
};
enum { ORIGIN_FIELDS = 3 };
static const gw_str origin_keys[ORIGIN_FIELDS] = {GW_LIT("service"), GW_LIT("env"), GW_LIT("version")};

/* Which field of the origin this is, under its own name or under the tracer's, `dd.…`; -1: none. */
static int origin_of(enum place place)
{
    return place >= SERVICE && place <= VERSION ? (int)place - SERVICE : -1;
}

static bool is_tracers(gw_str key)
{
    return key.ptr[0] == 'd';
}

static void note_origin(const struct sc_point *p, struct origin_field *fields)
{
    for (int i = 0; i < ORIGIN_FIELDS; i++)
        fields[i] = (struct origin_field){.open = true};
    for (size_t i = 0; i < p->n; i++) {
        const struct sc_field *f = &p->fields[i];
        int at = origin_of(place_of_key(f->key));
        if (at >= 0 && !is_tracers(f->key) && f->val.type == SC_STR)
            fields[at].before = f->val.s;
    }
}

/* True if a tracer's name (`dd.service`, `dd_env`), or `service`, is in the text. */
static bool mentions_origin(gw_str text)
{
    const char *p = text.ptr, *end = p + text.len, *service = p + 2;
#ifdef __SSE2__
    const __m128i d = _mm_set1_epi8('d'), r = _mm_set1_epi8('r'), v = _mm_set1_epi8('v');
    for (; end - p > 16; p += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p),
                b = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
        if (_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, d), _mm_cmpeq_epi8(b, d))))
            return true;
        unsigned hits =
            (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, r), _mm_cmpeq_epi8(b, v)));
        for (; hits; hits &= hits - 1) {
            const char *at = p + __builtin_ctz(hits);
            if (at >= service && end - at > 4 && memcmp(at - 2, "service", 7) == 0)
                return true;
        }
    }
#endif
    for (; end - p > 1; p++)
        if ((p[0] == 'd' && p[1] == 'd') ||
            (p[0] == 'r' && p >= service && end - p > 4 && memcmp(p - 2, "service", 7) == 0))
            return true;
    return false;
}

/* True for an id, or a tracer's value for no trace. */
static bool is_trace(struct log_batch *b, const struct sc_val *v)
{
    struct log_trace ignored;
    gw_str text = v->type == SC_STR ? v->s : sc_text(&b->scratch, v);
    return text.len && log_trace_id(text, &ignored) != LOG_ID_BAD;
}

static void see_origin(const struct sc_field *f, struct origin_field *field)
{
    bool tracer = is_tracers(f->key);
    field->seen |= !tracer;
    field->open &= !tracer && f->val.type == SC_STR && gw_str_eq(f->val.s, field->before);
}

/* Checks the script's result in one pass: whether it has an id, and which fields of the origin it left
 * unchanged. */
static bool see_fields(struct log_batch *b, const struct sc_point *p, struct origin_field *fields)
{
    bool trace = false;
    for (size_t i = 0; i < p->n; i++) {
        const struct sc_field *f = &p->fields[i];
        enum place place = place_of_key(f->key);
        if (f->val.type == SC_NIL)
            continue;
        if (place == TRACE)
            trace |= is_trace(b, &f->val);
        else if (origin_of(place) >= 0)
            see_origin(f, &fields[origin_of(place)]);
    }
    for (int i = 0; i < ORIGIN_FIELDS; i++)
        fields[i].open &= fields[i].seen || !fields[i].before.len;
    return trace;
}

/* A value of the text for an open field replaces the value that the script was given. */
static void rescue_origin(struct sc_point *p, const struct origin_field *fields,
                          const struct log_origin *said, struct log_origin *to)
{
    const gw_str values[] = {said->service, said->env, said->version};
    gw_str *const places[] = {&to->service, &to->env, &to->version};
    for (int i = 0; i < ORIGIN_FIELDS; i++)
        if (fields[i].open && values[i].len) {
            *places[i] = values[i];
            sc_point_del(p, origin_keys[i]);
        }
}

static void ask_text(struct log_batch *b, const struct log_input *in, gw_str text, bool trace, bool level,
                     struct sc_point *p, const struct origin_field *fields, struct log_found *f)
{
    struct log_found said = {0};
    struct log_reader r = {.arena = &b->scratch, .clock = &b->clock, .attrs = &b->attrs, .now = in->observed};
    struct log_attrs_mark before = log_attrs_here(&b->attrs);
    log_read_any(&r, text, &said);
    if (trace) {
        f->trace = said.trace;
        f->span = said.span;
    }
    if (level && said.severity) {
        f->severity = said.severity;
        f->severity_text = said.severity_text;
    }
    rescue_origin(p, fields, &said.origin, &f->origin);
    log_attrs_back(&b->attrs, before);
}

static bool has_text_field(const struct sc_point *p, gw_str key)
{
    const struct sc_field *f = sc_point_get(p, key);
    return f && f->val.type == SC_STR && f->val.s.len;
}

static enum gw_code write_point(struct log_batch *b, const struct log_input *in, const struct sc_point *p,
                                const struct log_found *around, struct log_found *found)
{
    found->origin.host = around->origin.host;
    found->tags = log_or_else(around->tags, in->tags);
    take_fields(b, p, found);
    found->origin.env = log_or_else(found->origin.env, around->origin.env);
    found->origin.version = log_or_else(found->origin.version, around->origin.version);
    found->time = found->time ? found->time : around->time;
    return log_batch_write(b, in, found);
}

/* Records of create_point() have all their values themselves. */
static enum gw_code write_created(struct log_batch *b, const struct log_input *in, const struct sc_point *p)
{
    enum gw_code code = GW_OK;
    for (const struct sc_point *made = p->created; made && code == GW_OK; made = made->next) {
        struct log_found found = {0};
        log_attrs_begin(&b->attrs, &b->scratch);
        take_fields(b, made, &found);
        code = log_batch_write(b, in, &found);
        count_up(&b->conf->counts->script_made);
    }
    return code;
}

/* The result of the run; `level`: nothing set the level, and then the engine's default does not count. */
static bool run_script(struct log_batch *b, const struct sc_script *script, const struct log_input *in,
                       struct sc_point *p, bool *level)
{
    b->script = script;
    struct sc_env env = {
        .arena = &b->scratch, .thread = b->thread, .now = (int64_t)in->observed, .zone = b->setup->zone};
    struct sc_fault fault = {.set = false};
    uint64_t gave_up = sc_gave_up(b->thread);
    bool good = sc_run(script, &env, p, &fault);
    if (sc_gave_up(b->thread) != gave_up)
        count_up(&b->conf->counts->gave_up);
    *level = !has_text_field(p, status_key);
    if (good) {
        sc_point_finish(p, &(struct sc_finish){.no_status = *level});
        *level = *level && !has_text_field(p, level_key);
        return true;
    }
    count_up(&b->conf->counts->script_errors);
    snprintf(b->fault, sizeof b->fault, "%s", fault.text);
    *level = *level && !has_text_field(p, level_key);
    return false;
}

enum gw_code log_script_run(struct log_batch *b, const struct sc_script *script, const struct log_input *in,
                            gw_str text, const struct log_found *around)
{
    struct sc_point p;
    struct log_found found;
    struct origin_field fields[ORIGIN_FIELDS];
    bool level;
    log_found_begin(&found, GW_NOSTR);
    sc_point_init(&p, &b->scratch, log_or_else(around->source, log_or_else(in->source, b->setup->source)),
                  (int64_t)in->observed);
    p.category = SC_LOGGING;
    fill_point(b, in, text, around, &p);
    note_origin(&p, fields);
    b->message = text;
    bool good = run_script(b, script, in, &p, &level);
    b->scratch.spent = false; /* the record is delivered with the changes made so far */
    bool trace = !see_fields(b, &p, fields);
    bool origin = fields[0].open || fields[1].open || fields[2].open;
    if (level || trace || (origin && mentions_origin(text)))
        ask_text(b, in, text, trace, level, &p, fields, &found);
    enum gw_code code = GW_OK;
    if (!good || !p.dropped)
        code = write_point(b, in, &p, around, &found);
    else {
        b->intake.received++;
        b->intake.not_taken[GW_REASON_SCRIPT]++;
    }
    return good && code == GW_OK ? write_created(b, in, &p) : code;
}
