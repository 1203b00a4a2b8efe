"""A versioner-server, shared with the tests of the Ansible collection."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from rundeck_job import JOB

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parent
EXECUTION = JOB["RD_JOB_EXECID"]
COMMAND = str(Path(sys.executable).parent / "versioner")
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
def start(contents, tmp_path):
    """Starts a step: interpreter, file, argument; properties and job as variables."""
    processes = []

    def start(event: str, python: str = sys.executable, variables=(), **properties: str):
        properties.setdefault("state_folder", str(tmp_path / "state"))
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **JOB}
        environ["VERSIONER_RETRY_PAUSE"] = "0.001"
        environ.update(variables)
        environ.update({f"RD_CONFIG_{name.upper()}": value for name, value in properties.items()})
        process = subprocess.Popen(
            [python, "versions.py"] if event == "versions" else [python, "track.py", event],
            env=environ,
            cwd=contents,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding=environ.get("PYTHONIOENCODING"),
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def step(start):
    """Runs a step to its end; see `start`."""

    def run(*arguments, **more):
        process = start(*arguments, **more)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    return run


@pytest.fixture
def state(tmp_path):
    """Where the step keeps what goes on."""
    return tmp_path / "state"


@pytest.fixture(scope="session")
def notification(archive, tmp_path_factory):
    """The notification in a Groovy with the classes of Rundeck, which takes seconds to start."""
    path = tmp_path_factory.mktemp("groovy") / "classpath"
    goal = ["mvn", "-q", "-B", "dependency:build-classpath", f"-Dmdep.outputFile={path}"]
    ended = subprocess.run(goal, cwd=HERE / "loader", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    plugin = archive.parent / "VersionerNotification.groovy"
    command = ["java", "-cp", path.read_text(), "groovy.ui.GroovyMain"]
    process = subprocess.Popen(
        [*command, str(HERE / "loader" / "notify.groovy"), str(plugin)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(trigger: str, data: dict, given: dict):
        process.stdin.write(json.dumps([trigger, data, given]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"{trigger} ended Groovy: see what it wrote to standard error"
        return json.loads(line)

    yield run
    process.communicate()


@pytest.fixture
def notify(notification, service, state, tmp_path):
    """Runs a trigger of the notification; gives back its verdict and what it said."""
    config = tmp_path / "config.yaml"
    config.write_text(f"api_key: {service.key}\napi_url: {service.url}\n")

    def run(trigger: str, status: str = "running", **more: str):
        data = {"id": int(EXECUTION), "status": status, "job": {"name": "deploy-api"}}
        given = {"command": COMMAND, "config_file": str(config), "state_folder": str(state)}
        result, said = notification(trigger, data, {**given, **more})
        assert service.key not in f"{result} {said}"
        return result, said

    return run
