"""The plugin as Rundeck uses it: the zip, its metadata, and the step's script."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from rundeck_job import JOB, event

import versioner

VERSIONED = re.compile(r"python[23](\.\d+)?")
HERE = Path(__file__).resolve().parent

APPROVAL = {
    "name": "Approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1, "keys": True, "exclude_deployer": False},
    "create": True,
}


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
    assert "OptionValues versioner-deployed-version" in lines
    key = [line for line in lines if line.startswith("versioner-deployment.api_key ")]
    assert "STORAGE_PATH_AUTOMATIC_READ" in key[0]
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
        ({"api_key": "${option.key}"}, 1, "${option.key}"),
        ({"environment": "${option.environment}"}, 1, "did not replace ${option.environment}"),
        ({"version": "v${option.version}"}, 1, "'v${option.version}'"),
        ({"status": "${option.status}"}, 1, "property status"),
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


def test_a_reference_that_was_not_replaced_is_left_out_where_nothing_depends_on_it(step, service):
    ended = step("deployment", **event(service, scm_sha="${option.commit}"))
    assert ended.returncode == 0
    assert "property scm_sha is left out" in ended.stderr
    assert (
        "scm_sha" not in service.items("/deployments/")[0]
        or not (service.items("/deployments/")[0]["scm_sha"])
    )


def test_a_warning_is_told_once(step, service):
    ended = step("build", **event(service, environment="", scm_sha="", status="odd"))
    assert ended.stderr.count("not a known one") == 1


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8"])
def test_the_output_fits_any_locale(step, service, encoding):
    variables = {"PYTHONIOENCODING": encoding}
    ended = step("deployment", variables=variables, **event(service, environment="größe"))
    assert ended.returncode == 0, ended.stderr
    assert "Deployment event tracked successfully" in ended.stdout
    service.call("POST", "/deployment-rules/", APPROVAL)
    ended = step("deployment", variables=variables, **event(service))
    assert ended.returncode == 5
    assert "Approval" in ended.stderr


@pytest.mark.parametrize("output", ["&-", "/dev/full"])
def test_an_output_that_nobody_reads_changes_no_code(contents, service, tmp_path, output):
    given = event(service, state_folder=str(tmp_path))
    properties = {f"RD_CONFIG_{name.upper()}": value for name, value in given.items()}
    ended = subprocess.run(
        ["sh", "-c", f'"$0" track.py deployment >{output}', sys.executable],
        env={"PATH": os.environ["PATH"], **JOB, **properties},
        cwd=contents,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert len(service.items("/deployments/")) == 1


def older_pythons():
    """The Pythons of this machine that are older than the package, by version."""
    found = {}
    pyenv = (Path.home() / ".pyenv" / "versions").glob("*/bin/python")
    system = [path for path in Path("/usr/bin").glob("python*") if VERSIONED.fullmatch(path.name)]
    for path in [*pyenv, *system]:
        asked = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        version = subprocess.check_output(asked, text=True).strip()
        if tuple(map(int, version.split("."))) < (3, 9):
            found[version] = str(path)
    return found


def test_a_python_that_is_too_old_says_so(step, service, contents):
    for version, python in older_pythons().items():
        ended = step("deployment", python=python, **event(service))
        assert ended.returncode == 1, version
        assert f"needs Python 3.9 or newer, and {python} is {version}." in ended.stderr
        assert "Traceback" not in ended.stderr
        # It goes on with the one that the property names.
        ended = step(
            "build", python=python, python_path=sys.prefix, **event(service, environment="")
        )
        assert ended.returncode == 0, ended.stderr
    # Where this machine has no older one, that one could read the files.
    for name in ("host.py", "track.py", "versions.py"):
        source = (contents / name).read_text(encoding="utf-8")
        ast.parse(source, feature_version=(3, 4))


def test_a_missing_package_is_told_with_what_to_do(step, service, tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    ended = step("deployment", python=python, **event(service))
    assert ended.returncode == 1
    # An installation for the whole host is refused by Debian and others.
    assert "python3 -m venv /opt/versioner && /opt/versioner/bin/pip install" in ended.stderr
    assert python in ended.stderr

    package = str(Path(versioner.__file__).parent.parent)
    for place, status in ((sys.prefix, "started"), (sys.executable, "completed"), (package, "")):
        more = {"python_path": place, "status": status or "pending"}
        ended = step("deployment", python=python, **event(service, **more))
        assert ended.returncode == 0, ended.stderr

    ended = step("deployment", python=python, python_path="/no/such/folder", **event(service))
    assert ended.returncode == 1
    assert "/no/such/folder (property Python path)" in ended.stderr
    ended = step("deployment", python_path="/etc/passwd", **event(service))
    assert ended.returncode == 1
    assert "/etc/passwd, which cannot be started" in ended.stderr
