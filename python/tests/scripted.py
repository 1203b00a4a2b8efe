"""The scripted server of the shared test vectors, and services that misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any


def needed(variable: str) -> Path:
    """Return the path that an environment variable names, which `make test` sets."""
    path = os.environ.get(variable)
    if not path:
        raise RuntimeError(f"set {variable}: `make test` does, see python/README.md")
    if not Path(path).exists():
        raise RuntimeError(f"{variable} names {path}, which does not exist")
    return Path(path)


class ScriptedServer:
    """One running process; it ends with its standard input."""

    def __init__(self) -> None:
        program = needed("VERSIONER_SCRIPTED_SERVER")
        vectors = needed("VERSIONER_VECTORS")
        self._process = subprocess.Popen(
            [program, "--vectors", vectors],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"{program} did not start")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def cases(self) -> list[str]:
        """Return the names of the cases of this surface."""
        names: list[str] = self._json("GET", "/cases?surface=python")
        return names

    def start(self, case: str) -> dict[str, Any]:
        """Begin a case."""
        started: dict[str, Any] = self._json("POST", "/start", {"case": case, "surface": "python"})
        return started

    def finish(self, run: int, result: dict[str, Any]) -> dict[str, Any]:
        """Have a result judged."""
        judged: dict[str, Any] = self._json("POST", "/finish", {"run": run, "result": result})
        return judged

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request) as response:
            return json.load(response)
