"""Whose turn it is to be fetched: what is due, and which hosts may be asked now.

One sorted set says when each item (a feed, a page that is wanted) is due, a hash an item what is
remembered of it, a hash a host when that may be asked again. Everything is decided in two scripts,
so any number of workers share one pace. Times are the server's, so clocks of workers do not count.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from worker.store.connection import translated
from worker.store.layout import Layout
from worker.store.script import Script

_IN_ONE_CALL = 100


@dataclass(frozen=True, slots=True)
class HostPace:
    """How often and how often at once one host may be asked, by all workers together."""

    interval_seconds: float
    connections: int


@dataclass(frozen=True, slots=True)
class Lease:
    """An item handed out. `host` is the one that counts it; `said` are the fields asked for."""

    name: str
    host: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TakenLeases:
    """`has_more`: others may be due, so it is worth asking again at once."""

    leases: tuple[Lease, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """An item given back. `after` is in how many seconds it is due again, None for never: it is
    removed. `cool` is for how many seconds `backoff_host` is left in peace, which is the host that
    answered; `delay` how many seconds its own host wants between two fetches, None where it did not
    say. Fields of None are forgotten."""

    lease: Lease
    due_in_seconds: float | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    backoff_seconds: float = 0.0
    backoff_host: str = ""
    host_interval_seconds: float | None = None


class LeaseQueue:
    """The turns of one kind of item. Every method raises Retryable and nothing of redis."""

    def __init__(
        self, client: redis.Redis, *, stream: str, kind: str, items: str, pace: HostPace
    ) -> None:
        self._client: Any = client
        layout = Layout(stream, 1)
        self._due = layout.key(items)
        self._failing = layout.key(items, "failing")
        self._items = layout.key(kind, "")
        self._hosts = layout.key("host", "")
        self._pace = pace
        self._token = secrets.token_hex(8)
        self._take = Script("take.lua")
        self._done = Script("done.lua")

    def key(self, name: str) -> bytes:
        """The hash of an item."""
        return self._items + name.encode()

    def take(self, count: int, lease_seconds: float, fields: Sequence[str]) -> TakenLeases:
        """Up to `count` items that are due and whose hosts may be asked; theirs for the lease."""
        every = int(self._pace.interval_seconds * 1000)
        args: list[bytes | int] = [self._items, self._hosts, count, int(lease_seconds * 1000)]
        args += (self._token.encode(), every, self._pace.connections, b"host")
        args += (name.encode() for name in fields)
        more, *found = self._take.run(self._client, [self._due], args)
        turns = []
        for name, (host, *values) in zip(found[::2], found[1::2], strict=True):
            pairs = zip(fields, values, strict=True)
            said = {field: value.decode("utf-8", "replace") for field, value in pairs if value}
            turns.append(Lease(name.decode(), host.decode(), said))
        return TakenLeases(tuple(turns), bool(more))

    def finish(self, results: Sequence[LeaseResult]) -> list[bool]:
        """Give items back; False for each whose lease had ended: nothing of it was written."""
        answers: list[bool] = []
        for start in range(0, len(results), _IN_ONE_CALL):
            args: list[bytes | int] = [self._items, self._hosts, self._token.encode()]
            for one in results[start : start + _IN_ONE_CALL]:
                args += (one.lease.name.encode(), _ms(one.due_in_seconds), one.lease.host.encode())
                args += ((one.backoff_host or one.lease.host).encode(), _ms(one.backoff_seconds))
                args += (_ms(one.host_interval_seconds), len(one.fields))
                for name, value in one.fields.items():
                    args += (name.encode(), b"" if value is None else str(value).encode())
            answers += map(bool, self._done.run(self._client, [self._due, self._failing], args))
        return answers

    def names(self) -> set[str]:
        """Every item there is."""
        with translated():
            return {name.decode() for name in self._client.zrange(self._due, 0, -1)}

    def count(self) -> int:
        """How many items there are."""
        with translated():
            return int(self._client.zcard(self._due))

    def count_due(self) -> int:
        """How many are due now."""
        with translated():
            seconds, micros = self._client.time()
            return int(self._client.zcount(self._due, "-inf", seconds * 1000 + micros // 1000))

    def get_due_times(self, names: Sequence[str]) -> dict[str, int]:
        """When each of `names` that is an item is due (Unix ms; 0: at once)."""
        if not names:
            return {}
        with translated():
            scores = self._client.zmscore(self._due, names)
        pairs = zip(names, scores, strict=True)
        return {name: int(score) for name, score in pairs if score is not None}

    def make_due(self, names: Iterable[str]) -> int:
        """Let items be due now; how many of them there are."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.zscore(self._due, name)
                pipe.zadd(self._due, {name: 0}, xx=True)
            return sum(score is not None for score in pipe.execute()[::2])

    def remove(self, names: Iterable[str]) -> None:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.zrem(self._due, name)
                pipe.srem(self._failing, name)
                pipe.delete(self.key(name))
            pipe.execute()


def _ms(seconds: float | None) -> int:
    return -1 if seconds is None else int(seconds * 1000)
