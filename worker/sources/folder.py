"""Drop folders: find the files that are ready, and claim them in batches.

A file is ready when a rename brought it, or when it has been quiet: its ctime (which the kernel
sets on every write, chmod and rename, and nobody can set back) is older than the settle time, by
the clock of the file system itself. So nothing has to be remembered between two looks, and a
server whose clock differs does no harm.

The walk holds one open directory a level and never a list of names: a million files in one
folder cost no memory, and the first batch is claimed after `batch_files` of them.
"""

import os
import stat
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder, SpoolSettings
from worker.sources.skipped import SkippedFile
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, Candidate, Claimed, claim
from worker.spool.filenames import ignored, wanted
from worker.spool.layout import Root, translate_errors
from worker.spool.manifest import Head

KIND = "folder"

_MAX_LEVELS = 64
"""Nested folders; each holds a descriptor open while it is walked."""

_LISTED = 100
"""How many files that are left alone are named; more are only counted."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look at a folder did. `more`: it ended at the bound of waiting batches."""

    batches: int = 0
    files: int = 0
    settling: int = 0
    more: bool = False
    left_alone: tuple[SkippedFile, ...] = ()
    left_alone_count: int = 0


@dataclass(slots=True)
class _Look:
    """One scan under way."""

    folder: Folder
    root: Root
    limits: SpoolSettings
    clock: float
    take: Callable[[Sequence[Candidate]], Claimed | None]
    pending: list[Candidate] = field(default_factory=list)
    size: int = 0
    batches: int = 0
    files: int = 0
    settling: int = 0
    left: deque[SkippedFile] = field(default_factory=lambda: deque(maxlen=_LISTED))
    left_count: int = 0

    def add(self, candidate: Candidate) -> bool:
        """Collect; claim when a batch is full. False when no more batches may wait."""
        self.pending.append(candidate)
        self.size += candidate.size
        full = len(self.pending) >= self.limits.batch_files or self.size >= self.limits.batch_bytes
        return self.claim() if full else True

    def claim(self) -> bool:
        if self.pending:
            claimed = self.take(self.pending)
            if claimed is not None:
                self.batches += 1
                self.files += claimed.files
            self.pending, self.size = [], 0
        return len(batch_names(self.root)) < self.limits.max_waiting

    def leave(self, path: str, why: str) -> None:
        self.left_count += 1
        self.left.append(SkippedFile(printable(path), why))

    def result(self, *, more: bool) -> Scan:
        return Scan(
            self.batches, self.files, self.settling, more, tuple(self.left), self.left_count
        )


def scan(
    folder: Folder,
    root: Root,
    limits: SpoolSettings,
    accepted: AcceptedLog,
    *,
    now: datetime,
    job: str | None,
    claimed: Callable[[Claimed], None],
    hints: Sequence[str] = (),
) -> Scan:
    """Claim what is ready, in batches; `claimed` is called after each.

    With `hints` (paths below the folder that a file event told of) only those are looked at.
    Raises SpoolUnavailable where the folder cannot be used.
    """

    def take(candidates: Sequence[Candidate]) -> Claimed | None:
        batch = claim(
            root, Head.new(folder.name, KIND, now, job), candidates, accepted, leave_denied=True
        )
        if batch is not None:
            claimed(batch)
        if batch is None or batch.files < len(candidates):
            for one in candidates:
                if os.path.lexists(one.location):
                    look.leave(one.path, _STUCK)
        return batch

    if not folder.path.is_dir():
        raise SpoolUnavailable(
            f"the drop folder {printable(folder.path)} is not there: create or mount it"
        )
    root.prepare()
    look = _Look(folder, root, limits, file_system_time(root), take)
    if len(batch_names(root)) >= limits.max_waiting:
        return look.result(more=True)
    found = _hinted(look, hints) if hints else _walk(look)
    with closing(found), translate_errors(folder.path):
        more = not all(look.add(candidate) for candidate in found)
        if look.pending:
            look.claim()
    return look.result(more=more)


