/* kafka_settings.c: lays defaults, the user's properties and options one over the other, and reports what cannot
 * be. Owns nothing. Called by kafka_client.c when a client is opened.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/kafka/kafka_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config_diagnostic.h"
#include "core/config/pem_file.h"

enum { NAME = 128, WORDS = 512, FIRST_GOOD_SCRAM = 0x020601ff /* of librdkafka: 2.6.1 */ };

/* The words of sasl.mechanism, in the order of the row. */
enum { SASL_NONE, SASL_PLAIN, SASL_SCRAM_256, SASL_SCRAM_512, SASL_GSSAPI, SASL_OAUTHBEARER };
static const char *const mechanisms[] = {[SASL_NONE] = NULL,
                                         [SASL_PLAIN] = "PLAIN",
                                         [SASL_SCRAM_256] = "SCRAM-SHA-256",
                                         [SASL_SCRAM_512] = "SCRAM-SHA-512",
                                         [SASL_GSSAPI] = "GSSAPI",
                                         [SASL_OAUTHBEARER] = "OAUTHBEARER"};

/* Properties that no component leaves to the user. A name that ends with a point covers all that begin with it. */
static const struct {
    const char *name, *refusal;
} refused[] = {
    {"bootstrap.servers", "is set by the option brokers"},
    {"metadata.broker.list", "is set by the option brokers"},
    {"client.id", "is set by the option client_id"},
    {"security.protocol", "follows from tls and sasl"},
    {"ssl.ca.location", "is set by the option tls.ca"},
    {"ssl.ca.pem", "is set by the option tls.ca"},
    {"ssl.certificate.location", "is set by the option tls.cert"},
    {"ssl.certificate.pem", "is set by the option tls.cert"},
    {"ssl.key.location", "is set by the option tls.key"},
    {"ssl.key.pem", "is set by the option tls.key"},
    {"sasl.mechanism", "is set by the option sasl.mechanism"},
    {"sasl.mechanisms", "is set by the option sasl.mechanism"},
    {"sasl.username", "is set by the option sasl.username"},
    {"sasl.password", "is set by the option sasl.password"},
    {"plugin.library.paths", "would load programs into this one"},
    {"log.queue", "is how log lines of the library come into ddgate's log"},
    {"test.mock.", "would put a simulation in the place of the brokers"},
    {"internal.termination.signal", "would end this process's threads in its own way"},
};

/* The configuration while it is made. */
struct making {
    rd_kafka_conf_t *conf;
    const struct kafka_client_conf *from;
    const char *path;
    struct gw_diagnostics *diagnostics;
    bool bad;
};

static void mistake(struct making *m, const char *option, const char *text)
{
    gw_option_error(m->diagnostics, m->path, option, "%s", text);
    m->bad = true;
}

/* --- what is asked of librdkafka --- */

static void set(struct making *m, const char *option, const char *name, const char *value)
{
    char words[WORDS];
    if (rd_kafka_conf_set(m->conf, name, value, words, sizeof words) != RD_KAFKA_CONF_OK)
        mistake(m, option, words);
}

static void set_text(struct making *m, const char *option, const char *name, gw_str value)
{
    if (value.len)
        set(m, option, name, value.ptr);
}

/* --- properties --- */

static const char *refusal_of(const struct making *m, const char *name)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        size_t n = strlen(refused[i].name);
        bool all = refused[i].name[n - 1] == '.';
        if (all ? strncmp(name, refused[i].name, n) == 0 : strcmp(name, refused[i].name) == 0)
            return refused[i].refusal;
    }
    for (size_t i = 0; i < m->from->settings_n; i++)
        if (m->from->settings[i].refusal && strcmp(m->from->settings[i].name, name) == 0)
            return m->from->settings[i].refusal;
    return NULL;
}

/* linger_ms is linger.ms: a key of the configuration has no points. One property has an underscore of its own. */
static bool name_of(gw_str key, char out[static NAME])
{
    if (key.len >= NAME)
        return false;
    memcpy(out, key.ptr, key.len);
    out[key.len] = '\0';
    for (char *c = out; *c && strcmp(out, "log_level") != 0; c++)
        if (*c == '_')
            *c = '.';
    return true;
}

