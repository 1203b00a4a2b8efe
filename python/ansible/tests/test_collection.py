"""The collection, as people use it: built, installed, played against a real server."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import versioner

HERE = Path(__file__).resolve().parent
READMES = [HERE.parent / "README.md", HERE.parent / "roles" / "deploy" / "README.md"]

APPROVAL = {
    "name": "Approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1, "keys": True, "exclude_deployer": False},
    "create": True,
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


def test_the_role_may_be_used_again_in_a_play(play, service):
    ended = play("twice")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = [(each["product_name"], each["status"]) for each in service.items("/deployments/")]
    assert sorted(told) == [("one", "completed"), ("two", "completed")]


def test_a_report_that_fails_makes_no_failed_deployment_of_a_good_one(play, service, tmp_path):
    # The end cannot be told, because the key is taken away meanwhile.
    tasks = tmp_path / "tasks.yml"
    tasks.write_text(
        "- name: Take the key away\n"
        "  ansible.builtin.set_fact: {versioner_api_key: sk_local_k9_0000000000}\n"
    )
    ended = play("failure", "-e", json.dumps({"tasks": str(tasks)}))
    assert ended.returncode == 2 and "HTTP 401" in ended.stdout
    assert [each["status"] for each in service.items("/deployments/")] == ["started"]


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_warning_is_told_once(play, service, tmp_path, options):
    config = tmp_path / "config.yaml"
    config.write_text("api_kee: x\n")
    log = tmp_path / "ansible.log"
    more = {"config": str(config)}
    ended = play("warnings", "-e", json.dumps(more), *options, ANSIBLE_LOG_PATH=str(log))
    printed = " ".join((ended.stdout + ended.stderr).split())
    logged = " ".join(log.read_text().split())
    assert printed.count("api_kee") == 1
    assert printed.count('"comlpeted" is not a known one') == 1
    assert "WorkerProcess" not in printed
    assert logged.count("is not a known one") == 1


def test_a_task_may_say_what_no_variable_can(play, service):
    ended = play("per_call")
    assert ended.returncode == 2 and "timeout must be a millisecond or more" in ended.stdout
    [told] = service.items("/deployments/")
    assert told["environment_name"] == "$(Stage)"
    assert told["extra_metadata"]["vi_skip_reason"] == "the site is down"


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
        (
            {"product": "api", "version": "1", "stray": "x"},
            ["Unsupported parameters for (versioner.tracking.build) module: stray", "scm_branch"],
        ),
        ({"product": "api", "version": 1.20}, ["version", "1.2", "quotes"]),
        ({"product": "api", "version": 20}, ["version", "quotes"]),
        ({"product": "api", "version": "1", "scm_sha": 1e10}, ["scm_sha", "quotes"]),
        ({"product": "api", "version": "1", "scm_branch": True}, ["scm_branch", "quotes"]),
        ({"product": "api", "version": " "}, ["version", "blank"]),
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
    settings = {"api_key", "api_url", "config", "fail_on_api_error", "outbox", "total_timeout"}
    files = {"ca_file", "client_cert", "client_key"}
    spans = {"span", "saved"} if module == "deployment" else set()
    assert options - fields == settings | files | spans
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


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_the_readme_s_playbook_runs(ansible, service, tmp_path, readme):
    playbook = re.search(r"```yaml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)[1]
    path = tmp_path / "readme.yml"
    path.write_text(playbook.replace("hosts: web", "hosts: localhost\n  gather_facts: false"))
    (tmp_path / "deploy.yml").write_bytes((HERE / "playbooks" / "works.yml").read_bytes())
    (tmp_path / "ansible.cfg").write_text(
        "[defaults]\ncallbacks_enabled = versioner.tracking.spans\n"
    )
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", str(path)]
    ended = ansible(*command, ANSIBLE_CONFIG=str(tmp_path / "ansible.cfg"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert [each["status"] for each in service.items("/deployments/")] == ["completed"]


def test_links_lead_somewhere_from_everywhere():
    for readme in READMES:
        targets = re.findall(r"\]\(([^)]+)\)", readme.read_text(encoding="utf-8"))
        assert [target for target in targets if not target.startswith("https://")] == []


def test_what_runs_where_is_read_and_what_runs_nowhere_is_an_error(play, service):
    event = {
        "product_name": "api",
        "version": "1.2.3",
        "environment_name": "staging",
        "status": "completed",
    }
    service.call("POST", "/deployment-events/", event)
    ended = play("reading")
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "Compare" in ended.stdout and "All assertions passed" in ended.stdout, ended.stdout
    assert "knows no environment" in ended.stdout + ended.stderr
    assert service.key not in ended.stdout + ended.stderr
