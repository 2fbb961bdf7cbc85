"""Reads the stream of articles as a member of a consumer group: each record at least once.

    for record in Consumer("redis://localhost", group="nlp"):
        print(record.id, record.article.tickers)

This file needs only the standard library and redis-py (5 or newer), so it may be copied. It uses
commands that Redis 6.2 to 8 and Valkey share. docs/consuming.md describes it.

One generator, `_Work.steps`, has all the logic. It yields what to do (send commands, wait, deliver
records) and receives replies; `__iter__` does it blocking, `__aiter__` with asyncio.
"""

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import random
import socket
import tempfile
import time
from collections import Counter, deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
)
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.backoff
import redis.retry

logger = logging.getLogger("newsdrop.consumer")

MAX_WAITING = 1_000
"""Unfinished records of one consumer. At that number it reads no new ones: memory is bounded."""
MAX_DELAY_SECONDS = 5.0
TEMPORARY = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, redis.OutOfMemoryError)
TEMPORARY_CODES = ("LOADING", "MASTERDOWN", "CLUSTERDOWN", "UNBLOCKED", "READONLY", "OOM", "BUSY ")
"""Replies of a server that starts, fails over or is full: the command is repeated."""
WARNINGS = ("disconnected", "failed", "dead", "dead-letters-full", "trimmed", "group-created-again")


class Skip(Exception):
    """Raised by a handler: the record is of no use here. It is acknowledged."""


class Retry(Exception):
    """Raised by a handler: the target is unavailable, try this record again in `after` seconds.
    Does not count as a failed delivery. Later revisions of the article wait behind it."""

    def __init__(self, after: float = 30.0) -> None:
        super().__init__(after)
        self.after = after


@dataclass(frozen=True)
class Record:
    """One entry of the stream. `type` is `article.published`, `article.revised` or
    `article.withdrawn`; `data` is the JSON object; `deliveries` counts from 1. `story`, the id that
    its near-duplicates share, and `near_duplicate_of`, the first of them, are None unless marked;
    `similarity` is from 0 to 1."""

    stream_id: str
    type: str
    id: str
    revision: int
    title: str
    date: str | None
    source: str
    data: bytes
    deliveries: int
    story: str | None = None
    near_duplicate_of: str | None = None
    similarity: float | None = None

    @cached_property
    def article(self) -> "Article":
        """The typed record. Unknown fields are ignored, missing ones have their defaults. Raises
        ValueError if `data` is not a JSON object."""
        value = json.loads(self.data)
        if not isinstance(value, dict):
            raise ValueError(f"entry {self.stream_id} holds no JSON object; skip it")
        article: Article = _build(Article, value)
        return article

    @cached_property
    def withdrawal(self) -> "Withdrawal":
        """The data of an entry `article.withdrawn`; else like :attr:`article`."""
        withdrawal: Withdrawal = _build(Withdrawal, json.loads(self.data))
        return withdrawal


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records to handle; the others are acknowledged. Each value is one string or several.
    `language` matches its variants too (`zh`: `zh-Hans`). `since` and `until` are dates (ISO, both
    included); an article without a date then does not pass. `first_of_story` leaves out what is a
    near-duplicate of another article. Withdrawals pass all but `source`."""

    source: str | Collection[str] = ()
    language: str | Collection[str] = ()
    ticker: str | Collection[str] = ()
    tag: str | Collection[str] = ()
    since: str | None = None
    until: str | None = None
    first_of_story: bool = False

    def accept(self, record: Record) -> bool:
        if self.source and record.source not in _several(self.source):
            return False
        if record.type == "article.withdrawn":
            return True
        if self.first_of_story and record.near_duplicate_of:
            return False
        if (self.since or self.until) and not (
            record.date and (self.since or "") <= record.date <= (self.until or "9999")
        ):
            return False
        if not (self.language or self.ticker or self.tag):
            return True
        article = record.article
        language = f"{article.language or ''}-".lower()
        languages = [f"{item.lower()}-" for item in _several(self.language)]
        return (
            (not languages or language.startswith(tuple(languages)))
            and (not self.ticker or _overlap(self.ticker, (t.symbol for t in article.tickers)))
            and (not self.tag or _overlap(self.tag, article.tags))
        )


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, for metrics. `kind`: handled, skipped, retried, failed, filtered, dead,
    claimed, trimmed, redelivered, acknowledged, disconnected, dead-letters-full,
    group-created-again. `seconds` is the handler's time."""

    kind: str
    count: int = 1
    detail: str = ""
    seconds: float = 0.0


