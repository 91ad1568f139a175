/* Words of explanations: takes them from the tables of the mapping.
 *
 * Keeps no state. Called by dd_explain_span.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_explain_words.h"

#include "translators/ddtrace/dd_names.h"
#include "translators/tags/dd_tag_rows.h"

enum { NAMED = 4 };

static const struct {
    const char *name, *from;
} resource_rows[] = {
#define RES(id, name, standing, from) {name, from},
#include "translators/ddtrace/dd_resource.def"
#undef RES
};

/* What a field of the sent span says. */
static const struct {
    const char *name, *why;
} field_rows[] = {
    {"traceId", "the trace id: trace_id below, the upper half as the chunk or a span of it says (_dd.p.tid)"},
    {"spanId", "the span id"},
    {"parentSpanId", "the parent's span id"},
    {"traceState", "W3C's tracestate, made of what tracers propagate (dd=, ot=) and of the tag tracestate"},
    {"name", "the name by the conventions of the span's area, else the operation's (option span_name)"},
    {"kind", "span.kind; absent or unknown: concluded from type, name and tags"},
    {"startTimeUnixNano", "nanoseconds since 1970"},
    {"endTimeUnixNano", "the start and the duration together"},
    {"flags", "bit 0: sampled, by the sampling priority; bits 8 and 9: whether the parent is remote"},
    {"status.code", "error, or otel.status_code before it"},
    {"status.message", "the message of an error, or otel.status_description before it"},
    {"scope.name", "datadog.<component>, or the name that the instrumentation says (otel.scope.name)"},
    {"scope.version", "the tracer's version, or that of an instrumentation that names itself"},
};

/* What a field of a received span is for. */
static const struct {
    const char *name, *why;
} received_rows[] = {
    {"service", "service.name of the resource, by which spans are grouped"},
    {"name", "Datadog's operation name; the span's own name where the conventions have no better one"},
    {"resource", "Datadog's resource; the span's name is often made of it"},
    {"type", "Datadog's type; the kind is concluded from it where no tag says it"},
    {"trace_id", "the lower half of the trace id"},
    {"span_id", "the span id"},
    {"parent_id", "the parent's span id; 0: the span is a root"},
    {"start", "nanoseconds since 1970"},
    {"duration", "nanoseconds; the end is start + duration"},
    {"error", "1: the status is an error; 0: there is none"},
};

#define FIND(table, text)                                                                                    \
    for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++)                                             \
        if (gw_str_eq(gw_str_z((table)[i].name), (text)))                                                    \
    return gw_str_z((table)[i].why)

static gw_str field_words(gw_str name)
{
    FIND(field_rows, name);
    return GW_STR("a field of the span");
}

static gw_str received_words(gw_str name)
{
    FIND(received_rows, name);
    return gw_str_starts(name, GW_STR("span_links")) ? GW_STR("a link of the span")
                                                     : GW_STR("an event of the span");
}

static const char *resource_words(gw_str name)
{
    for (size_t i = 0; i < sizeof resource_rows / sizeof *resource_rows; i++)
        if (gw_str_eq(gw_str_z(resource_rows[i].name), name))
            return resource_rows[i].from;
    return NULL;
}

/* The row of a tag; NULL: the table does not have it. Attributes' own names have rows too. */
static const struct dd_name_row *row_of(gw_str name)
{
    unsigned number = dd_name_of(name, dd_hash(name));
    return number == DD_UNKNOWN ? NULL : &dd_names[number];
}

static bool is_tag_row(const struct dd_name_row *row)
{
    return row && row - dd_names >= DD_ATTRS;
}

static bool is_header(gw_str name)
{
    return gw_str_starts(name, GW_STR("http.request.headers.")) ||
           gw_str_starts(name, GW_STR("http.response.headers."));
}

