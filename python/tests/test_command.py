"""The `versioner` command that the wheel installs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from service import KEY, Service

import versioner

DEPLOYMENT = [
    "track",
    "deployment",
    "--product=api",
    "--environment=e",
    "--version=1",
    "--status=started",
]
COMMANDS = [[str(Path(sys.executable).with_name("versioner"))], [sys.executable, "-m", "versioner"]]
ENDINGS: list[tuple[tuple[int, Any], int, str, str]] = [
    (
        (200, {"id": "evt-1"}),
        0,
        "✓ Deployment event tracked successfully\n  Event ID: evt-1",
        "",
    ),
    ((401, {}), 4, "", "VERSIONER_API_KEY"),
    ((428, {"code": "FLOW_VIOLATION", "message": "Staging"}), 5, "", "Error: FLOW_VIOLATION"),
]


def start(service: Service, command: list[str], **more: str) -> subprocess.Popen[str]:
    settings = {"VERSIONER_API_URL": service.url, "VERSIONER_API_KEY": KEY, **more}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **settings},
    )


@pytest.mark.parametrize("command", COMMANDS, ids=["script", "module"])
@pytest.mark.parametrize(("reply", "code", "printed", "complained"), ENDINGS)
def test_it_exits_with_the_code(
    service: Service,
    command: list[str],
    reply: tuple[int, Any],
    code: int,
    printed: str,
    complained: str,
) -> None:
    service.replies = [reply]
    process = start(service, [*command, *DEPLOYMENT])
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output.strip()) == (code, printed)
    assert complained in errors
    assert KEY not in output + errors


def test_it_is_of_the_version_of_the_package(service: Service) -> None:
    process = start(service, [*COMMANDS[0], "version"])
    assert process.communicate(timeout=60) == (f"versioner {versioner.__version__}\n", "")


def test_ctrl_c_ends_it_with_a_message_and_no_traceback(service: Service) -> None:
    service.hold()
    process = start(service, [*COMMANDS[0], *DEPLOYMENT])
    service.arrivals.acquire()
    process.send_signal(signal.SIGINT)
    printed, complained = process.communicate(timeout=10)
    assert (process.returncode, printed) == (1, "")
    assert "interrupted" in complained
    assert "Traceback" not in complained


def test_arguments_that_are_no_text_are_an_error_and_no_traceback(service: Service) -> None:
    process = start(service, [*COMMANDS[0], "track", "build", "--product", os.fsdecode(b"\xff")])
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in complained
    assert "UTF-8" in complained
