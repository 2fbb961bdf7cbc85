"""What was measured: articles by the minute."""

from dataclasses import dataclass

import redis

from worker.store.layout import Layout
from worker.store.script import Script

MINUTES_KEPT = 26 * 60
"""A day, and two hours for whoever looks at it late."""


@dataclass(frozen=True, slots=True)
class Minute:
    """The articles settled within one minute. `at_ms` is its beginning (the server's, Unix ms)."""

    at_ms: int
    published: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0


class Measures:
    """Reads what `settle.lua` counted. Every method raises Retryable and nothing of redis."""

    def __init__(self, client: redis.Redis, *, stream: str) -> None:
        self._client = client
        self._layout = Layout(stream, 1)
        self._minutes = Script("minutes.lua")

    def minutes(self, count: int) -> tuple[Minute, ...]:
        """The last `count` minutes (26 hours at most), oldest first; the last is the present one.

        Every minute is there, those without articles with zeros.
        """
        count = max(1, min(count, MINUTES_KEPT))
        present, found = self._minutes.run(self._client, [self._layout.minutes()], [count])
        return tuple(
            _minute(present - count + 1 + at, counts or b"") for at, counts in enumerate(found)
        )


def _minute(number: int, counts: bytes) -> Minute:
    """`counts` are published, revised, duplicate and rejected, as `settle.lua` writes them."""
    return Minute(number * 60_000, *map(int, counts.split()))
