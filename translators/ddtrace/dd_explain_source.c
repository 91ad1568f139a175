/* Lists what a span can come from, and takes single sources away or changes them.
 *
 * Keeps no state. Called by dd_explain_run.c and dd_explain_span.c, within an edit of dd_translate_edited.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_explain_source.h"

#include "core/base/text.h"
#include "translators/ddtrace/dd_explain_sent.h"
#include "translators/ddtrace/dd_struct.h"

#include <inttypes.h>

enum { WORDS = 8 };

/* What a payload says of its process, and what headers say of the client, by their names on the wire. */
struct place {
    const char *name;
    size_t at;
};
#define FACT(fact) offsetof(struct dd_payload, facts[fact])
static const struct place payload_places[] = {{"runtime_id", offsetof(struct dd_payload, runtime_id)},
                                              {"env", offsetof(struct dd_payload, env)},
                                              {"hostname", offsetof(struct dd_payload, host)},
                                              {"language_name", offsetof(struct dd_payload, language)},
                                              {"service", offsetof(struct dd_payload, service)},
                                              {"app_version", offsetof(struct dd_payload, version)},
                                              {"process_id", FACT(DD_FACT_PID)},
                                              {"git.commit.sha", FACT(DD_FACT_COMMIT)},
                                              {"git.repository_url", FACT(DD_FACT_REPOSITORY)},
                                              {"container_id", FACT(DD_FACT_CONTAINER_ID)},
                                              {"_dd.tags.container", FACT(DD_FACT_CONTAINER_TAGS)},
                                              {"_dd.tags.process", FACT(DD_FACT_PROCESS_TAGS)},
                                              {"cloud_provider", FACT(DD_FACT_CLOUD_PROVIDER)},
                                              {"region", FACT(DD_FACT_CLOUD_REGION)},
                                              {"zone", FACT(DD_FACT_CLOUD_ZONE)},
                                              {"aws_account", FACT(DD_FACT_CLOUD_ACCOUNT)},
                                              {"functionname", FACT(DD_FACT_FUNCTION_NAME)},
                                              {"function_arn", FACT(DD_FACT_FUNCTION_ARN)},
                                              {"language_version", FACT(DD_FACT_LANGUAGE_VERSION)},
                                              {"tracer_version", FACT(DD_FACT_TRACER_VERSION)}};
#define HEADER(field) offsetof(struct dd_request, field)
static const struct place header_places[] = {{"Datadog-Meta-Lang", HEADER(lang)},
                                             {"Datadog-Meta-Lang-Version", HEADER(lang_version)},
                                             {"Datadog-Meta-Lang-Interpreter", HEADER(interpreter)},
                                             {"Datadog-Meta-Lang-Interpreter-Vendor", HEADER(vendor)},
                                             {"Datadog-Meta-Tracer-Version", HEADER(tracer_version)},
                                             {"Datadog-Container-ID", HEADER(container_id)},
                                             {"Datadog-Entity-ID", HEADER(entity_id)},
                                             {"Datadog-External-Env cn-", HEADER(k8s_container)},
                                             {"Datadog-External-Env pu-", HEADER(k8s_pod_uid)},
                                             {"X-Datadog-Process-Tags", HEADER(process_tags)}};
enum {
    PAYLOAD_PLACES = sizeof payload_places / sizeof *payload_places,
    HEADER_PLACES = sizeof header_places / sizeof *header_places
};

static gw_str *text_at(void *thing, const struct place *p)
{
    return (gw_str *)((char *)thing + p->at);
}

/* --- the list --- */

static void add(struct dd_source_list *l, enum dd_source_kind kind, enum dd_explained_section section,
                size_t index, gw_str name, gw_str value)
{
    if (l->n == DD_EXPLAIN_SOURCES) {
        l->more = true;
        return;
    }
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct dd_explain_source *more = gw_arena_raw(l->arena, room, sizeof *more);
        if (!more)
            return;
        if (l->n)
            memcpy(more, l->list, l->n * sizeof *more);
        l->list = more;
        l->room = room;
    }
    l->list[l->n++] = (struct dd_explain_source){kind, section, index, gw_arena_dup(l->arena, name), value};
}