class Consumer:
    """A member of a consumer group; iterate over it with `for` or `async for`.

    A record is acknowledged when the next one is taken, a batch in one round trip. `url` is
    redis, rediss or unix, or a client of redis-py (as Sentinel makes them), which is then this
    consumer's own. `start` is for a new group: `0` all, `$` only new, or an ID. `name` must be
    stable and unique in the group; by default it is `<host>-<number>`, unique on the machine. What
    a consumer leaves unfinished for `claim_after_seconds`, another one takes over: that must be
    longer than one record (with `batches()`: one batch) takes. After `max_deliveries` failures or
    crashes a record goes to the stream `{<stream>}:dead:<group>`, which holds `max_dead_letters`.
    `first_of_story` is that of :class:`Filters`.

    Connection errors are repeated; redis.AuthenticationError and refused commands are raised.
    """

    def __init__(
        self,
        url: Any,
        *,
        group: str,
        start: str = "0",
        stream: str = "newsdrop:articles",
        name: str | None = None,
        batch: int = 100,
        block_seconds: float = 1.0,
        claim_after_seconds: float = 60.0,
        max_deliveries: int = 5,
        max_dead_letters: int = 10_000,
        filters: Filters | None = None,
        first_of_story: bool = False,
        on_event: Callable[[Event], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.group, self.stream, self.name = group, stream, name
        self.dead_letters = f"{{{stream}}}:dead:{group}"
        self.past = f"{{{stream}}}:past:{group}"
        self.counts: Counter[str] = Counter()
        self.start, self.batch, self.clock = start, batch, clock
        self.block_seconds, self.claim_after_seconds = block_seconds, claim_after_seconds
        self.max_deliveries, self.max_dead_letters = max_deliveries, max_dead_letters
        self.filters, self.on_event = filters, on_event
        if first_of_story:
            self.filters = replace(filters or Filters(), first_of_story=True)
        self._has_stopped = False
        self.url = url
        self._error: Exception | None = None

    def stop(self) -> None:
        """End the loop after the current record, which is acknowledged. For signals and threads."""
        self._has_stopped = True

    def is_stopping(self) -> bool:
        return self._has_stopped

    def run(self, handler: Callable[[Record], object]) -> None:
        """Call `handler` with each record until :meth:`stop`. It may raise Skip or Retry; any other
        Exception is a failed delivery, which is repeated later."""
        with closing(self._batches(is_single=True)) as batches:
            for (record,) in batches:
                try:
                    handler(record)
                except Exception as error:
                    self._error = error

    async def run_async(self, handler: Callable[[Record], Awaitable[object]]) -> None:
        """:meth:`run` with asyncio."""
        async with aclosing(self._batches_async(is_single=True)) as batches:
            async for (record,) in batches:
                try:
                    await handler(record)
                except Exception as error:
                    self._error = error

    def batches(self) -> Generator[list[Record], None, None]:
        """Lists of up to `batch` records, each acknowledged when the next one is taken."""
        return self._batches(is_single=False)

    def batches_async(self) -> AsyncIterator[list[Record]]:
        """:meth:`batches` with asyncio."""
        return self._batches_async(is_single=False)

    def __iter__(self) -> Iterator[Record]:
        with closing(self._batches(is_single=True)) as batches:
            for (record,) in batches:
                yield record

    async def __aiter__(self) -> AsyncIterator[Record]:
        async with aclosing(self._batches_async(is_single=True)) as batches:
            async for (record,) in batches:
                yield record

    # ── what differs between blocking and asyncio ─────────────────────────────────────────────

    def _batches(self, *, is_single: bool) -> Generator[list[Record], None, None]:
        client = self._open(redis.Redis, redis.retry.Retry)
        with closing(client), _name_of(self) as name:
            work = _Work(self, name)
            reply: Any = None
            steps = work.steps(is_single=is_single)
            try:
                while (step := _next_step(steps, reply)) is not None:
                    if isinstance(step, list):
                        yield step
                        reply, self._error = self._error, None
                    else:
                        reply = _perform(client, step)
            finally:
                for step in work.leave():
                    _perform(client, step)

    async def _batches_async(self, *, is_single: bool) -> AsyncGenerator[list[Record], None]:
        client = self._open(redis.asyncio.Redis, redis.asyncio.retry.Retry)
        async with aclosing(client):
            with _name_of(self) as name:
                work = _Work(self, name)
                reply: Any = None
                steps = work.steps(is_single=is_single)
                try:
                    while (step := _next_step(steps, reply)) is not None:
                        if isinstance(step, list):
                            yield step
                            reply, self._error = self._error, None
                        else:
                            reply = await _perform_async(client, step)
                finally:
                    for step in work.leave():
                        await _perform_async(client, step)

    def _open(self, kind: Any, retry: Any) -> Any:
        """A client whose replies are not parsed, and which sends each command once."""
        client = self.url
        if isinstance(client, str):
            client = kind.from_url(
                client,
                retry=retry(redis.backoff.NoBackoff(), 0),
                socket_timeout=self.block_seconds + 10,
                socket_connect_timeout=5,
                decode_responses=False,
            )
        client.response_callbacks.clear()
        return client

    def report(self, kind: str, count: int = 1, detail: str = "", seconds: float = 0.0) -> None:
        """Count what happened, log it if it needs attention, and pass it on."""
        self.counts[kind] += count
        if kind in WARNINGS:
            logger.warning("%s: %d, group %a, %a", kind, count, self.group, detail[:300])
        if self.on_event:
            self.on_event(Event(kind, count, detail, seconds))


# ── the logic ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Commands:
    """To be sent in one round trip; with `is_atomic` as a transaction."""

    lines: tuple[tuple[Any, ...], ...]
    is_atomic: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A record to deliver again at `due`. `cost`: 1 if its next delivery counts."""

    due: float
    deliveries: int
    article: str = ""
    cost: int = 1


_Step = _Commands | float | list[Record]
_Steps = Generator[_Step, Any, None]
_Replies = Generator[_Step, Any, list[Any]]


class _Stopped(Exception):
    """The consumer was stopped while the server was unavailable."""


class _PastEnded(Exception):
    """The past of the group is finished: its stream was deleted."""


class _Work:
    """What one run of a consumer does. Its generators yield commands to send (and receive the
    replies, or the error), seconds to wait, and records to deliver (and receive the handler's
    error)."""

    def __init__(self, consumer: Consumer, name: str) -> None:
        self.consumer, self.name = consumer, name
        self._begin()

    def _begin(self) -> None:
        self.stream = self.consumer.stream  # or that of the group's past, until it is finished
        self.position: str | None = None  # the last new entry that was read
        self.waiting: dict[str, _Waiting] = {}  # by stream ID
        self.unhandled: dict[str, Record] = {}  # read, not handled yet
        self.orphans: set[str] = set()  # unhandled although their group was created again
        self.done: list[str] = []  # handled, not acknowledged yet
        self.acknowledged: deque[str] = deque(maxlen=MAX_WAITING)  # the last ones
        self.cursor, self.refresh_at, self.failures = "0-0", 0.0, 0

    def steps(self, *, is_single: bool) -> _Steps:
        """The whole run."""
        with suppress(_Stopped):
            while not self.consumer.is_stopping():
                try:
                    yield from self._turn(is_single=is_single)
                except _PastEnded:
                    self._begin()

    def _turn(self, *, is_single: bool) -> _Steps:
        if self.position is None:
            yield from self._create_group()
        if self.consumer.clock() >= self.refresh_at:
            yield from self._refresh()
        records = yield from self._reclaim()
        if records is None:
            records = yield from self._read_new()
        self.unhandled = {record.stream_id: record for record in records}
        for part in [[entry] for entry in records] if is_single else [records]:
            if self.consumer.is_stopping():
                break
            yield from self._deliver(part)

    def leave(self) -> Iterator[_Step]:
        """At the end: acknowledge what was handled, and let others have the rest at once."""
        remaining_ids = [*self.unhandled, *self.waiting]
        lines = self._acknowledgement()
        if remaining_ids:
            idle = int(self.consumer.claim_after_seconds * 1000)
            lines += (("XCLAIM", *self._owner(), 0, *remaining_ids, "IDLE", idle, "JUSTID"),)
        if lines:
            yield _Commands(lines)
        self._report_if("acknowledged", len(self.done))

    def _owner(self) -> tuple[str, str, str]:
        return self.stream, self.consumer.group, self.name

    def _acknowledgement(self) -> tuple[tuple[Any, ...], ...]:
        return self._finish(*self.done) if self.done else ()

    def _finish(self, *stream_ids: str) -> tuple[tuple[Any, ...], ...]:
        """Acknowledge; in the past's stream, which holds what is not finished, also delete."""
        acknowledge = ("XACK", self.stream, self.consumer.group, *stream_ids)
        if self.stream == self.consumer.past:  # first: what is only deleted is still pending
            return ("XDEL", self.stream, *stream_ids), acknowledge
        return (acknowledge,)

    def _send(self, *lines: tuple[Any, ...]) -> _Replies:
        """The replies, repeated until the server gives them; acknowledges before. Raises what is
        not temporary."""
        acknowledgement = self._acknowledgement()
        while True:
            replies = yield _Commands((*acknowledgement, *lines))
            error = _first_error(replies)
            if error is None:
                break
            yield from self._recover(error)
        self.failures = 0
        if acknowledgement:
            self.consumer.report("acknowledged", len(self.done))
            self.acknowledged += self.done
            self.done = []
        return list(replies[len(acknowledgement) :])

    def _recover(self, error: Exception) -> _Steps:
        """Wait before the next attempt, or make the group again. Raises an error that lasts."""
        if "NOGROUP" in str(error):
            yield from self._create_group()
            return
        if not _is_temporary(error):
            raise error
        if self.consumer.is_stopping():
            raise _Stopped
        delay = min(MAX_DELAY_SECONDS, 0.1 * 2**self.failures) * random.uniform(0.5, 1)  # noqa: S311
        self.failures = min(self.failures + 1, 10)
        self.refresh_at = 0  # what was read but not received is pending
        self.consumer.report("disconnected", detail=str(error), seconds=delay)
        yield delay

    # ── the group ─────────────────────────────────────────────────────────────────────────────

    def _create_group(self) -> _Steps:
        """Create the group if it is missing; after a loss where this consumer stopped, in another
        stream (its newest ID is older) from the beginning."""
        consumer = self.consumer
        if (yield from self._find_past()):
            return
        start = consumer.start
        if self.position is not None:
            about = yield from self._ask("XINFO", "STREAM", consumer.stream)
            newest = _text(_pairs(about).get("last-generated-id", "0-0")) if about else "0-0"
            start = self.position if _order(newest) >= _order(self.position) else "0"
        is_created = yield from self._ask(
            "XGROUP", "CREATE", consumer.stream, consumer.group, start, "MKSTREAM"
        )
        groups = yield from self._ask("XINFO", "GROUPS", consumer.stream)
        group = next(
            (g for g in map(_pairs, groups or ()) if _text(g["name"]) == consumer.group), None
        )
        if is_created and self.position is not None:
            consumer.report("group-created-again", detail=start)
            yield from self._keep_unfinished()
        self.position = _text(group["last-delivered-id"]) if group else None

    def _find_past(self) -> Generator[_Step, Any, bool]:
        """Whether the group has a past to finish first (`newsdrop groups create --since`)."""
        past = self.consumer.past
        groups = yield from self._ask("XINFO", "GROUPS", past)
        for group in map(_pairs, groups or ()):
            if _text(group["name"]) == self.consumer.group:
                self.stream, self.position = past, _text(group["last-delivered-id"])
                return True
        if self.stream == past:
            raise _PastEnded
        return False

    def _keep_unfinished(self) -> _Steps:
        """In a group that was made again, unhandled and waiting records are pending as before."""
        self.orphans = set(self.unhandled)
        unfinished = [*self.unhandled, *self.waiting]
        if unfinished:
            yield from self._ask("XCLAIM", *self._owner(), 0, *unfinished, "FORCE", "JUSTID")

    def _ask(self, *line: Any) -> Generator[_Step, Any, Any]:
        """One reply; None where the stream is missing or the group exists."""
        while True:
            replies = yield _Commands((line,))
            error = _first_error(replies)
            if error is None:
                return replies[0]
            if any(code in str(error) for code in ("no such key", "BUSYGROUP", "NOGROUP")):
                return None
            yield from self._recover(error)

    def _refresh(self) -> _Steps:
        """Take over what others left, and compare what is pending here with what the server has:
        own records of an earlier run, records that another one took over, lost replies.

        Ownership is renewed, so that a long batch or a long wait is not taken over.
        """
        consumer = self.consumer
        idle = int(consumer.claim_after_seconds * 1000)
        take = ("XAUTOCLAIM", *self._owner(), idle, self.cursor, "COUNT", consumer.batch, "JUSTID")
        limit = MAX_WAITING + 2 * consumer.batch  # the most that it has unfinished at once
        look = ("XPENDING", self.stream, consumer.group, "-", "+", limit, self.name)
        room = MAX_WAITING - len(self.waiting)
        replies = yield from self._send(*((take, look) if room >= consumer.batch else (look,)))
        if len(replies) > 1:
            self.cursor = _text(replies[0][0])
            self._report_if("claimed", len(replies[0][1]))
            self._report_if("trimmed", len(replies[0][2]) if len(replies[0]) > 2 else 0)
        counts = {_text(row[0]): int(row[3]) for row in replies[-1]}  # of deliveries
        is_all = len(counts) < limit
        now = consumer.clock()
        if is_all:
            owned = counts.keys() | self.orphans
            self.unhandled = {key: record for key, record in self.unhandled.items() if key in owned}
            self.waiting = {key: waiting for key, waiting in self.waiting.items() if key in owned}
        recovered = [key for key in counts if key not in self.unhandled and key not in self.waiting]
        redelivered = set(self.acknowledged).intersection(recovered)
        self._report_if("redelivered", len(redelivered))  # a fail-over lost their acknowledgement
        self.waiting |= {key: _Waiting(now, counts[key]) for key in recovered}
        if counts:
            yield from self._send(("XCLAIM", *self._owner(), 0, *counts, "JUSTID"))
        is_complete = is_all and self.cursor == "0-0"
        self.refresh_at = now + (consumer.claim_after_seconds / 3 if is_complete else 0.1)

    def _report_if(self, kind: str, count: int) -> None:
        if count:
            self.consumer.report(kind, count)

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def _reclaim(self) -> Generator[_Step, Any, list[Record] | None]:
        """One record that is due again; None if there is none.

        One at a time, and only then its delivery is counted: what ends the process is found among
        those that were read with it.
        """
        now = self.consumer.clock()
        stream_id = min(self.waiting, key=lambda one: self.waiting[one].due, default=None)
        if stream_id is None or self.waiting[stream_id].due > now:
            return None
        waiting = self.waiting[stream_id]
        if waiting.cost and waiting.deliveries >= self.consumer.max_deliveries:
            error = f"delivered {waiting.deliveries} times, never finished: it may end the process"
            yield from self._move_to_dead_letters(stream_id, waiting.deliveries, error)
            return []
        deliveries = waiting.deliveries + waiting.cost
        claim = ("XCLAIM", *self._owner(), 0, stream_id, "RETRYCOUNT", deliveries)
        (entries,) = yield from self._send(claim)
        self.waiting.pop(stream_id, None)
        if not entries or not entries[0] or entries[0][1] is None:
            self.done.append(stream_id)
            self.consumer.report("trimmed")
            return []
        return self._accepted([_record(entries[0], deliveries)])

    def _read_new(self) -> Generator[_Step, Any, list[Record]]:
        consumer = self.consumer
        now = consumer.clock()
        due_at = min((one.due for one in self.waiting.values()), default=now + 3600)
        wait = max(0.001, min(consumer.block_seconds, due_at - now, self.refresh_at - now))
        if len(self.waiting) >= MAX_WAITING:
            yield from self._send()
            yield wait
            return []
        command = ("XREADGROUP", "GROUP", consumer.group, self.name, "COUNT", consumer.batch)
        source = ("BLOCK", int(wait * 1000) or 1, "STREAMS", self.stream, ">")
        (reply,) = yield from self._send((*command, *source))
        streams = reply.values() if isinstance(reply, dict) else [one[1] for one in reply or ()]
        records = [_record(entry, 1) for entries in streams for entry in entries]
        if not records:
            return []
        before = _order(self.position or "0-0")
        repeated = sum(_order(one.stream_id) <= before for one in records)
        self._report_if("redelivered", repeated)  # the group was set back, or by a fail-over
        self.position = records[-1].stream_id
        return self._accepted(records)

    def _accepted(self, records: list[Record]) -> list[Record]:
        """Those that pass the filters; the others are done. What cannot be filtered is passed on:
        its handler fails, too, and the record becomes a dead letter."""
        filters = self.consumer.filters
        if filters is None:
            return records
        passed = []
        for record in records:
            with suppress(ValueError, TypeError, AttributeError):
                if not filters.accept(record):
                    self.done.append(record.stream_id)
                    continue
            passed.append(record)
        self._report_if("filtered", len(records) - len(passed))
        return passed

    # ── delivering ────────────────────────────────────────────────────────────────────────────

    def _deliver(self, records: list[Record]) -> _Steps:
        if self.consumer.clock() >= self.refresh_at:
            yield from self._refresh()
        for record in records if self.waiting else ():
            due_at = self._blocked_until(record)
            if due_at is not None:
                self._wait(record, due_at, cost=0)
        present = [entry for entry in records if entry.stream_id in self.unhandled]
        if not present:
            return
        started = self.consumer.clock()
        error = yield present
        seconds = self.consumer.clock() - started
        if error is None or isinstance(error, Skip):
            self.done += [entry.stream_id for entry in present]
            for entry in present:
                self.unhandled.pop(entry.stream_id, None)
            self.consumer.report("skipped" if error else "handled", len(present), seconds=seconds)
        else:
            yield from self._fail(present, error, seconds)

    def _blocked_until(self, record: Record) -> float | None:
        """When the earlier entry of the same article that waits is due."""
        earlier = [
            waiting.due
            for stream_id, waiting in self.waiting.items()
            if waiting.article == record.id and _order(stream_id) < _order(record.stream_id)
        ]
        return max(earlier, default=None)

    def _fail(self, records: list[Record], error: Exception, seconds: float) -> _Steps:
        now = self.consumer.clock()
        if isinstance(error, Retry):
            self.consumer.report("retried", len(records), seconds=seconds)
            for record in records:
                self._wait(record, now + error.after, cost=0)
            return
        text = f"{type(error).__name__}: {error}"
        self.consumer.report("failed", len(records), text, seconds)
        for record in records:
            self._wait(record, now + min(60.0, 2.0 ** (record.deliveries - 1)))
            if record.deliveries >= self.consumer.max_deliveries:
                yield from self._move_to_dead_letters(record.stream_id, record.deliveries, text)

    def _wait(self, record: Record, due_at: float, cost: int = 1) -> None:
        self.unhandled.pop(record.stream_id, None)
        self.waiting[record.stream_id] = _Waiting(due_at, record.deliveries, record.id, cost)

    def _move_to_dead_letters(self, stream_id: str, deliveries: int, error: str) -> _Steps:
        """Move a record to the dead letters. If it was moved but the reply was lost, it is not
        pending any more, so it is moved once. If they are full, it waits: nothing is dropped."""
        consumer = self.consumer
        pending, count, entries = yield from self._send(
            ("XPENDING", self.stream, consumer.group, stream_id, stream_id, 1),
            ("XLEN", consumer.dead_letters),
            ("XRANGE", self.stream, stream_id, stream_id),
        )
        waiting = self.waiting.pop(stream_id, _Waiting(0, deliveries))
        if not pending:
            return
        later = replace(waiting, due=consumer.clock() + 60, deliveries=deliveries, cost=1)
        if count >= consumer.max_dead_letters:
            self.waiting[stream_id] = later
            consumer.report("dead-letters-full", detail=consumer.dead_letters)
            return
        about = ("entry", stream_id, "consumer", self.name, "deliveries", deliveries)
        fields = [] if not entries else entries[0][1]
        replies = yield _Commands(
            (
                ("XADD", consumer.dead_letters, "*", *about, "error", error[:2000], *fields),
                *self._finish(stream_id),
            ),
            is_atomic=True,
        )
        problem = _first_error(replies)
        if problem is None:
            consumer.report("dead", detail=f"{stream_id} {error}")
        else:
            self.waiting[stream_id] = replace(later, due=consumer.clock() + 1)
            yield from self._recover(problem)


def _next_step(steps: _Steps, reply: Any) -> _Step | None:
    try:
        return steps.send(reply)
    except StopIteration:
        return None


def _perform(client: Any, step: Any) -> Any:
    """Wait, or send; the replies, or the error."""
    if isinstance(step, float):
        return time.sleep(step)
    try:
        with _pipeline(client, step) as pipe:
            return pipe.execute(raise_on_error=False)
    except (redis.RedisError, OSError) as error:
        return error


async def _perform_async(client: Any, step: Any) -> Any:
    if isinstance(step, float):
        return await asyncio.sleep(step)
    try:
        async with _pipeline(client, step) as pipe:
            return await pipe.execute(raise_on_error=False)
    except (redis.RedisError, OSError) as error:
        return error


def _pipeline(client: Any, commands: _Commands) -> Any:
    pipe = client.pipeline(transaction=commands.is_atomic)
    for line in commands.lines:
        pipe.execute_command(*line)
    return pipe


def _first_error(replies: Any) -> Exception | None:
    if isinstance(replies, Exception):
        return replies
    return next((reply for reply in replies if isinstance(reply, Exception)), None)


def _is_temporary(error: Exception) -> bool:
    if isinstance(error, redis.AuthenticationError):  # a ConnectionError of redis-py
        return False
    return isinstance(error, (*TEMPORARY, OSError)) or str(error).startswith(TEMPORARY_CODES)


@contextmanager
def _name_of(consumer: Consumer) -> Iterator[str]:
    """The consumer's name: the given one, else `<host>-<number>` with the lowest number that no
    process of this machine holds. The kernel frees it when the process ends."""
    if consumer.name:
        yield consumer.name
        return
    group = f"{os.getuid()} {consumer.url} {consumer.stream} {consumer.group}"
    digest = hashlib.sha256(group.encode()).hexdigest()[:16]
    for number in range(1_000):
        path = Path(tempfile.gettempdir(), f"newsdrop-{digest}-{number}.lock")
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if _is_locked(file):
                yield f"{socket.gethostname()}-{number}"
                return
        finally:
            os.close(file)
    raise ValueError("a thousand consumers of this group run here: give each a name of its own")


def _is_locked(file: int) -> bool:
    """Whether this process has the lock now."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _record(entry: Any, deliveries: int) -> Record:
    """One entry of a reply; fields that another program left out are empty."""
    names = iter(entry[1] or ())
    fields = dict(zip(names, names, strict=True))
    revision = fields.get(b"revision", b"")
    return Record(
        stream_id=_text(entry[0]),
        type=_text(fields.get(b"type", b"")),
        id=_text(fields.get(b"id", b"")),
        revision=int(revision) if revision.isdigit() and len(revision) < 10 else 1,
        title=_text(fields.get(b"title", b"")),
        date=_text(fields.get(b"date", b"")) or None,
        source=_text(fields.get(b"source", b"")),
        data=fields.get(b"data", b""),
        deliveries=deliveries,
        story=_text(fields.get(b"story", b"")) or None,
        near_duplicate_of=_text(fields.get(b"near_duplicate_of", b"")) or None,
        similarity=_share(fields.get(b"similarity", b"")),
    )


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _share(value: bytes) -> float | None:
    """A number from 0 to 1; None for anything else, such as `nan`."""
    with suppress(ValueError):
        share = float(value)
        return share if 0 <= share <= 1 else None
    return None


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, number = stream_id.partition("-")
    return int(milliseconds), int(number or 0)


def _pairs(reply: Any) -> dict[str, Any]:
    """A map, which is a flat list in RESP2."""
    if not isinstance(reply, dict):
        reply = dict(zip(reply[::2], reply[1::2], strict=True))
    return {_text(name): value for name, value in reply.items()}


def _several(value: str | Collection[str]) -> Collection[str]:
    return (value,) if isinstance(value, str) else value


def _overlap(values: str | Collection[str], present: Iterable[str]) -> bool:
    return not set(_several(values)).isdisjoint(present)


def _build(kind: Any, value: dict[str, Any]) -> Any:
    """`value` as one of the classes below."""
    readers = _readers(kind)
    return kind(
        **{
            name: value[name] if readers[name] is None else readers[name](value[name])
            for name in readers.keys() & value.keys()
        }
    )


@cache
def _readers(kind: Any) -> dict[str, Any]:
    """How each field is read: None as it is, else by a function."""
    readers: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        part = next((t for t in (hint, *get_args(hint)) if is_dataclass(t)), None)
        if get_origin(hint) is tuple:
            readers[name] = partial(_build_all, part)
        else:
            readers[name] = partial(_build_one, part) if part else None
    return readers


def _build_all(part: Any, values: Any) -> tuple[Any, ...]:
    values = values or ()
    return tuple(values if part is None else (_build(part, value) for value in values))


def _build_one(part: Any, value: Any) -> Any:
    return None if value is None else _build(part, value)


# ── the record: `make docs` writes these classes from the model ───────────────────────────────

# <!-- from the model -->


@dataclass(frozen=True, slots=True)
class Person:
    """A human author, not an outlet."""

    name: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """The outlet that published the article."""

    name: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in the article. Missing values are null; width and height are in CSS pixels."""

    url: str = ""
    alt: str | None = None
    caption: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A hyperlink in the body, with its visible text."""

    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to the article (an enclosure)."""

    url: str = ""
    mime_type: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Ticker:
    """A security the article names. `exchange` is an ISO 10383 MIC."""

    symbol: str = ""
    exchange: str | None = None
    name: str | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Dedupe:
    """The parts of the article's identity."""

    key: str = ""
    title: str = ""
    scope: str = ""
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of the article. Times are RFC 3339, UTC."""

    source: str = ""
    kind: str = ""
    path: str | None = None
    url: str | None = None
    link: str | None = None
    feed_url: str | None = None
    fetched_at: str | None = None
    raw_sha256: str = ""
    parser: str = ""
    job: str | None = None
    merged: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference to the revision before. To apply a list of changes, apply each in its order:
    `paragraph` counts the paragraphs that the changes before it have left."""

    field: str = ""
    kind: str = ""
    paragraph: int | None = None
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """The differences of a revision from the one before it."""

    reason: str = ""
    previous: int = 0
    fields: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The data of an entry `article.withdrawn`: the article is not valid any more."""

    id: str = ""
    schema_version: int = 0
    title: str = ""
    date: str | None = None
    url: str | None = None
    withdrawn_at: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """The record. Times are RFC 3339 in UTC (`Z`); every string is valid Unicode."""

    id: str = ""
    schema_version: int = 0
    title: str = ""
    url: str | None = None
    external_url: str | None = None
    summary: str | None = None
    language: str | None = None
    content_html: str = ""
    content_text: str = ""
    highlights: tuple[str, ...] = ()
    date: str | None = None
    date_published: str | None = None
    date_modified: str | None = None
    date_precision: str = ""
    date_source: str | None = None
    authors: tuple[Person, ...] = ()
    editor: str | None = None
    publisher: Publisher | None = None
    tags: tuple[str, ...] = ()
    image: str | None = None
    images: tuple[Image, ...] = ()
    links: tuple[Link, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tickers: tuple[Ticker, ...] = ()
    word_count: int = 0
    dedupe: Dedupe = Dedupe()
    provenance: Provenance = Provenance()
    first_seen_at: str = ""
    ingested_at: str = ""
    warnings: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    revised: Revision | None = None


# <!-- to here -->
