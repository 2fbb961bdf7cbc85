"""The report that `status` prints: problems, activity, tables, and the service."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from worker.cli.formatting import (
    format_age,
    format_count,
    format_duration,
    format_kinds,
    format_size,
    seconds_between,
)
from worker.cli.health import MARKS
from worker.cli.output import console, draw_bars, safe_text
from worker.cli.status.tables import (
    ACCENT,
    INDENT,
    more_line,
    named_grid,
    render_counts,
    render_nodes,
    render_sources,
)
from worker.escape import printable
from worker.queries.status.overview import Activity, Disk, Memory, Overview, Problem
from worker.queries.status.service import PollingStatus, Status
from worker.spool.copy_record import CopyState
from worker.store.rechecks import RecheckCounts
from worker.translation import count_noun, gettext, mark, message

_MAX_PROCESSES = 8
"""Processes of one worker that have a line each."""


def render_status(overview: Overview, max_sources: int | None = None) -> RenderableType:
    """The whole report, with at most `max_sources` sources. What changes most is above: a live view
    shows only as many lines as the terminal has."""
    status = overview.status
    parts: list[RenderableType] = [*_problems(overview.problems)]
    if parts:
        parts.append(Text())
    parts += [
        _grid(_work_fields(overview)),
        *_workers(overview),
        Text(),
        render_counts(status),
        Text(),
    ]
    parts += render_nodes(status)
    parts += [render_sources(status, max_sources), Text(), _grid(_service_fields(overview))]
    if hint := _hint(status):
        parts += [Text(), hint]
    return Group(*parts)


def _problems(problems: Sequence[Problem]) -> Iterator[RenderableType]:
    """One sentence each, and beneath it what to do."""
    for problem in problems:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(overflow="fold")
        style = "bold" if problem.level == "fail" else ""
        grid.add_row(Text(*MARKS[problem.level]), Text(message(problem.text), style))
        if problem.advice:
            grid.add_row("", Text(message(problem.advice), "dim"))
        yield grid


def _grid(fields: Iterator[tuple[str, Text]]) -> RenderableType:
    grid = named_grid()
    for name, value in fields:
        grid.add_row(gettext(name), value)
    return grid


def _work_fields(overview: Overview) -> Iterator[tuple[str, Text]]:
    """The work in progress, and the work that waits."""
    status = overview.status
    if not status.problem:
        yield mark("rate"), _rate(overview)
    yield mark("waiting"), _waiting(status)
    if not status.problem and (status.polled.feeds or status.polled.pages_wanted):
        yield mark("feeds"), _feeds(status.polled)
    if (rechecks := status.polled.rechecks) and rechecks.was_used:
        yield mark("rechecks"), _rechecks(status.polled, rechecks)


def _service_fields(overview: Overview) -> Iterator[tuple[str, Text]]:
    """The resources of the service."""
    status = overview.status
    if status.problem or status.stream is None:
        form = f"  {gettext('does not answer')}"
        yield mark("redis"), safe_text(status.redis).append(form, "red")
        yield mark("disk"), _disk(overview.disk, overview.status.archive_copy)
        return
    length = status.stream.length
    stream = safe_text(status.stream.name).append(f"  {count_noun(length, 'entry')}")
    last = gettext(", the last is {entry}").format(entry=status.stream.last_id)
    yield mark("stream"), stream.append(last, "dim")
    for group in status.stream.groups:
        unread = gettext("unknown") if group.lag is None else format_count(group.lag)
        form = gettext("{pending} pending, {unread} unread")
        counts = form.format(pending=format_count(group.pending), unread=unread)
        yield mark("consumers"), safe_text(group.name).append(f"  {counts}")
    if status.articles and status.articles.warnings:
        yield mark("warnings"), Text(format_kinds(status.articles.warnings))
    if rules := status.site_rules:
        form = gettext("revision {revision}, loaded {time}")
        since = format_age(rules.since, status.at)
        yield mark("site rules"), Text(form.format(revision=rules.revision, time=since))
    yield mark("redis"), _redis(status, overview.memory)
    yield mark("disk"), _disk(overview.disk, overview.status.archive_copy)


def _rate(overview: Overview) -> Text:
    """Articles per minute, and the last hour as bars if there is room."""
    hour = [minute.articles for minute in overview.minutes[-60:]]
    rate = round(_current_rate(overview))
    text = Text().append(count_noun(rate, "article/min", "articles/min"), "bold").append("  ")
    total = gettext("{count} in the last hour").format(count=f"{sum(hour):,}")
    room = console().width - INDENT - text.cell_len - 2 - cell_len(total)
    widths = [width for width in (60, 30, 20) if width <= room]
    if widths and any(hour):
        text.append_text(draw_bars(hour, widths[0], ACCENT)).append("  ")
    return text.append(total, "dim")


def _current_rate(overview: Overview) -> float:
    """Articles per minute, over this minute and the one before."""
    last = overview.minutes[-2:]
    if not last:
        return 0.0
    articles = sum(minute.articles for minute in last)
    now = datetime.fromisoformat(overview.status.at).timestamp()
    elapsed = max(0.0, min(60.0, now - last[-1].at_ms / 1000))
    return articles / (len(last) - 1 + elapsed / 60) if len(last) > 1 or elapsed else 0.0


def _waiting(status: Status) -> Text:
    if not status.queue.batches:
        return Text(gettext("nothing"), "dim")
    files = status.files.waiting + status.files.working
    text = Text().append(count_noun(files, "file"), ACCENT)
    batches = count_noun(status.queue.batches, "batch")
    text.append(gettext(" in {batches}").format(batches=batches))
    age = format_duration(status.queue.oldest_age_s or 0)
    return text.append(gettext(", the oldest for {time}").format(time=age), "dim")


def _feeds(feeds: PollingStatus) -> Text:
    form = gettext("{feeds}, {due} due now")
    text = Text(form.format(feeds=format_count(feeds.feeds), due=format_count(feeds.due)))
    if feeds.pages_wanted:
        pages = count_noun(feeds.pages_wanted, "page")
        text.append(gettext(", {pages} to fetch").format(pages=pages))
    if feeds.failing:
        count = format_count(feeds.failing)
        text.append(gettext(", {count} failing").format(count=count), "yellow")
    return text


def _rechecks(feeds: PollingStatus, rechecks: RecheckCounts) -> Text:
    form = gettext("{waiting} waiting, {due} due now, {done} done, {dropped} dropped")
    counts = {name: format_count(number) for name, number in asdict(rechecks).items()}
    return Text(form.format(due=format_count(feeds.rechecks_due), **counts))


def _redis(status: Status, memory: Memory | None) -> Text:
    text = safe_text(status.redis)
    if memory is None:
        return text
    form = gettext("{used} of memory used")
    if memory.max:
        form = gettext("{used} of {limit} of memory used")
    used, limit = format_size(memory.used), format_size(memory.max)
    return text.append(f"  {form.format(used=used, limit=limit)}", "dim")


def _disk(disk: Disk, copying: CopyState | None) -> Text:
    text = Text()
    if disk.free is not None:
        text.append(gettext("{size} free").format(size=format_size(disk.free))).append("  ")
    form = gettext("{archive} archived, {spool} waiting")
    if not disk.whole:
        form = gettext("more than {archive} archived, {spool} waiting")
    archive, spool = format_size(disk.archive), format_size(disk.spool)
    text.append(form.format(archive=archive, spool=spool), "dim")
    if copying and copying.waiting:
        form = gettext(", {batches} not copied yet")
        text.append(form.format(batches=count_noun(copying.waiting, "batch")), "dim")
    return text


def _workers(overview: Overview) -> Iterator[RenderableType]:
    """The work of each process; one line per process always, so that a live view does not jump."""
    workers = () if overview.status.problem else overview.status.workers or ()
    for worker in workers:
        tasks = [task for task in overview.working if task.worker == worker.name]
        form = gettext("{count} of {processes} processes busy")
        busy = form.format(count=len(tasks), processes=worker.processes)
        grid = named_grid()
        head = safe_text(worker.host).append(f"  {busy}", "" if tasks else "dim")
        grid.add_row(gettext("workers") if worker is workers[0] else "", head)
        for line in _process_lines(tasks, worker.processes, overview.status.at):
            grid.add_row("", line)
        yield grid


def _process_lines(tasks: Sequence[Activity], processes: int, now: str) -> Iterator[Text]:
    lines = min(_MAX_PROCESSES, processes)
    for task in tasks[:lines]:
        seconds = seconds_between(task.since, now)
        # Most tasks end at once: a number that flickers between 0 and 1 tells nothing.
        lasts = gettext("for {time}").format(time=format_duration(seconds))
        yield _task(task).append(f"  {lasts}" if seconds >= 2 else "", "dim")
    for _ in range(lines - len(tasks)):
        yield Text(f"· {gettext('idle')}", "dim")
    if len(tasks) > lines:
        yield more_line(len(tasks) - lines)


def _task(task: Activity) -> Text:
    text = Text().append("▸ ", ACCENT)
    if task.what == "fetch":
        what = gettext(
            "fetching {count} feeds and pages" if task.files else "fetching feeds and pages"
        )
        return text.append(what.format(count=format_count(task.files)))
    form = gettext("{files} from {source}")
    text.append(form.format(files=count_noun(task.files, "file"), source=printable(task.source)))
    return text.append(f"  {task.job}", "dim") if task.job else text


def _hint(status: Status) -> RenderableType | None:
    """Advice for the next step, where nothing is wrong."""
    if status.articles is None:
        return None
    if status.articles.rejected:
        return Text(gettext("Refused inputs and reasons: newsdrop quarantine list"), "dim")
    if not status.articles.decision_count and not status.queue.batches:
        folder = next((source.folder for source in status.sources if source.folder), None)
        form = gettext("No articles yet. Drop files into {folder}")
        return Text(form.format(folder=folder), "dim")
    return None
