# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka that asks who it is: TLS with a certificate of the client's, SASL PLAIN and SCRAM-SHA-512, and ACLs. Who is turned away reads in
the log why, what to do, and where; what he has waits, and is delivered once the cluster or the configuration is set right."""
import signal
from pathlib import Path

import confluent_kafka
import otlp
import pytest
from certs import Authority
from confluent_kafka.admin import AclOperation, ResourceType
from ddgate import conf_text, free_port, grpc
from kafka_broker import KafkaBroker
from kafka_records import configuration, numbers, spans, until
from kafka_tools import Kafka
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sending import QUICK, ids, send

LONG = 60
PLAIN_PASSWORD, SCRAM_PASSWORD, WRONG_PASSWORD = "lies-on-the-table", "salted-and-hashed", "not-the-password"
PROPERTIES = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
connection.failed.authentication.delay.ms=100
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={ca}
ssl.client.auth=none
listener.name.mtls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="{password}";
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
DESCRIBE, READ, WRITE = AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE
FAST = {"session_timeout_ms": "6000", "heartbeat_interval_ms": "500", "reconnect_backoff_max_ms": "1000",
        "topic_metadata_refresh_interval_ms": "1000"}


class Guarded:
    """The broker, and what its clients have."""

    def __init__(self, directory):
        self.directory = directory
        authority = Authority(directory)
        broker, client = authority.issue("broker"), authority.issue("certified")
        other = directory / "other"
        other.mkdir()
        keystore = directory / "keystore.pem"
        keystore.write_bytes(broker.key + broker.cert)
        self.tls, self.unknown = {"ca": str(authority.path)}, {"ca": str(Authority(other).path)}
        self.certificate = {**self.tls, "cert": str(client.cert_path), "key": str(client.key_path)}
        self.broker = KafkaBroker(directory, PROPERTIES.format(keystore=keystore, ca=authority.path, password=PLAIN_PASSWORD), {"MTLS": "SSL", "SASL": "SASL_SSL"},
                                  ["--add-scram", f"SCRAM-SHA-512=[name=scram,password={SCRAM_PASSWORD}]"])

    @property
    def library(self):
        """Environment with the librdkafka of confluent-kafka: Debian 12's 2.0 cannot use SCRAM with Kafka 4."""
        whole, = (Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs").glob("librdkafka-*.so.1")
        link = self.directory / "lib" / "librdkafka.so.1"
        if not link.exists():
            link.parent.mkdir()
            link.symlink_to(whole)
        return {"LD_LIBRARY_PATH": str(link.parent)}

    def access(self, user, password=None, tls=None):
        """Options of an exporter or receiver."""
        if user == "certified":
            return {"brokers": [self.broker.at["MTLS"]], "tls": tls or self.certificate}
        mechanism, its_own = {"plain": ("PLAIN", PLAIN_PASSWORD), "scram": ("SCRAM-SHA-512", SCRAM_PASSWORD)}[user]
        return {"brokers": [self.broker.at["SASL"]], "tls": tls or self.tls, "sasl": {"mechanism": mechanism, "username": user, "password": password or its_own}}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    one = Guarded(tmp_path_factory.mktemp("guarded"))
    with one.broker:
        yield one


@pytest.fixture
def topic(guarded, request):
    name = request.node.name.replace("[", "-").replace("]", "").replace("_", "-")
    guarded.broker.create(name, partitions=2)
    return name


def may(guarded, user, topic):
    guarded.broker.allow(user, ResourceType.TOPIC, topic, DESCRIBE, READ, WRITE)
    guarded.broker.allow(user, ResourceType.GROUP, topic, READ)


class Sender:
    """A gateway with the exporter, and its text, which a reload replaces."""

    def __init__(self, make_gate, topic, options, **more):
        self.port, self.topic = free_port(), topic
        self.gate = make_gate(conf=self.text(options), port=self.port, **more)

    def text(self, options):
        return conf_text({"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{self.port}"], "socket": ""},),
                          "exporters": ({"type": "kafka", "topics": {"traces": self.topic, "logs": "", "metrics": ""}, "timeout": "5s", **QUICK, **options},),
                          "admin": {"listen": "127.0.0.1:0"}})


def receiver_text(sink, topic, options):
    options = {**options, "group": topic, "topics": {"traces": [topic], "logs": [], "metrics": []}, "properties": FAST}
    return configuration(",".join(options.pop("brokers")), [grpc(sink)], **options)


def reload(gate, text):
    (gate.directory / "ddgate.conf").write_text(text)
    gate.signal(signal.SIGHUP)


def explained(gate, *words):
    """One line of the log has all of them."""
    def found():
        return [line for line in gate.stderr.splitlines() if " warning " in line and all(w in line for w in words)]
    try:
        until(found, f"a line with {words}", LONG)
    except Exception as e:
        raise AssertionError(gate.stderr) from e
    assert len(found()) < 4, "it is not said again and again"
    for secret in (PLAIN_PASSWORD, SCRAM_PASSWORD, WRONG_PASSWORD):
        assert secret not in gate.stderr


def read_ids(guarded, topic, n):
    """By a client that is not ours, without TLS."""
    kafka = Kafka(guarded.broker.address)
    try:
        def all_of(records):
            return [one for r in records for one in otlp.flatten(ExportTraceServiceRequest.FromString(r.value))]
        return ids(all_of(kafka.wait(topic, lambda records: len(all_of(records)) >= n, f"{n} spans", LONG)))
    finally:
        kafka.close()


