/* test_case.c: Runs one case: translates a request or lines, and writes what would be sent. Owns everything until it returns. Called by
 * test_command.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/test_case.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/budget.h"
#include "core/config/config_diagnostic.h"
#include "exporters/encoding/otlp_json_request.h"
#include "gateway/run/json_diff.h"
#include "gateway/run/recorded_request.h"
#include "gateway/run/translation_options.h"
#include "translators/ddtrace/dd_translate.h"
#include "translators/logs/log_record.h"
#include "translators/otlp/otlp_check.h"
#include "translators/otlp/otlp_write.h"

enum { MEMORY = 256 << 20, JSON_MAX = 256 << 20, FRAMES = 64, LINE_MAX_BYTES = 16 << 20 };
/* When everything happens: 14 November 2023, 22:13:20 UTC. */
static const gw_nsec TEST_TIME = 1700000000 * GW_SEC;

struct run {
    const struct gw_test_case *c;
    const struct gw_conf_environment *environment;
    struct otlp_buf sent; /* serialized requests, which concatenate */
    FILE *wrong;          /* what is wrong, in lines */
    bool bad;
};

static void fail(struct run *r, const char *what, size_t pos)
{
    r->bad = true;
    fprintf(r->wrong, "%s: ", r->c->input);
    if (pos)
        fprintf(r->wrong, "byte %zu: ", pos);
    fprintf(r->wrong, "%s\n", what);
}

static void take_frames(struct run *r, struct gw_frame **frames, size_t n, enum gw_attribute_schema schema)
{
    for (size_t i = 0; i < n; i++) {
        if (frames[i]->signal != GW_TRACES || frames[i]->schema == schema)
            otlp_append(&r->sent, gw_str_n((const char *)frames[i]->data, frames[i]->len));
        gw_frame_drop(frames[i]);
    }
}

/* --- a request --- */

/* Attributes for the first exporter of the configuration. */
static enum gw_attribute_schema schema_of(const struct gw_translation *t)
{
    return t->conf && t->conf->exporters_n ? (enum gw_attribute_schema)t->conf->exporters[0].sender.mode
                                           : GW_OTEL;
}

static void translate(struct run *r, const struct gw_recorded *q, const struct gw_translation *t)
{
    struct gw_arena arena;
    struct dd_result result;
    struct gw_err err = {0};
    const enum gw_attribute_schema schema = schema_of(t);
    const struct dd_env env = {.now = GW_SEC,
                               .wall = TEST_TIME,
                               .host_name = t->host_name.len ? t->host_name : GW_STR("test-host"),
                               .schemas = 1u << schema,
                               .privacy = t->privacy_thread};
    struct dd_translator *translator = dd_translator_new(&t->options);
    gw_arena_init(&arena, MEMORY);
    if (!translator)
        fail(r, "there is no memory", 0);
    else if (dd_translate(translator, &arena, q->format, q->body, &q->request, &env, &result, &err))
        fail(r, err.what, err.pos);
    else
        take_frames(r, result.frames, result.frames_n, schema);
    dd_translator_drop(translator);
    gw_arena_fini(&arena);
}

static void check_otlp(struct run *r, gw_str body)
{
    struct otlp_contents contents;
    struct gw_err err = {0};
    if (otlp_check(OTLP_TRACES_REQUEST, body, NULL, &contents, &err))
        fail(r, err.what, err.pos);
    else if (contents.faulty)
        fail(r, otlp_fault_text(contents.first), contents.first_at);
    else
        otlp_append(&r->sent, body);
}

static void run_request(struct run *r, const char *path)
{
    struct gw_recorded q;
    struct gw_translation t;
    struct gw_err err = {0};
    if (!gw_translation_read(&t, r->c->conf, r->environment)) {
        fail(r, "its configuration has mistakes, see above", 0);
        return;
    }
    if (!gw_recorded_read(&q, path, NULL, &err))
        fail(r, err.what, err.pos);
    else if (q.kind == GW_RECORDED_OTLP)
        check_otlp(r, q.body);
    else
        translate(r, &q, &t);
    gw_recorded_fini(&q);
    gw_translation_drop(&t);
}

/* --- lines --- */

static void finish_batch(struct run *r, struct log_batch *batch)
{
    struct gw_frame *frames[FRAMES];
    struct gw_intake intake;
    do
        take_frames(r, frames, log_finish(batch, frames, FRAMES, &intake), GW_OTEL);
    while (log_batch_records(batch));
}

