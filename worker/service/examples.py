"""The shipped example articles: dropped like any file, then looked up in the stream."""

import os
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from time import monotonic

from worker.errors import ConfigError, SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder, Settings
from worker.sources.registry import is_paused
from worker.sources.walk import is_wanted
from worker.store.stream import Stream, StreamEntry, id_key

WAIT_SECONDS = 30.0
_MAX_ENTRIES = 1000  # of the stream, searched for the examples of an earlier run


def shipped_examples() -> tuple[Path, ...]:
    """The example files: in the wheel, or beside the package."""
    packaged = Path(str(resources.files("worker"))) / "examples"
    folder = packaged if packaged.is_dir() else packaged.parent.parent / "examples"
    return tuple(sorted(folder.glob("*.md")))


def folder_for(settings: Settings, files: tuple[Path, ...]) -> Folder | None:
    """The first drop folder that accepts the examples now."""
    for folder in settings.all_folders():
        is_open = not (folder.schedule or folder.in_place)
        is_open = is_open and not is_paused(settings.state_dir, folder.name)
        if is_open and all(is_wanted(file.name, folder.pattern) for file in files):
            return folder
    return None


def drop(folder: Folder, files: tuple[Path, ...]) -> None:
    """Copy `files` into the folder under temporary names, then rename. Raises SpoolUnavailable."""
    try:
        for file in files:
            temporary = folder.path / f".{file.name}.{os.getpid()}.tmp"
            shutil.copyfile(file, temporary)
            temporary.rename(folder.path / file.name)
    except OSError as error:
        raise SpoolUnavailable(
            f"cannot write {printable(folder.path)}: {error.strerror}; check its permissions"
        ) from error


def ingest(
    settings: Settings, stream: Stream, wait: Callable[[float], None]
) -> tuple[list[StreamEntry], bool]:
    """Drop the examples and wait for their records, at most WAIT_SECONDS: the entries, and whether
    they are new.

    If they were published before, returns the entries of the earlier run. `wait` sleeps so many
    seconds. Raises ConfigError where no folder accepts them, and Retryable.
    """
    files = shipped_examples()
    folder = folder_for(settings, files)
    if folder is None:
        raise ConfigError(
            "no drop folder accepts the examples (*.md) now: each has another pattern, a schedule, "
            "is read in place or paused; run `newsdrop up` without --examples"
        )
    last_id = before = stream.get_info().last_id
    drop(folder, files)
    new: list[StreamEntry] = []
    deadline = monotonic() + WAIT_SECONDS
    while len(new) < len(files) and monotonic() < deadline:
        wait(0.1)
        for entry in stream.follow(last_id, block_ms=1):
            last_id = entry.stream_id
            if _is_example(entry, files):
                new.append(entry)
        if not new and not any((folder.path / file.name).exists() for file in files):
            entries = [e for e in stream.read_newest(_MAX_ENTRIES) if _is_example(e, files)]
            if entries and id_key(entries[-1].stream_id) <= id_key(before):
                return entries, False  # accepted, but no new entry: they are duplicates
    return new, True


def _is_example(entry: StreamEntry, files: tuple[Path, ...]) -> bool:
    """Whether the record names one of the files; no other files have the shipped names."""
    return any(f'"path":"{file.name}"'.encode() in entry.data for file in files)
