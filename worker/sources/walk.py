"""Walking a folder: drop folders, folders that are read in place, and enqueued folders.

The walk goes folder by folder: the files of a folder come before its subfolders, these by name. It
holds only the names of the subfolders still to come: a million files in one folder cost no memory.
Links are not followed: each folder is opened by descriptor, part by part, and one is open at a
time, however deep it is. A file that a process of this machine still writes is recognised, too.
"""

import fcntl
import os
import signal
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import NamedTuple

from worker.escape import printable
from worker.logs import get_logger
from worker.settings import Folder
from worker.spool.layout import READ_REGULAR
from worker.spool.open_folder import open_below
from worker.spool.transfer import Candidate, inode_of

logger = get_logger(__name__)

MAX_AHEAD_SECONDS = 60.0
"""How far a file's ctime may be ahead of the clock so that the file is still waited for. A ctime
further ahead was set by a wrong clock."""

_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
_DESKTOP = ("thumbs.db",)  # .DS_Store begins with a dot

MAX_WRITER_SECONDS = 600.0
"""How long a file that does not change waits for the process that holds it open for writing."""

_GIVE_RIGHTS = "give the worker rights to read and search it"


def is_ignored(name: str) -> bool:
    """True for temporary files of editors, browsers, copiers and desktops: never an article.

    Dot files, `.tmp .part .partial` (rclone) `.filepart` (WinSCP) `.crdownload .swp`, names that
    end in `~`, `Thumbs.db`.
    """
    low = name.lower()
    return name.startswith(".") or low.endswith(_UNFINISHED) or low in _DESKTOP


def is_wanted(name: str, pattern: str = "*") -> bool:
    """True if a file of that name belongs to a source with that `pattern`.

    Patterns are those of a shell (`*.md`), separated by commas; one match is enough.
    """
    if is_ignored(name):
        return False
    return pattern == "*" or any(
        fnmatchcase(name, part) for part in (text.strip() for text in pattern.split(",")) if part
    )


