/* Assigns spans to classes: reads the labels of a span or a plan, finds their class, and writes the
 * attributes of a new class (dd_class.h).
 *
 * A table belongs to a struct dd_durations. Called by dd_durations.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_class.h"

#include <arpa/inet.h>
#include <stdatomic.h>

#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_resource.h"
#include "translators/ddtrace/dd_semconv.h"
#include "translators/metrics/span_duration_metric.h"

enum { LONGEST_VALUE = 200, LONGEST_RESOURCE = 5000 /* the agent truncates at the same lengths */ };

/* The labels that any span may have; peers and dimensions follow. If several tags give the same label, the
 * first counts. */
enum label {
    L_KIND,
    L_HTTP_STATUS,
    L_HTTP_METHOD,
    L_HTTP_ROUTE,
    L_HTTP_ENDPOINT,
    L_GRPC,
    L_GRPC_LAST = L_GRPC + 4,
    L_SERVICE_SOURCE,
    L_PEERS
};
static const gw_str fixed[L_PEERS] = {
    [L_KIND] = GW_LIT("span.kind"),
    [L_HTTP_STATUS] = GW_LIT("http.status_code"),
    [L_HTTP_METHOD] = GW_LIT("http.method"),
    [L_HTTP_ROUTE] = GW_LIT("http.route"),
    [L_HTTP_ENDPOINT] = GW_LIT("http.endpoint"),
    [L_GRPC] = GW_LIT("rpc.grpc.status_code"),
    [L_GRPC + 1] = GW_LIT("grpc.code"),
    [L_GRPC + 2] = GW_LIT("rpc.grpc.status.code"),
    [L_GRPC + 3] = GW_LIT("grpc.status.code"),
    [L_GRPC_LAST] = GW_LIT("grpc.status_code"),
    [L_SERVICE_SOURCE] = GW_LIT("_dd.svc_src"),
};
#define BASE_SERVICE "_dd.base_service"

/* ---- the tags ---- */

static bool is_known_label(const struct dd_labels *l, gw_str key)
{
    for (unsigned i = 0; i < l->n; i++)
        if (gw_str_eq(l->keys[i], key))
            return true;
    return false;
}

static void add_label(struct dd_labels *l, gw_str key)
{
    if (!key.len || l->n == DD_LABELS || is_known_label(l, key))
        return;
    uint64_t hash = dd_hash(key);
    unsigned name = dd_name_of(key, hash);
    l->keys[l->n] = key;
    l->hashes[l->n] = (uint32_t)hash;
    if (name < DD_NAMES)
        l->of_name[name] = (uint8_t)(l->n + 1);
    else
        l->unknown |= (uint64_t)1 << (hash & 63);
    l->n++;
}

void dd_labels_init(struct dd_labels *l, const struct gw_list *dimensions, const struct gw_list *exclude,
                    unsigned field)
{
    *l = (struct dd_labels){.exclude = *exclude, .field = field};
    dd_names_init();
    for (unsigned i = 0; i < L_PEERS; i++)
        add_label(l, fixed[i]);
    l->peers = l->n;
    for (size_t i = 0; span_duration_peer_tag(i).len; i++)
        add_label(l, span_duration_peer_tag(i));
    l->dimensions = l->n;
    for (size_t i = 0; i < dimensions->n && i < DD_DIMENSIONS; i++)
        add_label(l, dimensions->items[i]);
}

/* Returns the label of a key, + 1; 0 if the key is not a label. */
static unsigned label_of(const struct dd_labels *l, unsigned name, gw_str key, uint32_t hash)
{
    if (name < DD_NAMES)
        return l->of_name[name];
    if (name == DD_DEAD || !(l->unknown >> (hash & 63) & 1))
        return 0;
    for (unsigned i = 0; i < l->n; i++)
        if (l->hashes[i] == hash && gw_str_eq(l->keys[i], key))
            return i + 1;
    return 0;
}