static void add_text(struct dd_source_list *l, enum dd_source_kind kind, enum dd_explained_section section,
                     size_t index, gw_str name, gw_str text)
{
    add(l, kind, section, index, name, dd_sent_text(l->arena, text));
}

static gw_str number_value(struct gw_arena *arena, const struct dd_number *n)
{
    if (n->kind == DD_INT || (n->kind == DD_UINT && n->u <= INT64_MAX))
        return dd_sent_int(arena, n->i);
    return dd_sent_double(arena, n->kind == DD_UINT ? (double)n->u : n->d);
}

/* The value of meta_struct as it would be sent. */
static gw_str struct_value(struct gw_arena *arena, gw_str bytes)
{
    struct otlp_buf w = {0};
    struct dd_oddities ignored = {0};
    struct wire_field f = {0};
    gw_str value = GW_STR("");
    (void)dd_write_struct(&w, arena, 1, GW_STR("k"), bytes, &ignored);
    struct wire_view v = {w.data, w.data ? w.data + w.len : w.data};
    if (!w.failed && wire_next(&v, &f)) {
        struct wire_view kv = f.body;
        while (wire_next(&kv, &f))
            value = f.number == 2 ? gw_arena_dup(arena, wire_text(f.body)) : value;
    }
    otlp_fini(&w);
    return value;
}

static void put_key(struct gw_text *b, bool first, const char *key)
{
    gw_text_put_z(b, first ? "{" : ",");
    gw_text_put_json(b, gw_str_z(key));
    gw_text_put_char(b, ':');
}

static void put_i64(struct gw_text *b, int64_t v)
{
    char text[GW_NUMBER_SIZE];
    gw_text_put(b, text, gw_i64_text(text, v));
}

static void put_value(struct gw_text *b, const struct dd_value *v)
{
    char text[GW_NUMBER_SIZE];
    switch (v->type) {
    case DD_V_STRING:
    case DD_V_BYTES:
        gw_text_put_json(b, v->s);
        break;
    case DD_V_BOOL:
        gw_text_put_z(b, v->b ? "true" : "false");
        break;
    case DD_V_INT:
        put_i64(b, v->i);
        break;
    case DD_V_DOUBLE:
        gw_text_put(b, text, gw_float_json(text, v->d));
        break;
    case DD_V_ARRAY:
        gw_text_put_char(b, '[');
        for (size_t i = 0; i < v->array.n; i++) {
            gw_text_put_z(b, i ? "," : "");
            put_value(b, &v->array.items[i]);
        }
        gw_text_put_char(b, ']');
        break;
    case DD_V_LIST:
        gw_text_put_char(b, '{');
        for (size_t i = 0; i < v->list.n; i++) {
            gw_text_put_z(b, i ? "," : "");
            gw_text_put_json(b, v->list.attrs[i].key);
            gw_text_put_char(b, ':');
            put_value(b, &v->list.attrs[i].value);
        }
        gw_text_put_char(b, '}');
        break;
    }
}

static void add_event(struct dd_source_list *l, size_t i, const struct dd_event *e)
{
    struct gw_text b = {.arena = l->arena};
    const struct dd_value attrs = {.type = DD_V_LIST, .list = {e->attrs, e->attrs_n}};
    put_key(&b, true, "time_unix_nano");
    put_i64(&b, e->time_unix_nano);
    put_key(&b, false, "name");
    gw_text_put_json(&b, e->name);
    put_key(&b, false, "attributes");
    put_value(&b, &attrs);
    gw_text_put_char(&b, '}');
    add_text(l, DD_SRC_EVENT, DD_OF_SPAN, i, gw_arena_printf(l->arena, "span_events[%zu]", i),
             gw_text_result(&b));
}

