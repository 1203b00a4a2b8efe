"""Builds and deployments as blocks of code."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from pathlib import Path
from typing import Any, Optional

import pytest
from service import Service

import versioner

CONFIG_ERROR = "versioner.errors.ConfigError"
OUTCOME = versioner.Outcome(1, "internal", "made by a test")
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
    ("exception", "status", "facts"),
    [
        (ValueError("broken"), "failed", {"vi_error_class": "ValueError"}),
        (
            versioner.ConfigError(OUTCOME),
            "failed",
            {"vi_error_class": "versioner.errors.ConfigError"},
        ),
        (versioner.CancelledError(OUTCOME), "aborted", {}),
        (KeyboardInterrupt(), "aborted", {"vi_error_class": "KeyboardInterrupt"}),
        (GeneratorExit(), "aborted", {}),
        (asyncio.CancelledError(), "aborted", {}),
        (SystemExit(), "completed", {"vi_exit_code": 0}),
        (SystemExit(0), "completed", {"vi_exit_code": 0}),
        (SystemExit(3), "failed", {"vi_exit_code": 3}),
        (SystemExit(-1), "failed", {"vi_exit_code": 255}),
        (SystemExit("the key is sk_x"), "failed", {"vi_exit_code": 1}),
    ],
)
def test_an_exception_ends_it_and_passes(
    service: Service, exception: BaseException, status: str, facts: dict[str, Any]
) -> None:
    client = service.client()
    with (
        pytest.raises(type(exception)) as caught,
        client.deployment(product="api", environment="e", version="1"),
    ):
        raise exception
    assert caught.value is exception
    assert service.statuses() == ["started", status]
    assert facts.items() <= service.requests[1]["extra_metadata"].items()
    assert "sk_x" not in service.bodies[1]


def test_a_rejection_keeps_the_body_from_running(service: Service) -> None:
    service.replies = [REJECTION]
    client = service.client()
    with (
        pytest.raises(versioner.FlowViolationError),
        client.deployment(product="api", environment="e", version="1"),
    ):
        pytest.fail("the body ran")
    assert service.statuses() == ["started"]


@pytest.mark.parametrize("failure", [None, ZeroDivisionError()])
def test_an_end_that_cannot_be_told_changes_nothing_of_what_was(
    service: Service, caplog: pytest.LogCaptureFixture, failure: Optional[Exception]
) -> None:
    service.replies = [(200, {"id": "evt"}), (400, {"detail": "No thanks"})]
    client = service.client()
    span = client.deployment(product="api", environment="e", version="1")

    def deploy() -> None:
        if failure:
            raise failure

    with contextlib.suppress(ZeroDivisionError), span:
        deploy()
    status = "failed" if failure else "completed"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"the end ({status}) could not be told" in caplog.text
    assert "No thanks" in caplog.text
    assert span.ended is not None
    assert (span.ended.code, span.ended.recorded) == (4, False)
    # Told again, it is the same.
    assert span.end("failed" if failure is None else "completed").recorded
    assert service.statuses() == ["started", status, status]


def test_an_end_that_the_service_rejects_is_no_rejection(service: Service) -> None:
    service.replies = [(200, {"id": "evt"}), REJECTION, REJECTION]
    client = service.client()
    with client.deployment(product="api", environment="e", version="1") as span:
        pass
    assert span.ended is not None
    assert span.ended.message.startswith("The deployment took place")
    assert service.statuses() == ["started", "completed", "completed"]


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


def test_to_cancel_or_close_the_client_does_not_end_the_telling(service: Service) -> None:
    client = service.client()

    def build() -> None:
        client.cancel()
        client.close()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), client.build(product="api", version="1"):
        build()
    assert service.statuses() == ["started", "failed"]


def test_an_end_in_the_block_is_the_end(service: Service) -> None:
    client = service.client()
    with client.deployment(product="api", environment="e", version="1") as span:
        span.end("failed", error_class="Timeout", exit_code=3, extra_metadata={"step": 2})
    assert service.statuses() == ["started", "failed"]
    facts = service.requests[1]["extra_metadata"]
    del facts["vi_duration_ms"]
    assert facts == {"step": 2, "vi_error_class": "Timeout", "vi_exit_code": 3}


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


def test_a_span_is_for_one_block(service: Service) -> None:
    span = service.client().build(product="api", version="1")
    with span:
        pass
    with pytest.raises(RuntimeError, match="one block"):
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


def test_an_end_that_cannot_be_told_is_kept_and_delivered_before_the_next_event(
    service: Service, tmp_path: Path
) -> None:
    service.features = "idempotency, history"
    service.replies = [(200, {"id": "evt"}), (503, {})]
    client = service.client(outbox=tmp_path / "outbox", max_retries=0)
    with client.deployment(product="api", environment="e", version="1") as span:
        pass
    assert span.ended is not None
    assert (span.ended.status, span.ended.recorded) == ("queued", False)
    client.track_build(product="api", version="2")
    assert service.statuses() == ["started", "completed", "completed", "completed"]
    assert service.bodies[1] == service.bodies[2]
