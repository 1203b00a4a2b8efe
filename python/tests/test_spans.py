"""Builds and deployments as blocks of code."""

from __future__ import annotations

import asyncio
import logging

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
    service.replies = [(200, {}), (400, {})]
    client = service.client()
    with pytest.raises(versioner.APIError), client.build(product="api", version="1"):
        pass


def test_an_end_that_cannot_be_sent_hides_no_exception(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.replies = [(200, {}), (400, {"detail": "No thanks"})]
    client = service.client()
    with pytest.raises(ZeroDivisionError), client.build(product="api", version="1"):
        _ = 1 / 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the end (failed) could not be tracked" in caplog.text
    assert "No thanks" in caplog.text


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


def test_asyncio_goes_on_while_an_event_is_sent(service: Service) -> None:
    client = service.client()

    async def main() -> list[str]:
        built, deployed = await asyncio.gather(
            client.track_build_async(product="api", version="1"),
            client.track_deployment_async(product="api", version="1", environment="e"),
        )
        async with client.deployment(product="api", environment="e", version="1") as deployment:
            pass
        assert deployment.ended is not None
        return [built.kind, deployed.kind, deployment.started.kind, deployment.ended.kind]

    assert asyncio.run(main()) == ["ok"] * 4
    assert service.statuses()[2:] == ["started", "completed"]


def test_errors_reach_asyncio_code(service: Service) -> None:
    service.replies = [REJECTION, (200, {}), (200, {})]
    client = service.client()

    async def reject() -> None:
        async with client.deployment(product="api", environment="e", version="1"):
            pytest.fail("the body ran")

    async def fail() -> None:
        async with client.build(product="api", version="1"):
            raise ZeroDivisionError

    with pytest.raises(versioner.FlowViolationError):
        asyncio.run(reject())
    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
    assert service.statuses() == ["started", "started", "failed"]


def test_a_cancelled_task_ends_its_call_and_no_other(service: Service) -> None:
    service.hold()
    client = service.client(max_retries=0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        one = asyncio.create_task(client.track_build_async(product="one", version="1"))
        other = asyncio.create_task(client.track_build_async(product="other", version="1"))
        for _ in range(2):
            await loop.run_in_executor(None, service.arrivals.acquire)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        assert not other.done()
        client.cancel()
        with pytest.raises(versioner.CancelledError):
            await other

    asyncio.run(main())


def test_a_cancelled_task_aborts_its_deployment(service: Service) -> None:
    client = service.client()

    async def main() -> None:
        inside = asyncio.Event()

        async def deploy() -> None:
            async with client.deployment(product="api", environment="e", version="1"):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(deploy())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert service.statuses() == ["started", "aborted"]
