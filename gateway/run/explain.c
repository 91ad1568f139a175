/* explain.c: The command `ddgate explain`: reads its arguments and the request, explains its spans, and prints that. Owns everything
 * that it needs until it returns. Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/protobuf_wire.h"
#include "core/base/scrub.h"
#include "exporters/encoding/output_buffer.h"
#include "gateway/api/api.h"
#include "gateway/api/explanation_json.h"
#include "gateway/run/commands.h"
#include "gateway/run/recorded_request.h"
#include "gateway/run/translation_options.h"
#include "translators/otlp/otlp_check.h"

enum { EXIT_WELL = 0, EXIT_NOT_ALL = 1, EXIT_WRONG = 2 };
/* How many spans are explained where none is named. */
enum { SPANS = 20, LISTED = 200, MEMORY = 256 << 20, VALUE_SHOWN = 400 };

struct explain {
    const char *file, *conf, *format;
    uint64_t span; /* 0: all */
    enum gw_attribute_schema mode;
    bool json;
    FILE *to; /* the output before secrets are removed */
    struct gw_recorded recorded;
    struct gw_translation translation;
    struct gw_arena arena;
    char host[256];
    size_t shown;
    bool not_all;
};

/* --- arguments --- */

static int wrong(const char *what, const char *arg)
{
    return gw_command_wrong("explain", what, arg);
}

static void print_usage(FILE *to)
{
    fputs("Usage: ddgate explain [OPTIONS] FILE\n"
          "\n"
          "Shows what became of each span of a request: what came in, what goes out, and\n"
          "the row of the mapping (docs/reference/mapping.md) that made it.\n"
          "\n"
          "FILE is a request as it was on the wire (head and body), a body alone, JSON as\n"
          "in /v0.4/traces, OTLP, or - for standard input.\n"
          "\n",
          to);
    gw_print_flags(to, "explain");
    fputs("\n"
          "Exit codes: 0 all spans were translated; 1 something was refused or not\n"
          "understood; 2 wrong arguments or configuration.\n",
          to);
}

static bool read_id(const char *text, uint64_t *id)
{
    gw_str s = gw_str_z(text);
    return s.len == 16 ? gw_str_hex64(s, id) : gw_str_u64(s, id);
}

static int set_option(struct explain *x, const char *name, const char *value)
{
    if (strcmp(name, "--config") == 0 || strcmp(name, "-c") == 0) {
        x->conf = value;
    } else if (strcmp(name, "--span") == 0) {
        if (!read_id(value, &x->span) || !x->span)
            return wrong("--span is a decimal number or 16 hexadecimal digits, not", value);
    } else if (strcmp(name, "--format") == 0) {
        if (!gw_recorded_is_format(value))
            return wrong("--format is one of " GW_RECORDED_FORMATS ", not", value);
        x->format = value;
    } else if (strcmp(name, "--mode") == 0) {
        if (strcmp(value, "otel") != 0 && strcmp(value, "both") != 0 && strcmp(value, "datadog") != 0)
            return wrong("--mode is otel, both or datadog, not", value);
        x->mode = *value == 'o' ? GW_OTEL : *value == 'b' ? GW_BOTH : GW_DATADOG;
    } else {
        return wrong("there is no such option:", name);
    }
    return EXIT_WELL;
}

static int take_option(struct explain *x, int argc, char *const *argv, int *at)
{
    const char *arg = argv[*at], *equal = strchr(arg, '=');
    char name[24];
    if (strcmp(arg, "--json") == 0) {
        x->json = true;
        return EXIT_WELL;
    }
    snprintf(name, sizeof name, "%.*s", equal ? (int)(equal - arg) : (int)strlen(arg), arg);
    if (!equal && *at + 1 == argc)
        return wrong(name, "wants a value, or is no option");
    return set_option(x, name, equal ? equal + 1 : argv[++*at]);
}

static int read_arguments(struct explain *x, int argc, char *const *argv)
{
    bool ended = false;
    for (int at = 0; at < argc; at++) {
        const char *arg = argv[at];
        int code = EXIT_WELL;
        if (ended || *arg != '-' || !arg[1]) {
            if (x->file)
                return wrong("one FILE at a time, not also", arg);
            x->file = arg;
        } else if (strcmp(arg, "--") == 0) {
            ended = true;
        } else {
            code = take_option(x, argc, argv, &at);
        }
        if (code)
            return code;
    }
    return x->file ? EXIT_WELL : wrong("FILE is missing", NULL);
}

