"""Reading the stream, and its state."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from worker.errors import UsageError
from worker.escape import printable
from worker.model import IndexEntry, Story
from worker.store.connection import Script, to_text
from worker.store.errors import translated

MAX_BLOCK_MS = 5_000
"""Well below the connection's `socket_timeout` of 10 s: a long wait is not an error."""

MAX_COUNTED = 1_000
"""Unread entries of a group. Redis' own number was 46,615 for 434 after a restart, and it has none
after some deletions. To count 1,000 entries of 18 kB takes its time from the server: 20 ms."""
_COUNTED_AT_ONCE = 100

_count = Script("count_entries.lua")


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One entry. `type` is `article.published` or `article.revised`, `data` the record's JSON.

    `story` is None where near-duplicates are not marked. Entries that another program wrote are
    read too; fields they lack are empty.
    """

    stream_id: str
    type: str
    id: str
    revision: int
    title: str
    date: str | None
    source: str
    data: bytes
    story: Story | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group. `lag` is the number of entries that it has not read: counted up to
    MAX_COUNTED; beyond it Redis' own number, or None if Redis does not know it."""

    name: str
    consumers: int
    pending: int
    lag: int | None


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """`last_id` is of the last entry ever written, trimmed or not; `0-0` if there was none."""

    name: str
    length: int
    last_id: str
    groups: tuple[Group, ...] = ()


class Stream:
    """The stream as consumers see it. Every method raises Retryable, no error of redis-py."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._client: Any = client
        self.name = name

    def read(self, start: str = "-", count: int = 100, end: str = "+") -> list[StreamEntry]:
        """The entries from `start` on, oldest first; `(ID` begins after ID."""
        with translated():
            entries = self._client.xrange(self.name, start, end, count)
        return [_entry(stream_id, fields) for stream_id, fields in entries]

    def read_newest(self, count: int = 10) -> list[StreamEntry]:
        """The last entries, oldest first."""
        with translated():
            entries = self._client.xrevrange(self.name, "+", "-", count)
        return [_entry(stream_id, fields) for stream_id, fields in reversed(entries)]

    def read_before(self, stream_id: str | None = None, count: int = 10) -> list[StreamEntry]:
        """The entries before `stream_id` (None: before the end), newest first."""
        end = "+" if stream_id is None else f"({stream_id}"
        with translated():
            entries = self._client.xrevrange(self.name, end, "-", count)
        return [_entry(at, fields) for at, fields in entries]

    def read_each(self, stream_ids: Sequence[str]) -> list[StreamEntry | None]:
        """The entries with these ids, in one call; None for each that was trimmed."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for stream_id in stream_ids:
                pipe.xrange(self.name, stream_id, stream_id)
            replies = pipe.execute()
        return [_entry(*entries[0]) if entries else None for entries in replies]

    def follow(self, last_id: str, block_ms: int = 2_000, count: int = 100) -> list[StreamEntry]:
        """The entries after `last_id`, waiting up to `block_ms` (5 s at most) for the first.

        To begin at the end, use ``get_info().last_id``: Redis's own ``$`` would skip the entries
        that are added between two calls.
        """
        with translated():
            reply = self._client.execute_command(
                "XREAD", "COUNT", count, "BLOCK", max(1, min(block_ms, MAX_BLOCK_MS)),
                "STREAMS", self.name, last_id,
            )  # fmt: skip
        streams = reply.values() if isinstance(reply, dict) else [s[1] for s in reply or ()]
        return [_entry(stream_id, fields) for entries in streams for stream_id, fields in entries]

    def find_entry(self, article: IndexEntry) -> StreamEntry | None:
        """The newest revision of an article; None if it was trimmed.

        The index has only the millisecond, and one call publishes up to 64 articles within it.
        """
        after = f"{article.last_published_ms}-0"
        while entries := self.read(after, 64, end=str(article.last_published_ms)):
            for entry in entries:
                if entry.id == article.identity.id:
                    return entry
            after = f"({entries[-1].stream_id}"
        return None

    def get_info(self) -> StreamInfo:
        with translated():
            if not self._client.exists(self.name):
                return StreamInfo(self.name, 0, "0-0")
            about = self._client.xinfo_stream(self.name)
            groups = self._client.xinfo_groups(self.name)
        before = _unread.get(self.name, {})
        counts = {
            (name := to_text(group["name"])): self._count_unread(
                to_text(group["last-delivered-id"]), about, before.get(name)
            )
            for group in groups
        }
        _unread[self.name] = counts
        return StreamInfo(
            self.name,
            length=about["length"],
            last_id=to_text(about["last-generated-id"]),
            groups=tuple(
                Group(
                    name,
                    group["consumers"],
                    group["pending"],
                    _choose_lag(unread.count, group.get("lag")),
                )
                for group, (name, unread) in zip(groups, counts.items(), strict=True)
            ),
        )

    def _count_unread(
        self, delivered_id: str, about: Mapping[str, Any], before: "_Unread | None"
    ) -> "_Unread":
        """Count the entries that follow the one that a group was given last: from where they were
        counted `before`, unless some of them may have gone since."""
        first_id = to_text(about["first-entry"][0]) if about["first-entry"] else "0-0"
        last_id, added = to_text(about["last-generated-id"]), about.get("entries-added")
        removed_count = None if added is None else added - about["length"]
        count, after = 0, delivered_id
        if before and removed_count is not None and before.delivered_id == delivered_id:
            is_trimmed = before.first_id != first_id and id_key(first_id) <= id_key(delivered_id)
            if removed_count == before.removed_count or is_trimmed:
                count, after = before.count, before.until_id
        while count < MAX_COUNTED and id_key(after) < id_key(last_id):
            args: list[bytes | int] = [after.encode(), _COUNTED_AT_ONCE, last_id.encode()]
            size, last = _count.run(self._client, [self.name.encode()], args)
            count, after = count + size, to_text(last) if size == _COUNTED_AT_ONCE else last_id
        return _Unread(delivered_id, first_id, removed_count, count, after)


