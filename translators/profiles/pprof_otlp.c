/* pprof_otlp.c: Writes OTLP profiles of pprof in three walks: ids of what samples point at; samples, with their stacks and
 * attributes; then a Profile for each sample type and the rest of the dictionary. Owns nothing beyond the arena. Called by
 * ddtrace_profiles.c on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/pprof_otlp.h"

#include <endian.h>

#include "core/base/hash.h"
#include "core/base/hex.h"
#include "translators/profiles/otlp_dictionary.h"
#include "translators/profiles/profile_resource.h"

/* Numbers of fields: of the request, ResourceProfiles, ScopeProfiles, Profile, Sample. */
enum {
    REQUEST_RESOURCES = 1,
    REQUEST_DICTIONARY = 2,
    RESOURCES_RESOURCE = 1,
    RESOURCES_SCOPES = 2,
    SCOPES_PROFILES = 2,
    PROFILE_TYPE = 1,
    PROFILE_SAMPLES = 2,
    PROFILE_TIME = 3,
    PROFILE_DURATION = 4,
    PROFILE_PERIOD_TYPE = 5,
    PROFILE_PERIOD = 6,
    PROFILE_ID = 7,
    PROFILE_FORMAT = 9,
    PROFILE_PAYLOAD = 10,
    PROFILE_ATTRIBUTES = 11,
    SAMPLE_STACK = 1,
    SAMPLE_ATTRIBUTES = 2,
    SAMPLE_VALUES = 4,
    SAMPLE_TIMES = 5,
};
/* Of pprof's messages. */
enum {
    ID = 1,
    IN_SAMPLE_LOCATIONS = 1,
    IN_SAMPLE_VALUES = 2,
    IN_SAMPLE_LABELS = 3,
    LABEL_KEY = 1,
    LABEL_TEXT = 2,
    LABEL_NUMBER = 3,
    LABEL_UNIT = 4,
};

struct sample {
    uint32_t stack, first_attribute, attributes; /* of `attributes` */
    uint64_t time;
};

struct value_type {
    uint64_t type, unit;
};

struct translation {
    const struct profile_otlp *how;
    struct gw_arena *arena;
    gw_str raw;
    struct pprof_contents c;
    struct otlp_buf *w;
    struct otlp_dictionary d;
    struct otlp_numbers mappings, functions, locations, stacks, labels;
    gw_str *texts;
    struct value_type *types, period_type;
    int64_t *values; /* of sample i and type t: [i * types + t] */
    struct sample *samples;
    uint32_t *attributes; /* of all samples, one after another */
    uint32_t attributes_n, samples_n, types_n, stacks_n;
    uint32_t renamed[4];                    /* numbers of texts: see key_number */
    uint32_t own_attribute, own_attributes; /* of each Profile */
    uint64_t time, duration, period;
};

/* --- walk 1: texts, types and ids --- */

static struct value_type value_type_of(struct wire_view v)
{
    struct value_type t = {0, 0};
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == 1)
            t.type = pprof_int(&f);
        else if (f.number == 2)
            t.unit = pprof_int(&f);
    return t;
}

static uint64_t id_of(struct wire_view v)
{
    uint64_t id = 0;
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == ID)
            id = pprof_int(&f);
    return id;
}

static bool allocate(struct translation *t)
{
    const struct pprof_contents *c = &t->c;
    uint64_t seed = t->how->random[0];
    t->texts = gw_new(t->arena, gw_str, c->strings + 1);
    t->types = gw_new(t->arena, struct value_type, c->sample_types + 1);
    t->samples = gw_new(t->arena, struct sample, c->samples + 1);
    t->attributes = gw_new(t->arena, uint32_t, c->labels + 1);
    bool fits = c->sample_types == 0 || c->samples <= SIZE_MAX / 8 / c->sample_types;
    t->values = fits ? gw_new(t->arena, int64_t, c->samples * c->sample_types + 1) : NULL;
    return t->texts && t->types && t->samples && t->attributes && t->values &&
           otlp_numbers_init(&t->mappings, c->mappings, seed, t->arena) &&
           otlp_numbers_init(&t->functions, c->functions, seed, t->arena) &&
           otlp_numbers_init(&t->locations, c->locations, seed, t->arena) &&
           otlp_numbers_init(&t->stacks, c->samples, seed, t->arena) &&
           otlp_numbers_init(&t->labels, c->labels, seed, t->arena);
}

static uint64_t not_negative(uint64_t n)
{
    return (int64_t)n < 0 ? 0 : n;
}