/* --- text for people --- */

/* Harmless on a terminal, and at most so long. */
static void print_shown(FILE *to, gw_str text, size_t columns)
{
    struct out out;
    out_init(&out, 1 << 20);
    out_shown(&out, text, columns);
    if (out.len && !out.failed)
        fwrite(out.data, 1, out.len, to);
    out_fini(&out);
}

static void print_value(FILE *to, gw_str any)
{
    gw_str text = gw_any_text(any);
    print_shown(to, text, VALUE_SHOWN);
    free((char *)(uintptr_t)text.ptr);
}

static void print_names(FILE *to, const gw_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", to);
        print_shown(to, names[i], VALUE_SHOWN);
    }
}

static void print_reason(FILE *to, gw_str why, gw_str row)
{
    print_shown(to, why, SIZE_MAX);
    if (row.len) {
        fputs("  [mapping.md: ", to);
        print_shown(to, row, VALUE_SHOWN);
        fputc(']', to);
    }
    fputc('\n', to);
}

static void print_part(FILE *to, const struct dd_explained_part *p)
{
    static const char *const fates[] = {
        "renamed to ",           "kept as ", "on the resource: ", "in the span's ",
        "in an event or link: ", "used ",    "left out"};
    fprintf(to, "  %-11s ", dd_explained_section_name(p->section));
    print_shown(to, p->name, VALUE_SHOWN);
    fputs(" = ", to);
    print_value(to, p->value);
    fprintf(to, "\n      → %s", fates[p->fate]);
    print_names(to, p->to, p->to_n);
    fputs(": ", to);
    print_reason(to, p->why, p->row);
}

static void print_item(FILE *to, const struct dd_explained_item *item)
{
    fprintf(to, "  %-11s ", dd_explained_place_name(item->place));
    print_shown(to, item->name, VALUE_SHOWN);
    fputs(" = ", to);
    print_value(to, item->value);
    fputs("\n      ← ", to);
    print_names(to, item->from, item->from_n);
    fputs(item->from_n ? ": " : "", to);
    print_reason(to, item->why, item->row);
}

static void print_explained(FILE *to, const struct dd_explained *e)
{
    static const char *const schemas[] = {[GW_OTEL] = "otel", [GW_BOTH] = "both", [GW_DATADOG] = "datadog"};
    fputs("received\n", to);
    for (size_t i = 0; i < e->received_n; i++)
        print_part(to, &e->received[i]);
    for (size_t s = 0; s < e->sent_n; s++) {
        fprintf(to, "sent (mode %s)\n", schemas[e->sent[s].schema]);
        for (size_t i = 0; i < e->sent[s].n; i++)
            print_item(to, &e->sent[s].items[i]);
    }
    if (e->not_sent.len)
        fprintf(to, "not sent: %.*s\n", GW_FMT(e->not_sent));
    if (e->in_part)
        fputs("(not all was looked into: the request is too large for that)\n", to);
    fputc('\n', to);
}

/* --- both forms --- */

static void print_span(struct explain *x, const char *trace_id, uint64_t span_id, gw_str service, gw_str name,
                       const struct dd_explained *e)
{
    if (!x->json) {
        fprintf(x->to, "span %016" PRIx64 " (%" PRIu64 ") of trace %s", span_id, span_id, trace_id);
        fputs(service.len ? ", service " : "", x->to);
        print_shown(x->to, service, VALUE_SHOWN);
        fputs(name.len ? ", name " : "", x->to);
        print_shown(x->to, name, VALUE_SHOWN);
        fputc('\n', x->to);
        print_explained(x->to, e);
        x->shown++;
        return;
    }
    fprintf(x->to, "%s\n{\"trace_id\":\"%s\",\"span_id\":\"%016" PRIx64 "\",\"received\":{",
            x->shown++ ? "," : "", trace_id, span_id);
    gw_explained_received(x->to, e);
    fputs("},\"sent\":[", x->to);
    for (size_t i = 0; i < e->sent_n; i++) {
        fputs(i ? "," : "", x->to);
        gw_explained_sent(x->to, &e->sent[i], NULL, 0);
    }
    fputs("],", x->to);
    gw_api_text_of(x->to, "not_sent", e->not_sent);
    fputc('}', x->to);
}

