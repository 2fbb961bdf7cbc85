"""How jobs are shown to people."""

from collections.abc import Sequence
from datetime import datetime

from rich.padding import Padding
from rich.text import Text

from worker.cli.output import console, counted, facts, noted, number, outside, refused, table
from worker.queries.jobs import JobView

_UNKNOWN = "(begun without Redis)"
_WIDE = 105
"""Columns that the table needs so that no id is cut."""

_COUNTS = ("files", "open", "published", "duplicate", "refused")


def show_jobs(jobs: Sequence[JobView]) -> None:
    """A table, newest first; two lines a job where the terminal is narrow."""
    if not jobs:
        console().print(
            "No jobs yet. `newsdrop enqueue PATH` makes one, and so does a dropped file."
        )
        return
    if console().width < _WIDE:
        for job in jobs:
            _show_narrow(job)
        return
    rows = table("job", "began", *_COUNTS, "what", right=_COUNTS, flexible=("what",))
    for job in jobs:
        still_open = job.files.waiting + job.files.working
        rows.add_row(
            outside(job.id),
            _local(job.created_at),
            number(job.files.accepted),
            Text(number(still_open), "cyan" if still_open else "dim"),
            _count(job.articles.published + job.articles.revised, "green"),
            _count(job.articles.duplicate, ""),
            _count(job.articles.rejected, "red"),
            noted(job.label or _UNKNOWN),
        )
    console().print(rows)


def show_job(job: JobView) -> None:
    """One job: its counts, and what was refused of it."""
    files, articles = job.files, job.articles
    facts(
        (
            ("job", outside(job.id)),
            ("what", noted(job.label or _UNKNOWN)),
            ("source", outside(job.source)),
            ("began", _local(job.created_at)),
            ("last", _local(job.last_at) if job.last_at else None),
            (
                "files",
                f"{number(files.accepted)}: {number(files.waiting)} waiting, "
                f"{number(files.working)} working, {number(files.archived)} archived, "
                f"{number(files.quarantined)} quarantined",
            ),
            (
                "articles",
                f"{number(articles.published)} published, {number(articles.revised)} revised, "
                f"{number(articles.duplicate)} duplicate, {number(articles.rejected)} rejected",
            ),
        )
    )
    if job.refused:
        console().print()
        for one in job.refused:
            refused(one.path, one.reason, one.message, one.quarantine or "")


def _show_narrow(job: JobView) -> None:
    """When and how much, without what is none; then what it was, and its id."""
    still_open = job.files.waiting + job.files.working
    counts = (
        (still_open, "open", "cyan"),
        (job.articles.published + job.articles.revised, "published", "green"),
        (job.articles.duplicate, "duplicate", ""),
        (job.articles.rejected, "refused", "red"),
    )
    line = Text(f"{_local(job.created_at)}  {counted(job.files.accepted, 'file')}")
    for position, (count, name, style) in enumerate(one for one in counts if one[0]):
        line.append(": " if position == 0 else ", ").append(f"{number(count)} {name}", style)
    console().print(line)
    console().print(Padding(noted(job.label or _UNKNOWN), (0, 0, 0, 4)))
    console().print(Padding(outside(job.id, "dim"), (0, 0, 0, 4)))


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"


def _count(value: int, style: str) -> Text:
    return Text(number(value), style if value else "dim")
