"""A value for many readers: computed once, in a thread, for all who wait for it."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

FRESH_SECONDS = 1.0
"""How long a value is valid, at least."""

_COST_RATIO = 25
"""Computing takes at most one part in so many of the time: an expensive value is valid longer."""

_MAX_FRESH_SECONDS = 15.0

T = TypeVar("T")


class Shared(Generic[T]):
    """The result of `compute`, at most `fresh_seconds` old. All who wait share one call."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._lock = asyncio.Lock()
        self._value: T
        self._fresh_until = 0.0
        self._error: Exception | None = None
        self._failed_at = 0.0
        self._generation = 0
        self.fresh_seconds = FRESH_SECONDS

    async def get(self) -> T:
        """Raises what `compute` raises, to everyone who waited for it: where Redis hangs, ten
        readers who tried one after the other would wait ten times its timeout."""
        requested = time.monotonic()
        if requested < self._fresh_until:
            return self._value
        async with self._lock:
            start, generation = time.monotonic(), self._generation
            if start < self._fresh_until:
                return self._value
            if self._error is not None and requested < self._failed_at:
                raise self._error.with_traceback(None)
            try:
                self._value = await run_in_threadpool(self._compute)
            except Exception as error:
                self._error, self._failed_at = error, time.monotonic()
                raise
            now, self._error = time.monotonic(), None
            seconds = max(FRESH_SECONDS, _COST_RATIO * (now - start))
            self.fresh_seconds = min(_MAX_FRESH_SECONDS, seconds)
            # A change during the computation is not in the value.
            is_current = generation == self._generation
            self._fresh_until = now + self.fresh_seconds if is_current else 0.0
            return self._value

    def expire(self) -> None:
        """Compute the value again for the next reader: something has changed."""
        self._generation += 1
        self._fresh_until = 0.0