/* The name with which a tag's row of the reference begins; empty: it has none. */
static gw_str row_name(gw_str tag)
{
    return is_tag_row(row_of(tag))                ? tag
           : is_header(tag)                       ? GW_STR("http.request.headers.X")
           : gw_str_starts(tag, GW_STR("_dd.p.")) ? GW_STR("_dd.p.*")
                                                  : GW_NOSTR;
}

bool dd_explain_stripped(const struct dd_options *opt, gw_str name)
{
    for (size_t i = 0; i < opt->strip.n; i++) {
        gw_str item = opt->strip.items[i];
        bool open = item.len && item.ptr[item.len - 1] == '*';
        if (open ? gw_str_starts(name, gw_str_n(item.ptr, item.len - 1)) : gw_str_eq(name, item))
            return true;
    }
    return false;
}

/* "a, b and 3 more" */
static gw_str join_names(struct gw_arena *arena, const gw_str *names, size_t n)
{
    gw_str text = GW_NOSTR;
    for (size_t i = 0; i < n && i < NAMED; i++)
        text = gw_arena_printf(arena, "%.*s%s%.*s", GW_FMT(text), i ? ", " : "", GW_FMT(names[i]));
    if (n > NAMED)
        text = gw_arena_printf(arena, "%.*s and %zu more", GW_FMT(text), n - NAMED);
    return text;
}

static const char *when_words(const struct dd_name_row *row)
{
    return row->when == DD_SERVER       ? " (of server spans)"
           : row->when == DD_CLIENT     ? " (of client spans)"
           : row->when == DD_NOT_SERVER ? " (of all but server spans)"
                                        : "";
}

/* A tag that became an attribute of another name. */
static gw_str rename_words(struct gw_arena *arena, enum dd_explained_section section, gw_str tag,
                           gw_str attribute)
{
    const struct dd_name_row *row = row_of(tag);
    if (is_tag_row(row) && *row->note)
        return gw_str_z(row->note);
    if (section == DD_OF_CHUNK && !row)
        return GW_STR("the chunk says it, for all its spans");
    if (is_header(tag))
        return GW_STR("a header of the request or the response, in lower case, as an array");
    return gw_arena_printf(arena, "OpenTelemetry's name of %.*s is %.*s%s", GW_FMT(tag), GW_FMT(attribute),
                           is_tag_row(row) ? when_words(row) : "");
}

/* A tag that is an attribute of the same name. */
static gw_str keep_words(struct gw_arena *arena, gw_str tag)
{
    const struct dd_name_row *row = row_of(tag);
    if (!row)
        return GW_STR("no row of the mapping has this tag: it stays as it is");
    if (!is_tag_row(row))
        return GW_STR("the tag has the name that OpenTelemetry has for it");
    if (row->to != DD_A_NONE && row->when != DD_KEEP)
        return gw_arena_printf(arena, "stays: %.*s says something else, or the value does not fit it%s",
                               GW_FMT(dd_names[row->to].name), when_words(row));
    return *row->note ? gw_str_z(row->note) : GW_STR("stays under its own name");
}

/* --- what was sent --- */

static gw_str static_value(const struct dd_options *opt, gw_str name)
{
    for (size_t i = 0; i < opt->resource.n; i++)
        if (gw_str_eq(opt->resource.items[i].key, name))
            return GW_STR("option resource of the configuration");
    return GW_NOSTR;
}

static const struct dd_tag_row *list_row(gw_str attribute)
{
    for (int which = 0; which < 2; which++)
        for (size_t i = 0; dd_tag_row((enum dd_tag_list)which, i); i++)
            if (gw_str_eq(dd_tag_row((enum dd_tag_list)which, i)->attribute, attribute))
                return dd_tag_row((enum dd_tag_list)which, i);
    return NULL;
}

