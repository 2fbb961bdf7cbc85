"""Claiming: how files become a batch.

A batch is made in `staging/`, where nobody looks, and locked there; one rename puts it in
`work/`. What is *moved* is renamed in after that, while the lock keeps workers off, so that a
crash at any point leaves each file either where it was or in a batch that will be found. What
is *copied* is copied before it, so that no half copy is ever in `work/`.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from worker.spool import manifest
from worker.spool.accepted import Accepted
from worker.spool.layout import Root, batch_name, fsync_dir, translated, write_durably
from worker.times import rfc3339

LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to claim: where it is, and its path below the folder it is found in."""

    location: str
    path: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A batch just made. `files` are those that came in: another claimer may have been first."""

    batch: str
    files: int


def claim(
    root: Root,
    candidates: Sequence[Candidate],
    accepted: Accepted,
    *,
    source: str,
    kind: str,
    now: datetime,
    job: str | None = None,
    force: bool = False,
    copy: bool = False,
) -> Claimed | None:
    """Take `candidates` into one new batch; None where none of them was there any more.

    Raises SpoolUnavailable; nothing is lost then.
    """
    root.prepare()
    name = batch_name(now, source)
    head = manifest.Head(name, source, kind, rfc3339(now), job, force)
    staged = root.staging / name
    with translated(staged):
        staged.mkdir(mode=0o770)
        lock = _locked(staged / LOCK)
        try:
            write_durably(staged / manifest.NAME, manifest.dump(head, [c.path for c in candidates]))
            files = sum(_copy(c, staged / str(n)) for n, c in enumerate(candidates)) if copy else 0
            fsync_dir(staged)
            placed = root.work / name
            staged.rename(placed)
            if not copy:
                files = sum(_move(c, placed / str(n)) for n, c in enumerate(candidates))
            if not files:
                placed.rename(staged)
                shutil.rmtree(staged)
                return None
            fsync_dir(placed)
            fsync_dir(root.work)
            accepted.add(name, files)
        finally:
            os.close(lock)
    return Claimed(name, files)


def claim_bytes(
    root: Root,
    data: bytes,
    path: str,
    accepted: Accepted,
    *,
    source: str,
    kind: str,
    now: datetime,
    job: str | None = None,
    force: bool = False,
) -> Claimed:
    """A batch of one file from `data` (standard input, an upload). Raises SpoolUnavailable."""
    root.prepare()
    with translated(root.staging):
        temporary = root.staging / f"{batch_name(now, source)}.in"
        write_durably(temporary, data)
    one = [Candidate(str(temporary), path, len(data))]
    claimed = claim(root, one, accepted, source=source, kind=kind, now=now, job=job, force=force)
    assert claimed is not None  # nobody else knows the temporary's name
    return claimed


def _locked(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def _move(candidate: Candidate, target: Path) -> bool:
    """Rename one file in; across file systems, copy it, then remove it."""
    try:
        os.rename(candidate.location, target)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = target.with_name(f".{target.name}.part")
        if not _copy(candidate, temporary, durably=True):
            return False
        temporary.rename(target)
        Path(candidate.location).unlink(missing_ok=True)
    return True


def _copy(candidate: Candidate, target: Path, *, durably: bool = False) -> bool:
    """Copy a regular file; False where it is gone, or is no file that can be read."""
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(candidate.location, flags), "rb") as reader:
            if not os.path.isfile(f"/proc/self/fd/{reader.fileno()}"):
                return False
            with target.open("xb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                if durably:
                    writer.flush()
                    os.fsync(writer.fileno())
    except (FileNotFoundError, PermissionError):
        return False
    return True