static void begin(struct explain *x, uint64_t spans, gw_str client, gw_str version)
{
    if (x->json) {
        fprintf(x->to, "{\"protocol\":\"%s\",\"client\":{", x->recorded.protocol);
        gw_api_text_of(x->to, "language", client);
        fputc(',', x->to);
        gw_api_text_of(x->to, "version", version);
        fprintf(x->to, "},\"received\":%" PRIu64 ",\"spans\":[", spans);
        return;
    }
    fprintf(x->to, "%s", x->recorded.protocol);
    fputs(client.len ? " from " : "", x->to);
    print_shown(x->to, client, VALUE_SHOWN);
    fputs(version.len ? " tracer " : "", x->to);
    print_shown(x->to, version, VALUE_SHOWN);
    fprintf(x->to, ": %" PRIu64 " span%s\n\n", spans, spans == 1 ? "" : "s");
}

struct notes {
    struct explain *x;
    size_t n;
};

/* Adds a note about data that was not understood or not sent. `mistake`: it also sets the exit code. */
static void note(struct notes *n, bool mistake, uint64_t count, const char *what)
{
    if (!count)
        return;
    n->x->not_all |= mistake;
    if (n->x->json)
        fprintf(n->x->to, "%s{\"count\":%" PRIu64 ",\"mistake\":%s,\"text\":\"%s\"}", n->n ? "," : "", count,
                mistake ? "true" : "false", what);
    else
        fprintf(n->x->to, "%s: %" PRIu64 " × %s\n", mistake ? "not understood" : "note", count, what);
    n->n++;
}

static void note_result(struct notes *n, const struct dd_result *r)
{
    static const char *const oddities[] = {
        "_dd.p.tid is no hexadecimal number: the tag stays, and the trace id keeps 64 bits",
        "a span link cannot be read: write it as the tracers do (trace_id, span_id, attributes of text)",
        "a span event cannot be read: it needs name, time_unix_nano and attributes",
        "an entry of meta_struct is no msgpack value: it is sent as bytes",
        "a tag cannot be read: its value is a list or a map where text or a number belongs",
        "a start or a duration is negative or past the year 2262: it is replaced",
        "a tracestate is not of W3C's grammar: it is left out"};
    const uint64_t counts[] = {r->odd.malformed_tid, r->odd.bad_links, r->odd.bad_events,
                               r->odd.bad_struct,    r->odd.bad_tags,  r->odd.bad_times,
                               r->odd.bad_tracestate};
    char text[200];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        note(n, true, counts[i], oddities[i]);
    note(n, false, r->odd.conflicting_tid, "two spans of a chunk say another _dd.p.tid: the root's counts");
    note(n, false, r->odd.repaired_text, "a text is not UTF-8: U+FFFD stands where it is not");
    note(n, false, r->odd.empty_keys, "a tag has an empty name: it is left out");
    for (int why = 0; why < GW_REASONS; why++) {
        bool refused = gw_reason_is_refusal((enum gw_reason)why);
        snprintf(text, sizeof text, "a span is %s: %s (docs/operations.md lists the reasons)",
                 refused ? "refused" : "not sent", gw_reason_label((enum gw_reason)why));
        note(n, refused, r->intake.not_taken[why], text);
    }
}

static void end(struct explain *x, const struct dd_result *r, uint64_t more)
{
    struct notes n = {.x = x};
    fputs(x->json ? "\n],\"notes\":[" : "", x->to);
    if (r)
        note_result(&n, r);
    if (x->json)
        fprintf(x->to, "],\"not_shown\":%" PRIu64 "}\n", more);
    else if (more)
        fprintf(x->to, "%" PRIu64 " more span%s: --span ID shows one of them\n", more, more == 1 ? "" : "s");
}

static int fail(struct explain *x, const struct gw_err *err)
{
    const char *advice = gw_code_advice(err->code);
    fprintf(stderr, "ddgate explain: %s: ", strcmp(x->file, "-") == 0 ? "standard input" : x->file);
    if (err->pos)
        fprintf(stderr, "byte %zu: ", err->pos);
    fprintf(stderr, "%s%s%s\n", err->what, err->pos ? ". " : "", err->pos ? advice : "");
    return EXIT_NOT_ALL;
}

static int missing(struct explain *x)
{
    fprintf(stderr, "ddgate explain: no span %016" PRIx64 " is in %s: without --span its spans are listed\n",
            x->span, x->file);
    return EXIT_NOT_ALL;
}

/* --- spans of tracers --- */