static void resource_item(struct gw_arena *arena, const struct dd_options *opt,
                          struct dd_explained_item *item)
{
    const char *words = resource_words(item->name);
    const struct dd_tag_row *row = list_row(item->name);
    gw_str fixed = static_value(opt, item->name);
    bool list = item->from_n && gw_str_starts(item->from[0], GW_STR("_dd.tags."));
    if (fixed.len) {
        item->why = fixed;
    } else if (row && (list || !words)) {
        item->why = gw_arena_printf(arena, "%.*s of the container or process tags", GW_FMT(row->tag));
        item->row = row->tag;
    } else if (words) {
        item->why = gw_str_z(words);
        item->row = item->name;
    } else {
        item->why = item->from_n && gw_str_eq(item->from[0], item->name)
                        ? GW_STR("option promote: the tag is an attribute of the resource")
                        : GW_STR("one of the container or process tags, under its own name");
    }
}

static void event_item(struct dd_explained_item *item)
{
    const struct dd_name_row *row = item->from_n ? row_of(item->from[0]) : NULL;
    bool native = item->from_n && gw_str_starts(item->from[0], GW_STR("span_"));
    item->why = native                          ? GW_STR("as the tracer sent it")
                : is_tag_row(row) && *row->note ? gw_str_z(row->note)
                                                : GW_STR("the event exception, made of the error.* tags");
    item->row = item->from_n ? row_name(item->from[0]) : GW_NOSTR;
}

static void span_item(struct gw_arena *arena, const struct dd_item_origin *o, struct dd_explained_item *item)
{
    gw_str first = item->from[0];
    item->row = row_name(first);
    if (o->has_section && o->section == DD_OF_SPAN)
        item->why = gw_arena_printf(arena, "the span's %.*s", GW_FMT(first));
    else if (o->has_section && o->section == DD_OF_CHUNK && !row_of(first))
        item->why = gw_arena_printf(arena, "the chunk's %.*s, for all its spans", GW_FMT(first));
    else
        item->why = gw_str_eq(first, item->name) ? keep_words(arena, first)
                                                 : rename_words(arena, o->section, first, item->name);
}

static void made_item(struct gw_arena *arena, const struct dd_options *opt, const struct dd_item_origin *o,
                      struct dd_explained_item *item)
{
    const char *words = item->place == DD_AT_RESOURCE ? resource_words(item->name) : NULL;
    gw_str fixed = item->place == DD_AT_RESOURCE ? static_value(opt, item->name) : GW_NOSTR;
    if (fixed.len)
        item->why = gw_arena_printf(arena, "made by ddgate: %.*s", GW_FMT(fixed));
    else if (o->host)
        item->why = GW_STR("made by ddgate: this machine's name, for the tracer runs on it");
    else if (words)
        item->why = gw_arena_printf(arena, "made by ddgate: %s", words);
    else if (item->place == DD_AT_FIELD || item->place == DD_AT_SCOPE)
        item->why = gw_arena_printf(arena, "made by ddgate: %.*s", GW_FMT(field_words(item->name)));
    else
        item->why = GW_STR("made by ddgate: no single field or tag of the request changes it");
    item->row = words ? item->name : GW_NOSTR;
}

void dd_explain_item_words(struct gw_arena *arena, const struct dd_options *opt,
                           const struct dd_item_origin *o, struct dd_explained_item *item)
{
    if (!item->from_n) {
        made_item(arena, opt, o, item);
        return;
    }
    switch (item->place) {
    case DD_AT_RESOURCE:
        resource_item(arena, opt, item);
        break;
    case DD_AT_EVENT:
        event_item(item);
        break;
    case DD_AT_LINK:
        item->why = GW_STR("a link that the tracer sent");
        item->row = row_name(item->from[0]);
        break;
    case DD_AT_FIELD:
    case DD_AT_SCOPE:
        item->why = field_words(item->name);
        item->row = row_name(item->from[0]);
        break;
    case DD_AT_SPAN:
        span_item(arena, o, item);
        break;
    }
    if (o->of_others)
        item->why =
            gw_arena_printf(arena, "%.*s (another span of the request says it, too)", GW_FMT(item->why));
}

/* --- what was received --- */

