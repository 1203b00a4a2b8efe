"""A build or a deployment from its start to its end."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NoReturn, Optional, Union

from versioner import _native
from versioner.calls import called
from versioner.errors import CancelledError, Error
from versioner.fields import Status
from versioner.outcome import Outcome, outcome_of
from versioner.signals import WATCH, Terminated, raised_by_handler
from versioner.threads import Threads

_logger = logging.getLogger("versioner")

# Whoever interrupts a program does not wait longer for it.
_PATIENCE = 5.0


class Span:
    """One deployment or build: ``started`` once, then one end.

    As a block, in ``with`` or ``async with``, it asks whether it may begin, runs the body, and
    tells how that ended. Returning is ``completed``, and so is ``sys.exit(0)``; an exception and
    any other ``sys.exit`` is ``failed``; ``aborted`` is an interruption: Ctrl-C, a cancelled task,
    a generator that is closed, ``Client.cancel``, SIGTERM or SIGHUP. If it is rejected or cannot be
    asked for, the body does not run; if nobody knows whether the start was recorded, ``aborted`` is
    told for it.

    Nothing that happens after the body changes what it was: an end that cannot be told is logged as
    a warning and is in ``ended``, and what the body raised reaches the caller. Ctrl-C does not end
    the telling.

    SIGTERM and SIGHUP are seen by a block on the main thread, unless the program ignores or handles
    them itself; they raise ``SystemExit`` with the code that a shell has for them.

    What begins in one place and ends in another uses ``Client.begin``, ``end``, ``save`` and
    ``Client.resume``. Any thread may end a span. It belongs to the process that began or resumed
    it: in a forked child ``end`` raises ``ArgumentError``, and a block ends without telling
    anything. One that is forgotten without an end sends nothing, because nobody knows how it went;
    that is logged as a warning.
    """

    ended: Optional[Outcome]
    """How the telling of the end went; its ``code`` is not 0 if it could not be told. ``None``
    until then."""

    def __init__(self, native: _native.Span, threads: Threads) -> None:
        self._native = native
        self._threads = threads
        self._owner = os.getpid()
        self._is_used = False
        self._is_watched = False
        self.ended = None

    @property
    def id(self) -> str:
        """Its identifier, a UUID."""
        return self._native.id

    @property
    def started(self) -> Outcome:
        """How its start was recorded. ``AttributeError`` if it was not asked for by this object."""
        started = self._native.started
        if started is None:
            raise AttributeError("started is known once the block has begun, and it has not")
        return outcome_of(started)

    def ask(self) -> Outcome:
        """Ask whether one that was made by ``Client.deployment`` may begin, and begin it.

        For what is to be saved first. Of one that has begun it returns the first answer. Raises as
        ``Client.begin``.
        """
        try:
            return self._ask()
        except BaseException:
            # Ctrl-C strikes after the answer, too.
            self.close()
            raise

    async def ask_async(self) -> Outcome:
        """Do as ``ask``, for asyncio; to cancel the task ends the asking."""
        try:
            return await self._threads.run(self._ask)
        except BaseException:
            await self._threads.finish(self.close)
            raise

    def save(self) -> str:
        """Return everything about it as a line of JSON without the API key.

        ``Client.resume`` makes a span of it, in any process. Save before it begins and after each
        change to survive a crash at any moment. Whoever keeps the text goes on with it: ``close``
        then tells nothing.
        """
        return called(self._native.save)

    def end(
        self,
        status: Status,
        *,
        error_class: Optional[str] = None,
        exit_code: Optional[int] = None,
        signal: Optional[str] = None,
        extra_metadata: Union[Mapping[str, Any], str, None] = None,
        timeout: Optional[float] = None,
    ) -> Outcome:
        """Tell how it ended, with ``completed``, ``failed`` or ``aborted``.

        The first end counts; a later one returns the first's result, or tells it again if it could
        not be told. Neither Ctrl-C nor ``Client.cancel`` ends the telling. A service that rejects
        an end is asked once more after 5 s, if the time allows it.

        Arguments:
            status: How it ended.
            error_class: The class of the error that ended it, never its message; kept as
                ``vi_error_class``.
            exit_code: The exit code of what deployed; kept as ``vi_exit_code``.
            signal: The signal that ended what deployed, such as ``TERM``; kept as ``vi_signal``.
            extra_metadata: Facts of your own, over those of the start.
            timeout: Seconds that the telling may take, in place of the client's ``total_timeout``.

        Raises:
            ArgumentError: A status that is no end, or another process than the span's own.
            Error: It could not be told. What happened has happened.

        """
        ending = _given(
            status=status,
            error_class=error_class,
            exit_code=exit_code,
            signal=signal,
            extra_metadata=extra_metadata,
            timeout=timeout,
        )
        return self._end(ending)

    async def end_async(
        self,
        status: Status,
        *,
        error_class: Optional[str] = None,
        exit_code: Optional[int] = None,
        signal: Optional[str] = None,
        extra_metadata: Union[Mapping[str, Any], str, None] = None,
        timeout: Optional[float] = None,
    ) -> Outcome:
        """Do as ``end``, for asyncio; to cancel the task does not end the telling."""
        ending = _given(
            status=status,
            error_class=error_class,
            exit_code=exit_code,
            signal=signal,
            extra_metadata=extra_metadata,
            timeout=timeout,
        )
        return await self._threads.finish(self._end, ending)

    def renew(self) -> None:
        """Say that it goes on, so that the service does not take it for lost.

        For another ``lease`` of its start, or for as long as the service has it. A block does so by
        itself; other programs every third of the lease, or every hour. If the service offers no
        such thing, it does nothing.

        Raises a subclass of ``Error`` if it cannot be said, or if the service has ended it.
        """
        called(self._native.renew)

    async def renew_async(self) -> None:
        """Do as ``renew``, for asyncio; to cancel the task ends the call."""
        await self._threads.run(called, self._native.renew)

    def close(self) -> None:
        """Let go of it without an end.

        One that is open, and that nobody has saved as it is, is told ``aborted``: one attempt, 5 s
        at most. In a forked child it does nothing.
        """
        if self._owner == os.getpid():
            self._native.stop_renewing()
            called(self._native.let_go)

    def __enter__(self) -> Span:
        self._use()
        self._is_watched = WATCH.begin()
        try:
            self._ask()
            self._native.keep_renewed()
        except BaseException:
            try:
                self.close()
            finally:
                self._unwatch()
            raise
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._owner != os.getpid():
            return
        ending = _ending(exception)
        try:
            self._tell(ending)
        except BaseException:
            # An interruption strikes anywhere. An end that was told is not told again.
            self._tell({**ending, "timeout": _PATIENCE})
            raise
        finally:
            self._unwatch()

    async def __aenter__(self) -> Span:
        self._use()
        self._is_watched = WATCH.begin()
        try:
            await self._threads.run(self._ask)
            self._native.keep_renewed()
        except BaseException:
            try:
                await self._threads.finish(self.close)
            finally:
                self._unwatch()
            raise
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._owner != os.getpid():
            return
        try:
            await self._threads.finish(self._tell, _ending(exception))
        finally:
            self._unwatch()

    def __repr__(self) -> str:
        return f"<versioner.Span {self.id} of process {self._owner}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a versioner.Span cannot be pickled: its save() gives a text, of which Client.resume "
            "makes a span in another process"
        )

    def _ask(self, cancellation: Optional[_native.Cancellation] = None) -> Outcome:
        return outcome_of(called(self._native.ask, cancellation))

    def _end(self, ending: dict[str, Any]) -> Outcome:
        self._native.stop_renewing()
        try:
            self.ended = outcome_of(called(self._native.end, ending))
        except Error as error:
            self.ended = error.outcome
            raise
        return self.ended

    def _tell(self, ending: dict[str, Any]) -> None:
        """Tell the end of a block, which nothing changes any more."""
        try:
            self._end(ending)
        except Error as error:
            _logger.warning("the end (%s) could not be told: %s", ending["status"], error)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            WATCH.end()

    def _use(self) -> None:
        if self._is_used:
            raise RuntimeError("a span is for one block: call build() or deployment() again")
        self._is_used = True


def _ending(exception: Optional[BaseException]) -> dict[str, Any]:
    """Tell how a body ended that raised this, or returned."""
    if exception is None:
        return {"status": "completed"}
    kind = type(exception)
    name = kind.__qualname__
    error_class = name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
    interrupted = {"status": "aborted", "error_class": error_class, "timeout": _PATIENCE}
    if isinstance(exception, Terminated):
        return {"status": "aborted", "signal": exception.signal, "timeout": _PATIENCE}
    if isinstance(exception, SystemExit):
        if raised_by_handler(exception):
            return interrupted
        code = _exit_code(exception)
        return {"status": "failed" if code else "completed", "exit_code": code & 0xFF}
    if isinstance(exception, CancelledError) or not isinstance(exception, Exception):
        return interrupted
    return {"status": "failed", "error_class": error_class}


def _exit_code(exception: SystemExit) -> int:
    """Return the code that `sys.exit` means: a text is printed, and means 1."""
    if exception.code is None:
        return 0
    return exception.code if isinstance(exception.code, int) else 1


def _given(**ending: Any) -> dict[str, Any]:
    return {name: value for name, value in ending.items() if value is not None}
