# SPDX-License-Identifier: Apache-2.0
"""Tags as the tracers' integrations set them, by their sources, and what the semantic conventions call them. Used by test_semantics.py."""
from semantics import ABSENT, KINDS, Case

CASES = []


def case(of, kind=None, becomes=None, named=None, **span):
    fields = {"name": named} if named else {}
    if kind:
        fields["kind"] = KINDS[kind]
    fields.update(span.pop("fields", {}))
    CASES.append(Case(of=of, kind=kind, becomes=becomes or {}, fields=fields, **span))


def each(of, tags, attribute, value, becomes=None, **span):
    """Tags that all are the same attribute, one at a time; a number comes as text and as a metric."""
    want = value if becomes is None else becomes
    for tag in tags:
        meta = span.get("meta", {})
        rest = {k: v for k, v in span.items() if k != "meta"}
        case(f"{of}: {tag}", meta={**meta, tag: str(value)}, becomes={attribute: want, tag: ABSENT}, **rest)
        if isinstance(value, int):
            case(f"{of}: {tag} as a metric", meta=meta, metrics={tag: value}, becomes={attribute: want, tag: ABSENT}, **rest)


# ---- messaging ----

KAFKA = {"kind": "consumer", "type": "queue", "name": "kafka.consume"}
each("Kafka offset", ["kafka.offset", "kafka.message_offset", "kafka.message.offset", "messaging.kafka.message_offset", "messaging.kafka.message.offset",
                      "offset"], "messaging.kafka.offset", 42, **KAFKA)
each("Kafka partition", ["kafka.partition", "messaging.kafka.partition", "messaging.kafka.destination.partition", "partition"],
     "messaging.destination.partition.id", 3, "3", **KAFKA)
each("Kafka group", ["kafka.group", "kafka.group_id", "messaging.kafka.group_id", "messaging.kafka.consumer.group", "messaging.kafka.consumer_group"],
     "messaging.consumer.group.name", "g", **KAFKA)
each("Kafka key", ["message.key", "kafka.message_key", "kafka.message.key", "messaging.kafka.message_key"], "messaging.kafka.message.key", "k", **KAFKA)
each("Kafka topic", ["kafka.topic", "messaging.destination"], "messaging.destination.name", "orders", named="process orders", **KAFKA)
each("Kafka cluster", ["kafka.cluster_id", "messaging.kafka.cluster_id"], "messaging.kafka.cluster.id", "c1", **KAFKA)
each("Kafka client", ["kafka.client", "messaging.kafka.client_id"], "messaging.client.id", "app", **KAFKA)
each("Kafka batch", ["kafka.batch_size", "kafka.message_count", "kafka.records_count", "messaging.batch_count"], "messaging.batch.message_count", 7, **KAFKA)
for tag in "kafka.tombstone", "messaging.kafka.tombstone", "tombstone":
    for text, truth in ("true", True), ("True", True), ("1", True), ("false", False), ("False", False):
        case(f"Kafka tombstone: {tag}={text}", meta={tag: text}, becomes={"messaging.kafka.message.tombstone": truth, tag: ABSENT}, **KAFKA)
case("Kafka partition of .NET", meta={"kafka.partition": "[3]"}, becomes={"messaging.destination.partition.id": "3", "kafka.partition": ABSENT}, **KAFKA)
for tag in "kafka.partition", "messaging.kafka.partition", "partition":
    case(f"any partition: {tag}", metrics={tag: -1}, becomes={"messaging.destination.partition.id": ABSENT, tag: -1}, **KAFKA)
case("any partition of .NET", meta={"kafka.partition": "[Any]"},
     becomes={"messaging.destination.partition.id": ABSENT, "kafka.partition": "[Any]"}, **KAFKA)
case("no offset", metrics={"kafka.message_offset": -1}, becomes={"messaging.kafka.offset": ABSENT, "kafka.message_offset": -1}, **KAFKA)
case("an offset that is not Kafka's", metrics={"offset": 5, "partition": 1}, meta={"tombstone": "true"}, name="list.page", type="web", kind="server",
     becomes={"offset": 5, "partition": 1, "tombstone": "true", "messaging.kafka.offset": ABSENT})
