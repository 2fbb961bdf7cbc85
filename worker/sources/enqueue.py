"""Enqueuing by hand: the files and folders that a person names become batches at once.

They are copied, or moved if the person allows it. A folder is walked without following links. The
spool for them is in the state directory, whatever their source is.
"""

import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import MANUAL, SpoolSettings
from worker.sources.walk import Walker
from worker.spool.claim import AcceptedLog, ClaimedBatch, batched, claim
from worker.spool.layout import Root
from worker.spool.manifest import Head
from worker.spool.transfer import Candidate

KIND = "enqueue"


@dataclass(frozen=True, slots=True)
class EnqueueOptions:
    """How files are enqueued: with the settings of `source` (None: by hand), as the job with this
    id (None: a new one); moved instead of copied; published again where the index has them
    (`force`); refused where they have a warning (`strict`)."""

    source: str | None = None
    job: str | None = None
    move: bool = False
    force: bool = False
    strict: bool = False

    def head(self, now: datetime) -> Head:
        source = self.source or MANUAL
        return Head.new(source, KIND, now, self.job, force=self.force, strict=self.strict or None)


def enqueue(
    paths: Iterable[Path],
    root: Root,
    limits: SpoolSettings,
    accepted: AcceptedLog,
    options: EnqueueOptions,
    *,
    now: Callable[[], datetime],
) -> Generator[ClaimedBatch]:
    """Claim `paths`, a batch at a time; each batch is accepted when it is yielded.

    Raises UsageError before anything is claimed where a path does not exist or is not a file or
    folder, SpoolUnavailable when a folder cannot be used.
    """
    inputs = list(paths)
    for path in inputs:
        _check(path)
    for batch in batched(
        (candidate for path in inputs for candidate in _candidates(path)),
        size_of=lambda candidate: candidate.size,
        max_count=limits.batch_files,
        max_bytes=limits.batch_bytes,
    ):
        claimed = claim(root, options.head(now()), batch, accepted, copy=not options.move)
        if claimed is not None:
            yield claimed


def find_candidates(path: Path) -> Iterator[Candidate]:
    """The files at `path` that would be claimed. Raises UsageError as :func:`enqueue`."""
    _check(path)
    yield from _candidates(path)


def count_files(paths: Iterable[Path]) -> int:
    """How many files :func:`enqueue` would claim: for a progress bar."""
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
    """A named file whatever its name is; of a folder the files that a drop folder would claim."""
    if not path.is_dir():
        real = os.path.realpath(path)  # a link that a person names is resolved
        yield Candidate(real, path.name, os.stat(real).st_size)
        return

    def on_unreadable(name: str, why: str) -> None:
        raise UsageError(f"{printable(path / name)} cannot be enqueued: {why}")

    for _, files in Walker(str(path), on_unreadable).walk():
        for file in files:
            if file.defect() is None and file.may_be_read():
                yield file.candidate()