static void see_ids(struct translation *t)
{
    struct wire_view v = pprof_view(t->raw);
    uint32_t mappings = 1, locations = 1, functions = 1;
    size_t texts = 0;
    for (struct wire_field f; wire_next(&v, &f);)
        switch (f.number) {
        case PPROF_SAMPLE_TYPE:
            t->types[t->types_n++] = value_type_of(f.body);
            break;
        case PPROF_MAPPING:
            otlp_numbers_put(&t->mappings, id_of(f.body), mappings++);
            break;
        case PPROF_LOCATION:
            otlp_numbers_put(&t->locations, id_of(f.body), locations++);
            break;
        case PPROF_FUNCTION:
            otlp_numbers_put(&t->functions, id_of(f.body), functions++);
            break;
        case PPROF_STRING:
            t->texts[texts++] = wire_text(f.body);
            break;
        case PPROF_TIME:
            t->time = not_negative(pprof_int(&f));
            break;
        case PPROF_DURATION:
            t->duration = not_negative(pprof_int(&f));
            break;
        case PPROF_PERIOD_TYPE:
            t->period_type = value_type_of(f.body);
            break;
        case PPROF_PERIOD:
            t->period = pprof_int(&f);
            break;
        default:
            break;
        }
}

/* --- walk 2: samples --- */

/* A repeated integer field, packed. */
struct packed {
    struct otlp_buf *w;
    size_t mark;
};

static struct packed open_packed(struct otlp_buf *w, unsigned field)
{
    return (struct packed){w, otlp_open(w, field, 1)};
}

static void put_packed(struct packed *p, uint64_t n)
{
    if (otlp_room(p->w, 10))
        otlp_end(p->w, wire_put_varint(p->w->data + p->w->len, n));
}

static void close_packed(struct packed *p)
{
    otlp_close(p->w, p->mark, 1);
}

/* gw_hash_text joins the length and the bytes by XOR: to it, no locations and location 1 alone are the same. */
static uint64_t hash_of(const struct translation *t, struct wire_view v)
{
    gw_str bytes = wire_text(v);
    return gw_hash_text(t->how->random[1] ^ gw_hash_mix(bytes.len), bytes);
}

/* The locations of a sample; `v` is the sample. */
static void write_stack(struct translation *t, struct wire_view v)
{
    size_t mark = otlp_open(&t->d.w, DICTIONARY_STACK, 1);
    struct packed p = open_packed(&t->d.w, 1);
    uint64_t id;
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == IN_SAMPLE_LOCATIONS)
            for (struct wire_view ids = pprof_ints(&f); ids.at < ids.end && wire_read_varint(&ids, &id);)
                put_packed(&p, otlp_numbers_find(&t->locations, id));
    close_packed(&p);
    otlp_close(&t->d.w, mark, 1);
}

/* Samples with the same stack, such as those of several threads or spans, share one entry, found by a 64-bit
 * hash with a secret seed. */
static uint32_t stack_of(struct translation *t, struct wire_view sample)
{
    struct wire_view v = sample;
    uint64_t hash = 0, n = 0;
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == IN_SAMPLE_LOCATIONS) {
            hash = gw_hash_mix(hash ^ hash_of(t, pprof_ints(&f)));
            n++;
        }
    if (!n)
        return 0;
    uint32_t number = otlp_numbers_find(&t->stacks, hash);
    if (number)
        return number;
    write_stack(t, sample);
    otlp_numbers_put(&t->stacks, hash, ++t->stacks_n);
    return t->stacks_n;
}

static gw_str text(const struct translation *t, uint64_t number)
{
    return number < t->c.strings ? t->texts[number] : GW_NOSTR;
}

/* Names that are different in OTLP, each with its number once it is in the table. */
enum { THREAD_ID, THREAD_NAME, SPAN, ROOT_SPAN, RENAMED };
static const struct {
    gw_str label, attribute;
} renamed[RENAMED] = {
    [THREAD_ID] = {GW_LIT("thread id"), GW_LIT("thread.id")},
    [THREAD_NAME] = {GW_LIT("thread name"), GW_LIT("thread.name")},
    [SPAN] = {GW_LIT("span id"), GW_LIT("span_id")},
    [ROOT_SPAN] = {GW_LIT("local root span id"), GW_LIT("local_root_span_id")},
};

static int find_renamed(gw_str label)
{
    int i = 0;
    while (i < RENAMED && !gw_str_eq(label, renamed[i].label))
        i++;
    return i;
}