static void trace_id_of(const struct dd_explained *e, uint64_t low, char out[33])
{
    snprintf(out, 33, "%032" PRIx64, low);
    for (size_t i = 0; e->sent_n && i < e->sent[0].n; i++) {
        const struct dd_explained_item *item = &e->sent[0].items[i];
        if (item->place != DD_AT_FIELD || !gw_str_eq(item->name, GW_STR("traceId")))
            continue;
        gw_str text = gw_any_text(item->value);
        if (text.len == 32)
            snprintf(out, 33, "%.32s", text.ptr);
        free((char *)(uintptr_t)text.ptr);
    }
}

static bool explain_row(struct explain *x, struct dd_explain *d, const struct dd_explain_row *row, size_t i)
{
    struct dd_explained e;
    char trace_id[33];
    gw_arena_reset(&x->arena, 1 << 20);
    if (!dd_explain_span(d, i, &x->arena, &e)) {
        struct gw_err err;
        gw_fail(&err, GW_BUDGET, 0, "span %" PRIu64 " takes more than %d MiB to explain", row->span_id,
                MEMORY >> 20);
        fail(x, &err);
        return false;
    }
    trace_id_of(&e, row->trace_id, trace_id);
    print_span(x, trace_id, row->span_id, row->service, row->name, &e);
    return true;
}

/* Where there are too many: which there are. */
static void list_row(struct explain *x, const struct dd_explain_row *row)
{
    fprintf(x->to, "span %016" PRIx64 " (%" PRIu64 "): ", row->span_id, row->span_id);
    print_shown(x->to, row->service, VALUE_SHOWN);
    fputs(", ", x->to);
    print_shown(x->to, row->name, VALUE_SHOWN);
    fputc('\n', x->to);
}

static int explain_rows(struct explain *x, struct dd_explain *d, const struct dd_result *result)
{
    const struct dd_explain_row *rows;
    size_t n = dd_explain_rows(d, &rows);
    bool list = !x->span && n > SPANS && !x->json, good = true;
    begin(x, result->intake.received, x->recorded.request.lang, x->recorded.request.tracer_version);
    for (size_t i = 0; i < n && good; i++)
        if (list && i < LISTED)
            list_row(x, &rows[i]);
        else if (x->span ? rows[i].span_id == x->span : !list && i < SPANS)
            good = explain_row(x, d, &rows[i], i);
    end(x, result, x->span ? 0 : list ? n : n - x->shown);
    return !good ? EXIT_NOT_ALL : x->span && !x->shown ? missing(x) : EXIT_WELL;
}

static int explain_ddtrace(struct explain *x)
{
    struct dd_result result;
    struct gw_err err = {0};
    const struct dd_env env = {.wall = gw_wall(),
                               .host_name = gw_str_z(x->host),
                               .schemas = 1u << x->mode,
                               .privacy = x->translation.privacy_thread};
    const struct dd_explain_input in = {.format = x->recorded.format,
                                        .body = x->recorded.body,
                                        .request = &x->recorded.request,
                                        .options = &x->translation.options,
                                        .env = &env};
    struct dd_explain *d = dd_explain_new(&in, &result, &err);
    if (!d)
        return fail(x, &err);
    int code = explain_rows(x, d, &result);
    for (size_t i = 0; i < result.frames_n; i++)
        gw_frame_drop(result.frames[i]);
    dd_explain_drop(d);
    return code;
}

/* --- OTLP --- */

struct otlp_walk {
    struct explain *x;
    gw_str resource, scope;
    uint64_t left; /* spans that were not shown */
    bool good;
};

static gw_str hex_of(struct gw_arena *arena, gw_str id)
{
    gw_str text = GW_STR("");
    for (size_t i = 0; i < id.len; i++)
        text = gw_arena_printf(arena, "%.*s%02x", GW_FMT(text), (unsigned char)id.ptr[i]);
    return text;
}

static void explain_otlp_span(struct otlp_walk *w, gw_str span)
{
    struct explain *x = w->x;
    struct wire_view v = {(const uint8_t *)span.ptr, (const uint8_t *)span.ptr + span.len};
    struct wire_field f;
    struct dd_explained e;
    gw_str trace = GW_NOSTR, name = GW_NOSTR, hex;
    uint64_t id = 0;
    gw_arena_reset(&x->arena, 1 << 20);
    while (wire_next(&v, &f))
        if (f.number == 1 && f.type == WIRE_LEN)
            trace = wire_text(f.body);
        else if (f.number == 2 && f.type == WIRE_LEN)
            (void)!gw_str_hex64(hex_of(&x->arena, wire_text(f.body)), &id);
        else if (f.number == 5 && f.type == WIRE_LEN)
            name = wire_text(f.body);
    hex = gw_arena_printf(&x->arena, "%.*s%c", GW_FMT(hex_of(&x->arena, trace)), '\0');
    if (x->span ? id != x->span : x->shown >= SPANS) {
        w->left += !x->span;
        return;
    }
    w->good &= dd_explain_otlp(&x->arena, span, w->scope, w->resource, &e);
    if (w->good && hex.ptr)
        print_span(x, hex.ptr, id, GW_NOSTR, name, &e);
}

