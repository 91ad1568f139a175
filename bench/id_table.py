#!/usr/bin/env python3
"""What the table of trace ids completes when a trace is spread over 1, 2 or 8 gateways.

    bench/id_table.py [--traces 2000]

A trace goes through four processes of four services. Each sends two chunks, the second by partial flush; the upper half of the id (`_dd.p.tid`) stands on the first
chunk of each process, as today's tracers write it, but for one service with an older tracer, which never does. So 5 of 8 chunks need the table. Real processes
of ddgate take the chunks, interleaved as they would come; what left without its upper half is in their ledgers.

    request     each request goes to any gateway: a load balancer that balances requests
    process     each process keeps its gateway: a gateway on each node, or a connection that is kept
    trace       all of a trace goes to one gateway: a balancer that knows the trace's id
"""
import argparse
import json
import pathlib
import random
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from ddgate import Ddgate  # noqa: E402
from payloads import span, v04  # noqa: E402

SERVICES, OLD = ("front", "shop", "stock", "legacy"), "legacy"


def chunks(n, dice):
    """(trace, service, body, needs the table)"""
    high = f"{dice.getrandbits(64) | 1:016x}"
    low = dice.getrandbits(63) | 1
    for at, service in enumerate(SERVICES):
        for part in range(2):
            knows = part == 0 and service != OLD
            meta = {"_dd.p.tid": high} if knows else {}
            yield n, service, v04([span(trace_id=low, span_id=low + at * 2 + part + 1, parent_id=low + at, service=service, meta=meta)]), not knows


def choose(how, n, service, gates):
    key = {"request": random.random(), "process": hash((service, n % 25)), "trace": n}[how]
    return gates[random.Random(key).randrange(len(gates))]


def measure(how, instances, traces):
    dice = random.Random(1)
    random.seed(2)
    everything = [chunk for n in range(traces) for chunk in chunks(n, dice)]
    # traces overlap: each chunk comes a little after the one before it, beside those of a hundred others
    order = sorted(range(len(everything)), key=lambda i: everything[i][0] + dice.random() * 100)
    needing = sum(1 for chunk in everything if chunk[3])
    with tempfile.TemporaryDirectory() as folder:
        gates = [Ddgate(pathlib.Path(folder) / str(i), exporters=[{"type": "stdout", "format": "otlp_json", "join_wait": "30s"}]) for i in range(instances)]
        connections = {}
        for gate in gates:
            gate.wait_listening()
            connections[gate] = gate.connection()
        for i in order:
            n, service, body, _ = everything[i]
            gate = choose(how, n, service, gates)
            assert gate.put("/v0.4/traces", body, connection=connections[gate]).status == 200
        left = 0
        for gate in gates:
            connections[gate].close()
            gate.stop()
            left += sum(1 for line in gate.stdout.splitlines() for resource in json.loads(line)["resourceSpans"] for scope in resource["scopeSpans"]
                        for one in scope["spans"] if one["traceId"].startswith("0" * 16))
    return 1 - left / needing


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--traces", type=int, default=2000)
    args = arguments.parse_args()
    print(f"{'chunks go by':14}" + "".join(f"{n:>4} gateway{'s' if n > 1 else ' '}" for n in (1, 2, 8)))
    for how in ("request", "process", "trace"):
        print(f"{how:14}" + "".join(f"{measure(how, n, args.traces):12.1%}" for n in (1, 2, 8)), flush=True)


main()