@pytest.mark.parametrize("user", ["certified", "plain", "scram"])
def test_who_is_known_sends_and_receives(guarded, topic, user, make_gate, sink):
    may(guarded, user, topic)
    more = {"env": guarded.library} if user == "scram" else {}
    out = Sender(make_gate, topic, guarded.access(user), **more).gate
    into = make_gate(conf=receiver_text(sink, topic, guarded.access(user)), **more)
    wanted = ids(send(out))
    sink.wait(lambda s: ids(s.spans) == wanted, "the spans", LONG)
    out.stop()
    into.stop()
    assert out.ledger.exporter("kafka") == {"sent": 3} and into.ledger.exporter() == {"sent": 3}


def test_scram_of_an_old_library_is_told_of(guarded, topic, make_gate):
    """librdkafka/pull/4895: the client's nonce is sent twice, and Kafka 4 compares."""
    may(guarded, "scram", topic)
    out = Sender(make_gate, topic, guarded.access("scram"))
    if "SCRAM of the installed librdkafka" not in out.gate.stderr:
        pytest.skip("this machine's librdkafka is 2.6.1 or later")
    wanted = ids(send(out.gate))
    explained(out.gate, "the broker does not accept the user", guarded.broker.at["SASL"], "SCRAM of librdkafka before 2.6.1")
    may(guarded, "plain", topic)
    reload(out.gate, out.text(guarded.access("plain")))
    assert read_ids(guarded, topic, 3) == wanted


WRONG = {"password": ("SASL", "the broker does not accept the user", "sasl.username and sasl.password"),
         "ca": ("SASL", "TLS could not be agreed with the broker", "tls.ca"),
         "certificate": ("MTLS", "TLS could not be agreed with the broker", "tls.cert")}


def mistaken(guarded, what):
    """Options that are turned away, and the right ones."""
    if what == "certificate":
        return guarded.access("certified", tls=guarded.tls), guarded.access("certified")
    return [guarded.access("plain", WRONG_PASSWORD), guarded.access("plain", tls=guarded.unknown)][what == "ca"], guarded.access("plain")


@pytest.mark.parametrize("what", ["password", "ca", "certificate"])
def test_a_sender_who_is_turned_away_delivers_after_a_reload(guarded, topic, what, make_gate):
    listener, *words = WRONG[what]
    wrong, right = mistaken(guarded, what)
    may(guarded, "certified" if what == "certificate" else "plain", topic)
    out = Sender(make_gate, topic, wrong)
    wanted = ids(send(out.gate))
    explained(out.gate, *words, guarded.broker.at[listener])
    reload(out.gate, out.text(right))
    assert read_ids(guarded, topic, 3) == wanted
    out.gate.stop()
    assert out.gate.ledger.exporter("kafka") == {"sent": 3}


@pytest.mark.parametrize("what", ["password", "ca", "certificate"])
def test_a_receiver_who_is_turned_away_reads_after_a_reload(guarded, topic, what, make_gate, sink):
    listener, *words = WRONG[what]
    wrong, right = mistaken(guarded, what)
    may(guarded, "certified" if what == "certificate" else "plain", topic)
    Kafka(guarded.broker.address).write(topic, [(None, spans(0, 5).SerializeToString())])
    gate = make_gate(conf=receiver_text(sink, topic, wrong))
    explained(gate, *words, guarded.broker.at[listener])
    reload(gate, receiver_text(sink, topic, right))
    sink.wait(lambda s: sorted(numbers(s.spans)) == list(range(5)), "the spans", LONG)
    gate.stop()
    assert gate.ledger.exporter() == {"sent": 5}


@pytest.mark.parametrize("first", [(), (DESCRIBE,)], ids=["nothing", "describe"])
def test_a_topic_that_may_not_be_written(guarded, topic, first, make_gate):
    if first:
        guarded.broker.allow("plain", ResourceType.TOPIC, topic, *first)
    out = Sender(make_gate, topic, guarded.access("plain")).gate
    wanted = ids(send(out))
    explained(out, f"topic {topic}", "the user may not use this topic", "grant the user WRITE", "127.0.0.1")
    guarded.broker.allow("plain", ResourceType.TOPIC, topic, DESCRIBE, WRITE)
    assert read_ids(guarded, topic, 3) == wanted
    out.stop()
    assert out.ledger.exporter("kafka") == {"sent": 3}


@pytest.mark.parametrize("lacks", ["group", "topic"])
def test_a_group_or_topic_that_may_not_be_read(guarded, topic, lacks, make_gate, sink):
    if lacks == "topic":
        guarded.broker.allow("plain", ResourceType.GROUP, topic, READ)
    else:
        guarded.broker.allow("plain", ResourceType.TOPIC, topic, DESCRIBE, READ)
    Kafka(guarded.broker.address).write(topic, [(None, spans(0, 5).SerializeToString())])
    gate = make_gate(conf=receiver_text(sink, topic, guarded.access("plain")))
    explained(gate, f"the user may not use this {lacks}", topic, "READ", "kafka-acls.sh")
    may(guarded, "plain", topic)
    sink.wait(lambda s: sorted(numbers(s.spans)) == list(range(5)), "the spans", LONG)
    gate.stop()
    assert gate.ledger.exporter() == {"sent": 5}