static void set_property(struct making *m, const struct gw_map_item *item)
{
    char name[NAME], words[WORDS], text[NAME + 2 + WORDS];
    const char *refusal = name_of(item->key, name) ? refusal_of(m, name) : "is no property of librdkafka";
    if (refusal) {
        snprintf(text, sizeof text, "%.*s %s", GW_FMT(item->key), refusal);
        mistake(m, "properties", text);
        return;
    }
    if (rd_kafka_conf_set(m->conf, name, item->value.ptr, words, sizeof words) != RD_KAFKA_CONF_OK) {
        snprintf(text, sizeof text, "%.*s: %s", GW_FMT(item->key), words);
        mistake(m, "properties", text);
    }
    if (strcmp(name, "enable.ssl.certificate.verification") == 0 && gw_str_eq(item->value, GW_STR("false")))
        gw_option_warning(m->diagnostics, m->path, "properties",
                          "%s = false: anyone on the network can pose as the broker", name);
}

static void set_all(struct making *m)
{
    const struct kafka_client_conf *from = m->from;
    for (size_t i = 0; i < from->settings_n; i++)
        if (from->settings[i].value && !from->settings[i].refusal)
            set(m, "properties", from->settings[i].name, from->settings[i].value);
    for (size_t i = 0; i < from->options->properties.n; i++)
        set_property(m, &from->options->properties.items[i]);
    for (size_t i = 0; i < from->settings_n; i++)
        if (from->settings[i].value && from->settings[i].refusal)
            set(m, "properties", from->settings[i].name, from->settings[i].value);
}

/* --- TLS and SASL --- */

bool kafka_settings_tls(const struct kafka_client_options *o)
{
    return o->tls_enabled || o->tls_ca.len || o->tls_cert.len || o->tls_key.len;
}

const char *kafka_settings_sasl(const struct kafka_client_options *o)
{
    return mechanisms[o->sasl_mechanism];
}

static void set_pem(struct making *m, const char *option, const char *name, gw_str file)
{
    char *text;
    if (!gw_pem_read(file, m->path, option, m->diagnostics, &text))
        m->bad = true;
    else if (text)
        set(m, option, name, text);
    gw_pem_forget(text);
}

static void set_tls(struct making *m)
{
    static const char *const secure[] = {"tls.ca", "tls.cert", "tls.key", NULL};
    const struct kafka_client_options *o = m->from->options;
    gw_options_not_empty(m->diagnostics, m->path, secure);
    set_pem(m, "tls.ca", "ssl.ca.pem", o->tls_ca);
    set_pem(m, "tls.cert", "ssl.certificate.pem", o->tls_cert);
    set_pem(m, "tls.key", "ssl.key.pem", o->tls_key);
    if (o->tls_cert.len && !o->tls_key.len)
        mistake(m, "tls.key", "is missing: tls.cert needs its key");
    if (o->tls_key.len && !o->tls_cert.len)
        mistake(m, "tls.cert", "is missing: tls.key needs its certificate");
}

/* Sends the client's nonce twice, which brokers before 4.0 let pass. */
static bool has_faulty_scram(unsigned mechanism)
{
    bool scram = mechanism == SASL_SCRAM_256 || mechanism == SASL_SCRAM_512;
    return scram && rd_kafka_version() < FIRST_GOOD_SCRAM;
}

static void set_sasl(struct making *m)
{
    const struct kafka_client_options *o = m->from->options;
    bool has_user = o->sasl_mechanism >= SASL_PLAIN && o->sasl_mechanism <= SASL_SCRAM_512;
    if (!kafka_settings_sasl(o)) {
        if (o->sasl_username.len || o->sasl_password.len)
            mistake(m, "sasl.mechanism",
                    "is missing: sasl.username and sasl.password are used by a mechanism: PLAIN, "
                    "SCRAM-SHA-256 or SCRAM-SHA-512");
        return;
    }
    if (has_user && !o->sasl_username.len)
        mistake(m, "sasl.username", "is missing: this mechanism proves who a user is");
    if (has_user && !o->sasl_password.len)
        mistake(m, "sasl.password", "is missing: this mechanism proves who a user is");
    if (o->sasl_mechanism == SASL_PLAIN && !kafka_settings_tls(o))
        gw_option_warning(m->diagnostics, m->path, "sasl.mechanism",
                          "PLAIN without TLS sends the password in clear text");
    if (has_faulty_scram(o->sasl_mechanism))
        gw_option_warning(
            m->diagnostics, m->path, "sasl.mechanism",
            "SCRAM of the installed librdkafka %s is refused by Kafka 4.0 and later, with the right "
            "password too: install librdkafka 2.6.1 or later, or use PLAIN over TLS",
            rd_kafka_version_str());
    set(m, "sasl.mechanism", "sasl.mechanisms", kafka_settings_sasl(o));
    set_text(m, "sasl.username", "sasl.username", o->sasl_username);
    set_text(m, "sasl.password", "sasl.password", o->sasl_password);
}