def file_system_time(root: Root) -> float:
    """Now, by the clock that stamps the files in `root` (Unix seconds)."""
    with translate_errors(root.path):
        fd = os.open(root.path / "clock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            os.utime(fd)
            return os.fstat(fd).st_ctime
        finally:
            os.close(fd)


def _walk(look: _Look) -> Generator[Candidate]:
    """The ready files below the folder, subfolders too, links not followed."""
    levels = [_Level(look.folder.path, "")]
    try:
        while levels:
            level = levels[-1]
            entry = next(level.entries, None)
            if entry is None:
                levels.pop().entries.close()
                continue
            path = level.prefix + entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not ignored(entry.name):
                        _descend(look, levels, entry, path)
                    continue
                if not wanted(entry.name, look.folder.pattern):
                    continue
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # another claimer was first
            except OSError as error:  # a folder that may be listed and not searched
                look.leave(path, f"it cannot be looked at: {error.strerror}; {_GIVE_RIGHTS}")
                continue
            settle = look.folder.settle_without_event_seconds
            candidate = _ready(look, entry.path, path, status, settle)
            if candidate is not None and not level.gives(status):
                look.leave(path, _STUCK)
            elif candidate is not None:
                yield candidate
    finally:
        for level in levels:
            level.entries.close()


_GIVE_RIGHTS = "give the worker rights to read, write and search its folder"
_STUCK = f"it may not be moved out of its folder: {_GIVE_RIGHTS}"


class _Level:
    """A folder being walked. Raises OSError where it cannot be listed."""

    def __init__(self, folder: str | os.PathLike[str], prefix: str) -> None:
        self._status = os.stat(folder)
        self._writable = os.access(folder, os.W_OK | os.X_OK)
        self.entries = os.scandir(folder)
        self.prefix = prefix

    def gives(self, status: os.stat_result) -> bool:
        """Whether a file of that status may be renamed out: one that may not would hold up all
        that come with it, at each look. In a folder such as /tmp only its owner may."""
        owners = (0, self._status.st_uid, status.st_uid)
        sticky = self._status.st_mode & stat.S_ISVTX
        return self._writable and (not sticky or os.geteuid() in owners)


def _descend(look: _Look, levels: list[_Level], entry: os.DirEntry[str], path: str) -> None:
    if len(levels) >= _MAX_LEVELS:
        look.leave(path, f"it is more than {_MAX_LEVELS} folders deep: move it up")
        return
    try:
        levels.append(_Level(entry.path, f"{path}/"))
    except FileNotFoundError:
        return
    except OSError as error:
        look.leave(path, f"the folder cannot be read: {error.strerror}; {_GIVE_RIGHTS}")


def _hinted(look: _Look, hints: Sequence[str]) -> Generator[Candidate]:
    """The files that events told of: one `moved:` in is ready at once, others after settling."""
    top = look.folder.path.resolve()
    for hint in hints:
        how, _, path = hint.partition(":")
        parts = path.split("/")
        if ".." in parts or any(ignored(part) for part in parts):
            continue
        location = look.folder.path / path
        try:
            status = os.lstat(location)
        except OSError:
            continue
        if not wanted(parts[-1], look.folder.pattern) or stat.S_ISDIR(status.st_mode):
            continue
        if location.parent.resolve() != top.joinpath(*parts[:-1]):
            continue  # a link stands where its folder was: never followed
        settle = 0.0 if how == "moved" else look.folder.settle_seconds
        if (candidate := _ready(look, str(location), path, status, settle)) is not None:
            yield candidate


def _ready(
    look: _Look, location: str, path: str, status: os.stat_result, settle: float
) -> Candidate | None:
    if not stat.S_ISREG(status.st_mode):
        look.leave(path, f"it is {_kind(status.st_mode)}, no regular file: drop the file itself")
    elif not os.access(location, os.R_OK):
        look.leave(path, "the worker may not read it: give it read rights")
    elif settle and look.clock - status.st_ctime < settle:
        look.settling += 1
    else:
        return Candidate(location, path, status.st_size)
    return None


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
