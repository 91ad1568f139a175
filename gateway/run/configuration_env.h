/* configuration_env.h: OpenTelemetry's environment variables, where the configuration leaves an option out.
 *
 *   OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, …_HEADERS, …_COMPRESSION, …_TIMEOUT, …_CERTIFICATE, …
 *
 * The variable of the traces comes before the general one. They fill options of the exporters named otlp_…,
 * and an empty one is as if it were not set (OpenTelemetry specification, Environment Variable Specification
 * and OTLP Exporter Configuration).
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIGURATION_ENV_H
#define GW_CONFIGURATION_ENV_H

#include "core/config/config_text.h"
#include "core/config/option.h"
#include "core/delivery/exporter.h"

/* True when the variable of this option is set: *text is then written like a default (option.h), *name is the
 * variable's name. `rows` are all of the exporter's: one with traces_endpoint takes a signal's endpoint as
 * that, whole, and not as its base URL. */
bool gw_conf_env_value(gw_env_f *, const struct gw_opt *rows, const struct gw_opt *row, struct gw_arena *,
                       gw_str *text, const char **name);
/* "key=value,key=value", percent-encoded: what HEADERS holds. False: not that. */
bool gw_conf_env_headers(gw_str text, struct gw_map *, struct gw_arena *);
/* Does the environment speak of this exporter? */
bool gw_conf_env_fills(const struct gw_exporter *);
/* The exporter's type without a configuration file: "stdout", or "otlp_grpc" or "otlp_http" if an endpoint is
 * set. */
const char *gw_conf_env_exporter(gw_env_f *);

#endif
