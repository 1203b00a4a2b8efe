"""A way to a server that is cut in the middle of a call."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit


class Cut:
    """Hands requests on to a server, and loses the answers while `is_cut`."""

    def __init__(self, server_url: str) -> None:
        target = urlsplit(server_url)
        self._target = (target.hostname or "", target.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.is_cut = False
        self.lost = threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """End, once every connection has."""
        # A thread that waits in `accept` is not woken by `close`.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        """Answer one request of a connection, which is closed then."""
        with client, socket.create_connection(self._target) as server:
            server.sendall(_request(client))
            answer = _all(server)
            if self.is_cut:
                self.lost.release()
            else:
                client.sendall(answer)


def _request(client: socket.socket) -> bytes:
    """Read one request, and ask for its answer to be the last."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields = {line.split(b":")[0].lower(): line.split(b":", 1)[1].strip() for line in lines[1:]}
    while len(body) < int(fields.get(b"content-length", 0)):
        body += client.recv(65536)
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close", b"", body])


def _all(server: socket.socket) -> bytes:
    received = b""
    while chunk := server.recv(65536):
        received += chunk
    return received
