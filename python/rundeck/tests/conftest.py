"""A versioner-server, shared with the tests of the Ansible collection."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rundeck_job import JOB

PLUGIN = Path(__file__).resolve().parent.parent
SHARED = Path(__file__).resolve().parents[2] / "ansible" / "tests" / "conftest.py"
specification = importlib.util.spec_from_file_location("versioner_service", SHARED)
shared = importlib.util.module_from_spec(specification)
specification.loader.exec_module(shared)


@pytest.fixture
def service(tmp_path):
    """A server of the test's own."""
    server = shared.Service(tmp_path / "data")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """The plugin, built by its one command."""
    folder = tmp_path_factory.mktemp("plugin")
    build = [sys.executable, str(PLUGIN / "build.py"), str(folder)]
    subprocess.run(build, check=True, capture_output=True)
    [archive] = folder.glob("*.zip")
    return archive


@pytest.fixture(scope="session")
def contents(archive, tmp_path_factory):
    """The zip's files as Rundeck unpacks them."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(archive) as unpacked:
        unpacked.extractall(folder)
    return folder / archive.stem / "contents"


@pytest.fixture
def step(contents, tmp_path):
    """Runs a step: interpreter, file, argument; properties and job as variables."""

    def run(event: str, python: str = sys.executable, variables=(), **properties: str):
        properties.setdefault("state_folder", str(tmp_path / "state"))
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **JOB}
        environ["VERSIONER_RETRY_PAUSE"] = "0.001"
        environ.update(variables)
        environ.update({f"RD_CONFIG_{name.upper()}": value for name, value in properties.items()})
        return subprocess.run(
            [python, "versions.py"] if event == "versions" else [python, "track.py", event],
            env=environ,
            cwd=contents,
            capture_output=True,
            text=True,
            encoding=environ.get("PYTHONIOENCODING"),
            check=False,
        )

    return run
