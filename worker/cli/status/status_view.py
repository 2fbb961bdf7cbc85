"""How an overview is shown to people: what is wrong, what is done now, counts, sources."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from worker.cli.output import console, counted, number, outside, table
from worker.cli.units import ACCENT, ago, bars, count, lasting, rate, seconds_between, size, until
from worker.queries.overview import Activity, Disk, Memory, Overview, Problem
from worker.queries.status import ArticleCounts, PollingStatus, SourceStatus, Status
from worker.settings import POLLED

_WIDE = 110
"""Columns from which on there is room for the folders beside the numbers."""

_INDENT = 11
"""Columns before what is said of the service: its names, and the space after them."""

_ROWS = 8
"""Processes of one worker that have a line each."""

_MARKS = {"fail": ("✗", "red"), "warn": ("!", "yellow"), "note": ("·", "dim")}


def standing(found: Overview, *, sources: int | None = None) -> RenderableType:
    """The whole picture; of the sources at most so many."""
    status = found.status
    parts: list[RenderableType] = [*_problems(found.problems)]
    if parts:
        parts.append(Text())
    parts += [_service(found), Text(), _counts(status), Text(), _sources(status, sources)]
    if hint := _hint(status):
        parts += [Text(), hint]
    return Group(*parts)


def _problems(problems: Sequence[Problem]) -> Iterator[RenderableType]:
    """A sentence each, and beneath it what to do; the text is at one edge."""
    for one in problems:
        mark, style = _MARKS[one.level]
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark, style), Text(one.text, "bold" if one.level == "fail" else ""))
        if one.advice:
            grid.add_row("", Text(one.advice, "dim"))
        yield grid


def _service(found: Overview) -> RenderableType:
    status = found.status
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=_INDENT - 2)
    grid.add_column(overflow="fold")
    for name, value in _facts(found):
        grid.add_row(name, value)
    if status.problem or not status.workers:
        return grid
    return Group(grid, *_workers(found))


def _facts(found: Overview) -> Iterator[tuple[str, Text]]:
    status = found.status
    if status.problem:
        yield "redis", outside(status.redis).append("  does not answer", "red")
        yield "waiting", _waiting(status)
        yield "disk", _disk(found.disk)
        return
    assert status.stream is not None
    yield "now", _rate(found)
    yield "waiting", _waiting(status)
    if status.polled.feeds or status.polled.pages_wanted:
        yield "feeds", _polled(status.polled)
    length = status.stream.length
    entries = "1 entry" if length == 1 else f"{length:,} entries"
    stream = outside(status.stream.name).append(f"  {entries}")
    yield "stream", stream.append(f", the last is {status.stream.last_id}", "dim")
    for group in status.stream.groups:
        lag = "unknown" if group.lag is None else number(group.lag)
        said = f"  {number(group.pending)} pending, {lag} not yet read"
        yield "consumers", outside(group.name).append(said)
    yield "redis", _redis(status, found.memory)
    yield "disk", _disk(found.disk)


def _rate(found: Overview) -> Text:
    """Articles a minute, and the hour as bars: as many as there is room for."""
    hour = found.minutes[-60:]
    each = [one.articles for one in hour]
    said = Text().append(f"{rate(found):,.0f}", "bold").append(" articles/min  ")
    total = f"{sum(each):,} in the last hour"
    room = console().width - _INDENT - said.cell_len - 2 - len(total)
    widths = [width for width in (60, 30, 20) if width <= room]
    if widths and any(each):
        said.append_text(bars(each, widths[0])).append("  ")
    return said.append(total, "dim")


def _waiting(status: Status) -> Text:
    if not status.queue.batches:
        return Text("nothing", "dim")
    held = status.files.waiting + status.files.working
    said = Text().append(counted(held, "file"), ACCENT)
    batches = status.queue.batches
    said.append(f" in {batches:,} {'batch' if batches == 1 else 'batches'}")
    return said.append(f", the oldest for {lasting(status.queue.oldest_age_s or 0)}", "dim")


def _polled(polled: PollingStatus) -> Text:
    said = Text(f"{number(polled.feeds)}, {number(polled.due)} due now")
    if polled.pages_wanted:
        said.append(f", {counted(polled.pages_wanted, 'page')} to be fetched")
    if polled.failing:
        said.append(f", {number(polled.failing)} failing", "yellow")
    return said


def _redis(status: Status, memory: Memory | None) -> Text:
    said = outside(status.redis)
    if memory is None:
        return said
    limit = f" of {size(memory.max)}" if memory.max else ""
    return said.append(f"  {size(memory.used)}{limit} of memory used", "dim")


def _disk(disk: Disk) -> Text:
    said = Text()
    if disk.free is not None:
        said.append(f"{size(disk.free)} free  ")
    more = "" if disk.whole else "more than "
    return said.append(f"{more}{size(disk.archive)} archived, {size(disk.spool)} waiting", "dim")


def _workers(found: Overview) -> Iterator[RenderableType]:
    """What each process does: as many lines as there are processes, so that a live view is calm."""
    workers = found.status.workers or ()
    for worker in workers:
        mine = [one for one in found.working if one.worker == worker.name]
        busy = f"{len(mine)} of {worker.processes} processes at work"
        title = Text("workers" if worker is workers[0] else "", "dim")
        head = Table.grid(padding=(0, 2))
        head.add_column(min_width=_INDENT - 2, no_wrap=True)
        head.add_column(overflow="fold")
        head.add_row(title, outside(worker.host).append(f"  {busy}", "" if mine else "dim"))
        for row in _rows(mine, worker.processes, found.status.at):
            head.add_row("", row)
        yield head


def _rows(mine: Sequence[Activity], processes: int, now: str) -> Iterator[Text]:
    lines = min(_ROWS, processes)
    for one in mine[:lines]:
        seconds = seconds_between(one.since, now)
        # Most are done at once: a figure that flickers from nought to one says nothing.
        yield _does(one).append(f"  for {lasting(seconds)}" if seconds >= 2 else "", "dim")
    for _ in range(lines - len(mine)):
        yield Text("· idle", "dim")
    if len(mine) > lines:
        yield Text(f"… and {len(mine) - lines} more", "dim")


def _does(one: Activity) -> Text:
    said = Text().append("▸ ", ACCENT)
    if one.what == "fetch":
        return said.append(f"fetches {one.files:,} feeds and pages" if one.files else "fetches")
    said.append(f"{counted(one.files, 'file')} of ").append_text(outside(one.source))
    return said.append(f"  {one.job}", "dim") if one.job else said


def _counts(status: Status) -> Table:
    """Articles and files beside one another, numbers aligned."""
    files = status.files
    left = [
        ("published", _of(status.articles, "published"), ""),
        ("revised", _of(status.articles, "revised"), ""),
        ("duplicate", _of(status.articles, "duplicate"), ""),
        ("rejected", _of(status.articles, "rejected"), "red"),
    ]
    right = [
        ("waiting", files.waiting, ACCENT),
        ("working", files.working, ACCENT),
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
    for (name, value, style), (place, held, colour) in zip(left, right, strict=True):
        grid.add_row(f"  {name}", count(value, style), "", f"  {place}", count(held, colour))
    return grid


def _sum(status: Status) -> int | None:
    return status.articles.decided if status.articles else None


def _of(articles: ArticleCounts | None, *outcomes: str) -> int | None:
    """Their sum; None where Redis did not tell."""
    return None if articles is None else sum(getattr(articles, name) for name in outcomes)


def _sources(status: Status, most: int | None) -> RenderableType:
    """A line a source; where the terminal is narrow, the folders follow beneath."""
    wide = console().width >= _WIDE
    shown = status.sources[:most]
    turns = any(source.next_turn for source in shown)
    numbers = ("waiting", "published", "duplicate", "rejected")
    names = ["source", *numbers, "last success"]
    names += ["next"] * turns + ["folder"] * wide
    rows = table(*names, right=numbers, flexible=("folder",))
    for source in shown:
        counted = source.articles
        cells = [
            _name(source),
            count(source.waiting, ACCENT),
            count(_of(counted, "published", "revised"), ""),
            count(_of(counted, "duplicate"), ""),
            count(_of(counted, "rejected"), "red"),
            ago(source.last_success, status.at),
        ]
        cells += [until(source.next_turn, status.at)] * turns + [_folder(source)] * wide
        rows.add_row(*cells)
    parts: list[RenderableType] = [rows]
    if not wide:
        for source in shown:
            if source.folder:
                parts.append(Text.assemble((f"{source.name}: ", "dim"), _folder(source)))
    if len(status.sources) > len(shown):
        parts.append(Text(f"… and {len(status.sources) - len(shown):,} more", "dim"))
    return Group(*parts)


def _name(source: SourceStatus) -> Text:
    name = outside(source.name, "bold")
    if source.paused:
        name.append(" paused", "yellow")
    elif source.failing:
        name.append(" failing", "yellow")
    return name


def _folder(source: SourceStatus) -> Text:
    if source.folder is None:
        return Text("(polled)" if source.name == POLLED or source.next_turn else "(by hand)", "dim")
    shown = Text(source.folder)
    if source.in_place:
        shown.append("  in place", "dim")
    if source.schedule:
        shown.append(f"  at {source.schedule}", "dim")
    return shown


def _hint(status: Status) -> RenderableType | None:
    """What a person may want next, where nothing is wrong with it."""
    if status.articles and status.articles.rejected:
        return Text("What was refused, and why: newsdrop quarantine list", "dim")
    if status.articles and not _sum(status) and not status.queue.batches:
        folder = next((source.folder for source in status.sources if source.folder), None)
        return Padding(Text(f"Nothing has come in yet. Drop files into {folder}", "dim"), 0)
    return None
