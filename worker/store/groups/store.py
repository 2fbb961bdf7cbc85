"""Consumer groups of the stream: state, creation, position, and their dead letters."""

from collections.abc import Iterator, Sequence
from typing import Any

from worker.errors import AlreadyThere, NotThere, UsageError
from worker.escape import printable
from worker.store.connection import Client, to_text
from worker.store.errors import translated
from worker.store.groups.past import Past, PastState, PastStore
from worker.store.groups.state import (
    DeadLetter,
    GroupMember,
    GroupState,
    PendingEntry,
    dead_letters_key,
    parse_dead_letter,
    parse_pending,
)
from worker.store.stream import Group, Stream, parse_stream_id

UNASSIGNED = "unassigned"
"""Consumer that owns the requeued entries of its group, until a running one takes them over."""
_IDLE_MS = 7 * 86_400_000
"""Longer than any consumer waits before it takes over what another one left."""


class GroupStore:
    """The groups of one stream. All methods raise Retryable, and NotThere for an unknown group."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client: Any = client
        self._stream = stream
        self._pasts = PastStore(client, stream)

    def list_groups(self) -> list[GroupState]:
        groups = Stream(self._client, self._stream).get_info().groups
        infos, pasts = self._find_groups(), self._pasts.states()
        return [
            self._state(group, infos[group.name], pasts.get(group.name))
            for group in groups
            if group.name in infos
        ]

    def get_group(self, name: str) -> GroupState:
        self._check(name)
        group = next((group for group in self.list_groups() if group.name == name), None)
        if group is None:
            raise _no_group(name)
        return group

    def create(self, group: str, start: str) -> None:
        """Create a group that begins after `start`: `0`, `$` or an ID. Raises AlreadyThere, and
        UsageError for a name that is not text."""
        self._check_new(group)
        with translated():
            self._client.xgroup_create(self._stream, group, start, mkstream=True)

    def create_since(self, past: Past) -> str:
        """Create a group that begins in the past; returns its position. Raises AlreadyThere."""
        self._check_new(past.group)
        return self._pasts.create(past)

    def reset(self, group: str, to: str) -> None:
        """Set the position. What is pending stays pending."""
        self._check(group)
        with translated():
            self._client.xgroup_setid(self._stream, group, to)

    def delete(self, group: str) -> int:
        """Delete a group with its position; returns how many entries were pending."""
        self._check(group)
        with translated():
            pending = self._client.xpending(self._stream, group)["pending"]
            self._client.xgroup_destroy(self._stream, group)
        self._pasts.end(group)
        return int(pending)

    def list_pending(
        self, group: str, count: int, consumer: str | None = None
    ) -> list[PendingEntry]:
        """The oldest entries that are not acknowledged; with `consumer`, those that it has."""
        pending: list[PendingEntry] = []
        for stream, in_past in self._streams(group):
            if rest := count - len(pending):
                with translated():
                    entries = self._client.xpending_range(
                        stream, group, "-", "+", rest, consumername=consumer
                    )
                pending += (parse_pending(one, in_past=in_past) for one in entries)
        return pending

    def find_pending(self, group: str, stream_ids: Sequence[str]) -> list[PendingEntry]:
        """Those of the entries that are pending now. Raises UsageError for an invalid ID."""
        ids = [*map(parse_stream_id, stream_ids)]
        entries: list[PendingEntry] = []
        for stream, in_past in self._streams(group):
            with translated(), self._client.pipeline(transaction=False) as pipe:
                for each in ids:
                    pipe.xpending_range(stream, group, each, each, 1)
                replies = pipe.execute()
            entries += (parse_pending(one, in_past=in_past) for each in replies for one in each)
        return entries

    def claim(self, group: str, entries: Sequence[PendingEntry], consumer: str | None) -> int:
        """Give pending entries to `consumer`, or (None) to a running one; returns how many."""
        return sum(
            self._claim(
                stream, group, [one.stream_id for one in entries if one.in_past == in_past],
                consumer or UNASSIGNED, idle=None if consumer else _IDLE_MS,
            )
            for stream, in_past in self._streams(group)
        )  # fmt: skip

    def acknowledge(self, group: str, entries: Sequence[PendingEntry]) -> int:
        """Remove entries from the pending ones, as if they were handled; returns how many."""
        count = 0
        for stream, in_past in self._streams(group):
            if ids := [one.stream_id for one in entries if one.in_past == in_past]:
                with translated(), self._client.pipeline() as pipe:
                    self._finish(pipe, stream, group, ids, in_past=in_past)
                    count += pipe.execute()[-1]
        return count

    def move_to_dead_letters(self, group: str, entries: Sequence[PendingEntry], error: str) -> int:
        """Move pending entries to the dead letters, as newsdrop/consumer.py does; returns how many.
        An entry that was trimmed has a dead letter without a record."""
        for entry in entries:
            stream = self._pasts.key(group) if entry.in_past else self._stream
            with translated(), self._client.pipeline() as pipe:
                messages = self._client.xrange(stream, entry.stream_id, entry.stream_id)
                about: dict[Any, Any] = {
                    "entry": entry.stream_id, "consumer": entry.consumer,
                    "deliveries": entry.deliveries, "error": error,
                }  # fmt: skip
                pipe.xadd(
                    dead_letters_key(self._stream, group),
                    about | (messages[0][1] if messages else {}),
                )
                self._finish(pipe, stream, group, [entry.stream_id], in_past=entry.in_past)
                pipe.execute()
        return len(entries)

    def remove_consumer(self, group: str, consumer: str) -> None:
        """Delete a consumer. Raises UsageError if it has pending entries: they would be lost."""
        if self.list_pending(group, 1, consumer):
            raise UsageError(
                f"the consumer {printable(consumer, 80)} has pending entries: hand them over first"
            )
        with translated():
            self._client.xgroup_delconsumer(self._stream, group, consumer)

    def dead_letters(self, group: str, after: str = "-") -> Iterator[DeadLetter]:
        """The dead letters, oldest first; those of a deleted group, too. NotThere where there is
        neither the group nor a letter."""
        with translated():
            has_letters = bool(self._client.exists(dead_letters_key(self._stream, group)))
        if not has_letters:
            self._check(group)
        while True:
            with translated():
                page = self._client.xrange(dead_letters_key(self._stream, group), after, "+", 100)
            if not page:
                return
            yield from (parse_dead_letter(letter_id, fields) for letter_id, fields in page)
            after = f"({to_text(page[-1][0])}"

    def get_dead_letter(self, group: str, letter_id: str) -> DeadLetter:
        key = parse_stream_id(letter_id)
        with translated():
            entries = self._client.xrange(dead_letters_key(self._stream, group), key, key)
        if not entries:
            raise NotThere(
                f"the group {printable(group, 80)} has no dead letter {printable(letter_id, 80)}: "
                f"see `newsdrop dead-letters list {printable(group, 80)}`"
            )
        return parse_dead_letter(*entries[0])

    def requeue(self, group: str, dead_letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Make the entries pending again, with no deliveries, so that a consumer takes them over.
        Returns those whose entry was trimmed; they stay dead letters."""
        self._check(group)
        trimmed = []
        for letter in dead_letters:
            with translated():
                if not self._client.xrange(self._stream, letter.stream_id, letter.stream_id):
                    trimmed.append(letter)
                    continue
            self._claim(
                self._stream, group, [letter.stream_id], UNASSIGNED,
                idle=_IDLE_MS, retrycount=0, force=True,
            )  # fmt: skip
            self.discard(group, [letter])
        return trimmed

    def discard(self, group: str, dead_letters: Sequence[DeadLetter]) -> int:
        """Delete dead letters; returns how many."""
        with translated():
            ids = [letter.letter_id for letter in dead_letters]
            return int(self._client.xdel(dead_letters_key(self._stream, group), *ids)) if ids else 0

    def _streams(self, group: str) -> list[tuple[Any, bool]]:
        """The streams of a group, and whether each is that of its past, which comes first."""
        self._check(group)
        past = self._pasts.key(group)
        with translated():
            has_past = bool(self._client.exists(past))
        return [(past, True)] * has_past + [(self._stream, False)]

    @staticmethod
    def _finish(pipe: Any, stream: Any, group: str, ids: list[str], *, in_past: bool) -> None:
        """Acknowledge; in the past's stream, which holds what is not finished, also delete."""
        if in_past:
            pipe.xdel(stream, *ids)
        pipe.xack(stream, group, *ids)

    def _claim(self, stream: Any, group: str, ids: list[str], consumer: str, **options: Any) -> int:
        if not ids:
            return 0
        with translated():
            claimed = self._client.xclaim(stream, group, consumer, 0, ids, justid=True, **options)
        return len(claimed)

    def _state(self, group: Group, info: dict[str, Any], past: PastState | None) -> GroupState:
        with translated():
            # By the bytes of its name: another program's may not be text.
            members = self._client.xinfo_consumers(self._stream, info["name"])
            dead_letters = self._client.xlen(dead_letters_key(self._stream, group.name))
        return GroupState(
            group.name,
            group.lag,
            group.pending,
            to_text(info["last-delivered-id"]),
            dead_letters,
            tuple(
                GroupMember(to_text(one["name"]), one["pending"], one["idle"] / 1000)
                for one in members
            ),
            past,
        )

    def _find_groups(self) -> dict[str, dict[str, Any]]:
        """What Redis knows of each group, by its name."""
        with translated():
            if not self._client.exists(self._stream):
                return {}
            return {to_text(one["name"]): one for one in self._client.xinfo_groups(self._stream)}

    def _check(self, group: str) -> None:
        info = self._find_groups().get(group)
        if info is None or info["name"] != group.encode():
            raise _no_group(group)

    def _check_new(self, group: str) -> None:
        if any("\ud800" <= char <= "\udfff" for char in group):  # bytes of the command line
            raise UsageError(f"the name {printable(group, 80)} is not UTF-8: choose another one")
        if group in self._find_groups():
            raise AlreadyThere(f"the group {printable(group, 80)} exists: use `groups reset`")


def _no_group(name: str) -> NotThere:
    return NotThere(f"no group {printable(name, 80)}: see `newsdrop groups list`")