case("brokers", meta={"messaging.kafka.bootstrap.servers": "b1:9092,b2:9093", "kafka.topic": "orders"}, kind="producer", type="queue", name="kafka.produce",
     becomes={"server.address": "b1", "server.port": 9092, "messaging.kafka.bootstrap.servers": "b1:9092,b2:9093", "messaging.system": "kafka",
              "messaging.operation.type": "send", "messaging.operation.name": "send"}, named="send orders")
case("brokers with a scheme", meta={"kafka.bootstrap.servers": "PLAINTEXT://b1.example.com:9092"},
     becomes={"server.address": "b1.example.com", "server.port": 9092}, **KAFKA)
case("franz-go, sarama", meta={"messaging.system": "kafka", "messaging.destination.name": "orders", "component": "twmb/franz-go"},
     metrics={"messaging.kafka.partition": 0, "offset": 0}, becomes={"messaging.destination.partition.id": "0", "messaging.kafka.offset": 0}, **KAFKA)
case("racecar", meta={"component": "racecar", "messaging.system": "kafka", "kafka.topic": "orders", "kafka.consumer": "C"}, metrics={"kafka.first_offset": 1},
     becomes={"messaging.system": "kafka", "messaging.destination.name": "orders"}, name="racecar.message", type="worker", kind="consumer")

RABBIT = {"kind": "producer", "type": "queue", "name": "amqp.command"}
each("RabbitMQ routing key", ["amqp.routing_key", "amqp.routingKey", "messaging.rabbitmq.routing_key", "kombu.routing_key", "sneakers.routing_key"],
     "messaging.rabbitmq.destination.routing_key", "rk", **RABBIT)
each("RabbitMQ destination", ["amqp.queue", "amqp.exchange", "amqp.destination", "messaging.rabbitmq.exchange", "kombu.exchange", "sneakers.queue"],
     "messaging.destination.name", "orders", named="send orders", **RABBIT)
each("body", ["message.size", "messaging.message_payload_size", "messaging.message_payload_size_bytes", "kombu.body_length"], "messaging.message.body.size", 12, **RABBIT)
case("RabbitMQ, no exchange", meta={"component": "RabbitMQ", "amqp.command": "basic.publish", "amqp.exchange": "", "amqp.routing_key": "orders"},
     becomes={"messaging.system": "rabbitmq", "messaging.destination.name": "orders", "messaging.rabbitmq.destination.routing_key": "orders"},
     named="send orders", **RABBIT)
case("RabbitMQ basic.get", meta={"component": "RabbitMQ", "amqp.command": "basic.get", "amqp.queue": "orders"}, name="amqp.command", type="queue",
     kind="consumer", becomes={"messaging.operation.type": "receive"}, named="receive orders")
case("PHP AMQP", meta={"component": "amqp", "messaging.system": "rabbitmq", "messaging.destination": "orders", "messaging.destination_kind": "queue",
                       "messaging.protocol": "AMQP", "messaging.protocol_version": "0.9.1", "messaging.operation": "receive", "messaging.message_id": "m1",
                       "messaging.conversation_id": "c1", "messaging.rabbitmq.routing_key": "rk", "messaging.message_payload_size_bytes": "12"},
     kind="consumer", type="queue", name="amqp.basic.deliver", named="receive orders",
     becomes={"messaging.message.id": "m1", "messaging.message.conversation_id": "c1", "network.protocol.name": "amqp", "network.protocol.version": "0.9.1",
              "messaging.rabbitmq.destination.routing_key": "rk", "messaging.message.body.size": 12, "messaging.operation.type": "receive",
              "messaging.operation.name": "receive", "messaging.message_id": ABSENT, "messaging.conversation_id": ABSENT})
case("rhea", meta={"component": "rhea", "amqp.link.target.address": "orders", "amqp.link.role": "sender", "out.host": "h.example.com"},
     metrics={"network.destination.port": 5672}, kind="producer", name="amqp.send", type="",
     becomes={"messaging.system": "amqp", "messaging.destination.name": "orders", "server.address": "h.example.com", "server.port": 5672},
     named="send orders")
