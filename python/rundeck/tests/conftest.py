"""A versioner-server, shared with the tests of the Ansible collection."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "ansible" / "tests" / "conftest.py"
specification = importlib.util.spec_from_file_location("versioner_service", SHARED)
shared = importlib.util.module_from_spec(specification)
specification.loader.exec_module(shared)


@pytest.fixture
def service(tmp_path):
    """A server of the test's own."""
    server = shared.Service(tmp_path / "data")
    yield server
    server.stop()
