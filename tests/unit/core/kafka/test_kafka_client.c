/* What a client's options become, what each mistake says, and what an error of Kafka is explained as.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/budget.h"
#include "core/config/config_diagnostic.h"
#include "core/kafka/kafka_client.h"

enum { SCRAM_512 = 3, PLAIN = 1, OAUTHBEARER = 5, MAP = 4 };

static const struct kafka_setting settings[] = {
    {"linger.ms", "7", NULL},
    {"acks", "all", "is set by the option acks"},
    {"request.required.acks", NULL, "is set by the option acks"},
};

struct given {
    struct kafka_client_options options;
    gw_str broker;
    struct gw_map_item properties[MAP];
};

static void give(struct given *g, const char *broker)
{
    *g = (struct given){.broker = gw_str_z(broker)};
    g->options.brokers = (struct gw_list){&g->broker, 1};
    g->options.client_id = GW_STR("ddgate");
    g->options.properties.items = g->properties;
}

static void add(struct given *g, const char *name, const char *value)
{
    g->properties[g->options.properties.n++] = (struct gw_map_item){gw_str_z(name), gw_str_z(value)};
}

/* *said gets all mistakes as text (malloc'd). */
static enum gw_code open_client(struct kafka_client *c, const struct given *g, struct gw_budget *budget,
                                char **said)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    const struct kafka_client_conf conf = {.type = RD_KAFKA_PRODUCER,
                                           .options = &g->options,
                                           .settings = settings,
                                           .settings_n = 3,
                                           .component = "exporter=kafka",
                                           .budget = budget,
                                           .memory = 1000};
    size_t len;
    enum gw_code code = kafka_client_open(c, &conf, "exporters[0]", diagnostics);
    FILE *f = open_memstream(said, &len);
    gw_diagnostics_print(diagnostics, f);
    fclose(f);
    gw_diagnostics_drop(diagnostics);
    return code;
}

static void assert_setting(const struct kafka_client *c, const char *name, const char *want)
{
    char value[512];
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(c->conf, name, value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, want);
}

static void options_and_properties_become_librdkafkas(void **state)
{
    struct given g;
    struct kafka_client c;
    char *said;
    give(&g, "one:9092,two:9093");
    g.options.sasl_mechanism = SCRAM_512;
    g.options.sasl_username = GW_STR("gate");
    g.options.sasl_password = GW_STR("opensesame");
    g.options.tls_enabled = true;
    add(&g, "socket_keepalive_enable", "true");
    add(&g, "linger.ms", "3");
    add(&g, "log_level", "5");
    assert_int_equal(open_client(&c, &g, NULL, &said), GW_OK);
    if (rd_kafka_version() < 0x020601ff)
        assert_non_null(strstr(said, "SCRAM of the installed librdkafka"));
    else
        assert_string_equal(said, "");
    assert_setting(&c, "bootstrap.servers", "one:9092,two:9093");
    assert_setting(&c, "security.protocol", "sasl_ssl");
    assert_setting(&c, "sasl.mechanisms", "SCRAM-SHA-512");
    assert_setting(&c, "sasl.username", "gate");
    assert_setting(&c, "socket.keepalive.enable", "true");
    assert_setting(&c, "linger.ms", "3");
    assert_setting(&c, "log_level", "5");
    assert_setting(&c, "acks", "-1");
    assert_setting(&c, "client.id", "ddgate");
    free(said);
    kafka_client_close(&c);
}

static void a_component_s_default_holds_where_no_property_says_otherwise(void **state)
{
    struct given g;
    struct kafka_client c;
    char *said;
    give(&g, "[::1]:9092");
    assert_int_equal(open_client(&c, &g, NULL, &said), GW_OK);
    assert_setting(&c, "linger.ms", "7");
    assert_setting(&c, "security.protocol", "plaintext");
    free(said);
    kafka_client_close(&c);
}

