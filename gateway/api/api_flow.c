/* api_flow.c: The handlers of /api/flow and /api/flow/samples: the ledger, the exporters, the last hour, and the
 * last items that were not taken. Owns nothing. Called on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/delivery/refusals.h"
#include "gateway/api/api.h"
#include "gateway/api/flow.h"
#include "gateway/api/flow_history.h"

/* --- the ledger --- */

enum kind { REFUSALS, DROPS, ALL };

static void put_reasons(FILE *to, const char *name, const uint64_t *n, enum kind kind)
{
    const char *comma = "";
    fprintf(to, "\"%s\":{", name);
    for (unsigned why = 0; why < GW_REASONS; why++) {
        bool refusal = gw_reason_is_refusal((enum gw_reason)why);
        if (!n[why] || (kind != ALL && refusal != (kind == REFUSALS)))
            continue;
        fputs(comma, to);
        gw_api_number_of(to, gw_reason_label((enum gw_reason)why), n[why]);
        comma = ",";
    }
    putc('}', to);
}

static bool concerns(const struct gw_ledger_view *v, unsigned exporter, int signal)
{
    return v->exporter_signals[exporter] >> signal & 1 || v->signal[signal].exporter[exporter].accepted ||
           v->signal[signal].exporter[exporter].recovered;
}

static void put_places(FILE *to, const struct gw_ledger_signal *s, unsigned e)
{
    const uint64_t *at = s->exporter[e].at;
    const struct {
        const char *name;
        uint64_t n;
    } places[] = {{"accepted", s->exporter[e].accepted},
                  {"not_asked", s->exporter[e].not_asked},
                  {"recovered", s->exporter[e].recovered},
                  {"queued", at[GW_QUEUED]},
                  {"in_process", at[GW_IN_PROCESS]},
                  {"sent", at[GW_DELIVERED]},
                  {"rejected", at[GW_REJECTED]},
                  {"set_aside", at[GW_SET_ASIDE]},
                  {"stored", at[GW_STORED]}};
    putc('{', to);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        gw_api_number_of(to, places[i].name, places[i].n);
        putc(',', to);
    }
    put_reasons(to, "dropped", s->exporter[e].dropped, ALL);
    putc('}', to);
}

static void put_signal(FILE *to, const struct gw_ledger_view *v, int signal)
{
    const struct gw_ledger_signal *s = &v->signal[signal];
    const char *comma = "";
    fprintf(to, "\"%s\":{", gw_signal_name((enum gw_signal)signal));
    gw_api_number_of(to, "received", s->received);
    putc(',', to);
    put_reasons(to, "refused", s->not_taken, REFUSALS);
    putc(',', to);
    put_reasons(to, "dropped", s->not_taken, DROPS);
    putc(',', to);
    gw_api_number_of(to, "accepted", s->accepted);
    fputs(",\"exporters\":{", to);
    for (unsigned e = 0; e < v->exporters; e++) {
        if (!concerns(v, e, signal))
            continue;
        fputs(comma, to);
        gw_api_text(to, gw_str_z(v->exporter_name[e]));
        putc(':', to);
        put_places(to, s, e);
        comma = ",";
    }
    fputs("}}", to);
}

/* --- the exporters --- */

static uint64_t waiting(const struct gw_ledger_view *v, unsigned e)
{
    uint64_t n = 0;
    for (int i = 0; i < GW_SIGNALS; i++)
        n += v->signal[i].exporter[e].at[GW_QUEUED] + v->signal[i].exporter[e].at[GW_IN_PROCESS];
    return n;
}

/* Seconds until nothing waits if all goes on as it does: null where it does not become less. */
static void put_time_to_empty(FILE *to, uint64_t items, struct gw_flow_rate rate)
{
    double less = rate.sent - rate.given;
    fputs("\"empty_in\":", to);
    if (!items)
        putc('0', to);
    else if (less > 0)
        fprintf(to, "%.1f", (double)items / less);
    else
        fputs("null", to);
}

static void put_disk(FILE *to, const struct gw_flow_state *state, const struct gw_flow_exporter *x)
{
    if (!state->has_disk) {
        fputs("\"disk\":null", to);
        return;
    }
    fputs("\"disk\":{", to);
    gw_api_number_of(to, "bytes", state->disk_bytes);
    putc(',', to);
    gw_api_number_of(to, "limit_bytes", state->disk_limit);
    fprintf(to, ",\"behind\":%s}", x->on_disk ? "true" : "false");
}