case("amqp10", meta={"component": "amqp10", "amqp.link.source.address": "orders", "amqp.connection.host": "h.example.com", "amqp.connection.port": "5672"},
     kind="consumer", name="amqp.receive", type="worker",
     becomes={"messaging.system": "amqp", "messaging.destination.name": "orders", "server.address": "h.example.com", "server.port": 5672,
              "messaging.operation.type": "receive"}, named="receive orders")
each("message id", ["messaging.message_id", "pubsub.message_id", "shoryuken.id", "message.id"], "messaging.message.id", "m1", kind="consumer", type="queue",
     meta={"messaging.destination.name": "orders"})
each("conversation id", ["messaging.conversation_id", "celery.correlation_id"], "messaging.message.conversation_id", "c1", kind="consumer", type="worker")
each("destination", ["pubsub.topic", "nats.subject", "messaging.source.name", "message_bus.destination", "shoryuken.queue", "msmq.queue.path", "topicname"],
     "messaging.destination.name", "orders", kind="producer", type="queue")
each("subscription", ["pubsub.subscription", "messaging.servicebus.destination.subscription_name"], "messaging.destination.subscription.name", "s",
     kind="consumer", type="queue")
for said, system in (("googlepubsub", "gcp_pubsub"), ("pubsub", "gcp_pubsub"), ("amazonsqs", "aws_sqs"), ("servicebus", "servicebus"), ("eventhubs", "eventhubs"),
                     ("amqp", "rabbitmq"), ("nats", "nats"), ("bullmq", "bullmq"), ("pulsar", "pulsar")):
    case(f"messaging.system {said}", meta={"messaging.system": said, "messaging.destination.name": "q"}, kind="consumer", type="queue",
         becomes={"messaging.system": system})
case("Pub/Sub of Go", meta={"component": "cloud.google.com/go/pubsub.v1", "messaging.system": "googlepubsub", "messaging.operation.name": "receive",
                            "messaging.destination.name": "s1", "messaging.message.id": "m1"},
     kind="consumer", type="queue", name="pubsub.receive", named="receive s1",
     becomes={"messaging.system": "gcp_pubsub", "messaging.operation.name": "receive", "messaging.operation.type": "receive", "messaging.message.id": "m1"})
case("Pub/Sub of Node", meta={"component": "google-cloud-pubsub", "pubsub.topic": "orders", "pubsub.method": "publish"}, metrics={"pubsub.batch.message_count": 3},
     kind="producer", name="pubsub.request", resource="publish to Topic orders", type="", named="send orders",
     becomes={"messaging.system": "gcp_pubsub", "messaging.destination.name": "orders", "messaging.batch.message_count": 3})
case("NATS of Node", meta={"component": "nats", "nats.subject": "orders", "nats.operation": "publish", "out.host": "n.example.com"},
     metrics={"network.destination.port": 4222}, kind="producer", name="nats.publish", type="", named="publish orders",
     becomes={"messaging.system": "nats", "messaging.operation.name": "publish", "messaging.operation.type": "send", "server.port": 4222})
case("BullMQ", meta={"component": "bullmq", "messaging.system": "bullmq", "messaging.destination.name": "orders", "messaging.operation": "publish"},
     metrics={"messaging.batch.message_count": 2}, kind="producer", name="bullmq.addBulk", named="publish orders",
     becomes={"messaging.operation.name": "publish", "messaging.operation.type": "send", "messaging.batch.message_count": 2})
case("Service Bus of .NET", meta={"component": "AzureServiceBus", "messaging.system": "servicebus", "messaging.operation": "receive",
                                  "messaging.source.name": "orders", "message_bus.destination": "orders", "network.destination.name": "n.servicebus.windows.net"},
     kind="consumer", type="queue", name="azure_servicebus.receive", named="receive orders",
     becomes={"messaging.destination.name": "orders", "server.address": "n.servicebus.windows.net", "messaging.operation.type": "receive"})
case("Event Hubs of Python", meta={"component": "azure_eventhubs", "messaging.system": "eventhubs", "messaging.operation": "send",
                                   "messaging.destination.name": "orders", "messaging.message_id": "m1"}, metrics={"messaging.batch_count": 4},
     kind="producer", type="worker", name="azure.eventhubs.send", named="send orders",
     becomes={"messaging.batch.message_count": 4, "messaging.message.id": "m1", "messaging.operation.name": "send"})
