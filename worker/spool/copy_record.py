"""The record of what is copied of the archive to the bucket of `archive.url`, and of what waits.

`.copied` in a folder of segments has the names of those whose files are in the bucket, one a line.
A name that a crash took is harmless: the same bytes are not written again.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from worker.model.from_json import dataclass_from
from worker.spool.layout import append_line, write_durably

OpenCopy = Callable[[str], BinaryIO | None]
"""Opens the copy of a file of the archive by its key; None where there is none."""

MAX_WAITING = 1_000
"""Segments that are counted: more are `MAX_WAITING or more`."""
_NAME = ".copied"
_YEAR_NS = 31_536_000_000_000_000
_SETTLED_NS = 2_000_000_000
"""After so long a folder's time of change tells whether anything was added to it since."""


@dataclass(frozen=True, slots=True)
class CopyState:
    """How far copying is: `waiting` segments are not in the bucket (at most MAX_WAITING are
    counted), the oldest was made at `oldest` (RFC 3339, UTC; '' without one). `problem` says why
    the last attempt failed, the `failures`th in a row; the next one is at `retry_at`."""

    waiting: int = 0
    oldest: str = ""
    problem: str = ""
    failures: int = 0
    retry_at: str = ""


def read_state(state_dir: Path) -> CopyState:
    """The state; an empty one where it cannot be read."""
    with suppress(OSError, ValueError, TypeError):
        data = orjson.loads((state_dir / "archive-copy.json").read_bytes())
        state = dataclass_from(CopyState, data)
        for at in filter(None, (state.oldest, state.retry_at)):
            if datetime.fromisoformat(at).tzinfo is None:
                raise ValueError("a time without a zone")
        return state
    return CopyState()


def write_state(state_dir: Path, state: CopyState) -> None:
    """Raises OSError."""
    if state != read_state(state_dir):
        write_durably(state_dir / "archive-copy.json", orjson.dumps(state))


def copy_key(path: Path) -> str:
    """The key of the copy of a file of the archive, below the prefix."""
    return "/".join(path.parts[-3:])


def copied_batches(folder: Path) -> frozenset[str]:
    """The batches in a folder of segments whose files are all in the bucket."""
    try:
        return frozenset((folder / _NAME).read_text("utf-8", "replace").split())
    except OSError:
        return frozenset()


def mark_copied(folder: Path, batch: str) -> None:
    """Raises OSError."""
    append_line(folder / _NAME, batch)


def is_finished(folder: Path) -> bool:
    """Whether all of a folder was copied, and nothing was added since."""
    with suppress(OSError):
        return (folder / _NAME).stat().st_mtime_ns == folder.stat().st_mtime_ns - _YEAR_NS
    return False


def finish(folder: Path, now_ns: int) -> None:
    """Record that all of a folder is copied, unless it changed just now: the time of its `.copied`
    becomes a year before the folder's own. (They have the same when `.copied` is made.)"""
    with suppress(OSError):
        changed = folder.stat().st_mtime_ns
        if now_ns - changed > _SETTLED_NS:
            os.utime(folder / _NAME, ns=(changed - _YEAR_NS, changed - _YEAR_NS))
