"""Starts that wait for their gate, and events that wait for their service."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

WATCHED = {"ANSIBLE_CALLBACKS_ENABLED": "versioner.tracking.spans"}

# A task that is killed then leaves a lock that Ansible waits for.
HOLDING = {"PYTHONPATH": str(Path(__file__).resolve().parent / "holding")}

# Nobody is there.
AWAY = {"http_proxy": "http://127.0.0.1:1", "VERSIONER_MAX_RETRIES": "0"}

BUILD = {"product_name": "api", "version": "1.2.3", "status": "completed"}

APPROVAL = {
    "name": "Approval",
    "type": "release_approval",
    "environments": ["production"],
    "config": {"required_approvals": 1, "keys": True, "exclude_deployer": False},
    "create": True,
}


def approve(service):
    """Somebody says that the version may go there, which was built."""
    service.call("POST", "/build-events/", BUILD)
    [version] = service.items("/versions/")
    approval = {"type": "release", "environment": "production"}
    service.call("POST", f"/versions/{version['id']}/approvals/", approval)


def told(service):
    """Version and status of every deployment."""
    return sorted((each["version"], each["status"]) for each in service.items("/deployments/"))


def until(process, words):
    """What the play says until it says this."""
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    pytest.fail(f"it never says {words!r}: {said}")


@pytest.mark.parametrize("batch", [0, 1])
def test_an_approval_that_is_given_while_a_play_waits_lets_it_go_on(started, service, batch):
    service.call("POST", "/deployment-rules/", APPROVAL)
    process = started("patient", {"wait": 600, "batch": batch}, **WATCHED)
    said = until(process, "versioner: waiting: APPROVAL_REQUIRED (Approval)")
    assert "deploying" not in said
    approve(service)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said + rest
    # It was asked for once: of three hosts in three batches, too.
    assert told(service) == [("1.2.3", "completed")], rest
    assert (said + rest).count("versioner: waiting:") == 1


@pytest.mark.parametrize("more", [{}, HOLDING], ids=["", "its task holds Ansible's queue"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_play_that_is_stopped_while_it_waits_begins_nothing(started, service, number, more):
    service.call("POST", "/deployment-rules/", APPROVAL)
    process = started("patient", {"wait": 600}, **WATCHED, **more)
    said = until(process, "versioner: waiting: APPROVAL_REQUIRED (Approval)")
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode != 0, said + rest
    assert "deploying" not in said + rest
    assert not {"started", "completed"} & {status for _, status in told(service)}, rest


def test_a_wait_in_vain_is_a_rejection(play, service):
    service.call("POST", "/deployment-rules/", APPROVAL)
    ended = play("patient", "-e", json.dumps({"wait": 0.1}), **WATCHED)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "Rule: Approval" in ended.stdout and "deploying" not in ended.stdout
    assert told(service) == [("1.2.3", "preflight_failed")]


@pytest.mark.parametrize(
    ("failing", "status"), [("", "completed"), ("host-2", "failed")], ids=["works", "fails"]
)
def test_what_a_service_that_is_away_misses_it_is_told_later_and_once(
    play, service, tmp_path, failing, status
):
    outbox = tmp_path / "outbox"
    more = {"outbox": str(outbox), "best_effort": False}
    away = play("patient", "-e", json.dumps({**more, "failing": failing}), **WATCHED, **AWAY)
    assert (away.returncode != 0) == bool(failing), away.stdout + away.stderr
    assert "deploying" in away.stdout
    assert "is kept in" in " ".join((away.stdout + away.stderr).split())
    assert told(service) == []
    kept = [path.read_text() for path in outbox.rglob("*") if path.is_file()]
    assert kept and service.key not in "".join(kept)
    for _ in range(2):
        later = play("patient", "-e", json.dumps({**more, "version": "1.2.4"}), **WATCHED)
        assert later.returncode == 0, later.stdout + later.stderr
        assert told(service)[0] == ("1.2.3", status), later.stdout + later.stderr
    assert [version for version, _ in told(service)] == ["1.2.3", "1.2.4", "1.2.4"]
    assert not [path for path in outbox.glob("*.json")]
