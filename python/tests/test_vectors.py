"""The cases that every language runs."""

from __future__ import annotations

import base64
import os
from typing import Any, Optional

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


OF_A_START = ("part", "lease", "wait", "wait_for", "wait_superseded")


class Steps:
    """Several calls on one client."""

    def __init__(self, client: versioner.Client, event: str) -> None:
        self._client = client
        self._span_of = client.build if event == "build" else client.deployment
        self._span: Optional[versioner.Span] = None
        self._saved = ""

    def perform(self, step: dict[str, Any]) -> Optional[versioner.Outcome]:
        """Return the outcome, `None` of a step that asks for nothing."""
        try:
            return self._perform(step)
        except versioner.Error as error:
            return error.outcome

    def _perform(self, step: dict[str, Any]) -> Optional[versioner.Outcome]:
        fields = {**step.get("fields", {})}
        fields.update((name, step[name]) for name in OF_A_START if name in step)
        if step["do"] == "track":
            return self._client.track_deployment(**fields)
        if step["do"] == "begin":
            span = self._span_of(**fields)
            span.ask()
            return self._keep(span)
        if step["do"] == "prepare":
            return self._keep(self._span_of(**fields))
        if step["do"] == "resume":
            return self._keep(self._client.resume(self._saved))
        assert self._span is not None
        if step["do"] == "end":
            of_end = ("error_class", "exit_code", "signal", "extra_metadata")
            more = {name: step[name] for name in of_end if name in step}
            return self._span.end(step.get("status", ""), **more)
        if step["do"] == "save":
            self._saved = self._span.save()
        elif step["do"] == "free":
            self._span.close()
        else:
            raise NotImplementedError(step["do"])
        return None

    def _keep(self, span: versioner.Span) -> Optional[versioner.Outcome]:
        """Go on with this one; the one before is left, as if its process were gone."""
        self._span = span
        return span.started if hasattr(span, "started") else None


def perform(started: dict[str, Any]) -> dict[str, Any]:
    environ = dict(started["environment"])
    for name, text in started.get("environment_bytes", {}).items():
        # As `os.environ` holds bytes that are no text.
        environ[name] = os.fsdecode(base64.b64decode(text))
    try:
        client = versioner.Client(environ=environ, **started["options"])
        if "steps" in started:
            steps = Steps(client, started["event"])
            outcomes = [steps.perform(step) for step in started["steps"]]
            return {"steps": [outcome and outcome.to_dict() for outcome in outcomes]}
        return call(client, started).to_dict()
    except versioner.Error as error:
        return error.outcome.to_dict()


def test_does_what_every_surface_does(scripted_server: ScriptedServer, case: str) -> None:
    started = scripted_server.start(case)
    judged = scripted_server.finish(started["run"], perform(started))
    assert judged["passed"], "\n".join(judged["differences"])
