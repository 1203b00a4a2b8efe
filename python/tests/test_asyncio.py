"""Events and blocks in asyncio code."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import programs
import pytest
from service import KEY, Service

import versioner
from versioner import threads

REJECTION = (428, {"code": "FLOW_VIOLATION", "message": "Staging first"})
MANY = 100


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; what the loop complains of is a failure."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        await main
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(watched())
    gc.collect()
    assert complaints == []


async def arrived(service: Service, count: int) -> None:
    """Wait until the service holds that many more requests."""

    def acquire() -> None:
        for _ in range(count):
            service.arrivals.acquire()

    with ThreadPoolExecutor(1) as executor:
        await asyncio.get_running_loop().run_in_executor(executor, acquire)


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
    service.replies = [REJECTION, (200, {"id": "evt"}), (200, {"id": "evt"})]
    client = service.client()

    async def reject() -> None:
        async with client.deployment(product="api", environment="e", version="1"):
            pytest.fail("the body ran")

    async def fail() -> None:
        async with client.build(product="api", version="1"):
            raise ZeroDivisionError

    with pytest.raises(versioner.FlowViolationError):
        run(reject())
    with pytest.raises(ZeroDivisionError):
        run(fail())
    assert service.statuses() == ["started", "started", "failed"]


def test_a_cancelled_task_ends_its_call_and_no_other(service: Service) -> None:
    service.hold()
    client = service.client(max_retries=0)

    async def main() -> None:
        one = asyncio.create_task(client.track_build_async(product="one", version="1"))
        other = asyncio.create_task(client.track_build_async(product="other", version="1"))
        await arrived(service, 2)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        assert not other.done()
        client.cancel()
        with pytest.raises(versioner.CancelledError):
            await other

    run(main())


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

    run(main())
    assert service.statuses() == ["started", "aborted"]


def test_a_task_cancelled_while_it_starts_aborts_its_deployment(service: Service) -> None:
    service.replies = [Service.SILENCE]
    client = service.client()

    async def deploy() -> None:
        async with client.deployment(product="api", environment="e", version="1"):
            pytest.fail("the body ran")

    async def main() -> None:
        task = asyncio.create_task(deploy())
        await arrived(service, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert service.statuses() == ["started", "aborted"]


def test_to_cancel_a_task_does_not_end_the_telling(service: Service) -> None:
    service.replies = [(200, {"id": "evt"}), Service.SILENCE]
    client = service.client(attempt_timeout=1)
    span = client.deployment(product="api", environment="e", version="1")

    async def deploy() -> None:
        async with span:
            pass

    async def main() -> None:
        task = asyncio.create_task(deploy())
        await arrived(service, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert service.statuses() == ["started", "completed", "completed"]
    assert span.ended is not None
    assert span.ended.recorded


def test_a_task_may_be_cancelled_again(service: Service) -> None:
    service.hold()
    client = service.client()

    async def main() -> None:
        task = asyncio.create_task(client.track_build_async(product="api", version="1"))
        await arrived(service, 1)
        task.cancel("first")
        await asyncio.sleep(0)
        task.cancel("second")
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_many_calls_run_at_once(service: Service) -> None:
    service.hold()
    client = service.client(max_retries=0)

    async def main() -> None:
        calls = [client.track_build_async(product="api", version=f"{n}") for n in range(MANY)]
        tasks = [asyncio.create_task(call) for call in calls]
        # They all get there before one is answered.
        await arrived(service, MANY)
        client.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} == {versioner.CancelledError}

    run(main())


def test_the_loop_s_own_executor_is_left_to_others(service: Service) -> None:
    client = service.client()
    release = Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, release.wait)
        assert (await client.track_build_async(product="api", version="1")).recorded
        release.set()
        await busy

    run(main())


def test_a_call_that_waits_for_a_thread_is_cancelled_unsent(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_MOST_THREADS", 1)
    service.replies = [Service.SILENCE]
    client = service.client()

    async def main() -> None:
        first = asyncio.create_task(client.track_build_async(product="first", version="1"))
        await arrived(service, 1)
        second = asyncio.create_task(client.track_build_async(product="second", version="1"))
        await asyncio.sleep(0)
        for task in (second, first):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    assert [request["product_name"] for request in service.requests] == ["first"]


def test_a_forked_child_has_threads_of_its_own(service: Service) -> None:
    source = """
        import asyncio, os
        asyncio.run(client.track_build_async(product="parent", version="1"))
        child = os.fork()
        if child == 0:
            asyncio.run(client.track_build_async(product="child", version="1"))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    assert programs.run(service, source, warnings="ignore") == "done\n"
    assert [request["product_name"] for request in service.requests] == ["parent", "child"]


def test_functions_of_the_module_do_as_a_client(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSIONER_API_KEY", KEY)
    monkeypatch.setenv("VERSIONER_API_URL", service.url)

    async def main() -> None:
        await versioner.track_build_async(product="api", version="1")
        await versioner.track_deployment_async(product="api", version="1", environment="e")
        with pytest.raises(versioner.ArgumentError):
            await versioner.track_build_async(product="api")

    run(main())
    assert service.statuses() == ["completed", "completed"]
