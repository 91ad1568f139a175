/* kafka_cause.c: the table of kafka_cause.h. Owns nothing. Called wherever the library returns an error.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/kafka/kafka_cause.h"

#include <stddef.h>

#define ROW(code, kind, meaning, remedy)                                                                     \
    {                                                                                                        \
        RD_KAFKA_RESP_ERR_##code, KAFKA_##kind, meaning, remedy                                              \
    }

#define SCRAM "; Kafka 4.0 and later refuse SCRAM of librdkafka before 2.6.1 with the right password too"

static const struct kafka_cause causes[] = {
    ROW(_TRANSPORT, AWAY, "there is no connection to a broker",
        "is the broker running at that address? A broker that wants TLS or SASL closes the connection of one "
        "who speaks neither: see tls and sasl"),
    ROW(_ALL_BROKERS_DOWN, AWAY, "no broker can be reached",
        "are the addresses in brokers right, and the brokers running?"),
    ROW(_RESOLVE, AWAY, "the name of a broker cannot be resolved",
        "brokers are asked for their own addresses after the first connection: is advertised.listeners of "
        "the "
        "broker a name that this machine knows?"),
    ROW(BROKER_NOT_AVAILABLE, AWAY, "the broker is not available", NULL),
    ROW(_SSL, REFUSED, "TLS could not be agreed with the broker",
        "compare tls.ca with the broker's certificate, and its name with the address in brokers; a broker "
        "may "
        "want tls.cert and tls.key; one that does not speak TLS on this port answers so too"),
    ROW(_AUTHENTICATION, REFUSED, "the broker does not accept the user",
        "check sasl.mechanism, sasl.username and sasl.password" SCRAM),
    ROW(SASL_AUTHENTICATION_FAILED, REFUSED, "the broker does not accept the user",
        "check sasl.username and sasl.password" SCRAM),
    ROW(UNSUPPORTED_SASL_MECHANISM, REFUSED, "the broker does not know this SASL mechanism",
        "set sasl.mechanism to one of the broker's sasl.enabled.mechanisms"),
    ROW(ILLEGAL_SASL_STATE, REFUSED, "the broker wants no SASL here, or other SASL",
        "check sasl.mechanism, and the port in brokers"),
    ROW(TOPIC_AUTHORIZATION_FAILED, REFUSED, "the user may not use this topic",
        "grant the user WRITE and DESCRIBE (to send) or READ and DESCRIBE (to receive) on the topic: "
        "kafka-acls.sh --add"),
    ROW(GROUP_AUTHORIZATION_FAILED, REFUSED, "the user may not use this group",
        "grant the user READ on the group: kafka-acls.sh --add"),
    ROW(CLUSTER_AUTHORIZATION_FAILED, REFUSED, "the user may not do this on the cluster",
        "brokers before 3.0 want IDEMPOTENT_WRITE on the cluster for idempotence = true"),
    ROW(SECURITY_DISABLED, REFUSED, "the broker has no security", "leave sasl out"),
    ROW(UNKNOWN_TOPIC_OR_PART, REFUSED, "the broker does not know this topic",
        "create it (kafka-topics.sh --create), or correct its name in topics"),
    ROW(_UNKNOWN_TOPIC, REFUSED, "the broker does not know this topic",
        "create it (kafka-topics.sh --create), or correct its name in topics"),
    ROW(_UNKNOWN_PARTITION, REFUSED, "the topic has no such partition any more",
        "it was deleted, or made again with fewer: create it (kafka-topics.sh --create)"),
    ROW(TOPIC_EXCEPTION, REFUSED, "this is no name of a topic",
        "topics are named with letters, digits, '.', '_' and '-', 249 characters at most"),
    ROW(INVALID_REQUIRED_ACKS, REFUSED, "the broker does not know these acks",
        "write acks = \"all\" or \"1\""),
    ROW(POLICY_VIOLATION, REFUSED, "a policy of the cluster forbids this", NULL),
    ROW(UNSUPPORTED_COMPRESSION_TYPE, REFUSED, "the broker does not know this compression",
        "set compression to one that it takes"),
    ROW(UNSUPPORTED_FOR_MESSAGE_FORMAT, REFUSED, "the topic's message format is too old for this", NULL),
    ROW(UNSUPPORTED_VERSION, REFUSED, "the broker is too old, or too new, for this", NULL),
    ROW(_UNSUPPORTED_FEATURE, REFUSED, "the broker is too old for this",
        "brokers before 0.11 have neither headers nor idempotence"),
    ROW(MSG_SIZE_TOO_LARGE, TOO_LARGE, "the broker finds the record, or its batch, too large",
        "set max_message below max.message.bytes of the topic and message.max.bytes of the broker"),
    ROW(RECORD_LIST_TOO_LARGE, TOO_LARGE, "the broker finds the batch of records larger than a segment",
        "set max_message below segment.bytes of the topic"),
    ROW(INVALID_MSG_SIZE, TOO_LARGE, "the broker finds the record too large",
        "set max_message below max.message.bytes of the topic"),
    ROW(INVALID_MSG, BAD, "the broker cannot read the record",
        "a topic with cleanup.policy=compact takes no record without a key: "
        "take another topic, or partition_by = \"trace_id\""),
    ROW(INVALID_RECORD, BAD, "the broker's rules refuse the record",
        "a topic with cleanup.policy=compact takes no record without a key: "
        "take another topic, or partition_by = \"trace_id\""),
    ROW(INVALID_TIMESTAMP, BAD, "the broker refuses the record's time",
        "compare this machine's clock with the broker's"),
    ROW(_BAD_MSG, BAD, "the record cannot be read", NULL),
    ROW(_BAD_COMPRESSION, BAD, "the record cannot be decompressed", NULL),
    ROW(_MSG_TIMED_OUT, LATE, "the broker has not acknowledged the record in time",
        "has the partition a leader, and enough replicas in sync (kafka-topics.sh --describe)? Is timeout "
        "too short?"),
    ROW(_TIMED_OUT, LATE, "the broker has not answered in time", NULL),
    ROW(_TIMED_OUT_QUEUE, LATE, "the request was not sent in time", NULL),
    ROW(REQUEST_TIMED_OUT, LATE, "the broker's replicas have not acknowledged the record in time", NULL),
    ROW(NOT_ENOUGH_REPLICAS, PASSING, "fewer replicas are in sync than min.insync.replicas asks",
        "are brokers of the cluster down?"),
    ROW(NOT_ENOUGH_REPLICAS_AFTER_APPEND, PASSING, "fewer replicas are in sync than min.insync.replicas asks",
        "are brokers of the cluster down?"),
    ROW(LEADER_NOT_AVAILABLE, PASSING, "the partition has no leader now", "are brokers of the cluster down?"),
    ROW(NOT_LEADER_FOR_PARTITION, PASSING, "the partition's leader has changed", NULL),
    ROW(KAFKA_STORAGE_ERROR, PASSING, "the broker cannot write to its disk", "see the broker's log"),
    ROW(THROTTLING_QUOTA_EXCEEDED, PASSING, "a quota of the cluster is used up", NULL),
    ROW(_PURGE_QUEUE, PASSING, "given up before it was sent", NULL),
    ROW(_PURGE_INFLIGHT, PASSING, "given up before it was acknowledged", NULL),
    ROW(_QUEUE_FULL, PASSING, "too much waits for the broker already", NULL),
    ROW(_DESTROY, PASSING, "the client is being closed", NULL),
    ROW(_FATAL, OVER, "the client cannot go on", NULL),
    ROW(_FENCED, OVER, "another client has taken this one's place", NULL),
    ROW(OUT_OF_ORDER_SEQUENCE_NUMBER, OVER,
        "the broker has lost records that it had acknowledged, or the topic was deleted and created again",
        NULL),
    ROW(UNKNOWN_PRODUCER_ID, OVER, "the broker has forgotten this producer", NULL),
    ROW(INVALID_PRODUCER_EPOCH, OVER, "the broker has given this producer's number to another", NULL),
    ROW(INVALID_PRODUCER_ID_MAPPING, OVER, "the broker has forgotten this producer", NULL),
};

const struct kafka_cause *kafka_cause(rd_kafka_resp_err_t code)
{
    static const struct kafka_cause unknown = {RD_KAFKA_RESP_ERR_UNKNOWN, KAFKA_PASSING, NULL, NULL};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].code == code)
            return &causes[i];
    return &unknown;
}