case("JMS of Java", meta={"component": "jms"}, kind="consumer", type="queue", name="jms.consume", resource="Consumed from Queue orders",
     becomes={"messaging.system": "jms", "messaging.destination.name": "orders"}, named="process orders")
case("Pub/Sub of Java", meta={"component": "java-google-pubsub"}, kind="producer", type="queue", name="google-pubsub.produce",
     resource="Produce Topic orders", becomes={"messaging.system": "gcp_pubsub", "messaging.destination.name": "orders"}, named="send orders")

# ---- clouds ----

AWS = {"kind": "client", "type": "http", "name": "aws.request"}
each("request id", ["aws.requestid", "aws.requestId", "aws.response.request_id"], "aws.request_id", "r1", **AWS)
each("bucket", ["bucketname", "aws.s3.bucket_name", "aws.bucket.name"], "aws.s3.bucket", "b", **AWS)
each("key", ["objectkey", "aws.object.key"], "aws.s3.key", "a/b", **AWS)
each("table", ["tablename", "aws.table.name", "aws.dynamodb.table_name"], "aws.dynamodb.table_names", "t", ["t"], **AWS)
each("stream", ["streamname", "aws.stream.name"], "aws.kinesis.stream_name", "s", **AWS)
each("queue", ["queuename", "aws.queue.name", "aws.sqs.queue_name"], "messaging.destination.name", "q", **AWS)
each("topic", ["topicname", "aws.topic.name"], "messaging.destination.name", "t", **AWS)
each("topic ARN", ["aws.topic.arn", "aws.sns.topic_arn"], "aws.sns.topic.arn", "arn:aws:sns:eu-west-1:1:t", **AWS)
each("log group", ["loggroupname", "aws.cloudwatch.logs.log_group_name"], "aws.log.group.names", "g", ["g"], **AWS)
each("account", ["aws_account"], "cloud.account.id", "1", **AWS)
case("SQS by its URL", meta={"aws_service": "sqs", "aws.operation": "SendMessage", "aws.queue.url": "https://sqs.eu-west-1.amazonaws.com/1/orders"},
     becomes={"aws.sqs.queue.url": "https://sqs.eu-west-1.amazonaws.com/1/orders", "messaging.destination.name": "orders", "messaging.system": "aws_sqs"}, **AWS)
case("SQS of Node", meta={"component": "aws-sdk", "aws.service": "SQS", "aws_service": "SQS", "aws.operation": "sendMessage", "messaging.system": "aws_sqs",
                          "aws.sqs.queue_name": "https://sqs.eu-west-1.amazonaws.com/1/orders", "queuename": "orders"}, type="http", name="aws.request", kind="producer",
     becomes={"aws.sqs.queue.url": "https://sqs.eu-west-1.amazonaws.com/1/orders", "messaging.destination.name": "orders", "aws.sqs.queue_name": ABSENT})
case("SNS by its ARN", meta={"aws_service": "sns", "aws.operation": "Publish", "aws.sns.topic_arn": "arn:aws:sns:eu-west-1:1:orders"},
     becomes={"messaging.destination.name": "orders", "messaging.system": "aws.sns"}, **AWS)
case("Lambda of Go", meta={"function_arn": "arn:aws:lambda:eu-west-1:1:function:f", "request_id": "r1", "cold_start": "true", "functionname": "f",
                           "function_version": "$LATEST"}, kind="server", type="serverless", name="aws.lambda",
     becomes={"faas.invocation_id": "r1", "request_id": ABSENT, "faas.coldstart": True, "faas.version": "$LATEST"})
case("Lambda of Node", meta={"request_id": "r1"}, type="serverless", name="aws.lambda", becomes={"faas.invocation_id": "r1"})
case("a request id of the application", meta={"request_id": "r1"}, kind="server", type="web", becomes={"request_id": "r1", "faas.invocation_id": ABSENT})
for said, trigger in ("Http", "http"), ("Timer", "timer"), ("ServiceBus", "pubsub"), ("EventHubs", "pubsub"), ("Blob", "datasource"):
    case(f"Azure function: {said}", meta={"aas.function.name": "f", "aas.function.trigger": said}, kind="server", type="serverless",
         name="azure_functions.invoke", becomes={"faas.trigger": trigger})

