"""`archive`: what the archive holds, for other programs, and its copies in a bucket."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.filters import with_filters
from worker.cli.options import FAILED, Json, Since, option, parse_since, settings_of
from worker.cli.output import print_note, print_result
from worker.cli.progress import show_batches
from worker.escape import printable
from worker.translation import count_noun, mark

if TYPE_CHECKING:
    from worker.readmodel.filters import Filters

_SHOWN = 20

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
    since: Since = None,
    filters: "Filters",
    json: Json = False,
) -> None:
    """Write the feeds and pages that were fetched, and those of WARC files, to one WARC file.

    HTTP headers are not archived, so they are `resource` records (WARC 1.1): the bytes as parsed,
    with address, time, charset and SHA-256. newsdrop reads the pages of such a file again.
    --date is the day on which they were fetched (UTC).
    """
    from worker.actions.warc_export import export_warc
    from worker.settings.clock import utc_now

    with show_batches(mark("reading")) as on_progress:
        result = export_warc(
            settings_of(context),
            warc,
            filters,
            parse_since(since),
            now=utc_now(),
            on_progress=on_progress,
        )
    counts = count_noun(result.records, "record")
    print_result(result, f"WARC written: {printable(warc)}, {counts}", json=json)
    if result.expired and not json:
        print_note(f"{count_noun(result.expired, 'raw file')} expired")
    for why in result.damaged[:_SHOWN] if not json else ():
        print_note(why)
    if result.damaged:
        if not json:
            print_note(f"left out as damaged: {len(result.damaged):,}")
        raise typer.Exit(FAILED)


@app.command()
def fetch(context: typer.Context, json: Json = False) -> None:
    """Fetch the journals that only the bucket of archive.url has, after a machine was lost.

    Then `newsdrop replay` publishes what Redis has lost. Raw files stay in the bucket and are read
    from there.
    """
    from worker.actions.archive_fetch import fetch_journals

    skipped: list[str] = []
    with show_batches(mark("reading")) as on_progress:
        count = fetch_journals(settings_of(context), on_progress, skipped.append)
    document = {"fetched": count, "skipped": skipped}
    print_result(document, f"{count_noun(count, 'batch')} fetched", json=json)
    for why in skipped[:_SHOWN] if not json else ():
        print_note(why)
    if skipped:
        if not json:
            print_note(f"not fetched: {len(skipped):,}")
        raise typer.Exit(FAILED)