static void add_line(struct run *r, struct log_batch *batch, gw_str line, unsigned number)
{
    char text[512];
    const struct log_input in = {.form = LOG_TEXT, .text = line, .observed = (uint64_t)TEST_TIME};
    if (log_add(batch, &in) != GW_OK) {
        fail(r, "there is no memory for all of its lines", 0);
        return;
    }
    const char *fault = log_batch_fault(batch);
    if (fault) {
        snprintf(text, sizeof text, "line %u: the script failed: %s", number, fault);
        fail(r, text, 0);
    }
}

static void add_lines(struct run *r, struct log_batch *batch, FILE *from)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    for (unsigned number = 1; !r->bad && (n = getline(&line, &cap, from)) >= 0; number++) {
        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        if (n > LINE_MAX_BYTES)
            fail(r, "has a line of more than 16 MiB", 0);
        else if (n)
            add_line(r, batch, gw_str_n(line, (size_t)n), number);
    }
    free(line);
}

/* Mistakes and warnings of the script. */
static bool print_mistakes(struct run *r, struct gw_diagnostics *diagnostics)
{
    long before = ftell(r->wrong);
    gw_diagnostics_print(diagnostics, r->wrong);
    r->bad |= ftell(r->wrong) > before;
    return r->bad;
}

static void run_lines(struct run *r, const char *path)
{
    char script[PATH_MAX];
    struct gw_budget budget = {.limit = MEMORY};
    const struct log_environment environment = {.budget = &budget};
    struct log_options options = {
        .source = gw_str_z(r->c->name), .timezone = GW_STR("UTC"), .parse = 0, .span_service = false};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    snprintf(script, sizeof script, "%s/%s.p", r->c->folder, r->c->name);
    if (access(script, F_OK) == 0)
        options.pipeline = gw_str_z(script);
    struct log_conf *conf =
        diagnostics ? log_conf_new(&options, &environment, r->c->name, "test", diagnostics) : NULL;
    struct log_batch *batch = conf ? log_batch_new(conf) : NULL;
    FILE *from = fopen(path, "rbe");
    bool mistaken = diagnostics && print_mistakes(r, diagnostics);
    if (!mistaken && (!batch || !from))
        fail(r, from ? "there is no memory" : strerror(errno), 0);
    else if (!mistaken)
        add_lines(r, batch, from);
    if (batch)
        finish_batch(r, batch);
    if (from)
        fclose(from);
    log_batch_drop(batch);
    log_conf_drop(conf);
    gw_diagnostics_drop(diagnostics);
}

/* --- both --- */

/* What would be sent, as OTLP/JSON in lines. */
static void write_sent(struct run *r, char **text, size_t *len)
{
    gw_str json = GW_NOSTR;
    struct gw_err err = {0};
    enum gw_signal signal = r->c->lines ? GW_LOGS : GW_TRACES;
    gw_str sent = r->sent.len ? otlp_written(&r->sent) : GW_STR("");
    if (r->sent.failed || otlp_json_request(signal, sent, JSON_MAX, &json) != OTLP_JSON_MADE)
        fail(r, "what would be sent is too large to be shown", 0);
    else if (!gw_json_in_lines(json, text, len, &err))
        fail(r, "what would be sent cannot be written", 0);
    free((char *)(uintptr_t)json.ptr);
}

bool gw_test_case_run(const struct gw_test_case *c, const struct gw_conf_environment *environment,
                      char **text, size_t *len)
{
    char path[PATH_MAX], *wrong = NULL;
    size_t wrong_len = 0;
    struct run r = {.c = c, .environment = environment, .wrong = open_memstream(&wrong, &wrong_len)};
    *text = NULL;
    *len = 0;
    if (!r.wrong)
        return false;
    snprintf(path, sizeof path, "%s/%s", c->folder, c->input);
    if (c->lines)
        run_lines(&r, path);
    else
        run_request(&r, path);
    if (!r.bad)
        write_sent(&r, text, len);
    fclose(r.wrong);
    otlp_fini(&r.sent);
    if (!r.bad) {
        free(wrong);
        return true;
    }
    free(*text);
    *text = wrong;
    *len = wrong_len;
    return false;
}
