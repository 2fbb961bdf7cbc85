"""The state of a consumer group: its consumers, its pending entries and its dead letters."""

from dataclasses import dataclass
from typing import Any

from worker.store.connection import to_text
from worker.store.groups.past import PastState
from worker.store.stream import EntryFields
from worker.translation import mark

_LAST_NUMBER = str(2**64 - 1)
"""The highest sequence number within a millisecond."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A consumer of a group. `idle_seconds`: since its last command."""

    name: str
    pending: int
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group with its consumers. `lag` is None where Redis does not know it; `past` is None where
    nothing from before the group's beginning is left to read."""

    name: str
    lag: int | None
    pending: int
    last_delivered_id: str
    dead_letters: int
    consumers: tuple[GroupMember, ...]
    past: PastState | None

    @property
    def position(self) -> str:
        """The ID of the last delivered entry. A group that begins at a time has the last possible
        ID before that time: this says so in words."""
        milliseconds, _, number = self.last_delivered_id.partition("-")
        if number != _LAST_NUMBER:
            return self.last_delivered_id
        following = int(milliseconds) + 1
        return mark(f"just before {following}-0")


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that a consumer has read and not acknowledged. `in_past`: of the group's own stream,
    which has what was before the group's beginning."""

    stream_id: str
    consumer: str
    idle_seconds: float
    deliveries: int
    in_past: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that failed too often. `letter_id` names it; its time is when it failed."""

    letter_id: str
    stream_id: str
    id: str
    revision: int
    title: str
    consumer: str
    deliveries: int
    error: str
    data: bytes


def dead_letters_key(stream: str, group: str) -> str:
    """The same key as in newsdrop/consumer.py."""
    return f"{{{stream}}}:dead:{group}"


def parse_pending(values: dict[str, Any], *, in_past: bool) -> PendingEntry:
    return PendingEntry(
        to_text(values["message_id"]),
        to_text(values["consumer"]),
        values["time_since_delivered"] / 1000,
        values["times_delivered"],
        in_past,
    )


def parse_dead_letter(letter_id: Any, fields: dict[bytes, bytes]) -> DeadLetter:
    text, number = EntryFields(fields).text, EntryFields(fields).number
    return DeadLetter(
        to_text(letter_id),
        text(b"entry"),
        text(b"id"),
        number(b"revision"),
        text(b"title"),
        text(b"consumer"),
        number(b"deliveries"),
        text(b"error"),
        fields.get(b"data", b""),
    )