static void put_exporter(FILE *to, const struct gw_flow_state *state, const struct gw_flow_exporter *x,
                         const struct gw_ledger_view *v, struct gw_flow_rate rate)
{
    uint64_t items = waiting(v, x->number);
    putc('{', to);
    gw_api_text_of(to, "name", gw_str_z(x->name));
    fprintf(to, ",\"type\":\"%s\",", x->type);
    gw_api_text_of(to, "target", gw_str_z(x->target));
    fprintf(to, ",\"state\":\"%s\",\"queue\":{", x->state);
    gw_api_number_of(to, "items", items);
    putc(',', to);
    gw_api_number_of(to, "bytes", x->used);
    putc(',', to);
    gw_api_number_of(to, "limit_bytes", x->capacity);
    fprintf(to, ",\"refusing\":%s},", x->refusing ? "true" : "false");
    put_disk(to, state, x);
    fprintf(to, ",\"per_second\":%.1f,", rate.sent);
    put_time_to_empty(to, items, rate);
    fprintf(to, ",\"oldest\":%.3f,", (double)x->oldest / (double)GW_SEC);
    if (x->p50)
        fprintf(to, "\"latency\":{\"p50\":%lld,\"p99\":%lld},", (long long)x->p50, (long long)x->p99);
    else
        fputs("\"latency\":null,", to);
    gw_api_text_of(to, "last_error", gw_str_z(x->words));
    putc(',', to);
    gw_api_time_of(to, "last_error_time", (uint64_t)x->said);
    putc('}', to);
}

static void put_exporters(FILE *to, const struct gw_api *api, const struct gw_flow_state *state,
                          const struct gw_ledger_view *v)
{
    gw_nsec now = gw_now();
    fputs("\"exporters\":[", to);
    for (size_t i = 0; i < state->n; i++) {
        const struct gw_flow_exporter *x = &state->exporters[i];
        fputs(i ? "," : "", to);
        put_exporter(to, state, x, v, gw_flow_history_rate(api->history, v, x->number, now));
    }
    putc(']', to);
}

static void put_flow(FILE *to, const struct gw_api *api, const struct gw_flow_state *state,
                     const struct gw_ledger_view *v)
{
    putc('{', to);
    gw_api_time_of(to, "time", (uint64_t)gw_wall());
    putc(',', to);
    gw_api_time_of(to, "started", (uint64_t)api->started);
    fputs(",\"signals\":{", to);
    for (int i = 0; i < GW_SIGNALS; i++) {
        fputs(i ? "," : "", to);
        put_signal(to, v, i);
    }
    fputs("},", to);
    put_exporters(to, api, state, v);
    fputs(",\"memory\":{", to);
    gw_api_number_of(to, "used", state->memory_used);
    putc(',', to);
    gw_api_number_of(to, "limit", state->memory_limit);
    fputs("},", to);
    gw_api_number_of(to, "bytes_received", state->bytes_received);
    fputs(",\"history\":", to);
    gw_flow_history_json(api->history, v, to);
    fputs("}\n", to);
}

void gw_api_flow(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct gw_flow_state *state = calloc(1, sizeof *state);
    struct gw_ledger_view *view = malloc(sizeof *view);
    if (state && view) {
        api->flow(api->ctx, state);
        api->ledger(api->ctx, view);
        put_flow(to, api, state, view);
    } else {
        gw_api_error(call, to, 503, "there is no memory for the answer now: ask again");
    }
    free(view);
    free(state);
}

/* --- samples --- */

static void put_sample(FILE *to, const struct gw_refusal *r)
{
    static const gw_str receiver = GW_LIT("receiver="), exporter = GW_LIT("exporter=");
    gw_str by = gw_str_z(r->by);
    bool of_exporter = gw_str_starts(by, exporter);
    gw_str name = of_exporter                   ? gw_str_from(by, exporter.len)
                  : gw_str_starts(by, receiver) ? gw_str_from(by, receiver.len)
                                                : by;
    putc('{', to);
    gw_api_time_of(to, "time", (uint64_t)r->time);
    fprintf(to, ",\"signal\":\"%s\",", gw_signal_name(r->signal));
    gw_api_text_of(to, "receiver", of_exporter ? GW_NOSTR : name);
    putc(',', to);
    gw_api_text_of(to, "exporter", of_exporter ? name : GW_NOSTR);
    putc(',', to);
    gw_api_text_of(to, "client", gw_str_z(r->client));
    putc(',', to);
    gw_api_number_of(to, "items", r->items);
    putc(',', to);
    gw_api_text_of(to, "text", gw_str_z(r->text));
    putc('}', to);
}

void gw_api_flow_samples(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    gw_str reason = gw_api_query(call, "reason");
    unsigned kind = gw_refusal_kind(reason);
    if (kind == GW_REFUSAL_KINDS) {
        gw_api_error(
            call, to, 400,
            "reason=%.*s: there is no such reason; they stand in /api/flow below refused and dropped, "
            "and rejected is one",
            GW_FMT(reason));
        return;
    }
    struct gw_refusal *samples = malloc(GW_REFUSAL_SAMPLES * sizeof *samples);
    if (!samples) {
        gw_api_error(call, to, 503, "there is no memory for the answer now: ask again");
        return;
    }
    size_t n = gw_refusals_read(api->refusals, kind, samples);
    fprintf(to, "{\"reason\":\"%s\",\"samples\":[", gw_refusal_label(kind));
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", to);
        put_sample(to, &samples[i]);
    }
    fputs("]}\n", to);
    free(samples);
}
