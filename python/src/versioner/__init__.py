"""Tell Versioner what is built and what is deployed where, and stop when it says no.

    import versioner

    versioner.track_build(product="api", version="1.2.3")

    with versioner.deployment(product="api", environment="production", version="1.2.3"):
        ...  # not reached if policy rejects the deployment

Settings come from the arguments of ``Client``, else from ``VERSIONER_*`` variables, else from
``~/.versioner/config.yaml``; what an event does not name is detected from the CI system.

A call that cannot record its event raises a subclass of ``Error``; a rejection by policy is a
``RejectedError``, and the deployment must not happen. Warnings go to the logger ``versioner``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from versioner import _native
from versioner.client import Client
from versioner.errors import (
    APIError,
    ApprovalRequiredError,
    ArgumentError,
    CancelledError,
    ConfigError,
    DeploymentConflictError,
    Error,
    FlowViolationError,
    InsufficientSoakTimeError,
    InternalError,
    NetworkError,
    NoDeployWindowError,
    QualityApprovalRequiredError,
    RejectedError,
    SupersededError,
    VersionConflictError,
)

# Not in `__all__`, so that `import *` leaves the built-in one alone.
from versioner.errors import TimeoutError as TimeoutError
from versioner.fields import BUILD as _BUILD
from versioner.fields import BUILD_SPAN as _BUILD_SPAN
from versioner.fields import DEPLOYMENT as _DEPLOYMENT
from versioner.fields import DEPLOYMENT_SPAN as _DEPLOYMENT_SPAN
from versioner.fields import (
    BuildFields,
    BuildSpanFields,
    DeploymentFields,
    DeploymentSpanFields,
    Status,
)
from versioner.outcome import Outcome, OutcomeWarning
from versioner.spans import Span

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "APIError",
    "ApprovalRequiredError",
    "ArgumentError",
    "BuildFields",
    "BuildSpanFields",
    "CancelledError",
    "Client",
    "ConfigError",
    "DeploymentConflictError",
    "DeploymentFields",
    "DeploymentSpanFields",
    "Error",
    "FlowViolationError",
    "InsufficientSoakTimeError",
    "InternalError",
    "NetworkError",
    "NoDeployWindowError",
    "Outcome",
    "OutcomeWarning",
    "QualityApprovalRequiredError",
    "RejectedError",
    "Span",
    "Status",
    "SupersededError",
    "VersionConflictError",
    "__version__",
    "build",
    "deployment",
    "track_build",
    "track_build_async",
    "track_deployment",
    "track_deployment_async",
]


__version__: str = _native.VERSION
"""The version of this package and of the library in it."""


def track_build(**fields: Unpack[BuildFields]) -> Outcome:
    """Do as ``Client().track_build``. For many events, make a ``Client`` and keep it."""
    _BUILD.check(fields)
    return Client().track_build(**fields)


def track_deployment(**fields: Unpack[DeploymentFields]) -> Outcome:
    """Do as ``Client().track_deployment``. For many events, make a ``Client`` and keep it."""
    _DEPLOYMENT.check(fields)
    return Client().track_deployment(**fields)


async def track_build_async(**fields: Unpack[BuildFields]) -> Outcome:
    """Do as ``Client().track_build_async``. For many events, make a ``Client`` and keep it."""
    _BUILD.check(fields)
    with Client() as client:
        return await client.track_build_async(**fields)


async def track_deployment_async(**fields: Unpack[DeploymentFields]) -> Outcome:
    """Do as ``Client().track_deployment_async``. For many events, make a ``Client`` and keep it."""
    _DEPLOYMENT.check(fields)
    with Client() as client:
        return await client.track_deployment_async(**fields)


def build(**fields: Unpack[BuildSpanFields]) -> Span:
    """Do as ``Client().build``: track a block of code as a build."""
    _BUILD_SPAN.check(fields)
    return Client().build(**fields)


def deployment(**fields: Unpack[DeploymentSpanFields]) -> Span:
    """Do as ``Client().deployment``: track a block of code as a deployment."""
    _DEPLOYMENT_SPAN.check(fields)
    return Client().deployment(**fields)


_BUILD.describe(track_build, track_build_async)
_BUILD_SPAN.describe(build)
_DEPLOYMENT.describe(track_deployment, track_deployment_async)
_DEPLOYMENT_SPAN.describe(deployment)
