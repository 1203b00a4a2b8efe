"""What one event costs in Python, beside what else Python sends a request with.

`track.py versioner|http.client|requests URL COUNT` sends events to a server that answers at once,
on a kept connection, and prints the median in microseconds. `track.py memory URL` prints the
resident memory in KiB after 1,000 and after 100,000 events, `track.py imports` what the imports
cost in milliseconds, `track.py together` how long 30 calls at once to a server take that answers
after a second.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socketserver
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import versioner

KEY = "sk_test_k1_secretsecret"
FIELDS: versioner.BuildFields = {
    "product": "api",
    "version": "1.2.3",
    "source_system": "github",
    "scm_sha": "4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b",
    "scm_branch": "main",
}
FILL = {"fill": "0123456789" * 70}
BODY = {"product_name": "api", "status": "completed", **FIELDS, "extra_metadata": FILL}
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
IMPORT_ROUNDS = 21
CALLS = 30


def with_versioner(url: str) -> Callable[[], object]:
    """Send as this package does."""
    client = versioner.Client(api_key=KEY, api_url=url, environ={})
    fields: versioner.BuildFields = {**FIELDS, "extra_metadata": FILL}
    return lambda: client.track_build(**fields)


def with_http_client(url: str) -> Callable[[], object]:
    """Send with the least that Python has."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)

    def send() -> object:
        connection.request("POST", "/build-events/", json.dumps(BODY), HEADERS)
        return json.load(connection.getresponse())

    return send


def with_requests(url: str) -> Callable[[], object]:
    """Send as most Python programs do."""
    import requests

    session = requests.Session()
    full = f"{url}/build-events/"
    return lambda: session.post(full, json=BODY, headers=HEADERS).json()


SENDERS = {
    "versioner": with_versioner,
    "http.client": with_http_client,
    "requests": with_requests,
}


def speed(send: Callable[[], object], count: int) -> float:
    """Return the median in microseconds."""
    for _ in range(count // 10):
        send()
    times: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        send()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def resident_kib() -> int:
    """Return the resident memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def memory(url: str) -> None:
    """Print the memory after few and after many events."""
    send = with_versioner(url)
    for count in (1_000, 99_000):
        for _ in range(count):
            send()
        print(resident_kib())


def imports() -> None:
    """Print what each import adds to a process that does nothing."""
    sources = ["pass", "import versioner", "import requests"]
    times: dict[str, list[float]] = {source: [] for source in sources}
    for _ in range(IMPORT_ROUNDS):
        for source in sources:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", source], check=True)
            times[source].append(time.perf_counter() - start)
    bare = statistics.median(times["pass"])
    for source in sources[1:]:
        print(f"{source}: {(statistics.median(times[source]) - bare) * 1e3:.1f} ms")


class Slow(socketserver.StreamRequestHandler):
    """Answers one event after a second."""

    def handle(self) -> None:
        """Read one event and answer it."""
        lines = list(iter(self.rfile.readline, b"\r\n"))
        lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
        self.rfile.read(int(lengths[0].split(b":")[1]))
        time.sleep(1)
        body = b'{"id":"evt-1"}'
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def together() -> None:
    """Print how long calls take that wait at the same time."""

    async def track() -> None:
        calls = [client.track_build_async(product="api", version="1") for _ in range(CALLS)]
        await asyncio.gather(*calls)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    client = versioner.Client(api_key=KEY, api_url=url, environ={})
    start = time.perf_counter()
    asyncio.run(track())
    print(f"{CALLS} calls at once to a server that takes 1 s: {time.perf_counter() - start:.2f} s")
    server.shutdown()


def main(mode: str, *arguments: str) -> None:
    """Run what the command line names."""
    if mode == "imports":
        imports()
    elif mode == "together":
        together()
    elif mode == "memory":
        memory(*arguments)
    else:
        url, count = arguments
        print(f"{speed(SENDERS[mode](url), int(count)):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
