"""How far an enqueue is, on standard error: a bar on a terminal, now and then a line elsewhere."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from worker.cli.output import counted, notes, say

_WINDOW = 30.0
"""Seconds, over which the rate is taken: what a person sees happen now."""

_FIRST_LINE, _LONGEST_PAUSE = 5.0, 60.0
"""Seconds between two lines where nobody looks on; the pause doubles, so that a night's work does
not fill a log."""


@dataclass(slots=True)
class Pace:
    """How fast something comes to its end, and how long the rest takes. Times are seconds of one
    clock, whichever it is."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, done: int, now: float) -> None:
        """`done` in all by `now`."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW:
            self._seen.popleft()

    def rate(self) -> float:
        """A second; 0 while nothing is known, or nothing was done for long."""
        if len(self._seen) < 2:
            return 0.0
        (begun, before), (now, done) = self._seen[0], self._seen[-1]
        return (done - before) / (now - begun) if now > begun else 0.0

    def left(self, rest: int) -> float | None:
        """Seconds until `rest` more is done; None where that is not known."""
        rate = self.rate()
        return rest / rate if rate else None


def lasting(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`: as exactly as anyone can guess it."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def speed(rate: float) -> str:
    """`430 files/s`; below ten with a tenth."""
    return f"{rate:,.0f} files/s" if rate >= 10 else f"{rate:.1f} files/s"


@dataclass(slots=True)
class Course:
    """What is shown: the files accepted and done so far, of `total` where that is known."""

    total: int | None = None
    accepted: int = 0
    done: int = 0
    refused: int = 0
    waiting: bool = False
    """Whether the end of the work is waited for, and not only that all is accepted."""

    pace: Pace = field(default_factory=Pace)

    @property
    def counted(self) -> int:
        return self.done if self.waiting else self.accepted

    def look(self, now: float) -> None:
        self.pace.note(self.counted, now)

    def words(self) -> str:
        """`1,200 of 2,000 files, 430 files/s, 2 s left`."""
        of_all = f"{self.counted:,} of {counted(self.total, 'file')}" if self.total else ""
        parts = [of_all or counted(self.counted, "file")]
        if rate := self.pace.rate():
            parts.append(speed(rate))
        if self.total and (left := self.pace.left(self.total - self.counted)):
            parts.append(f"{lasting(left)} left")
        if self.refused:
            parts.append(f"{self.refused:,} refused")
        return ", ".join(parts)


@contextmanager
def shown(course: Course, what: str) -> Iterator[Callable[[], None]]:
    """Show `course` meanwhile; what is given is to be called whenever it may have changed, ten
    times a second or so. `what` is one word."""
    course.look(time.monotonic())
    if not notes().is_terminal:
        yield _Lines(course, what, _FIRST_LINE)
        return
    bar = Progress(
        TextColumn(what),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[words]}", table_column=None),
        console=notes(),
        transient=True,
    )
    with bar:
        yield _Bar(course, bar, bar.add_task(what, total=course.total, words=course.words()))


@dataclass(slots=True)
class _Bar:
    course: Course
    bar: Progress
    task: TaskID

    def __call__(self) -> None:
        course = self.course
        course.look(time.monotonic())
        self.bar.update(
            self.task, completed=course.counted, total=course.total, words=course.words()
        )


@dataclass(slots=True)
class _Lines:
    course: Course
    what: str
    pause: float
    said: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        now = time.monotonic()
        self.course.look(now)
        if now - self.said >= self.pause:
            self.said, self.pause = now, min(2 * self.pause, _LONGEST_PAUSE)
            say(f"{self.what}: {self.course.words()}")