# ---- HTTP ----

each("user agent", ["http.useragent", "http.user_agent", "user_agent"], "user_agent.original", "curl/8", kind="server", type="web", meta={"http.method": "GET"})
each("protocol", ["http.version", "http.flavor", "http.protocol", "net.protocol.version"], "network.protocol.version", "1.1", kind="server", type="web")
each("request size", ["http.request.content_length", "http.request_content_length"], "http.request.body.size", 17, kind="server", type="web")
each("response size", ["http.response.content_length", "http.response_content_length"], "http.response.body.size", 17, kind="server", type="web")
case("Envoy", meta={"component": "proxy", "http.method": "GET", "http.url": "http://orders.shop.local:8080/orders/37", "user_agent": "Go-http-client/1.1",
                    "http.protocol": "HTTP/1.1", "peer.address": "10.1.2.9", "request_size": "0", "response_size": "612", "upstream_cluster": "inbound|8080||"},
     kind="server", type="web", name="envoy.proxy",
     becomes={"user_agent.original": "Go-http-client/1.1", "network.protocol.version": "1.1", "network.peer.address": "10.1.2.9", "http.request.body.size": 0,
              "http.response.body.size": 612, "upstream_cluster": "inbound|8080||", "server.port": 8080})
case("nginx, IPv6", meta={"component": "nginx", "http.method": "GET", "peer.address": "[2001:db8::1]:5555"}, type="web", kind="server",
     becomes={"network.peer.address": "2001:db8::1", "network.peer.port": 5555, "peer.address": ABSENT})
case("sizes that are not Envoy's", meta={"http.method": "GET", "request_size": "big"}, type="web", kind="server", becomes={"request_size": "big"})
case("peer.ipv6", meta={"peer.ipv6": "2001:db8::1"}, kind="client", type="http", becomes={"network.peer.address": "2001:db8::1", "peer.ipv6": ABSENT})
OLD = {"http.method": "GET", "http.target": "/p?a=1", "http.scheme": "https", "net.host.name": "shop.example.com", "net.host.port": "8443", "http.flavor": "1.1",
       "net.sock.peer.addr": "10.1.2.3", "net.sock.peer.port": "5555", "http.request_content_length": "17", "http.route": "/p", "net.transport": "ip_tcp"}
case("OpenTelemetry's old names", meta=OLD, kind="server", named="GET /p",
     becomes={"url.path": "/p", "url.query": "a=1", "url.scheme": "https", "server.address": "shop.example.com", "server.port": 8443,
              "network.protocol.version": "1.1", "network.peer.address": "10.1.2.3", "network.peer.port": 5555, "http.request.body.size": 17,
              "network.transport": "tcp", **{k: ABSENT for k in OLD if k not in ("http.route",)}})
case("the root of a server", meta={"http.method": "GET", "http.url": "http://shop.example.com"}, kind="server", type="web",
     becomes={"url.path": "/", "url.scheme": "http", "server.address": "shop.example.com", "server.port": ABSENT})
case("a root with a query", meta={"http.method": "GET", "http.url": "http://shop.example.com?a=1"}, kind="server", type="web",
     becomes={"url.path": "/", "url.query": "a=1"})
for url, port in (("http://a.example.com/p", 80), ("https://a.example.com/p", 443), ("https://a.example.com:8443/p", 8443), ("http://a.example.com:80/p", 80)):
    case(f"a client's port: {url}", meta={"http.method": "GET", "http.url": url}, kind="client", type="http", becomes={"server.port": port, "url.full": url})
case("a client's port by a tag", meta={"http.method": "GET", "http.url": "http://a.example.com/p", "out.port": "8080"}, kind="client", type="http",
     becomes={"server.port": 8080})
case("Rack", meta={"component": "rack", "http.method": "GET", "http.url": "/p", "http.base_url": "https://shop.example.com"}, kind="server", type="web",
     becomes={"url.path": "/p", "url.scheme": "https", "server.address": "shop.example.com", "server.port": ABSENT, "http.base_url": ABSENT})
