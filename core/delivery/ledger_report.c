/* ledger_report.c: writes a snapshot of the ledger as JSON and as Prometheus samples. Owns nothing. Called by
 * the admin listener, the pipeline's status, --reference and the last log line of a run.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/ledger_report.h"

#include <inttypes.h>

/* --- JSON --- */

/* Exporters' names come from the user and may contain any bytes. */
static void put_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < ' ' || *c == 0x7f)
            fprintf(to, "\\u%04x", *c);
        else
            fputc(*c, to);
    fputc('"', to);
}

/* Writes the reasons that are refusals, or the others. */
static void put_reasons(FILE *to, const char *key, const uint64_t *n, bool refusals, bool both)
{
    const char *comma = "";
    fprintf(to, ",\"%s\":{", key);
    for (int why = 0; why < GW_REASONS; why++) {
        if (!n[why] || (!both && gw_reason_is_refusal((enum gw_reason)why) != refusals))
            continue;
        fprintf(to, "%s\"%s\":%" PRIu64, comma, gw_reason_label((enum gw_reason)why), n[why]);
        comma = ",";
    }
    fputc('}', to);
}

static void put_exporter(FILE *to, const struct gw_ledger_view *v, int signal, unsigned e)
{
    const uint64_t *at = v->signal[signal].exporter[e].at;
    put_text(to, v->exporter_name[e]);
    fprintf(to, ":{\"accepted\":%" PRIu64 ",\"not_asked\":%" PRIu64 ",\"recovered\":%" PRIu64,
            v->signal[signal].exporter[e].accepted, v->signal[signal].exporter[e].not_asked,
            v->signal[signal].exporter[e].recovered);
    fprintf(to,
            ",\"queued\":%" PRIu64 ",\"in_process\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"rejected\":%" PRIu64
            ",\"set_aside\":%" PRIu64 ",\"stored\":%" PRIu64,
            at[GW_QUEUED], at[GW_IN_PROCESS], at[GW_DELIVERED], at[GW_REJECTED], at[GW_SET_ASIDE],
            at[GW_STORED]);
    put_reasons(to, "dropped", v->signal[signal].exporter[e].dropped, false, true);
    fputc('}', to);
}

static void put_signal(FILE *to, const struct gw_ledger_view *v, int signal)
{
    const struct gw_ledger_signal *s = &v->signal[signal];
    fprintf(to, "\"%s\":{\"received\":%" PRIu64, gw_signal_name((enum gw_signal)signal), s->received);
    put_reasons(to, "refused", s->not_taken, true, false);
    put_reasons(to, "dropped", s->not_taken, false, false);
    fprintf(to, ",\"accepted\":%" PRIu64 ",\"trace_ids_left_at_64_bits\":%" PRIu64 ",\"exporters\":{",
            s->accepted, s->pending_ids);
    for (unsigned e = 0; e < v->exporters; e++) {
        fputs(e ? "," : "", to);
        put_exporter(to, v, signal, e);
    }
    fputs("}}", to);
}

void gw_ledger_json(FILE *to, const struct gw_ledger_view *v)
{
    fprintf(to, "{\"balanced\":%s,\"signals\":{", gw_ledger_balanced(v) ? "true" : "false");
    for (int i = 0; i < GW_SIGNALS; i++) {
        fputs(i ? "," : "", to);
        put_signal(to, v, i);
    }
    fputs("}}\n", to);
}

/* --- samples --- */

enum {
    M_RECEIVED,
    M_REFUSED,
    M_DROPPED,
    M_ACCEPTED,
    M_INCOMPLETE_IDS,
    M_EXPORTER_ACCEPTED,
    M_PLACES,
    M_RECOVERED = M_PLACES + GW_PLACES
};

