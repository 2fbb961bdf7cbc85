"""What is remembered of feeds between polls, and when each is polled next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import redis

from worker.feeds.schedule import FIRST_SECONDS, GAP, GROW, SHRINK, PollPace, PollState
from worker.store.connection import translated
from worker.store.layout import DAY, Layout
from worker.store.leases import HostPace, Lease, LeaseQueue, TakenLeases
from worker.store.script import Script

_CLAIMS_LIVE = 7 * DAY
_CHUNK = 500
PRINT = 12
"""Hex digits of an entry's print."""
_FAILURES = (
    *("failures", "trouble", "error", "error_ms", "bad", "bad_reason", "bad_message"),
    *("body", "etag", "modified", "address", "moved_to", "moved_count", "not_before"),
)
_POLL_FIELDS = tuple("asked" if one.name == "is_manual" else one.name for one in fields(PollState))


@dataclass(frozen=True, slots=True)
class ConfiguredFeed:
    """A feed as the catalog has it: its name, its address as configured, and that one's host."""

    name: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class FeedObservation:
    """What was read of one document of a feed. `fetched_ms` is Unix time.

    `entries` is None for a page of the feed's; `new` are those published or sent for; `prints` are
    12 hex digits an entry, `refused` those of entries that cannot be read; `reason` and `message`
    tell why the whole could not be read.
    """

    name: str
    fetched_ms: int
    pace: PollPace
    entries: int | None = None
    new: int = 0
    published: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    fingerprints: str = ""
    refused_fingerprints: str = ""
    min_interval_seconds: int = 0
    title: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class FeedState:
    """How a feed stands. Times are Unix milliseconds, None where it never happened.

    `status` is of the last answer; `trouble` and `error` are set while polls fail, `bad_reason`
    and `bad_message` while what comes cannot be read. `address` is where it moved to for good.
    """

    name: str
    due_ms: int | None = None
    polled_ms: int | None = None
    success_ms: int | None = None
    new_ms: int | None = None
    status: int | None = None
    failures: int = 0
    trouble: str | None = None
    error: str | None = None
    error_ms: int | None = None
    bad: int = 0
    bad_reason: str | None = None
    bad_message: str | None = None
    interval: float | None = None
    hold: int = 0
    entries: int | None = None
    gaps: int = 0
    gap_ms: int | None = None
    published: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    title: str | None = None
    address: str | None = None
    moved_to: str | None = None
    moved_count: int = 0

    @property
    def is_failing(self) -> bool:
        return bool(self.failures or self.bad)