class WalkedFile(NamedTuple):
    """An entry of a folder that is not a folder itself, and whose name is wanted.

    `folder` is below `top`, where the walk began; `folder_fd` is that folder, open as long as the
    walk is there. A file that is being written has settled when it was quiet for `settle_seconds`.
    """

    top: str
    folder: str
    folder_fd: int
    name: str
    status: os.stat_result
    settle_seconds: float = 0.0

    @property
    def path(self) -> str:
        """Below the top of the walk."""
        return join(self.folder, self.name)

    def candidate(self) -> Candidate:
        """This very file, to be claimed."""
        location, size = join(self.top, self.path), self.status.st_size
        inode = inode_of(self.status)
        return Candidate(location, self.path, size, top=self.top, inode=inode)

    def may_be_read(self) -> bool:
        return os.access(self.name, os.R_OK, dir_fd=self.folder_fd)

    def is_settling(self, clock: float) -> bool:
        """Whether it changed a moment ago, by its ctime: the kernel sets that on every write, chmod
        and rename, and nobody can set it back. That of a file that is ahead does not count."""
        age = clock - self.status.st_ctime
        return age < self.settle_seconds and self.settle_seconds > 0 and not self.is_ahead(clock)

    def is_ahead(self, clock: float) -> bool:
        """Whether a clock that was ahead set its ctime."""
        return self.status.st_ctime - clock >= MAX_AHEAD_SECONDS

    def is_written(self, clock: float) -> bool:
        """Whether a file that has settled is still open for writing on this machine. That counts
        for `MAX_WRITER_SECONDS` after its last change; then it is taken, with a warning."""
        if self.settle_seconds <= 0 or not has_writer(self.name, self.folder_fd):
            return False
        if 0 <= clock - self.status.st_ctime < MAX_WRITER_SECONDS:
            return True
        logger.warning(
            "a file is claimed although a process holds it open for writing",
            path=printable(self.path),
            unchanged_seconds=int(clock - self.status.st_ctime),
        )
        return False

    def defect(self) -> str | None:
        """Why it cannot be claimed, if it is not a regular file."""
        mode = self.status.st_mode
        if stat.S_ISREG(mode):
            return None
        kinds = {stat.S_IFLNK: "symbolic link", stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket"}
        kind = kinds.get(stat.S_IFMT(mode), "device")
        return f"it is a {kind}, no regular file: put the file itself there"


FolderFiles = Iterator[tuple[str, Iterator[WalkedFile]]]
"""Folders below the top, each with its files."""


@dataclass(slots=True)
class Walker:
    """Walks below `top`. `on_skipped(path, why)` receives what cannot be read.

    `folder` is where the walk is now, `entry_count` the number of names it has read.
    """

    top: str
    on_skipped: Callable[[str, str], None]
    pattern: str = "*"
    settle_seconds: float = 0.0
    settle_without_event_seconds: float = 0.0
    folder: str = ""
    entry_count: int = 0

    @classmethod
    def of(cls, folder: Folder, on_skipped: Callable[[str, str], None]) -> "Walker":
        settle = folder.settle_seconds, folder.settle_without_event_seconds
        return cls(os.fspath(folder.path), on_skipped, folder.pattern, *settle)

    def walk(self, start: str = "") -> FolderFiles:
        """The folder `start` and all after it."""
        first, pending = _split(start), [""]
        while pending:
            self.folder = pending.pop()
            parts, subfolders = _split(self.folder), list[str]()
            with self._opened(self.folder, os.O_RDONLY) as fd:
                files = self._read_folder(self.folder, fd, subfolders)
                if parts >= first:
                    yield self.folder, files
                deque(files, maxlen=0)  # to the end: then all subfolders are there
            paths = (join(self.folder, name) for name in sorted(subfolders, reverse=True))
            pending += (path for path in paths if _split(path) >= first[: len(parts) + 1])

    def follow(self, events: Sequence[str]) -> FolderFiles:
        """The files that file events named: `moved:PATH` is ready at once, `closed:PATH` after
        `settle_seconds`. A path that leads out of the folder, or through a link, is skipped."""
        folders: dict[str, dict[str, float]] = {}
        for event in events:
            kind, _, path = event.partition(":")
            folder, _, name = path.rpartition("/")
            is_excluded = any(not part or is_ignored(part) for part in path.split("/"))
            if not is_excluded and is_wanted(name, self.pattern):
                settle = 0.0 if kind == "moved" else self.settle_seconds
                folders.setdefault(folder, {})[name] = settle
        for folder, names in folders.items():
            with self._opened(folder, os.O_PATH) as fd:
                yield folder, self._read_files(folder, fd, names)

    def location(self, path: str) -> str:
        return join(self.top, path) if path else self.top

    def has_file(self, folder: str, name: str) -> bool:
        """Whether a walk would still yield it. In doubt it would."""
        if not is_wanted(name, self.pattern):
            return False
        try:
            return stat.S_ISREG(os.lstat(self.location(join(folder, name))).st_mode)
        except OSError as error:
            return not isinstance(error, FileNotFoundError | NotADirectoryError)

    def has_folder(self, folder: str) -> bool:
        """Whether it exists, and neither it nor a folder above it is a link. In doubt it does."""
        for path in accumulate(_split(folder), join):
            try:
                mode = os.lstat(self.location(path)).st_mode
            except OSError as error:
                return not isinstance(error, FileNotFoundError | NotADirectoryError)
            if not stat.S_ISDIR(mode):
                return False
        return True

    @contextmanager
    def _opened(self, folder: str, flags: int) -> Iterator[int | None]:
        """A folder, open; None where it is gone, became a link or may not be opened."""
        fd = None
        try:
            fd = open_below(self.top, folder, flags)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._skip_folder(folder, error)
        try:
            yield fd
        finally:
            if fd is not None:
                os.close(fd)

    def _read_folder(
        self, folder: str, fd: int | None, subfolders: list[str]
    ) -> Iterator[WalkedFile]:
        """Yield the wanted files of a folder; append the names of its subfolders."""
        if fd is None:
            return
        settle = self.settle_without_event_seconds
        try:
            with os.scandir(fd) as entries:
                for entry in entries:
                    self.entry_count += 1
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            if not is_ignored(entry.name):
                                subfolders.append(entry.name)
                        elif is_wanted(entry.name, self.pattern):
                            status = entry.stat(follow_symlinks=False)
                            yield WalkedFile(self.top, folder, fd, entry.name, status, settle)
                    except FileNotFoundError:
                        continue  # another process was faster
                    except OSError as error:  # the folder may be listed, but not searched
                        why = f"it cannot be examined: {error.strerror}; {_GIVE_RIGHTS}"
                        self.on_skipped(join(folder, entry.name), why)
        except OSError as error:
            self._skip_folder(folder, error)

    def _read_files(
        self, folder: str, fd: int | None, names: dict[str, float]
    ) -> Iterator[WalkedFile]:
        if fd is None:
            return
        for name, settle in names.items():
            try:
                status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except OSError:
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield WalkedFile(self.top, folder, fd, name, status, settle)

    def _skip_folder(self, folder: str, error: OSError) -> None:
        why = f"the folder cannot be read: {error.strerror}; {_GIVE_RIGHTS}"
        self.on_skipped(folder or ".", why)


def join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")) if path else ()


def has_writer(name: str, folder_fd: int) -> bool:
    """True if a regular file in the folder is open for writing on this machine.

    The kernel grants a read lease only for a file that nobody writes (fcntl(2), F_SETLEASE); it is
    released at once. False in doubt: leases are for the file's owner and for root, and network file
    systems have none.
    """
    try:
        fd = os.open(name, READ_REGULAR, dir_fd=folder_fd)
    except OSError as error:
        return isinstance(error, BlockingIOError)  # leased to one who writes, such as Samba
    try:
        # A writer that comes now is announced by a signal. The default, SIGIO, would end this
        # process; SIGURG is ignored unless somebody handles it.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(fd)
    return False
