"""Signals that end a process without a word, as exceptions while a block runs."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any, Callable, Optional

# Ctrl-C is an exception of Python's own.
_ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP.


class Terminated(SystemExit):
    """A signal ends the program, with the exit code that a shell has for it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number).name[len("SIG") :]


class Watch:
    """Raises ``Terminated`` on signals that nobody else handles, while blocks run.

    Handlers belong to the whole process: the first block sets them, the last one takes them back.
    """

    def __init__(self) -> None:
        self._blocks = 0
        self._process = 0

    def begin(self) -> bool:
        """Return whether ``end`` is due; Python handles signals on the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            return False
        self._process = os.getpid()
        self._blocks += 1
        if self._blocks == 1:
            self._replace(signal.SIG_DFL, self._terminate)
        return True

    def end(self) -> None:
        """Take back what the matching ``begin`` did."""
        self._blocks -= 1
        if self._blocks == 0:
            self._replace(self._terminate, signal.SIG_DFL)

    def _replace(self, handler: Any, other: Any) -> None:
        for number in _ENDING:
            # An interpreter that is not the main one may set none.
            with contextlib.suppress(ValueError):
                if signal.getsignal(number) == handler:
                    signal.signal(number, other)

    def _terminate(self, number: int, frame: Optional[FrameType]) -> None:
        if os.getpid() != self._process:
            # A forked child has no block of its own, and ends as it would without this.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        raise Terminated(number)


WATCH = Watch()


def raised_by_handler(exception: BaseException) -> bool:
    """Whether it comes from a signal handler of the program, rather than from what it did."""
    codes = {_code(signal.getsignal(number)) for number in signal.valid_signals()}
    traceback = exception.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


def _code(handler: Any) -> Optional[object]:
    function: Callable[..., object] = getattr(handler, "func", handler)
    return getattr(function, "__code__", None)