class FeedStore(LeaseQueue):
    """Every method raises Retryable and nothing of redis."""

    def __init__(self, client: redis.Redis, *, stream: str, pace: HostPace) -> None:
        super().__init__(client, stream=stream, kind="feed", items="feeds", pace=pace)
        self._layout = Layout(stream, 1)
        self._synced = self._layout.key("feeds", "digest")
        self._observed = Script("observed.lua")

    def take_leases(self, count: int, lease_seconds: float) -> TakenLeases:
        """Up to `count` feeds to be polled now; :func:`remembered` reads what is known of one."""
        return self.take(count, lease_seconds, _POLL_FIELDS)

    def sync(self, digest: str, count: int, feeds: Iterable[ConfiguredFeed]) -> bool:
        """Let the feeds be the `count` ones of the catalog; False where they are already.

        A new feed, or one with another address, is due at once, and nothing is remembered of it.
        What is remembered of one that went is kept for a day: where two machines have different
        feeds each takes away what the other adds, and that must not ask any server more often.
        """
        with translated():
            told = self._client.get(self._synced)
        listed = list(feeds) if told != digest.encode() or self.count() != count else None
        if listed is None:
            return False
        self._retire(self.names() - {feed.name for feed in listed})
        for start in range(0, len(listed), _CHUNK):
            self._add(listed[start : start + _CHUNK])
        with translated():
            self._client.set(self._synced, digest)
        return True

    def _retire(self, names: Iterable[str]) -> None:
        listed = list(names)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in listed:
                pipe.zscore(self._due, name)
            scores = pipe.execute()
            for name, due in zip(listed, scores, strict=True):
                pipe.zrem(self._due, name)
                pipe.srem(self._failing, name)
                pipe.hset(self.key(name), "was_due", int(due or 0))
                pipe.expire(self.key(name), DAY)
            pipe.execute()

    def _add(self, feeds: Sequence[ConfiguredFeed]) -> None:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for feed in feeds:
                pipe.hmget(self.key(feed.name), "configured", "was_due", "address")
            before = pipe.execute()
            for feed, (url, was_due, moved) in zip(feeds, before, strict=True):
                if url != feed.url.encode():
                    pipe.delete(self.key(feed.name))
                    pipe.srem(self._failing, feed.name)
                    said = {"configured": feed.url, "host": feed.host, "home": feed.host}
                    pipe.hset(self.key(feed.name), mapping=said)
                    pipe.zadd(self._due, {feed.name: 0})
                else:
                    pipe.zadd(self._due, {feed.name: int(was_due or 0)}, nx=True)
                    pipe.hset(self.key(feed.name), "home", feed.host)
                    if not moved:
                        pipe.hset(self.key(feed.name), "host", feed.host)
                    pipe.hdel(self.key(feed.name), "was_due")
                    pipe.persist(self.key(feed.name))
            pipe.execute()

    def record_documents(self, batch: str, documents: Sequence[FeedObservation]) -> bool:
        """Note what was read of a batch's documents; False where that was done before."""
        args: list[bytes | int] = [self._items, _CLAIMS_LIVE]
        args += (str(number).encode() for number in (SHRINK, GROW, GAP, FIRST_SECONDS))
        for one in documents:
            args += (one.name.encode(), one.fetched_ms)
            args.append(b"" if one.entries is None else one.entries)
            args += (one.new, one.published, one.revised, one.duplicate, one.rejected)
            args += (one.fingerprints.encode(), one.min_interval_seconds, one.title.encode())
            args += (one.reason.encode(), one.message.encode())
            args += (int(one.pace.shortest), int(one.pace.longest), int(bool(one.pace.schedule)))
            args.append(one.refused_fingerprints.encode())
        keys = [self._due, self._layout.claims(batch), self._failing]
        return bool(self._observed.run(self._client, keys, args))

    def get_refused_fingerprints(self, source: str) -> frozenset[str]:
        """The prints of the entries that could not be read when the feed was last read."""
        with translated():
            found = self._client.hget(self.key(source), "refused") or b""
        prints = found.decode("ascii", "replace")
        return frozenset(prints[at : at + PRINT] for at in range(0, len(prints), PRINT))

    def list_failing(self) -> set[str]:
        """The feeds of which the last poll, or what came of it, was no good."""
        with translated():
            return {name.decode() for name in self._client.smembers(self._failing)}

    def reset_errors(self, names: Iterable[str]) -> int:
        """Forget failures, and let the feeds and their hosts be asked now; how many there were."""
        listed = list(names)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in listed:
                pipe.hmget(self.key(name), "host", "home")
            known = pipe.execute()
            hosts = {host for pair in known for host in pair if host}
            for name, (_, home) in zip(listed, known, strict=True):
                if home:
                    pipe.hset(self.key(name), "host", home)
                pipe.hdel(self.key(name), *_FAILURES)
                pipe.srem(self._failing, name)
            for host in hosts:
                pipe.hdel(self._hosts + host, "cool", b"tail:" + self._items)
            pipe.execute()
        return self.make_due(listed)

    def count_published(self, names: Sequence[str]) -> dict[str, int]:
        """How many articles of each feed were published or revised since it was added."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(self.key(name), "published", "revised")
            found = pipe.execute()
        counts = (sum(int(count or 0) for count in pair) for pair in found)
        return dict(zip(names, counts, strict=True))

    def get_states(self, names: Sequence[str]) -> list[FeedState]:
        """How feeds stand, in order; one never heard of has nothing but its name."""
        found: list[FeedState] = []
        for start in range(0, len(names), _CHUNK):
            chunk = names[start : start + _CHUNK]
            with translated(), self._client.pipeline(transaction=False) as pipe:
                for name in chunk:
                    pipe.hmget(self.key(name), _STATE)
                    pipe.zscore(self._due, name)
                said = pipe.execute()
            found += map(_state, chunk, said[::2], said[1::2])
        return found


def read_poll_state(turn: Lease) -> PollState:
    """What is known of a feed that was handed out."""
    said = turn.fields
    return PollState(
        etag=said.get("etag"),
        modified=said.get("modified"),
        body=said.get("body"),
        interval=float(said.get("interval", 0)),
        hold=float(said.get("hold", 0)),
        failures=int(said.get("failures", 0)),
        bad=int(said.get("bad", 0)),
        moved_to=said.get("moved_to"),
        moved_count=int(said.get("moved_count", 0)),
        address=said.get("address"),
        is_manual="asked" in said,
    )


_STATE = tuple(one.name for one in fields(FeedState) if one.name not in ("name", "due_ms"))
_NUMBERS = {one.name for one in fields(FeedState) if one.type in (int, int | None)}


def _state(name: str, values: Sequence[bytes | None], due: float | None) -> FeedState:
    said: Mapping[str, Any] = {
        key: _typed(key, value.decode("utf-8", "replace"))
        for key, value in zip(_STATE, values, strict=True)
        if value is not None
    }
    return FeedState(name=name, due_ms=None if due is None else int(due), **said)


def _typed(key: str, value: str) -> str | int | float:
    if key in _NUMBERS:
        return int(float(value))
    return float(value) if key == "interval" else value
