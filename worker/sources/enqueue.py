"""Enqueuing by hand: files and folders that a person names become batches at once.

They are copied, unless they may be moved; a folder is walked, links not followed. The spool for
them is in the state directory, whatever source they are read as.
"""

import os
import stat
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import SpoolSettings
from worker.spool.claim import AcceptedLog, Candidate, Claimed, claim
from worker.spool.filenames import SPOOL, ignored
from worker.spool.layout import Root
from worker.spool.manifest import Head

KIND = "enqueue"


@dataclass(frozen=True, slots=True)
class EnqueueOrder:
    """What a person asked for: read as `source`, under `job`, copied or moved, forced or not."""

    source: str
    job: str
    move: bool = False
    force: bool = False
    kind: str = KIND

    def head(self, now: datetime) -> Head:
        """The head of a new batch of this order."""
        return Head.new(self.source, self.kind, now, self.job, force=self.force)


def enqueue(
    paths: Iterable[Path],
    root: Root,
    limits: SpoolSettings,
    accepted: AcceptedLog,
    order: EnqueueOrder,
    *,
    now: Callable[[], datetime],
) -> Generator[Claimed]:
    """Bring `paths` into the spool, a batch at a time; each batch is accepted when it is yielded.

    Raises UsageError before anything is taken where a path does not exist or is no file or
    folder, SpoolUnavailable when a folder cannot be used.
    """
    given = list(paths)
    for path in given:
        _check(path)

    def take(group: Sequence[Candidate]) -> Claimed | None:
        return claim(root, order.head(now()), group, accepted, copy=not order.move)

    pending: list[Candidate] = []
    size = 0
    for path in given:
        for candidate in _candidates(path):
            pending.append(candidate)
            size += candidate.size
            if len(pending) >= limits.batch_files or size >= limits.batch_bytes:
                if (claimed := take(pending)) is not None:
                    yield claimed
                pending, size = [], 0
    if pending and (claimed := take(pending)) is not None:
        yield claimed


def count(paths: Iterable[Path]) -> int:
    """How many files :func:`enqueue` would take: for a progress bar."""
    return sum(1 for path in paths for _ in _candidates(path))


def _check(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        why = f"{error.strerror}; check path and rights"
        raise UsageError(f"{printable(path)} cannot be enqueued: {why}") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UsageError(f"{printable(path)} is neither a file nor a folder: name one that is")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{printable(path)} may not be read: give yourself read rights to it")


def _candidates(path: Path) -> Generator[Candidate]:
    """A file named is taken as it is; in a folder, what a drop folder would take."""
    if path.is_dir():
        yield from _below(str(path), "")
    else:
        # A link that a person names is meant: what it points at is enqueued.
        real = os.path.realpath(path)
        yield Candidate(real, path.name, os.stat(real).st_size)


def _below(folder: str, prefix: str) -> Generator[Candidate]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if ignored(entry.name) or entry.name == SPOOL:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False) and os.access(entry.path, os.R_OK):
                size = entry.stat(follow_symlinks=False).st_size
                yield Candidate(entry.path, f"{prefix}{entry.name}", size)