for method in "query", "QUERY":
    case(f"method {method}", meta={"http.method": method}, kind="server", type="web", becomes={"http.request.method": "QUERY",
                                                                                              "http.request.method_original": ABSENT}, named="QUERY")
for status in 0, 99, 1000, -1:
    case(f"status {status}", metrics={"http.status_code": status}, meta={"http.method": "GET"}, kind="client", type="http",
         becomes={"http.response.status_code": ABSENT, "http.status_code": status})
case("status 0 as text", meta={"http.method": "GET", "http.status_code": "0"}, kind="client", type="http", error=1,
     becomes={"http.response.status_code": ABSENT, "error.type": ABSENT})
for tag in "aspnet.route", "aspnet_core.route", "sinatra.route.path", "grape.route.path", "flask.url_rule":
    case(f"route: {tag}", meta={"http.method": "GET", tag: "/p/{id}"}, kind="server", type="web", becomes={"http.route": "/p/{id}"}, named="GET /p/{id}")
case("Host header of .NET", meta={"http.method": "GET", "http.request.headers.host": "shop.example.com:8080"}, kind="server", type="web",
     becomes={"server.address": "shop.example.com", "server.port": 8080, "http.request.header.host": ["shop.example.com:8080"]})

# ---- network ----

each("server", ["out.host", "peer.hostname", "net.peer.name", "db.hostname", "db.host", "network.destination.name", "hostname"],
     "server.address", "h.example.com", kind="client", type="sql")
each("port", ["out.port", "network.destination.port", "net.peer.port", "peer.port"], "server.port", 5432, kind="client", type="sql")
for said, name, port in (("10.0.0.1:6379", "10.0.0.1", 6379), ("[::1]:6379", "::1", 6379), ("[::1]", "::1", ABSENT), ("tcp://h.example.com:1", "h.example.com", 1),
                         ("unix:/run/x.sock", "unix:/run/x.sock", ABSENT), ("::1", "::1", ABSENT), ("h.example.com,1433", "h.example.com", 1433)):
    case(f"out.host={said}", meta={"out.host": said}, kind="client", type="redis", becomes={"server.address": name, "server.port": port, "out.host": ABSENT})
case("several hosts", meta={"out.host": "h1.example.com:1,h2.example.com:2"}, kind="client", type="sql",
     becomes={"server.address": "h1.example.com", "server.port": 1, "out.host": "h1.example.com:1,h2.example.com:2"})
case("out.host with a port that a tag contradicts", meta={"out.host": "h.example.com:1", "out.port": "2"}, kind="client", type="sql",
     becomes={"server.address": "h.example.com", "server.port": 2})
case("port 0", metrics={"network.destination.port": 0}, kind="client", type="sql", becomes={"server.port": ABSENT, "network.destination.port": 0})
case("tcp.connect of Node", meta={"component": "net", "tcp.remote.host": "h.example.com", "tcp.family": "IPv4", "tcp.local.address": "10.0.0.1", "out.host": "h.example.com"},
     metrics={"tcp.remote.port": 5432, "tcp.local.port": 40000, "network.destination.port": 5432}, kind="client", name="tcp.connect", resource="h.example.com:5432",
     named="tcp.connect",
     becomes={"server.address": "h.example.com", "server.port": 5432, "tcp.local.address": "10.0.0.1"})
for name, asked in ("dns.lookup", "h.example.com"), ("dns.resolve", "A h.example.com"):
    case(f"{name} of Node", meta={"component": "dns", "dns.hostname": "h.example.com"}, kind="client", name=name, resource=asked, named=name,
         becomes={"dns.question.name": "h.example.com"})

each("client port", ["network.client.port"], "client.port", 5555, kind="server", type="web")
each("own address", ["network.host.ip", "net.host.ip", "net.sock.host.addr"], "network.local.address", "10.0.0.1", kind="server", type="web")
for kind, tag in ("server", "network.client.transport"), ("client", "network.destination.transport"), ("client", "net.transport"):
    case(f"transport: {tag}", meta={tag: "ip_tcp" if tag == "net.transport" else "tcp"}, kind=kind, becomes={"network.transport": "tcp", tag: ABSENT})

# ---- databases ----

