/* Configuration text, by way of libconfig, against the rows of the real modules. Whatever is read keeps to
 * its row's bounds; whatever is wrong is said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "gateway/run/configuration.h"
#include "gateway/run/modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses the text that it was reading when the file ends within a string. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\n";
}

static const char *env(const char *name)
{
    return strcmp(name, "SET") == 0 ? "8" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

/* The fuzzer must not read files that it made names of, nor hand libconfig's scanner what ends a C string. */
static bool touches_files(gw_str text)
{
    return memchr(text.ptr, '\0', text.len) || memmem(text.ptr, text.len, "@include", 8) ||
           memmem(text.ptr, text.len, "file:", 5);
}

static void in_bounds(const struct gw_sender_conf *s)
{
    GW_ASSERT(s->name.len > 0);
    GW_ASSERT(s->in_flight >= 1 && s->in_flight <= 64);
    GW_ASSERT(s->timeout >= 10 * GW_MSEC && s->timeout <= 600 * GW_SEC);
    GW_ASSERT(s->queue_size >= 1 << 20 && s->queue_size <= (uint64_t)64 << 30);
    GW_ASSERT(s->mode >= 0 && s->mode < GW_ATTRIBUTE_SCHEMAS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct gw_conf_environment conf_environment = {gw_receivers, gw_exporters, env};
    gw_str text = gw_str_n((const char *)data, size);
    if (size == 0 || touches_files(text))
        return 0;
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct gw_conf *conf = gw_conf_read_text(text, "fuzz.conf", &conf_environment, diagnostics);
    GW_ASSERT(conf);
    for (size_t i = 0; i < conf->exporters_n; i++)
        in_bounds(&conf->exporters[i].sender);
    GW_ASSERT(conf->process.max_memory >= 16 << 20);
    GW_ASSERT(gw_diagnostics_errors(diagnostics) || (conf->receivers_n && conf->exporters_n));
    char *said = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&said, &len);
    gw_diagnostics_print(diagnostics, to);
    fclose(to);
    GW_ASSERT(!gw_diagnostics_errors(diagnostics) || len > 0);
    free(said);
    gw_conf_drop(conf);
    gw_diagnostics_drop(diagnostics);
    return 0;
}
