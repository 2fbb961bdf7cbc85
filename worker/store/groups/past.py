"""The streams in which consumer groups get what was before their beginning, from the archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from worker.model import Outcome
from worker.model.from_json import dataclass_from
from worker.model.times import rfc3339_from_ms
from worker.store.connection import Client, Script
from worker.store.errors import translated, translated_replies
from worker.store.layout import Layout
from worker.store.stream import pack_story


@dataclass(frozen=True, slots=True)
class Past:
    """How far the past of a group is read: records since `since_ms` (Unix ms) up to the stream ID
    `boundary`. `created_at` is RFC 3339, UTC; `owner` the id of the state directory that reads.

    `position` records of the archived `batch` are read, all of it if `is_finished`; all of the
    archive if `is_read`. `missing` counts records whose raw files are gone.
    """

    group: str
    owner: str
    since_ms: int
    created_at: str
    boundary: str = "0-0"
    batch: str = ""
    position: int = 0
    is_finished: bool = False
    is_read: bool = False
    read: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class PastState:
    """The progress of a group in its past. `read` counts the records that came from the archive,
    `unfinished` those of them that no consumer has acknowledged, `pending` those of these that one
    has; `is_read`: the archive has no more. `missing` counts records whose raw files are gone.
    `since` is RFC 3339, UTC."""

    since: str
    read: int
    unfinished: int
    pending: int
    missing: int
    is_read: bool


@dataclass(frozen=True, slots=True)
class PastRecord:
    """A record from the archive with its outcome then."""

    outcome: Outcome
    title: str
    source: str
    data: bytes


class PastStore:
    """Every method raises Retryable, no error of redis-py."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client: Any = client
        self._stream = stream
        self._states = Layout(stream, 1).key("past")
        self._create = Script("create_past.lua")
        self._add = Script("story_fields.lua", "add_past.lua")

    def create(self, past: Past) -> str:
        """Create the group and its stream; returns the boundary. The group must not exist."""
        keys = [self._stream.encode(), self.key(past.group), self._states]
        start = f"{max(0, past.since_ms - 1)}-0".encode()
        args: list[bytes | int] = [past.group.encode(), start, orjson.dumps(past)]
        return bytes(self._create.run(self._client, keys, args)).decode()

    def list(self) -> list[Past]:
        """The groups whose past is not finished."""
        with translated_replies():
            states = self._client.hgetall(self._states)
            return [dataclass_from(Past, orjson.loads(state)) for state in states.values()]

    def states(self) -> dict[str, PastState]:
        """How far each group's past is read, until it is finished, by the name of the group."""
        with translated_replies():
            return {
                one.group: PastState(
                    rfc3339_from_ms(one.since_ms),
                    one.read,
                    self.count(one.group),
                    self._count_pending(one.group),
                    one.missing,
                    one.is_read,
                )
                for one in self.list()
            }

    def count(self, group: str) -> int:
        """Entries that the group's consumers have not finished."""
        with translated():
            return int(self._client.xlen(self.key(group)))

    def _count_pending(self, group: str) -> int:
        try:
            return int(self._client.xpending(self.key(group), group)["pending"])
        except redis.ResponseError:
            return 0  # its stream has just been deleted

    def add(self, past: Past, records: Sequence[PastRecord]) -> bool:
        """Add records and what is read now, both or neither; False, and neither, where the group
        was deleted meanwhile, or another one has its name."""
        args: list[bytes | int] = [past.group.encode(), past.created_at.encode()]
        args.append(orjson.dumps(past))
        for record in records:
            outcome = record.outcome
            args += [f"article.{outcome.status.value}".encode(), (outcome.id or "").encode()]
            args += [outcome.revision, record.title.encode(), (outcome.date or "").encode()]
            args += [record.source.encode(), record.data, pack_story(outcome.story)]
        return bool(self._add.run(self._client, [self.key(past.group), self._states], args))

    def end(self, group: str) -> None:
        """Delete the group's own stream: its consumers continue after the boundary."""
        with translated(), self._client.pipeline(transaction=True) as pipe:
            pipe.delete(self.key(group))
            pipe.hdel(self._states, group)
            pipe.execute()

    def key(self, group: str) -> bytes:
        """The group's own stream: the same key as in newsdrop/consumer.py."""
        return Layout(self._stream, 1).key("past", group)
