/* Messaging: system, destination, partition, operation and the span's name.
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memrchr, memmem */
#include "translators/ddtrace/dd_semconv.h"

static gw_str message_system_of(gw_str word)
{
    static const struct {
        gw_str part, name;
    } systems[] = {
        {GW_LIT("kafka"), GW_LIT("kafka")},
        {GW_LIT("rabbit"), GW_LIT("rabbitmq")},
        {GW_LIT("amqp10"), GW_LIT("amqp")}, /* AMQP 1.0 is not RabbitMQ's protocol */
        {GW_LIT("rhea"), GW_LIT("amqp")},
        {GW_LIT("amqp"), GW_LIT("rabbitmq")},
        {GW_LIT("sqs"), GW_LIT("aws_sqs")},
        {GW_LIT("sns"), GW_LIT("aws.sns")},
        {GW_LIT("kinesis"), GW_LIT("aws.kinesis")},
        {GW_LIT("pubsub"), GW_LIT("gcp_pubsub")},
        {GW_LIT("pub/sub"), GW_LIT("gcp_pubsub")},
        {GW_LIT("servicebus"), GW_LIT("servicebus")},
        {GW_LIT("service-bus"), GW_LIT("servicebus")},
        {GW_LIT("eventhub"), GW_LIT("eventhubs")},
        {GW_LIT("activemq"), GW_LIT("activemq")},
        {GW_LIT("rocketmq"), GW_LIT("rocketmq")},
        {GW_LIT("pulsar"), GW_LIT("pulsar")},
        {GW_LIT("nats"), GW_LIT("nats")},
        {GW_LIT("racecar"), GW_LIT("kafka")},
        {GW_LIT("sneakers"), GW_LIT("rabbitmq")},
        {GW_LIT("shoryuken"), GW_LIT("aws_sqs")},
        {GW_LIT("jms"), GW_LIT("jms")},
    };
    for (size_t i = 0; i < sizeof systems / sizeof *systems && word.len; i++)
        if (dd_find(word, systems[i].part) >= 0)
            return systems[i].name;
    return GW_NOSTR;
}

static bool is_message(const struct dd_fields *f)
{
    return f->kind == DD_KIND_PRODUCER || f->kind == DD_KIND_CONSUMER ||
           dd_is_set(f, DD_A_MESSAGING_DESTINATION) || dd_is_set(f, DD_A_MESSAGING_SYSTEM) ||
           dd_has(f, DD_T_MSG_OPERATION);
}

/* Datadog uses messaging.system too, but with its own values: amqp, sqs. */
static void find_message_system(struct dd_fields *f)
{
    gw_str said = dd_set_text_of(f, DD_A_MESSAGING_SYSTEM), name;
    if (said.len) {
        name = message_system_of(said);
        if (name.len)
            f->out[DD_A_MESSAGING_SYSTEM].s = name;
        return;
    }
    name = message_system_of(dd_text_of(f, DD_T_COMPONENT));
    if (!name.len)
        name = message_system_of(
            dd_text_of(f, dd_has(f, DD_T_AWS_SERVICE) ? DD_T_AWS_SERVICE : DD_T_AWS_SERVICE_OLD));
    if (!name.len)
        name = message_system_of(f->span->name);
    dd_set_text(f, DD_A_MESSAGING_SYSTEM, name, DD_DERIVED);
}

/* Returns the messaging.operation.type for an operation name of a tracer. */
static gw_str type_of_operation(gw_str said)
{
    static const gw_str types[][2] = {
        {GW_LIT("create"), GW_LIT("create")},   {GW_LIT("send"), GW_LIT("send")},
        {GW_LIT("publish"), GW_LIT("send")},    {GW_LIT("produce"), GW_LIT("send")},
        {GW_LIT("receive"), GW_LIT("receive")}, {GW_LIT("poll"), GW_LIT("receive")},
        {GW_LIT("process"), GW_LIT("process")}, {GW_LIT("deliver"), GW_LIT("process")},
        {GW_LIT("settle"), GW_LIT("settle")},   {GW_LIT("ack"), GW_LIT("settle")}};
    for (size_t i = 0; i < sizeof types / sizeof *types && said.len; i++)
        if (gw_str_ieq(said, types[i][0]))
            return types[i][1];
    return GW_NOSTR;
}

