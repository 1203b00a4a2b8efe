"""Spans that begin in one place and end in another."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
from typing import Any

import programs
import pytest
from service import KEY, Service

import versioner

EVENT: Any = {"product": "api", "environment": "e", "version": "1"}


def test_it_begins_and_ends_in_any_place(service: Service) -> None:
    span = service.client().begin(**EVENT, part="eu")
    assert span.started.event_id == "evt-1"
    assert span.id in repr(span)
    outcome = span.end("completed")
    assert span.ended == outcome
    # The first end counts.
    assert span.end("failed").event_id == outcome.event_id
    assert service.statuses() == ["started", "completed"]
    assert set(service.spans) == {span.id}
    assert service.requests[1]["extra_metadata"]["vi_part"] == "eu"


def test_a_block_ends_what_began_elsewhere(service: Service) -> None:
    client = service.client()
    with pytest.raises(ZeroDivisionError), client.begin(**EVENT):
        _ = 1 / 0
    with client.resume(client.begin(**EVENT).save()):
        pass
    assert service.statuses() == ["started", "failed", "started", "completed"]


def test_what_is_saved_is_resumed_and_holds_no_key(service: Service) -> None:
    client = service.client()
    prepared = client.deployment(**EVENT)
    text = prepared.save()
    assert service.requests == []
    resumed = client.resume(text)
    assert resumed.id == prepared.id
    assert resumed.started.recorded
    saved = resumed.save()
    assert KEY not in saved
    assert json.loads(saved)["state"] == "open"
    again = service.client().resume(saved)
    assert not hasattr(again, "started")
    again.end("completed")
    assert service.statuses() == ["started", "completed"]
    with pytest.raises(versioner.ArgumentError, match="not what a span was saved as"):
        client.resume("{}")
    other = versioner.Client(api_key="sk_other_k1_x", api_url=client.api_url, environ={})
    with pytest.raises(versioner.ArgumentError, match="another account"):
        other.resume(saved)


def test_a_rejected_start_begins_nothing(service: Service) -> None:
    service.replies = [(428, {"code": "FLOW_VIOLATION"})]
    with pytest.raises(versioner.FlowViolationError):
        service.client().begin(**EVENT)
    assert service.statuses() == ["started"]


def test_a_status_that_is_no_end_is_none(service: Service) -> None:
    span = service.client().begin(**EVENT)
    with pytest.raises(versioner.ArgumentError, match="completed, failed or aborted"):
        span.end("started")
    with pytest.raises(versioner.ArgumentError, match="exit_code must be an int"):
        span.end("completed", exit_code=2**40)
    assert span.end("completed").recorded


def test_to_close_tells_aborted_once_and_only_if_nobody_else_will(service: Service) -> None:
    client = service.client()
    service.replies = [(200, {"id": "evt"}), (503, {})]
    client.begin(**EVENT).close()
    assert service.statuses() == ["started", "aborted"]
    saved = client.begin(**EVENT)
    saved.save()
    saved.close()
    ended = client.begin(**EVENT)
    ended.end("completed")
    ended.close()
    client.deployment(**EVENT).close()
    assert service.statuses()[2:] == ["started", "started", "completed"]


def test_what_is_forgotten_sends_nothing_and_is_logged(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = service.client()
    client.begin(**EVENT)
    gc.collect()
    assert caplog.messages == ["a span was lost without an end"]
    assert service.statuses() == ["started"]


def test_a_span_keeps_its_client_alive(service: Service) -> None:
    span = service.client().begin(**EVENT)
    gc.collect()
    assert span.end("completed").recorded


def test_a_span_is_not_pickled_but_saved(service: Service) -> None:
    span = service.client().deployment(**EVENT)
    with pytest.raises(TypeError, match="save"):
        pickle.dumps(span)


def test_it_is_the_same_for_asyncio(service: Service) -> None:
    client = service.client()

    async def main() -> None:
        span = await client.begin_async(**EVENT)
        await span.renew_async()
        again = await client.resume_async(span.save())
        await again.end_async("completed")

    asyncio.run(main())
    assert service.statuses() == ["started", "completed"]


def test_a_task_that_is_cancelled_while_it_begins_leaves_nothing_open(service: Service) -> None:
    service.replies = [Service.SILENCE]
    client = service.client()

    async def main() -> None:
        task = asyncio.create_task(client.begin_async(**EVENT))
        while not service.requests:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert service.statuses() == ["started", "aborted"]


def test_a_lease_is_renewed_while_the_block_runs(service: Service) -> None:
    service.features = "span, renew"
    client = service.client()
    with client.deployment(**EVENT, lease=1):
        # The start, the lease that is taken, and one more sign of life.
        for _ in range(3):
            assert service.arrivals.acquire(timeout=10)
    assert service.requests[1] == service.requests[2] == {"lease_seconds": 1}
    assert service.requests[-1]["status"] == "completed"


def test_a_forked_child_can_neither_end_it_nor_let_go_of_it(service: Service) -> None:
    source = """
        import os, sys
        span = client.begin(product="api", environment="e", version="1")
        child = os.fork()
        if child == 0:
            try:
                span.end("completed")
            except versioner.ArgumentError as error:
                named = f"belongs to process {os.getppid()}" in str(error)
            span.close()
            del span
            os._exit(0 if named else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert span.end("completed").recorded
        print("done")
    """
    assert programs.run(service, source, warnings="ignore") == "done\n"
    assert service.statuses() == ["started", "completed"]


def test_a_forked_child_leaves_the_block_to_its_parent(service: Service) -> None:
    service.features = "span, renew"
    source = """
        import os, signal, sys
        with client.deployment(product="api", environment="e", version="1", lease=3600):
            child = os.fork()
            if child == 0:
                sys.exit(7)
            assert os.waitpid(child, 0)[1] == 7 << 8
            ready, ready_end = os.pipe()
            never, never_end = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(ready_end, b".")
                os.read(never, 1)
            os.read(ready, 1)
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == signal.SIGTERM
        print("done")
    """
    assert programs.run(service, source, warnings="ignore") == "done\n"
    statuses = [request.get("status") for request in service.requests]
    assert statuses == ["started", None, "completed"]
