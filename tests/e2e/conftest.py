# SPDX-License-Identifier: Apache-2.0
"""What every end-to-end test gets: a started gateway, a backend, and the promise that at its end the ledger balances."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import own_network  # noqa: E402

ALONE = own_network.enter()

import certs  # noqa: E402
from ddgate import Ddgate, grpc  # noqa: E402
from http_sink import HttpSink  # noqa: E402
from sinks import GrpcSink  # noqa: E402


def pytest_collection_modifyitems(items):
    for item in items:
        if ALONE and item.path.name.startswith("test_live"):
            item.add_marker(pytest.mark.skip(reason="needs this machine's network: run it alone, or with DDGATE_TEST_NETWORK=host"))


@pytest.fixture
def make_sink():
    """GrpcSink(...), closed after the test; what it got must have been right OTLP."""
    made = []

    def make(**options):
        made.append(GrpcSink(**options))
        return made[-1]
    yield make
    for sink in made:
        sink.close()
        assert not [m for span in sink.spans for m in span.malformed]


@pytest.fixture
def sink(make_sink):
    return make_sink()


@pytest.fixture
def make_http_sink():
    """HttpSink(...), closed after the test."""
    made = []

    def make(**options):
        made.append(HttpSink(**options))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def http_sink(make_http_sink):
    return make_http_sink()


@pytest.fixture
def make_gate(tmp_path, make_sink):  # make_sink: so that gateways end before their backends do
    """Ddgate(...) in a directory of its own, listening. At the end of the test it gets SIGTERM, must exit with 0, and its ledger must
    balance; a test that wants another end calls stop() itself."""
    made = []

    def make(**options):
        gate = Ddgate(tmp_path / f"gate{len(made)}", **options)
        made.append(gate)
        gate.wait_listening()
        return gate
    yield make
    running = [gate for gate in made if gate.process.poll() is None]
    for gate in running:
        gate.stop()


@pytest.fixture
def gate(make_gate, sink):
    """One gateway in front of one plain gRPC sink, everything else at its default but for keep_rejected."""
    return make_gate(receiver={"keep_rejected": True}, exporters=[grpc(sink)])


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority of the session's own, with files and PEM bytes."""
    return certs.Authority(tmp_path_factory.mktemp("certs"))
