"""The feeds and pages that are due, and the hosts that may be contacted now.

One sorted set says when each item (a feed or a wanted page) is due, a hash per item holds its
state, a hash per host says when the next fetch from it is allowed. Two scripts decide everything,
so any number of workers share one pace. Times are the server's: clocks of workers do not matter.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from worker.store.connection import Script, server_ms
from worker.store.errors import translated
from worker.store.layout import Layout

_IN_ONE_CALL = 100
_TOO_LATE = -2
_MAX_LATE = 1000
"""Items examined at once by `bring_forward`; the others follow at the next tick."""


@dataclass(frozen=True, slots=True)
class HostPace:
    """How often, and over how many connections at once, all workers together fetch from a host."""

    interval_seconds: float
    connections: int


@dataclass(frozen=True, slots=True)
class Lease:
    """An item that this process may fetch. `host` is the host whose pace it counts for; `fields`
    are those of the item's state that are set. The item had to wait `late_seconds` for
    the pace of its host; None where a person asked for this fetch. If it `is_late`, it must not be
    fetched any more: it was leased without a turn of its host.
    """

    name: str
    host: str
    fields: Mapping[str, str]
    late_seconds: float | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class TakenLeases:
    """`has_more`: others may be due, so the caller should take again at once. In `next_seconds` the
    next item is due or its host free; None where there is none."""

    leases: tuple[Lease, ...]
    has_more: bool
    next_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """The end of a lease.

    The item is due again in `due_in_seconds`; None removes it. For `backoff_seconds` nothing is
    fetched from `backoff_host`, the host that answered (default: the lease's own).
    `host_interval_seconds` is the pause between two fetches that the lease's own host asks for;
    None if it does not say. `fields` are stored in the item's state; None deletes one.
    """

    lease: Lease
    due_in_seconds: float | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    backoff_seconds: float = 0.0
    backoff_host: str = ""
    host_interval_seconds: float | None = None


def node_queue(items: str, node: str) -> str:
    """The queue of what only the node with that id can fetch; '' has the one of older versions."""
    return f"{items}:{node}" if node else items


class LeaseQueue:
    """The items of one kind. Every method raises Retryable, no error of redis-py.

    With `every` the items are *spare*: they have only turns of a host that the items of the kinds
    `yields_to` do not want, and at most one of `every` turns. One that is too late (its field
    `late_ms`, Unix) is leased without a turn.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        stream: str,
        kind: str,
        items: str,
        pace: HostPace,
        fields: Sequence[str],
        yields_to: Sequence[str] = (),
        every: int = 0,
    ) -> None:
        self._client: Any = client
        self._layout = layout = Layout(stream, 1)
        self._due = layout.key(items)
        self._failing = layout.key(items, "failing")
        self._items = layout.key(kind, "")
        self._hosts = layout.key("host", "")
        self._pace = pace
        self._fields = fields
        self._yields_to = [layout.key(kind) for kind in yields_to]
        self._every = every
        self._token = secrets.token_hex(8)
        self._take = Script("preconditions.lua", "take.lua")
        self._finish = Script("preconditions.lua", "finish.lua")
        self._clock = layout.key(items, "clock")
        self._set_back = Script("preconditions.lua", "set_back.lua")
        self._take_over = Script("preconditions.lua", "take_over.lua")

    def key(self, name: str) -> bytes:
        """The hash of an item."""
        return self._items + name.encode()

    def take_leases(self, count: int, lease_seconds: float) -> TakenLeases:
        """Lease up to `count` items that are due and whose hosts may be fetched from now."""
        interval = int(self._pace.interval_seconds * 1000)
        args: list[bytes | int] = [self._items, self._hosts, count, int(lease_seconds * 1000)]
        args += (self._token.encode(), interval, self._pace.connections)
        args += (self._every, b"host")
        args += (name.encode() for name in self._fields)
        more, next_ms, *items = self._take.run(self._client, [self._due, *self._yields_to], args)
        leases = []
        for name, late, (host, *values) in zip(items[::3], items[1::3], items[2::3], strict=True):
            pairs = zip(self._fields, values, strict=True)
            fields = {field: value.decode("utf-8", "replace") for field, value in pairs if value}
            seconds = None if late < 0 else late / 1000
            is_late = late == _TOO_LATE
            leases.append(Lease(name.decode(), host.decode(), fields, seconds, is_late))
        return TakenLeases(tuple(leases), bool(more), None if next_ms < 0 else next_ms / 1000)

    def finish(self, results: Sequence[LeaseResult]) -> list[bool]:
        """End leases; False for each that had expired and was given to another process: nothing
        is written for it."""
        answers: list[bool] = []
        for start in range(0, len(results), _IN_ONE_CALL):
            args: list[bytes | int] = [self._items, self._hosts, self._token.encode()]
            for result in results[start : start + _IN_ONE_CALL]:
                lease = result.lease
                args += (lease.name.encode(), _ms(result.due_in_seconds), lease.host.encode())
                args += ((result.backoff_host or lease.host).encode(), _ms(result.backoff_seconds))
                args += (_ms(result.host_interval_seconds), len(result.fields))
                for name, value in result.fields.items():
                    args += (name.encode(), b"" if value is None else str(value).encode())
            answers += map(bool, self._finish.run(self._client, [self._due, self._failing], args))
        return answers

    def follow_clock(self) -> int:
        """Reschedule items whose due time came from a clock that has been set back since; return
        their number. Called at each tick."""
        return int(self._set_back.run(self._client, [self._due, self._clock], []))

    def take_over(self, items: str) -> int:
        """Move all items of another queue of this kind, with their counts, to this one; return
        their number."""
        former = self._layout.key(items)
        if former == self._due:
            return 0
        keys = [self._due, former, former + b":counts", self._due + b":counts"]
        return int(self._take_over.run(self._client, keys, [self._items]))

    def bring_forward(self, bound_ms: Callable[[str], int], horizon_ms: int) -> int:
        """Make items that are due after `bound_ms(name)` (Unix ms) due at that time; return their
        number. Only those due after `horizon_ms` are examined."""
        with translated():
            late = self._client.zrangebyscore(
                self._due, f"({horizon_ms}", "+inf", withscores=True, start=0, num=_MAX_LATE
            )
            bounds = {name: bound_ms(name.decode()) for name, _ in late}
            sooner = {name: bounds[name] for name, due in late if due > bounds[name]}
            if sooner:
                self._client.zadd(self._due, sooner, xx=True, lt=True)
        return len(sooner)

    def now_ms(self) -> int:
        """The server's time, Unix ms."""
        with translated():
            return server_ms(self._client)

    def names(self) -> set[str]:
        """The names of all items."""
        with translated():
            return {name.decode() for name in self._client.zrange(self._due, 0, -1)}

    def count(self) -> int:
        """The number of items."""
        with translated():
            return int(self._client.zcard(self._due))

    def count_due(self, within_seconds: float = 0.0) -> int:
        """The number of items that are due now, or within so many seconds."""
        until = self.now_ms() + int(within_seconds * 1000)
        with translated():
            return int(self._client.zcount(self._due, "-inf", until))

    def get_due_times(self, names: Sequence[str]) -> dict[str, int]:
        """When each of `names` that is an item is due (Unix ms; 0: at once)."""
        if not names:
            return {}
        with translated():
            scores = self._client.zmscore(self._due, names)
        pairs = zip(names, scores, strict=True)
        return {name: int(score) for name, score in pairs if score is not None}

    def make_due(self, names: Iterable[str]) -> int:
        """Make items due now; return how many of them exist."""
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
