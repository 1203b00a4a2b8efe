"""The real server, with an empty database."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from scripted import needed


class StoryServer:
    """One running versioner-server with its own key."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [needed("VERSIONER_SERVER"), "--data", folder / "data", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        self.key = self._told("API key")
        self.url = self._told("Listening on")

    def environ(self) -> dict[str, str]:
        """Return the process's environment with the settings of a client of this server."""
        settings = {"VERSIONER_API_URL": self.url, "VERSIONER_API_KEY": self.key}
        return {**os.environ, **settings}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create something."""
        return self._api(path, json.dumps(body).encode())

    def get(self, path: str) -> dict[str, Any]:
        """Read something."""
        return self._api(path, None)

    def close(self) -> None:
        """End the server, which must end in good order."""
        self._process.terminate()
        self._process.communicate()
        self._log.close()
        assert self._process.returncode == 0

    def _told(self, beginning: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(beginning):
                return line.split()[-1]
        raise RuntimeError(f"versioner-server did not start: see {self._log.name}")

    def _api(self, path: str, data: bytes | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
