"""One drop folder under inotify: what was closed after writing, and what was renamed in.

Built on watchdog's reader of the kernel's queue, not on its observer, for three reasons. The
observer reports every rename out of the folder, which is each of our own claims, and holds all
events up to 0.5 s while it looks for the other half of a rename (`InotifyMoveEventGrouper`). Its
queue has no bound. And it would watch `.newsdrop`, where a claim makes a folder and our journals
are written.
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
from worker.spool.filenames import is_ignored, is_wanted

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD, WatchDescriptor


class Seen(Enum):
    """What happened. SUBFOLDER and LOST have no path: anything may be new."""

    MOVED = "moved"
    CLOSED = "closed"
    SUBFOLDER = "subfolder"
    LOST = "lost"


@dataclass(slots=True)
class FolderWatch:
    """Watches a folder and its subfolders until :meth:`close`, or until it `ended`.

    `seen(what, path)` is called in the reader's thread; `path` is relative to the folder, and
    always UTF-8. `limited` tells that the kernel allows no more watches: the rest of the
    subfolders is not seen.
    """

    folder: Folder
    seen: Callable[[Seen, str], None]
    ended: bool = False
    limited: bool = False
    _inotify: "InotifyFD | None" = None
    _paths: "dict[WatchDescriptor, bytes]" = field(default_factory=dict)
    _identity: tuple[int, int] = (0, 0)

    def open(self) -> None:
        """Begin. Raises SpoolUnavailable where the folder is not there or cannot be watched."""
        try:
            from watchdog.observers.inotify_c import InotifyFD
        except ImportError as error:
            raise SpoolUnavailable("this system has no inotify: nothing is lost by it") from error
        try:
            self._identity = self._look()
            # a folder moved within the tree is added twice, on purpose
            warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
            self._inotify = InotifyFD()
            self._inotify.start()
            self._add(b"")
        except OSError as error:
            self.close()
            why = _LIMITS.get(error.errno or 0) or error.strerror
            raise SpoolUnavailable(f"{printable(self.folder.path)}: {why}") from error

    def still_there(self) -> bool:
        """False when another folder lies under the name now (a mount came or went)."""
        try:
            return not self.ended and self._look() == self._identity
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
                self._add(parent + event.name)  # a folder moved within gets its new path so
                self.seen(Seen.SUBFOLDER, "")
        elif (event.is_close_write or event.is_moved_to) and is_wanted(name, self.folder.pattern):
            path = os.fsdecode(parent) + name
            if _is_text(path):
                self.seen(Seen.MOVED if event.is_moved_to else Seen.CLOSED, path)

    def on_watch_deleted(self, wd: "WatchDescriptor") -> None:
        if self._paths.pop(wd, None) == b"":
            self.ended = True

    def on_queue_overflow(self) -> None:
        self.seen(Seen.LOST, "")

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _look(self) -> tuple[int, int]:
        found = self.folder.path.stat()
        return found.st_dev, found.st_ino

    def _add(self, relative: bytes) -> None:
        """Watch a folder and those below it; `relative` is empty for the root."""
        root = os.fsencode(self.folder.path) + b"/"
        levels = [relative]
        while levels and self._inotify is not None:
            path = levels.pop()
            try:
                wd = self._watch(self._inotify, root + path, is_root=not path)
            except OSError as error:
                if not path:
                    raise
                self.limited = self.limited or error.errno == errno.ENOSPC
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
    """Names, read one by one: there may be a million files beside them."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not is_ignored(os.fsdecode(entry.name)):
                    yield entry.name
    except OSError:
        return  # gone again, or not ours to read: the scan says so


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
