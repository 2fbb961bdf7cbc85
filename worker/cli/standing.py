"""How the status is shown to people: counts, then sources, then what needs them."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from worker.cli.output import console, counted, noted, number, outside, table
from worker.settings import POLLED
from worker.view.status import Articles, Polled, Source, Status

_SILENT_BEAT = 30.0
"""Seconds without a tick until that is worth a word; a tick comes every few seconds."""

_SLOW = 60.0
"""Seconds that the oldest batch may wait before that is."""

_WIDE = 90
"""Columns from which on there is room for the folders beside the numbers."""

_NAMED = 3
"""Files left alone that are named for each source; `--json` names up to a hundred."""


def standing(status: Status) -> RenderableType:
    """The whole picture."""
    parts: list[RenderableType] = [_service(status), Text(), _counts(status), Text()]
    parts.append(_sources(status))
    notices = list(_notices(status))
    if notices:
        parts.append(Text())
        parts += notices
    return Group(*parts)


def _service(status: Status) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    if status.problem:
        grid.add_row("redis", outside(status.redis).append("  does not answer", "red"))
        return grid
    assert status.stream is not None
    assert status.workers is not None
    grid.add_row("redis", outside(status.redis))
    stream = outside(status.stream.name)
    stream.append(f"  {number(status.stream.length)} entries, the last is {status.stream.last_id}")
    grid.add_row("stream", stream)
    processes = sum(worker.processes for worker in status.workers)
    workers = f"{len(status.workers)} with {processes} processes" if status.workers else "none"
    grid.add_row("workers", Text(workers, "" if status.workers else "yellow"))
    if status.polled.feeds or status.polled.pages_wanted:
        grid.add_row("feeds", _polled(status.polled))
    for group in status.stream.groups:
        lag = "unknown" if group.lag is None else number(group.lag)
        said = f"  {number(group.pending)} pending, {lag} not yet read"
        grid.add_row("consumers", outside(group.name).append(said))
    return grid


def _polled(polled: Polled) -> Text:
    said = Text(f"{number(polled.feeds)}, {number(polled.due)} due now")
    if polled.pages_wanted:
        said.append(f", {counted(polled.pages_wanted, 'page')} to be fetched")
    if polled.failing:
        said.append(f"  {number(polled.failing)} failing: newsdrop feeds list --failing", "yellow")
    return said


def _counts(status: Status) -> Table:
    """Articles and files beside one another, numbers aligned."""
    files = status.files
    left = [
        ("published", _of(status.articles, "published"), "green"),
        ("revised", _of(status.articles, "revised"), "green"),
        ("duplicate", _of(status.articles, "duplicate"), ""),
        ("rejected", _of(status.articles, "rejected"), "red"),
    ]
    right = [
        ("waiting", files.waiting, "cyan"),
        ("working", files.working, "cyan"),
        ("archived", files.archived, ""),
        ("quarantined", files.quarantined, "red"),
    ]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, min_width=9)
    grid.add_column(width=2)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, min_width=9)
    grid.add_row(
        Text("articles", "bold"),
        Text(number(_sum(status)), "bold"),
        "",
        Text("files accepted", "bold"),
        Text(number(files.accepted), "bold"),
    )
    for (name, count, style), (place, held, colour) in zip(left, right, strict=True):
        grid.add_row(f"  {name}", _count(count, style), "", f"  {place}", _count(held, colour))
    return grid


def _sum(status: Status) -> int | None:
    return _of(status.articles, "published", "revised", "duplicate", "rejected")


def _of(articles: Articles | None, *outcomes: str) -> int | None:
    """Their sum; None where Redis did not tell."""
    return None if articles is None else sum(getattr(articles, name) for name in outcomes)


def _count(value: int | None, style: str) -> Text:
    return Text(number(value), style if value else "dim")


def _sources(status: Status) -> RenderableType:
    """A line a source; where the terminal is narrow, the folders follow beneath."""
    wide = console().width >= _WIDE
    numbers = ("waiting", "published", "duplicate", "rejected")
    names = ("source", *numbers, "last success") + (("folder",) if wide else ())
    rows = table(*names, right=numbers, flexible=("folder",))
    for source in status.sources:
        name = Text(source.name, "bold")
        if source.paused:
            name.append(" paused", "yellow")
        counted = source.articles
        cells = [
            name,
            _count(source.waiting, "cyan"),
            _count(_of(counted, "published", "revised"), "green"),
            _count(_of(counted, "duplicate"), ""),
            _count(_of(counted, "rejected"), "red"),
            _ago(source.last_success, status.at),
        ]
        rows.add_row(*cells, *((_folder(source),) if wide else ()))
    if wide:
        return rows
    beneath = (
        Text.assemble((f"{source.name}: ", "dim"), _folder(source))
        for source in status.sources
        if source.folder
    )
    return Group(rows, *beneath)


def _ago(moment: str | None, now: str) -> Text:
    """How long before `now`, in the largest fitting unit."""
    if moment is None:
        return Text("–", "dim")
    seconds = (datetime.fromisoformat(now) - datetime.fromisoformat(moment)).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return Text(f"{seconds / length:.0f} {unit} ago")
    return Text(f"{max(0.0, seconds):.0f} s ago")


def _folder(source: Source) -> Text:
    if source.folder is None:
        return Text("(polled)" if source.name == POLLED else "(by hand)", "dim")
    shown = Text(source.folder)
    if source.in_place:
        shown.append("  in place", "dim")
    if source.schedule:
        shown.append(f"  at {source.schedule}", "dim")
    return shown


def _notices(status: Status) -> Iterator[Text]:
    """Sentences, each with what to do."""
    if status.problem:
        yield _notice(
            f"{status.problem}\n  What is accepted stays safe in the spool. "
            "`newsdrop up` starts the service; `newsdrop doctor` looks closer.",
            "red",
        )
    else:
        yield from _about_service(status)
    if status.intake_problem:
        yield _notice(f"{status.intake_problem}. What was accepted is still worked on.", "red")
    if status.feeds_problem:
        why = status.feeds_problem.replace("\n", "\n  ")
        yield _notice(f"The feeds cannot be read; those of before are polled.\n  {why}", "red")
    yield from _about_articles(status)
    for source in status.sources:
        yield from _about_source(source)


def _about_service(status: Status) -> Iterator[Text]:
    if not status.workers:
        yield _notice("No worker is running: `newsdrop up` starts the whole service.")
    elif status.beat_age_s is None or status.beat_age_s > _SILENT_BEAT:
        yield _notice(
            "The scheduler is silent, so folders are only looked at on file events: "
            "run `newsdrop beat`, or the worker with -B."
        )
    elif (status.queue.oldest_age_s or 0) > _SLOW:
        yield _notice(f"The oldest batch waits for {status.queue.oldest_age_s:,.0f} s already.")


def _about_articles(status: Status) -> Iterator[Text]:
    if status.articles and status.articles.content_differs:
        count = status.articles.content_differs
        which = "duplicate had" if count == 1 else "duplicates had"
        yield _notice(
            f"{number(count)} {which} the title and date of a known article but other content, "
            "and changed nothing: `newsdrop explain PATH` compares; to publish such a change, set "
            'on_change = "revise" for the source or enqueue the file with --force.'
        )
    if status.articles and status.articles.rejected:
        yield _notice("What was refused, and why: newsdrop quarantine list", "dim")
    elif status.articles and not _sum(status) and not status.queue.batches:
        folder = next((source.folder for source in status.sources if source.folder), None)
        yield _notice(f"Nothing has come in yet. Drop files into {folder}", "dim")


def _about_source(source: Source) -> Iterator[Text]:
    if not source.folder_there:
        yield _notice(f"{source.name}: the folder is not there; create or mount it.")
    if not source.left_alone_count:
        return
    yield _notice(f"{source.name}: {number(source.left_alone_count)} left alone in the folder")
    for left in source.left_alone[:_NAMED]:
        yield noted(f"    {left.path}: {left.why}", "dim", 1000)
    more = source.left_alone_count - _NAMED
    if more > 0:
        yield Text(f"    … and {number(more)} more", "dim")


def _notice(text: str, style: str = "yellow") -> Text:
    return Text.assemble(("• ", style), (text, "dim" if style == "dim" else ""))
