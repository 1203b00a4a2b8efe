"""The plugin as Rundeck uses it: the zip, its metadata, and the step's script."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parent

# What Rundeck gives to every script of a job.
JOB = {
    "RD_JOB_ID": "0a1b2c",
    "RD_JOB_EXECID": "42",
    "RD_JOB_NAME": "deploy-api",
    "RD_JOB_PROJECT": "payments",
    "RD_JOB_USERNAME": "maria",
    "RD_JOB_URL": "https://rundeck.example.com/project/payments/execution/follow/42",
    "RD_OPTION_VERSION": "1.2.3",
}

APPROVAL = {
    "name": "Approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1},
}


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

    def run(event: str, python: str = sys.executable, **properties: str):
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **JOB}
        environ["VERSIONER_RETRY_PAUSE"] = "0.001"
        environ.update({f"RD_CONFIG_{name.upper()}": value for name, value in properties.items()})
        return subprocess.run(
            [python, "track.py", event],
            env=environ,
            cwd=contents,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def event(service, **more):
    """The properties of a deployment."""
    given = {
        "product": "api",
        "environment": "production",
        "version": "1.2.3",
        "status": "started",
        "fail_on_api_error": "true",
        "api_key": service.key,
        "api_url": service.url,
    }
    return {**given, **more}


def test_rundeck_s_own_loader_accepts_the_zip(archive):
    loader = HERE / "loader"
    ended = subprocess.run(
        ["mvn", "-q", "-B", "compile", "exec:java", f"-Dexec.args={archive}"],
        cwd=loader,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    # Maven writes a control sequence before the first line.
    lines = ended.stdout.replace("\x1b[0m", "").splitlines()
    assert "WorkflowNodeStep versioner-deployment" in lines
    assert "WorkflowNodeStep versioner-build" in lines
    key = [line for line in lines if line.startswith("versioner-deployment.api_key ")]
    assert "required" in key[0] and "STORAGE_PATH_AUTOMATIC_READ" in key[0]
    assert "versioner-deployment.status Select required {}" in lines
    assert not [line for line in lines if line.startswith("versioner-build.environment")]


def test_a_story_from_refusal_to_completion(step, service):
    service.call("POST", "/deployment-rules/", APPROVAL)
    built = step("build", **event(service, status="completed", environment=""))
    assert built.returncode == 0, built.stderr
    assert built.stdout.startswith("✓ Build event tracked successfully")

    refused = step("deployment", **event(service))
    assert refused.returncode == 5
    assert "Rule: Approval" in refused.stderr and refused.stdout == ""

    [version] = service.items("/versions/?product=api")
    approval = {"type": "release", "environment": "production", "approved_by": "maria"}
    service.call("POST", f"/versions/{version['id']}/approvals/", approval)
    for status in ("started", "completed"):
        allowed = step("deployment", **event(service, status=status))
        assert allowed.returncode == 0, allowed.stderr
        assert service.key not in allowed.stdout + allowed.stderr
    newest = service.items("/deployments/")[0]
    assert newest["status"] == "completed"
    assert newest["source_system"] == "rundeck"
    assert newest["deployed_by"] == "maria"


def test_what_the_step_leaves_empty_is_taken_from_the_job_s_options(step, service):
    ended = step("deployment", **event(service, version=""))
    assert ended.returncode == 0, ended.stderr
    [deployment] = service.items("/deployments/")
    assert deployment["version"] == JOB["RD_OPTION_VERSION"]


def test_a_service_that_is_down_stops_the_job_or_not_as_asked(step, service):
    down = event(service, api_url="http://127.0.0.1:1")
    stopped = step("deployment", **down)
    assert stopped.returncode == 1 and "cannot reach" in stopped.stderr
    tolerated = step("deployment", **{**down, "fail_on_api_error": "false"})
    assert tolerated.returncode == 0
    assert "Warning: the event was not recorded" in tolerated.stderr
    assert tolerated.stdout == ""


@pytest.mark.parametrize(
    ("properties", "code", "word"),
    [
        ({"api_key": "sk_local_k9_wrongwrong"}, 4, "HTTP 401"),
        ({"api_key": "${option.key}"}, 1, "API key is required"),
        ({"environment": ""}, 1, "environment is required"),
        ({"extra_metadata": "[1]"}, 1, "extra_metadata"),
        ({"api_url": "nonsense"}, 1, "nonsense"),
    ],
)
def test_bad_properties_end_with_a_code_and_a_reason(step, service, properties, code, word):
    ended = step("deployment", **event(service, **properties))
    assert ended.returncode == code, ended.stderr
    assert word in ended.stderr
    assert "wrongwrong" not in ended.stderr


def test_a_missing_package_is_told_with_what_to_do(step, service, tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    ended = step("deployment", python=python, **event(service))
    assert ended.returncode == 1
    assert f"{python} -m pip install versioner" in ended.stderr

    folder = sys.prefix
    ended = step("deployment", python=python, python_path=folder, **event(service))
    assert ended.returncode == 0, ended.stderr

    ended = step("deployment", python=python, python_path="/no/such/folder", **event(service))
    assert ended.returncode == 1
    assert "--target /no/such/folder" in ended.stderr