SQL = {"kind": "client", "type": "sql"}
for tag in "db.system", "db.type", "db.vendor", "active_record.db.vendor", "sequel.db.vendor", "db.engine":
    for said, system in (("trilogy", "mysql"), ("mysql2", "mysql"), ("postgis", "postgresql"), ("pgsql", "postgresql"), ("sqlite3", "sqlite"),
                         ("sqlserver", "microsoft.sql_server"), ("oracle_enhanced", "oracle.db"), ("Microsoft SQL Server", "microsoft.sql_server")):
        case(f"{tag} {said}", meta={tag: said}, becomes={"db.system.name": system, tag: ABSENT}, **SQL)
each("database", ["db.name", "db.instance", "sql.db", "active_record.db.name", "sequel.db.name", "pg.db.name", "mysql2.db.name", "trilogy.db.name"], "db.namespace",
     "shop", **SQL)
each("rows", ["db.row_count", "mongodb.rows", "cassandra.row_count", "db.command.results.count", "sql.rows"], "db.response.returned_rows", 7, **SQL)
case("no rows known", metrics={"db.row_count": -1}, becomes={"db.response.returned_rows": ABSENT, "db.row_count": -1}, **SQL)
case("no rows known, as text", meta={"db.row_count": "-1"}, becomes={"db.response.returned_rows": ABSENT, "db.row_count": "-1"}, **SQL)
each("collection", ["mongodb.collection", "db.mongodb.collection"], "db.collection.name", "users", kind="client", type="mongodb")
case("Cosmos", meta={"component": "CosmosDb", "db.type": "cosmosdb", "cosmosdb.container": "orders", "db.name": "shop", "cosmosdb.connection.mode": "Gateway",
                     "db.response.status_code": "200", "cosmosdb.response.sub_status_code": "1002"}, kind="client", type="sql", name="cosmosdb.query",
     resource="SELECT * FROM c WHERE c.id = 1", named="SELECT orders",
     becomes={"db.system.name": "azure.cosmosdb", "db.collection.name": "orders", "db.namespace": "shop", "azure.cosmosdb.connection.mode": "gateway",
              "db.response.status_code": "200", "azure.cosmosdb.response.sub_status_code": 1002})
case("Couchbase of Node", meta={"component": "couchbase", "db.type": "couchbase", "couchbase.bucket.name": "shop", "couchbase.collection.name": "orders",
                                "db.couchbase.seed.nodes": "c1.example.com"}, kind="client", name="couchbase.upsert", resource="couchbase.upsert", type="",
     becomes={"db.system.name": "couchbase", "db.namespace": "shop", "db.collection.name": "orders", "server.address": "c1.example.com"})
case("Couchbase query", meta={"component": "couchbase", "db.type": "couchbase", "couchbase.collection.name": "orders"}, kind="client", type="sql",
     name="couchbase.query", resource="SELECT * FROM travel WHERE a = 1", becomes={"db.collection.name": "orders"})
case("Aerospike", meta={"component": "aerospike", "aerospike.namespace": "shop", "aerospike.setname": "orders"}, kind="client", type="aerospike",
     name="aerospike.command", resource="Put", becomes={"db.system.name": "aerospike", "db.namespace": "shop", "db.collection.name": "orders"}, named="Put orders")
case("Cassandra of Go", meta={"component": "gocql/gocql", "db.system": "cassandra", "cassandra.consistency_level": "QUORUM", "cassandra.keyspace": "shop",
                              "cassandra.datacenter": "dc1", "db.cassandra.host.id": "h1", "db.cassandra.contact.points": "c1.example.com:9042,c2"},
     kind="client", type="cassandra", name="cassandra.query", resource="SELECT a FROM t",
     becomes={"cassandra.consistency.level": "quorum", "cassandra.coordinator.dc": "dc1", "cassandra.coordinator.id": "h1", "server.address": "c1.example.com",
              "server.port": 9042, "db.cassandra.contact.points": "c1.example.com:9042,c2"})
case("MongoDB of Node", meta={"component": "mongodb", "db.name": "shop.users.archive", "out.host": "m1"}, kind="client", type="mongodb", name="mongodb.query",
     resource="find shop.users.archive", named="find users.archive",
     becomes={"db.namespace": "shop", "db.collection.name": "users.archive", "db.operation.name": "find"})
