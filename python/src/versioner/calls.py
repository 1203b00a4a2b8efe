"""Calls of the native half, which raise the exceptions of this package."""

from __future__ import annotations

from typing import Any, Callable, TypeVar

from versioner import _native
from versioner.errors import error_of
from versioner.outcome import outcome_of

_Made = TypeVar("_Made")


def called(call: Callable[..., _Made], *arguments: Any) -> _Made:
    """Turn what the native half raises into the exceptions of this package."""
    try:
        return call(*arguments)
    except _native.OutcomeError as failed:
        outcome = outcome_of(failed.args[0])
    raise error_of(outcome)