static gw_str left_out_words(struct gw_arena *arena, const struct dd_options *opt,
                             const struct dd_part_story *s, const struct dd_explained_part *p)
{
    const struct dd_name_row *row = row_of(p->name);
    if (s->not_sent.len)
        return gw_arena_printf(arena, "the span was not sent: %.*s", GW_FMT(s->not_sent));
    if (p->section >= DD_OF_META && dd_explain_stripped(opt, p->name))
        return GW_STR("option strip leaves it out");
    if (s->not_tried)
        return GW_STR("not looked into: the request is too large for that");
    if (s->has_twin)
        return GW_STR("the name comes again: a number counts before a text, and the last before the others");
    if (p->section >= DD_OF_META && !p->name.len)
        return GW_STR("its name is empty, which OpenTelemetry does not allow");
    if (!p->value.len || gw_str_eq(p->value, GW_STR("\x0a\x00"))) /* a text */
        return GW_STR("it is empty");
    if (p->section == DD_OF_SPAN)
        return gw_arena_printf(arena, "%.*s; nothing that was sent depends on it",
                               GW_FMT(received_words(p->name)));
    if (is_tag_row(row) && *row->note)
        return gw_str_z(row->note);
    return GW_STR("nothing that was sent depends on it: something else says more, or the same");
}

static gw_str used_words(struct gw_arena *arena, const struct dd_part_story *s,
                         const struct dd_explained_part *p)
{
    const struct dd_name_row *row = row_of(p->name);
    if (s->decides)
        return GW_STR("decides whether the span is sent");
    if (s->says_same && p->to_n)
        return gw_arena_printf(arena, "says the same as %.*s", GW_FMT(p->to[0]));
    if (p->section == DD_OF_SPAN)
        return received_words(p->name);
    if (is_tag_row(row) && *row->note)
        return gw_str_z(row->note);
    return gw_arena_printf(arena, "decides on %.*s", GW_FMT(join_names(arena, s->rest, s->rest_n)));
}

static gw_str resource_part_words(struct gw_arena *arena, const struct dd_explained_part *p)
{
    const struct dd_name_row *row = row_of(p->name);
    if (p->section == DD_OF_SPAN)
        return received_words(p->name);
    if (gw_str_starts(p->name, GW_STR("_dd.tags.")))
        return GW_STR("each tag of the list is an attribute of its own");
    if (is_tag_row(row) && *row->note)
        return gw_str_z(row->note);
    return gw_arena_printf(arena, "%.*s of the resource", GW_FMT(join_names(arena, p->to, p->to_n)));
}

void dd_explain_part_words(struct gw_arena *arena, const struct dd_options *opt,
                           const struct dd_part_story *s, struct dd_explained_part *p)
{
    bool tag = p->section >= DD_OF_META || p->section == DD_OF_CHUNK || p->section == DD_OF_PAYLOAD;
    p->row = tag ? row_name(p->name) : GW_NOSTR;
    switch (p->fate) {
    case DD_FATE_RENAMED:
        p->why = p->section == DD_OF_SPAN ? received_words(p->name)
                                          : rename_words(arena, p->section, p->name, p->to[0]);
        break;
    case DD_FATE_KEPT:
        p->why = keep_words(arena, p->name);
        break;
    case DD_FATE_LEFT_OUT:
        p->why = left_out_words(arena, opt, s, p);
        break;
    case DD_FATE_USED:
        p->why = used_words(arena, s, p);
        break;
    default:
        p->why = resource_part_words(arena, p);
        break;
    }
    if (p->fate == DD_FATE_EVENT && p->section != DD_OF_SPAN && !(is_tag_row(row_of(p->name))))
        p->why = GW_STR("part of an event or a link");
    else if (p->fate == DD_FATE_FIELD && p->section != DD_OF_SPAN && !is_tag_row(row_of(p->name)))
        p->why = gw_arena_printf(arena, "part of %.*s", GW_FMT(join_names(arena, p->to, p->to_n)));
}