static void add_link(struct dd_source_list *l, size_t i, const struct dd_link *k)
{
    struct gw_text b = {.arena = l->arena};
    put_key(&b, true, "trace_id");
    gw_text_put_json(&b,
                     gw_arena_printf(l->arena, "%016" PRIx64 "%016" PRIx64, k->trace_id_high, k->trace_id));
    put_key(&b, false, "span_id");
    gw_text_put_json(&b, gw_arena_printf(l->arena, "%016" PRIx64, k->span_id));
    if (k->tracestate.len) {
        put_key(&b, false, "tracestate");
        gw_text_put_json(&b, k->tracestate);
    }
    put_key(&b, false, "flags");
    put_i64(&b, k->flags);
    put_key(&b, false, "attributes");
    gw_text_put_char(&b, '{');
    for (size_t a = 0; a < k->attrs_n; a++) {
        gw_text_put_z(&b, a ? "," : "");
        gw_text_put_json(&b, k->attrs[a].key);
        gw_text_put_char(&b, ':');
        gw_text_put_json(&b, k->attrs[a].value);
    }
    gw_text_put_z(&b, "}}");
    add_text(l, DD_SRC_LINK, DD_OF_SPAN, i, gw_arena_printf(l->arena, "span_links[%zu]", i),
             gw_text_result(&b));
}

static void add_id(struct dd_source_list *l, enum dd_source_kind kind, const char *name, uint64_t id)
{
    add_text(l, kind, DD_OF_SPAN, 0, gw_str_z(name), gw_arena_printf(l->arena, "%" PRIu64, id));
}

