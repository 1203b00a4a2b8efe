"""Deployments that are cut, killed or interrupted in the middle, against the real server.

In each of them a start once stayed open, so that nobody else could deploy, or its end was told
wrongly.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import programs
import pytest
from cut import Cut
from story_server import StoryServer

import versioner

EVENT: Any = {"product": "api", "environment": "production", "version": "1"}

BLOCK = """
    with client.deployment(product="api", environment="production", version="1"):
        print("inside", flush=True)
        work_on()
"""


@pytest.fixture
def cut(story_server: StoryServer) -> Iterator[Cut]:
    cut = Cut(story_server.url)
    yield cut
    cut.close()


def client_of(url: str, server: StoryServer, **settings: Any) -> versioner.Client:
    settings = {"retry_pause": 0.001, "environ": {}, **settings}
    return versioner.Client(api_key=server.key, api_url=url, **settings)


def statuses(server: StoryServer) -> list[str]:
    return [item["status"] for item in server.get("/deployments/?product=api")["items"]]


def test_a_start_whose_answer_is_cut_off_leaves_the_way_free(
    story_server: StoryServer, cut: Cut
) -> None:
    cut.is_cut = True
    client = client_of(cut.url, story_server, max_retries=0)
    with pytest.raises(versioner.NetworkError, match="aborted"), client.deployment(**EVENT):
        pytest.fail("the body ran")
    # The answer to aborted was cut off, too, and was told all the same.
    assert statuses(story_server) == ["aborted"]
    cut.is_cut = False
    with client.deployment(**EVENT):
        pass
    assert sorted(statuses(story_server)) == ["aborted", "completed"]


def test_an_end_whose_answer_is_cut_off_is_told_once(story_server: StoryServer, cut: Cut) -> None:
    client = client_of(cut.url, story_server, max_retries=0)
    with client.deployment(**EVENT) as span:
        cut.is_cut = True
    assert span.ended is not None
    assert not span.ended.recorded
    cut.is_cut = False
    assert span.end("failed").status == "completed"
    assert statuses(story_server) == ["completed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_in_the_block_aborts_it(story_server: StoryServer, number: signal.Signals) -> None:
    with programs.program(story_server, BLOCK, warnings="ignore") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        process.send_signal(number)
        process.communicate(timeout=30)
    # Python itself ends by SIGINT after Ctrl-C.
    assert process.returncode == (-2 if number == signal.SIGINT else 128 + number)
    assert statuses(story_server) == ["aborted"]
    with client_of(story_server.url, story_server).deployment(**EVENT):
        pass


def test_a_program_that_is_killed_is_ended_by_whoever_has_its_text(
    story_server: StoryServer,
) -> None:
    source = """
        span = client.deployment(product="api", environment="production", version="1")
        print(span.save(), flush=True)
        with span:
            print("inside", flush=True)
            work_on()
    """
    with programs.program(story_server, source, warnings="ignore") as process:
        assert process.stdout is not None
        saved = process.stdout.readline()
        assert process.stdout.readline() == "inside\n"
        process.kill()
    client = client_of(story_server.url, story_server)
    with pytest.raises(versioner.DeploymentConflictError):
        client.begin(**EVENT)
    # It was saved before it was asked, and asking again is the same deployment.
    client.resume(saved).end("aborted")
    with client.deployment(**EVENT):
        pass
    assert sorted(statuses(story_server)) == ["aborted", "completed", "preflight_failed"]


def test_a_deployment_that_succeeded_is_never_told_failed(
    story_server: StoryServer, cut: Cut, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(cut.url, story_server, max_retries=0)
    span = client.deployment(**EVENT)
    try:
        with span:
            cut.is_cut = True
    except versioner.Error:
        client.track_deployment(**EVENT, status="failed")
    assert "the end (completed) could not be told" in caplog.text
    cut.is_cut = False
    span.end("completed")
    assert statuses(story_server) == ["completed"]


def test_the_parts_of_a_deployment_end_as_the_worst_of_them(story_server: StoryServer) -> None:
    settings: dict[str, Any] = {"environ": {"VERSIONER_INVOKE_ID": "run-7"}}
    client = client_of(story_server.url, story_server, **settings)
    east = client.begin(**EVENT, part="east")
    west = client.begin(**EVENT, part="west")
    west.end("failed")
    assert statuses(story_server) == ["started"]
    east.end("completed")
    assert statuses(story_server) == ["failed"]
