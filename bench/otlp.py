#!/usr/bin/env python3
"""OTLP in, OTLP out: what a span costs in CPU time, over HTTP and over gRPC, and how much memory there is at most.

    bench/otlp.py [--requests 400] [--rounds 3] [--otelcol PATH]

The load is one request of 2,400 spans with sixteen attributes, about 650 bytes each, eight a trace, sent again and again by two senders; the backend is
otlp_sink. ddgate has the first CPU, load and backend have the others. With --otelcol a Collector (tests/clients/collector)
takes the same load, turn about. Needs grpcio (tests/requirements.txt) and `make bench`.
"""
import argparse
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import turn

ROOT = pathlib.Path(__file__).resolve().parents[1]
SPANS = 2400
TEXTS = {"http.request.method": "GET", "url.path": "/api/v1/orders/12345", "url.scheme": "https", "server.address": "shop.example.com",
         "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", "peer.service": "orders",
         "http.route": "/api/v1/orders/{id}", "client.address": "10.1.2.3", "network.protocol.version": "1.1", "enduser.id": "user-12345",
         "thread.name": "worker-3", "db.system.name": "postgresql", "code.function.name": "orders.views.get"}
NUMBERS = {"http.response.status_code": 200, "server.port": 443, "thread.id": 140_000_000}


def request():
    message = ExportTraceServiceRequest()
    part = message.resource_spans.add()
    name = part.resource.attributes.add()
    name.key, name.value.string_value = "service.name", "shop"
    scope = part.scope_spans.add()
    trace_id = b""
    for i in range(SPANS):
        trace_id = trace_id if i % 8 else os.urandom(16)
        span = scope.spans.add(trace_id=trace_id, span_id=os.urandom(8), parent_span_id=os.urandom(8), name="GET /api/v1/orders/{id}",
                               kind=2, start_time_unix_nano=1_764_000_000_000_000_000 + i, end_time_unix_nano=1_764_000_001_000_000_000, flags=0x101)
        for key, text in TEXTS.items():
            one = span.attributes.add()
            one.key, one.value.string_value = key, text
        for key, number in NUMBERS.items():
            one = span.attributes.add()
            one.key, one.value.int_value = key, number
    return message.SerializeToString()


def by_http(port, body, n):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(n):
        status = 429
        while status == 429:
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
            if status == 429:
                time.sleep(0.05)
        assert status == 200, status


def by_grpc(port, body, n):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export", lambda b: b, lambda b: b)
        for _ in range(n):
            done = False
            while not done:
                try:
                    export(body)
                    done = True
                except grpc.RpcError as fault:
                    assert fault.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, fault
                    time.sleep(0.05)


def ddgate(transport, ports, place, directory):
    conf = directory / "ddgate.conf"
    conf.write_text(f'receivers = ( {{ type = "otlp"; http = [ "127.0.0.1:{ports["http"]}" ]; grpc = [ "127.0.0.1:{ports["grpc"]}" ]; }} );\n'
                    f'exporters = ( {{ type = "otlp_{transport}"; endpoint = "http://127.0.0.1:{place}"; compression = "none"; }} );\n'
                    'admin = { listen = ""; };\n')
    return [ROOT / "build/ddgate", "-c", conf]


def otelcol(program, transport, ports, place, directory):
    conf, kind = directory / "otelcol.yaml", "otlp" if transport == "grpc" else "otlphttp"
    where = f"127.0.0.1:{place}" if transport == "grpc" else f"http://127.0.0.1:{place}"
    protocols = {name: {"endpoint": f"127.0.0.1:{port}"} for name, port in ports.items()}
    conf.write_text(json.dumps({
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": {kind: {"endpoint": where, "compression": "none", "tls": {"insecure": True}}},
        "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": {"traces": {"receivers": ["otlp"], "exporters": [kind]}}}}))
    return [program, "--config", f"file:{conf}"]


def wait_until_listening(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("nothing listens")


def measure(transport, body, requests, collector=None):
    ports = {"http": turn.free_port(), "grpc": turn.free_port()}
    sink = turn.start([ROOT / "build/bench/otlp_sink"], turn.THEIRS, stdout=subprocess.PIPE)
    places = dict(sink.stdout.readline().split() for _ in range(2))
    with tempfile.TemporaryDirectory() as directory:
        place = places[transport]
        argv = (otelcol(collector, transport, ports, place, pathlib.Path(directory)) if collector else
                ddgate(transport, ports, place, pathlib.Path(directory)))
        gate = turn.start(argv, turn.OURS, stderr=subprocess.DEVNULL, env={**os.environ, "GOMAXPROCS": "1"})
        wait_until_listening(ports[transport])
        send = by_http if transport == "http" else by_grpc
        send(ports[transport], body, 20)
        turn.wait_until_idle(gate.pid)
        before = turn.scheduled_ms(gate.pid)
        senders = [threading.Thread(target=send, args=(ports[transport], body, requests // 2)) for _ in range(2)]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        turn.wait_until_idle(gate.pid)
        us = (turn.scheduled_ms(gate.pid) - before) * 1000 / (requests // 2 * 2 * SPANS)
        peak = turn.peak_mib(gate.pid)
    gate.terminate()
    gate.wait()
    sink.send_signal(signal.SIGTERM)
    arrived = json.loads(sink.communicate()[0])["spans"]
    return {"us": us, "peak": peak, "missing": (20 + requests // 2 * 2) * SPANS - arrived}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--otelcol", type=pathlib.Path)
    args = parser.parse_args()
    body = request()
    turn.heading(f"OTLP in, OTLP out: {len(body) / SPANS:.0f} bytes a span, {len(body) / 2 ** 20:.1f} MiB a request",
                 "way | who | µs of CPU a span | peak MiB | missing")
    whos = {"ddgate": None, **({"otelcol": args.otelcol} if args.otelcol else {})}
    for transport in ("http", "grpc"):
        rounds = [{who: measure(transport, body, args.requests, program) for who, program in whos.items()} for _ in range(args.rounds)]
        for who in whos:
            row = turn.middle([one[who] for one in rounds])
            print(f"| {transport} | {who} | {row['us']:.2f} | {row['peak']:.0f} | {row['missing']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
