#!/usr/bin/env python3
"""Ten thousand nodes, Kafka, and a tier of ddgates behind it: backlog, drain time and loss when parts fail. A model, not a measurement.

    bench/tier_simulation.py [--nodes 10000] [--spans 200] [--tier 12] [--seed 1]

Time goes in steps of a second, two hours of them. Flows are counts of spans:

    nodes ── send ──▶ node's queue ──▶ brokers ──▶ partitions ──▶ instances of the tier ──▶ backend

Assumptions, each a constant below:
  arrival     a node's rate is lognormal (sigma 1) around --spans a second; the whole swings by 30 % within an hour, and each node doubles its rate for a
              minute about once an hour (Poisson)
  node        ddgate on it holds at most QUEUE bytes in memory when brokers do not take them, and drops nothing: it refuses, and tracers keep what they can
              (TRACER seconds), then drop. With storage it holds STORAGE bytes on its disk. A node is lost once in NODE_LIFE on average, with what its queue holds
  brokers     BROKERS of them, replication 3, acks = all, two replicas in sync: one away costs its share of the capacity and a second of new leaders, no data
  tier        each instance reads INSTANCE spans a second, has an equal share of the partitions (cooperative: others read on when one leaves), and is away for RESTART
              seconds when it is restarted, one after the other. Killed, it reads again what was delivered since its last commit, a second
  backend     takes BACKEND times the mean rate
  retention   partitions keep RETENTION hours
"""
import argparse
import math
import random

SECONDS = 2 * 3600
BYTES = 90  # a span in a record, compressed: docs/scaling.md
QUEUE, STORAGE, TRACER = 64 * 2**20, 10 * 2**30, 10
MEMORY_BYTES = 650  # a span in a queue
NODE_LIFE = 30 * 24 * 3600  # seconds
BROKERS, BROKER_MB = 6, 120  # of producers' bytes, each, before replication
INSTANCE = 400_000
RESTART, BACKEND, RETENTION = 20, 1.5, 24
GROUPS = 200  # nodes are simulated in groups of equals


class Events:
    """What is away, by second."""

    def __init__(self, name):
        self.name = name

    def brokers(self, t):
        return BROKERS - (1 if self.name == "broker" and 1800 <= t < 3600 else BROKERS if self.name.startswith("all brokers") and 1800 <= t < 2400 else 0)

    def instances(self, t, tier):
        if self.name == "rolling restart" and 1800 <= t < 1800 + RESTART * tier:
            return tier - 1
        if self.name == "tier" and 1800 <= t < 2700:
            return 0
        return tier

    def backend(self, t):
        return 0 if self.name == "backend" and 1800 <= t < 3600 else BACKEND

    def killed(self, t, tier):
        return tier if self.name == "tier" and t == 1800 else 1 if self.name == "rolling restart" and 0 <= t - 1800 < RESTART * tier and (t - 1800) % RESTART == 0 else 0


def arrivals(rates, bursts, t, dice):
    """Spans of each group in this second."""
    swing = 1 + 0.3 * math.sin(2 * math.pi * t / 3600)
    for i in range(GROUPS):
        if bursts[i] <= t and dice.random() < 1 / 3600:
            bursts[i] = t + 60
        rate = rates[i] * swing * (2 if bursts[i] > t else 1)
        yield max(0, dice.gauss(rate, math.sqrt(rate)))


def simulate(name, args):
    dice, events = random.Random(args.seed), Events(name)
    rates = [dice.lognormvariate(0, 1) for _ in range(GROUPS)]
    mean = args.nodes * args.spans
    rates = [r * mean / sum(rates) for r in rates]
    each = args.nodes / GROUPS
    queued, bursts = [0.0] * GROUPS, [0] * GROUPS
    tracers = [0.0] * GROUPS
    topic = out = 0
    counts = dict(arrived=0.0, tracer_lost=0.0, node_lost=0.0, delivered=0.0, twice=0.0, most=0.0, most_queued=0.0)
    drained = None
    room = (STORAGE if name.endswith("storage") else QUEUE) / MEMORY_BYTES * each
    for t in range(SECONDS):
        offered = 0.0
        for i, n in enumerate(arrivals(rates, bursts, t, dice)):
            counts["arrived"] += n
            n += tracers[i]
            taken = min(n, room - queued[i])
            queued[i] += taken
            tracers[i] = min(n - taken, rates[i] * TRACER)
            counts["tracer_lost"] += n - taken - tracers[i]
            offered += queued[i]
        capacity = events.brokers(t) * BROKER_MB * 1e6 / BYTES
        share = min(1, capacity / offered) if offered else 1
        left = 0.0
        for i in range(GROUPS):
            topic += queued[i] * share
            queued[i] *= 1 - share
            left += queued[i]
        if dice.random() < args.nodes / NODE_LIFE:  # one node, with what it holds: a batch that waits, or its queue
            i = dice.randrange(GROUPS)
            lost = queued[i] / each + rates[i] / each * 0.2
            counts["node_lost"] += lost
        counts["twice"] += events.killed(t, args.tier) * out / args.tier  # of the second before
        out = min(topic, events.instances(t, args.tier) * INSTANCE, events.backend(t) * mean)
        topic -= out
        counts["delivered"] += out
        counts["most"], counts["most_queued"] = max(counts["most"], topic), max(counts["most_queued"], left)
        if t > 1800 and topic + left > 10 * mean:
            drained = t
    hours = counts["most"] * BYTES * 3 / BROKERS / 1e9
    lag = (drained - 1800) / 60 if drained else 0
    print(f"{name:20} {counts['most'] / 1e6:12,.0f} {hours:10.0f} {counts['most_queued'] / args.nodes * MEMORY_BYTES / 2**20:10.1f} {lag:10.0f} "
          f"{counts['twice'] / 1e6:10.1f} {counts['node_lost'] / 1e3:10.1f} {counts['tracer_lost'] / 1e6:10.1f}", flush=True)
    assert abs(counts["arrived"] - counts["delivered"] - topic - sum(queued) - sum(tracers) - counts["tracer_lost"]) < 1e-6 * counts["arrived"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--nodes", type=int, default=10000)
    arguments.add_argument("--spans", type=int, default=200)
    arguments.add_argument("--tier", type=int, default=12)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()
    mean = args.nodes * args.spans
    print(f"{args.nodes} nodes, {mean:,} spans/s, {mean * BYTES / 1e6:,.0f} MB/s into {BROKERS} brokers, {args.tier} instances, backend up to {BACKEND * mean:,.0f} spans/s")
    print(f"{'what is away':20} {'backlog, M':>12} {'GB/broker':>10} {'MiB/node':>10} {'drained,min':>10} {'twice, M':>10} {'node, k':>10} {'tracer, M':>10}")
    for name in ("nothing", "rolling restart", "tier", "backend", "broker", "all brokers", "all brokers, storage"):
        simulate(name, args)


main()
