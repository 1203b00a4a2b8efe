"""Starts that wait for their gate, and events that wait for their service."""

from __future__ import annotations

import pytest
from rundeck_job import JOB, event

EXECUTION = JOB["RD_JOB_EXECID"]

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


def until_it_waits(process):
    """The job's log, until the step waits for the approval."""
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("waiting: APPROVAL_REQUIRED (Approval)"):
            return said
    pytest.fail(f"it does not wait: {said}")


def test_an_approval_that_is_given_while_a_step_waits_lets_it_go_on(start, step, service):
    service.call("POST", "/deployment-rules/", APPROVAL)
    process = start("deployment", **event(service, wait_minutes="10"))
    said = until_it_waits(process)
    approve(service)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 0, said + rest
    assert told(service) == [("1.2.3", "started")]
    assert step("deployment", **event(service, status="completed")).returncode == 0
    assert told(service) == [("1.2.3", "completed")]


def test_a_step_that_is_killed_while_it_waits_is_ended_by_the_notification(
    start, notify, service, state
):
    service.call("POST", "/deployment-rules/", APPROVAL)
    notify("onstart")
    process = start("deployment", **event(service, wait_minutes="10"))
    until_it_waits(process)
    # As Rundeck does it if the job is aborted.
    process.kill()
    process.communicate()
    ended, said = notify("onfailure", "aborted")
    assert ended, said
    assert not {"started", "completed"} & {status for _, status in told(service)}
    assert list(state.iterdir()) == []


def test_a_wait_in_vain_stops_the_job(step, service, state):
    service.call("POST", "/deployment-rules/", APPROVAL)
    ended = step("deployment", **event(service, wait_minutes="0.001"))
    assert ended.returncode == 5, ended.stderr
    assert "Rule: Approval" in ended.stderr
    assert [path.name for path in state.glob("*.json")] == []


def test_a_wait_that_is_no_number_is_named(step, service):
    ended = step("deployment", **event(service, wait_minutes="soon"))
    assert ended.returncode == 1 and "Wait must be a number of minutes" in ended.stderr
    assert told(service) == []


@pytest.mark.parametrize("by", ["step", "notification"])
def test_what_a_service_that_is_away_misses_it_is_told_later_and_once(
    step, notify, service, tmp_path, by
):
    outbox = tmp_path / "outbox"
    patient = {"outbox": str(outbox), "fail_on_api_error": "false"}
    begun = step("deployment", variables=AWAY, **event(service, **patient))
    assert begun.returncode == 0, begun.stderr
    assert f"is kept in {outbox}" in " ".join(begun.stderr.split())
    if by == "step":
        completed = event(service, status="completed", **patient)
        ended = step("deployment", variables=AWAY, **completed)
        assert ended.returncode == 0, ended.stderr
    else:
        # By then the service is back, and what waits goes before the end.
        config = tmp_path / "with-outbox.yaml"
        config.write_text(
            f"api_key: {service.key}\napi_url: {service.url}\noutbox: {outbox}\n", encoding="utf-8"
        )
        ended, said = notify("onsuccess", "succeeded", config_file=str(config))
        assert ended, said
    kept = "".join(path.read_text() for path in outbox.rglob("*") if path.is_file())
    assert service.key not in kept
    for execution in ("43", "44"):
        variables = {"RD_JOB_EXECID": execution}
        for status in ("started", "completed"):
            more = event(service, version="1.2.4", status=status, **patient)
            later = step("deployment", variables=variables, **more)
            assert later.returncode == 0, later.stderr
    assert told(service) == [("1.2.3", "completed"), ("1.2.4", "completed"), ("1.2.4", "completed")]
