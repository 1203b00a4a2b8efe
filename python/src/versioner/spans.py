"""A build or a deployment as a block of code."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Callable, Optional

from versioner.errors import CancelledError
from versioner.fields import Status
from versioner.outcome import Outcome

_logger = logging.getLogger("versioner")


class Span:
    """Sends ``started``, runs the body of ``with`` or ``async with``, and sends how it ended.

    It ends ``completed``; ``failed`` on an exception; ``aborted`` on ``KeyboardInterrupt``,
    ``SystemExit``, or the cancellation of a task. If ``started`` is rejected or cannot be sent,
    the body does not run. An exception of the body always reaches the caller: if its end
    cannot be sent, that is logged. A start that is interrupted may be recorded already, so
    ``aborted`` follows it. An end that is interrupted may not be recorded, so it is sent again.

    Made by ``Client.build`` and ``Client.deployment``; for one use.
    """

    ended: Optional[Outcome]
    """How the end was recorded; ``None`` until then, and if it could not be."""

    def __init__(
        self,
        send: Callable[[Status], Outcome],
        send_async: Callable[[Status], Awaitable[Outcome]],
    ) -> None:
        self._send = send
        self._send_async = send_async
        self._is_used = False
        self._started: Optional[Outcome] = None
        self.ended = None

    @property
    def started(self) -> Outcome:
        """How ``started`` was recorded; known once the body begins."""
        if self._started is None:
            raise AttributeError("started is known once the block has begun, and it has not")
        return self._started

    def __enter__(self) -> Span:
        self._use()
        try:
            self._started = self._send("started")
        except BaseException as exception:
            if _is_interruption(exception):
                self.__exit__(type(exception), exception, None)
            raise
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        status = _end(exception)
        try:
            try:
                self.ended = self._send(status)
            except BaseException as interruption:
                if not _is_interruption(interruption):
                    raise
                with _logged(status):
                    self.ended = self._send(status)
                raise
        except Exception as error:
            _raise_or_log(error, exception)

    async def __aenter__(self) -> Span:
        self._use()
        try:
            self._started = await self._send_async("started")
        except BaseException as exception:
            if _is_interruption(exception):
                await self.__aexit__(type(exception), exception, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        status = _end(exception)
        try:
            try:
                self.ended = await self._send_async(status)
            except BaseException as interruption:
                if not _is_interruption(interruption):
                    raise
                with _logged(status):
                    self.ended = await self._send_async(status)
                raise
        except Exception as error:
            _raise_or_log(error, exception)

    def _use(self) -> None:
        if self._is_used:
            raise RuntimeError("a span is for one use: call build() or deployment() again")
        self._is_used = True


def _is_interruption(exception: BaseException) -> bool:
    return isinstance(exception, CancelledError) or not isinstance(exception, Exception)


def _end(exception: Optional[BaseException]) -> Status:
    if exception is None:
        return "completed"
    return "aborted" if _is_interruption(exception) else "failed"


def _raise_or_log(error: Exception, exception: Optional[BaseException]) -> None:
    if exception is None:
        raise error
    with _logged(_end(exception)):
        raise error


@contextmanager
def _logged(end: Status) -> Generator[None, None, None]:
    """Log that an end cannot be told, if something else is raised already."""
    try:
        yield
    except Exception as error:
        _logger.warning("the end (%s) could not be tracked: %s", end, error)
