"""`archive`: what the archive holds, for other programs, and its copies in a bucket."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.filters import with_filters
from worker.cli.options import Json, option, settings_of
from worker.cli.output import print_note, print_result
from worker.cli.progress import FileProgress, show_progress
from worker.escape import printable
from worker.translation import count_noun, mark

if TYPE_CHECKING:
    from worker.actions.warc_export import WarcExport
    from worker.readmodel.filters import Filters

app = typer.Typer(
    no_args_is_help=True, help="The archive: write what was fetched to a file, or fetch copies."
)


@app.command()
@with_filters("source", "date")
def export(
    context: typer.Context,
    *,
    warc: Annotated[
        Path, option("FILE", "The file to write, *.warc.gz; it must not exist.", "--warc")
    ],
    since: Annotated[
        str | None, option("WHEN", "Only archived since: 90m, 12h, 3d, or an ISO date.")
    ] = None,
    filters: "Filters",
    json: Json = False,
) -> None:
    """Write the feeds and pages that were fetched, and those of WARC files, to one WARC file.

    HTTP headers are not archived, so they are `resource` records (WARC 1.1): the bytes as parsed,
    with address, time, charset and SHA-256. newsdrop reads the pages of such a file again.
    --date is the day on which they were fetched (UTC).
    """
    from worker.actions.warc_export import export_warc
    from worker.model.times import parse_moment
    from worker.settings.clock import utc_now

    now = utc_now()
    begin = parse_moment(since, now) if since else None
    progress = FileProgress(noun="batch")
    with show_progress(progress, mark("reading")) as update:

        def show(done: "WarcExport") -> None:
            progress.count = done.segments
            update()

        result = export_warc(settings_of(context), warc, filters, begin, now=now, on_progress=show)
    counts = count_noun(result.records, "record")
    print_result(result, f"WARC written: {printable(warc)}, {counts}", json=json)
    if result.expired and not json:
        print_note(f"{count_noun(result.expired, 'raw file')} expired, or cannot be read")


@app.command()
def fetch(context: typer.Context, json: Json = False) -> None:
    """Fetch the journals that only the bucket of archive.url has, after a machine was lost.

    Then `newsdrop replay` publishes what Redis has lost. Raw files stay in the bucket and are read
    from there.
    """
    from worker.actions.archive_fetch import fetch_journals

    progress = FileProgress(noun="batch")
    with show_progress(progress, mark("reading")) as update:

        def show(count: int) -> None:
            progress.count = count
            update()

        count = fetch_journals(settings_of(context), show)
    print_result({"fetched": count}, f"{count_noun(count, 'batch')} fetched", json=json)