static bool is_receive(gw_str s)
{
    return dd_find(s, GW_STR("receive")) >= 0 || dd_find(s, GW_STR("poll")) >= 0 ||
           gw_str_eq(s, GW_STR("basic.get"));
}

static gw_str type_by_kind(struct dd_fields *f, gw_str said)
{
    if (f->kind == DD_KIND_PRODUCER)
        return GW_STR("send");
    if (is_receive(said) || is_receive(f->span->name) || is_receive(dd_text_of(f, DD_T_AMQP_COMMAND)))
        return GW_STR("receive");
    return f->kind == DD_KIND_CONSUMER ? GW_STR("process") : GW_NOSTR;
}

/* The tag contains the operation as the system names it, "publish"; the type is one of five. */
static void set_operation(struct dd_fields *f)
{
    gw_str said = dd_text_of(f, DD_T_MSG_OPERATION), type = type_of_operation(said);
    if (said.len && dd_set_text(f, DD_A_MESSAGING_OPERATION_NAME, said, DD_RENAMED))
        dd_use(f, DD_T_MSG_OPERATION);
    dd_set_text(f, DD_A_MESSAGING_OPERATION_TYPE, type, DD_RENAMED);
    type = type_of_operation(dd_set_text_of(f, DD_A_MESSAGING_OPERATION_NAME));
    dd_set_text(f, DD_A_MESSAGING_OPERATION_TYPE, type.len ? type : type_by_kind(f, said), DD_DERIVED);
    dd_set_text(f, DD_A_MESSAGING_OPERATION_NAME, dd_set_text_of(f, DD_A_MESSAGING_OPERATION_TYPE),
                DD_DERIVED);
}

/* Accepts "3" and "[3]"; -1 means any partition. */
static void set_partition(struct dd_fields *f, unsigned tag)
{
    uint64_t number;
    gw_str text = dd_text_of(f, tag);
    if (text.len > 2 && *text.ptr == '[' && text.ptr[text.len - 1] == ']')
        text = gw_str_n(text.ptr + 1, text.len - 2);
    if (gw_str_u64(text, &number))
        dd_rename_as(f, tag, text);
}

static void set_partitions(struct dd_fields *f)
{
    static const unsigned tags[] = {DD_T_KAFKA_PARTITION, DD_T_MSG_KAFKA_PARTITION,
                                    DD_T_MSG_KAFKA_PARTITION_OLD};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (dd_has(f, tags[i]))
            set_partition(f, tags[i]);
}

/* Java's and Go's tag names are generic, so they are used only for spans of Kafka. */
static void kafka_facts(struct dd_fields *f)
{
    if (dd_has(f, DD_T_PLAIN_PARTITION))
        set_partition(f, DD_T_PLAIN_PARTITION);
    if (dd_has(f, DD_T_PLAIN_OFFSET))
        dd_rename(f, DD_T_PLAIN_OFFSET);
    if (dd_has(f, DD_T_PLAIN_TOMBSTONE))
        dd_rename(f, DD_T_PLAIN_TOMBSTONE);
}

/* Returns the text after the last of these characters. */
static gw_str last_part(gw_str text, char c)
{
    const char *at = text.len ? memrchr(text.ptr, c, text.len) : NULL;
    return at ? gw_str_from(text, (size_t)(at + 1 - text.ptr)) : text;
}

static bool is_url(gw_str text)
{
    return gw_str_starts(text, GW_STR("http://")) || gw_str_starts(text, GW_STR("https://"));
}

/* Node writes the queue's URL as its name if the call contained nothing else. */
static void queue_name(struct dd_fields *f, unsigned tag)
{
    gw_str said = dd_text_of(f, tag);
    if (!is_url(said))
        dd_rename(f, tag);
    else if (dd_set_text(f, DD_A_AWS_SQS_QUEUE_URL, said, DD_RENAMED) ||
             gw_str_eq(dd_set_text_of(f, DD_A_AWS_SQS_QUEUE_URL), said))
        dd_use(f, tag);
}

