"""Progress of a long command on standard error: a bar on a terminal, a line from time to time
elsewhere."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.progress import BarColumn, Progress, TextColumn

from worker.cli.formatting import format_count, format_estimate, format_speed
from worker.cli.output import error_console, print_note
from worker.translation import count_noun, gettext, punctuate

_WINDOW_SECONDS = 30.0
"""The rate is that of the last half minute."""

_FIRST_LINE_SECONDS, _LONGEST_PAUSE_SECONDS = 5.0, 60.0
"""Time between two lines outside a terminal; it doubles, so that a long run does not fill a log."""


@dataclass(slots=True)
class FileProgress:
    """Files, or what `noun` says, accepted or processed so far, of `total` where that is known."""

    count: int = 0
    noun: str = "file"
    total: int | None = None
    refused: int = 0
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def record(self, now: float) -> None:
        """The count was reached at `now`, seconds of any one clock."""
        self._samples.append((now, self.count))
        while len(self._samples) > 2 and self._samples[1][0] <= now - _WINDOW_SECONDS:
            self._samples.popleft()

    def rate(self) -> float:
        """Per second; 0 while unknown, or when the count has not grown for long."""
        if len(self._samples) < 2:
            return 0.0
        (first_time, before), (now, count) = self._samples[0], self._samples[-1]
        return (count - before) / (now - first_time) if now > first_time else 0.0

    def describe(self) -> str:
        """`1,200 of 2,000 files, 430 files/s, 2 s left`."""
        parts = [count_noun(self.count, self.noun)]
        if self.total:
            form, files = gettext("{count} of {files}"), count_noun(self.total, self.noun)
            parts = [form.format(count=format_count(self.count), files=files)]
        rate = self.rate()
        if rate and self.noun == "file":
            parts.append(format_speed(rate))
        if rate and self.total and self.total != self.count:
            estimate = format_estimate((self.total - self.count) / rate)
            parts.append(gettext("{time} left").format(time=estimate))
        if self.refused:
            parts.append(gettext("{count} refused").format(count=format_count(self.refused)))
        return punctuate(", ".join(parts))


@contextmanager
def show_progress(progress: FileProgress, activity: str) -> Iterator[Callable[[], None]]:
    """Show `progress` during the block; call the given function after each change.

    `activity` is one word, marked for translation.
    """
    activity = gettext(activity)
    progress.record(time.monotonic())
    if error_console().is_terminal:
        with _open_bar(activity) as bar:
            yield _bar_update(progress, bar, activity)
    else:
        yield _line_update(progress, activity)


@contextmanager
def show_batches(activity: str) -> Iterator[Callable[[int], None]]:
    """:func:`show_progress` of batches; call the given function with the number that are done."""
    progress = FileProgress(noun="batch")
    with show_progress(progress, activity) as update:

        def on_progress(count: int) -> None:
            progress.count = count
            update()

        yield on_progress


def _open_bar(activity: str) -> Progress:
    return Progress(
        TextColumn(activity),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[words]}"),
        console=error_console(),
        transient=True,
    )


def _bar_update(progress: FileProgress, bar: Progress, activity: str) -> Callable[[], None]:
    task = bar.add_task(activity, total=progress.total, words=progress.describe())

    def update() -> None:
        progress.record(time.monotonic())
        bar.update(task, completed=progress.count, total=progress.total, words=progress.describe())

    return update


def _line_update(progress: FileProgress, activity: str) -> Callable[[], None]:
    last, pause = time.monotonic(), _FIRST_LINE_SECONDS

    def update() -> None:
        nonlocal last, pause
        now = time.monotonic()
        progress.record(now)
        if now - last >= pause:
            last, pause = now, min(2 * pause, _LONGEST_PAUSE_SECONDS)
            print_note(punctuate(f"{activity}: {progress.describe()}"))

    return update