static void add_fields(struct dd_source_list *l, const struct dd_span *s)
{
    const struct {
        enum dd_source_kind kind;
        const char *name;
        gw_str text;
    } texts[] = {{DD_SRC_SERVICE, "service", s->service},
                 {DD_SRC_NAME, "name", s->name},
                 {DD_SRC_RESOURCE, "resource", s->resource},
                 {DD_SRC_TYPE, "type", s->type}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_text(l, texts[i].kind, DD_OF_SPAN, 0, gw_str_z(texts[i].name), texts[i].text);
    add_id(l, DD_SRC_TRACE_ID, "trace_id", s->trace_id);
    add_id(l, DD_SRC_SPAN_ID, "span_id", s->span_id);
    add_id(l, DD_SRC_PARENT_ID, "parent_id", s->parent_id);
    add(l, DD_SRC_START, DD_OF_SPAN, 0, GW_STR("start"), dd_sent_int(l->arena, s->start));
    add(l, DD_SRC_DURATION, DD_OF_SPAN, 0, GW_STR("duration"), dd_sent_int(l->arena, s->duration));
    add(l, DD_SRC_ERROR, DD_OF_SPAN, 0, GW_STR("error"), dd_sent_int(l->arena, s->error));
}

static void add_chunk(struct dd_source_list *l, const struct dd_chunk *c)
{
    if (c->priority != DD_NO_PRIORITY)
        add(l, DD_SRC_CHUNK_PRIORITY, DD_OF_CHUNK, 0, GW_STR("priority"), dd_sent_int(l->arena, c->priority));
    if (c->mechanism != DD_NO_MECHANISM)
        add(l, DD_SRC_CHUNK_MECHANISM, DD_OF_CHUNK, 0, GW_STR("sampling_mechanism"),
            dd_sent_int(l->arena, c->mechanism));
    if (c->origin.len)
        add_text(l, DD_SRC_CHUNK_ORIGIN, DD_OF_CHUNK, 0, GW_STR("origin"), c->origin);
    if (c->high)
        add_text(l, DD_SRC_CHUNK_HIGH, DD_OF_CHUNK, 0, GW_STR("trace_id (upper half)"),
                 gw_arena_printf(l->arena, "%016" PRIx64, c->high));
    for (size_t i = 0; i < c->meta_n; i++)
        add_text(l, DD_SRC_CHUNK_META, DD_OF_CHUNK, i, c->meta[i].key, c->meta[i].value);
    for (size_t i = 0; i < c->metrics_n; i++)
        add(l, DD_SRC_CHUNK_METRIC, DD_OF_CHUNK, i, c->metrics[i].key,
            number_value(l->arena, &c->metrics[i]));
}

void dd_sources_of_span(struct dd_source_list *l, const struct dd_span *s, const struct dd_chunk *c)
{
    add_fields(l, s);
    for (size_t i = 0; i < s->links_n; i++)
        add_link(l, i, &s->links[i]);
    for (size_t i = 0; i < s->events_n; i++)
        add_event(l, i, &s->events[i]);
    add_chunk(l, c);
    for (size_t i = 0; i < s->meta_n; i++)
        add_text(l, DD_SRC_META, DD_OF_META, i, s->meta[i].key, s->meta[i].value);
    for (size_t i = 0; i < s->metrics_n; i++)
        add(l, DD_SRC_METRIC, DD_OF_METRICS, i, s->metrics[i].key, number_value(l->arena, &s->metrics[i]));
    for (size_t i = 0; i < s->meta_struct_n; i++)
        add(l, DD_SRC_STRUCT, DD_OF_META_STRUCT, i, s->meta_struct[i].key,
            struct_value(l->arena, s->meta_struct[i].value));
}

static void add_places(struct dd_source_list *l, enum dd_source_kind kind, enum dd_explained_section section,
                       const struct place *places, size_t n, const void *thing)
{
    for (size_t i = 0; i < n; i++) {
        gw_str text = *(const gw_str *)((const char *)thing + places[i].at);
        if (text.len)
            add_text(l, kind, section, i, gw_str_z(places[i].name), text);
    }
}

void dd_sources_of_payload(struct dd_source_list *l, const struct dd_payload *p)
{
    add_places(l, DD_SRC_PAYLOAD_FIELD, DD_OF_PAYLOAD, payload_places, PAYLOAD_PLACES, p);
    for (size_t i = 0; i < p->tags_n; i++)
        add_text(l, DD_SRC_PAYLOAD_TAG, DD_OF_PAYLOAD, i, p->tags[i].key, p->tags[i].value);
}

void dd_sources_of_request(struct dd_source_list *l, const struct dd_request *r)
{
    add_places(l, DD_SRC_HEADER, DD_OF_HEADERS, header_places, HEADER_PLACES, r);
}

/* --- other values --- */

static bool is_hex(gw_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (gw_hex_digit(word.ptr[i]) < 0)
            return false;
    return true;
}

static char next_digit(char c)
{
    return c == '9' ? '8' : c == 'f' || c == 'F' ? (char)(c - 1) : (char)(c + 1);
}

static bool is_word(char c)
{
    return gw_is_digit(c) || gw_is_letter(c) || (unsigned char)c >= 0x80;
}

/* The text with another n-th word: the last digit of a number is another one, a name gets an x. */
static gw_str other_word(struct gw_arena *arena, gw_str text, unsigned n)
{
    size_t from = 0, to = 0;
    for (unsigned i = 0; i <= n; i++) {
        for (from = to; from < text.len && !is_word(text.ptr[from]);)
            from++;
        for (to = from; to < text.len && is_word(text.ptr[to]);)
            to++;
    }
    gw_str word = gw_str_n(text.ptr + from, to - from);
    if (!word.len)
        return GW_NOSTR;
    bool number = gw_is_digit(word.ptr[word.len - 1]) || (word.len >= 8 && is_hex(word));
    gw_str made = gw_arena_printf(arena, "%.*s%s%.*s", (int)to, text.ptr, number ? "" : "x",
                                  GW_FMT(gw_str_from(text, to)));
    if (made.len && number)
        ((char *)(uintptr_t)made.ptr)[to - 1] = next_digit(text.ptr[to - 1]);
    return made;
}

/* False when there is no such variation. An empty text has only one. */
static bool vary_text(gw_str *text, unsigned variation, struct gw_arena *arena)
{
    gw_str made;
    if (variation == 0) {
        *text = GW_NOSTR;
        return true;
    }
    if (gw_str_eq(*text, GW_STR("true")) || gw_str_eq(*text, GW_STR("false"))) {
        *text = text->len == 4 ? GW_STR("false") : GW_STR("true");
        return variation == 1;
    }
    if (variation == 1)
        made = gw_arena_printf(arena, "%.*sx", GW_FMT(*text));
    else
        made = variation - 2 < WORDS ? other_word(arena, *text, variation - 2) : GW_NOSTR;
    if (!made.len)
        return false;
    *text = made;
    return true;
}

static bool vary_int(int64_t *v, unsigned variation, int64_t absent)
{
    if (variation == 0)
        *v = absent;
    else
        *v = variation == 1          ? (*v > 1    ? *v - 1
                                        : *v == 1 ? 0
                                                  : *v + 1)
             : *v < INT64_MAX - 1000 ? *v + 1000
                                     : *v;
    return variation <= 2;
}

static void vary_value(struct dd_value *v, struct gw_arena *arena)
{
    switch (v->type) {
    case DD_V_STRING:
    case DD_V_BYTES:
        v->s = gw_arena_printf(arena, "%.*sx", GW_FMT(v->s));
        break;
    case DD_V_BOOL:
        v->b = !v->b;
        break;
    case DD_V_INT:
        (void)vary_int(&v->i, 1, 0);
        break;
    case DD_V_DOUBLE:
        v->d = v->d == 0 ? 1 : v->d / 2;
        break;
    case DD_V_ARRAY:
        for (size_t i = 0; i < v->array.n; i++)
            vary_value(&v->array.items[i], arena);
        break;
    case DD_V_LIST:
        for (size_t i = 0; i < v->list.n; i++)
            vary_value(&v->list.attrs[i].value, arena);
        break;
    }
}

static bool vary_number(struct dd_number *n, unsigned variation)
{
    union dd_number_value v = {.u = n->u};
    double d = dd_number_double(n->kind, v);
    if (variation > 2)
        return false;
    if (n->kind == DD_INT && vary_int(&n->i, variation, 0))
        return true;
    n->kind = DD_DOUBLE;
    n->d = variation == 1 ? (d == 0 ? 1 : d / 2) : d + 1;
    return true;
}

#define TAKE(list, n, i)                                                                                     \
    do {                                                                                                     \
        (n)--;                                                                                               \
        memmove(&(list)[i], &(list)[(i) + 1], ((n) - (i)) * sizeof *(list));                                 \
    } while (0)

static bool vary_texts(struct dd_text *list, size_t *n, size_t i, unsigned variation, struct gw_arena *arena)
{
    if (i >= *n)
        return false;
    if (variation)
        return vary_text(&list[i].value, variation, arena);
    TAKE(list, *n, i);
    return true;
}

static bool vary_numbers(struct dd_number *list, size_t *n, size_t i, unsigned variation)
{
    if (i >= *n)
        return false;
    if (variation)
        return vary_number(&list[i], variation);
    TAKE(list, *n, i);
    return true;
}

static bool vary_event(struct dd_span *s, size_t i, unsigned variation, struct gw_arena *arena)
{
    if (i >= s->events_n)
        return false;
    struct dd_event *e = &s->events[i];
    if (variation == 0)
        TAKE(s->events, s->events_n, i);
    else if (variation == 1)
        e->name = gw_arena_printf(arena, "%.*sx", GW_FMT(e->name));
    else if (variation == 2)
        e->time_unix_nano += e->time_unix_nano < INT64_MAX ? 1 : 0;
    for (size_t a = 0; variation == 2 && a < e->attrs_n; a++)
        vary_value(&e->attrs[a].value, arena);
    return variation <= 2;
}

static bool vary_link(struct dd_span *s, size_t i, unsigned variation, struct gw_arena *arena)
{
    if (i >= s->links_n)
        return false;
    struct dd_link *k = &s->links[i];
    if (variation == 0) {
        TAKE(s->links, s->links_n, i);
    } else if (variation == 1) {
        k->trace_id ^= 1;
        k->span_id ^= 2;
        k->flags ^= 1;
        k->dropped++;
        k->tracestate = GW_NOSTR;
    } else if (variation == 2) {
        k->trace_id_high ^= 1;
        for (size_t a = 0; a < k->attrs_n; a++)
            (void)vary_text(&k->attrs[a].value, 1, arena);
    }
    return variation <= 2;
}

/* As far as they are texts: of structures there is no other one that is sure to be one. */
static bool vary_struct(struct dd_span *s, size_t i, unsigned variation)
{
    if (variation || i >= s->meta_struct_n)
        return false;
    TAKE(s->meta_struct, s->meta_struct_n, i);
    return true;
}

static bool vary_error(struct dd_span *s, unsigned variation)
{
    s->error = variation ? !s->error : 0;
    return variation <= 1;
}

/* A span without a parent gets one that nobody knows. */
static bool vary_parent(struct dd_span *s, unsigned variation)
{
    s->parent_id = variation == 0 ? 0 : s->parent_id ^ 1;
    return variation <= 1;
}

static bool vary_times(const struct dd_explain_source *src, unsigned variation, struct dd_span *s)
{
    int64_t *v = src->kind == DD_SRC_START ? &s->start : &s->duration;
    *v = variation && *v < INT64_MAX - 1000 ? *v + 1000 : 0;
    return variation <= 1;
}

bool dd_vary_span(const struct dd_explain_source *src, unsigned variation, struct dd_span *s,
                  struct gw_arena *arena)
{
    switch (src->kind) {
    case DD_SRC_SERVICE:
        return vary_text(&s->service, variation, arena);
    case DD_SRC_NAME:
        return vary_text(&s->name, variation, arena);
    case DD_SRC_RESOURCE:
        return vary_text(&s->resource, variation, arena);
    case DD_SRC_TYPE:
        return vary_text(&s->type, variation, arena);
    case DD_SRC_PARENT_ID:
        return vary_parent(s, variation);
    case DD_SRC_START:
    case DD_SRC_DURATION:
        return vary_times(src, variation, s);
    case DD_SRC_ERROR:
        return vary_error(s, variation);
    case DD_SRC_LINK:
        return vary_link(s, src->index, variation, arena);
    case DD_SRC_EVENT:
        return vary_event(s, src->index, variation, arena);
    case DD_SRC_META:
        return vary_texts(s->meta, &s->meta_n, src->index, variation, arena);
    case DD_SRC_METRIC:
        return vary_numbers(s->metrics, &s->metrics_n, src->index, variation);
    case DD_SRC_STRUCT:
        return vary_struct(s, src->index, variation);
    default:
        return false; /* ids say themselves what they become; the others are not the span's */
    }
}

static bool vary_small(int *v, unsigned variation, int absent)
{
    *v = variation == 0 ? absent : *v == 1 ? 2 : 1;
    return variation <= 1;
}

bool dd_vary_chunk(const struct dd_explain_source *src, unsigned variation, struct dd_chunk *c,
                   struct gw_arena *arena)
{
    switch (src->kind) {
    case DD_SRC_CHUNK_PRIORITY:
        return vary_small(&c->priority, variation, DD_NO_PRIORITY);
    case DD_SRC_CHUNK_MECHANISM:
        return vary_small(&c->mechanism, variation, DD_NO_MECHANISM);
    case DD_SRC_CHUNK_ORIGIN:
        return vary_text(&c->origin, variation, arena);
    case DD_SRC_CHUNK_HIGH:
        c->high = variation ? c->high ^ 1 : 0;
        return variation <= 1;
    case DD_SRC_CHUNK_META:
        return vary_texts(c->meta, &c->meta_n, src->index, variation, arena);
    case DD_SRC_CHUNK_METRIC:
        return vary_numbers(c->metrics, &c->metrics_n, src->index, variation);
    default:
        return false;
    }
}

bool dd_vary_payload(const struct dd_explain_source *src, unsigned variation, struct dd_payload *p,
                     struct gw_arena *arena)
{
    if (src->kind == DD_SRC_PAYLOAD_FIELD)
        return text_at(p, &payload_places[src->index])->len &&
               vary_text(text_at(p, &payload_places[src->index]), variation, arena);
    return src->kind == DD_SRC_PAYLOAD_TAG && vary_texts(p->tags, &p->tags_n, src->index, variation, arena);
}

bool dd_vary_request(const struct dd_explain_source *src, unsigned variation, struct dd_request *r,
                     struct gw_arena *arena)
{
    return src->kind == DD_SRC_HEADER && vary_text(text_at(r, &header_places[src->index]), variation, arena);
}

static bool is_among(gw_str name, const gw_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(name, names[i]))
            return true;
    return false;
}

