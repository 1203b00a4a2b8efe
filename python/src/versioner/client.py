"""The client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, NoReturn, TypeVar

from versioner import _native
from versioner.errors import error_of
from versioner.fields import takes_build, takes_build_span, takes_deployment, takes_deployment_span
from versioner.outcome import Outcome, outcome_of
from versioner.spans import Span

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from versioner.fields import (
        BuildFields,
        BuildSpanFields,
        DeploymentFields,
        DeploymentSpanFields,
    )

_Made = TypeVar("_Made")


class Client:
    """Tells the service about builds and deployments.

    Made once and used for many events: it keeps connections open. Threads may share it, and a
    forked child may go on using it. It cannot be pickled, because that would write the API key:
    make one in each process that ``multiprocessing`` spawns.

    What is ``None`` is taken from the ``VERSIONER_*`` variable of the same name in upper case,
    then from the configuration file, then from the default. Nothing is sent.

    Arguments:
        api_key: The API key, ``sk_account_id_random``. Required from somewhere.
        api_url: Base URL of the service; ``https://api.versioner.io``.
        ui_url: Base URL of the web interface, for links; ``https://app.versioner.io``.
        config: Path of the configuration file; ``~/.versioner/config.yaml`` where it exists.
        fail_on_api_error: Whether an event that could not be recorded is an error; ``True``. With
            ``False`` it is a warning. Rejections and bad arguments stay errors.
        max_retries: Attempts after the first, on network failures, HTTP 429 and 5xx; 3.
        retry_pause: Seconds before the first retry, doubled for each further one; 1.
        attempt_timeout: Seconds for one attempt; 30.
        total_timeout: Seconds for all attempts and pauses together; 120.
        ca_file: PEM file of the only certificate authorities to trust; the system's.
        client_cert: PEM file of a client certificate, with its chain.
        client_key: PEM file of its key; the file of the certificate.
        environ: The variables for settings, proxies and the detection of the CI system;
            ``os.environ``, as it is now.
        surface: What the ``User-Agent`` names as the sender.

    Raises:
        ConfigError: No API key, or a setting, file or proxy that cannot be used.
        ArgumentError: A value of the wrong type.

    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_url: str | None = None,
        ui_url: str | None = None,
        config: str | os.PathLike[str] | None = None,
        fail_on_api_error: bool | None = None,
        max_retries: int | None = None,
        retry_pause: float | None = None,
        attempt_timeout: float | None = None,
        total_timeout: float | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        client_cert: str | os.PathLike[str] | None = None,
        client_key: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        surface: str = "python",
    ) -> None:
        settings = {
            "api_key": api_key,
            "api_url": api_url,
            "ui_url": ui_url,
            "config": config,
            "fail_on_api_error": fail_on_api_error,
            "max_retries": max_retries,
            "retry_pause": retry_pause,
            "attempt_timeout": attempt_timeout,
            "total_timeout": total_timeout,
            "ca_file": ca_file,
            "client_cert": client_cert,
            "client_key": client_key,
            "environ": os.environ if environ is None else environ,
            "surface": surface,
        }
        self._native = _called(_native.Client, settings)

    @takes_build
    def track_build(self, **fields: Unpack[BuildFields]) -> Outcome:
        """Tell that something was built. Returns once it is recorded.

        What is ``None`` is taken from ``VERSIONER_*`` variables, the configuration file and the CI
        system, in this order. Times are aware ``datetime`` or RFC 3339 text; ``extra_metadata`` is
        a mapping or the text of a JSON object, at most 102,400 bytes, whose numbers travel as they
        are (``Decimal`` and ``int`` of any size too).

        Raises a subclass of ``Error`` where it is not recorded; Ctrl-C ends the call.
        """
        return outcome_of(_called(self._native.track_build, fields))

    @takes_deployment
    def track_deployment(self, **fields: Unpack[DeploymentFields]) -> Outcome:
        """Tell that something is deployed. Returns once it is recorded.

        With status ``started`` it is checked against policy first: on a ``RejectedError`` the
        deployment must not happen.

        What is ``None`` is taken from ``VERSIONER_*`` variables, the configuration file and the CI
        system, in this order. Times are aware ``datetime`` or RFC 3339 text; ``extra_metadata`` is
        a mapping or the text of a JSON object, at most 102,400 bytes, whose numbers travel as they
        are (``Decimal`` and ``int`` of any size too).

        Raises a subclass of ``Error`` where it is not recorded; Ctrl-C ends the call.
        """
        return outcome_of(_called(self._native.track_deployment, fields))

    @takes_build
    async def track_build_async(self, **fields: Unpack[BuildFields]) -> Outcome:
        """Do as ``track_build``, in a thread; to cancel the task ends the call."""
        return await _in_thread(self._native.track_build, fields)

    @takes_deployment
    async def track_deployment_async(self, **fields: Unpack[DeploymentFields]) -> Outcome:
        """Do as ``track_deployment``, in a thread; to cancel the task ends the call."""
        return await _in_thread(self._native.track_deployment, fields)

    @takes_build_span
    def build(self, **fields: Unpack[BuildSpanFields]) -> Span:
        """Track a block of code as a build, in ``with`` or ``async with``.

        Sends ``started``, runs the block, and sends ``completed``, ``failed`` or ``aborted``.
        """
        return Span(
            lambda status: self.track_build(status=status, **fields),
            lambda status: self.track_build_async(status=status, **fields),
        )

    @takes_deployment_span
    def deployment(self, **fields: Unpack[DeploymentSpanFields]) -> Span:
        """Track a block of code as a deployment, in ``with`` or ``async with``.

        Sends ``started``, runs the block, and sends ``completed``, ``failed`` or ``aborted``. On a
        ``RejectedError`` the block does not run.
        """
        return Span(
            lambda status: self.track_deployment(status=status, **fields),
            lambda status: self.track_deployment_async(status=status, **fields),
        )

    @takes_build
    def validate_build(self, **fields: Unpack[BuildFields]) -> None:
        """Check a build as ``track_build`` would, and send nothing.

        Raises ``ArgumentError`` where a value is missing or malformed.
        """
        _called(self._native.validate_build, fields)

    @takes_deployment
    def validate_deployment(self, **fields: Unpack[DeploymentFields]) -> None:
        """Check a deployment as ``track_deployment`` would, and send nothing.

        Raises ``ArgumentError`` where a value is missing or malformed.
        """
        _called(self._native.validate_deployment, fields)

    def cancel(self) -> None:
        """End every call in progress with ``CancelledError``; later calls are not touched."""
        self._native.cancel()

    @property
    def api_url(self) -> str:
        """Base URL of the service."""
        return self._native.api_url

    @property
    def ui_url(self) -> str:
        """Base URL of the web interface, for links to what was recorded."""
        return self._native.ui_url

    def __repr__(self) -> str:
        return f"<versioner.Client of {self.api_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a versioner.Client cannot be pickled, because that would write the API key: "
            "make one in each process"
        )


def _called(call: Callable[..., _Made], *arguments: Any) -> _Made:
    """Turn what the native half raises into the exceptions of this package."""
    try:
        return call(*arguments)
    except _native.OutcomeError as failed:
        outcome = outcome_of(failed.args[0])
    raise error_of(outcome)


async def _in_thread(call: Callable[..., dict[str, Any]], fields: Mapping[str, Any]) -> Outcome:
    """Run a call in the loop's executor, and end it where the task is cancelled."""
    # Loaded here, because it takes longer than all the rest of this package.
    import asyncio
    import contextvars

    cancellation = _native.Cancellation()
    context = contextvars.copy_context()

    def run() -> dict[str, Any]:
        return context.run(lambda: _called(call, fields, cancellation))

    future = asyncio.get_running_loop().run_in_executor(None, run)
    try:
        values = await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellation.cancel()
        await asyncio.wait([future])
        # Asked for, so that nothing complains that nobody did.
        future.exception()
        raise
    return outcome_of(values)