static uint32_t key_number(struct translation *t, int row, uint64_t key)
{
    if (row == RENAMED)
        return (uint32_t)key;
    if (!t->renamed[row])
        t->renamed[row] = otlp_dictionary_text(&t->d, renamed[row].attribute);
    return t->renamed[row];
}

struct label {
    uint64_t key, text, number, unit;
};

static struct label read_label(struct wire_view v)
{
    struct label l = {0, 0, 0, 0};
    for (struct wire_field f; wire_next(&v, &f);)
        switch (f.number) {
        case LABEL_KEY:
            l.key = pprof_int(&f);
            break;
        case LABEL_TEXT:
            l.text = pprof_int(&f);
            break;
        case LABEL_NUMBER:
            l.number = pprof_int(&f);
            break;
        case LABEL_UNIT:
            l.unit = pprof_int(&f);
            break;
        default:
            break;
        }
    return l;
}

/* A span's id, which profilers write as a number of 64 bits, or as its digits, as OTLP shows it. 0: no span. */
static bool span_id(const struct translation *t, const struct label *l, char out[static 17])
{
    uint64_t id = l->number;
    if (l->text && !gw_str_u64(text(t, l->text), &id))
        return false;
    id = htobe64(id);
    *gw_hex_put(out, &id, sizeof id) = '\0';
    return id != 0;
}

/* Returns the number of the label's attribute; 0: it has no value. */
static uint32_t write_label(struct translation *t, const struct label *l)
{
    char id[17];
    int row = find_renamed(text(t, l->key));
    if (row == SPAN || row == ROOT_SPAN)
        return span_id(t, l, id)
                   ? otlp_dictionary_attribute_text(&t->d, key_number(t, row, l->key), gw_str_z(id))
                   : 0;
    uint32_t key = key_number(t, row, l->key);
    return l->text ? otlp_dictionary_attribute_text(&t->d, key, text(t, l->text))
                   : otlp_dictionary_attribute_int(&t->d, key, (int64_t)l->number, (uint32_t)l->unit);
}

static void see_label(struct translation *t, struct sample *s, struct wire_view body)
{
    const struct label l = read_label(body);
    if (gw_str_eq(text(t, l.key), GW_STR("end_timestamp_ns")) && (int64_t)l.number > 0) {
        s->time = l.number;
        return;
    }
    uint64_t hash = hash_of(t, body);
    uint32_t attribute = otlp_numbers_find(&t->labels, hash);
    if (!attribute && (attribute = write_label(t, &l)))
        otlp_numbers_put(&t->labels, hash, attribute);
    if (!attribute)
        return;
    t->attributes[t->attributes_n++] = attribute;
    s->attributes++;
}

static void see_sample(struct translation *t, struct wire_view body)
{
    uint32_t at = t->samples_n++, n = 0;
    struct sample *s = &t->samples[at];
    uint64_t value;
    s->first_attribute = t->attributes_n;
    s->stack = stack_of(t, body);
    for (struct wire_field f; wire_next(&body, &f);)
        if (f.number == IN_SAMPLE_LABELS)
            see_label(t, s, f.body);
        else if (f.number == IN_SAMPLE_VALUES)
            for (struct wire_view v = pprof_ints(&f); v.at < v.end && wire_read_varint(&v, &value);)
                t->values[(size_t)at * t->types_n + n++] = (int64_t)value;
}

static void see_samples(struct translation *t)
{
    struct wire_view v = pprof_view(t->raw);
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == PPROF_SAMPLE)
            see_sample(t, f.body);
}

/* --- the dictionary's other tables --- */

/* A message whose integer fields go to fields of other numbers, some through a table of ids. */
struct carry {
    unsigned from, to;
    const struct otlp_numbers *ids; /* NULL: as it is */
};

static void carry_fields(struct otlp_buf *w, struct wire_view v, const struct carry *rows, size_t n)
{
    for (struct wire_field f; wire_next(&v, &f);)
        for (size_t i = 0; i < n; i++)
            if (f.number == rows[i].from)
                otlp_uint(w, rows[i].to,
                          rows[i].ids ? otlp_numbers_find(rows[i].ids, pprof_int(&f)) : pprof_int(&f));
}

