"""What many readers look at is made once, in a thread, for all of them, while somebody looks."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

FRESH_SECONDS = 1.0
"""How long a look is good for."""

_SHARE = 25
"""Looking takes at most one part in so many of the time: what is dear to look at is looked at less
often, and what it shows of never pays for it."""

_LONGEST_SECONDS = 15.0
_KEPT = 64

T = TypeVar("T")


class Shared(Generic[T]):
    """What `make` gives, at most so long ago. Who asks meanwhile waits for the same call."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._value: T
        self._good_until = 0.0
        self._error: Exception | None = None
        self._failed_at = 0.0
        self._turn = 0
        self.fresh_seconds = FRESH_SECONDS

    async def get(self) -> T:
        """Raises what `make` raises, to everyone who waited for it: where Redis hangs, ten readers
        who tried one after the other would wait ten times its timeout."""
        asked = time.monotonic()
        if asked < self._good_until:
            return self._value
        async with self._lock:
            begun, turn = time.monotonic(), self._turn
            if begun < self._good_until:
                return self._value
            if self._error is not None and asked < self._failed_at:
                raise self._error.with_traceback(None)
            try:
                self._value = await run_in_threadpool(self._make)
            except Exception as error:
                self._error, self._failed_at = error, time.monotonic()
                raise
            now, self._error = time.monotonic(), None
            self.fresh_seconds = min(_LONGEST_SECONDS, max(FRESH_SECONDS, _SHARE * (now - begun)))
            # What was changed while it was made is not in it.
            self._good_until = now + self.fresh_seconds if turn == self._turn else 0.0
            return self._value

    def forget(self) -> None:
        """Let the next who asks look again: something was changed."""
        self._turn += 1
        self._good_until = 0.0


class SharedByKey(Generic[T]):
    """A :class:`Shared` for each key that is asked for; the least asked are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Shared[T]] = OrderedDict()

    def of(self, key: Hashable, make: Callable[[], T]) -> Shared[T]:
        """What is shared under `key`; the first who asks says how it is made."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Shared(make)
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found

    def forget(self) -> None:
        """Let everything be looked at again."""
        for shared in self._known.values():
            shared.forget()
