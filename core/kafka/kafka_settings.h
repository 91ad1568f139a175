/* kafka_settings.h: options and settings of a client become librdkafka's configuration.
 *
 *   defaults ◁ properties of the user ◁ what options say (brokers, tls, sasl) and what guarantees stand on
 *
 * Threads: main. Ownership: the caller destroys the result, unless rd_kafka_new took it over.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_SETTINGS_H
#define KAFKA_SETTINGS_H

#include "core/kafka/kafka_options.h"

struct gw_diagnostics;

/* NULL when there was a mistake: a diagnostic for each, `path` is "exporters[0]". bootstrap.servers is not set. */
rd_kafka_conf_t *kafka_settings(const struct kafka_client_conf *, const char *path, struct gw_diagnostics *);
/* The brokers, separated by commas; malloc'd, NULL when there is no memory. */
char *kafka_settings_brokers(const struct kafka_client_options *);
/* Whether TLS is spoken. */
bool kafka_settings_tls(const struct kafka_client_options *);
/* The mechanism's name; NULL for none. */
const char *kafka_settings_sasl(const struct kafka_client_options *);

#endif
