# SPDX-License-Identifier: Apache-2.0
"""A real Apache Kafka (KRaft, one node, its own controller) from Maven Central, which ends with its test.

    with KafkaBroker(tmp_path) as broker:
        broker.create("otlp_spans", partitions=4)
        Producer({"bootstrap.servers": broker.address})
        broker.restart()                     # the same data, the same port
"""
import os
import shutil
import socket
import subprocess
import uuid
import base64

import clients
from confluent_kafka import KafkaException
from confluent_kafka.admin import AclBinding, AclPermissionType, AdminClient, NewTopic, ResourcePatternType
from ddgate import free_port
from kafka_records import until

CONFIGURATION = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={all},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={all}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}
log.dirs={directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
{more}
"""
HEAP = ["-Xmx384m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def jars():
    files = [clients.LISTS / "kafka" / "pom.xml"]

    def make(directory):
        shutil.copy(files[0], directory)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies"], cwd=directory, check=True, stdin=subprocess.DEVNULL)
    return clients.environment("kafka", files, make) / "lib"


class KafkaBroker:
    """`more`: further lines of server.properties. `listeners`: more than the one without TLS and users, {"MTLS": "SSL"}; self.at["MTLS"] is
    its address. `storage`: what StorageTool's format is told besides."""

    def __init__(self, directory, more="", listeners=None, storage=()):
        self.directory = directory / "kafka"
        self.directory.mkdir()
        protocols = {"PLAINTEXT": "PLAINTEXT", **(listeners or {})}
        self.at = {name: f"127.0.0.1:{free_port()}" for name in protocols}
        self.address = self.at["PLAINTEXT"]
        self.port = int(self.address.rsplit(":", 1)[1])
        self.properties = self.directory / "server.properties"
        self.properties.write_text(CONFIGURATION.format(
            all=",".join(f"{name}://{address}" for name, address in self.at.items()), controller=free_port(), directory=self.directory, more=more,
            protocols=",".join(f"{name}:{protocol}" for name, protocol in protocols.items())))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.properties, *storage).wait(60)
        self.process = None

    def _java(self, *arguments):
        with open(self.directory / "log", "ab") as log:
            return subprocess.Popen(["java", *HEAP, "-cp", f"{jars()}/*", *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT, cwd=self.directory, env={**os.environ, "LC_ALL": "C.UTF-8"})

    def start(self):
        self.process = self._java("kafka.Kafka", self.properties)
        until(self._answers, "the broker answers", patience=90)
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return bool(self.admin.list_topics(timeout=5).brokers)
        except (OSError, KafkaException):
            return False

    @property
    def admin(self):
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def create(self, *names, partitions=4, **config):
        admin = self.admin  # lives as long as its answers are waited for
        for one in admin.create_topics([NewTopic(n, partitions, 1, config=config) for n in names]).values():
            one.result(30)

    def delete(self, *names):
        admin = self.admin
        for one in admin.delete_topics(list(names)).values():
            one.result(30)

    def quota(self, client_id, **rates):
        """`rates`: consumer_byte_rate=…"""
        config = ",".join(f"{name}={rate}" for name, rate in rates.items())
        done = self._java("kafka.admin.ConfigCommand", "--bootstrap-server", self.address, "--alter", "--entity-type", "clients",
                          "--entity-name", client_id, "--add-config", config).wait(60)
        assert done == 0, (self.directory / "log").read_text()

    def allow(self, user, kind, name, *operations):
        """`kind`: a ResourceType."""
        admin = self.admin
        acls = [AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", one, AclPermissionType.ALLOW) for one in operations]
        for one in admin.create_acls(acls).values():
            one.result(30)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
