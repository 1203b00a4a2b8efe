"""What a call raises: one class for each thing that a caller may do about it."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any, Callable, Optional

from versioner.outcome import Outcome


class Error(Exception):
    """A call that ended with another code than 0, for whichever reason.

    Everything about it is in ``outcome``; the attributes here are its most used ones.
    """

    outcome: Outcome
    """How the call ended."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message or outcome.text)
        self.outcome = outcome

    def __reduce__(self) -> tuple[Callable[[Outcome], Error], tuple[Outcome]]:
        return type(self), (self.outcome,)

    @property
    def code(self) -> int:
        """1, 4 or 5: the exit code of the command line for this."""
        return self.outcome.code

    @property
    def kind(self) -> str:
        """The finer reason, such as ``timeout`` or ``flow_violation``."""
        return self.outcome.kind

    @property
    def message(self) -> str:
        """One or more sentences for people: what went wrong and what to do."""
        return self.outcome.message

    @property
    def text(self) -> str:
        """The block that the command line prints for people."""
        return self.outcome.text

    @property
    def argument(self) -> str:
        """The argument or setting at fault, if one is; else empty."""
        return self.outcome.argument

    @property
    def http_status(self) -> int:
        """The HTTP status of the last answer; 0 if there was none."""
        return self.outcome.http_status

    @property
    def attempts(self) -> int:
        """How often the event was sent."""
        return self.outcome.attempts

    @property
    def rule(self) -> str:
        """Name of the rule that rejects; else empty."""
        return self.outcome.rule

    @property
    def policy_code(self) -> str:
        """The service's code for the rejection, such as ``FLOW_VIOLATION``; else empty."""
        return self.outcome.policy_code

    @property
    def retry_after(self) -> Optional[datetime]:
        """When to try again, if the service says so."""
        return self.outcome.retry_after

    @property
    def details(self) -> Optional[dict[str, Any]]:
        """Further facts about a rejection, if there are any."""
        return self.outcome.details


class ArgumentError(Error, ValueError):
    """An argument is missing or malformed; nothing was sent. ``argument`` names it."""


class ConfigError(Error):
    """A setting, the configuration file, a proxy or a certificate is unusable; nothing was sent."""


class NetworkError(Error, ConnectionError):
    """The service could not be reached, hung up (``network``), or is not trusted (``tls``)."""


class TimeoutError(NetworkError, builtins.TimeoutError):
    """The service did not answer in time."""


class CancelledError(Error):
    """``Client.cancel`` ended the call; the event may or may not be recorded."""


class InternalError(Error):
    """A fault of this library."""


class APIError(Error):
    """The service answered, neither with success nor with a rejection. ``kind`` tells more."""


class RejectedError(Error):
    """Policy forbids it: the deployment must not happen.

    The subclasses are the known reasons; this class itself is any other.
    """


class DeploymentConflictError(RejectedError):
    """Another deployment of the product to the environment is in progress."""


class NoDeployWindowError(RejectedError):
    """The schedule forbids deployments now; ``retry_after`` may say until when."""


class FlowViolationError(RejectedError):
    """The version has not been through the environments that come first."""


class InsufficientSoakTimeError(RejectedError):
    """The version has not been long enough in an environment that comes first."""


class QualityApprovalRequiredError(RejectedError):
    """Quality approval is missing."""


class ApprovalRequiredError(RejectedError):
    """Release approval is missing."""


class VersionConflictError(RejectedError):
    """The version exists already with other content."""


class SupersededError(RejectedError):
    """Another version was started there while this one waited: it must not go out last by luck."""


_BY_KIND: dict[str, type[Error]] = {
    "invalid_argument": ArgumentError,
    "config": ConfigError,
    "network": NetworkError,
    "tls": NetworkError,
    "timeout": TimeoutError,
    "interrupted": CancelledError,
    "internal": InternalError,
    "deployment_conflict": DeploymentConflictError,
    "no_deploy_window": NoDeployWindowError,
    "flow_violation": FlowViolationError,
    "insufficient_soak_time": InsufficientSoakTimeError,
    "quality_approval_required": QualityApprovalRequiredError,
    "approval_required": ApprovalRequiredError,
    "version_conflict": VersionConflictError,
    "superseded": SupersededError,
}

_BY_CODE: dict[int, type[Error]] = {4: APIError, 5: RejectedError}


def error_of(outcome: Outcome) -> Error:
    """Make the exception for an outcome of another code than 0."""
    by_code = _BY_CODE.get(outcome.code, Error)
    return _BY_KIND.get(outcome.kind, by_code)(outcome)
