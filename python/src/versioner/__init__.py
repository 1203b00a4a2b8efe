"""Tell Versioner what is built and what is deployed where, and stop when it says no.

    import versioner

    versioner.track_build(product="api", version="1.2.3")

    with versioner.deployment(product="api", environment="production", version="1.2.3"):
        ...  # not reached where policy rejects the deployment

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
    TimeoutError,
    VersionConflictError,
)
from versioner.fields import takes_build, takes_build_span, takes_deployment, takes_deployment_span
from versioner.outcome import Outcome, OutcomeWarning
from versioner.spans import Span

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from versioner.fields import (
        BuildFields,
        BuildSpanFields,
        DeploymentFields,
        DeploymentSpanFields,
    )

__all__ = [
    "APIError",
    "ApprovalRequiredError",
    "ArgumentError",
    "CancelledError",
    "Client",
    "ConfigError",
    "DeploymentConflictError",
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
    "TimeoutError",
    "VersionConflictError",
    "__version__",
    "build",
    "deployment",
    "track_build",
    "track_deployment",
]


__version__: str = _native.VERSION
"""The version of this package and of the library in it."""


@takes_build
def track_build(**fields: Unpack[BuildFields]) -> Outcome:
    """Do as ``Client().track_build``. For many events, make a ``Client`` and keep it."""
    return Client().track_build(**fields)


@takes_deployment
def track_deployment(**fields: Unpack[DeploymentFields]) -> Outcome:
    """Do as ``Client().track_deployment``. For many events, make a ``Client`` and keep it."""
    return Client().track_deployment(**fields)


@takes_build_span
def build(**fields: Unpack[BuildSpanFields]) -> Span:
    """Do as ``Client().build``: track a block of code as a build."""
    return Client().build(**fields)


@takes_deployment_span
def deployment(**fields: Unpack[DeploymentSpanFields]) -> Span:
    """Do as ``Client().deployment``: track a block of code as a deployment."""
    return Client().deployment(**fields)
