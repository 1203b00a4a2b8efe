"""The keyword arguments of the two events."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Callable, TypedDict, TypeVar

from versioner import _native

_Function = TypeVar("_Function", bound=Callable[..., Any])

_FLAGS = {
    "skip_preflight_checks": "Deprecated: asks the service to skip its preflight checks. "
    "Set the rule to report-only on the server instead."
}


class SpanFields(TypedDict, total=False):
    """What both events share but their status and their end."""

    product: str | None
    version: str | None
    source_system: str | None
    build_number: str | None
    scm_sha: str | None
    scm_branch: str | None
    scm_repository: str | None
    build_url: str | None
    invoke_id: str | None
    extra_metadata: Mapping[str, Any] | str | None


class BuildSpanFields(SpanFields, total=False):
    """The keyword arguments of ``Client.build``."""

    built_by: str | None
    built_by_email: str | None
    built_by_name: str | None
    started_at: datetime | str | None


class DeploymentSpanFields(SpanFields, total=False):
    """The keyword arguments of ``Client.deployment``."""

    environment: str | None
    deploy_url: str | None
    deployed_by: str | None
    deployed_by_email: str | None
    deployed_by_name: str | None
    skip_preflight_checks: bool | None


class BuildFields(BuildSpanFields, total=False):
    """The keyword arguments of ``Client.track_build``."""

    status: str | None
    completed_at: datetime | str | None


class DeploymentFields(DeploymentSpanFields, total=False):
    """The keyword arguments of ``Client.track_deployment``."""

    status: str | None
    completed_at: datetime | str | None


def _takes(
    fields: Sequence[tuple[str, str]], flags: Sequence[str], typed: type[Any]
) -> Callable[[_Function], _Function]:
    """Give a function with ``**fields`` their signature, and their documentation from the core."""
    abouts = {**dict(fields), **{flag: _FLAGS.get(flag, "") for flag in flags}}
    names = [name for name in abouts if name in _names(typed)]
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names
    ]
    about = "\n\nArguments:\n" + "".join(f"    {name}: {abouts[name]}\n" for name in names)

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)
        first = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        function.__signature__ = signature.replace(parameters=[*first, *keywords])  # type: ignore[attr-defined]
        function.__doc__ = inspect.cleandoc(function.__doc__ or "") + about
        return function

    return decorate


def _names(typed: type[Any]) -> frozenset[str]:
    names: frozenset[str] = typed.__optional_keys__
    return names


takes_build = _takes(_native.BUILD_FIELDS, _native.BUILD_FLAGS, BuildFields)
takes_deployment = _takes(_native.DEPLOYMENT_FIELDS, _native.DEPLOYMENT_FLAGS, DeploymentFields)
takes_build_span = _takes(_native.BUILD_FIELDS, _native.BUILD_FLAGS, BuildSpanFields)
takes_deployment_span = _takes(
    _native.DEPLOYMENT_FIELDS, _native.DEPLOYMENT_FLAGS, DeploymentSpanFields
)
