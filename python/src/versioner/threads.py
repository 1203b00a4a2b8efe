"""Calls in threads of their own, for asyncio."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional, TypeVar

from versioner import _native

_Result = TypeVar("_Result")

# More calls than this at once wait for one another. A thread begins when a call needs it.
_MOST_THREADS = 256


class Threads:
    """The threads of one client.

    The loop's own executor has few, and looks up host names in them for everybody.
    """

    def __init__(self) -> None:
        self._executor: Optional[ThreadPoolExecutor] = None
        self._process = 0

    async def run(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        """Call with a ``Cancellation`` after the arguments, used if the task is cancelled.

        Ends no sooner than the call, however often the task is cancelled.
        """
        cancellation = _native.Cancellation()
        return await self._run(lambda: call(*arguments, cancellation), cancellation)

    async def finish(self, call: Callable[..., _Result], *arguments: Any) -> _Result:
        """Call; to cancel the task does not keep the call from its end."""
        return await self._run(lambda: call(*arguments), None)

    async def _run(
        self, call: Callable[[], _Result], cancellation: Optional[_native.Cancellation]
    ) -> _Result:
        # Loaded here, because it takes longer than all the rest of this package.
        import asyncio
        import contextvars

        asyncio.get_running_loop()
        context = contextvars.copy_context()
        cancelled: Optional[asyncio.CancelledError] = None
        try:
            work = self._started().submit(context.run, call)
            ended = asyncio.wrap_future(work)
            while not ended.done():
                try:
                    await asyncio.wait([ended])
                except asyncio.CancelledError as error:
                    cancelled = error
                    if cancellation is not None:
                        cancellation.cancel()
                        work.cancel()
        except BaseException:
            # Ctrl-C strikes anywhere; a call that went on would keep the process from ending.
            if cancellation is not None:
                cancellation.cancel()
            raise
        if cancelled is None:
            return ended.result()
        # Asked for, so that nothing complains that nobody did.
        if not ended.cancelled():
            ended.exception()
        try:
            raise cancelled
        finally:
            # An exception that its own traceback refers to would stay in memory.
            del cancelled

    def close(self) -> None:
        """Let the threads end once their calls have."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False)

    def _started(self) -> ThreadPoolExecutor:
        # A forked child has none of its parent's threads.
        if self._executor is None or self._process != os.getpid():
            self._process = os.getpid()
            self._executor = ThreadPoolExecutor(_MOST_THREADS, "versioner")
        return self._executor
