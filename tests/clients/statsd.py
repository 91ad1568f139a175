# SPDX-License-Identifier: Apache-2.0
"""Every kind of message of Datadog's library for Python, by a client with the options of the first argument (JSON). What is sampled is picked by random numbers with the
seed 1."""
import json
import random
import sys

from datadog.dogstatsd import DogStatsd

statsd = DogStatsd(constant_tags=["team:cart"], **json.loads(sys.argv[1]))
random.seed(1)
for n in range(100):
    statsd.increment("shop.visits", sample_rate=0.5, tags=["route:/cart"])
    statsd.distribution("shop.sampled", n, sample_rate=0.25)
for n in range(20):
    statsd.increment("shop.orders", 3, tags=["route:/cart", "paid"])
    statsd.decrement("shop.stock", 2)
    statsd.gauge("shop.depth", n + 0.5)
    statsd.set("shop.users", f"user{n % 7}")
    statsd.histogram("shop.size", n)
    statsd.distribution("shop.price.bytes", n * 1.5)
    statsd.timing("shop.query", n * 10)
statsd.gauge_with_timestamp("shop.then", 7, 1700000000)
statsd.count_with_timestamp("shop.late", 5, 1700000000)
statsd.event("deployed", "two\nlines, häuser|pipes", alert_type="error", aggregation_key="key", source_type_name="nagios", date_happened=1700000000,
             priority="low", tags=["color:red"], hostname="web-1")
statsd.service_check("shop.db", statsd.CRITICAL, tags=["db:orders"], timestamp=1700000000, hostname="db-1", message="no answer | m: none")
statsd.service_check("shop.cache", statsd.OK)
statsd.stop()
