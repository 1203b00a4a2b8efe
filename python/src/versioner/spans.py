"""A build or a deployment as a block of code."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from types import TracebackType
from typing import Callable

from versioner.errors import Error
from versioner.outcome import Outcome

_logger = logging.getLogger("versioner")


class Span:
    """Sends ``started``, runs the body of ``with`` or ``async with``, and sends how it ended.

    It ends ``completed``; ``failed`` on an exception; ``aborted`` on ``KeyboardInterrupt``,
    ``SystemExit``, or the cancellation of a task. Where ``started`` is rejected or cannot be sent,
    the body does not run. An exception of the body always reaches the caller: where its end
    cannot be sent, that is logged.

    Made by ``Client.build`` and ``Client.deployment``; for one use.
    """

    started: Outcome
    """How ``started`` was recorded; set when the body begins."""

    ended: Outcome | None
    """How the end was recorded; ``None`` until then, and where it could not be."""

    def __init__(
        self,
        send: Callable[[str], Outcome],
        send_async: Callable[[str], Awaitable[Outcome]],
    ) -> None:
        self._send = send
        self._send_async = send_async
        self._is_used = False
        self.ended = None

    def __enter__(self) -> Span:
        self._use()
        self.started = self._send("started")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.ended = self._send(_end(exception))
        except Error as error:
            _raise_or_log(error, exception)

    async def __aenter__(self) -> Span:
        self._use()
        self.started = await self._send_async("started")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.ended = await self._send_async(_end(exception))
        except Error as error:
            _raise_or_log(error, exception)

    def _use(self) -> None:
        if self._is_used:
            raise RuntimeError("a span is for one use: call build() or deployment() again")
        self._is_used = True


def _end(exception: BaseException | None) -> str:
    if exception is None:
        return "completed"
    return "failed" if isinstance(exception, Exception) else "aborted"


def _raise_or_log(error: Error, exception: BaseException | None) -> None:
    if exception is None:
        raise error
    _logger.warning("the end (%s) could not be tracked: %s", _end(exception), error)
