/* The tags of the tracers' integrations one by one, and the attribute that each becomes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define ANY "'name':'n','type':'custom','resource':'R',"
#define CLIENT "'name':'n','type':'http','resource':'R',"
#define SERVER "'name':'n','type':'web','resource':'R',"
#define LAMBDA "'name':'aws.lambda','type':'custom','resource':'R',"
#define KAFKA "'name':'kafka.consume','type':'queue','resource':'R',"

/* A tag alone is another attribute's name. */
static void renamed(void **state)
{
    static const struct bed_row rows[] = {
        {ANY "'meta':{'faas.execution':'v'}", "R | internal | faas.invocation_id='v'"},
        {ANY "'meta':{'function_version':'v'}", "R | internal | faas.version='v'"},
        {ANY "'meta':{'http.scheme':'v'}", "R | internal | url.scheme='v'"},
        {CLIENT "'meta':{'db.host':'v'}", "R | client | server.address='v'"},
        {CLIENT "'meta':{'amqp.connection.host':'v'}", "R | client | server.address='v'"},
        {CLIENT "'meta':{'hostname':'v'}", "R | client | server.address='v'"},
        {ANY "'meta':{'http.url_details.host':'v'}", "R | internal | server.address='v'"},
        {CLIENT "'metrics':{'amqp.connection.port':7}", "R | client | server.port=7"},
        {ANY "'metrics':{'http.url_details.port':7}", "R | internal | server.port=7"},
        {ANY "'meta':{'peer.ipv6':'v'}", "R | internal | network.peer.address='v'"},
        {ANY "'meta':{'net.sock.peer.addr':'v'}", "R | internal | network.peer.address='v'"},
        {ANY "'metrics':{'net.sock.peer.port':7}", "R | internal | network.peer.port=7"},
        {ANY "'meta':{'net.host.ip':'v'}", "R | internal | network.local.address='v'"},
        {ANY "'meta':{'net.sock.host.addr':'v'}", "R | internal | network.local.address='v'"},
        {ANY "'metrics':{'net.sock.host.port':7}", "R | internal | network.local.port=7"},
        {ANY "'meta':{'net.protocol.version':'v'}", "R | internal | network.protocol.version='v'"},
        {ANY "'meta':{'messaging.protocol_version':'v'}", "R | internal | network.protocol.version='v'"},
        {ANY "'metrics':{'http.request_content_length':7}", "R | internal | http.request.body.size=7"},
        {ANY "'metrics':{'http.response_content_length':7}", "R | internal | http.response.body.size=7"},
        {ANY "'metrics':{'http.resend_count':7}", "R | internal | http.request.resend_count=7"},
        {ANY "'meta':{'out.valkey_db':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'out.db':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'db.index':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'sql.db':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'active_record.db.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'sequel.db.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'pg.db.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'mysql2.db.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'trilogy.db.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'aerospike.namespace':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'couchbase.bucket.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'couchbase.operation.bucket':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'elasticsearch.node.cluster.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'db.elasticsearch.cluster.name':'v'}", "R | internal | db.namespace='v'"},
        {ANY "'meta':{'opensearch.method':'v'}", "R | internal | db.operation.name='v'"},
        {ANY "'meta':{'mongodb.operation':'v'}", "R | internal | db.operation.name='v'"},
        {ANY "'meta':{'couchbase.operation.code':'v'}", "R | internal | db.operation.name='v'"},
        {ANY "'meta':{'db.cosmosdb.operation_type':'v'}", "R | internal | db.operation.name='v'"},
        {ANY "'meta':{'db.cassandra.table':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'db.mongodb.collection':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'cosmosdb.container':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'db.cosmosdb.container':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'aerospike.setname':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'couchbase.collection.name':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'db.couchbase.collection':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'meta':{'elasticsearch.request.indices':'v'}", "R | internal | db.collection.name='v'"},
        {ANY "'metrics':{'sql.rows':7}", "R | internal | db.response.returned_rows=7"},
        {ANY "'metrics':{'mongodb.rows':7}", "R | internal | db.response.returned_rows=7"},
        {ANY "'metrics':{'cassandra.row_count':7}", "R | internal | db.response.returned_rows=7"},
        {ANY "'metrics':{'db.command.results.count':7}", "R | internal | db.response.returned_rows=7"},
        {ANY "'meta':{'cassandra.datacenter':'v'}", "R | internal | cassandra.coordinator.dc='v'"},
        {ANY "'meta':{'db.cassandra.coordinator.dc':'v'}", "R | internal | cassandra.coordinator.dc='v'"},
        {ANY "'meta':{'db.cassandra.host.id':'v'}", "R | internal | cassandra.coordinator.id='v'"},
        {ANY "'meta':{'db.cassandra.coordinator.id':'v'}", "R | internal | cassandra.coordinator.id='v'"},
        {ANY "'metrics':{'db.cassandra.page_size':7}", "R | internal | cassandra.page.size=7"},
        {ANY "'meta':{'db.cassandra.idempotence':'true'}", "R | internal | cassandra.query.idempotent=true"},
        {ANY "'metrics':{'db.cassandra.speculative_execution_count':7}",
         "R | internal | cassandra.speculative_execution.count=7"},
        {ANY "'metrics':{'cosmosdb.response.sub_status_code':7}",
         "R | internal | azure.cosmosdb.response.sub_status_code=7"},
        {ANY "'metrics':{'db.cosmosdb.sub_status_code':7}",
         "R | internal | azure.cosmosdb.response.sub_status_code=7"},
        {ANY "'meta':{'db.cosmosdb.status_code':'v'}", "R | internal | db.response.status_code='v'"},
        {ANY "'meta':{'db.cosmosdb.consistency_level':'v'}",
         "R | internal | azure.cosmosdb.consistency.level='v'"},
        {ANY "'metrics':{'db.cosmosdb.request_charge':1.5}",
         "R | internal | azure.cosmosdb.operation.request_charge=1.5"},
        {ANY "'metrics':{'db.cosmosdb.request_content_length':7}",
         "R | internal | azure.cosmosdb.request.body.size=7"},
        {ANY "'meta':{'db.cosmosdb.client_id':'v'}", "R | internal | azure.client.id='v'"},
        {ANY "'meta':{'db.elasticsearch.node.name':'v'}", "R | internal | elasticsearch.node.name='v'"},
        {ANY "'meta':{'db.client.connections.pool.name':'v'}",
         "R | internal | db.client.connection.pool.name='v'"},
        {ANY "'meta':{'amqp.link.source.address':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'amqp.link.target.address':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'kombu.exchange':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'sneakers.queue':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'shoryuken.queue':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'pubsub.topic':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'nats.subject':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'aws.topic.name':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'messaging.source.name':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'message_bus.destination':'v'}", "R | internal | messaging.destination.name='v'"},
        {ANY "'meta':{'pubsub.subscription':'v'}",
         "R | internal | messaging.destination.subscription.name='v'"},
        {ANY "'meta':{'messaging.servicebus.destination.subscription_name':'v'}",
         "R | internal | messaging.destination.subscription.name='v'"},
        {ANY "'meta':{'messaging.temp_destination':'true'}",
         "R | internal | messaging.destination.temporary=true"},
        {ANY "'meta':{'amqp.routing_key':'v'}",
         "R | internal | messaging.rabbitmq.destination.routing_key='v'"},
        {ANY "'meta':{'amqp.routingKey':'v'}",
         "R | internal | messaging.rabbitmq.destination.routing_key='v'"},
        {ANY "'meta':{'messaging.rabbitmq.routing_key':'v'}",
         "R | internal | messaging.rabbitmq.destination.routing_key='v'"},
        {ANY "'meta':{'kombu.routing_key':'v'}",
         "R | internal | messaging.rabbitmq.destination.routing_key='v'"},
        {ANY "'meta':{'sneakers.routing_key':'v'}",
         "R | internal | messaging.rabbitmq.destination.routing_key='v'"},
        {ANY "'metrics':{'kafka.message_offset':7}", "R | internal | messaging.kafka.offset=7"},
        {ANY "'metrics':{'kafka.message.offset':7}", "R | internal | messaging.kafka.offset=7"},
        {ANY "'metrics':{'messaging.kafka.message_offset':7}", "R | internal | messaging.kafka.offset=7"},
        {ANY "'meta':{'kafka.group_id':'v'}", "R | internal | messaging.consumer.group.name='v'"},
        {ANY "'meta':{'messaging.kafka.group_id':'v'}", "R | internal | messaging.consumer.group.name='v'"},
        {ANY "'meta':{'messaging.kafka.consumer_group':'v'}",
         "R | internal | messaging.consumer.group.name='v'"},
        {ANY "'meta':{'messaging.eventhubs.consumer.group':'v'}",
         "R | internal | messaging.consumer.group.name='v'"},
        {ANY "'meta':{'messaging.rocketmq.client_group':'v'}",
         "R | internal | messaging.consumer.group.name='v'"},
        {ANY "'meta':{'kafka.message.key':'v'}", "R | internal | messaging.kafka.message.key='v'"},
        {ANY "'meta':{'messaging.kafka.message_key':'v'}", "R | internal | messaging.kafka.message.key='v'"},
        {ANY "'meta':{'kafka.tombstone':'true'}", "R | internal | messaging.kafka.message.tombstone=true"},
        {ANY "'meta':{'messaging.kafka.tombstone':'true'}",
         "R | internal | messaging.kafka.message.tombstone=true"},
        {ANY "'meta':{'kafka.cluster_id':'v'}", "R | internal | messaging.kafka.cluster.id='v'"},
        {ANY "'meta':{'messaging.kafka.cluster_id':'v'}", "R | internal | messaging.kafka.cluster.id='v'"},
        {ANY "'meta':{'kafka.client':'v'}", "R | internal | messaging.client.id='v'"},
        {ANY "'meta':{'messaging.kafka.client_id':'v'}", "R | internal | messaging.client.id='v'"},
        {ANY "'meta':{'messaging.client_id':'v'}", "R | internal | messaging.client.id='v'"},
        {ANY "'meta':{'messaging.message_id':'v'}", "R | internal | messaging.message.id='v'"},
        {ANY "'meta':{'pubsub.message_id':'v'}", "R | internal | messaging.message.id='v'"},
        {ANY "'meta':{'shoryuken.id':'v'}", "R | internal | messaging.message.id='v'"},
        {ANY "'meta':{'messaging.conversation_id':'v'}",
         "R | internal | messaging.message.conversation_id='v'"},
        {ANY "'meta':{'celery.correlation_id':'v'}", "R | internal | messaging.message.conversation_id='v'"},
        {ANY "'metrics':{'messaging.batch_count':7}", "R | internal | messaging.batch.message_count=7"},
        {ANY "'metrics':{'kafka.batch_size':7}", "R | internal | messaging.batch.message_count=7"},
        {ANY "'metrics':{'kafka.message_count':7}", "R | internal | messaging.batch.message_count=7"},
        {ANY "'metrics':{'kafka.records_count':7}", "R | internal | messaging.batch.message_count=7"},
        {ANY "'metrics':{'pubsub.batch.message_count':7}", "R | internal | messaging.batch.message_count=7"},
        {ANY "'metrics':{'kombu.body_length':7}", "R | internal | messaging.message.body.size=7"},
        {ANY "'meta':{'nats.operation':'v'}", "R | internal | messaging.operation.name='v'"},
        {ANY "'meta':{'aws.requestId':'v'}", "R | internal | aws.request_id='v'"},
        {ANY "'meta':{'aws.response.request_id':'v'}", "R | internal | aws.request_id='v'"},
        {ANY "'meta':{'aws.bucket.name':'v'}", "R | internal | aws.s3.bucket='v'"},
        {ANY "'meta':{'objectkey':'v'}", "R | internal | aws.s3.key='v'"},
        {ANY "'meta':{'aws.object.key':'v'}", "R | internal | aws.s3.key='v'"},
        {ANY "'meta':{'aws.table.name':'v'}", "R | internal | aws.dynamodb.table_names=['v']"},
        {ANY "'meta':{'aws.dynamodb.table_name':'v'}", "R | internal | aws.dynamodb.table_names=['v']"},
        {ANY "'meta':{'aws.stream.name':'v'}", "R | internal | aws.kinesis.stream_name='v'"},
        {ANY "'meta':{'loggroupname':'v'}", "R | internal | aws.log.group.names=['v']"},
        {ANY "'meta':{'aws.cloudwatch.logs.log_group_name':'v'}", "R | internal | aws.log.group.names=['v']"},
        {ANY "'meta':{'gen_ai.system':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'metrics':{'gen_ai.usage.prompt_tokens':7}", "R | internal | gen_ai.usage.input_tokens=7"},
        {ANY "'metrics':{'gen_ai.usage.completion_tokens':7}", "R | internal | gen_ai.usage.output_tokens=7"},
        {ANY "'meta':{'usr.name':'v'}", "R | internal | user.name='v'"},
        {ANY "'meta':{'usr.email':'v'}", "R | internal | user.email='v'"},
        {ANY "'meta':{'usr.role':'v'}", "R | internal | user.roles=['v']"},
        {ANY "'meta':{'usr.session_id':'v'}", "R | internal | session.id='v'"},
        {ANY "'meta':{'deployment.environment':'v'}", "R | internal | deployment.environment.name='v'"},
        {ANY "'meta':{'http.fragment.string':'v'}", "R | internal | url.fragment='v'"},
        {ANY "'metrics':{'cmd.exit_code':7}", "R | internal | process.exit.code=7"},
        {ANY "'meta':{'gcloud.project_id':'v'}", "R | internal | cloud.account.id='v'"},
        {ANY "'meta':{'aas.subscription.id':'v'}", "R | internal | cloud.account.id='v'"},
        {ANY "'meta':{'aas.resource.id':'v'}", "R | internal | cloud.resource_id='v'"},
        {ANY "'meta':{'aas.resource.group':'v'}", "R | internal | azure.resource_group.name='v'"},
        {ANY "'meta':{'ai.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'bedrock.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'aws.bedrock.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'claude_agent_sdk.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'google_adk.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'google_genai.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'langchain.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'litellm.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'llama_index.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'mistralai.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'pydantic_ai.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'vertexai.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'vllm.request.model':'v'}", "R | internal | gen_ai.request.model='v'"},
        {ANY "'meta':{'litellm.response.model':'v'}", "R | internal | gen_ai.response.model='v'"},
        {ANY "'meta':{'google_genai.response.model':'v'}", "R | internal | gen_ai.response.model='v'"},
        {ANY "'meta':{'ai.request.model_provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'google_adk.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'google_genai.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'langchain.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'llama_index.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'mistralai.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'openai.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'pydantic_ai.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'vertexai.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
        {ANY "'meta':{'vllm.request.provider':'v'}", "R | internal | gen_ai.provider.name='v'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void http_and_network(void **state)
{
    static const struct bed_row rows[] = {
        {LAMBDA "'meta':{'request_id':'r'}", "R | internal | faas.invocation_id='r'"},
        {ANY "'meta':{'request_id':'r'}", "R | internal | request_id='r'"},
        {ANY "'meta':{'aas.function.trigger':'ServiceBus'}", "R | internal | faas.trigger='pubsub'"},
        {ANY "'meta':{'aas.function.trigger':'mine'}", "R | internal | aas.function.trigger='mine'"},
        {ANY "'meta':{'otel.scope.name':'l','otel.scope.version':'1','otel.library.name':'l'}",
         "R | internal | "},
        {ANY "'meta':{'otel.library.name':'l','otel.library.version':'1'}", "R | internal | "},
        {ANY "'meta':{'otel.library.version':'1'}", "R | internal | otel.library.version='1'"},
        {SERVER "'meta':{'http.url':'/p?a=1','http.base_url':'http://h:3000'}",
         "R | server | server.address='h' server.port=3000 url.path='/p' url.query='a=1' url.scheme='http'"},
        {SERVER "'meta':{'http.url':'http://h/p','http.base_url':'https://other'}",
         "R | server | http.base_url='https://other' server.address='h' url.path='/p' url.scheme='http'"},
        {SERVER "'meta':{'http.base_url':'http://u:p@h'}",
         "R | server | server.address='h' url.scheme='http'"},
        {SERVER "'meta':{'http.target':'/"
                "p?token=a','http.scheme':'https','net.host.name':'h'},'metrics':{'net.host.port':"
                "8443}",
         "R | server | server.address='h' server.port=8443 url.path='/p' url.query='token=REDACTED' "
         "url.scheme='https'"},
        {CLIENT "'meta':{'net.host.name':'me'},'metrics':{'net.host.port':1}",
         "R | client | net.host.name='me' net.host.port=1"},
        {SERVER "'meta':{'http.method':'GET','user_agent':'u','component':'proxy','request_size':'1','"
                "response_size':'2'}",
         "GET | server | component='proxy' http.request.body.size=1 http.request.method='GET' "
         "http.response.body.size=2 user_agent.original='u'"},
        {SERVER "'meta':{'http.method':'GET','request_size':'1','response_size':'2'}",
         "GET | server | http.request.method='GET' request_size='1' response_size='2'"},
        {ANY "'meta':{'user_agent':'u'}", "R | internal | user_agent='u'"},
        {SERVER "'meta':{'http.flavor':'1.1','http.protocol':'HTTP/1.1'}",
         "R | server | network.protocol.name='http' network.protocol.version='1.1'"},
        {ANY "'meta':{'net.protocol.name':'HTTP','messaging.protocol':'http'}",
         "R | internal | network.protocol.name='http'"},
        {ANY "'meta':{'peer.address':'10.0.0.1:5'}",
         "R | internal | network.peer.address='10.0.0.1' network.peer.port=5"},
        {ANY "'meta':{'peer.address':'unix:'}", "R | internal | peer.address='unix:'"},
        {ANY "'meta':{'net.transport':'ip_tcp','net.sock.family':'inet6'}",
         "R | internal | network.transport='tcp' network.type='ipv6'"},
        {ANY "'meta':{'net.transport':'inproc','net.sock.family':'inet'}",
         "R | internal | net.transport='inproc' network.type='ipv4'"},
        {SERVER "'meta':{'aspnet.route':'/r'}", "R | server | aspnet.route='/r' http.route='/r'"},
        {SERVER "'meta':{'sinatra.route.path':'/r'}", "R | server | http.route='/r' sinatra.route.path='/r'"},
        {SERVER "'meta':{'grape.route.path':'/r'}", "R | server | grape.route.path='/r' http.route='/r'"},
        {SERVER "'meta':{'app.route.path':'/r'}", "R | server | app.route.path='/r' http.route='/r'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void standard_tags(void **state)
{
    static const struct bed_row rows[] = {
        {SERVER "'meta':{'network.client.name':'c','network.client.transport':'tcp'},'metrics':{'network."
                "client.port':5}",
         "R | server | client.address='c' client.port=5 network.transport='tcp'"},
        {SERVER "'meta':{'network.client.ip':'10.0.0.1','network.client.name':'c','network.destination."
                "transport':'tcp'}",
         "R | server | client.address='10.0.0.1' network.client.name='c' "
         "network.destination.transport='tcp'"},
        {CLIENT "'meta':{'network.host.ip':'10.0.0.1','network.destination.transport':'udp'},'metrics':{'"
                "network.client.port':5}",
         "R | client | network.client.port=5 network.local.address='10.0.0.1' network.transport='udp'"},
        {ANY "'metrics':{'messaging.message_payload_size':7}",
         "R | internal | messaging.message.body.size=7"},
        {ANY "'meta':{'messaging.consumer_id':'c'}", "R | internal | messaging.client.id='c'"},
        {ANY "'meta':{'db.cassandra.keyspace':'k'}", "R | internal | db.namespace='k'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void databases(void **state)
{
    static const struct bed_row rows[] = {
        {CLIENT "'meta':{'db.cassandra.contact.points':'c1:9042,c2'}",
         "R | client | db.cassandra.contact.points='c1:9042,c2' server.address='c1' server.port=9042"},
        {CLIENT "'meta':{'db.couchbase.seed.nodes':'c1','out.host':'h'}",
         "R | client | db.couchbase.seed.nodes='c1' server.address='h'"},
        {CLIENT "'meta':{'addrs':'r1:1, r2:2'}",
         "R | client | addrs='r1:1, r2:2' server.address='r1' server.port=1"},
        {CLIENT "'meta':{'out.host':'h1:1,h2:2'}",
         "R | client | out.host='h1:1,h2:2' server.address='h1' server.port=1"},
        {CLIENT "'meta':{'out.host':'h,1433'}", "R | client | server.address='h' server.port=1433"},
        {CLIENT "'meta':{'active_record.db.vendor':'trilogy'}",
         "R | client | db.operation.name='R' db.query.summary='R' db.system.name='mysql'"},
        {CLIENT "'meta':{'sequel.db.vendor':'postgres'}",
         "R | client | db.operation.name='R' db.query.summary='R' db.system.name='postgresql'"},
        {CLIENT "'meta':{'db.engine':'pgsql'}",
         "R | client | db.operation.name='R' db.query.summary='R' db.system.name='postgresql'"},
        {CLIENT "'meta':{'db.type':'couchbase','bucket':'b'}",
         "R b | client | db.namespace='b' db.operation.name='R' db.query.summary='R' "
         "db.system.name='couchbase'"},
        {ANY "'meta':{'bucket':'b'}", "R | internal | bucket='b'"},
        {"'name':'n','type':'memcached','resource':'n','meta':{'memcache.query':'get "
         "k','memcache.command':'get'}",
         "get | client | db.operation.name='get' db.query.text='get' db.system.name='memcached' "
         "memcache.query='get ?'"},
        {"'name':'n','type':'redis','resource':'n','meta':{'redis.raw_command':'GET a\\nSET b "
         "c'},'metrics':{'redis.pipeline_"
         "length':2}",
         "PIPELINE | client | db.operation.batch.size=2 db.operation.name='PIPELINE' db.query.text='GET "
         "?\nSET ?' "
         "db.system.name='redis'"},
        {"'name':'n','type':'valkey','resource':'n','metrics':{'valkey.pipeline_length':1}",
         "n | client | db.system.name='valkey' valkey.pipeline_length=1"},
        {"'name':'n','type':'cassandra','resource':'n','meta':{'cassandra.consistency_level':'QUORUM'}",
         "n | client | cassandra.consistency.level='quorum' db.system.name='cassandra'"},
        {"'name':'n','type':'cassandra','resource':'n','meta':{'db.cassandra.consistency_level':'one'}",
         "n | client | cassandra.consistency.level='one' db.system.name='cassandra'"},
        {CLIENT "'meta':{'db.type':'cosmosdb','cosmosdb.connection.mode':'Direct','db.cosmosdb.connection_"
                "mode':'direct'}",
         "R | client | azure.cosmosdb.connection.mode='direct' db.operation.name='R' db.query.summary='R' "
         "db.system.name='azure.cosmosdb'"},
        {"'name':'n','type':'mongodb','resource':'find a.b','meta':{'db.name':'a.b'}",
         "find b | client | db.collection.name='b' db.namespace='a' db.operation.name='find' "
         "db.query.summary='find a.b' "
         "db.system.name='mongodb'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void messages(void **state)
{
    static const struct bed_row rows[] = {
        {KAFKA "'meta':{'tombstone':'true'},'metrics':{'partition':3,'offset':4}",
         "R | consumer | messaging.destination.partition.id='3' messaging.kafka.message.tombstone=true "
         "messaging.kafka.offset=4 messaging.operation.name='process' messaging.operation.type='process' "
         "messaging.system='kafka'"},
        {ANY "'meta':{'tombstone':'true'},'metrics':{'partition':3,'offset':4}",
         "R | internal | offset=4 partition=3 tombstone='true'"},
        {ANY "'meta':{'messaging.kafka.destination.partition':'[3]'}",
         "R | internal | messaging.destination.partition.id='3'"},
        {ANY "'metrics':{'kafka.partition':-1,'kafka.message_offset':-1}",
         "R | internal | kafka.message_offset=-1 kafka.partition=-1"},
        {KAFKA "'meta':{'message.id':'m'}",
         "R | consumer | messaging.message.id='m' messaging.operation.name='process' "
         "messaging.operation.type='process' "
         "messaging.system='kafka'"},
        {ANY "'meta':{'message.id':'m'}", "R | internal | message.id='m'"},
        {"'name':'n','type':'queue','resource':'R','meta':{'span.kind':'consumer','component':'rabbitmq','"
         "amqp.command':'basic.get'}",
         "R | consumer | amqp.command='basic.get' component='rabbitmq' messaging.operation.name='receive' "
         "messaging.operation.type='receive' messaging.system='rabbitmq'"},
        {CLIENT "'meta':{'aws.sqs.queue_name':'q'}", "R | client | messaging.destination.name='q'"},
        {CLIENT "'meta':{'aws.sqs.queue_name':'https://h/1/q'}",
         "R | client | aws.sqs.queue.url='https://h/1/q' messaging.destination.name='q'"},
        {CLIENT "'meta':{'aws.queue.url':'https://h/1/q'}",
         "R | client | aws.sqs.queue.url='https://h/1/q' messaging.destination.name='q'"},
        {CLIENT "'meta':{'aws.topic.arn':'arn:aws:sns:r:1:t'}",
         "R | client | aws.sns.topic.arn='arn:aws:sns:r:1:t' messaging.destination.name='t'"},
        {CLIENT "'meta':{'aws.sns.topic_arn':'arn:aws:sns:r:1:t'}",
         "R | client | aws.sns.topic.arn='arn:aws:sns:r:1:t' messaging.destination.name='t'"},
        {"'name':'jms.produce','type':'queue','resource':'Produced for Queue q','meta':{'component':'jms'}",
         "send q | producer | component='jms' messaging.destination.name='q' messaging.operation.name='send' "
         "messaging.operation.type='send' messaging.system='jms'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(renamed), BED_TEST(http_and_network), BED_TEST(standard_tags),
                                       BED_TEST(databases), BED_TEST(messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
