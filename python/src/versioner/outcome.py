"""How a call ended."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional, cast

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True)
class OutcomeWarning:
    """Something that went well enough, but that somebody should know."""

    kind: str
    """A word for programs, such as ``not_recorded``, ``report_only`` or ``unknown_status``; later
    versions may add more."""

    message: str
    """What to tell people."""

    rule: str = ""
    """Name of the violated rule, of kind ``report_only``; else empty."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended: what it returns, or what its exception has as ``outcome``.

    Absent texts are empty. Outcomes compare by value, and can be pickled.
    """

    code: int
    """0 recorded (or not, in best-effort mode: see ``recorded``); 1 a bad argument, a bad setting
    or the network; 4 the service refused or failed; 5 rejected by policy."""

    kind: str
    """The finer reason, such as ``ok``, ``timeout`` or ``flow_violation``; if best-effort mode
    turned a failure into code 0, the reason of that."""

    message: str
    """One or more sentences for people: what went wrong and what to do."""

    argument: str = ""
    """The argument or setting at fault, of kinds ``invalid_argument`` and ``config``, if there is
    one."""

    http_status: int = 0
    """The HTTP status of the last answer; 0 if there was none."""

    attempts: int = 0
    """How often the event was sent."""

    recorded: bool = False
    """Whether the service recorded the event."""

    event_id: str = ""
    """Identifier of the event."""

    product_id: str = ""
    """Identifier of the product."""

    version_id: str = ""
    """Identifier of the version."""

    environment_id: str = ""
    """Identifier of the environment, of deployments."""

    status: str = ""
    """The recorded status; of an event that could not be recorded ``queued`` if the outbox keeps
    it, and in best-effort mode ``not_recorded``."""

    deployed_at_text: str = ""
    """When the service says that the deployment was, as it wrote it."""

    version: str = ""
    """The version that is deployed, of ``Client.deployed_version``."""

    data_json: str = ""
    """What was asked for as the text of JSON, of calls that ask."""

    source_system: str = ""
    """The CI system that was named or detected."""

    features: tuple[str, ...] = ()
    """What the service offers beyond events, such as ``preflight``, as its answer lists it; empty
    if it lists nothing."""

    rule: str = ""
    """Name of the rule that rejects, of code 5."""

    policy_code: str = ""
    """The service's code for the rejection, such as ``FLOW_VIOLATION``."""

    retry_after_text: str = ""
    """When to try again, of code 5, as the service wrote it."""

    details_json: str = ""
    """Further facts about a rejection as the text of a JSON object, if there are any."""

    text: str = ""
    """The block that the command line prints for people, without a line end after it."""

    warnings: tuple[OutcomeWarning, ...] = ()
    """In the order in which they came up. They were logged too."""

    @property
    def deployed_at(self) -> Optional[datetime]:
        """When the deployment was; ``None`` if the service says none, or no time."""
        return _time(self.deployed_at_text)

    @property
    def retry_after(self) -> Optional[datetime]:
        """When to try again; ``None`` if the service says none, or no time."""
        return _time(self.retry_after_text)

    @property
    def details(self) -> Optional[dict[str, Any]]:
        """Further facts about a rejection, as a new dictionary each time."""
        return cast("dict[str, Any]", json.loads(self.details_json)) if self.details_json else None

    @property
    def data(self) -> Any:
        """What was asked for, as new objects each time; ``None`` of calls that do not ask."""
        return json.loads(self.data_json) if self.data_json else None

    def to_dict(self) -> dict[str, Any]:
        """Return every value under the name that the other languages share, ready for JSON."""
        return {
            "code": self.code,
            "kind": self.kind,
            "message": self.message,
            "argument": self.argument,
            "http_status": self.http_status,
            "attempts": self.attempts,
            "recorded": self.recorded,
            "event_id": self.event_id,
            "product_id": self.product_id,
            "version_id": self.version_id,
            "environment_id": self.environment_id,
            "status": self.status,
            "deployed_at": self.deployed_at_text,
            "version": self.version,
            "data": self.data,
            "source_system": self.source_system,
            "features": list(self.features),
            "rule": self.rule,
            "policy_code": self.policy_code,
            "retry_after": self.retry_after_text,
            "details": self.details,
            "text": self.text,
            "warnings": [vars(warning).copy() for warning in self.warnings],
        }


def outcome_of(values: dict[str, Any]) -> Outcome:
    """Make an outcome of what the native half returns, which is every field."""
    if values["warnings"]:
        values["warnings"] = tuple(OutcomeWarning(*each) for each in values["warnings"])
    # The initializer of a frozen class sets one field after the other, in four times the time.
    outcome = object.__new__(Outcome)
    vars(outcome).update(values)
    return outcome


def _time(text: str) -> Optional[datetime]:
    """Read an RFC 3339 time, which Python 3.9 does not."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    date, time, fraction, zone = match.groups()
    zone = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(f"{date}T{time}.{(fraction or '')[:6]:0<6}{zone}")
    except ValueError:
        return None
