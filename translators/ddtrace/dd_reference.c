/* Prints docs/reference/mapping.md from the translator's own tables.
 *
 * Keeps no state. Called by `ddgate --reference` through dd_mapping_reference.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"
#include "translators/metrics/span_duration_metric.h"
#include "translators/tags/dd_tag_rows.h"

static const struct {
    const char *name, *from;
} resource_rows[] = {
#define RES(id, name, standing, from) {name, from},
#include "translators/ddtrace/dd_resource.def"
#undef RES
};

static void print_intro(FILE *to)
{
    fputs("# What becomes of a Datadog span\n\n"
          "<!-- Generated from the tables in the code by `ddgate --reference`: edit those. -->\n\n"
          "Attribute names are those of OpenTelemetry's semantic conventions " DD_SEMCONV_VERSION
          "; `schema_url` is\n"
          "`" DD_SCHEMA_URL "`.\n\n"
          "An exporter's `mode` says how much of this it gets:\n\n"
          "| mode | attributes of the conventions | the tracer's own tags | event `exception` of error.* |\n"
          "| --- | --- | --- | --- |\n"
          "| `otel` (default) | yes | those that nothing else says | yes |\n"
          "| `both` | yes | all | yes |\n"
          "| `datadog` | no | all | no |\n\n"
          "In every mode each span has `operation.name`, `resource.name` and `span.type` (Datadog's name, "
          "resource and type), and where the\n"
          "chunk says so `sampling.priority` and `datadog.origin`. A tag that is not listed here arrives "
          "unchanged under its own name. An\n"
          "attribute is written once: a tag under the attribute's own name comes first, then a number of "
          "`metrics`, then a text of `meta`,\n"
          "then what is derived; a tag that says something else than the attribute stays under its own "
          "name.\n\n",
          to);
}

static void print_resource(FILE *to)
{
    fputs("## The resource\n\n"
          "Spans are grouped by service, env, version, runtime id, host and language. Attributes of the "
          "option `resource` come before all\n"
          "of these; tags of the option `promote` are added.\n\n"
          "| attribute | from |\n| --- | --- |\n",
          to);
    for (size_t i = 0; i < sizeof resource_rows / sizeof *resource_rows; i++)
        fprintf(to, "| `%s` | %s |\n", resource_rows[i].name, resource_rows[i].from);
}

static const char *type_name(unsigned type)
{
    static const char *const names[] = {"text", "integer", "double", "bool", "array of text"};
    return names[type];
}

static const char *when_text(unsigned when)
{
    switch (when) {
    case DD_ANY:
        return "";
    case DD_SERVER:
        return "Server spans. ";
    case DD_CLIENT:
        return "Client spans. ";
    case DD_NOT_SERVER:
        return "All but server spans. ";
    case DD_KEEP:
        return "Stays. ";
    default:
        return "";
    }
}

static const char *place_name(unsigned when)
{
    return when == DD_RESOURCE ? "resource" : when == DD_SPAN ? "span" : "";
}

static void print_tags(FILE *to)
{
    fputs("\n## Tags of spans\n\n| tag | becomes | type | note |\n| --- | --- | --- | --- |\n", to);
    for (unsigned i = DD_ATTRS; i < DD_NAMES; i++) {
        const struct dd_name_row *row = &dd_names[i], *attr = &dd_names[row->to];
        fprintf(to, "| `%s` | ", row->name.ptr);
        if (row->to != DD_A_NONE)
            fprintf(to, "`%s` | %s", attr->name.ptr, type_name(attr->type));
        else
            fprintf(to, "%s | ", place_name(row->when));
        fprintf(to, " | %s%s |\n", when_text(row->when), row->note);
    }
    fputs("| `http.request.headers.X`, `http.response.headers.X` | `http.request.header.x`, "
          "`http.response.header.x` | array of text | |\n"
          "| `_dd.p.*` | span | | `t.*` in trace_state, where they fit; others stay. |\n",
          to);
}

static void print_tag_list(FILE *to, enum dd_tag_list which, const char *title, const char *rest)
{
    fprintf(to, "\n## %s\n\n| tag | attribute | note |\n| --- | --- | --- |\n", title);
    for (size_t i = 0; dd_tag_row(which, i); i++)
        fprintf(to, "| `%.*s` | `%.*s`%s | %s |\n", GW_FMT(dd_tag_row(which, i)->tag),
                GW_FMT(dd_tag_row(which, i)->attribute), dd_tag_row(which, i)->array ? " (array)" : "",
                dd_tag_row(which, i)->note);
    fprintf(to, "| others | `%s` | |\n", rest);
}

static void print_peers(FILE *to)
{
    gw_str tag;
    fputs("\n## Peer tags, on points of span durations\n\n| tag | attribute |\n| --- | --- |\n", to);
    for (size_t i = 0; (tag = span_duration_peer_tag(i)).len; i++)
        fprintf(to, "| `%.*s` | `%.*s` |\n", GW_FMT(tag), GW_FMT(span_duration_peer_name(tag)));
}

/* Values of a Datakit point that become fields of the span. */
static const struct {
    const char *name, *field, *becomes;
} point_fields[] = {
    {"`service`", "service", "`service.name` of the resource"},
    {"`operation`", "name", "`operation.name`; the span's name where nothing better is known"},
    {"`resource`", "resource", "`resource.name`"},
    {"`type`, `source_type`", "type", "`span.type`; `custom` is none"},
    {"`status`", "error", "the status; `error` and `critical` are errors"},
    {"`trace_id`, `span_id`, `parent_id`", "the same", "the ids"},
    {"`start`, `duration`", "start, duration", "start and end; µs there, ns here"},
    {"`span_type`", "", "nothing: it is found from the ids"},
    {"`message`", "the span itself", "the span, where it is one"}};

