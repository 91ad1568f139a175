/* kafka_options.h: the settings of a Kafka client: from options of the user, which exporter and receiver
 * share, and from the component.
 *
 *     brokers = [ "kafka-1:9092", "kafka-2:9092" ];        the first that answers tells of all others
 *     tls = { ca = "/etc/ssl/kafka.pem"; };                with any of these, or enabled = true, TLS is spoken
 *     sasl = { mechanism = "SCRAM-SHA-512"; username = "ddgate"; password = "${env:KAFKA_PASSWORD}"; };
 *     properties = { linger_ms = "5"; };                   librdkafka's own, '_' in the place of '.'
 *
 * A component has settings of its own: some are defaults that a property may change; its guarantees depend on
 * the others, and a property that names one of those is a mistake. Properties with secret names
 * (ssl_key_password) are hidden like sasl.password.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_OPTIONS_H
#define KAFKA_OPTIONS_H

#include <librdkafka/rdkafka.h>

#include "core/config/option.h"

struct gw_budget;

#define KAFKA_CLIENT_OPTS(X)                                                                                 \
    X(list, brokers, "brokers", "localhost:9092", "", "",                                                    \
      "Brokers to contact first, as host:port; each one knows all others. Three are enough for any "         \
      "cluster.")                                                                                            \
    X(str, client_id, "client_id", "ddgate", "", "", "Name in the brokers' logs and quotas.")                \
    X(flag, tls_enabled, "tls.enabled", "false", "", "",                                                     \
      "Use TLS with the CAs that the system trusts; tls.ca and tls.cert turn TLS on too.")                   \
    X(str, tls_ca, "tls.ca", "", "", "",                                                                     \
      "PEM file with the CA certificates to trust. Default: those of the system.")                           \
    X(str, tls_cert, "tls.cert", "", "", "",                                                                 \
      "PEM file with the client's certificate chain, for brokers that require one.")                         \
    X(str, tls_key, "tls.key", "", "", "", "PEM file with the key of tls.cert.")                             \
    X(choice, sasl_mechanism, "sasl.mechanism", "none",                                                      \
      "none|PLAIN|SCRAM-SHA-256|SCRAM-SHA-512|GSSAPI|OAUTHBEARER", "",                                       \
      "How ddgate authenticates. The settings of GSSAPI and OAUTHBEARER go into properties.")                \
    X(str, sasl_username, "sasl.username", "", "", "", "User name for PLAIN and SCRAM.")                     \
    X(secret, sasl_password, "sasl.password", "", "", "",                                                    \
      "Password of the user, for example ${env:KAFKA_PASSWORD}.")                                            \
    X(map, properties, "properties", "", "", "",                                                             \
      "Properties of librdkafka that have no option here, such as socket_keepalive_enable = \"true\" for "   \
      "socket.keepalive.enable. Properties that have an option, or on which ddgate's guarantees depend, "    \
      "are refused.")

struct kafka_client_options {
    KAFKA_CLIENT_OPTS(GW_FIELD)
};

/* struct conf, which begins with a struct kafka_client_options, and its rows `opts`; OPTS is the list of the
 * component's own options. GW_CONF must be defined as struct conf. */
#define KAFKA_CLIENT_CONF(OPTS)                                                                              \
    struct conf {                                                                                            \
        KAFKA_CLIENT_OPTS(GW_FIELD)                                                                          \
        OPTS(GW_FIELD)                                                                                       \
    };                                                                                                       \
    static const struct gw_opt opts[] = {KAFKA_CLIENT_OPTS(GW_ROW) OPTS(GW_ROW) GW_OPT_END};                 \
    _Static_assert(offsetof(struct conf, properties) == offsetof(struct kafka_client_options, properties),   \
                   "conf begins with the client's")

/* One of librdkafka's properties, by its name there. */
struct kafka_setting {
    const char *name;
    const char *value; /* NULL: it is left as it is */
    /* the error where the user sets it in `properties`: "is set by the option acks"; NULL: the user's value
     * counts */
    const char *refusal;
};

struct kafka_client_conf {
    rd_kafka_type_t type;
    const struct kafka_client_options *options;
    const struct kafka_setting *settings;
    size_t settings_n;
    const char *component;    /* in log lines: "exporter=kafka"; outlives the client */
    void *owner;              /* the component's context */
    bool reports;             /* errors are logged here; otherwise the component logs them */
    struct gw_budget *budget; /* may be NULL */
    size_t memory;            /* that the library will hold, about */
};

#endif
