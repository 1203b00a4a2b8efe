"""Builds and deployments as blocks of code."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
from service import Service

import versioner

REJECTION = (428, {"code": "FLOW_VIOLATION", "message": "Staging first"})


def test_a_deployment_is_started_and_completed(service: Service) -> None:
    client = service.client()
    with client.deployment(product="api", environment="e", version="1") as deployment:
        assert service.statuses() == ["started"]
        assert deployment.started.event_id == "evt-1"
        assert deployment.ended is None
    assert service.statuses() == ["started", "completed"]
    assert deployment.ended is not None
    assert deployment.ended.event_id == "evt-2"
    assert service.requests[0]["environment_name"] == "e"


def test_a_build_is_started_and_completed(service: Service) -> None:
    with service.client().build(product="api", version="1"):
        pass
    assert service.statuses() == ["started", "completed"]


@pytest.mark.parametrize(
    ("exception", "status"),
    [
        (ValueError("broken"), "failed"),
        (KeyboardInterrupt(), "aborted"),
        (SystemExit(0), "aborted"),
    ],
)
def test_an_exception_ends_it_and_passes(
    service: Service, exception: BaseException, status: str
) -> None:
    client = service.client()
    with (
        pytest.raises(type(exception)) as caught,
        client.deployment(product="api", environment="e", version="1"),
    ):
        raise exception
    assert caught.value is exception
    assert service.statuses() == ["started", status]


def test_a_rejection_keeps_the_body_from_running(service: Service) -> None:
    service.replies = [REJECTION]
    client = service.client()
    with (
        pytest.raises(versioner.FlowViolationError),
        client.deployment(product="api", environment="e", version="1"),
    ):
        pytest.fail("the body ran")
    assert service.statuses() == ["started"]


def test_an_end_that_cannot_be_sent_is_an_error(service: Service) -> None:
    service.replies = [(200, {"id": "evt"}), (400, {})]
    client = service.client()
    with pytest.raises(versioner.APIError), client.build(product="api", version="1"):
        pass


def test_an_end_that_cannot_be_sent_hides_no_exception(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.replies = [(200, {"id": "evt"}), (400, {"detail": "No thanks"})]
    client = service.client()
    with pytest.raises(ZeroDivisionError), client.build(product="api", version="1"):
        _ = 1 / 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the end (failed) could not be tracked" in caplog.text
    assert "No thanks" in caplog.text


def test_a_start_that_is_cancelled_is_aborted(service: Service) -> None:
    service.replies = [Service.SILENCE]
    client = service.client()

    def cancel() -> None:
        service.arrivals.acquire()
        client.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with (
        pytest.raises(versioner.CancelledError),
        client.deployment(product="api", environment="e", version="1"),
    ):
        pytest.fail("the body ran")
    thread.join()
    # The service may have recorded the start, and would refuse the next one.
    assert service.statuses() == ["started", "aborted"]


@pytest.mark.parametrize("failure", [None, ZeroDivisionError()])
def test_an_end_that_is_interrupted_is_told_again(
    service: Service, failure: Exception | None
) -> None:
    service.replies = [(200, {"id": "evt"}), Service.SILENCE]
    client = service.client()

    def deploy() -> None:
        if failure:
            raise failure

    def cancel() -> None:
        service.arrivals.acquire()
        service.arrivals.acquire()
        client.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    span = client.deployment(product="api", environment="e", version="1")
    with pytest.raises(type(failure) if failure else versioner.CancelledError), span:
        deploy()
    thread.join()
    # The service may have recorded neither, and would refuse the next start.
    end = "failed" if failure else "completed"
    assert service.statuses() == ["started", end, end]
    assert span.ended is not None


def test_a_client_that_is_closed_in_the_block_hides_no_exception(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = service.client()

    def build() -> None:
        client.close()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), client.build(product="api", version="1"):
        build()
    assert "the end (failed) could not be tracked" in caplog.text


def test_a_start_that_fails_is_not_aborted(service: Service) -> None:
    service.replies = [(400, {})]
    with pytest.raises(versioner.APIError), service.client().build(product="api", version="1"):
        pytest.fail("the body ran")
    assert service.statuses() == ["started"]


def test_what_the_block_decides_is_refused_before_it(service: Service) -> None:
    client: Any = service.client()
    for stray in ("status", "completed_at", "versoin"):
        with pytest.raises(TypeError, match=f"got an unexpected keyword argument '{stray}'"):
            client.deployment(product="api", environment="e", version="1", **{stray: "x"})
    with pytest.raises(TypeError, match="did you mean 'version'"):
        client.build(product="api", versoin="1")
    assert service.requests == []


def test_the_start_is_not_known_before_the_block(service: Service) -> None:
    span = service.client().build(product="api", version="1")
    assert not hasattr(span, "started")
    with pytest.raises(AttributeError, match="the block has begun"):
        _ = span.started


def test_a_span_is_for_one_use(service: Service) -> None:
    span = service.client().build(product="api", version="1")
    with span:
        pass
    with pytest.raises(RuntimeError, match="one use"):
        span.__enter__()


def test_module_level_spans_take_the_settings_of_the_environment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSIONER_API_KEY", "sk_acme_k1_secretsecret")
    monkeypatch.setenv("VERSIONER_API_URL", service.url)
    with versioner.build(product="api", version="1"):
        pass
    with versioner.deployment(product="api", version="1", environment="e"):
        pass
    assert service.statuses() == ["started", "completed"] * 2
