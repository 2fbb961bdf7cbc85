"""The store's knowledge of a feed: its state, its polls, and what was read from its documents."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from worker.feeds.schedule import PollPace, PollState
from worker.store.leases import Lease


@dataclass(frozen=True, slots=True)
class ConfiguredFeed:
    """A feed of the catalog: its name, its configured address, and the host of that address."""

    name: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class FeedObservation:
    """The result of reading one document of a feed. `fetched_ms` is Unix time.

    `entries` is None for a page of the feed; `new` counts the entries that were published or whose
    pages are wanted; `fingerprints` are 12 hex digits an entry, `refused_fingerprints` those of
    entries that cannot be read; `reason` and `message` are set if the document cannot be read.
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
class PollLogEntry:
    """One poll: when (Unix ms), the status of the answer or the trouble without one, the bytes of
    the body, how long it took (ms), and how many entries were new; None until they are read."""

    at_ms: int
    answer: str
    size: int
    took_ms: int
    new: int | None = None

    def line(self) -> str:
        """The entry as it is in the log in Redis."""
        new = "?" if self.new is None else self.new
        return f"{self.at_ms} {self.answer or '-'} {self.size} {self.took_ms} {new}"


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of a feed; the fields of its hash in Redis. Times are Unix milliseconds, None for
    what never happened.

    `status` is of the last answer; `trouble` and `error` are set while polls fail, `bad_reason`
    and `bad_message` while documents cannot be read. `address` is where it moved permanently.
    `host` asked, by the answer to any request, that nothing is sent to it until `host_free_ms`.
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
    host: str | None = None
    host_free_ms: int = 0

    @property
    def is_failing(self) -> bool:
        return bool(self.failures or self.bad)


_OTHERS = ("name", "due_ms", "host_free_ms")
STATE_TYPES = {f.name: f.type for f in fields(FeedState) if f.name not in _OTHERS}


def read_poll_state(lease: Lease) -> PollState:
    values = lease.fields
    return PollState(
        etag=values.get("etag"),
        modified=values.get("modified"),
        body_hash=values.get("body"),
        interval=float(values.get("interval", 0)),
        min_interval=float(values.get("hold", 0)),
        failures=int(values.get("failures", 0)),
        unreadable_count=int(values.get("bad", 0)),
        moved_to=values.get("moved_to"),
        moved_count=int(values.get("moved_count", 0)),
        address=values.get("address"),
        is_manual="asked" in values,
    )


def parse_poll(line: str) -> PollLogEntry:
    at, answer, size, took, new = line.split(" ")
    count = None if new == "?" else int(new)
    return PollLogEntry(int(at), answer, int(size), int(took), count)


def parse_state(name: str, due_ms: int | None, values: Sequence[bytes | None]) -> FeedState:
    state: dict[str, Any] = {}
    for (field, kind), value in zip(STATE_TYPES.items(), values, strict=True):
        if value is not None:
            text = value.decode("utf-8", "replace")
            if kind in (int, int | None):
                state[field] = int(float(text))
            else:
                state[field] = float(text) if kind == float | None else text
    return FeedState(name, due_ms, **state)