static void mistakes_name_the_option_and_the_remedy(void **state)
{
    static const struct {
        const char *broker, *property, *value, *says;
    } table[] = {
        {"kafka://one:9092", NULL, NULL,
         "exporters[0].brokers: \"kafka://one:9092\" is a URL: write host:port"},
        {"user:pw@one:9092", NULL, NULL, "exporters[0].brokers: holds a user"},
        {"one:99999", NULL, NULL, "has no port that can be"},
        {"one:x", NULL, NULL, "has no port that can be"},
        {":9092", NULL, NULL, "names no host"},
        {"", NULL, NULL, "names no host"},
        {"one", "acks", "1", "exporters[0].properties: acks is set by the option acks"},
        {"one", "request_required_acks", "1", "request_required_acks is set by the option acks"},
        {"one", "bootstrap_servers", "two", "bootstrap_servers is set by the option brokers"},
        {"one", "plugin.library.paths", "/x.so", "would load programs into this one"},
        {"one", "test_mock_num_brokers", "3", "would put a simulation in the place of the brokers"},
        {"one", "no_such_thing", "3", "No such configuration property: \"no.such.thing\""},
        {"one", "linger_ms", "soon", "exporters[0].properties: linger_ms: Invalid value"},
        {"one", "ssl_key_password", "x", NULL},
        {"one", "enable_ssl_certificate_verification", "false",
         "anyone on the network can pose as the broker"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct given g;
        struct kafka_client c;
        char *said;
        give(&g, table[i].broker);
        if (table[i].property)
            add(&g, table[i].property, table[i].value);
        enum gw_code code = open_client(&c, &g, NULL, &said);
        if (table[i].says ? !strstr(said, table[i].says) : code != GW_OK)
            fail_msg("row %zu: said \"%s\"", i, said);
        assert_int_equal(code == GW_OK, !table[i].says || strstr(said, "warning: ") != NULL);
        assert_null(strstr(said, "pw"));
        free(said);
        kafka_client_close(&c);
    }
}

static void sasl_and_tls_want_all_their_parts(void **state)
{
    struct given g;
    struct kafka_client c;
    char *said;
    give(&g, "one:9092");
    g.options.sasl_mechanism = PLAIN;
    g.options.tls_cert = GW_STR("/no/such/file.pem");
    assert_int_equal(open_client(&c, &g, NULL, &said), GW_BAD_REQUEST);
    assert_non_null(strstr(said, "exporters[0].sasl.username: is missing"));
    assert_non_null(strstr(said, "exporters[0].sasl.password: is missing"));
    assert_non_null(strstr(said, "exporters[0].tls.key: is missing"));
    assert_non_null(strstr(said, "exporters[0].tls.cert: cannot read \"/no/such/file.pem\""));
    free(said);
    kafka_client_close(&c);
    give(&g, "one:9092");
    g.options.sasl_username = GW_STR("gate");
    assert_int_equal(open_client(&c, &g, NULL, &said), GW_BAD_REQUEST);
    assert_non_null(strstr(said, "exporters[0].sasl.mechanism: is missing"));
    free(said);
    kafka_client_close(&c);
    give(&g, "one:9092");
    g.options.sasl_mechanism = PLAIN;
    g.options.sasl_username = GW_STR("gate");
    g.options.sasl_password = GW_STR("opensesame");
    assert_int_equal(open_client(&c, &g, NULL, &said), GW_OK);
    assert_non_null(strstr(said, "PLAIN without TLS sends the password in clear text"));
    assert_null(strstr(said, "opensesame"));
    free(said);
    kafka_client_close(&c);
}

static void trouble_names_the_broker_and_memory_is_charged_while_it_runs(void **state)
{
    struct given g;
    struct kafka_client c;
    struct gw_budget budget = {.limit = 1 << 20};
    char *said;
    give(&g, "127.0.0.1:1");
    assert_int_equal(open_client(&c, &g, &budget, &said), GW_OK);
    free(said);
    assert_int_equal(budget.used, 0);
    assert_true(kafka_client_start(&c, &(struct kafka_setting){"message.timeout.ms", "1000", NULL}, 1));
    assert_int_equal(budget.used, 1000);
    while (!c.trouble.down)
        rd_kafka_poll(c.handle, 100);
    assert_int_equal(c.trouble.code, RD_KAFKA_RESP_ERR__TRANSPORT);
    assert_string_equal(c.trouble.text,
                        "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused");
    kafka_client_works(&c);
    assert_false(c.trouble.down);
    assert_int_equal(c.trouble.code, RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_client_close(&c);
    assert_int_equal(budget.used, 0);
}

static void errors_are_explained(void **state)
{
    char text[256];
    const struct kafka_cause *cause =
        kafka_explain(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "topic spans", NULL, text, sizeof text);
    assert_string_equal(text, "topic spans: the broker does not know this topic (UNKNOWN_TOPIC_OR_PART)");
    assert_int_equal(cause->kind, KAFKA_REFUSED);
    assert_non_null(strstr(cause->remedy, "kafka-topics.sh --create"));
    cause =
        kafka_explain(RD_KAFKA_RESP_ERR__TRANSPORT, NULL, "one:9092: Connection refused", text, sizeof text);
    assert_string_equal(text,
                        "there is no connection to a broker (_TRANSPORT): one:9092: Connection refused");
    assert_int_equal(cause->kind, KAFKA_AWAY);
    cause = kafka_explain(RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE, NULL, NULL, text, sizeof text);
    assert_non_null(strstr(text, "PREFERRED_LEADER_NOT_AVAILABLE")); /* one that the table does not have */
    assert_int_equal(cause->kind, KAFKA_PASSING);
}

static void what_it_is_shows_no_secret(void **state)
{
    struct given g;
    struct kafka_client c;
    char *said, *shown;
    size_t len;
    give(&g, "one:9092");
    g.options.tls_enabled = true;
    g.options.sasl_mechanism = SCRAM_512;
    g.options.sasl_username = GW_STR("gate");
    g.options.sasl_password = GW_STR("opensesame");
    assert_int_equal(open_client(&c, &g, NULL, &said), GW_OK);
    FILE *f = open_memstream(&shown, &len);
    kafka_client_describe(&c, f);
    fclose(f);
    assert_string_equal(shown, "one:9092, TLS, SASL SCRAM-SHA-512 as gate");
    free(said);
    free(shown);
    kafka_client_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_properties_become_librdkafkas),
        cmocka_unit_test(a_component_s_default_holds_where_no_property_says_otherwise),
        cmocka_unit_test(mistakes_name_the_option_and_the_remedy),
        cmocka_unit_test(sasl_and_tls_want_all_their_parts),
        cmocka_unit_test(trouble_names_the_broker_and_memory_is_charged_while_it_runs),
        cmocka_unit_test(errors_are_explained),
        cmocka_unit_test(what_it_is_shows_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
