"""The collection, as people use it: built, installed, played against a real server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import versioner

README = Path(__file__).resolve().parent.parent / "README.md"

APPROVAL = {
    "name": "Approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1},
}


def test_a_story_with_rejection_rescue_loop_and_hosts(play, service):
    service.call("POST", "/deployment-rules/", APPROVAL)
    ended = play("story")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert service.key not in ended.stdout + ended.stderr
    statuses = [each["status"] for each in service.items("/deployments/?product=api")]
    assert sorted(statuses) == ["completed", "preflight_failed"]
    assert len(service.items("/deployments/?product=fleet")) == 8
    builds = {(each["product_name"], each["version"]) for each in service.items("/builds/")}
    assert {("one", "1.10"), ("two", "1.10"), ("from-environment", "2.0.0")} <= builds


def test_the_key_stays_out_of_the_most_verbose_log(play, service):
    service.call("POST", "/deployment-rules/", APPROVAL)
    ended = play("story", "-vvvv")
    assert service.key not in ended.stdout + ended.stderr


def test_a_deployment_that_fails_is_told_and_fails_the_play(play, service):
    ended = play("failure")
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "the disk is full" in ended.stdout
    assert [each["status"] for each in service.items("/deployments/")] == ["failed"]


def test_check_mode_validates_and_sends_nothing(play, service):
    ended = play("check", "--check")
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "started_at" in ended.stdout and "RFC 3339" in ended.stdout
    assert service.items("/deployments/") == []
    assert service.items("/builds/") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"product": "api"}, ["version is required"]),
        ({"product": "api", "version": "1", "stray": "x"}, ["stray"]),
        ({"product": "api", "version": "1", "extra_metadata": "[1]"}, ["extra_metadata"]),
        ({"product": "api", "version": "1", "fail_on_api_error": "perhaps"}, ["fail_on_api_error"]),
        ({"product": "api", "version": "1", "api_url": "nonsense"}, ["api_url", "nonsense"]),
        ({"product": "api", "version": "1", "config": "/no/such/file"}, ["/no/such/file"]),
    ],
)
def test_bad_arguments_are_named(play, service, arguments, words):
    ended = play("bad", "-e", json.dumps({"about": "bad", "arguments": arguments}))
    assert ended.returncode == 2, ended.stdout
    for word in words:
        assert word in ended.stdout
    assert service.items("/builds/") == []


def test_a_wrong_key_is_told(play, service):
    wrong = "sk_local_k9_0000000000"
    ended = play(
        "bad",
        "-e",
        json.dumps({"about": "x", "arguments": {"product": "api", "version": "1"}}),
        VERSIONER_API_KEY=wrong,
    )
    assert ended.returncode == 2
    assert "HTTP 401" in ended.stdout
    assert wrong not in ended.stdout + ended.stderr


@pytest.mark.parametrize("module", ["build", "deployment"])
def test_every_argument_is_documented_and_every_field_is_an_argument(ansible, module):
    ended = ansible("ansible-doc", "--json", f"versioner.tracking.{module}")
    assert ended.returncode == 0, ended.stderr
    documented = json.loads(ended.stdout)[f"versioner.tracking.{module}"]
    options = set(documented["doc"]["options"])
    event = getattr(versioner.Client, f"track_{module}")
    fields = set(event.__signature__.parameters) - {"self"}
    assert fields <= options, fields - options
    assert options - fields == {"api_key", "api_url", "config", "fail_on_api_error"}
    assert documented["examples"] and documented["return"]


def test_the_documentation_reads(ansible):
    ended = ansible("ansible-doc", "versioner.tracking.deployment")
    assert ended.returncode == 0, ended.stderr
    assert "checks it against policy" in " ".join(ended.stdout.split())
    ended = ansible("ansible-doc", "-t", "role", "versioner.tracking.deploy")
    assert ended.returncode == 0 and "versioner_tasks" in ended.stdout, ended.stderr


def test_ansible_lint_finds_nothing(ansible, collections):
    # The role's variables carry the name of the collection, which says more than the role's.
    rules = ["--offline", "--profile", "production", "-x", "var-naming[no-role-prefix]"]
    installed = collections / "ansible_collections" / "versioner" / "tracking"
    ended = ansible("ansible-lint", "--project-dir", str(installed), *rules, cwd=installed)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "duplicate mapping key" not in ended.stderr


def test_the_readme_s_playbook_runs(ansible, service, tmp_path):
    [playbook] = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "readme.yml"
    path.write_text(playbook.replace("hosts: web", "hosts: localhost\n  gather_facts: false"))
    ended = ansible("ansible-playbook", "-i", "localhost,", "-c", "local", str(path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [each["status"] for each in service.items("/deployments/")] == ["completed"]