static void write_mapping(struct translation *t, struct wire_view v, uint32_t build_id_key)
{
    static const struct carry rows[] = {{2, 1, NULL}, {3, 2, NULL}, {4, 3, NULL}, {5, 4, NULL}};
    enum { BUILD_ID = 6, MAPPING_ATTRIBUTES = 5 };
    uint64_t build_id = 0;
    uint32_t attribute = 0;
    struct wire_view fields = v;
    for (struct wire_field f; wire_next(&fields, &f);)
        if (f.number == BUILD_ID)
            build_id = pprof_int(&f);
    if (text(t, build_id).len)
        attribute = otlp_dictionary_attribute_text(&t->d, build_id_key, text(t, build_id));
    size_t mark = otlp_open(&t->d.w, DICTIONARY_MAPPING, 1);
    carry_fields(&t->d.w, v, rows, sizeof rows / sizeof *rows);
    if (attribute) {
        struct packed p = open_packed(&t->d.w, MAPPING_ATTRIBUTES);
        put_packed(&p, attribute);
        close_packed(&p);
    }
    otlp_close(&t->d.w, mark, 1);
}

static void write_location(struct translation *t, struct wire_view v)
{
    const struct carry rows[] = {{2, 1, &t->mappings}, {3, 2, NULL}},
                       in_line[] = {{1, 1, &t->functions}, {2, 2, NULL}, {3, 3, NULL}};
    enum { IN_LINES = 4, LINES = 3 };
    size_t mark = otlp_open(&t->d.w, DICTIONARY_LOCATION, 1);
    carry_fields(&t->d.w, v, rows, 2);
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == IN_LINES) {
            size_t line = otlp_open(&t->d.w, LINES, 1);
            carry_fields(&t->d.w, f.body, in_line, 3);
            otlp_close(&t->d.w, line, 1);
        }
    otlp_close(&t->d.w, mark, 1);
}

static void write_function(struct translation *t, struct wire_view v)
{
    static const struct carry rows[] = {{2, 1, NULL}, {3, 2, NULL}, {4, 3, NULL}, {5, 4, NULL}};
    size_t mark = otlp_open(&t->d.w, DICTIONARY_FUNCTION, 1);
    carry_fields(&t->d.w, v, rows, 4);
    otlp_close(&t->d.w, mark, 1);
}

static void write_tables(struct translation *t)
{
    struct wire_view v = pprof_view(t->raw);
    uint32_t build_id =
        t->c.mappings ? otlp_dictionary_text(&t->d, GW_STR("process.executable.build_id.gnu")) : 0;
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == PPROF_MAPPING)
            write_mapping(t, f.body, build_id);
        else if (f.number == PPROF_LOCATION)
            write_location(t, f.body);
        else if (f.number == PPROF_FUNCTION)
            write_function(t, f.body);
}

/* --- profiles --- */

static void write_value_type(struct otlp_buf *w, unsigned field, struct value_type type)
{
    size_t mark = otlp_open(w, field, 1);
    otlp_uint(w, 1, type.type);
    otlp_uint(w, 2, type.unit);
    otlp_close(w, mark, 1);
}

static void write_sample(struct translation *t, const struct sample *s, int64_t value)
{
    size_t mark = otlp_open(t->w, PROFILE_SAMPLES, 1);
    otlp_uint(t->w, SAMPLE_STACK, s->stack);
    if (s->attributes) {
        struct packed p = open_packed(t->w, SAMPLE_ATTRIBUTES);
        for (uint32_t i = 0; i < s->attributes; i++)
            put_packed(&p, t->attributes[s->first_attribute + i]);
        close_packed(&p);
    }
    struct packed values = open_packed(t->w, SAMPLE_VALUES);
    put_packed(&values, (uint64_t)value);
    close_packed(&values);
    if (s->time && otlp_room(t->w, 16)) {
        uint64_t time = htole64(s->time);
        uint8_t *p = wire_put_len_head(t->w->data + t->w->len, SAMPLE_TIMES, sizeof time);
        memcpy(p, &time, sizeof time);
        otlp_end(t->w, p + sizeof time);
    }
    otlp_close(t->w, mark, 1);
}

/* The fields that every Profile has. */
static void write_common(struct translation *t, uint32_t number)
{
    const struct profile_upload *u = t->how->upload;
    uint64_t id[2] = {t->how->random[0], t->how->random[1] + number};
    uint64_t start = t->time ? t->time : u->start ? (uint64_t)u->start : (uint64_t)t->how->arrived;
    uint64_t duration = t->duration ? t->duration : u->end > u->start ? (uint64_t)(u->end - u->start) : 0;
    otlp_fixed64(t->w, PROFILE_TIME, start);
    otlp_uint(t->w, PROFILE_DURATION, duration);
    if (t->period_type.type)
        write_value_type(t->w, PROFILE_PERIOD_TYPE, t->period_type);
    otlp_uint(t->w, PROFILE_PERIOD, t->period);
    otlp_bytes(t->w, PROFILE_ID, gw_str_n((const char *)id, sizeof id));
    struct packed p = open_packed(t->w, PROFILE_ATTRIBUTES);
    for (uint32_t i = 0; i < t->own_attributes; i++)
        put_packed(&p, t->own_attribute + i);
    close_packed(&p);
}

