"""Python programs that a test runs in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol


class Server(Protocol):
    """A service that a program can be a client of."""

    url: str
    key: str


# Whoever runs the tests in the background may have SIGINT ignored, which processes inherit.
_PRELUDE = """
import asyncio, signal, sys, time, versioner
signal.signal(signal.SIGINT, signal.default_int_handler)

def work_on():
    # A signal that comes just before one long sleep does not end it.
    while True:
        time.sleep(0.01)

async def work_on_async():
    while True:
        await asyncio.sleep(0.01)

client = versioner.Client(api_url=sys.argv[1], api_key=sys.argv[2], environ={}, max_retries=0)
"""


@contextmanager
def program(
    service: Server, source: str, warnings: str = "error"
) -> Generator[subprocess.Popen[str], None, None]:
    """Run a program that has a `client` of the service; it is gone afterwards."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            warnings,
            "-c",
            _PRELUDE + textwrap.dedent(source),
            service.url,
            service.key,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def run(service: Server, source: str, warnings: str = "error") -> str:
    """Run such a program to its end, and return what it printed."""
    with program(service, source, warnings) as process:
        printed, complained = process.communicate(timeout=60)
        assert (process.returncode, complained) == (0, ""), complained
        return printed
