"""The keyword arguments of the two events.

The types are written as every supported Python can evaluate them, for those who ask at run time.
"""

import difflib
import inspect
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Callable, Literal, Optional, TypedDict, Union, cast

from versioner import _native

_PER_CALL = {
    "skip_preflight_checks": "Deprecated: asks the service to skip its preflight checks. "
    "Set the rule to report-only on the server instead.",
    "skip_reason": "Why the preflight checks are skipped; kept with the event.",
    "allow_literal": "Sends product, environment and version as they are, even if one looks like "
    "a placeholder that nobody replaced.",
    "idempotency_key": "Makes two calls one event, such as a CI's retry of a step; a new one for "
    "each call.",
    "part": "Which of several legs of one run this is, such as a region of a matrix, in at most 64 "
    "characters; the deployment ends when every part that started has, as the worst of them.",
    "lease": "Seconds after the last sign of life that the service waits before it lets another "
    "deployment begin, from 1 to 86,400; 24 h if unset. A block gives the signs by itself.",
    "wait": "Seconds that a start waits for its gate, if a window, a soak time, an approval or "
    "another deployment keeps it closed, or if the service cannot be reached; timeout is then of "
    "each asking.",
    "wait_for": "'flow' waits for the environments that come first, too; without it that ends the "
    "wait at once.",
    "wait_superseded": "What to do if another version was started there meanwhile: 'stop' raises "
    "SupersededError, 'go' waits on; 'stop'.",
    "timeout": "Seconds that this call may take with all its attempts and pauses, in place of the "
    "client's total_timeout.",
}

Status = Literal["pending", "started", "completed", "failed", "aborted"]
"""Where a build or a deployment stands.

For type checkers. When the program runs, other words for the same pass too, such as ``success`` and
``cancelled``, and any other text is sent with a warning: ``cast(versioner.Status, text)``.
"""


class SpanFields(TypedDict, total=False):
    """What both events share but their status and their end."""

    product: Optional[str]
    version: Optional[str]
    source_system: Optional[str]
    build_number: Optional[str]
    scm_sha: Optional[str]
    scm_branch: Optional[str]
    scm_repository: Optional[str]
    build_url: Optional[str]
    invoke_id: Optional[str]
    extra_metadata: Union[Mapping[str, Any], str, None]
    allow_literal: Optional[bool]
    timeout: Optional[float]


class BuildSpanFields(SpanFields, total=False):
    """The keyword arguments of ``Client.build``."""

    built_by: Optional[str]
    built_by_email: Optional[str]
    built_by_name: Optional[str]
    started_at: Union[datetime, str, None]


class DeploymentBaseFields(SpanFields, total=False):
    """What a deployment has as a span and as one event."""

    environment: Optional[str]
    deploy_url: Optional[str]
    deployed_by: Optional[str]
    deployed_by_email: Optional[str]
    deployed_by_name: Optional[str]
    skip_preflight_checks: Optional[bool]
    skip_reason: Optional[str]
    part: Optional[str]
    wait: Optional[float]
    wait_for: Optional[Literal["flow"]]
    wait_superseded: Optional[Literal["stop", "go"]]


class DeploymentSpanFields(DeploymentBaseFields, total=False):
    """The keyword arguments of ``Client.deployment`` and ``Client.begin``."""

    lease: Optional[float]


class BuildFields(BuildSpanFields, total=False):
    """The keyword arguments of ``Client.track_build``."""

    status: Optional[Status]
    completed_at: Union[datetime, str, None]
    idempotency_key: Optional[str]


class DeploymentFields(DeploymentBaseFields, total=False):
    """The keyword arguments of ``Client.track_deployment``."""

    status: Optional[Status]
    completed_at: Union[datetime, str, None]
    idempotency_key: Optional[str]


class Keywords:
    """The keyword arguments that some functions take as ``**fields``."""

    def __init__(
        self, typed: type[Any], fields: Sequence[tuple[str, str]], per_call: Sequence[str]
    ) -> None:
        abouts = {**dict(fields), **{name: _PER_CALL[name] for name in per_call}}
        self._types: dict[str, Any] = typed.__annotations__
        self._abouts = {name: about for name, about in abouts.items() if name in self._types}

    def check(self, fields: Mapping[str, object]) -> None:
        """Raise ``TypeError`` if one of these arguments is none of those."""
        for name in fields:
            if name not in self._abouts:
                # What is shown of this traceback may show its variables, and this may be the key.
                cast("dict[str, object]", fields).clear()
                raise TypeError(f"got an unexpected keyword argument '{name}'{self._advice(name)}")

    def _advice(self, name: str) -> str:
        from versioner.client import Client

        if name in inspect.signature(Client).parameters:
            return f": give it to versioner.Client({name}=...), and track with that client"
        if name in _ENDS:
            return ": the span sends it by itself"
        close = difflib.get_close_matches(name, self._abouts, n=1)
        return f"; did you mean '{close[0]}'?" if close else ""

    def describe(self, *functions: Callable[..., Any]) -> None:
        """Give functions their signature, their types, and documentation from the core."""
        keywords = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=self._types[name],
            )
            for name in self._abouts
        ]
        about = "".join(f"    {name}: {text}\n" for name, text in self._abouts.items())
        for function in functions:
            signature = inspect.signature(function)
            first = [
                parameter
                for parameter in signature.parameters.values()
                if parameter.kind is not inspect.Parameter.VAR_KEYWORD
            ]
            described: Any = function
            described.__signature__ = signature.replace(parameters=[*first, *keywords])
            described.__annotations__ = {
                **{keyword.name: keyword.annotation for keyword in keywords},
                "return": signature.return_annotation,
            }
            described.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\nArguments:\n{about}"


_ENDS = ("status", "completed_at")

BUILD = Keywords(BuildFields, _native.BUILD_FIELDS, _native.BUILD_PER_CALL)
BUILD_SPAN = Keywords(BuildSpanFields, _native.BUILD_FIELDS, _native.BUILD_PER_CALL)
DEPLOYMENT = Keywords(DeploymentFields, _native.DEPLOYMENT_FIELDS, _native.DEPLOYMENT_PER_CALL)
DEPLOYMENT_SPAN = Keywords(
    DeploymentSpanFields, _native.DEPLOYMENT_FIELDS, _native.DEPLOYMENT_PER_CALL
)
