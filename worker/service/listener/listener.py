"""The file-event listener: wakes `newsdrop.scan` as soon as a file is there.

It only makes newsdrop faster. The scan at beat's tick finds the files for which no event comes (a
lost event, a name that is not UTF-8, a write to a network file system from another machine).
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.service.listener.folder_watch import FolderChange, FolderWatch
from worker.settings import Folder

logger = get_logger(__name__)

Notify = Callable[[str, list[str]], bool]
"""`notify(source, hints)` wakes the scan. A hint is `moved:<path>` or `closed:<path>`, the path
relative to the source's folder; no hints: scan the whole folder. False: enough messages wait, so
the listener keeps the hints and adds more. May raise if the broker does not answer."""

WINDOW_SECONDS = 0.02
"""Seconds; events within this time go into one message."""

MAX_WINDOW_SECONDS = 0.5
MANY, FEW = 50, 10
"""The window doubles, up to the maximum, after more than MANY hints at once, and halves after fewer
than FEW: a flood of events does not become a flood of messages, and ten files a second are each
reported at once."""

MAX_HINTS = 500
"""Maximum in one message."""

MAX_PATHS = 5_000
"""Maximum of paths kept for one source; beyond it the whole folder is scanned instead."""

CHECK_SECONDS = 5.0
"""Seconds between two checks whether a folder exists and is still the same."""

_MAX_RETRY_SECONDS = 30.0


@dataclass(slots=True)
class _PendingHints:
    """Hints to be sent for one source. Times are monotonic seconds.

    `moved` and `closed` map a path to the time when it is ready. All wait equally long, so both
    are in the order of that time. `rescan_at` is when to scan the whole folder. `deferred` hints
    were due while enough messages waited.
    """

    folder: Folder
    moved: dict[str, float] = field(default_factory=dict)
    closed: dict[str, float] = field(default_factory=dict)
    rescan_at: float | None = None
    deferred: list[str] = field(default_factory=list)
    window: float = WINDOW_SECONDS
    sent_at: float = 0.0

    def add(self, change: FolderChange, path: str, now: float) -> None:
        settled_at = now + self.folder.settle_seconds
        if change is FolderChange.MOVED:
            self.moved.setdefault(path, now)
        elif change is FolderChange.CLOSED:
            self.closed.pop(path, None)  # to the end: its wait starts again
            self.closed[path] = settled_at
        elif self.rescan_at is None:
            self.rescan_at = now
        if len(self.moved) + len(self.closed) + len(self.deferred) > MAX_PATHS:
            self.moved.clear()
            self.closed.clear()
            self.deferred.clear()
            self.rescan_at = settled_at

    def due_at(self) -> float | None:
        """When to send next; None while there is nothing to send."""
        firsts = (next(iter(paths.values()), None) for paths in (self.moved, self.closed))
        times = [t for t in (self.rescan_at, *firsts) if t is not None]
        if self.deferred:
            times.append(self.sent_at)
        return max(min(times) + WINDOW_SECONDS, self.sent_at + self.window) if times else None

    def take(self, now: float) -> list[list[str]]:
        """The messages that are due, as lists of hints; an empty list: the whole folder."""
        self.sent_at = now
        hints, self.deferred = self.deferred, []
        hints += [f"moved:{path}" for path in self.moved]
        self.moved.clear()
        while (first := next(iter(self.closed), None)) is not None and self.closed[first] <= now:
            del self.closed[first]
            hints.append(f"closed:{first}")
        if len(hints) > MANY:
            self.window = min(2 * self.window, MAX_WINDOW_SECONDS)
        elif len(hints) < FEW:
            self.window = max(self.window / 2, WINDOW_SECONDS)
        if self.rescan_at is not None and self.rescan_at <= now:
            self.rescan_at = None
            return [[], *_batched(hints)]
        return _batched(hints)


def _batched(hints: list[str]) -> list[list[str]]:
    return [hints[at : at + MAX_HINTS] for at in range(0, len(hints), MAX_HINTS)]


class Listener:
    """Watches `folders` and sends hints, in the caller's thread: :meth:`run`.

    Folders with a schedule are not watched. Nothing is sent for a source while
    `is_paused(source)`; `on_turn()` is called at each round, at least every CHECK_SECONDS, and for
    each subfolder of a folder that is opened.
    """

    def __init__(
        self,
        folders: Sequence[Folder],
        notify: Notify,
        *,
        is_paused: Callable[[str], bool],
        on_turn: Callable[[], None] = lambda: None,
    ) -> None:
        self._notify = notify
        self._on_turn = on_turn
        self._is_paused = is_paused
        self._pending = {f.name: _PendingHints(f) for f in folders if not f.schedule}
        self._watches: dict[str, FolderWatch] = {}
        self._reported: dict[str, str] = {}
        self._condition = threading.Condition(threading.RLock())
        self._is_stopping = False
        self._retry = 0.0
        self._retry_at = 0.0

    def run(self) -> None:
        """Run until :meth:`stop`. No error of a folder or the broker ends it."""
        check_at = 0.0
        try:
            while not self._is_stopping:
                self._on_turn()
                now = time.monotonic()
                if now >= check_at:
                    self._check_folders()
                    check_at = time.monotonic() + CHECK_SECONDS
                self._send_due()
                self._sleep(check_at)
        finally:
            for watch in self._watches.values():
                watch.close()

    def stop(self) -> None:
        """May be called from another thread or from a signal handler."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()

    def on_change(self, source: str, change: FolderChange, path: str) -> None:
        """Record an event. Called by the watches' threads."""
        pending = self._pending[source]
        with self._condition:
            before = pending.due_at()
            pending.add(change, path, time.monotonic())
            after = pending.due_at()
            if before is None or (after is not None and after < before):
                self._condition.notify()

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _check_folders(self) -> None:
        """Start missing watches: at the start, and after a folder went or came back."""
        for name, pending in self._pending.items():
            watch = self._watches.get(name)
            if watch is not None and watch.is_current():
                if watch.is_limited:
                    self._report(name, "too many subfolders: raise fs.inotify.max_user_watches")
                continue
            if watch is not None:
                watch.close()
                del self._watches[name]
            new = FolderWatch(pending.folder, partial(self.on_change, name), self._on_turn)
            try:
                new.open()
            except SpoolUnavailable as error:
                self._report(name, str(error))
                continue
            self._watches[name] = new
            if self._reported.pop(name, None):
                logger.warning("file events work again", source=name)
            self.on_change(name, FolderChange.LOST, "")  # files that came before the watch

    def _report(self, source: str, message: str) -> None:
        """Log a problem once, until it changes."""
        if self._reported.get(source) != message:
            self._reported[source] = message
            logger.warning(
                "no file events, only scheduled scans find files", source=source, error=message
            )

    def _send_due(self) -> None:
        for source, pending in self._pending.items():
            with self._condition:
                now, due = time.monotonic(), pending.due_at()
                if due is None or now < max(due, self._retry_at):
                    continue
                messages = pending.take(now)
            if not self._is_paused(source):
                self._send(source, messages)

    def _send(self, source: str, messages: list[list[str]]) -> None:
        try:
            while messages:
                if not self._notify(source, messages[0]):
                    self._defer(self._pending[source], messages)
                    return
                del messages[0]
        except Exception as error:  # whatever the broker's library raises must not end the listener
            if not self._retry:
                logger.warning(
                    "the broker is unavailable, files wait for it", error=printable(str(error))
                )
            self._retry = min(2 * self._retry or 1.0, _MAX_RETRY_SECONDS)
            self._retry_at = time.monotonic() + self._retry
            self.on_change(source, FolderChange.LOST, "")
        else:
            if self._retry:
                logger.warning("the broker is back")
            self._retry = 0.0

    def _defer(self, pending: _PendingHints, messages: list[list[str]]) -> None:
        """Keep messages for the next time; the window grows, so that this is not at once."""
        with self._condition:
            pending.window = min(2 * pending.window, MAX_WINDOW_SECONDS)
            pending.deferred = [hint for hints in messages for hint in hints] + pending.deferred
            if [] in messages:
                pending.rescan_at = time.monotonic()

    def _sleep(self, check_at: float) -> None:
        with self._condition:
            due = [pending.due_at() for pending in self._pending.values()]
            first = min((max(t, self._retry_at) for t in due if t is not None), default=check_at)
            if not self._is_stopping:
                self._condition.wait(max(0.0, min(first, check_at) - time.monotonic()))
