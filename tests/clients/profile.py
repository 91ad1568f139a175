# SPDX-License-Identifier: Apache-2.0
"""Works until its standard input ends; for a profiler to see."""
import sys
import threading

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()


def spin():
    return sum(i * i for i in range(10000))


while not ended.is_set():
    spin()