#define TAKE_IF(list, n, condition)                                                                          \
    for (size_t i = 0; i < (n);)                                                                             \
        if (condition)                                                                                       \
            TAKE(list, n, i);                                                                                \
        else                                                                                                 \
            i++

void dd_take_tags(struct dd_span *s, const gw_str *names, size_t names_n)
{
    TAKE_IF(s->meta, s->meta_n, is_among(s->meta[i].key, names, names_n));
    TAKE_IF(s->metrics, s->metrics_n, is_among(s->metrics[i].key, names, names_n));
    TAKE_IF(s->meta_struct, s->meta_struct_n, is_among(s->meta_struct[i].key, names, names_n));
}

void dd_take_twins(const struct dd_explain_source *src, struct dd_span *s)
{
    size_t own = src->index;
    for (size_t i = s->meta_n; i-- > 0;)
        if (gw_str_eq(s->meta[i].key, src->name) && (src->kind != DD_SRC_META || i != own))
            TAKE(s->meta, s->meta_n, i);
    for (size_t i = s->metrics_n; i-- > 0;)
        if (gw_str_eq(s->metrics[i].key, src->name) && (src->kind != DD_SRC_METRIC || i != own))
            TAKE(s->metrics, s->metrics_n, i);
    for (size_t i = s->meta_struct_n; i-- > 0;)
        if (gw_str_eq(s->meta_struct[i].key, src->name) && (src->kind != DD_SRC_STRUCT || i != own))
            TAKE(s->meta_struct, s->meta_struct_n, i);
}