const struct gw_metric gw_ledger_metrics[] = {
    [M_RECEIVED] = GW_COUNTER_ASKED("items_received_total", "signal",
                                    "Spans and log records that arrived: refused + dropped + accepted."),
    [M_REFUSED] = GW_COUNTER_ASKED("items_refused_total", "signal,reason",
                                   "Items that could not be read, or whose sender was told no."),
    [M_DROPPED] = GW_COUNTER_ASKED("items_dropped_total", "signal,reason",
                                   "Items that were decided against before they were queued."),
    [M_ACCEPTED] = GW_COUNTER_ASKED("items_accepted_total", "signal", "Items that the gateway answers for."),
    [M_INCOMPLETE_IDS] = GW_COUNTER_ASKED(
        "trace_ids_unjoined_total", "signal",
        "Trace ids that went out with 64 bits because nothing told their upper half within join_wait."),
    [M_EXPORTER_ACCEPTED] = GW_COUNTER_ASKED("exporter_items_accepted_total", "signal",
                                             "Items this exporter was asked to deliver: sent + rejected + "
                                             "dropped + set aside + queued + in process."),
    [M_PLACES + GW_QUEUED] = GW_GAUGE_ASKED("exporter_items_queued", "signal", "Items that wait."),
    [M_PLACES + GW_IN_PROCESS] =
        GW_GAUGE_ASKED("exporter_items_in_process", "signal",
                       "Items in an open request, or in one that waits for its next try."),
    [M_PLACES + GW_DELIVERED] =
        GW_COUNTER_ASKED("exporter_items_sent_total", "signal", "Items that the backend took."),
    [M_PLACES + GW_REJECTED] = GW_COUNTER_ASKED("exporter_items_rejected_total", "signal",
                                                "Items that the backend refused for good."),
    [M_PLACES + GW_DROPPED] = GW_COUNTER_ASKED("exporter_items_dropped_total", "signal,reason",
                                               "Accepted items that were given up."),
    [M_PLACES + GW_SET_ASIDE] =
        GW_COUNTER_ASKED("exporter_items_set_aside_total", "signal",
                         "Items that the backend refused and a dead-letter file keeps."),
    [M_PLACES + GW_STORED] =
        GW_GAUGE_ASKED("exporter_items_stored", "signal",
                       "Items left in the disk queue for the next start, once the gateway stops."),
    [M_RECOVERED] = GW_COUNTER_ASKED("exporter_items_recovered_total", "signal",
                                     "Items that an earlier run left in the disk queue."),
    GW_METRICS_END,
};

static gw_str name_of(int signal)
{
    return gw_str_z(gw_signal_name((enum gw_signal)signal));
}

static void measure_exporter(const struct gw_ledger_view *v, int signal, unsigned e, struct gw_metrics *to)
{
    const struct gw_ledger_signal *s = &v->signal[signal];
    gw_metrics_owner(to, "exporter", gw_str_z(v->exporter_name[e]));
    gw_metrics_add_for(to, &gw_ledger_metrics[M_EXPORTER_ACCEPTED], (double)s->exporter[e].accepted,
                       name_of(signal));
    gw_metrics_add_for(to, &gw_ledger_metrics[M_RECOVERED], (double)s->exporter[e].recovered,
                       name_of(signal));
    for (int place = 0; place < GW_PLACES; place++)
        if (place != GW_DROPPED)
            gw_metrics_add_for(to, &gw_ledger_metrics[M_PLACES + place], (double)s->exporter[e].at[place],
                               name_of(signal));
    for (int why = 0; why < GW_REASONS; why++)
        if (s->exporter[e].dropped[why])
            gw_metrics_add_for2(to, &gw_ledger_metrics[M_PLACES + GW_DROPPED],
                                (double)s->exporter[e].dropped[why], name_of(signal),
                                gw_str_z(gw_reason_label((enum gw_reason)why)));
    gw_metrics_owner(to, NULL, GW_NOSTR);
}

static void measure_signal(const struct gw_ledger_view *v, int signal, struct gw_metrics *to)
{
    const struct gw_ledger_signal *s = &v->signal[signal];
    gw_metrics_add_for(to, &gw_ledger_metrics[M_RECEIVED], (double)s->received, name_of(signal));
    gw_metrics_add_for(to, &gw_ledger_metrics[M_ACCEPTED], (double)s->accepted, name_of(signal));
    gw_metrics_add_for(to, &gw_ledger_metrics[M_INCOMPLETE_IDS], (double)s->pending_ids, name_of(signal));
    for (int why = 0; why < GW_REASONS; why++)
        if (s->not_taken[why])
            gw_metrics_add_for2(
                to, &gw_ledger_metrics[gw_reason_is_refusal((enum gw_reason)why) ? M_REFUSED : M_DROPPED],
                (double)s->not_taken[why], name_of(signal), gw_str_z(gw_reason_label((enum gw_reason)why)));
    for (unsigned e = 0; e < v->exporters; e++)
        if (v->exporter_signals[e] & 1u << signal || s->exporter[e].accepted)
            measure_exporter(v, signal, e, to);
}

void gw_ledger_measure(const struct gw_ledger_view *v, struct gw_metrics *to)
{
    for (int i = 0; i < GW_SIGNALS; i++)
        measure_signal(v, i, to);
}