bool dd_is_label(const struct dd_labels *l, unsigned name, gw_str key)
{
    return label_of(l, name, key, (uint32_t)dd_hash(key));
}

/* ---- what a span says ---- */

static void note(struct dd_labelled *to, unsigned label, gw_str value)
{
    if (!label || !value.len)
        return;
    label--;
    to->value[label] = value;
    to->seen[label / 64] |= (uint64_t)1 << (label % 64);
}

static bool is_seen(const struct dd_labelled *s, unsigned label)
{
    return s->seen[label / 64] >> (label % 64) & 1;
}

static gw_str value_of(const struct dd_labelled *s, unsigned label)
{
    return is_seen(s, label) ? s->value[label] : GW_NOSTR;
}

static void note_number(struct dd_labelled *to, unsigned name, unsigned label, const struct dd_number *n,
                        struct gw_arena *arena)
{
    int64_t whole;
    double number = dd_number_as_double(n);
    to->top |= (name == DD_T_DD_TOP_LEVEL || name == DD_T_OLD_TOP_LEVEL) && number == 1;
    to->measured |= name == DD_T_DD_MEASURED && number == 1;
    to->partial |= name == DD_T_DD_PARTIAL_VERSION && number >= 0;
    if (!label)
        return;
    note(to, label,
         dd_number_is_int(n, &whole) ? dd_decimal(arena, whole) : gw_arena_printf(arena, "%g", number));
}

static void begin(struct dd_labelled *to)
{
    to->seen[0] = to->seen[1] = 0;
    to->top = to->measured = to->partial = false;
}

void dd_label_span(struct dd_labelled *to, const struct dd_labels *l, const struct dd_span *s,
                   const struct dd_key *keys, struct gw_arena *arena)
{
    begin(to);
    for (size_t i = 0; i < s->meta_n; i++)
        note(to, label_of(l, keys[i].name, s->meta[i].key, keys[i].hash), s->meta[i].value);
    keys += s->meta_n;
    for (size_t i = 0; i < s->metrics_n; i++)
        note_number(to, keys[i].name, label_of(l, keys[i].name, s->metrics[i].key, keys[i].hash),
                    &s->metrics[i], arena);
}

void dd_label_plan(struct dd_labelled *to, const struct dd_labels *l, const struct dd_plan *p,
                   struct gw_arena *arena)
{
    begin(to);
    for (size_t i = 0; i < (size_t)p->meta_n + p->metrics_n; i++) {
        const struct dd_expected *e = &p->entries[i];
        uint64_t hash = dd_hash(e->key);
        unsigned name = dd_name_of(e->key, hash), label = label_of(l, name, e->key, (uint32_t)hash);
        struct dd_number n = {.kind = e->number.kind, .u = e->number.bits};
        if (e->demand != DD_EQUAL) /* a plan compares the values of all labels (dd_learn.c) */
            continue;
        if (i < p->meta_n)
            note(to, label, e->text);
        else
            note_number(to, name, label, &n, arena);
    }
}

static bool is_kind(gw_str kind, const char *const *list)
{
    for (; *list; list++)
        if (gw_str_ieq(kind, gw_str_z(*list)))
            return true;
    return false;
}

bool dd_counts_anywhere(const struct dd_labelled *s)
{
    static const char *const kinds[] = {"server", "client", "producer", "consumer", NULL};
    return !s->partial && (s->measured || is_kind(value_of(s, L_KIND), kinds));
}

/* ---- peers ---- */

/* Matches an IP address, with or without a port. */
static bool is_address(gw_str value)
{
    char text[64];
    struct in6_addr to;
    if (value.len >= sizeof text)
        return false;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    if (inet_pton(AF_INET6, text, &to) == 1)
        return true;
    text[gw_str_find(value, ':')] = '\0';
    return inet_pton(AF_INET, text, &to) == 1;
}

/* Peers count for clients, producers and consumers, which communicate with another process. An internal span
 * counts only by its base service. */
