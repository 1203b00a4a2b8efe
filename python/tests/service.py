"""A service in this process that answers as a test says, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import versioner

KEY = "sk_acme_k1_secretsecret"


class Service:
    """Answers 200 where it has no other replies; `hold` makes it answer nothing until closed.

    The reply `SILENCE` answers nothing to one request.
    """

    SILENCE = (0, None)

    def __init__(self) -> None:
        self.key = KEY
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[str] = []
        self.spans: list[str] = []
        self.replies: list[tuple[int, Any]] = []
        self.features = ""
        self.is_holding = False
        self.arrivals = threading.Semaphore(0)
        self._released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A small answer is not kept back until the client acknowledges its head.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                service._answer(self)

            def do_GET(self) -> None:
                service._send(self, 200, {"status": "ok"})

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            # The usual five turn a crowd away, and who is turned away comes back after seconds.
            request_queue_size = 1024

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def hold(self) -> None:
        """Answer nothing from now on."""
        self.is_holding = True

    def client(self, **settings: Any) -> versioner.Client:
        """Make a client of this service that knows no environment and does not wait."""
        settings = {"environ": {}, "api_key": KEY, "retry_pause": 0.001, **settings}
        return versioner.Client(api_url=self.url, **settings)

    def statuses(self) -> list[str]:
        """Return the status of every event, in order."""
        return [request["status"] for request in self.requests]

    def close(self) -> None:
        """Let go of every connection."""
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        self.bodies.append(body)
        self.spans.append(handler.headers.get("Versioner-Span", ""))
        # Python itself reads no number of more than 4,300 digits.
        self.requests.append(json.loads(body, parse_int=lambda digits: int(digits[:4300])))
        self.arrivals.release()
        number = len(self.requests)
        ok = {"id": f"evt-{number}", "deployed_at": "2026-01-01T00:00:00Z"}
        status, reply = self.replies.pop(0) if self.replies else (200, ok)
        if self.is_holding or status == 0:
            self._released.wait()
            handler.close_connection = True
            return
        self._send(handler, status, reply)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, reply: Any) -> None:
        data = json.dumps(reply).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        if self.features:
            handler.send_header("Versioner-Features", self.features)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
