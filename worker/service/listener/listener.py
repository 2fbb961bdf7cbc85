"""The file-event listener: rings `newsdrop.scan` as soon as a file is there.

It only makes things faster. What it does not see (a lost event, a name that is not UTF-8, a
folder on a network file system written to elsewhere) is found by the scan on beat's tick.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.service.listener.folder_watch import FolderWatch, Seen
from worker.settings import Folder

logger = get_logger(__name__)

Ring = Callable[[str, list[str]], bool]
"""`ring(source, hints)`. A hint is `moved:<path>` or `closed:<path>`, the path below the source's
folder; no hints: look at the whole folder. False: enough rings are queued, so this one shall wait
and gather more. It may raise when the broker is away."""

WINDOW = 0.02
"""Seconds; events that near to each other are one message."""

LONGEST_WINDOW = 0.5
MANY, FEW = 50, 10
"""The window doubles up to the longest while one holds more than MANY hints, and is halved again
while it holds fewer than FEW: a flood of events is none of messages, and ten files a second are
each told at once."""

HINTS = 500
"""In one message."""

MOST_NOTED = 5_000
"""Paths of one source that are remembered; with more, its whole folder is looked at instead."""

LOOK_AGAIN = 5.0
"""Seconds between two looks at whether a folder is there, or still the same."""

_LONGEST_RETRY = 30.0


@dataclass(slots=True)
class _Bell:
    """What is to be told of one source. Times are monotonic seconds.

    `moved` and `closed` map a path to when it is ready. All wait equally long, so both are in
    order of that time. `whole` is when to look at the whole folder. `late` are hints that were due
    when enough rings were queued already.
    """

    folder: Folder
    moved: dict[str, float] = field(default_factory=dict)
    closed: dict[str, float] = field(default_factory=dict)
    whole: float | None = None
    late: list[str] = field(default_factory=list)
    window: float = WINDOW
    rung: float = 0.0

    def note(self, what: Seen, path: str, now: float) -> None:
        settled = now + self.folder.settle_seconds
        if what is Seen.MOVED:
            self.moved.setdefault(path, now)
        elif what is Seen.CLOSED:
            self.closed.pop(path, None)  # to the end: it waits anew
            self.closed[path] = settled
        elif self.whole is None:
            self.whole = now
        if len(self.moved) + len(self.closed) + len(self.late) > MOST_NOTED:
            self.moved.clear()
            self.closed.clear()
            self.late.clear()
            self.whole = settled

    def due_at(self) -> float | None:
        """When to ring next; None while there is nothing to tell."""
        firsts = (next(iter(noted.values()), None) for noted in (self.moved, self.closed))
        times = [t for t in (self.whole, *firsts) if t is not None]
        if self.late:
            times.append(self.rung)
        return max(min(times) + WINDOW, self.rung + self.window) if times else None

    def take(self, now: float) -> list[list[str]]:
        """The messages that are due, as lists of hints; an empty one: the whole folder."""
        self.rung = now
        hints, self.late = self.late, []
        hints += [f"moved:{path}" for path in self.moved]
        self.moved.clear()
        while (first := next(iter(self.closed), None)) is not None and self.closed[first] <= now:
            del self.closed[first]
            hints.append(f"closed:{first}")
        if len(hints) > MANY:
            self.window = min(2 * self.window, LONGEST_WINDOW)
        elif len(hints) < FEW:
            self.window = max(self.window / 2, WINDOW)
        if self.whole is not None and self.whole <= now:
            self.whole = None
            return [[], *_batched(hints)]
        return _batched(hints)


def _batched(hints: list[str]) -> list[list[str]]:
    return [hints[at : at + HINTS] for at in range(0, len(hints), HINTS)]


class Listener:
    """Watches `folders` and rings for them, in a thread of the caller's: :meth:`run`.

    Folders with a schedule are left out: they are looked at when it says so. `paused(source)` is
    asked before each ring; `turned()` is called at each round, at least each LOOK_AGAIN seconds.
    """

    def __init__(
        self,
        folders: Sequence[Folder],
        notify: Ring,
        *,
        paused: Callable[[str], bool],
        turned: Callable[[], None] = lambda: None,
    ) -> None:
        self._ring = notify
        self._turned = turned
        self._paused = paused
        self._bells = {f.name: _Bell(f) for f in folders if not f.schedule}
        self._watches: dict[str, FolderWatch] = {}
        self._said: dict[str, str] = {}
        self._changed = threading.Condition(threading.RLock())
        self._stopping = False
        self._retry = 0.0
        self._retry_at = 0.0

    def run(self) -> None:
        """Until :meth:`stop`. Nothing that a folder or the broker does ends it."""
        look_at = 0.0
        try:
            while not self._stopping:
                self._turned()
                now = time.monotonic()
                if now >= look_at:
                    self._look()
                    look_at = time.monotonic() + LOOK_AGAIN
                self._ring_due()
                self._sleep(look_at)
        finally:
            for watch in self._watches.values():
                watch.close()

    def stop(self) -> None:
        """From another thread, or from a signal's handler."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def seen(self, source: str, what: Seen, path: str) -> None:
        """Note an event. Called by the watches' threads."""
        bell = self._bells[source]
        with self._changed:
            before = bell.due_at()
            bell.note(what, path, time.monotonic())
            after = bell.due_at()
            if before is None or (after is not None and after < before):
                self._changed.notify()

    # ── parts ───────────────────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        """Begin watching what is not watched: at the start, and after a folder went or came."""
        for name, bell in self._bells.items():
            watch = self._watches.get(name)
            if watch is not None and watch.still_there():
                if watch.limited:
                    self._say(name, "too many subfolders for the kernel's inotify limit")
                continue
            if watch is not None:
                watch.close()
                del self._watches[name]
            fresh = FolderWatch(bell.folder, lambda what, path, n=name: self.seen(n, what, path))  # type: ignore[misc]
            try:
                fresh.open()
            except SpoolUnavailable as error:
                self._say(name, str(error))
                continue
            self._watches[name] = fresh
            if self._said.pop(name, None):
                logger.warning("file events work again", source=name)
            self.seen(name, Seen.LOST, "")  # what came before we watched

    def _say(self, source: str, message: str) -> None:
        """Once, until it changes."""
        if self._said.get(source) != message:
            self._said[source] = message
            logger.warning(
                "no file events, only the tick finds files", source=source, error=message
            )

    def _ring_due(self) -> None:
        for source, bell in self._bells.items():
            with self._changed:
                now, due = time.monotonic(), bell.due_at()
                if due is None or now < max(due, self._retry_at):
                    continue
                messages = bell.take(now)
            if not self._paused(source):
                self._send(source, messages)

    def _send(self, source: str, messages: list[list[str]]) -> None:
        try:
            while messages:
                if not self._ring(source, messages[0]):
                    self._keep(self._bells[source], messages)
                    return
                del messages[0]
        except Exception as error:  # whatever the broker's library raises: never the end of this
            if not self._retry:
                logger.warning("the broker is away, files wait for it", error=printable(str(error)))
            self._retry = min(2 * self._retry or 1.0, _LONGEST_RETRY)
            self._retry_at = time.monotonic() + self._retry
            self.seen(source, Seen.LOST, "")
        else:
            if self._retry:
                logger.warning("the broker is back")
            self._retry = 0.0

    def _keep(self, bell: _Bell, messages: list[list[str]]) -> None:
        """For the next ring; the window grows, so it is not tried again at once."""
        with self._changed:
            bell.window = min(2 * bell.window, LONGEST_WINDOW)
            bell.late = [hint for hints in messages for hint in hints] + bell.late
            if [] in messages:
                bell.whole = time.monotonic()

    def _sleep(self, look_at: float) -> None:
        with self._changed:
            due = [bell.due_at() for bell in self._bells.values()]
            first = min((max(t, self._retry_at) for t in due if t is not None), default=look_at)
            if not self._stopping:
                self._changed.wait(max(0.0, min(first, look_at) - time.monotonic()))
