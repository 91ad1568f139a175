# SPDX-License-Identifier: Apache-2.0
"""A TCP forwarder between ddgate and a backend: counts bytes, cuts connections, or falls silent as a broken network does."""
import socket
import threading

from listener import Listener, shut


class Forward:
    def __init__(self, port):
        self._to = ("127.0.0.1", port)
        self._lock = threading.Lock()
        self._pairs = []
        self._silent = set()
        self.sent = 0  # bytes towards the backend
        self.connections = 0
        self._listener = Listener(self._serve)
        self.port, self.endpoint = self._listener.port, self._listener.endpoint

    def _serve(self, client):
        backend = socket.create_connection(self._to)
        with self._lock:
            number = self.connections
            self.connections += 1
            self._pairs.append((client, backend))
        threading.Thread(target=self._pump, args=(number, client, backend, True), daemon=True).start()
        threading.Thread(target=self._pump, args=(number, backend, client, False), daemon=True).start()

    def _pump(self, number, source, target, forth):
        try:
            while data := source.recv(65536):
                with self._lock:
                    if number in self._silent:
                        continue  # swallowed, as by a cable that was pulled
                    self.sent += len(data) if forth else 0
                target.sendall(data)
        except OSError:
            pass
        shut(source, target)

    def cut(self):
        """Ends the connections that there are."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            shut(*pair)

    def hush(self):
        """The connections that there are stay open and carry nothing any more; new ones work."""
        with self._lock:
            self._silent |= set(range(self.connections))

    def close(self):
        self._listener.close()
        self.cut()
