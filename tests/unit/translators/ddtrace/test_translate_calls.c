/* Messaging, RPC, clouds, GraphQL, GenAI and the rest: tags of a span, and the attributes and name that they
 * become.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define PRODUCE "'name':'kafka.produce','type':'queue','resource':'R'"
#define CONSUME "'name':'kafka.consume','type':'queue','resource':'R'"
#define AWS "'name':'aws.command','type':'http','resource':'R','meta':{'span.kind':'client',"
#define GRPC "'name':'grpc.client','type':'grpc','resource':'R','meta':{'span.kind':'client',"

static void messaging(void **state)
{
    static const struct bed_row rows[] = {
        {PRODUCE ",'meta':{'component':'java-kafka','kafka.topic':'orders','kafka.bootstrap.servers':'k1:"
                 "9092,k2:9092','message.key':'a'},"
                 "'metrics':{'kafka.partition':3,'message.size':120}",
         "send orders | producer | component='java-kafka' kafka.bootstrap.servers='k1:9092,k2:9092' "
         "messaging.destination.name='orders' "
         "messaging.destination.partition.id='3' messaging.kafka.message.key='a' "
         "messaging.message.body.size=120 "
         "messaging.operation.name='send' messaging.operation.type='send' messaging.system='kafka' "
         "server.address='k1' server.port=9092"},
        {CONSUME ",'meta':{'messaging.system':'kafka','messaging.destination':'orders','kafka.group':'g','"
                 "pathway.hash':'12',"
                 "'messaging.kafka.bootstrap.servers':'k1:9092'},'metrics':{'kafka.offset':9000000001,'"
                 "messaging.kafka.partition':1}",
         "process orders | consumer | messaging.consumer.group.name='g' messaging.destination.name='orders' "
         "messaging.destination.partition.id='1' messaging.kafka.offset=9000000001 "
         "messaging.operation.name='process' messaging.operation.type='process' "
         "messaging.system='kafka' pathway.hash='12' server.address='k1' server.port=9092"},
        {CONSUME ",'meta':{'messaging.destination.name':'o','messaging.kafka.consumer.group':'g','kafka."
                 "message_key':'k',"
                 "'messaging.kafka.message.offset':'5','messaging.message_payload_size_bytes':'7','messaging."
                 "operation':'receive'}",
         "receive o | consumer | messaging.consumer.group.name='g' messaging.destination.name='o' "
         "messaging.kafka.message.key='k' "
         "messaging.kafka.offset=5 messaging.message.body.size=7 messaging.operation.name='receive' "
         "messaging.operation.type='receive' "
         "messaging.system='kafka'"},
        {"'name':'amqp.command','type':'queue','resource':'basic.publish','meta':{'span.kind':'producer','"
         "component':'amqp',"
         "'amqp.exchange':'e','amqp.queue':'q'}",
         "send q | producer | amqp.exchange='e' component='amqp' messaging.destination.name='q' "
         "messaging.operation.name='send' messaging.operation.type='send' "
         "messaging.system='rabbitmq'"},
        {"'name':'amqp.deliver','type':'queue','resource':'R','meta':{'amqp.destination':'d'}",
         "process d | consumer | messaging.destination.name='d' messaging.operation.name='process' "
         "messaging.operation.type='process' "
         "messaging.system='rabbitmq'"},
        {"'name':'rabbitmq.send','type':'queue','resource':'R','meta':{'messaging.rabbitmq.exchange':'x'}",
         "send x | producer | messaging.destination.name='x' messaging.operation.name='send' "
         "messaging.operation.type='send' "
         "messaging.system='rabbitmq'"},
        {"'name':'amqp.send','type':'queue','resource':'R','meta':{'amqp.exchange':'e'}",
         "send e | producer | messaging.destination.name='e' messaging.operation.name='send' "
         "messaging.operation.type='send' "
         "messaging.system='rabbitmq'"},
        {"'name':'aws.sqs.send','type':'queue','resource':'R','meta':{'messaging.system':'sqs','queuename':'"
         "jobs'}",
         "send jobs | producer | messaging.destination.name='jobs' messaging.operation.name='send' "
         "messaging.operation.type='send' "
         "messaging.system='aws_sqs'"},
        {"'name':'sqs.receive','type':'queue','resource':'R','meta':{'aws.queue.name':'jobs'}",
         "receive jobs | consumer | messaging.destination.name='jobs' messaging.operation.name='receive' "
         "messaging.operation.type='receive' "
         "messaging.system='aws_sqs'"},
        {"'name':'sns.publish','type':'queue','resource':'R','meta':{'topicname':'t'}",
         "send t | producer | messaging.destination.name='t' messaging.operation.name='send' "
         "messaging.operation.type='send' "
         "messaging.system='aws.sns'"},
        {"'name':'msmq.send','type':'queue','resource':'R','meta':{'msmq.queue.path':'p'}",
         "send p | producer | messaging.destination.name='p' messaging.operation.name='send' "
         "messaging.operation.type='send'"},
        {"'name':'pubsub.publish','type':'queue','resource':'R','meta':{'component':'gcp-pubsub','topicname':"
         "'t'}",
         "send t | producer | component='gcp-pubsub' messaging.destination.name='t' "
         "messaging.operation.name='send' messaging.operation.type='send' "
         "messaging.system='gcp_pubsub'"},
        {"'name':'servicebus.send','type':'queue','resource':'R','meta':{'component':'azure_servicebus','"
         "messaging.destination.name':'t'}",
         "send t | producer | component='azure_servicebus' messaging.destination.name='t' "
         "messaging.operation.name='send' messaging.operation.type='send' "
         "messaging.system='servicebus'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void rpc(void **state)
{
    static const struct bed_row rows[] = {
        {GRPC "'grpc.method.name':'/shop.Cart/Add'},'metrics':{'grpc.code':5}",
         "shop.Cart/Add | client | rpc.method='shop.Cart/Add' rpc.response.status_code='NOT_FOUND' "
         "rpc.system.name='grpc'"},
        {GRPC "'grpc.full_method':'/shop.Cart/Add','grpc.status.code':'OK'}",
         "shop.Cart/Add | client | rpc.method='shop.Cart/Add' rpc.response.status_code='OK' "
         "rpc.system.name='grpc'"},
        {GRPC "'rpc.grpc.full_method':'/shop.Cart/"
              "Add','rpc.grpc.status_code':'14','rpc.system':'grpc','rpc.service':'shop.Cart'}",
         "shop.Cart/Add | client | rpc.method='shop.Cart/Add' rpc.response.status_code='UNAVAILABLE' "
         "rpc.system.name='grpc'"},
        {GRPC "'rpc.system':'grpc','rpc.service':'shop.Cart','rpc.method':'Add','grpc.status_code':'"
              "StatusCode.ABORTED'}",
         "shop.Cart/Add | client | rpc.method='shop.Cart/Add' rpc.response.status_code='ABORTED' "
         "rpc.system.name='grpc'"},
        {GRPC "'rpc.service':'shop.Cart'}", "R | client | rpc.service='shop.Cart'"},
        {GRPC "'rpc.grpc.status.code':'5','rpc.response.status_code':'NotFound'}",
         "R | client | rpc.response.status_code='NOT_FOUND' rpc.system.name='grpc'"},
        {AWS "'aws.service':'s3','aws.operation':'PutObject','aws.region':'eu-west-1','aws.requestid':'r','"
             "bucketname':'b'}",
         "s3/PutObject | client | aws.request_id='r' aws.s3.bucket='b' cloud.region='eu-west-1' "
         "rpc.method='s3/PutObject' "
         "rpc.system.name='aws-api'"},
        {AWS "'aws_service':'DynamoDB','aws.operation':'PutItem','region':'eu-west-1','tablename':'t'}",
         "DynamoDB/PutItem | client | aws.dynamodb.table_names=['t'] cloud.region='eu-west-1' "
         "rpc.method='DynamoDB/PutItem' "
         "rpc.system.name='aws-api'"},
        {AWS "'aws.s3.bucket_name':'b','aws.request_id':'r'}",
         "R | client | aws.request_id='r' aws.s3.bucket='b'"},
        {AWS "'streamname':'s','aws_account':'123'}",
         "R | client | aws.kinesis.stream_name='s' cloud.account.id='123'"},
        {AWS "'statemachinearn':'arn:aws:states:x'}",
         "R | client | aws.step_functions.state_machine.arn='arn:aws:states:x'"},
        {AWS "'statemachinename':'arn:aws:states:x'}",
         "R | client | aws.step_functions.state_machine.arn='arn:aws:states:x'"},
        {AWS "'stepfunctionname':'arn:aws:states:x'}",
         "R | client | aws.step_functions.state_machine.arn='arn:aws:states:x'"},
        {AWS "'stepfunctionname':'mine','region':'r'}", "R | client | region='r' stepfunctionname='mine'"},
        {AWS "'aws.step_functions.activity.arn':'a','functionname':'f'}",
         "R | client | aws.step_functions.activity.arn='a' faas.invoked_name='f'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

/* As each tracer says it. */
static void grpc_of_tracers(void **state)
{
#define DONE "rpc.method='shop.Cart/Add' rpc.response.status_code='OK' rpc.system.name='grpc'"
#define NODE                                                                                                 \
    "'component':'grpc','grpc.method.path':'/shop.Cart/"                                                     \
    "Add','grpc.method.package':'shop','grpc.method.service':'Cart','grpc."                                  \
    "method.name':'Add','grpc.method.kind':'unary'"
    static const struct bed_row rows[] = {
        /* Node: client spans are of type http; the address of the peer alone */
        {"'name':'grpc.client','type':'http','resource':'/shop.Cart/Add','meta':{'span.kind':'client'," NODE
         ",'rpc.service':'shop.Cart','network.destination.ip':'10.0.0.5','network.destination.port':'50051'},"
         "'metrics':{'grpc."
         "status.code':0}",
         "shop.Cart/Add | client | component='grpc' grpc.method.kind='unary' network.peer.address='10.0.0.5' "
         "network.peer.port=50051 " DONE},
        {"'name':'grpc.server','type':'web','resource':'/shop.Cart/Add','meta':{" NODE
         "},'metrics':{'grpc.status.code':0.0}",
         "shop.Cart/Add | server | component='grpc' grpc.method.kind='unary' " DONE},
        /* .NET, without a package */
        {"'name':'grpc.request','type':'grpc','resource':'/Cart/"
         "Add','meta':{'span.kind':'server','component':'Grpc','grpc."
         "method.path':'/Cart/"
         "Add','grpc.method.service':'Cart','grpc.method.name':'Add','grpc.status.code':'1'}",
         "Cart/Add | server | component='Grpc' rpc.method='Cart/Add' rpc.response.status_code='CANCELLED' "
         "rpc.system.name='grpc'"},
        /* Python */
        {"'name':'grpc','type':'grpc','resource':'/shop.Cart/"
         "Add','meta':{'span.kind':'client','component':'grpc','rpc.service':"
         "'shop.Cart','grpc.method.name':'Add','grpc.method.service':'Cart','grpc.method.package':'shop','"
         "grpc.method.path':"
         "'/shop.Cart/"
         "Add','grpc.host':'10.0.0.5','network.destination.ip':'10.0.0.5','network.destination.port':'50051',"
         "'grpc.status.code':'StatusCode.OK'}",
         "shop.Cart/Add | client | component='grpc' network.peer.address='10.0.0.5' "
         "rpc.method='shop.Cart/Add' "
         "rpc.response.status_code='OK' rpc.system.name='grpc' server.address='10.0.0.5' server.port=50051"},
        /* Java: the resource, trimmed on servers that are told so; the client's call before its end */
        {"'name':'grpc.server','type':'rpc','resource':'shop.Cart/"
         "Add','meta':{'component':'grpc-server','grpc.status.code':'OK',"
         "'status.code':'OK'},'metrics':{'rpc.grpc.status_code':0}",
         "shop.Cart/Add | server | component='grpc-server' " DONE " status.code='OK'"},
        {"'name':'grpc.server','type':'rpc','resource':'Cart/"
         "Add','meta':{'component':'grpc-server','grpc.status.code':'OK'}",
         "Cart/Add | server | component='grpc-server' rpc.method='Cart/Add' rpc.response.status_code='OK' "
         "rpc.system.name='grpc'"},
        {"'name':'grpc.client','type':'rpc','resource':'shop.Cart/"
         "Add','meta':{'component':'grpc-client','rpc.service':'shop.Cart'}",
         "shop.Cart/Add | client | component='grpc-client' rpc.method='shop.Cart/Add' "
         "rpc.system.name='grpc'"},
        {"'name':'grpc.message','type':'rpc','resource':'grpc.message','meta':{'component':'grpc-server'}",
         "grpc.message | internal | component='grpc-server'"},
        /* Go */
        {"'name':'grpc.server','type':'rpc','resource':'/shop.Cart/"
         "Add','meta':{'span.kind':'server','component':"
         "'google.golang.org/"
         "grpc','rpc.system':'grpc','rpc.service':'shop.Cart','rpc.method':'Add','rpc.grpc.package':'shop',"
         "'rpc.grpc.full_method':'/shop.Cart/Add','grpc.method.name':'/shop.Cart/Add','grpc.code':'OK'}",
         "shop.Cart/Add | server | component='google.golang.org/grpc' " DONE},
        /* Ruby; the application's own whole name; a service alone */
        {"'name':'grpc.service','type':'web','resource':'testservice.basic','meta':{'span.kind':'server','"
         "component':'grpc','rpc."
         "system':'grpc','rpc.service':'TestService','rpc.method':'basic'}",
         "TestService/basic | server | component='grpc' rpc.method='TestService/basic' "
         "rpc.system.name='grpc'"},
        {GRPC "'rpc.system':'grpc','rpc.method':'/shop.Cart/Add','grpc.method.name':'Other'}",
         "shop.Cart/Add | client | grpc.method.name='Other' rpc.method='shop.Cart/Add' "
         "rpc.system.name='grpc'"},
        {GRPC "'rpc.method':'Add','grpc.method.path':'/shop.Cart/Add'}",
         "shop.Cart/Add | client | rpc.method='shop.Cart/Add' rpc.system.name='grpc'"},
        {GRPC "'grpc.method.name':'Add','grpc.method.service':'Cart'}",
         "Cart/Add | client | rpc.method='Cart/Add' rpc.system.name='grpc'"},
        {GRPC "'grpc.method.name':'Add'}", "Add | client | rpc.method='Add' rpc.system.name='grpc'"},
        /* no gRPC */
        {"'name':'n','type':'custom','resource':'a.b/C','meta':{'component':'other'}",
         "a.b/C | internal | component='other'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

/* Each code under each name, in each spelling. */
static void grpc_codes(void **state)
{
    static const char *const names[] = {"grpc.code", "grpc.status.code", "grpc.status_code",
                                        "rpc.grpc.status_code", "rpc.grpc.status.code"};
    static const char *const words[][2] = {
        {"'OK'", "OK"},
        {"'Canceled'", "CANCELLED"},
        {"'CANCELLED'", "CANCELLED"},
        {"'cancelled'", "CANCELLED"},
        {"'1'", "CANCELLED"},
        {"'Unknown'", "UNKNOWN"},
        {"'InvalidArgument'", "INVALID_ARGUMENT"},
        {"'DeadlineExceeded'", "DEADLINE_EXCEEDED"},
        {"'NotFound'", "NOT_FOUND"},
        {"'not_found'", "NOT_FOUND"},
        {"'StatusCode.NOT_FOUND'", "NOT_FOUND"},
        {"'Status{code=NOT_FOUND, description=Internal error, cause=null}'", "NOT_FOUND"},
        {"'(5, `not found`)'", "NOT_FOUND"},
        {"'<StatusCode.NOT_FOUND: (5, `not found`)>'", "NOT_FOUND"},
        {"'rpc error: code = NotFound desc = Internal'", "NOT_FOUND"},
        {"'5'", "NOT_FOUND"},
        {"'AlreadyExists'", "ALREADY_EXISTS"},
        {"'PermissionDenied'", "PERMISSION_DENIED"},
        {"'ResourceExhausted'", "RESOURCE_EXHAUSTED"},
        {"'FailedPrecondition'", "FAILED_PRECONDITION"},
        {"'Aborted'", "ABORTED"},
        {"'OutOfRange'", "OUT_OF_RANGE"},
        {"'Unimplemented'", "UNIMPLEMENTED"},
        {"'Internal'", "INTERNAL"},
        {"'Unavailable'", "UNAVAILABLE"},
        {"'DataLoss'", "DATA_LOSS"},
        {"'Unauthenticated'", "UNAUTHENTICATED"},
        {"'16'", "UNAUTHENTICATED"},
        {"'Code(17)'", "Code(17)"},
        {"'17'", "17"},
        {"5", "NOT_FOUND"},
        {"16.0", "UNAUTHENTICATED"},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(words); i++)
        for (size_t k = 0; k < COUNT(names); k++) {
            char members[256], want[128];
            snprintf(members, sizeof members,
                     "'name':'grpc.client','type':'grpc','resource':'R','%s':{'%s':%s}",
                     *words[i][0] == '\'' ? "meta" : "metrics", names[k], words[i][0]);
            snprintf(want, sizeof want, "R | client | rpc.response.status_code='%s' rpc.system.name='grpc'",
                     words[i][1]);
            bed_span(b, members);
            bed_compare(b, members, bed_show(b, GW_OTEL, 2, bed_fields), want);
        }
}

static void the_rest(void **state)
{
#define S "'name':'n','type':'custom','resource':'R','meta':{"
    static const struct bed_row rows[] = {
        {"'name':'graphql.execute','type':'graphql','resource':'R','meta':{'graphql.operation.type':'query','"
         "graphql.operation.name':'Cart'"
         ","
         "'graphql.source':'query Cart{id}'}",
         "query Cart | internal | graphql.document='query Cart{id}' graphql.operation.name='Cart' "
         "graphql.operation.type='query'"},
        {"'name':'openai.request','type':'llm','resource':'R','meta':{'openai.request.model':'m','openai."
         "response.model':'m-1',"
         "'openai.response.id':'i','openai.request.max_tokens':'9','openai.request.temperature':'0.5','"
         "openai.request.top_p':'0.25',"
         "'component':'openai'},'metrics':{'openai.response.usage.prompt_tokens':7,'openai.response.usage."
         "completion_tokens':8}",
         "R | internal | component='openai' gen_ai.provider.name='openai' gen_ai.request.max_tokens=9 "
         "gen_ai.request.model='m' "
         "gen_ai.request.temperature=0.5 gen_ai.request.top_p=0.25 gen_ai.response.id='i' "
         "gen_ai.response.model='m-1' "
         "gen_ai.usage.input_tokens=7 gen_ai.usage.output_tokens=8"},
        {"'name':'anthropic.request','type':'llm','resource':'R','meta':{'anthropic.request.model':'c','out."
         "host':'api'}",
         "R | client | gen_ai.request.model='c' server.address='api'"},
        {"'name':'llm','type':'llm','resource':'R','meta':{'_ml_obs.model_name':'m','_ml_obs.model_provider':"
         "'p','_ml_obs.meta.kind':'llm'}"
         ","
         "'metrics':{'_ml_obs.metrics.input_tokens':1,'_ml_obs.metrics.output_tokens':2}",
         "R | internal | _ml_obs.meta.kind='llm' gen_ai.provider.name='p' gen_ai.request.model='m' "
         "gen_ai.usage.input_tokens=1 "
         "gen_ai.usage.output_tokens=2"},
        {"'name':'dns.lookup','type':'dns','resource':'R','meta':{'dns.hostname':'h'}",
         "dns.lookup | client | dns.question.name='h'"},
        {S "'peer.service':'p','_dd.peer.service.source':'out.host','_dd.peer.service.remapped_from':'q'}",
         "R | internal | _dd.peer.service.remapped_from='q' _dd.peer.service.source='out.host' "
         "service.peer.name='p'"},
        {S "'thread.name':'main','code.function':'f','code.namespace':'a.b','code.filepath':'/"
           "x.py','usr.id':'u'},'metrics':{'thread.id':7,"
           "'code.lineno':12,'code.column':3}",
         "R | internal | code.column.number=3 code.file.path='/x.py' code.function.name='a.b.f' "
         "code.line.number=12 thread.id=7 "
         "thread.name='main' user.id='u'"},
        {S "'code.function':'f'}", "R | internal | code.function.name='f'"},
        {S "'code.namespace':'a.b'}", "R | internal | code.namespace='a.b'"},
        {S "'cold_start':'true'}", "R | internal | faas.coldstart=true"},
        {S "'code.function.name':'f','user.id':'u','cloud.account.id':'1'}",
         "R | internal | cloud.account.id='1' code.function.name='f' user.id='u'"},
        {S "'thread.id':'x','code.lineno':'y'}", "R | internal | code.lineno='y' thread.id='x'"},
        {S "'messaging.operation.name':'ack'}", "R | internal | messaging.operation.name='ack'"},
        /* What nobody knows arrives as it is: text, whole numbers, others. */
        {S "'colour':'rot','runtime':'io','peer.zone':''},'metrics':{'whole':3,'half':0.5,'huge':1e300,'big':"
           "9007199254740993,'minus':-0.0}",
         "R | internal | big=9007199254740993 colour='rot' half=0.5 huge=1.0000000000000001e+300 minus=-0.0 "
         "peer.zone='' runtime='io' "
         "whole=3"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(messaging), BED_TEST(rpc), BED_TEST(grpc_of_tracers),
                                       BED_TEST(grpc_codes), BED_TEST(the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
