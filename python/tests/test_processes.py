"""Signals, the GIL, threads, forks and multiprocessing."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import programs
import pytest
from service import KEY, Service


def test_ctrl_c_ends_a_call(service: Service) -> None:
    service.hold()
    source = """
        try:
            client.track_build(product="api", version="1")
        except KeyboardInterrupt:
            print("interrupted")
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        process.send_signal(signal.SIGINT)
        # The call itself would last 30 s.
        printed, complained = process.communicate(timeout=10)
    assert (printed, complained) == ("interrupted\n", "")


def test_ctrl_c_ends_a_pause_between_attempts(service: Service) -> None:
    service.replies = [(503, {})]
    source = """
        client = versioner.Client(
            api_url=sys.argv[1], api_key=sys.argv[2], environ={}, retry_pause=30
        )
        try:
            client.track_build(product="api", version="1")
        except KeyboardInterrupt:
            print("interrupted")
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=10)
    assert printed == "interrupted\n"


def test_ctrl_c_aborts_a_deployment(service: Service) -> None:
    source = """
        try:
            with client.deployment(product="api", environment="e", version="1"):
                print("inside", flush=True)
                work_on()
        except KeyboardInterrupt:
            pass
    """
    with programs.program(service, source) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)
    assert service.statuses() == ["started", "aborted"]


def test_an_exception_of_a_signal_handler_passes(service: Service) -> None:
    service.hold()
    source = """
        import signal
        class Alarm(Exception): pass
        def ring(*_): raise Alarm
        signal.signal(signal.SIGUSR1, ring)
        try:
            client.track_build(product="api", version="1")
        except Alarm:
            print("alarm")
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        process.send_signal(signal.SIGUSR1)
        printed, _ = process.communicate(timeout=10)
    assert printed == "alarm\n"


def test_a_signal_handler_that_returns_ends_nothing(service: Service) -> None:
    service.hold()
    source = """
        import signal
        signal.signal(signal.SIGUSR1, lambda *_: (print("handled", flush=True), client.cancel()))
        try:
            client.track_build(product="api", version="1")
        except versioner.CancelledError:
            print("cancelled")
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        process.send_signal(signal.SIGUSR1)
        printed, _ = process.communicate(timeout=10)
    assert printed == "handled\ncancelled\n"


def test_ctrl_c_ends_asyncio_code(service: Service) -> None:
    service.hold()
    source = """
        import asyncio
        try:
            asyncio.run(client.track_build_async(product="api", version="1"))
        except KeyboardInterrupt:
            print("interrupted")
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=10)
    assert printed == "interrupted\n"


def test_other_threads_run_during_a_call(service: Service) -> None:
    service.hold()
    client = service.client()
    ended = threading.Event()

    def call() -> None:
        try:
            client.track_build(product="api", version="1")
        except Exception:
            ended.set()

    thread = threading.Thread(target=call)
    thread.start()
    # This thread gets here, and the service's too, only where the call does not hold the GIL.
    assert service.arrivals.acquire(timeout=10)
    assert not ended.is_set()
    client.cancel()
    thread.join()
    assert ended.is_set()


def test_threads_share_a_client(service: Service) -> None:
    client = service.client()
    results: list[str] = []

    def call(number: int) -> None:
        for turn in range(20):
            outcome = client.track_build(product="api", version=f"{number}.{turn}")
            results.append(outcome.kind)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["ok"] * 160
    assert len({request["version"] for request in service.requests}) == 160


def test_a_forked_child_goes_on_with_the_client(service: Service) -> None:
    source = """
        import os
        client.track_build(product="parent", version="1")
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                for turn in range(25):
                    outcome = client.track_build(product=f"child-{number}", version=f"{turn}")
                    if not outcome.recorded:
                        os._exit(1)
                os._exit(0)
            children.append(child)
        for turn in range(25):
            client.track_build(product="parent", version=f"{turn}")
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    assert programs.run(service, source) == "done\n"
    assert len(service.requests) == 126


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_track(service: Service, method: str, tmp_path: Path) -> None:
    program = tmp_path / "workers.py"
    program.write_text(
        "import multiprocessing, sys, versioner\n"
        "def work(number):\n"
        "    client = versioner.Client(api_url=sys.argv[1], api_key=sys.argv[2], environ={})\n"
        "    return client.track_build(product='api', version=str(number))\n"
        "def refuse(number):\n"
        "    client = versioner.Client(api_url=sys.argv[1], api_key=sys.argv[2], environ={})\n"
        "    return client.track_build(product='api')\n"
        "if __name__ == '__main__':\n"
        "    work(0)\n"
        f"    with multiprocessing.get_context('{method}').Pool(2) as pool:\n"
        "        outcomes = pool.map(work, range(4))\n"
        "        assert all(type(outcome) is versioner.Outcome for outcome in outcomes)\n"
        "        try:\n"
        "            pool.map(refuse, range(1))\n"
        "        except versioner.ArgumentError as error:\n"
        "            print(error.argument)\n"
    )
    ended = subprocess.run(
        [sys.executable, program, service.url, KEY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=dict(os.environ),
    )
    assert (ended.stdout, ended.returncode) == ("version\n", 0), ended.stderr
    assert len(service.requests) == 5


def test_a_thread_in_a_call_does_not_keep_the_interpreter(service: Service) -> None:
    service.hold()
    source = """
        import threading
        threading.Thread(
            target=client.track_build, kwargs={"product": "api", "version": "1"}, daemon=True
        ).start()
        sys.stdin.readline()
    """
    with programs.program(service, source) as process:
        service.arrivals.acquire()
        _, complained = process.communicate(timeout=10)
    assert (process.returncode, complained) == (0, "")


def test_a_client_is_not_pickled(service: Service) -> None:
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(service.client())
