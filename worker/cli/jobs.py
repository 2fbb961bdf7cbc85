"""`jobs`: the list of jobs, and one job with what was refused."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from worker.cli import completion
from worker.cli.filters import with_filters
from worker.cli.formatting import (
    format_count,
    format_estimate,
    format_kinds,
    format_local_time,
    format_state,
)
from worker.cli.options import argument, flag, option, settings_of
from worker.cli.output import (
    console,
    count_text,
    make_table,
    print_fields,
    print_json,
    print_json_lines,
    print_refusal,
    print_text,
    safe_text,
    stored_text,
)
from worker.errors import UsageError
from worker.translation import count_noun, gettext, mark, punctuate
from worker.translation import message as translate

if TYPE_CHECKING:
    from worker.queries.jobs import JobView
    from worker.readmodel.filters import Filters

_UNKNOWN = mark("(unknown: Redis did not answer at its start)")

_TABLE_WIDTH = 105
"""Columns that the table needs so that no ID is cut."""

_STYLES = {
    mark("open"): "cyan",
    mark("published"): "green",
    mark("duplicate"): "",
    mark("refused"): "red",
    mark("not fetched"): "red",
}
"""The counts beside the accepted files, with their colours. The last one is a column only where a
job has some."""


@with_filters("q", "source", "date", "outcome")
def jobs(
    context: typer.Context,
    job_id: Annotated[
        str | None,
        argument("ID", "Show this job and its refusals.", autocompletion=completion.jobs),
    ] = None,
    pause: Annotated[
        bool | None, flag("--pause/--resume", "Fetch nothing more for this back-fill, or continue.")
    ] = None,
    count: Annotated[int, option("N", "List the newest N jobs.", min=1, max=1000)] = 20,
    json: Annotated[bool, flag("--json", "Print JSON; a list is one document per line.")] = False,
    *,
    filters: "Filters",
) -> None:
    """List the jobs, newest first. A job is one enqueue, or one hour of one folder or feed."""
    from worker.queries import jobs as queries

    settings = settings_of(context)
    if pause is not None:
        from worker.actions.backfill import pause_job

        if job_id is None:
            raise UsageError("name the job to pause or to resume")
        pause_job(settings, job_id, is_paused=pause)
    if job_id is not None:
        job = queries.get_job(settings, job_id)
        print_json(job) if json else _print_job(job)
        return
    views, _ = queries.find_jobs(settings, filters, count)
    if json:
        print_json_lines(views)
    elif filters and not views:
        print_text("No job matches.")
    else:
        _print_jobs(views)


def _print_jobs(jobs: "Sequence[JobView]") -> None:
    """A table, newest first; three lines per job where the terminal is narrow."""
    if not jobs:
        print_text("No jobs yet. Drop a file into a folder, or run `newsdrop enqueue PATH`.")
    elif console().width < _TABLE_WIDTH:
        for job in jobs:
            _print_narrow(job)
    else:
        names = [mark("files"), *_STYLES]
        if not any(_counts(job)[-1] for job in jobs):
            del names[-1]
        table = make_table("job", "started", *names, "input", right=names, flexible=("input",))
        for job in jobs:
            table.add_row(
                safe_text(job.id),
                format_local_time(job.created_at),
                format_count(job.files.accepted),
                *map(count_text, _counts(job)[: len(names) - 1], _STYLES.values()),
                stored_text(translate(job.label or _UNKNOWN)),
            )
        console().print(table)


def _print_job(job: "JobView") -> None:
    files, articles = job.files, job.articles
    print_fields(
        (
            ("job", safe_text(job.id)),
            ("input", stored_text(translate(job.label or _UNKNOWN))),
            ("source", safe_text(job.source)),
            ("started", format_local_time(job.created_at)),
            ("last result", format_local_time(job.last_at) if job.last_at else None),
            ("fetching", _describe_fetching(job)),
            (
                "files",
                f"{files.accepted:,} accepted: {files.waiting:,} waiting, "
                f"{files.working:,} processing, {files.archived:,} archived, "
                f"{files.quarantined:,} quarantined",
            ),
            (
                "articles",
                f"{articles.published:,} published, {articles.revised:,} revised, "
                f"{articles.withdrawn:,} withdrawn, {articles.duplicate:,} duplicate, "
                f"{articles.rejected:,} refused",
            ),
            ("warnings", format_kinds(job.warnings) or None),
        )
    )
    if job.refused:
        from worker.queries.jobs import group_refused

        console().print()
        for first, count in group_refused(job.refused):
            print_refusal(first.path, first.reason, first.message, first.quarantine, count)


def _describe_fetching(job: "JobView") -> str | None:
    """The progress of a back-fill: what is fetched, how fast, and how long it still takes."""
    fetching = job.fetching
    if fetching is None:
        return None
    form = gettext("{done} of {all} fetched")
    parts = [form.format(done=f"{fetching.fetched:,}", all=f"{fetching.listed:,}")]
    if fetching.is_paused:
        parts.append(gettext("paused"))
    elif fetching.is_listing:
        parts.append(gettext("more are listed"))
    if fetching.unfetchable:
        count = format_count(fetching.unfetchable)
        parts.append(gettext("{count} cannot be fetched").format(count=count))
    if fetching.per_second and not fetching.is_done and not fetching.is_paused:
        parts.append(gettext("{rate} a second").format(rate=f"{fetching.per_second:,.1f}"))
    if job.seconds_left and not fetching.is_paused:
        parts.append(gettext("{time} left").format(time=format_estimate(job.seconds_left)))
    return punctuate(", ").join(parts)


def _print_narrow(job: "JobView") -> None:
    """Time and counts, without those that are zero; then the input and the ID."""
    line = Text(f"{format_local_time(job.created_at)}  {count_noun(job.files.accepted, 'file')}")
    counts = [each for each in zip(_counts(job), _STYLES.items(), strict=True) if each[0]]
    for position, (count, (name, style)) in enumerate(counts):
        line.append(punctuate(", " if position else ": ")).append(format_state(count, name), style)
    console().print(line)
    console().print(Padding(stored_text(translate(job.label or _UNKNOWN)), (0, 0, 0, 4)))
    console().print(Padding(safe_text(job.id, "dim"), (0, 0, 0, 4)))


def _counts(job: "JobView") -> tuple[int, ...]:
    """The numbers of `_STYLES`, in its order."""
    articles, fetching = job.articles, job.fetching
    return (
        job.files.open_count + (fetching.unfetched if fetching else 0),
        articles.published + articles.revised,
        articles.duplicate,
        articles.rejected,
        fetching.unfetchable if fetching else 0,
    )
