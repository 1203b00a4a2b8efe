"""Deployments of an execution: one step begins them, another or the notification ends them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from rundeck_job import JOB, event

import versioner

EXECUTION = JOB["RD_JOB_EXECID"]


def statuses(service):
    return [each["status"] for each in service.items("/deployments/")]


def test_the_notification_says_what_it_needs(notify):
    lines, _ = notify("describe")
    assert lines[0] == "command true /opt/versioner/bin/versioner"
    assert lines[-1] == "onfailure onretryablefailure onstart onsuccess"


@pytest.mark.parametrize(
    ("trigger", "status", "told"),
    [
        ("onsuccess", "succeeded", "completed"),
        ("onfailure", "failed", "failed"),
        ("onfailure", "timedout", "failed"),
        ("onfailure", "aborted", "aborted"),
        ("onretryablefailure", "failed-with-retry", "failed"),
    ],
)
def test_the_notification_tells_how_the_job_ended(
    step, notify, service, state, trigger, status, told
):
    assert notify("onstart") == (True, "")
    begun = step("deployment", **event(service))
    assert begun.returncode == 0, begun.stderr
    assert "no notification Versioner" not in begun.stderr
    assert statuses(service) == ["started"]
    ended, said = notify(trigger, status)
    assert ended, said
    assert statuses(service) == [told]
    assert list(state.iterdir()) == []


def test_without_the_notification_the_log_says_what_an_abort_means(step, service):
    begun = step("deployment", **event(service))
    assert begun.returncode == 0
    assert "no notification Versioner on start" in begun.stderr
    assert "until the service lets it expire" in " ".join(begun.stderr.split())


def test_a_step_may_end_it_and_the_first_end_counts(step, notify, service):
    for status in ("started", "completed", "failed"):
        ended = step("deployment", **event(service, status=status))
        assert ended.returncode == 0, ended.stderr
    assert statuses(service) == ["completed"]
    assert notify("onfailure", "aborted")[0]
    assert statuses(service) == ["completed"]


def test_the_nodes_of_an_execution_begin_it_once(step, service):
    with ThreadPoolExecutor(4) as executor:
        steps = [executor.submit(step, "deployment", **event(service)) for _ in range(4)]
    assert [each.result().returncode for each in steps] == [0] * 4
    assert statuses(service) == ["started"]
    other = step("deployment", variables={"RD_JOB_EXECID": "43"}, **event(service))
    assert other.returncode == 5


def test_an_end_that_cannot_be_told_is_told_by_hand(step, notify, service, state, tmp_path):
    step("deployment", **event(service))
    unreachable = tmp_path / "other.yaml"
    unreachable.write_text(f"api_key: {service.key}\napi_url: {service.url}\ntotal_timeout: zero\n")
    ended, said = notify("onsuccess", config_file=str(unreachable))
    assert not ended
    [saved] = state.glob("*.json")
    assert f"versioner span end --state {saved} completed" in said
    assert service.key not in saved.read_text()
    assert saved.stat().st_mode & 0o777 == 0o600
    assert notify("onsuccess")[0]
    assert statuses(service) == ["completed"]


def test_a_step_that_is_killed_while_it_asks_is_ended_by_the_notification(
    step, notify, service, state
):
    # As it is saved before the service is asked.
    client = versioner.Client(api_key=service.key, api_url=service.url, environ={})
    span = client.deployment(product="api", environment="production", version="1.2.3")
    state.mkdir()
    (state / f"{EXECUTION}-0123456789abcdef.json").write_text(span.save())
    span.ask()
    assert notify("onfailure", "aborted")[0]
    assert statuses(service) == ["aborted"]


def test_a_rejected_start_leaves_nothing_to_end(step, notify, service, state):
    assert step("deployment", **event(service)).returncode == 0
    refused = step("deployment", variables={"RD_JOB_EXECID": "43"}, **event(service))
    assert refused.returncode == 5
    assert [path.name for path in state.glob("43-*.json")] == []


def test_what_another_node_asked_for_in_vain_leaves_nothing_to_end(step, service, state):
    rule = {"name": "Approval", "type": "release_approval", "environments": ["production"]}
    config = {"config": {"required_approvals": 1}, "create": True}
    service.call("POST", "/deployment-rules/", {**rule, **config})
    client = versioner.Client(api_key=service.key, api_url=service.url, environ={})
    span = client.deployment(product="api", environment="production", version="1.2.3")
    # As a node leaves it that is killed before it hears the answer.
    state.mkdir()
    name = hashlib.sha256(b"api\nproduction\n1.2.3").hexdigest()[:16]
    saved = state / f"{EXECUTION}-{name}.json"
    saved.write_text(span.save())
    refused = step("deployment", **event(service))
    assert refused.returncode == 5, refused.stderr
    assert not saved.exists()


def test_a_state_folder_that_cannot_be_used_is_named(step, service):
    ended = step("deployment", **event(service, state_folder="/proc/versioner"))
    assert ended.returncode == 1
    assert "/proc/versioner" in ended.stderr and "property State folder" in ended.stderr
    assert statuses(service) == []


def test_the_deployed_version_is_an_option_s_value(step, service, tmp_path):
    step("deployment", **event(service, status="completed"))
    config = tmp_path / "config.yaml"
    config.write_text(f"api_key: {service.key}\napi_url: {service.url}\n")
    read = step("versions", product="api", environment="production", config=str(config))
    assert read.stdout == "==START_OPTIONS==\n1.2.3:1.2.3\n==END_OPTIONS==\n", read.stderr
    none = step("versions", product="api", environment="moon", config=str(config))
    assert none.returncode == 4 and none.stdout == ""
    assert "moon" in none.stderr
