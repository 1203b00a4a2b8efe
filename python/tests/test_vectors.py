"""The cases that every language runs."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from scripted import ScriptedServer

import versioner


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    server = ScriptedServer()
    try:
        metafunc.parametrize("case", server.cases())
    finally:
        server.close()


def call(client: versioner.Client, started: dict[str, Any]) -> versioner.Outcome:
    fields = started["fields"]
    if started["call"] == "read":
        return client.read(started["path"], dict(started["query"]))
    if started["call"] == "track" and started["event"] == "build":
        return client.track_build(**fields)
    if started["call"] == "check":
        return client.check_deployment(**fields)
    if started["call"] == "state":
        return client.state(**fields)
    if started["call"] == "deployed_version":
        return client.deployed_version(**fields)
    return client.track_deployment(**fields)


def perform(started: dict[str, Any]) -> versioner.Outcome:
    environ = dict(started["environment"])
    for name, text in started.get("environment_bytes", {}).items():
        # As `os.environ` holds bytes that are no text.
        environ[name] = os.fsdecode(base64.b64decode(text))
    try:
        client = versioner.Client(environ=environ, **started["options"])
        return call(client, started)
    except versioner.Error as error:
        return error.outcome


def test_does_what_every_surface_does(scripted_server: ScriptedServer, case: str) -> None:
    started = scripted_server.start(case)
    result = perform(started).to_dict()
    judged = scripted_server.finish(started["run"], result)
    assert judged["passed"], "\n".join(judged["differences"])