@dataclass(frozen=True, slots=True)
class _Unread:
    """The unread entries of a group up to `until_id`, and the stream in which they were counted:
    its first entry, and how many others have `gone` (None: Redis before 7 does not tell)."""

    delivered_id: str
    first_id: str
    removed_count: int | None
    count: int
    until_id: str


_unread: dict[str, dict[str, _Unread]] = {}
"""By stream and group, as counted last in this process: open pages ask every second, and to count
1,000 entries of 11 kB again takes 8 ms of the server's time."""


def _choose_lag(count: int, reported: int | None) -> int | None:
    if count < MAX_COUNTED:
        return count
    return reported if reported and reported >= count else None


def id_key(stream_id: str) -> tuple[int, int]:
    """A stream id as numbers, which sort as the entries do."""
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def parse_stream_id(text: str) -> str:
    """A complete stream ID. Raises UsageError."""
    if not re.fullmatch(r"[0-9]{1,19}(-[0-9]{1,19})?", text):
        raise UsageError(
            f"{printable(text, 80)} is not a stream ID: "
            "give 0, $ or the ID of an entry such as 1637929564000-0"
        )
    return text if "-" in text else f"{text}-0"


class EntryFields:
    """The fields of an entry of the stream, or of a dead letter. Another program may have written
    it: what is missing is empty."""

    def __init__(self, fields: Mapping[bytes, bytes]) -> None:
        self._fields = fields

    def text(self, name: bytes) -> str:
        return to_text(self._fields.get(name, b""))

    def number(self, name: bytes) -> int:
        """A count; 1 for anything else."""
        text = self.text(name)
        return int(text) if text.isdecimal() and len(text) < 10 else 1


def _entry(stream_id: bytes, fields: Mapping[bytes, bytes]) -> StreamEntry:
    text, number = EntryFields(fields).text, EntryFields(fields).number
    return StreamEntry(
        stream_id=to_text(stream_id),
        type=text(b"type"),
        id=text(b"id"),
        revision=number(b"revision"),
        title=text(b"title"),
        date=text(b"date") or None,
        source=text(b"source"),
        data=fields.get(b"data", b""),
        story=parse_story(text(b"story"), text(b"near_duplicate_of"), text(b"similarity")),
    )


_WORD = re.compile(r"[!-~]{1,64}")
"""An ID is one: of what another program wrote, no other text may get into a script's answers."""


def parse_story(story: str, near_duplicate_of: str, similarity: str) -> Story | None:
    """The story in these fields of an entry, or parts of :func:`pack_story`; None if `story` is
    no ID. An entry that is the first of its story has neither of the other two."""
    if not _WORD.fullmatch(story):
        return None
    is_number = re.fullmatch(r"[01](\.[0-9]{1,9})?", similarity)
    is_first = near_duplicate_of == "-" or not _WORD.fullmatch(near_duplicate_of)
    first = None if is_first else near_duplicate_of
    return Story(story, first, float(similarity) if is_number else None)


def pack_story(story: Story | None) -> bytes:
    """A story as the scripts read and write it: three words, `-` for what it has not; or empty."""
    if story is None or not _WORD.fullmatch(story.id):
        return b""
    first = story.near_duplicate_of or "-"
    share = "-" if story.similarity is None else f"{story.similarity:.2f}"
    return f"{story.id} {first if _WORD.fullmatch(first) else '-'} {share}".encode()
