# SPDX-License-Identifier: Apache-2.0
"""A TCP port of its own on this machine, for the helpers that stand between ddgate and a backend."""
import socket
import threading


class Listener:
    """Hands every connection to `serve(socket)`, one after the other, until it is closed."""

    def __init__(self, serve, room=None):
        """`room`: bytes of a connection that the kernel takes before they are read."""
        self._socket = socket.socket()
        if room:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.port = self._socket.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, args=(serve,), daemon=True).start()

    def _accept(self, serve):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            try:
                serve(client)
            except OSError:  # where it leads to is away
                client.close()

    def close(self):
        self._socket.close()


def shut(*ends):
    """Ends connections for both sides; what reads from them wakes up."""
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
