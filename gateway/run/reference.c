/* reference.c: Writes the reference pages and the sample configuration from the tables. Owns nothing.
 * Called by main.c for `ddgate --reference`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/reference.h"

#include <errno.h>
#include <string.h>

#include "core/base/err.h"
#include "core/delivery/ledger_report.h"
#include "core/diskqueue/disk_queue.h"
#include "gateway/admin/process_metrics.h"
#include "gateway/http/http.h"
#include "gateway/run/configuration.h"
#include "gateway/run/modules.h"
#include "gateway/run/pipeline.h"
#include "translators/ddtrace/dd_names.h"
#include "translators/logs/log_keys.h"

enum { SAMPLE_WIDTH = 110 };

static const char *const generated =
    "<!-- Generated from the tables in the code by `ddgate --reference`: edit those. -->\n\n";

/* '|' would end a cell. */
static void print_cell(FILE *to, const char *text)
{
    for (; *text; text++)
        *text == '|' ? fputs("\\|", to) : fputc(*text, to);
}

static void print_range(FILE *to, const struct gw_opt *row)
{
    char words[256];
    if (row->type == GW_OPT_choice || row->type == GW_OPT_groups) {
        gw_opt_words(row, words, sizeof words);
        print_cell(to, words);
    } else if (*row->min && *row->max) {
        fprintf(to, "%s … %s", row->min, row->max);
    } else if (*row->min || *row->max) {
        fprintf(to, "at %s %s", *row->min ? "least" : "most", *row->min ? row->min : row->max);
    }
}

/* "a duration" without its article */
static const char *type_name(enum gw_opt_type type)
{
    const char *text = gw_opt_type_text(type);
    return strncmp(text, "a ", 2) == 0 ? text + 2 : type == GW_OPT_choice ? "word" : text;
}

static void print_table(FILE *to, const struct gw_opt *rows)
{
    fputs("| option | type | default | range | |\n| --- | --- | --- | --- | --- |\n", to);
    for (; rows->type != GW_OPT_END_ROW; rows++) {
        fprintf(to, "| `%s` | %s | %s", rows->name, type_name(rows->type), *rows->value ? "`" : "");
        print_cell(to, rows->value);
        fprintf(to, "%s | ", *rows->value ? "`" : "");
        print_range(to, rows);
        fputs(" | ", to);
        print_cell(to, rows->text);
        fputs(" |\n", to);
    }
    fputc('\n', to);
}

static void print_types(FILE *to)
{
    fputs("## How values are written\n\n| type | |\n| --- | --- |\n", to);
    for (int type = GW_OPT_str; type <= GW_OPT_groups; type++)
        fprintf(to, "| %s | %s |\n", type_name((enum gw_opt_type)type),
                gw_opt_type_hint((enum gw_opt_type)type));
    fputs(
        "\nDurations have a unit (`ns us ms s m h d`), and so have sizes (`B KiB MiB GiB TiB`; a number "
        "alone is "
        "bytes). An option with\n"
        "a dot in its name is in a group: `tls.ca` is `tls = { ca = \"…\"; };`.\n\n"
        "A text may contain `${env:NAME}` (the environment variable; it is an error if it is not set), "
        "`${env:NAME:-default}` and\n"
        "`${file:/path}` (the file's contents without the newline at its end), so the configuration need not "
        "contain secrets;\n"
        "write `$${` for the characters `${`. Such a text is also accepted for numbers and for true and "
        "false. "
        "Inserted values\nare never shown.\n\n"
        "libconfig's `@include \"other.conf\"` works at the start of a line; the name is relative to the "
        "configuration file's folder.\n"
        "In an included file, a number above 2147483647 needs an `L` at its end.\n\n",
        to);
}

