"""Servers for the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted import ScriptedServer


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()
