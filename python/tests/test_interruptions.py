"""What interrupts a block: signals, handlers, generators."""

from __future__ import annotations

import signal
from collections.abc import Generator

import programs
import pytest
from service import Service


@pytest.mark.parametrize(
    ("before", "code", "status"),
    [
        # Nobody handles it.
        ("", 143, "aborted"),
        # The program leaves by a handler of its own, which it means as success.
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))", 0, "aborted"),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))", 3, "aborted"),
    ],
)
def test_sigterm_aborts(service: Service, before: str, code: int, status: str) -> None:
    source = f"""
{before}
with client.deployment(product="api", environment="e", version="1"):
    print("inside", flush=True)
    work_on()
"""
    with programs.program(service, source) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == code
    assert service.statuses() == ["started", status]


def test_sigterm_while_it_asks_aborts(service: Service) -> None:
    service.replies = [Service.SILENCE]
    source = """
        with client.deployment(product="api", environment="e", version="1"):
            print("inside", flush=True)
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=30)
    assert (printed, process.returncode) == ("", 143)
    assert service.statuses() == ["started", "aborted"]


def test_sigterm_in_asyncio_code_aborts_every_block(service: Service) -> None:
    source = """
        import asyncio
        async def deploy(version):
            async with client.deployment(product="api", environment=version, version=version):
                print("inside", flush=True)
                await work_on_async()
        async def main():
            await asyncio.gather(deploy("1"), deploy("2"))
        asyncio.run(main())
    """
    with programs.program(service, source) as process:
        assert process.stdout is not None
        for _ in range(2):
            assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143
    assert sorted(service.statuses()) == ["aborted", "aborted", "started", "started"]


def test_ctrl_c_does_not_end_the_telling(service: Service) -> None:
    service.replies = [(200, {"id": "evt"}), Service.SILENCE]
    source = """
        client = versioner.Client(
            api_url=sys.argv[1], api_key=sys.argv[2], environ={},
            attempt_timeout=1, retry_pause=0.001,
        )
        try:
            with client.deployment(product="api", environment="e", version="1") as span:
                pass
        except KeyboardInterrupt:
            print(span.ended.status)
    """
    with programs.program(service, source) as process:
        for _ in range(2):
            service.arrivals.acquire()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
    assert printed == "completed\n"
    assert service.statuses() == ["started", "completed", "completed"]


def test_signals_mean_before_and_after_what_they_did(service: Service) -> None:
    def ours(*_: object) -> None:
        pytest.fail("nobody sent a signal")

    client = service.client()
    before = signal.getsignal(signal.SIGTERM)
    outer = client.build(product="api", version="1")
    inner = client.build(product="api", version="2")
    outer.__enter__()
    with inner:
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) != before
    outer.__exit__(None, None, None)
    assert signal.getsignal(signal.SIGTERM) == before == signal.SIG_DFL
    previous = signal.signal(signal.SIGTERM, ours)
    try:
        with client.build(product="api", version="3"):
            assert signal.getsignal(signal.SIGTERM) == ours
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_a_signal_that_is_ignored_stays_ignored(service: Service) -> None:
    source = """
        import os, signal
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with client.build(product="api", version="1"):
            os.kill(os.getpid(), signal.SIGHUP)
        print("done")
    """
    assert programs.run(service, source) == "done\n"
    assert service.statuses() == ["started", "completed"]


def test_a_block_in_a_thread_leaves_signals_alone(service: Service) -> None:
    source = """
        import signal, threading
        def deploy():
            with client.build(product="api", version="1"):
                print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
        thread = threading.Thread(target=deploy)
        thread.start()
        thread.join()
    """
    assert programs.run(service, source) == "True\n"


def test_a_generator_that_is_closed_is_interrupted(service: Service) -> None:
    client = service.client()

    def deploy() -> Generator[None, None, None]:
        with client.build(product="api", version="1"):
            yield

    steps = deploy()
    next(steps)
    steps.close()
    assert service.statuses() == ["started", "aborted"]
