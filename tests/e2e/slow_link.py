# SPDX-License-Identifier: Apache-2.0
"""A TCP forwarder that carries only so many bytes a second towards the backend: a link that is slow, not broken.

    link = SlowLink(sink.port, total=200_000)      # all connections share them
    link = SlowLink(sink.port, each=300_000)       # every connection has as many
    gate = make_gate(exporters=[grpc(link)])

What was taken from a connection is carried on although the sender has given it up, as a network does.
"""
import socket
import threading
import time

from listener import Listener, shut

PART = 2048  # bytes carried at a time


class Pace:
    """So many bytes a second, whoever asks for them."""

    def __init__(self, rate):
        self.rate = rate
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def wait(self, n):
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + n / self.rate
            pause = self._free_at - now
        threading.Event().wait(pause)


class SlowLink:
    def __init__(self, port, total=None, each=None, room=64 << 10):
        """`room`: bytes of a connection that wait on the link itself."""
        self._to = ("127.0.0.1", port)
        self._each = each
        self._shared = Pace(total) if total else None
        self._ends = []
        self.sent = 0  # bytes towards the backend
        self._listener = Listener(self._serve, room)
        self.endpoint = self._listener.endpoint

    def _serve(self, client):
        backend = socket.create_connection(self._to)
        self._ends += [client, backend]
        pace = self._shared or Pace(self._each)
        threading.Thread(target=self._pump, args=(client, backend, pace), daemon=True).start()
        threading.Thread(target=self._pump, args=(backend, client, None), daemon=True).start()

    def _pump(self, source, target, pace):
        try:
            while data := source.recv(PART if pace else 65536):
                if pace:
                    pace.wait(len(data))
                    self.sent += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            shut(source, target)

    def close(self):
        self._listener.close()
        shut(*self._ends)
