"""Deployments of a whole play: with the callback plugin, and without it in one batch."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
WATCHED = {"ANSIBLE_CALLBACKS_ENABLED": "versioner.tracking.spans"}

APPROVAL = {
    "name": "Approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1, "keys": True, "exclude_deployer": False},
    "create": True,
}


@pytest.fixture
def scripted():
    """A service that answers as a test says, shared with the tests of the package."""
    path = HERE.parents[1] / "tests" / "service.py"
    specification = importlib.util.spec_from_file_location("versioner_scripted_service", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    service = module.Service()
    yield service
    service.close()


def statuses(service):
    return [each["status"] for each in service.items("/deployments/")]


def played(ended):
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("playbook", ["hosts", "own"])
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "completed"),
        ({"failing": "host-2"}, "failed"),
        ({"unreachable": "host-1"}, "failed"),
        ({"failing": "host-1", "unreachable": "host-3"}, "failed"),
        ({"batch": 1}, "completed"),
        # The last batch is never reached.
        ({"batch": 1, "failing": "host-2"}, "failed"),
        ({"batch": 2, "unreachable": "host-2"}, "failed"),
        ({"strategy": "free"}, "completed"),
        ({"strategy": "free", "failing": "host-3"}, "failed"),
        ({"strategy": "host_pinned", "unreachable": "host-2"}, "failed"),
    ],
)
def test_the_callback_plugin_tells_one_end_for_all_hosts(play, service, playbook, variables, told):
    ended = play(playbook, "-e", json.dumps(variables), **WATCHED)
    assert statuses(service) == [told], played(ended)
    bad = "failing" in variables or "unreachable" in variables
    assert (ended.returncode != 0) == bad
    if variables.get("batch") == 1 and bad:
        assert "[host-3]" not in ended.stdout


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "completed"),
        ({"failing": "host-2"}, "failed"),
        ({"unreachable": "host-1"}, "failed"),
        ({"batch": 3}, "completed"),
    ],
)
def test_without_it_the_role_tells_the_end_of_one_batch(play, service, variables, told):
    ended = play("hosts", "-e", json.dumps(variables))
    assert statuses(service) == [told], played(ended)
    bad = variables.get("failing", variables.get("unreachable"))
    assert (ended.returncode != 0) == (bad is not None)
    assert bad is None or f"the deployment failed on {bad}" in ended.stdout


@pytest.mark.parametrize("playbook", ["hosts", "own"])
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"batch": 1}, "serial: 1"),
        ({"batch": 2}, "serial: 2"),
        ({"strategy": "free"}, "strategy: free"),
    ],
)
def test_without_it_what_no_task_sees_is_refused_before_it_is_asked(
    play, service, tmp_path, playbook, variables, words
):
    config = tmp_path / "ansible.cfg"
    config.write_text("[defaults]\ncallbacks_enabled = ansible.builtin.timer\n")
    ended = play(playbook, "-e", json.dumps(variables), ANSIBLE_CONFIG=str(config))
    assert ended.returncode == 2, played(ended)
    assert statuses(service) == []
    said = " ".join(ended.stdout.split())
    assert words in said
    line = "callbacks_enabled = ansible.builtin.timer, versioner.tracking.spans"
    assert f"under [defaults] of {config}: {line}" in said


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"rescued": "host-1"}, "completed"),
        ({"ignored": "host-2"}, "completed"),
        ({"leaving": "host-3"}, "completed"),
        ({"rescued": "host-3", "leaving": "host-3"}, "completed"),
        ({"rescued": "host-1", "failing": "host-1"}, "failed"),
        # What fails after the play is none of its business.
        ({"afterwards": "fails"}, "completed"),
    ],
)
def test_only_what_ansible_takes_for_a_failure_is_one(play, service, variables, told):
    ended = play("own", "-e", json.dumps(variables), **WATCHED)
    assert statuses(service) == [told], played(ended)


@pytest.mark.parametrize("variables", [{}, {"batch": 1}, {"strategy": "free"}])
def test_a_rejected_start_stops_every_host(play, service, variables):
    service.call("POST", "/deployment-rules/", APPROVAL)
    more = {**variables, "environment_name": "production"}
    ended = play("own", "-e", json.dumps(more), **WATCHED)
    assert ended.returncode == 2, played(ended)
    assert "Rule: Approval" in ended.stdout
    assert "Deploy on the host" not in ended.stdout
    # Whatever many hosts wanted to know, it was asked once.
    assert statuses(service) == ["preflight_failed"]


@pytest.mark.parametrize("watched", [{}, WATCHED])
@pytest.mark.parametrize("playbook", ["hosts", "twice"])
def test_check_mode_begins_nothing(play, service, watched, playbook):
    ended = play(playbook, "--check", **watched)
    assert ended.returncode == 0, played(ended)
    assert statuses(service) == []


def test_the_role_may_be_used_again_while_the_callback_plugin_watches(play, service):
    ended = play("twice", **WATCHED)
    assert ended.returncode == 0, played(ended)
    told = [(each["product_name"], each["status"]) for each in service.items("/deployments/")]
    assert sorted(told) == [("one", "completed"), ("two", "completed")]


@pytest.mark.parametrize("watched", [{}, WATCHED])
@pytest.mark.parametrize("status", ["completed", "failed", "aborted"])
def test_a_task_ends_what_another_began(play, service, watched, status):
    ended = play("ends", "-e", json.dumps({"ending": status}), **watched)
    assert ended.returncode == 0, played(ended)
    [deployment] = service.items("/deployments/")
    assert deployment["status"] == status
    assert deployment["extra_metadata"]["vi_part"] == "eu"
    assert deployment["extra_metadata"]["step"] == 3


@pytest.mark.parametrize("playbook", ["hosts", "own"])
def test_neither_key_nor_files_are_left(play, service, tmp_path, playbook):
    folder = tmp_path / "temporary"
    folder.mkdir()
    ended = play(playbook, "-vvvv", TMPDIR=str(folder), **WATCHED)
    assert statuses(service) == ["completed"], played(ended)
    assert service.key not in played(ended)
    assert list(folder.glob("versioner-*")) == []


def test_an_end_that_cannot_be_told_is_told_again_and_never_becomes_a_failure(play, scripted):
    scripted.replies = [(200, {"id": "dep-1", "status": "started"}), (503, {})]
    more = {"VERSIONER_API_URL": scripted.url, "VERSIONER_MAX_RETRIES": "0"}
    ended = play("hosts", **WATCHED, **more)
    assert ended.returncode == 0, played(ended)
    assert "HTTP 503" in played(ended)
    assert scripted.statuses() == ["started", "completed", "completed"]
    assert len(set(scripted.spans)) == 1


def test_what_nobody_told_is_told_when_the_play_is_over_or_a_warning(play, scripted):
    scripted.replies = [(200, {"id": "dep-1", "status": "started"}), (503, {})]
    more = {"VERSIONER_API_URL": scripted.url, "VERSIONER_MAX_RETRIES": "0"}
    ended = play("own", **WATCHED, **more)
    assert ended.returncode == 0, played(ended)
    assert "could not be told" in played(ended) and "HTTP 503" in played(ended)
    assert scripted.statuses() == ["started", "completed"]


def interrupt(process, number):
    """As a terminal does it, or as a CI system."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_stopped_in_the_middle_is_aborted(started, service, tmp_path, number):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    tasks = {"tasks": str(HERE / "playbooks" / "inside.yml"), "fifo": str(fifo)}
    process = started("failure", tasks, **WATCHED)
    assert fifo.read_text() == "inside\n"
    interrupt(process, number)
    said, _ = process.communicate(timeout=60)
    assert statuses(service) == ["aborted"], said
    assert process.returncode != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_while_it_asks_leaves_nothing_open(started, scripted, number):
    scripted.replies = [scripted.SILENCE]
    process = started("own", {}, VERSIONER_API_URL=scripted.url, **WATCHED)
    scripted.arrivals.acquire()
    interrupt(process, number)
    said, _ = process.communicate(timeout=60)
    assert scripted.statuses()[0] == "started", said
    assert set(scripted.statuses()[1:]) == {"aborted"}, said
    assert len(set(scripted.spans)) == 1


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"span": "begin", "status": "started"}, "status is not for span=begin"),
        ({"span": "begin", "idempotency_key": "x"}, "idempotency_key is not for span=begin"),
        ({"span": "end", "status": "completed"}, "saved is required for span=end"),
        ({"span": "end", "saved": "{}"}, "status is required for span=end"),
        ({"span": "middle"}, "value of span must be one of"),
        (
            {"span": "end", "saved": "{}", "status": "failed"},
            "not what a task with span=begin gave",
        ),
        ({"span": "end", "saved": "e30=", "status": "failed"}, "not what a span was saved as"),
    ],
)
def test_bad_arguments_of_spans_are_named(ansible, service, tmp_path, task, words):
    playbook = tmp_path / "bad.yml"
    fields = {"product": "api", "environment": "staging", "version": "1.2.3", **task}
    tasks = [{"name": "Bad", "versioner.tracking.deployment": fields}]
    play = {"name": "Bad", "hosts": "localhost", "gather_facts": False, "tasks": tasks}
    playbook.write_text(json.dumps([play]))
    ended = ansible("ansible-playbook", "-i", "localhost,", "-c", "local", str(playbook))
    assert ended.returncode == 2
    assert words in " ".join(ended.stdout.split()), played(ended)
    assert statuses(service) == []


def test_the_callback_plugin_says_what_it_needs(ansible):
    ended = ansible("ansible-doc", "-t", "callback", "versioner.tracking.spans")
    assert ended.returncode == 0, ended.stderr
    assert "callbacks_enabled = versioner.tracking.spans" in " ".join(ended.stdout.split())