/* Whether some sample has a value of the type. */
static bool is_there(const struct translation *t, uint32_t type)
{
    for (uint32_t i = 0; i < t->samples_n; i++)
        if (t->values[(size_t)i * t->types_n + type])
            return true;
    return false;
}

static void write_profile(struct translation *t, uint32_t type)
{
    size_t mark = otlp_open(t->w, SCOPES_PROFILES, 3);
    if (t->types_n)
        write_value_type(t->w, PROFILE_TYPE, t->types[type]);
    for (uint32_t i = 0; i < t->samples_n && t->types_n; i++) {
        int64_t value = t->values[(size_t)i * t->types_n + type];
        if (value)
            write_sample(t, &t->samples[i], value);
    }
    write_common(t, type);
    otlp_close(t->w, mark, 3);
}

/* Writes one profile for each type with values; if there are none at all, one for the first type. */
static void write_profiles(struct translation *t)
{
    bool any = false;
    for (uint32_t type = 0; type < t->types_n; type++)
        if (is_there(t, type)) {
            write_profile(t, type);
            any = true;
        }
    if (!any)
        write_profile(t, 0);
}

/* --- the request --- */

struct marks {
    size_t resources, scopes;
};

static struct marks open_request(const struct profile_otlp *how, struct otlp_buf *w)
{
    struct marks m = {.resources = otlp_open(w, REQUEST_RESOURCES, 3)};
    size_t resource = otlp_open(w, RESOURCES_RESOURCE, 2);
    profile_resource(w, how->upload, how->host_name);
    otlp_close(w, resource, 2);
    m.scopes = otlp_open(w, RESOURCES_SCOPES, 3);
    return m;
}

static enum gw_code close_request(struct otlp_buf *w, const struct marks *m, struct otlp_dictionary *d,
                                  struct gw_err *err)
{
    otlp_close(w, m->scopes, 3);
    otlp_close(w, m->resources, 3);
    otlp_bytes(w, REQUEST_DICTIONARY, otlp_written(&d->w));
    bool failed = d->w.failed || w->failed;
    otlp_fini(&d->w);
    return failed ? gw_fail(err, GW_BUDGET, 0, "a profile as OTLP") : GW_OK;
}

enum gw_code profile_pprof_to_otlp(const struct profile_otlp *how, gw_str raw, const struct pprof_contents *c,
                                   struct gw_arena *arena, struct otlp_buf *w, struct gw_err *err)
{
    struct translation t = {
        .how = how, .arena = arena, .raw = raw, .c = *c, .w = w, .d = {.w = {.account = w->account}}};
    if (!allocate(&t))
        return gw_fail(err, GW_BUDGET, 0, "a profile as OTLP");
    see_ids(&t);
    otlp_dictionary_begin(&t.d);
    for (size_t i = 0; i < t.c.strings; i++)
        (void)otlp_dictionary_text(&t.d, t.texts[i]);
    t.own_attribute = profile_attributes(&t.d, how->upload, how->file, &t.own_attributes);
    see_samples(&t);
    write_tables(&t);
    struct marks m = open_request(how, w);
    write_profiles(&t);
    return close_request(w, &m, &t.d, err);
}

enum gw_code profile_payload_to_otlp(const struct profile_otlp *how, gw_str format, gw_str raw,
                                     struct otlp_buf *w, struct gw_err *err)
{
    struct translation t = {.how = how, .w = w, .d = {.w = {.account = w->account}}};
    otlp_dictionary_begin(&t.d);
    (void)otlp_dictionary_text(&t.d, GW_NOSTR);
    t.own_attribute = profile_attributes(&t.d, how->upload, how->file, &t.own_attributes);
    struct marks m = open_request(how, w);
    size_t mark = otlp_open(w, SCOPES_PROFILES, 3);
    write_common(&t, 0);
    otlp_bytes(w, PROFILE_FORMAT, format);
    otlp_bytes(w, PROFILE_PAYLOAD, raw);
    otlp_close(w, mark, 3);
    return close_request(w, &m, &t.d, err);
}
