"""The shipped example articles: dropped like any file, then looked up in the stream."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from time import monotonic

from worker.errors import ConfigError, SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder, Settings
from worker.sources.registry import is_paused
from worker.spool.filenames import is_wanted
from worker.store.stream import Stream, StreamEntry

WAIT_SECONDS = 30.0
_LOOKED_BACK = 1000  # entries of the stream, where the examples were published by an earlier run


@dataclass(frozen=True, slots=True)
class Shown:
    """The examples' entries, and how many of them came just now."""

    entries: tuple[StreamEntry, ...]
    fresh: int


def shipped_examples() -> tuple[Path, ...]:
    """The example files: in the wheel, or beside the package."""
    packaged = Path(str(resources.files("worker"))) / "examples"
    folder = packaged if packaged.is_dir() else packaged.parent.parent / "examples"
    return tuple(sorted(folder.glob("*.md")))


def folder_for(settings: Settings, files: tuple[Path, ...]) -> Folder | None:
    """The first drop folder that takes the examples now: not paused, no schedule, pattern fits."""
    return next(
        (
            folder
            for folder in settings.all_folders()
            if not folder.schedule
            and not folder.in_place
            and not is_paused(settings.state_dir, folder.name)
            and all(is_wanted(file.name, folder.pattern) for file in files)
        ),
        None,
    )


def drop(folder: Folder, files: tuple[Path, ...]) -> None:
    """Copy `files` into the folder as a careful writer does: under another name, then renamed.

    Raises SpoolUnavailable.
    """
    try:
        for file in files:
            hidden = folder.path / f".{file.name}.{os.getpid()}.tmp"
            shutil.copyfile(file, hidden)
            hidden.rename(folder.path / file.name)
    except OSError as error:
        raise SpoolUnavailable(
            f"{printable(folder.path)} cannot be written: {error.strerror}; check its rights"
        ) from error


def ingest(settings: Settings, stream: Stream, wait: Callable[[float], None]) -> Shown:
    """Drop the examples and wait for their records, at most WAIT_SECONDS.

    Where they are known already nothing new comes; then the entries of the earlier run are shown.
    `wait` sleeps so many seconds. Raises ConfigError where no folder takes them, and Retryable.
    """
    files = shipped_examples()
    folder = folder_for(settings, files)
    if folder is None:
        raise ConfigError(
            "no drop folder takes the examples (*.md) now: each has another pattern, a schedule, "
            "is read in place or paused; run `newsdrop up` without --examples"
        )
    last_id = stream.info().last_id
    drop(folder, files)
    fresh: list[StreamEntry] = []
    until = monotonic() + WAIT_SECONDS
    while len(fresh) < len(files) and monotonic() < until:
        wait(0.1)
        for entry in stream.follow(last_id, block_ms=1):
            last_id = entry.stream_id
            if _is_example(entry, files):
                fresh.append(entry)
        if not fresh and not any((folder.path / file.name).exists() for file in files):
            known = _earlier(stream, files)
            if known:  # accepted, and nothing new: they are duplicates
                return Shown(known, 0)
    return Shown(tuple(fresh), len(fresh))


def _earlier(stream: Stream, files: tuple[Path, ...]) -> tuple[StreamEntry, ...]:
    return tuple(e for e in stream.newest(_LOOKED_BACK) if _is_example(e, files))


def _is_example(entry: StreamEntry, files: tuple[Path, ...]) -> bool:
    """The record names its file; the shipped names are our own."""
    return any(f'"path":"{file.name}"'.encode() in entry.data for file in files)
