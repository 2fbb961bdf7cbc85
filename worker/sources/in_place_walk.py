"""What is new or changed in a folder that is read in place, by what the ledger has noted.

A walk goes folder by folder, asks the ledger about a page of names at a time, and holds no more of
the tree than the names of the subfolders still to come. It only looks: nothing is moved, written
or copied here, and nothing noted but what is gone.
"""

import os
import stat
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from worker.escape import printable
from worker.settings import Folder
from worker.sources.ledger import Ledger, Sighting, Stamp
from worker.sources.skipped import SkippedFile
from worker.spool.claim import Candidate
from worker.spool.filenames import ignored, wanted

AHEAD = 60.0
"""Seconds by which a file's ctime may be ahead of this machine's clock, and the file is waited for
all the same. What is further ahead was stamped by a clock that was wrong: it is not waited for."""

_LISTED = 100
"""How many files that are left alone are named; more are only counted."""

_PAGE = 500
_GIVE_RIGHTS = "give the worker rights to read and search it"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is new or changed and ready, and how it was when it was looked at."""

    candidate: Candidate
    sighting: Sighting
    ctime_ns: int

    def is_as_it_was(self) -> bool:
        """False for what was written, replaced or removed since then."""
        try:
            status = os.lstat(self.candidate.location)
        except OSError:
            return False
        return Stamp.of(status) == self.sighting.stamp and status.st_ctime_ns == self.ctime_ns


class _Met(NamedTuple):
    """A file of whatever kind, whose name is wanted; `settle` in seconds."""

    name: str
    status: os.stat_result
    settle: float


@dataclass(slots=True)
class Tree:
    """One look at a folder. `clock` is this machine's (Unix seconds): that of a folder which may
    not be written cannot be asked. A file of more than `largest` bytes is left alone.

    `at` is the folder that the walk has come to, `entries` how many names it has met.
    """

    folder: Folder
    ledger: Ledger
    clock: float
    largest: int
    at: str = ""
    entries: int = 0
    settling: int = 0
    left: deque[SkippedFile] = field(default_factory=lambda: deque(maxlen=_LISTED))
    left_count: int = 0

    def walk(self, start: str) -> Generator[Found]:
        """All of the folder `start` and of those after it: a folder's files come before its
        subfolders, and these by name. The ledger forgets what is gone.

        A top folder that is empty tells of nothing gone: so looks a mount that is away.
        """
        first, todo = _parts(start), [""]
        while todo:
            self.at = todo.pop()
            here = _parts(self.at)
            below = yield from self._in_folder(self.at, read=here >= first)
            inner = [_joined(self.at, name) for name in below]
            level = first[: len(here) + 1]
            todo += sorted((path for path in inner if _parts(path) >= level), reverse=True)
        if self.entries:
            for folder in self.ledger.folders():
                if not self._has_folder(os.fsdecode(folder)):
                    self.ledger.strike_folder(folder)

    def hinted(self, hints: Sequence[str]) -> Generator[Found]:
        """What events told of: a file `moved:` in is ready at once, others after settling."""
        told: dict[str, dict[str, float]] = {}
        for hint in hints:
            how, _, path = hint.partition(":")
            folder, _, name = path.rpartition("/")
            barred = any(not part or ignored(part) for part in path.split("/"))
            if not barred and wanted(name, self.folder.pattern):
                settle = 0.0 if how == "moved" else self.folder.settle_seconds
                told.setdefault(folder, {})[name] = settle
        for folder, files in told.items():
            if self._has_folder(folder):
                yield from self._changed(folder, list(self._looked_at(folder, files)))

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _in_folder(self, path: str, *, read: bool) -> Generator[Found, None, list[str]]:
        """What is new or changed among its files, unless they are not to be `read`; returns the
        names of its subfolders."""
        key, met, below = os.fsencode(path), 0, list[str]()
        noted = self.ledger.count(key) if read else 0
        try:
            with os.scandir(self._location(path)) as entries:
                for page in self._pages(path, entries, below):
                    if read:
                        met += yield from self._changed(path, page)
        except (FileNotFoundError, NotADirectoryError):
            return below  # gone meanwhile
        except OSError as error:
            why = f"the folder cannot be read: {error.strerror}; {_GIVE_RIGHTS}"
            self._leave(path or ".", why)
            return below
        if met < noted and self.entries:
            for names in self.ledger.names(key):
                gone = [name for name in names if not self._has_file(path, os.fsdecode(name))]
                self.ledger.strike(key, gone)
        return below

    def _pages(
        self, path: str, entries: "Iterator[os.DirEntry[str]]", below: list[str]
    ) -> Iterator[list[_Met]]:
        """The wanted files of a folder, so many at a time; its subfolders' names are put into
        `below`."""
        page: list[_Met] = []
        pattern, settle = self.folder.pattern, self.folder.settle_without_event_seconds
        for entry in entries:
            self.entries += 1
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not ignored(entry.name):
                        below.append(entry.name)
                elif wanted(entry.name, pattern):
                    page.append(_Met(entry.name, entry.stat(follow_symlinks=False), settle))
            except FileNotFoundError:
                continue
            except OSError as error:  # its folder may be listed and not searched
                why = f"it cannot be looked at: {error.strerror}; {_GIVE_RIGHTS}"
                self._leave(_joined(path, entry.name), why)
            if len(page) >= _PAGE:
                yield page
                page = []
        yield page

    def _looked_at(self, folder: str, files: dict[str, float]) -> Iterator[_Met]:
        for name, settle in files.items():
            try:
                status = os.lstat(self._location(_joined(folder, name)))
            except OSError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield _Met(name, status, settle)

    def _changed(self, folder: str, page: Sequence[_Met]) -> Generator[Found, None, int]:
        """Those of a folder that are not noted as they are, and are ready; returns how many are
        noted in any way."""
        key = os.fsencode(folder)
        names = [os.fsencode(met.name) for met in page]
        known = self.ledger.known(key, names)
        for name, met in zip(names, page, strict=True):
            stamp = Stamp.of(met.status)
            if known.get(name) == stamp:
                continue
            path = _joined(folder, met.name)
            if self._is_ready(path, met):
                candidate = Candidate(self._location(path), path, met.status.st_size)
                yield Found(candidate, Sighting(key, name, stamp), met.status.st_ctime_ns)
        return len(known)

    def _is_ready(self, path: str, met: _Met) -> bool:
        if not stat.S_ISREG(met.status.st_mode):
            what = "it is no regular file (a link, FIFO or device)"
            self._leave(path, f"{what}: put the file itself there")
        elif met.settle and -AHEAD < self.clock - met.status.st_ctime < met.settle:
            self.settling += 1
        elif met.status.st_size > self.largest:
            size = f"it has {met.status.st_size:,} bytes, more than limits.file_mb allows"
            self._leave(path, f"{size}: split it, or raise the limit")
        else:
            return self._can_be_read(path)
        return False

    def _can_be_read(self, path: str) -> bool:
        """Tried: what cannot would be missing in its batch, or hold up all that come with it."""
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            fd = os.open(self._location(path), flags)
            try:
                os.pread(fd, 1, 0)
            finally:
                os.close(fd)
        except FileNotFoundError:
            return False
        except OSError as error:
            self._leave(path, f"it cannot be read: {error.strerror}; give the worker read rights")
            return False
        return True

    def _leave(self, path: str, why: str) -> None:
        self.left_count += 1
        self.left.append(SkippedFile(printable(path), why))

    def _location(self, path: str) -> str:
        return _joined(os.fspath(self.folder.path), path) if path else os.fspath(self.folder.path)

    def _has_file(self, folder: str, name: str) -> bool:
        """Whether a walk would still look at it. What cannot be told is there."""
        if not wanted(name, self.folder.pattern):
            return False
        try:
            return stat.S_ISREG(os.lstat(self._location(_joined(folder, name))).st_mode)
        except OSError as error:
            return not isinstance(error, FileNotFoundError | NotADirectoryError)

    def _has_folder(self, folder: str) -> bool:
        """Whether it is there, and no link stands where it or a folder on the way was."""
        for path in accumulate(_parts(folder), _joined):
            try:
                mode = os.lstat(self._location(path)).st_mode
            except OSError as error:
                return not isinstance(error, FileNotFoundError | NotADirectoryError)
            if not stat.S_ISDIR(mode):
                return False
        return True


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")) if path else ()


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
