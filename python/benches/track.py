"""What one event costs in Python, beside what else Python sends a request with.

`track.py versioner|http.client|requests PORT COUNT` sends events to a server that answers at once,
on a kept connection, and prints the median in microseconds. `track.py memory PORT` prints the
resident memory in KiB after 1,000 and after 100,000 events, `track.py imports` what the imports
cost in milliseconds.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
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


def with_versioner(port: str) -> Callable[[], object]:
    """Send as this package does."""
    client = versioner.Client(api_key=KEY, api_url=f"http://127.0.0.1:{port}", environ={})
    fields: versioner.BuildFields = {**FIELDS, "extra_metadata": FILL}
    return lambda: client.track_build(**fields)


def with_http_client(port: str) -> Callable[[], object]:
    """Send with the least that Python has."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port))

    def send() -> object:
        connection.request("POST", "/build-events/", json.dumps(BODY), HEADERS)
        return json.load(connection.getresponse())

    return send


def with_requests(port: str) -> Callable[[], object]:
    """Send as most Python programs do."""
    import requests

    session = requests.Session()
    url = f"http://127.0.0.1:{port}/build-events/"
    return lambda: session.post(url, json=BODY, headers=HEADERS).json()


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


def memory(port: str) -> None:
    """Print the memory after few and after many events."""
    send = with_versioner(port)
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


def main(mode: str, *arguments: str) -> None:
    """Run what the command line names."""
    if mode == "imports":
        imports()
    elif mode == "memory":
        memory(*arguments)
    else:
        port, count = arguments
        print(f"{speed(SENDERS[mode](port), int(count)):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
