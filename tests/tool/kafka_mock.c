/* kafka_mock [BROKERS]: a Kafka cluster for tests/e2e/kafka_tools.py, simulated by librdkafka's mock cluster. The
 * first line of standard output is the bootstrap servers. Each line of standard input is a command, each answered by
 * one line, "ok" or "error: …":
 *
 *     topic NAME PARTITIONS              makes a topic; others are made when they are asked for, with four partitions
 *     topic_error NAME CODE              metadata says this of the topic; 0: nothing any more
 *     errors APIKEY CODE…                the next requests of this kind are answered so; 0 is no error
 *     delays BROKER APIKEY CODE MS …     the same at one broker, each after so many milliseconds
 *     clear APIKEY                       no such errors any more
 *     down BROKER, up BROKER             brokers are numbered from 1
 *     rtt BROKER MS                      every answer takes so long
 *     leader TOPIC PARTITION BROKER
 *     versions APIKEY FROM TO
 *
 * ApiKeys: Produce 0, Fetch 1, Metadata 3, OffsetCommit 8, JoinGroup 11, Heartbeat 12, InitProducerId 22.
 * Ends with standard input. SPDX-License-Identifier: Apache-2.0
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 64, LINE = 4096 };

struct command {
    char *words[MOST];
    size_t n;
};

static int number(const struct command *c, size_t i)
{
    return i < c->n ? atoi(c->words[i]) : 0;
}

static bool is(const struct command *c, const char *name, size_t arguments)
{
    return strcmp(c->words[0], name) == 0 && c->n > arguments;
}

static rd_kafka_resp_err_t push_errors(rd_kafka_mock_cluster_t *cluster, const struct command *c)
{
    rd_kafka_resp_err_t errors[MOST];
    for (size_t i = 2; i < c->n; i++)
        errors[i - 2] = (rd_kafka_resp_err_t)number(c, i);
    rd_kafka_mock_push_request_errors_array(cluster, (int16_t)number(c, 1), c->n - 2, errors);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t push_delays(rd_kafka_mock_cluster_t *cluster, const struct command *c)
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 3; i + 1 < c->n && !error; i += 2)
        error =
            rd_kafka_mock_broker_push_request_error_rtts(cluster, number(c, 1), (int16_t)number(c, 2), 1,
                                                         (rd_kafka_resp_err_t)number(c, i), number(c, i + 1));
    return error;
}

static rd_kafka_resp_err_t obey(rd_kafka_mock_cluster_t *cluster, const struct command *c)
{
    if (is(c, "topic", 2))
        return rd_kafka_mock_topic_create(cluster, c->words[1], number(c, 2), 1);
    if (is(c, "errors", 2))
        return push_errors(cluster, c);
    if (is(c, "delays", 4))
        return push_delays(cluster, c);
    if (is(c, "down", 1))
        return rd_kafka_mock_broker_set_down(cluster, number(c, 1));
    if (is(c, "up", 1))
        return rd_kafka_mock_broker_set_up(cluster, number(c, 1));
    if (is(c, "rtt", 2))
        return rd_kafka_mock_broker_set_rtt(cluster, number(c, 1), number(c, 2));
    if (is(c, "leader", 3))
        return rd_kafka_mock_partition_set_leader(cluster, c->words[1], number(c, 2), number(c, 3));
    if (is(c, "versions", 3))
        return rd_kafka_mock_set_apiversion(cluster, (int16_t)number(c, 1), (int16_t)number(c, 2),
                                            (int16_t)number(c, 3));
    if (is(c, "topic_error", 2))
        rd_kafka_mock_topic_set_error(cluster, c->words[1], (rd_kafka_resp_err_t)number(c, 2));
    else if (is(c, "clear", 1))
        rd_kafka_mock_clear_request_errors(cluster, (int16_t)number(c, 1));
    else
        return RD_KAFKA_RESP_ERR__INVALID_ARG;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int main(int argc, char **argv)
{
    char words[512], line[LINE];
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), words, sizeof words);
    rd_kafka_mock_cluster_t *cluster =
        handle ? rd_kafka_mock_cluster_new(handle, argc > 1 ? atoi(argv[1]) : 1) : NULL;
    if (!cluster)
        return 1;
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        struct command c = {.n = 0};
        for (char *word = strtok(line, " \n"); word && c.n < MOST; word = strtok(NULL, " \n"))
            c.words[c.n++] = word;
        rd_kafka_resp_err_t error = c.n ? obey(cluster, &c) : RD_KAFKA_RESP_ERR__INVALID_ARG;
        printf(error ? "error: %s\n" : "ok\n", rd_kafka_err2name(error));
        fflush(stdout);
    }
    _exit(0); /* its end takes a second otherwise */
}
