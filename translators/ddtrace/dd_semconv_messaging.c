/* Messaging: system, operation and the span's name.
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

static gw_str message_system_of(gw_str word)
{
    static const struct {
        gw_str part, name;
    } systems[] = {
        {GW_LIT("kafka"), GW_LIT("kafka")},
        {GW_LIT("rabbit"), GW_LIT("rabbitmq")},
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
           dd_is_set(f, DD_A_MESSAGING_DESTINATION);
}

/* messaging.system is Datadog's name too, but with values of its own: amqp, sqs. */
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

static bool is_receive(gw_str s)
{
    return dd_find(s, GW_STR("receive")) >= 0 || dd_find(s, GW_STR("poll")) >= 0;
}

static void set_operation(struct dd_fields *f)
{
    static const char *const types[] = {"create", "send", "receive", "process", "settle"};
    gw_str said = dd_text_of(f, DD_T_MSG_OPERATION);
    for (size_t i = 0; i < sizeof types / sizeof *types && said.len; i++)
        if (gw_str_ieq(said, gw_str_z(types[i])))
            dd_rename_as(f, DD_T_MSG_OPERATION, gw_str_z(types[i]));
    if (f->kind == DD_KIND_PRODUCER)
        dd_set_text(f, DD_A_MESSAGING_OPERATION_TYPE, GW_STR("send"), DD_DERIVED);
    else if (is_receive(said) || is_receive(f->span->name))
        dd_set_text(f, DD_A_MESSAGING_OPERATION_TYPE, GW_STR("receive"), DD_DERIVED);
    else if (f->kind == DD_KIND_CONSUMER)
        dd_set_text(f, DD_A_MESSAGING_OPERATION_TYPE, GW_STR("process"), DD_DERIVED);
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
    if (!is_message(f))
        return;
    find_message_system(f);
    if (!dd_is_set(f, DD_A_MESSAGING_SYSTEM) && !dd_is_set(f, DD_A_MESSAGING_DESTINATION))
        return; /* a job, not a message */
    set_operation(f);
    propose_message_name(f);
}
