"""A versioner-server, and the collection as it is built and installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
COLLECTION = HERE.parent


def required(name: str) -> str:
    """A variable that `make test-python` sets."""
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run the tests with `make test-python`")
    return value


class Service:
    """A versioner-server with an empty database."""

    def __init__(self, folder: Path) -> None:
        command = [required("VERSIONER_SERVER"), "--data", str(folder), "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.key = self._told("API key (shown once): ")
        self.url = self._told("Listening on ")

    def _told(self, what: str) -> str:
        for line in self.process.stdout:
            if line.startswith(what):
                return line.removeprefix(what).strip()
        pytest.fail(f"the server ended before it said: {what}")

    def call(self, method: str, path: str, body: object = None) -> dict:
        """Calls the service with the key."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def items(self, path: str) -> list[dict]:
        """The items of a list."""
        return self.call("GET", path)["items"]

    def stop(self) -> None:
        """Ends it in good order."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


@pytest.fixture
def service(tmp_path):
    """A server of the test's own."""
    server = Service(tmp_path / "data")
    yield server
    server.stop()


def tool(name: str) -> str:
    """A program of Ansible beside this Python."""
    return str(Path(sys.executable).parent / name)


@pytest.fixture(scope="session")
def collections(tmp_path_factory):
    """The folder that the built collection is installed in."""
    folder = tmp_path_factory.mktemp("collection")
    build = [tool("ansible-galaxy"), "collection", "build", str(COLLECTION), "--output-path"]
    subprocess.run([*build, str(folder)], check=True, capture_output=True, text=True)
    [archive] = folder.glob("*.tar.gz")
    install = [tool("ansible-galaxy"), "collection", "install", str(archive), "--offline", "-p"]
    subprocess.run([*install, str(folder)], check=True, capture_output=True, text=True)
    return folder


@pytest.fixture
def ansible_environ(collections, service, tmp_path):
    """The variables of a program of Ansible, with nothing of the caller's own settings."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_FORKS": "8",
        "VERSIONER_API_URL": service.url,
        "VERSIONER_API_KEY": service.key,
    }


@pytest.fixture
def ansible(ansible_environ):
    """Runs a program of Ansible."""

    def run(program: str, *arguments: str, cwd: Path = HERE, **more: str):
        return subprocess.run(
            [tool(program), *arguments],
            env={**ansible_environ, **more},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def play(ansible):
    """Runs a playbook of these tests."""

    def run(name: str, *arguments: str, **more: str) -> subprocess.CompletedProcess:
        return ansible(
            "ansible-playbook", "-i", "inventory.ini", f"playbooks/{name}.yml", *arguments, **more
        )

    return run


@pytest.fixture
def started(ansible_environ, tmp_path):
    """Starts a play, whose end the test brings about."""
    processes = []

    def start(name, variables, **more):
        command = [tool("ansible-playbook"), "-i", "inventory.ini"]
        command += [f"playbooks/{name}.yml", "-e", json.dumps(variables)]
        process = subprocess.Popen(
            command,
            env={**ansible_environ, **more},
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        # A worker has a session of its own, so that only the controller can end it.
        process.terminate()
        process.communicate(timeout=60)