/* The messages of this number in another one; field 1 of each (resource, scope) comes first. */
static void walk_otlp(struct otlp_walk *w, struct wire_view v, unsigned depth)
{
    struct wire_field f;
    while (wire_next(&v, &f)) {
        if (f.type != WIRE_LEN)
            continue;
        if (depth == 0 && f.number == 1)
            walk_otlp(w, f.body, 1);
        else if (depth && f.number == 1)
            *(depth == 1 ? &w->resource : &w->scope) = wire_text(f.body);
        else if (depth == 1 && f.number == 2)
            walk_otlp(w, f.body, 2);
        else if (depth == 2 && f.number == 2)
            explain_otlp_span(w, wire_text(f.body));
    }
}

static int explain_otlp(struct explain *x)
{
    struct otlp_contents contents;
    struct gw_err err = {0};
    gw_str body = x->recorded.body;
    struct otlp_walk w = {.x = x, .good = true};
    struct notes n = {.x = x};
    if (otlp_check(OTLP_TRACES_REQUEST, body, NULL, &contents, &err) != GW_OK)
        return fail(x, &err);
    begin(x, contents.items, GW_NOSTR, GW_NOSTR);
    walk_otlp(&w, (struct wire_view){(const uint8_t *)body.ptr, (const uint8_t *)body.ptr + body.len}, 0);
    fputs(x->json ? "\n],\"notes\":[" : "", x->to);
    for (int fault = 1; fault < OTLP_FAULTS; fault++)
        note(&n, true, contents.refused[fault], otlp_fault_text((enum otlp_fault)fault));
    if (x->json)
        fprintf(x->to, "],\"not_shown\":%" PRIu64 "}\n", w.left);
    else if (w.left)
        fprintf(x->to, "%" PRIu64 " more spans: --span ID shows one of them\n", w.left);
    return !w.good ? EXIT_NOT_ALL : x->span && !x->shown ? missing(x) : EXIT_WELL;
}

/* --- all of it --- */

static void find_host(struct explain *x)
{
    gw_str said = x->translation.host_name;
    if (said.len)
        snprintf(x->host, sizeof x->host, "%.*s", GW_FMT(said));
    else if (gethostname(x->host, sizeof x->host - 1) != 0)
        x->host[0] = '\0';
}

static int explain_file(struct explain *x)
{
    struct gw_err err = {0};
    if (!gw_recorded_read(&x->recorded, x->file, x->format, &err))
        return fail(x, &err);
    return x->recorded.kind == GW_RECORDED_OTLP ? explain_otlp(x) : explain_ddtrace(x);
}

/* Prints the output without the secrets of the configuration. */
static int explain_scrubbed(struct explain *x)
{
    char *text = NULL;
    size_t n = 0;
    x->to = open_memstream(&text, &n);
    if (!x->to)
        return EXIT_NOT_ALL;
    int code = explain_file(x);
    gw_recorded_fini(&x->recorded);
    fclose(x->to);
    if (text && n)
        fwrite(text, 1, gw_scrub_data(text, n), stdout);
    free(text);
    bool written = fflush(stdout) == 0;
    return code || x->not_all || !written ? EXIT_NOT_ALL : EXIT_WELL;
}

int gw_explain_command(int argc, char *const *argv, const struct gw_conf_environment *environment)
{
    struct explain x = {.mode = GW_OTEL};
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_usage(stdout);
            return EXIT_WELL;
        }
    int code = read_arguments(&x, argc, argv);
    if (code || !gw_translation_read(&x.translation, x.conf, environment))
        return EXIT_WRONG;
    gw_arena_init(&x.arena, MEMORY);
    find_host(&x);
    code = explain_scrubbed(&x);
    gw_arena_fini(&x.arena);
    gw_translation_drop(&x.translation);
    return code;
}
