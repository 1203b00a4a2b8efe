"""The native half of this package. Private: use what ``versioner`` exports.

The classes take keyword arguments as dictionaries, and give outcomes as dictionaries with the
fields of ``versioner.Outcome``. ``OutcomeError`` carries such a dictionary, which
``versioner.client`` turns into an exception of ``versioner.errors``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

__all__ = [
    "BUILD_FIELDS",
    "BUILD_PER_CALL",
    "DEPLOYMENT_FIELDS",
    "DEPLOYMENT_PER_CALL",
    "KINDS",
    "MAX_METADATA_BYTES",
    "VERSION",
    "Cancellation",
    "Client",
    "OutcomeError",
    "Span",
    "run_cli",
]

VERSION: str
"""The version of the library, such as ``0.1.0``."""

MAX_METADATA_BYTES: int
"""The most that ``extra_metadata`` may measure as JSON text."""

KINDS: list[tuple[str, int]]
"""Every kind of outcome, with the code that a failure of it has."""

BUILD_FIELDS: list[tuple[str, str]]
"""The text fields of a build, with what they mean."""

BUILD_PER_CALL: list[str]
"""What a call alone can say of a build, never a variable."""

DEPLOYMENT_FIELDS: list[tuple[str, str]]
"""The text fields of a deployment, with what they mean."""

DEPLOYMENT_PER_CALL: list[str]
"""What a call alone can say of a deployment, never a variable."""

class OutcomeError(Exception):
    """A call that ended with another code than 0; its argument is the outcome."""

@final
class Cancellation:
    """Ends the call that it was handed to."""

    def __new__(cls) -> Cancellation: ...
    def cancel(self) -> None:
        """End the call with kind ``interrupted``, from any thread."""

@final
class Client:
    """Sends events. Raises ``OutcomeError``, or what a signal handler raised meanwhile."""

    def __new__(cls, settings: Mapping[str, Any]) -> Client: ...
    def track_build(
        self, fields: Mapping[str, Any], cancellation: Cancellation | None = None
    ) -> dict[str, Any]:
        """Send a build without the GIL."""

    def track_deployment(
        self, fields: Mapping[str, Any], cancellation: Cancellation | None = None
    ) -> dict[str, Any]:
        """Send a deployment without the GIL."""

    def check_deployment(
        self, fields: Mapping[str, Any], cancellation: Cancellation | None = None
    ) -> dict[str, Any]:
        """Ask about a deployment without the GIL."""

    def read(
        self,
        path: str,
        query: Sequence[tuple[str, str]],
        timeout: float | None,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        """Read a path without the GIL."""

    def state(
        self, product: str, timeout: float | None, cancellation: Cancellation | None = None
    ) -> dict[str, Any]:
        """Read what runs where without the GIL."""

    def deployed_version(
        self,
        product: str,
        environment: str,
        timeout: float | None,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        """Read which version runs somewhere without the GIL."""

    def explain_build(self, fields: Mapping[str, Any]) -> str:
        """Explain a build as JSON, and send nothing."""

    def explain_deployment(self, fields: Mapping[str, Any]) -> str:
        """Explain a deployment as JSON, and send nothing."""

    def validate_build(self, fields: Mapping[str, Any]) -> None:
        """Check a build, and send nothing."""

    def validate_deployment(self, fields: Mapping[str, Any]) -> None:
        """Check a deployment, and send nothing."""

    def prepare_build(self, fields: Mapping[str, Any]) -> Span:
        """Make a span of a build, and send nothing."""

    def prepare_deployment(self, fields: Mapping[str, Any]) -> Span:
        """Make a span of a deployment, and send nothing."""

    def resume(self, text: str, ask: bool, cancellation: Cancellation | None = None) -> Span:
        """Make a span of its text without the GIL, which may ask if it did not before."""

    def cancel(self) -> None:
        """End every call in progress."""

    @property
    def api_url(self) -> str: ...
    @property
    def ui_url(self) -> str: ...

@final
class Span:
    """One build or deployment. Raises ``OutcomeError``, or what a signal handler raised."""

    def ask(self, cancellation: Cancellation | None = None) -> dict[str, Any]:
        """Ask whether it may begin, without the GIL; once."""

    def end(self, ending: Mapping[str, Any]) -> dict[str, Any]:
        """Tell how it ended, without the GIL; no signal handler runs meanwhile."""

    def renew(self, cancellation: Cancellation | None = None) -> None:
        """Say that it goes on, without the GIL."""

    def keep_renewed(self) -> None:
        """Say so again and again, from a thread."""

    def stop_renewing(self) -> None:
        """End that thread, if there is one."""

    def let_go(self) -> None:
        """Tell ``aborted`` of one that is open and not saved, without the GIL."""

    def save(self) -> str:
        """Return its text."""

    @property
    def id(self) -> str: ...
    @property
    def started(self) -> dict[str, Any] | None: ...

def run_cli(arguments: Sequence[str]) -> int:
    """Run the command line, the program's name first, and return its exit code."""