static bool peer_counts(const struct dd_labels *l, const struct dd_labelled *s, unsigned label)
{
    static const char *const speak[] = {"client", "producer", "consumer", NULL};
    static const char *const inside[] = {"", "internal", NULL};
    gw_str kind = value_of(s, L_KIND);
    if (gw_str_eq(l->keys[label], GW_STR(BASE_SERVICE)) && is_kind(kind, inside))
        return true;
    return is_kind(kind, speak) && !is_address(s->value[label]);
}

/* ---- gRPC's codes ---- */

/* Returns "5" for NotFound, NOT_FOUND and StatusCode.NOT_FOUND. */
static gw_str grpc_code(const struct dd_labelled *s, struct gw_arena *arena)
{
    for (unsigned label = L_GRPC; label <= L_GRPC_LAST; label++) {
        int code = is_seen(s, label) ? dd_grpc_code(s->value[label]) : -1;
        if (code >= 0)
            return dd_decimal(arena, code);
    }
    return GW_NOSTR;
}

/* ---- the class ---- */

static gw_str cut(gw_str text, size_t longest)
{
    while (text.len > longest)
        for (text.len--; text.len && (text.ptr[text.len] & 0xC0) == 0x80;)
            text.len--;
    return text;
}

static void put(struct otlp_buf *w, gw_str text)
{
    uint32_t len = (uint32_t)text.len;
    otlp_append(w, gw_str_n((const char *)&len, sizeof len));
    otlp_append(w, text);
}

/* Returns whether the label distinguishes spans of this kind. */
static bool label_counts(const struct dd_labels *l, const struct dd_labelled *s, unsigned label)
{
    return is_seen(s, label) && (label < l->peers || label >= l->dimensions || peer_counts(l, s, label));
}

/* Writes everything from which the attributes are made. */
static gw_str write_raw(struct otlp_buf *w, const struct dd_labels *l, const struct dd_labelled *s,
                        const struct dd_class_of *c)
{
    char flags = (char)(c->error | c->top << 1 | c->root << 2 | c->synthetics << 3);
    w->len = 0;
    put(w, gw_str_n(&flags, 1));
    put(w, c->service);
    put(w, c->operation);
    put(w, c->resource);
    put(w, c->type);
    for (unsigned label = 0; label < l->n; label++)
        if (label_counts(l, s, label)) {
            char number = (char)label;
            otlp_append(w, gw_str_n(&number, 1));
            put(w, s->value[label]);
        }
    return otlp_written(w);
}

static size_t collect(struct span_duration_tag *to, const struct dd_labels *l, const struct dd_labelled *s,
                      unsigned from, unsigned end)
{
    size_t n = 0;
    for (unsigned label = from; label < end; label++)
        if (label_counts(l, s, label))
            to[n++] = (struct span_duration_tag){l->keys[label], cut(s->value[label], LONGEST_VALUE)};
    return n;
}

static bool is_excluded(const struct dd_labels *l, gw_str key)
{
    for (size_t i = 0; i < l->exclude.n; i++)
        if (gw_str_eq(l->exclude.items[i], key))
            return true;
    return false;
}

gw_str dd_without_excluded(const struct dd_labels *l, gw_str written)
{
    char *to = (char *)(uintptr_t)written.ptr, *begin = to;
    while (l->exclude.n && written.len) {
        gw_str at = written, key = dd_next_attribute(&written);
        size_t len = at.len - written.len;
        if (is_excluded(l, key))
            continue;
        memmove(to, at.ptr, len);
        to += len;
    }
    return l->exclude.n ? gw_str_n(begin, (size_t)(to - begin)) : written;
}

