"""A reparse: what it is to read, what it found, and how far it came, in a file."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from worker.model import Change
from worker.spool.layout import write_durably


@dataclass(frozen=True, slots=True)
class ReparseOrder:
    """What to read: the segments of `source` (None: all) that were archived since `since`. With
    `publish` what differs is published as revisions. A run continues where one with the same
    source, `since_text` (as `since` was given) and `publish` stopped."""

    source: str | None
    since: datetime | None
    publish: bool
    since_text: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """An article that differs. `title` is as published."""

    id: str
    title: str
    fields: tuple[str, ...]
    changes: tuple[Change, ...]


@dataclass(slots=True)
class ReparseResult:
    """Counts of articles. `changed` ones differ in `fields`; of `expired` ones the raw files are
    gone or cannot be read, of `trimmed` ones the record, so that only another text is noticed;
    `other` ones were withdrawn or forgotten; `failed` ones cannot be read now."""

    articles: int = 0
    unchanged: int = 0
    changed: int = 0
    expired: int = 0
    trimmed: int = 0
    other: int = 0
    failed: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    segments: int = 0
    resumed: int = 0
    """Segments that an earlier run had read."""


@dataclass(slots=True)
class RunState:
    """A run that is not finished: when it began (RFC 3339), and the last segment it has read."""

    begun_at: str
    last: str = ""
    result: ReparseResult = field(default_factory=ReparseResult)


RUN_STATE = TypeAdapter(RunState)


def load_run(path: Path, key: Mapping[str, Any], begun_at: str) -> RunState:
    """The recorded run; a new one if there is none, or its parameters were others."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        data = orjson.loads(path.read_bytes())
        if data["key"] == orjson.loads(orjson.dumps(key)):
            state = RUN_STATE.validate_python(data)
            state.result.resumed = state.result.segments
            return state
    return RunState(begun_at)


def save_run(path: Path, key: Mapping[str, Any], state: RunState) -> None:
    write_durably(path, orjson.dumps({"key": key, **asdict(state)}))
