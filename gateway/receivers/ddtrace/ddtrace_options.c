/* ddtrace_options.c: converts the receiver's options for the translator. Owns nothing. Called when the
 * receiver opens, and by commands that translate a file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace.h"

struct dd_options ddtrace_options(const struct ddtrace_conf *c)
{
    return (struct dd_options){
        .span_name = (enum dd_span_name)c->span_name,
        .service_override = (enum dd_service_override)c->service_override,
        .keep_rejected = c->keep_rejected,
        .keep_errors = c->sampling_keep_errors,
        .resource = c->resource,
        .promote = c->promote,
        .strip = c->strip,
        .trace_id_bits = c->trace_id_bits == 0 ? 128 : 64,
        .obfuscate = c->obfuscate,
    };
}

struct dd_privacy *ddtrace_privacy(const struct ddtrace_conf *c, struct dd_privacy_counts *counts,
                                   const char *path, struct gw_diagnostics *diagnostics)
{
    const struct dd_privacy_conf privacy = {DD_PRIVACY_OPTS(GW_OPT_COPY)};
    return dd_privacy_new(&privacy, counts, path, diagnostics);
}