void dd_take_others(const struct dd_explain_source *src, struct dd_span *s)
{
    if (src->kind != DD_SRC_TYPE)
        s->type = GW_NOSTR;
    if (src->kind != DD_SRC_NAME)
        s->name = GW_NOSTR;
    if (src->kind != DD_SRC_RESOURCE)
        s->resource = GW_NOSTR;
    if (src->kind != DD_SRC_ERROR)
        s->error = 0;
    if (src->kind != DD_SRC_LINK)
        s->links_n = 0;
    if (src->kind != DD_SRC_EVENT)
        s->events_n = 0;
    TAKE_IF(s->meta, s->meta_n, !gw_str_eq(s->meta[i].key, src->name));
    TAKE_IF(s->metrics, s->metrics_n, !gw_str_eq(s->metrics[i].key, src->name));
    TAKE_IF(s->meta_struct, s->meta_struct_n, !gw_str_eq(s->meta_struct[i].key, src->name));
}

void dd_take_other_chunk(const struct dd_explain_source *src, struct dd_chunk *c)
{
    if (src->kind != DD_SRC_CHUNK_PRIORITY)
        c->priority = DD_NO_PRIORITY;
    if (src->kind != DD_SRC_CHUNK_MECHANISM)
        c->mechanism = DD_NO_MECHANISM;
    if (src->kind != DD_SRC_CHUNK_ORIGIN)
        c->origin = GW_NOSTR;
    if (src->kind != DD_SRC_CHUNK_HIGH)
        c->high = 0;
    TAKE_IF(c->meta, c->meta_n, src->kind != DD_SRC_CHUNK_META || !gw_str_eq(c->meta[i].key, src->name));
    TAKE_IF(c->metrics, c->metrics_n,
            src->kind != DD_SRC_CHUNK_METRIC || !gw_str_eq(c->metrics[i].key, src->name));
}

void dd_take_other_payload(const struct dd_explain_source *src, struct dd_payload *p)
{
    for (size_t i = 0; i < PAYLOAD_PLACES; i++)
        if (src->kind != DD_SRC_PAYLOAD_FIELD || src->index != i)
            *text_at(p, &payload_places[i]) = GW_NOSTR;
    TAKE_IF(p->tags, p->tags_n, src->kind != DD_SRC_PAYLOAD_TAG || !gw_str_eq(p->tags[i].key, src->name));
}

void dd_take_other_request(const struct dd_explain_source *src, struct dd_request *r)
{
    for (size_t i = 0; i < HEADER_PLACES; i++)
        if (src->kind != DD_SRC_HEADER || src->index != i)
            *text_at(r, &header_places[i]) = GW_NOSTR;
}
