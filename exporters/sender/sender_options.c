/* sender_options.c: the options that every exporter has, and the checks that rows cannot express. Owns
 * nothing. Called by the main thread when a configuration is read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdio.h>

#include "core/config/config_diagnostic.h"
#include "exporters/sender/dead_letter.h"
#include "exporters/sender/sender.h"

#define GW_CONF struct gw_sender_conf
const struct gw_opt gw_sender_opts[] = {GW_SENDER_OPTS(GW_ROW) GW_OPT_END};

static int signal_of(gw_str word)
{
    for (int i = 0; i < GW_SIGNALS; i++)
        if (gw_str_eq(word, gw_str_z(gw_signal_name((enum gw_signal)i))))
            return i;
    return -1;
}

void gw_sender_check(const struct gw_sender_conf *conf, const struct gw_exporter *exporter, const char *path,
                     struct gw_diagnostics *diagnostics)
{
    for (size_t i = 0; i < conf->signals.n; i++) {
        gw_str word = conf->signals.items[i];
        int signal = signal_of(word);
        if (signal < 0)
            gw_option_error(diagnostics, path, "signals",
                            "\"%.*s\" is not one of traces, logs, metrics, profiles", GW_FMT(word));
        else if (!(exporter->signals & 1u << signal))
            gw_option_error(diagnostics, path, "signals", "%s cannot carry %s", exporter->name,
                            gw_signal_name((enum gw_signal)signal));
    }
}

void gw_sender_check_files(const struct gw_sender_conf *conf, const char *path,
                           struct gw_diagnostics *diagnostics)
{
    gw_dead_letter_file_check(conf->dead_letter_directory, path, diagnostics);
}

unsigned gw_sender_signals(const struct gw_sender_conf *conf, const struct gw_exporter *exporter)
{
    unsigned signals = 0;
    for (size_t i = 0; i < conf->signals.n; i++) {
        int signal = signal_of(conf->signals.items[i]);
        signals |= signal < 0 ? 0 : 1u << signal;
    }
    return conf->signals.n ? signals & exporter->signals : exporter->signals & ~(1u << GW_PROFILES);
}