/* Tags with names of AWS queues and topics. A client span that has one is a messaging span. */
static void aws_destination(struct dd_fields *f)
{
    static const unsigned arns[] = {DD_T_AWS_TOPIC_ARN, DD_T_SNS_TOPIC_ARN};
    if (dd_has(f, DD_T_AWS_QUEUE_URL))
        dd_rename(f, DD_T_AWS_QUEUE_URL);
    if (dd_has(f, DD_T_AWS_QUEUE_NAME))
        queue_name(f, DD_T_AWS_QUEUE_NAME);
    if (dd_has(f, DD_T_AWS_SQS_QUEUE_NAME))
        queue_name(f, DD_T_AWS_SQS_QUEUE_NAME);
    for (size_t i = 0; i < sizeof arns / sizeof *arns; i++)
        if (dd_has(f, arns[i]))
            dd_rename(f, arns[i]);
    dd_set_text(f, DD_A_MESSAGING_DESTINATION, last_part(dd_set_text_of(f, DD_A_AWS_SQS_QUEUE_URL), '/'),
                DD_DERIVED);
    dd_set_text(f, DD_A_MESSAGING_DESTINATION, last_part(dd_set_text_of(f, DD_A_AWS_SNS_TOPIC_ARN), ':'),
                DD_DERIVED);
}

/* JMS and Pub/Sub (Java) have no tag for the destination: it is in "Consumed from Queue orders", "Produce
 * Topic orders". */
static gw_str destination_in(gw_str resource)
{
    static const gw_str words[] = {GW_LIT(" Queue "), GW_LIT(" Topic ")};
    if (!gw_str_starts(resource, GW_STR("Produce")) && !gw_str_starts(resource, GW_STR("Consume")))
        return GW_NOSTR;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *at = memmem(resource.ptr, resource.len, words[i].ptr, words[i].len);
        if (at)
            return gw_str_from(resource, (size_t)(at - resource.ptr) + words[i].len);
    }
    return GW_NOSTR;
}

/* A message sent without an exchange goes to the queue that its routing key names. */
static void other_destination(struct dd_fields *f)
{
    if (f->kind == DD_KIND_PRODUCER)
        dd_set_text(f, DD_A_MESSAGING_DESTINATION, dd_set_text_of(f, DD_A_MESSAGING_ROUTING_KEY), DD_DERIVED);
    if (!dd_is_set(f, DD_A_MESSAGING_DESTINATION))
        dd_set_text(f, DD_A_MESSAGING_DESTINATION, destination_in(f->span->resource), DD_DERIVED);
}

static void propose_message_name(struct dd_fields *f)
{
    gw_str verb = dd_set_text_of(f, DD_A_MESSAGING_OPERATION_NAME),
           to = dd_set_text_of(f, DD_A_MESSAGING_DESTINATION);
    if (!verb.len)
        verb = dd_set_text_of(f, DD_A_MESSAGING_OPERATION_TYPE);
    if (verb.len && to.len)
        dd_propose_call_name(f, verb, to);
}

void dd_messaging(struct dd_fields *f)
{
    if (f->rare)
        set_partitions(f);
    if (f->rare || dd_is_set(f, DD_A_AWS_SQS_QUEUE_URL) || dd_is_set(f, DD_A_AWS_SNS_TOPIC_ARN))
        aws_destination(f);
    if (!is_message(f))
        return;
    find_message_system(f);
    other_destination(f);
    if (!dd_is_set(f, DD_A_MESSAGING_SYSTEM) && !dd_is_set(f, DD_A_MESSAGING_DESTINATION) &&
        !dd_has(f, DD_T_MSG_OPERATION))
        return; /* a job, not a message */
    if (f->rare && dd_same(dd_set_text_of(f, DD_A_MESSAGING_SYSTEM), GW_STR("kafka")))
        kafka_facts(f);
    if (dd_has(f, DD_T_MESSAGE_ID))
        dd_rename(f, DD_T_MESSAGE_ID);
    set_operation(f);
    propose_message_name(f);
}