static gw_str write_attributes(struct dd_classes *t, const struct dd_labels *l, const struct dd_labelled *s,
                               const struct dd_class_of *c, struct gw_arena *arena)
{
    struct span_duration_tag peers[DD_LABELS], tags[DD_LABELS];
    uint64_t status = 0;
    gw_str route = value_of(s, L_HTTP_ROUTE);
    struct span_duration d = {.service = cut(c->service, LONGEST_VALUE),
                              .operation = cut(c->operation, LONGEST_VALUE),
                              .resource = cut(c->resource, LONGEST_RESOURCE),
                              .type = cut(c->type, LONGEST_VALUE),
                              .kind = value_of(s, L_KIND),
                              .error = c->error,
                              .synthetics = c->synthetics,
                              .top_level = c->top,
                              .trace_root = c->root ? SPAN_IS_ROOT : SPAN_IS_NO_ROOT,
                              .http_method = cut(value_of(s, L_HTTP_METHOD), LONGEST_VALUE),
                              .http_endpoint =
                                  cut(route.len ? route : value_of(s, L_HTTP_ENDPOINT), LONGEST_VALUE),
                              .grpc_status = grpc_code(s, arena),
                              .service_source = cut(value_of(s, L_SERVICE_SOURCE), LONGEST_VALUE),
                              .peer_tags = peers,
                              .tags = tags};
    if (gw_str_u64(value_of(s, L_HTTP_STATUS), &status) && status >= 100 && status <= 599)
        d.http_status = (unsigned)status;
    d.peer_tags_n = collect(peers, l, s, l->peers, l->dimensions);
    d.tags_n = collect(tags, l, s, l->dimensions, l->n);
    t->written.len = 0;
    span_duration_attributes(&t->written, l->field, &d);
    return dd_without_excluded(l, otlp_written(&t->written));
}

/* ---- the table ---- */

static void new_generation(struct dd_classes *t)
{
    static atomic_uint_least64_t last;
    t->generation = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

void dd_classes_init(struct dd_classes *t, struct gw_budget *account)
{
    *t = (struct dd_classes){0};
    gw_arena_init(&t->arena, DD_CLASS_BYTES);
    t->arena.account = account;
    new_generation(t);
}

void dd_classes_fini(struct dd_classes *t)
{
    gw_arena_fini(&t->arena);
    otlp_fini(&t->raw);
    otlp_fini(&t->written);
}

bool dd_classes_tidy(struct dd_classes *t)
{
    t->raw.failed = t->written.failed = false;
    if (!t->arena.spent)
        return false;
    gw_arena_reset(&t->arena, DD_CLASS_BYTES);
    memset(t->slots, 0, sizeof t->slots);
    new_generation(t);
    return true;
}

static struct dd_class *new_class(struct gw_arena *arena, uint64_t hash, gw_str raw, gw_str attributes)
{
    struct dd_class *c = gw_new(arena, struct dd_class, 1);
    if (!c)
        return NULL;
    *c = (struct dd_class){.hash = hash, .raw = gw_arena_dup(arena, raw)};
    c->attributes = gw_arena_dup(arena, attributes);
    return arena->spent ? NULL : c;
}

enum { LONGEST_CHAIN = 16 };

const struct dd_class *dd_class_of(struct dd_classes *t, const struct dd_labels *l,
                                   const struct dd_labelled *s, const struct dd_class_of *of,
                                   struct gw_arena *otherwise)
{
    gw_str raw = write_raw(&t->raw, l, s, of);
    uint64_t hash = dd_hash(raw);
    struct dd_class **slot = &t->slots[hash % DD_CLASS_SLOTS], *c = NULL;
    int chain = 0;
    for (const struct dd_class *at = *slot; at; at = at->next, chain++)
        if (at->hash == hash && gw_str_eq(at->raw, raw))
            return at;
    gw_str attributes = write_attributes(t, l, s, of, otherwise);
    if (t->raw.failed || t->written.failed)
        return NULL;
    if (chain < LONGEST_CHAIN && !t->arena.spent)
        c = new_class(&t->arena, hash, raw, attributes);
    if (!c)
        return new_class(otherwise, hash, raw, attributes);
    c->kept = true;
    c->next = *slot;
    return *slot = c;
}
