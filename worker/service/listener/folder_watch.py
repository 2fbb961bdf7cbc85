"""One drop folder under inotify: files closed after writing, and files renamed into it.

Uses watchdog's reader of the kernel's queue, not its observer, for three reasons. The observer
reports every rename out of the folder, so each of our own claims, and delays all events up to
0.5 s to find the other half of a rename (`InotifyMoveEventGrouper`). Its queue is unbounded. And it
would watch `.newsdrop`, where claims create folders and journals are written.
"""

import errno
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder
from worker.sources.walk import is_ignored, is_wanted

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD, WatchDescriptor


class FolderChange(Enum):
    """A change in the folder. SUBFOLDER and LOST have no path: any file may be new."""

    MOVED = "moved"
    CLOSED = "closed"
    SUBFOLDER = "subfolder"
    LOST = "lost"


@dataclass(slots=True)
class FolderWatch:
    """Watches a folder and its subfolders until :meth:`close`, or until it is ended.

    `on_change(change, path)` is called in the reader's thread; `path` is relative to the folder,
    and always UTF-8. `on_progress()` is called for each folder that :meth:`open` adds: 100,000 take
    many seconds, and a watchdog waits. `is_limited`: the kernel allows no more watches, so some
    subfolders are not watched.
    """

    folder: Folder
    on_change: Callable[[FolderChange, str], None]
    on_progress: Callable[[], None] = lambda: None
    is_ended: bool = False
    is_limited: bool = False
    _inotify: "InotifyFD | None" = None
    _paths: "dict[WatchDescriptor, bytes]" = field(default_factory=dict)
    _identity: tuple[int, int] = (0, 0)

    def open(self) -> None:
        """Start. Raises SpoolUnavailable where the folder does not exist or cannot be watched."""
        try:
            from watchdog.observers.inotify_c import InotifyFD
        except ImportError as error:
            raise SpoolUnavailable(
                "no inotify on this system: only scheduled scans find files"
            ) from error
        try:
            self._identity = self._stat()
            # a folder moved within the tree is added twice, on purpose
            warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
            self._inotify = InotifyFD()
            self._inotify.start()
            self._add(b"", self.on_progress)
        except OSError as error:
            self.close()
            why = _LIMITS.get(error.errno or 0) or error.strerror
            raise SpoolUnavailable(f"{printable(self.folder.path)}: {why}") from error

    def is_current(self) -> bool:
        """False if the path leads to another folder now (a mount came or went)."""
        try:
            return not self.is_ended and self._stat() == self._identity
        except OSError:
            return False

    def close(self) -> None:
        inotify, self._inotify = self._inotify, None
        if inotify is not None:
            inotify.stop()
            inotify.join()

    # ── called by the reader ────────────────────────────────────────────────────────────────

    def on_event(self, event: "InotifyEvent") -> None:
        parent = self._paths.get(event.wd)
        if parent is None:
            return
        if not event.name:
            return  # the folder itself was deleted or unmounted; on_watch_deleted follows
        try:
            name = event.name.decode()
        except UnicodeDecodeError:
            return  # a message is JSON and cannot name it; the tick finds it
        if event.is_directory:
            if not is_ignored(name) and (event.is_create or event.is_moved_to):
                self._add(parent + event.name)  # gives a folder that was moved within its new path
                self.on_change(FolderChange.SUBFOLDER, "")
        elif (event.is_close_write or event.is_moved_to) and is_wanted(name, self.folder.pattern):
            path = os.fsdecode(parent) + name
            if _is_text(path):
                self.on_change(
                    FolderChange.MOVED if event.is_moved_to else FolderChange.CLOSED, path
                )

    def on_watch_deleted(self, wd: "WatchDescriptor") -> None:
        if self._paths.pop(wd, None) == b"":
            self.is_ended = True

    def on_queue_overflow(self) -> None:
        self.on_change(FolderChange.LOST, "")

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _stat(self) -> tuple[int, int]:
        status = self.folder.path.stat()
        return status.st_dev, status.st_ino

    def _add(self, relative: bytes, on_progress: Callable[[], None] = lambda: None) -> None:
        """Watch a folder and its subfolders; `relative` is empty for the root."""
        root = os.fsencode(self.folder.path) + b"/"
        levels = [relative]
        while levels and self._inotify is not None:
            path = levels.pop()
            on_progress()
            try:
                wd = self._watch(self._inotify, root + path, is_root=not path)
            except OSError as error:
                if not path:
                    raise
                self.is_limited = self.is_limited or error.errno == errno.ENOSPC
                continue
            prefix = path + b"/" if path else b""
            self._paths[wd] = prefix
            levels += (prefix + name for name in _subfolders(root + path))

    def _watch(self, inotify: "InotifyFD", path: bytes, *, is_root: bool) -> "WatchDescriptor":
        from watchdog.observers.inotify_c import CallbackId, Mask
        from watchdog.observers.inotify_c import InotifyConstants as In

        mask = In.IN_CLOSE_WRITE | In.IN_MOVED_TO | In.IN_CREATE | In.IN_ONLYDIR | In.IN_EXCL_UNLINK
        if not is_root:
            mask |= In.IN_DONT_FOLLOW
        wd = inotify.add_callback(path, Mask(mask), self, CallbackId(0))
        if wd < 0:  # watchdog passes over a refused permission
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return wd


_LIMITS = {
    errno.ENOSPC: "the kernel allows no more watches (sysctl fs.inotify.max_user_watches)",
    errno.EMFILE: "the kernel allows no more listeners (sysctl fs.inotify.max_user_instances)",
}


def _subfolders(path: bytes) -> Iterator[bytes]:
    """Names of subfolders, read one by one: there may be a million files beside them."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not is_ignored(os.fsdecode(entry.name)):
                    yield entry.name
    except OSError:
        return  # deleted, or not readable: the scan reports it


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
