"""That what type checkers and `help` are told is so."""

from __future__ import annotations

import inspect
import pydoc
import typing
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pydantic
import pytest
from service import Service

import versioner
from versioner import _native, fields

BUILD = [*dict(_native.BUILD_FIELDS), *_native.BUILD_PER_CALL]
DEPLOYMENT = [*dict(_native.DEPLOYMENT_FIELDS), *_native.DEPLOYMENT_PER_CALL]
# What a span says itself, or refuses: its identity is its own.
NOT_OF_SPANS = {"status", "completed_at", "idempotency_key"}
ONLY_OF_SPANS = {"lease"}
OF_ONE_EVENT = [name for name in DEPLOYMENT if name not in ONLY_OF_SPANS]
OF_A_SPAN = [name for name in DEPLOYMENT if name not in NOT_OF_SPANS]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (fields.BuildFields, set(BUILD)),
        (fields.BuildSpanFields, set(BUILD) - NOT_OF_SPANS),
        (fields.DeploymentFields, set(DEPLOYMENT) - ONLY_OF_SPANS),
        (fields.DeploymentSpanFields, set(DEPLOYMENT) - NOT_OF_SPANS),
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
        (versioner.track_deployment, OF_ONE_EVENT),
        (versioner.Client.track_deployment, OF_ONE_EVENT),
        (versioner.Client.track_deployment_async, OF_ONE_EVENT),
        (versioner.build, [name for name in BUILD if name not in NOT_OF_SPANS]),
        (versioner.Client.build, [name for name in BUILD if name not in NOT_OF_SPANS]),
        (versioner.deployment, OF_A_SPAN),
        (versioner.Client.deployment, OF_A_SPAN),
        (versioner.Client.begin, OF_A_SPAN),
    ],
)
def test_help_names_every_argument(function: Callable[..., Any], names: list[str]) -> None:
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    assert parameters == names
    shown = pydoc.plain(pydoc.render_doc(function))
    for name in names:
        # With what it means.
        assert f"\n        {name}: " in shown or f"\n    {name}: " in shown


def public() -> list[Any]:
    """Return every public class and function, and what the classes have."""
    named = [
        getattr(versioner, name)
        for name in versioner.__all__
        if name not in ("__version__", "Status")
    ]
    members = [
        getattr(member, "fget", member)
        for each in named
        if isinstance(each, type)
        for name, member in vars(each).items()
        if callable(getattr(member, "fget", member)) and name[0] != "_"
    ]
    return [*named, *members, versioner.Client.__init__]


@pytest.mark.parametrize("each", public(), ids=lambda each: each.__qualname__)
def test_types_resolve_when_the_program_runs(each: Any) -> None:
    hints = typing.get_type_hints(each)
    if not isinstance(each, type):
        assert "return" in hints


@pytest.mark.parametrize("function", [versioner.track_build, versioner.Client.track_build])
def test_types_are_those_of_the_signature(function: Callable[..., Any]) -> None:
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    assert {name for name in parameters if name != "self"} == {*hints} - {"return"}
    assert hints["status"] == typing.Optional[versioner.Status]
    assert hints["return"] is versioner.Outcome


def test_pydantic_validates_calls(service: Service) -> None:
    track: Any = pydantic.validate_call(service.client().track_build)
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert track(product="api", version="1", completed_at=now, extra_metadata={"a": 1}).recorded
    assert service.requests[0]["extra_metadata"] == {"a": 1}
    with pytest.raises(pydantic.ValidationError):
        track(product="api", version=1.2)
    with pytest.raises(pydantic.ValidationError):
        track(product="api", versoin="1")


def test_everything_public_is_documented() -> None:
    for name in versioner.__all__:
        if name in ("__version__", "Status"):
            continue
        assert inspect.getdoc(getattr(versioner, name)), name
        # Not the documentation of a class above it.
        assert getattr(versioner, name).__doc__, name
