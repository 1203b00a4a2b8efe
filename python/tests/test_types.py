"""That what type checkers and `help` are told is so."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import versioner
from versioner import _native, fields

BUILD = [*dict(_native.BUILD_FIELDS), *_native.BUILD_FLAGS]
DEPLOYMENT = [*dict(_native.DEPLOYMENT_FIELDS), *_native.DEPLOYMENT_FLAGS]
ENDS = {"status", "completed_at"}


def test_the_stub_agrees_with_the_native_module() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "versioner._native"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (fields.BuildFields, set(BUILD)),
        (fields.BuildSpanFields, set(BUILD) - ENDS),
        (fields.DeploymentFields, set(DEPLOYMENT)),
        (fields.DeploymentSpanFields, set(DEPLOYMENT) - ENDS),
    ],
)
def test_the_typed_fields_are_those_of_the_core(typed: Any, names: set[str]) -> None:
    assert typed.__optional_keys__ == names


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (versioner.track_build, BUILD),
        (versioner.Client.track_build, BUILD),
        (versioner.Client.track_build_async, BUILD),
        (versioner.track_deployment, DEPLOYMENT),
        (versioner.Client.track_deployment, DEPLOYMENT),
        (versioner.Client.track_deployment_async, DEPLOYMENT),
        (versioner.build, [name for name in BUILD if name not in ENDS]),
        (versioner.Client.build, [name for name in BUILD if name not in ENDS]),
        (versioner.deployment, [name for name in DEPLOYMENT if name not in ENDS]),
        (versioner.Client.deployment, [name for name in DEPLOYMENT if name not in ENDS]),
    ],
)
def test_help_names_every_argument(function: Callable[..., Any], names: list[str]) -> None:
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    assert parameters == names
    shown = pydoc.plain(pydoc.render_doc(function))
    for name in names:
        # With what it means.
        assert f"\n        {name}: " in shown or f"\n    {name}: " in shown


def test_everything_public_is_documented() -> None:
    for name in versioner.__all__:
        if name == "__version__":
            continue
        assert inspect.getdoc(getattr(versioner, name)), name
        # Not the documentation of a class above it.
        assert getattr(versioner, name).__doc__, name
