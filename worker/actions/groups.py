"""Consumer groups: positions, and the pending entries or dead letters that a change concerns."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from worker.errors import UsageError
from worker.model.times import rfc3339
from worker.settings import Settings
from worker.spool.ownership import read_id
from worker.store.factory import group_store
from worker.store.groups.past import Past
from worker.store.groups.state import DeadLetter, PendingEntry
from worker.store.groups.store import GroupStore
from worker.store.stream import parse_stream_id

MAX_ENTRIES = 1_000
"""Pending entries of one change: a command with as many takes 2 ms of the server."""

_MOVED_BY_PERSON = "moved to the dead letters by a person"


class PendingChange(StrEnum):
    """A change of pending entries. Stable: in the API."""

    CLAIM = "claim"
    """Give them to another consumer."""
    ACKNOWLEDGE = "acknowledge"
    DEAD_LETTER = "dead_letter"
    """Move them to the dead letters."""


def create_group(settings: Settings, group: str, since: datetime, now: datetime) -> str:
    """Create a group that gets every record since a time, from the archive what the stream no
    longer has; returns its position in the stream. Times are aware. Raises AlreadyThere."""
    past = Past(
        group=group,
        owner=read_id(settings.state_dir) or "",
        since_ms=max(0, int(since.timestamp() * 1000)),
        created_at=rfc3339(now),
    )
    return group_store(settings).create_since(past)


def change_pending(
    store: GroupStore,
    group: str,
    change: PendingChange,
    entries: Sequence[PendingEntry],
    to: str | None = None,
) -> int:
    """Change the pending entries that :func:`choose_pending` found; returns how many. A claim gives
    them to the consumer `to`, or (None) to a running one."""
    if change is PendingChange.CLAIM:
        return store.claim(group, entries, to)
    if change is PendingChange.ACKNOWLEDGE:
        return store.acknowledge(group, entries)
    return store.move_to_dead_letters(group, entries, _MOVED_BY_PERSON)


def choose_pending(
    store: GroupStore, group: str, ids: Sequence[str], consumer: str | None
) -> list[PendingEntry]:
    """The entries with these IDs that are pending now, or the oldest MAX_ENTRIES of a consumer.
    Raises UsageError unless either is given, and for an invalid ID."""
    if bool(consumer) == bool(ids):
        raise UsageError("select entries: give either IDs or a consumer")
    if consumer:
        return store.list_pending(group, MAX_ENTRIES, consumer)
    return store.find_pending(group, list(dict.fromkeys(ids)))


def choose_dead_letters(
    store: GroupStore, group: str, ids: Sequence[str], *, every: bool
) -> list[DeadLetter]:
    """The selected dead letters, all of which exist. Raises UsageError, before anything is done."""
    if every == bool(ids):
        raise UsageError("select dead letters: give either their IDs or all")
    if every:
        return list(store.dead_letters(group))
    return [store.get_dead_letter(group, one) for one in dict.fromkeys(ids)]


def parse_position(text: str) -> str:
    """Where a group continues: `$`, or a complete stream ID. Raises UsageError."""
    return text if text == "$" else parse_stream_id(text)
