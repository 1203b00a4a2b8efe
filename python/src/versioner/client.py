"""The client."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Optional, TypeVar, Union, cast

from versioner import _native
from versioner.calls import called
from versioner.errors import error_of
from versioner.fields import BUILD, BUILD_SPAN, DEPLOYMENT, DEPLOYMENT_SPAN
from versioner.outcome import Outcome, outcome_of
from versioner.spans import Span
from versioner.threads import Threads

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from versioner.fields import (
        BuildFields,
        BuildSpanFields,
        DeploymentFields,
        DeploymentSpanFields,
    )

_Self = TypeVar("_Self", bound="Client")


class Client:
    """Tells the service about builds and deployments.

    Made once and used for many events: it keeps connections open, until ``close`` or the end of
    ``with``. Threads may share it, and a forked child may go on using it. It cannot be pickled,
    because that would write the API key: make one in each process that ``multiprocessing`` spawns.

    What is ``None`` is taken from the ``VERSIONER_*`` variable of the same name in upper case,
    then from the configuration file, then from the default. Nothing is sent.

    Arguments:
        api_key: The API key, ``sk_account_id_random``. Required from somewhere.
        api_url: Base URL of the service; ``https://api.versioner.io``.
        ui_url: Base URL of the web interface, for links; ``https://app.versioner.io``.
        config: Path of the configuration file; ``~/.versioner/config.yaml`` if it exists.
        fail_on_api_error: Whether an event that could not be recorded is an error; ``True``. With
            ``False`` it is a warning. Rejections and bad arguments stay errors.
        max_retries: Attempts after the first, on network failures, HTTP 429 and 5xx; 3.
        retry_pause: Seconds before the first retry, doubled for each further one; 1.
        attempt_timeout: Seconds for one attempt; 30.
        total_timeout: Seconds for all attempts and pauses together; 120.
        ca_file: PEM file of the only certificate authorities to trust; the system's.
        client_cert: PEM file of a client certificate, with its chain.
        client_key: PEM file of its key; the file of the certificate.
        outbox: Directory that keeps an event which best effort could not deliver, and the end of a
            span which could not be told, until a later event or ``versioner outbox send`` delivers
            them; none. An outcome of that has ``status`` ``queued``.
        environ: The variables for settings, proxies and the detection of the CI system;
            ``os.environ``, as it is now.
        surface: What the ``User-Agent`` names as the sender.

    Raises:
        ConfigError: No API key, or a setting, file or proxy that cannot be used.
        ArgumentError: A value of the wrong type.

    """

    _core: Optional[_native.Client] = None

    def __init__(
        self,
        *,
        api_key: Optional[str] = None,
        api_url: Optional[str] = None,
        ui_url: Optional[str] = None,
        config: Union[str, os.PathLike[str], None] = None,
        fail_on_api_error: Optional[bool] = None,
        max_retries: Optional[int] = None,
        retry_pause: Optional[float] = None,
        attempt_timeout: Optional[float] = None,
        total_timeout: Optional[float] = None,
        ca_file: Union[str, os.PathLike[str], None] = None,
        client_cert: Union[str, os.PathLike[str], None] = None,
        client_key: Union[str, os.PathLike[str], None] = None,
        outbox: Union[str, os.PathLike[str], None] = None,
        environ: Optional[Mapping[str, str]] = None,
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
            "outbox": outbox,
            "environ": os.environ if environ is None else environ,
            "surface": surface,
        }
        self._threads = Threads()
        outcome = None
        try:
            self._core = _native.Client(settings)
        except _native.OutcomeError as failed:
            outcome = outcome_of(failed.args[0])
        finally:
            # What is shown of a traceback may show the variables of its frames.
            del api_key, environ, settings
        if outcome is not None:
            raise error_of(outcome)

    def track_build(self, **fields: Unpack[BuildFields]) -> Outcome:
        """Tell that something was built. Returns once it is recorded.

        What is ``None`` is taken from ``VERSIONER_*`` variables, the configuration file and the CI
        system, in this order; a blank product, version or status is an error. Times are aware
        ``datetime`` or RFC 3339 text; ``extra_metadata`` is a mapping or the text of a JSON object,
        at most 102,400 bytes, whose numbers travel as they are (``Decimal`` and ``int`` of any size
        too).

        Raises a subclass of ``Error`` if it is not recorded; Ctrl-C ends the call.
        """
        BUILD.check(fields)
        return outcome_of(called(self._usable().track_build, fields))

    def track_deployment(self, **fields: Unpack[DeploymentFields]) -> Outcome:
        """Tell that something is deployed. Returns once it is recorded.

        With status ``started`` it is checked against policy first: on a ``RejectedError`` the
        deployment must not happen.

        What is ``None`` is taken from ``VERSIONER_*`` variables, the configuration file and the CI
        system, in this order; a blank product, environment, version or status is an error. Times
        are aware ``datetime`` or RFC 3339 text; ``extra_metadata`` is a mapping or the text of a
        JSON object, at most 102,400 bytes, whose numbers travel as they are (``Decimal`` and
        ``int`` of any size too).

        Raises a subclass of ``Error`` if it is not recorded; Ctrl-C ends the call.
        """
        DEPLOYMENT.check(fields)
        return outcome_of(called(self._usable().track_deployment, fields))

    async def track_build_async(self, **fields: Unpack[BuildFields]) -> Outcome:
        """Do as ``track_build``, for asyncio; to cancel the task ends the call.

        Up to 256 calls of a client run at once, in threads that the client keeps.
        """
        BUILD.check(fields)
        return outcome_of(await self._threads.run(called, self._usable().track_build, fields))

    async def track_deployment_async(self, **fields: Unpack[DeploymentFields]) -> Outcome:
        """Do as ``track_deployment``, for asyncio; to cancel the task ends the call.

        Up to 256 calls of a client run at once, in threads that the client keeps.
        """
        DEPLOYMENT.check(fields)
        return outcome_of(await self._threads.run(called, self._usable().track_deployment, fields))

    def build(self, **fields: Unpack[BuildSpanFields]) -> Span:
        """Track a block of code as a build, in ``with`` or ``async with``.

        Sends ``started``, runs the block, and sends ``completed``, ``failed`` or ``aborted``; see
        ``Span``. Nothing is sent before the block.
        """
        BUILD_SPAN.check(fields)
        return self._span(called(self._usable().prepare_build, fields))

    def deployment(self, **fields: Unpack[DeploymentSpanFields]) -> Span:
        """Track a block of code as a deployment, in ``with`` or ``async with``.

        Sends ``started``, runs the block, and sends ``completed``, ``failed`` or ``aborted``; see
        ``Span``. On a ``RejectedError`` the block does not run. Nothing is sent before the block.
        """
        DEPLOYMENT_SPAN.check(fields)
        return self._span(called(self._usable().prepare_deployment, fields))

    def begin(self, **fields: Unpack[DeploymentSpanFields]) -> Span:
        """Begin a deployment that ends elsewhere, with ``Span.end``.

        Asks whether it may begin, as ``deployment`` does at the start of its block. If nobody knows
        whether the start was recorded, ``aborted`` was told for it, within 5 s.

        Raises as ``track_deployment``; then the deployment must not happen.
        """
        span = self.deployment(**fields)
        span.ask()
        return span

    async def begin_async(self, **fields: Unpack[DeploymentSpanFields]) -> Span:
        """Do as ``begin``, for asyncio; to cancel the task ends the asking."""
        span = self.deployment(**fields)
        await span.ask_async()
        return span

    def resume(self, text: str, *, ask: bool = True) -> Span:
        """Make a span of the text that ``Span.save`` gave, in this process or another.

        It belongs to this process from now on. One that was saved before it was allowed asks again
        under the same key: it is the same deployment. With ``ask=False`` it does not, and can only
        be ended, if the process that asked is gone.

        Raises ``ArgumentError`` if the text is none, or of another service or account, and if it
        asks, as ``begin``.
        """
        return self._span(called(self._usable().resume, text, ask))

    async def resume_async(self, text: str, *, ask: bool = True) -> Span:
        """Do as ``resume``, for asyncio; to cancel the task ends the asking."""
        return self._span(await self._threads.run(called, self._usable().resume, text, ask))

    def validate_build(self, **fields: Unpack[BuildFields]) -> None:
        """Check a build as ``track_build`` would, log its warnings, and send nothing.

        Raises ``ArgumentError`` if a value is missing or malformed.
        """
        BUILD.check(fields)
        called(self._usable().validate_build, fields)

    def validate_deployment(self, **fields: Unpack[DeploymentFields]) -> None:
        """Check a deployment as ``track_deployment`` would, log its warnings, and send nothing.

        Raises ``ArgumentError`` if a value is missing or malformed.
        """
        DEPLOYMENT.check(fields)
        called(self._usable().validate_deployment, fields)

    def check_deployment(self, **fields: Unpack[DeploymentFields]) -> Outcome:
        """Ask whether a deployment may start, and record nothing.

        Its status is taken for ``started``, whatever is said, and no check is skipped. ``data`` of
        the outcome has every rule's verdict. Needs versioner-server.

        Raises ``RejectedError`` where a rule forbids it, and another subclass of ``Error`` where
        there is no clear answer, in best-effort mode too.
        """
        DEPLOYMENT.check(fields)
        return outcome_of(called(self._usable().check_deployment, fields))

    async def check_deployment_async(self, **fields: Unpack[DeploymentFields]) -> Outcome:
        """Do as ``check_deployment``, for asyncio; to cancel the task ends the call."""
        DEPLOYMENT.check(fields)
        return outcome_of(await self._threads.run(called, self._usable().check_deployment, fields))

    def read(
        self,
        path: str,
        query: Optional[Mapping[str, Union[str, int]]] = None,
        *,
        timeout: Optional[float] = None,
    ) -> Outcome:
        """Read what the service knows; ``data`` of the outcome is the JSON of its answer.

        Needs versioner-server and a key with the scope ``read``. Raises a subclass of ``Error``
        where there is no answer, in best-effort mode too; never a ``RejectedError``.

        Arguments:
            path: Below the API URL, such as ``deployments/``.
            query: Names and values of parameters, such as ``{"product": "api", "limit": 10}``.
            timeout: Seconds that the call may take, in place of the client's ``total_timeout``.

        """
        return outcome_of(called(self._usable().read, path, _pairs(query), timeout))

    async def read_async(
        self,
        path: str,
        query: Optional[Mapping[str, Union[str, int]]] = None,
        *,
        timeout: Optional[float] = None,
    ) -> Outcome:
        """Do as ``read``, for asyncio; to cancel the task ends the call."""
        read = self._usable().read
        return outcome_of(await self._threads.run(called, read, path, _pairs(query), timeout))

    def state(self, product: Optional[str] = None, *, timeout: Optional[float] = None) -> Outcome:
        """Read what runs where: ``data`` has ``products``, each with its ``environments``.

        Of one product, or of all where ``product`` is ``None``. See ``read``.
        """
        return outcome_of(called(self._usable().state, _given(product), timeout))

    async def state_async(
        self, product: Optional[str] = None, *, timeout: Optional[float] = None
    ) -> Outcome:
        """Do as ``state``, for asyncio; to cancel the task ends the call."""
        state = self._usable().state
        return outcome_of(await self._threads.run(called, state, _given(product), timeout))

    def deployed_version(
        self,
        product: Optional[str] = None,
        environment: Optional[str] = None,
        *,
        timeout: Optional[float] = None,
    ) -> Outcome:
        """Read the version whose deployment was the last that completed: ``version``.

        What is ``None`` is taken from ``VERSIONER_*`` variables, the configuration file and the CI
        system. See ``read``.

        Raises an ``APIError`` of kind ``not_deployed`` where nothing is deployed there or a name is
        not known; its message says which.
        """
        names = (_given(product), _given(environment))
        return outcome_of(called(self._usable().deployed_version, *names, timeout))

    async def deployed_version_async(
        self,
        product: Optional[str] = None,
        environment: Optional[str] = None,
        *,
        timeout: Optional[float] = None,
    ) -> Outcome:
        """Do as ``deployed_version``, for asyncio; to cancel the task ends the call."""
        names = (_given(product), _given(environment))
        read = self._usable().deployed_version
        return outcome_of(await self._threads.run(called, read, *names, timeout))

    def explain_build(self, **fields: Unpack[BuildFields]) -> dict[str, Any]:
        """Tell what ``track_build`` would send, and where each value comes from.

        Sends nothing. Gives ``method``, ``url``, ``headers`` and ``body`` of the request, and the
        lists ``values`` and ``settings`` of ``field``, ``value`` and ``source``.

        Raises ``ArgumentError`` where a value is missing or malformed.
        """
        BUILD.check(fields)
        explained = called(self._usable().explain_build, fields)
        return cast("dict[str, Any]", json.loads(explained))

    def explain_deployment(self, **fields: Unpack[DeploymentFields]) -> dict[str, Any]:
        """Tell what ``track_deployment`` would send; see ``explain_build``. Policy is not asked."""
        DEPLOYMENT.check(fields)
        explained = called(self._usable().explain_deployment, fields)
        return cast("dict[str, Any]", json.loads(explained))

    def cancel(self) -> None:
        """End every call in progress with ``CancelledError``; later calls are not touched."""
        self._usable().cancel()

    def close(self) -> None:
        """End every call in progress as ``cancel`` does, and let go of connections and threads.

        Later calls raise ``RuntimeError``; to close again does nothing.
        """
        core, self._core = self._core, None
        if core is not None:
            core.cancel()
            self._threads.close()

    @property
    def api_url(self) -> str:
        """Base URL of the service."""
        return self._usable().api_url

    @property
    def ui_url(self) -> str:
        """Base URL of the web interface, for links to what was recorded."""
        return self._usable().ui_url

    def __enter__(self: _Self) -> _Self:
        self._usable()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # Whoever shows the variables of a traceback asks this of a client that was never made.
        if self._core is None:
            return f"<{type(self).__name__} that is closed or was never made>"
        return f"<versioner.Client of {self.api_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a versioner.Client cannot be pickled, because that would write the API key: "
            "make one in each process"
        )

    def _span(self, native: _native.Span) -> Span:
        return Span(native, self._threads)

    def _usable(self) -> _native.Client:
        if self._core is None:
            raise RuntimeError("this versioner.Client is closed: make a new one")
        return self._core


BUILD.describe(
    Client.track_build, Client.track_build_async, Client.validate_build, Client.explain_build
)
BUILD_SPAN.describe(Client.build)
DEPLOYMENT.describe(
    Client.track_deployment,
    Client.track_deployment_async,
    Client.validate_deployment,
    Client.check_deployment,
    Client.check_deployment_async,
    Client.explain_deployment,
)
DEPLOYMENT_SPAN.describe(Client.deployment, Client.begin, Client.begin_async)


def _given(name: Optional[str]) -> str:
    """Tell a name that is empty from one that is not given."""
    return "" if name is None else name or " "


def _pairs(query: Optional[Mapping[str, Union[str, int]]]) -> list[tuple[str, str]]:
    """Write numbers of a query; everything else must be text."""
    pairs = (query or {}).items()
    return [
        (name, str(value) if type(value) is int else cast("str", value)) for name, value in pairs
    ]