void gw_reference_environment(void (*variable)(void *ctx, const char *name, const char *option), void *ctx)
{
    static const char *const rows[][2] = {
        {"OTEL_EXPORTER_OTLP_ENDPOINT", "`endpoint`"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `…_LOGS_ENDPOINT`, `…_METRICS_ENDPOINT",
         "`traces_endpoint`, … of `otlp_http`: the whole URL; the traces' own is `endpoint` of `otlp_grpc`"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL", "`encoding` of `otlp_http`: `http/protobuf` or `http/json`"},
        {"OTEL_EXPORTER_OTLP_HEADERS", "`headers`, written `key=value,key=value`, percent-encoded"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION", "`compression`"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT", "`timeout`, in milliseconds"},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE", "`tls.ca`"},
        {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "`tls.key`"},
        {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "`tls.cert`"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        variable(ctx, rows[i][0], rows[i][1]);
}

static void print_variable(void *to, const char *name, const char *option)
{
    fprintf(to, "| `%s` | %s |\n", name, option);
}

static void print_environment(FILE *to)
{
    fputs("## OpenTelemetry's environment variables\n\n"
          "If the configuration of an exporter whose type begins with `otlp_` does not set an option, its "
          "variable "
          "does. For traces,\n"
          "`OTEL_EXPORTER_OTLP_TRACES_…` has precedence over `OTEL_EXPORTER_OTLP_…`.\n\n"
          "| variable | option |\n| --- | --- |\n",
          to);
    gw_reference_environment(print_variable, to);
    fputs("\nIf no exporter is configured and an endpoint is set, data is sent there instead of to standard "
          "output: "
          "by `otlp_grpc`, or by\n"
          "`otlp_http` if `OTEL_EXPORTER_OTLP_PROTOCOL` begins with `http/`.\n",
          to);
}

static void write_configuration(FILE *to)
{
    fputs("# Configuration reference\n\n", to);
    fputs(generated, to);
    fputs("The file has the format of "
          "[libconfig](https://hyperrealm.github.io/libconfig/libconfig_manual.html); "
          "`ddgate check -c FILE`\n"
          "prints every mistake in it. All options have defaults: an empty file has the same effect as no "
          "file.\n\n"
          "```\nreceivers = ( { type = \"ddtrace\"; … }, … );\nexporters = ( { type = \"otlp_grpc\"; … }, … "
          ");\n"
          "max_memory = \"96MiB\";\nlog = { level = \"info\"; };\n```\n\n",
          to);
    print_types(to);
    fputs("## The process\n\nAt the top level of the file.\n\n", to);
    print_table(to, gw_process_opts);
    fputs("## Receivers\n\nGroups in the list `receivers`; without one, `ddtrace`, `otlp`, `dogstatsd` and "
          "`http` run with "
          "their defaults.\n\n",
          to);
    for (const struct gw_receiver *const *r = gw_receivers; *r; r++) {
        fprintf(to, "### %s\n\n%s\n\n", (*r)->name, (*r)->summary);
        print_table(to, (*r)->opts);
    }
    fputs("## Exporters\n\nGroups in the list `exporters`; without one, a `stdout` exporter with its "
          "defaults.\n\n### Every exporter\n\n",
          to);
    print_table(to, gw_sender_opts);
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++) {
        fprintf(to, "### %s\n\n%s\n\n", (*e)->name, (*e)->summary);
        print_table(to, (*e)->opts);
    }
    print_environment(to);
}

/* A comment of as many lines as it takes. */
static void print_comment(FILE *to, int indent, const char *text)
{
    while (*text) {
        int most = SAMPLE_WIDTH - indent - 2, len = (int)strlen(text);
        if (len > most)
            for (len = most; len > 0 && text[len] != ' '; len--)
                ;
        fprintf(to, "%*s# %.*s\n", indent, "", len, text);
        text += len + (text[len] == ' ');
    }
}

/* "a, b" as [ "a", "b" ] */
static void print_sample_items(FILE *to, const char *value)
{
    gw_str rest = gw_str_z(value), item;
    fputs("[", to);
    for (int i = 0; *value && gw_str_next(&rest, ',', &item); i++)
        fprintf(to, "%s\"%.*s\"", i ? ", " : " ", GW_FMT(gw_str_trim(item)));
    fputs(" ]", to);
}

static void print_sample_value(FILE *to, const struct gw_opt *row)
{
    if (row->type == GW_OPT_list || row->type == GW_OPT_map)
        print_sample_items(to, row->value);
    else if (row->type == GW_OPT_groups)
        fputs("( )", to);
    else if (row->type == GW_OPT_count || row->type == GW_OPT_flag)
        fputs(row->value, to);
    else
        fprintf(to, "\"%s\"", row->value);
}

static void print_sample_row(FILE *to, int indent, const struct gw_opt *row, const char *name)
{
    char words[256];
    print_comment(to, indent, row->text);
    if (row->type == GW_OPT_choice) {
        gw_opt_words(row, words, sizeof words);
        fprintf(to, "%*s# One of: %s\n", indent, "", words);
    }
    fprintf(to, "%*s#%s = ", indent, "", name);
    print_sample_value(to, row);
    fputs(";\n", to);
}

/* True if the row's name begins with this group and a dot: "tls.ca" with "tls". */
static bool in_group(const struct gw_opt *row, const char *group, size_t len)
{
    return row->type != GW_OPT_END_ROW && strncmp(row->name, group, len) == 0 && row->name[len] == '.';
}

/* The rows of one group, from the first on; the first `outer` characters of their names are the group's and
 * the dot. Returns the row behind them. */
static const struct gw_opt *print_sample_group(FILE *to, int indent, const struct gw_opt *row, size_t outer,
                                               const char *hash)
{
    const char *group = row->name;
    while (row->type != GW_OPT_END_ROW && (!outer || in_group(row, group, outer - 1))) {
        const char *name = row->name + outer;
        size_t len = strcspn(name, ".");
        if (!name[len]) {
            print_sample_row(to, indent, row++, name);
            continue;
        }
        fprintf(to, "%*s%s%.*s = {\n", indent, "", hash, (int)len, name);
        row = print_sample_group(to, indent + 2, row, outer + len + 1, hash);
        fprintf(to, "%*s%s};\n", indent, "", hash);
    }
    return row;
}

/* Each option as a comment at its default. A group's braces are there already, unless all of this is to be a
 * comment. */
static void print_sample_rows(FILE *to, int indent, const struct gw_opt *row, const char *hash)
{
    print_sample_group(to, indent, row, 0, hash);
}

/* Receivers that run by default come first, the others as comments. */
static void print_sample_receivers(FILE *to)
{
    bool any = false;
    for (int asked = 0; asked < 2; asked++)
        for (const struct gw_receiver *const *r = gw_receivers; *r; r++) {
            if ((*r)->by_default == (asked == 1))
                continue;
            const char *hash = asked ? "#" : "";
            print_comment(to, 2, (*r)->summary);
            fprintf(to, "  %s%s{ type = \"%s\";\n", hash, any ? ", " : "", (*r)->name);
            print_sample_rows(to, 4, (*r)->opts, hash);
            fprintf(to, "  %s}\n", hash);
            any = true;
        }
}

static void write_sample(FILE *to)
{
    fputs("# ddgate.conf: every option with its default and its description. Generated by `ddgate "
          "--reference`.\n"
          "#\n"
          "# Remove the # of an option to change it. An empty file has the same effect as no file. ddgate "
          "check -c\n"
          "# FILE prints every mistake.\n"
          "# Texts may contain ${env:NAME}, ${env:NAME:-default} and ${file:/path}, so this file need not "
          "contain "
          "secrets.\n\n",
          to);
    print_sample_rows(to, 0, gw_process_opts, "");
    fputs("\nreceivers = (\n", to);
    print_sample_receivers(to);
    fputs(");\n\nexporters = (\n", to);
    print_comment(to, 2, gw_exporter_stdout.summary);
    fputs("  { type = \"stdout\";\n", to);
    print_sample_rows(to, 4, gw_exporter_stdout.opts, "");
    fputs("    # Options of every exporter:\n", to);
    print_sample_rows(to, 4, gw_sender_opts, "");
    fputs("  }\n", to);
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++) {
        if (*e == &gw_exporter_stdout)
            continue;
        print_comment(to, 2, (*e)->summary);
        fprintf(to, "  #, { type = \"%s\";\n", (*e)->name);
        print_sample_rows(to, 4, (*e)->opts, "#");
        fputs("  #}\n", to);
    }
    fputs(");\n", to);
}

static void write_errors(FILE *to)
{
    fputs("# Errors and reasons\n\n", to);
    fputs(generated, to);
    fputs("## What a request can be refused for\n\nThe answer's body holds the text, the place and the "
          "advice.\n\n"
          "| code | HTTP | text | what to do |\n| --- | --- | --- | --- |\n",
          to);
    for (int code = GW_OK + 1; code < GW_CODES; code++) {
        fprintf(to, "| `%s` | %d | ", gw_code_id((enum gw_code)code), gw_code_http((enum gw_code)code));
        print_cell(to, gw_code_text((enum gw_code)code));
        fputs(" | ", to);
        print_cell(to, gw_code_advice((enum gw_code)code));
        fputs(" |\n", to);
    }
    fputs("\n## Why received data was not delivered\n\nReasons in the ledger, which is printed at exit. "
          "`refused`: "
          "the item was not accepted, because\nthe sender got an error or the item could not be read. "
          "`dropped`: the item was accepted, and then excluded by a\nrule or lost by an exporter; it is "
          "counted "
          "for that exporter.\n\n"
          "| reason | kind | what happened |\n| --- | --- | --- |\n",
          to);
#define REFUSED "refused"
#define DROPPED "dropped"
#define REASON(id, label, kind, text) fprintf(to, "| `%s` | %s | %s |\n", label, kind, text);
#include "core/delivery/reasons.def"
#undef REASON
}

static void print_metrics(FILE *to, const struct gw_metric *row)
{
    fputs("| name | type | labels | |\n| --- | --- | --- | --- |\n", to);
    const struct gw_metric *before = NULL; /* rows of one name are one metric */
    for (; row->type != GW_METRIC_END; before = row++)
        if (!before || strcmp(before->name, row->name) != 0)
            fprintf(to, "| `%s%s` | %s | %s | %s |\n", gw_metric_prefix(row), row->name,
                    row->type == GW_COUNTER ? "counter" : "gauge", row->label, row->help);
    fputc('\n', to);
}

static void print_module_metrics(FILE *to, const char *name, const char *label, const struct gw_metric *rows)
{
    if (!rows)
        return;
    fprintf(to, "## The %s %s\n\n", name, label);
    print_metrics(to, rows);
}

static void write_metrics(FILE *to)
{
    fputs("# Metrics\n\n", to);
    fputs(generated, to);
    fputs("What `GET /metrics` on the admin listener answers (docs/operations.md). Reasons are explained in "
          "[errors.md](errors.md).\n\n"
          "## The process\n\n",
          to);
    print_metrics(to, gw_pipeline_metrics);
    print_metrics(to, gw_disk_queue_metrics);
    print_metrics(to, gw_process_metrics);
    fputs("## The ledger\n\nOne consistent snapshot; names that begin with `exporter_` have the label "
          "`exporter` as well.\n\n",
          to);
    print_metrics(to, gw_ledger_metrics);
    fputs("## Every exporter\n\nWith the label `exporter`, its name.\n\n", to);
    print_metrics(to, gw_sender_metrics);
    fputs("## Every receiver over HTTP\n\nWith the label `receiver`, its type; of a second one of the type "
          "`ddtrace/2`, and so on. "
          "`http_connections` and\n`http_body_memory_bytes` are the server's and have no label.\n\n",
          to);
    print_metrics(to, gw_http_metrics);
    for (const struct gw_receiver *const *r = gw_receivers; *r; r++)
        print_module_metrics(to, (*r)->name, "receiver", (*r)->metrics);
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++)
        print_module_metrics(to, (*e)->name, "exporter", (*e)->metrics);
}

static bool write_page(const char *dir, const char *name, void (*page)(FILE *))
{
    char path[4096];
    bool named = snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path;
    FILE *to = named ? fopen(path, "w") : NULL;
    if (to)
        page(to);
    bool bad = !to || ferror(to);
    if ((to && fclose(to) != 0) || bad) {
        fprintf(stderr, "ddgate: %s/%s cannot be written: %s\n", dir, name, strerror(errno));
        return false;
    }
    return true;
}

bool gw_pages_write(const char *dir, const struct gw_page *pages, size_t n)
{
    bool good = true;
    for (size_t i = 0; i < n; i++)
        good = write_page(dir, pages[i].name, pages[i].write) && good;
    return good;
}

bool gw_reference_write(const char *dir)
{
    static const struct gw_page pages[] = {
        {"docs/reference/configuration.md", write_configuration},
        {"docs/reference/errors.md", write_errors},
        {"docs/reference/logs.md", log_keys_reference},
        {"docs/reference/mapping.md", dd_mapping_reference},
        {"docs/reference/metrics.md", write_metrics},
        {"conf/ddgate.conf", write_sample},
    };
    return gw_pages_write(dir, pages, sizeof pages / sizeof *pages);
}
