/* translation_options.c: reads only the options of the translation from a configuration. Owns what it reads.
 * Called by explain.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/translation_options.h"

#include <string.h>

#include "core/config/config_diagnostic.h"
#include "gateway/receivers/ddtrace/ddtrace.h"

/* Returns the first receiver ddtrace: that of the file, or the one that runs by default. NULL: there is
 * none. */
static const struct ddtrace_conf *find_receiver(const struct gw_conf *conf, const char **path)
{
    for (size_t i = 0; i < conf->receivers_n; i++)
        if (strcmp(conf->receivers[i].module->name, "ddtrace") == 0) {
            *path = conf->receivers[i].path;
            return conf->receivers[i].conf;
        }
    return NULL;
}

static void use_conf(struct gw_translation *t, struct gw_diagnostics *diagnostics)
{
    const char *path = "";
    const struct ddtrace_conf *c = find_receiver(t->conf, &path);
    t->host_name = t->conf->process.host_name;
    if (!c)
        return;
    t->options = ddtrace_options(c);
    t->privacy = ddtrace_privacy(c, &t->counts, path, diagnostics);
    t->privacy_thread = dd_privacy_thread_new(t->privacy);
}

bool gw_translation_read(struct gw_translation *t, const char *file,
                         const struct gw_conf_environment *environment)
{
    *t = (struct gw_translation){.options = {.trace_id_bits = 128, .obfuscate = true}};
    if (!file)
        return true;
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    t->conf = diagnostics ? gw_conf_read(file, environment, diagnostics) : NULL;
    if (t->conf && !gw_diagnostics_errors(diagnostics))
        use_conf(t, diagnostics);
    bool good = t->conf && !gw_diagnostics_errors(diagnostics);
    if (diagnostics)
        gw_diagnostics_print(diagnostics, stderr);
    gw_diagnostics_drop(diagnostics);
    if (!good)
        gw_translation_drop(t);
    return good;
}

void gw_translation_drop(struct gw_translation *t)
{
    dd_privacy_thread_drop(t->privacy_thread);
    dd_privacy_drop(t->privacy);
    gw_conf_drop(t->conf);
    *t = (struct gw_translation){0};
}