static void print_point_row(FILE *to, const char *point, const char *tag)
{
    unsigned name = dd_name_of(gw_str_z(tag), dd_hash(gw_str_z(tag)));
    const struct dd_name_row *row = name == DD_UNKNOWN ? NULL : &dd_names[name];
    fprintf(to, "| `%s` | `%s` | ", point, tag);
    if (row && row->to < DD_ATTRS)
        fprintf(to, "`%s` |\n", dd_names[row->to].name.ptr);
    else
        fprintf(to, "%s |\n", row && *row->note ? row->note : "the same name");
}

static void print_points(FILE *to)
{
    fputs("\n## Datakit's names\n\nWhat stands in the points that a Datakit makes of spans "
          "(docs/datakit.md), in the spans of "
          "tracers, and in OpenTelemetry.\n\n"
          "| Datakit | Datadog | OpenTelemetry |\n| --- | --- | --- |\n",
          to);
    for (size_t i = 0; i < sizeof point_fields / sizeof *point_fields; i++)
        fprintf(to, "| %s | %s | %s |\n", point_fields[i].name, point_fields[i].field,
                point_fields[i].becomes);
#define POINT_TAG(point, tag, also, number) print_point_row(to, point, tag);
#include "translators/ddtrace/dd_points.def"
#undef POINT_TAG
    fputs("| others | the same, with dots and dashes as underscores | the tag's own row above |\n", to);
}

void dd_mapping_reference(FILE *to)
{
    dd_names_init();
    print_intro(to);
    print_resource(to);
    print_tags(to);
    print_tag_list(to, DD_TAGS_CONTAINER, "Container tags (`_dd.tags.container`), on the resource",
                   "datadog.container.<tag>");
    print_tag_list(to, DD_TAGS_PROCESS,
                   "Process tags (`_dd.tags.process`, X-Datadog-Process-Tags), on the resource",
                   "datadog.process.<tag>");
    print_peers(to);
    print_points(to);
}
