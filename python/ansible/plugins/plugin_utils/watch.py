"""What the callback plugin versioner.tracking.spans and the tasks of its run share.

Tasks run in processes that are forked off the callback plugin's, and may be killed at any moment.
What they know of a deployment is in a file before the service is asked; the settings of the client,
with the key, pass through a pipe and are never written.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

#: Set by the callback plugin before any task runs; None where it is not enabled.
WATCH: Watch | None = None

OPEN = "open"
REFUSED = "refused"
ENDED = "ended"


class Deployment:
    """One deployment of a play, as its file has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        #: OPEN, REFUSED or ENDED; empty before it is asked for.
        self.state: str = facts.get("state", "")
        #: Every host that the play names.
        self.hosts: list[str] = facts.get("hosts", [])
        #: Those of the batches that began.
        self.reached: list[str] = facts.get("reached", [])
        #: Those that have said that they are done.
        self.done: list[str] = facts.get("done", [])
        #: The span, as it is saved.
        self.saved: str = facts.get("saved", "")
        #: The result of the refusal, and the hosts that know of it.
        self.refusal: dict[str, Any] = facts.get("refusal", {})
        self.refused_hosts: list[str] = facts.get("refused_hosts", [])

    @property
    def name(self) -> str:
        """How a task refers to it."""
        return self._path.stem

    def begin(self, hosts: list[str], reached: list[str], saved: str) -> None:
        """Starts from the beginning, before it is asked for."""
        self.state, self.hosts, self.reached, self.saved = OPEN, hosts, reached, saved
        self.done, self.refusal, self.refused_hosts = [], {}, []
        self.write()

    def write(self) -> None:
        """Writes the file, whole or not at all."""
        facts = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(facts), encoding="utf-8")
        os.replace(new, self._path)


class Watch:
    """The deployments of one run of Ansible."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="versioner-spans-"))
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._received = b""
        self._clients: dict[str, dict[str, Any]] = {}

    @contextmanager
    def deployment(self, name: str) -> Iterator[Deployment]:
        """One deployment, for this process alone."""
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Deployment(self._folder / f"{name}.json")

    def names(self) -> list[str]:
        """Every deployment that was begun."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def hand_over(self, name: str, client: dict[str, Any]) -> None:
        """Gives the settings of a deployment's client to the callback plugin."""
        line = json.dumps([name, client]).encode() + b"\n"
        if len(line) > select.PIPE_BUF:
            # More than that may mix with what another process writes.
            raise ValueError(
                f"the client's settings are longer than {select.PIPE_BUF} bytes: put them into the "
                "configuration file"
            )
        os.write(self._writing, line)

    def client(self, name: str) -> dict[str, Any]:
        """The settings of a deployment's client."""
        self.receive()
        return self._clients[name]

    def receive(self) -> None:
        """Empties the pipe, which holds little."""
        try:
            while chunk := os.read(self._reading, 65536):
                self._received += chunk
        except BlockingIOError:
            pass
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            name, client = json.loads(line)
            self._clients[name] = client

    def close(self) -> None:
        """Removes the files."""
        shutil.rmtree(self._folder, ignore_errors=True)
