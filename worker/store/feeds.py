"""The state of feeds between polls, and when each is polled next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
import redis

from worker.feeds.schedule import FIRST_SECONDS, GAP, GROW, SHRINK
from worker.store.connection import Script
from worker.store.errors import translated, translated_replies
from worker.store.feed_state import (
    STATE_TYPES,
    ConfiguredFeed,
    FeedObservation,
    FeedState,
    PollLogEntry,
    parse_poll,
    parse_state,
)
from worker.store.layout import DAY
from worker.store.leases import HostPace, LeaseQueue

_CLAIM_SECONDS = 7 * DAY
_BEHIND_KEEP_SECONDS = 600
"""Seconds after the last fetch from a host for which it counts as behind: its feeds may be gone."""
_CHUNK = 500
_FINGERPRINT_LENGTH = 12
_FAILURES = (
    *("failures", "trouble", "error", "error_ms", "bad", "bad_reason", "bad_message"),
    *("body", "etag", "modified", "address", "moved_to", "moved_count", "not_before"),
)
_POLL_FIELDS = (
    *("etag", "modified", "body", "interval", "hold", "failures", "bad"),
    *("moved_to", "moved_count", "address", "asked"),
)


class FeedStore(LeaseQueue):
    """Every method raises Retryable, no error of redis-py. Leases: :func:`read_poll_state`."""

    def __init__(self, client: redis.Redis, *, stream: str, pace: HostPace, node: str = "") -> None:
        super().__init__(
            client, stream=stream, kind="feed", items="feeds", pace=pace, fields=_POLL_FIELDS
        )
        self._node = node
        self._synced = self._layout.key("feeds", "digest")
        self._synced_by = self._layout.key("feeds", "digests")
        self._behind = self._layout.key("feeds", "behind")
        self._record = Script("preconditions.lua", "record_documents.lua")

    def sync(self, digest: str, count: int, feeds: Iterable[ConfiguredFeed]) -> bool:
        """Make the `count` feeds of the catalog those of the store; False if they already are, or
        if another node has registered a newer catalog: of two that differ, the last change counts.

        A feed that is new, or has another address, is due at once and has no state. The state of a
        removed feed is kept for a day: what one machine removes and another one adds again must not
        make any server receive more requests.
        """
        wanted = digest.encode()
        with translated():
            synced = self._client.get(self._synced)
            own = self._client.hget(self._synced_by, self._node)
        if synced == wanted and self.count() == count:
            if own != wanted:
                self._record_catalog(digest)
            return False
        if synced and synced != wanted and own == wanted:
            return False
        listed = list(feeds)
        self._retire(self.names() - {feed.name for feed in listed})
        for start in range(0, len(listed), _CHUNK):
            self._add(listed[start : start + _CHUNK])
        with translated():
            self._client.set(self._synced, digest)
        self._record_catalog(digest)
        return True

    def _record_catalog(self, digest: str) -> None:
        with translated():
            self._client.hset(self._synced_by, self._node, digest)

    def list_differing(self) -> set[str]:
        """The nodes whose catalogs differ from the one that is polled."""
        with translated():
            synced = self._client.get(self._synced)
            own = self._client.hgetall(self._synced_by)
        return {node.decode() for node, digest in own.items() if synced and digest != synced}

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
                pipe.hdel(self.key(name), "since")
                pipe.expire(self.key(name), DAY)
            pipe.execute()

    def _add(self, feeds: Sequence[ConfiguredFeed]) -> None:
        states = self._read_fields([f.name for f in feeds], "configured", "was_due", "address")
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for feed, (url, was_due, moved) in zip(feeds, states, strict=True):
                key = self.key(feed.name)
                if url != feed.url.encode():
                    pipe.delete(key)
                    pipe.srem(self._failing, feed.name)
                    state = {"configured": feed.url, "host": feed.host, "home": feed.host}
                    pipe.hset(key, mapping=state)
                    pipe.zadd(self._due, {feed.name: 0})
                else:
                    pipe.zadd(self._due, {feed.name: int(was_due or 0)}, nx=True)
                    pipe.hset(key, "home", feed.host)
                    if not moved:
                        pipe.hset(key, "host", feed.host)
                    pipe.hdel(key, "was_due")
                    pipe.persist(key)
            pipe.execute()

    def record_documents(self, batch: str, documents: Sequence[FeedObservation]) -> bool:
        """Record what was read from a batch's documents; False if that was done before."""
        args: list[bytes | int] = [self._items, _CLAIM_SECONDS]
        args += (str(number).encode() for number in (SHRINK, GROW, GAP, FIRST_SECONDS))
        for document in documents:
            pace = document.pace
            bounds = {"shortest": int(pace.shortest), "longest": int(pace.longest)}
            values = {**asdict(document), "pace": {**bounds, "has_schedule": bool(pace.schedule)}}
            args.append(orjson.dumps(values))
        keys = [self._due, self._layout.claims(batch), self._failing]
        return bool(self._record.run(self._client, keys, args))

    def get_refused_fingerprints(self, source: str) -> frozenset[str]:
        """The fingerprints of the entries that could not be read when the feed was last read."""
        with translated():
            fingerprints = self._client.hget(self.key(source), "refused") or b""
        text, step = fingerprints.decode("ascii", "replace"), _FINGERPRINT_LENGTH
        return frozenset(text[at : at + step] for at in range(0, len(text), step))

    def record_delays(self, delays: Mapping[str, float]) -> None:
        """Record by how many seconds hosts are behind with their feeds; 0 for one that is not."""
        at_ms = self.now_ms()
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for host, seconds in delays.items():
                if seconds:
                    pipe.hset(self._behind, host, f"{seconds:.0f} {at_ms}")
                else:
                    pipe.hdel(self._behind, host)
            pipe.expire(self._behind, DAY)
            pipe.execute()

    def list_behind(self) -> dict[str, int]:
        """By how many seconds hosts were behind at the last fetch from each, the worst first."""
        with translated():
            values = self._client.hgetall(self._behind)
        oldest_ms = (self.now_ms() - 1000 * _BEHIND_KEEP_SECONDS) if values else 0
        delays = {}
        for host, value in values.items():
            seconds, at_ms = map(int, value.split())
            if at_ms >= oldest_ms:
                delays[host.decode()] = seconds
        return dict(sorted(delays.items(), key=lambda pair: -pair[1]))

    def read_polls(self, name: str) -> tuple[PollLogEntry, ...]:
        """The last polls of a feed, at most 50, newest first."""
        with translated_replies():
            lines = (self._client.hget(self.key(name), "polls") or b"").decode().splitlines()
            return tuple(map(parse_poll, lines))

    def list_failing(self) -> set[str]:
        """The feeds whose last poll failed, or whose last document could not be read."""
        with translated():
            return {name.decode() for name in self._client.smembers(self._failing)}

    def reset_errors(self, names: Iterable[str]) -> int:
        """Delete failures, and make the feeds due and their hosts free now; return how many of the
        feeds exist."""
        listed = list(names)
        hosts = self._read_fields(listed, "host", "home")
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name, (_, home) in zip(listed, hosts, strict=True):
                if home:
                    pipe.hset(self.key(name), "host", home)
                pipe.hdel(self.key(name), *_FAILURES)
                pipe.srem(self._failing, name)
            for host in {host for pair in hosts for host in pair if host}:
                pipe.hdel(self._hosts + host, "cool", b"tail:" + self._items)
            pipe.execute()
        return self.make_due(listed)

    def count_published(self, names: Sequence[str]) -> dict[str, int]:
        """How many articles of each feed were published or revised since it was added."""
        counts = self._read_fields(names, "published", "revised")
        sums = (sum(int(count or 0) for count in pair) for pair in counts)
        return dict(zip(names, sums, strict=True))

    def get_states(self, names: Sequence[str]) -> list[FeedState]:
        """The states of feeds, in order; one that was never polled has only its name."""
        states: list[FeedState] = []
        for start in range(0, len(names), _CHUNK):
            chunk = names[start : start + _CHUNK]
            due_times = self.get_due_times(chunk)
            for name, values in zip(chunk, self._read_fields(chunk, *STATE_TYPES), strict=True):
                states.append(parse_state(name, due_times.get(name), values))
        free_ms = self._read_pauses({state.host for state in states if state.host})
        return [replace(state, host_free_ms=free_ms.get(state.host, 0)) for state in states]

    def _read_pauses(self, hosts: Iterable[str]) -> dict[str | None, int]:
        """Until when (Unix ms) hosts asked to be left alone."""
        listed = list(hosts)
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for host in listed:
                pipe.hget(self._hosts + host.encode(), "cool")
            return dict(zip(listed, (int(value or 0) for value in pipe.execute()), strict=True))

    def _read_fields(self, names: Sequence[str], *wanted: str) -> list[list[Any]]:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(self.key(name), wanted)
            return list(pipe.execute())