static void set_protocol(struct making *m)
{
    static const char *const protocols[2][2] = {{"plaintext", "ssl"}, {"sasl_plaintext", "sasl_ssl"}};
    const struct kafka_client_options *o = m->from->options;
    set(m, "tls", "security.protocol", protocols[kafka_settings_sasl(o) != NULL][kafka_settings_tls(o)]);
}

/* --- brokers --- */

static void check_broker(struct making *m, gw_str broker)
{
    char text[WORDS];
    size_t colon = broker.len;
    for (size_t i = 0; i < broker.len; i++)
        colon = broker.ptr[i] == ':' ? i : colon;
    gw_str port = gw_str_from(broker, colon + (colon < broker.len));
    uint64_t number = 0;
    bool v6 = broker.len && broker.ptr[broker.len - 1] == ']';
    if (gw_str_find(broker, '/') < broker.len)
        snprintf(text, sizeof text, "\"%.*s\" is a URL: write host:port; TLS is an option of its own, tls",
                 GW_FMT(broker));
    else if (gw_str_find(broker, '@') < broker.len)
        snprintf(text, sizeof text, "holds a user: write host:port, and the user to sasl.username");
    else if (!broker.len || colon == 0)
        snprintf(text, sizeof text, "\"%.*s\" names no host: write host:port", GW_FMT(broker));
    else if (!v6 && colon < broker.len && (!gw_str_u64(port, &number) || number == 0 || number > 65535))
        snprintf(text, sizeof text, "\"%.*s\" has no port that can be: write host:port, 1 to 65535",
                 GW_FMT(broker));
    else
        return;
    mistake(m, "brokers", text);
}

static void check_brokers(struct making *m)
{
    const struct gw_list *brokers = &m->from->options->brokers;
    gw_str broker;
    if (!brokers->n)
        mistake(m, "brokers", "is missing: write at least one broker as host:port");
    for (size_t i = 0; i < brokers->n; i++) {
        gw_str rest = brokers->items[i];
        if (!rest.len)
            check_broker(m, rest);
        while (gw_str_next(&rest, ',', &broker))
            check_broker(m, gw_str_trim(broker));
    }
}

char *kafka_settings_brokers(const struct kafka_client_options *o)
{
    size_t size = 1, n = 0;
    for (size_t i = 0; i < o->brokers.n; i++)
        size += o->brokers.items[i].len + 1;
    char *all = malloc(size);
    if (!all)
        return NULL;
    all[0] = '\0';
    for (size_t i = 0; i < o->brokers.n; i++)
        n += (size_t)snprintf(all + n, size - n, "%s%.*s", i ? "," : "", GW_FMT(o->brokers.items[i]));
    return all;
}

rd_kafka_conf_t *kafka_settings(const struct kafka_client_conf *from, const char *path,
                                struct gw_diagnostics *diagnostics)
{
    struct making m = {rd_kafka_conf_new(), from, path, diagnostics, false};
    check_brokers(&m);
    set_text(&m, "client_id", "client.id", from->options->client_id);
    set(&m, "properties", "log.queue", "true");
    set(&m, "properties", "log.connection.close", "false");
    set_protocol(&m);
    set_all(&m);
    set_tls(&m);
    set_sasl(&m);
    if (!m.bad)
        return m.conf;
    rd_kafka_conf_destroy(m.conf);
    return NULL;
}