case("MongoDB of Go", meta={"component": "go.mongodb.org/mongo-driver", "db.system": "mongodb", "db.instance": "shop", "db.mongodb.collection": "orders"},
     kind="client", type="mongodb", name="mongodb.query", resource="mongo.find", becomes={"db.operation.name": "find"}, named="find orders")

REDIS = {"kind": "client", "type": "redis", "name": "redis.command"}
case("Redis by its command", meta={"redis.raw_command": "GET k", "out.host": "r"}, metrics={"out.redis_db": 0}, resource="GET",
     becomes={"db.namespace": "0", "db.operation.name": "GET"}, named="GET", **REDIS)
case("Redis, many commands", meta={"redis.raw_command": "GET a\nSET b c", "db.redis.database_index": "0"}, metrics={"redis.pipeline_length": 2},
     resource="GET\nSET", becomes={"db.operation.name": "PIPELINE", "db.operation.batch.size": 2, "redis.pipeline_length": ABSENT}, named="PIPELINE", **REDIS)
case("Redis, a pipeline of one", meta={"redis.raw_command": "GET a"}, metrics={"redis.pipeline_length": 1}, resource="GET",
     becomes={"db.operation.name": "GET", "db.operation.batch.size": ABSENT}, named="GET", **REDIS)
case("Redis, nothing but an index", metrics={"out.redis_db": 0}, becomes={"db.namespace": "0"}, resource="res0", named="res0", **REDIS)
each("Redis index", ["out.redis_db", "db.redis.database_index", "db.redis.dbIndex", "redis.db", "out.db", "db.index"], "db.namespace", 3, "3", **REDIS)
case("Valkey index", meta={"out.valkey_db": "3"}, kind="client", type="valkey", becomes={"db.namespace": "3"})
case("Redis cluster of Go", meta={"addrs": "r1.example.com:7000, r2.example.com:7001"}, becomes={"server.address": "r1.example.com", "server.port": 7000}, **REDIS)
case("Memcached", meta={"memcached.query": "get k"}, kind="client", type="memcached", name="memcached.cmd", resource="get", named="get")
case("Memcache of PHP", meta={"memcache.query": "get k", "memcache.command": "get"}, kind="client", type="memcached", name="Memcache.get", resource="get", named="get",
     becomes={"db.query.text": "get"})
case("a statement without an operation", meta={"db.type": "postgres", "db.name": "shop"}, kind="client", type="sql", name="postgres.query", resource="?", named="?")
case("no statement at all", meta={"db.type": "postgres", "db.name": "shop"}, kind="client", type="sql", name="postgres.connect", resource="connect",
     becomes={"db.namespace": "shop"}, named="connect shop")
case("a summary that was said", meta={"db.system": "postgresql", "db.query.summary": "SELECT users, orders", "db.query.text": "SELECT 1 FROM users JOIN orders"},
     kind="client", named="SELECT users, orders", becomes={"db.query.summary": "SELECT users, orders"})

# ---- others ----

case("OpenTelemetry's library", meta={"otel.library.name": "my.lib", "otel.library.version": "1.2"}, kind="internal", fields={"scope": ("my.lib", "1.2")},
     becomes={"otel.library.name": ABSENT, "otel.library.version": ABSENT})
case("OpenTelemetry's scope", meta={"otel.scope.name": "my.lib"}, kind="internal", fields={"scope": ("my.lib", "")}, becomes={"otel.scope.name": ABSENT})
each("user", ["usr.email"], "user.email", "a@example.com")
each("session", ["usr.session_id"], "session.id", "s1")
each("exit code", ["cmd.exit_code"], "process.exit.code", 2)
each("account", ["gcloud.project_id", "aas.subscription.id"], "cloud.account.id", "p")
each("model", [f"{lib}.request.model" for lib in ("ai", "anthropic", "bedrock", "google_genai", "langchain", "litellm", "mistralai", "vertexai", "vllm")],
     "gen_ai.request.model", "m", type="llm")
each("provider", ["ai.request.model_provider", "langchain.request.provider", "vertexai.request.provider"], "gen_ai.provider.name", "p", type="llm")
