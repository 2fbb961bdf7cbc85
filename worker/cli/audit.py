"""`audit`: every accepted file counted against its one outcome."""

from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from worker.cli.formatting import format_count
from worker.cli.options import FAILED, Json, settings_of
from worker.cli.output import console, print_json, print_text
from worker.translation import count_noun, gettext, mark

if TYPE_CHECKING:
    from worker.queries.audit import Audit

_MAX_BATCHES = 20


def audit(context: typer.Context, json: Json = False) -> None:
    """Check that every accepted file has exactly one outcome or is still waiting.

    Reads the journals of the archive and the spool, not the counters. Exits 1 if a file is missing.
    """
    from worker.queries.audit import audit as run_audit

    result = run_audit(settings_of(context))
    print_json(result) if json else _print_audit(result)
    if not result.balanced:
        raise typer.Exit(FAILED)


def _print_audit(audit: "Audit") -> None:
    """The counts with their sum, and the batches that miss files."""
    sums = Table.grid(padding=(0, 2))
    sums.add_column(no_wrap=True)
    sums.add_column(justify="right", no_wrap=True, min_width=9)
    sums.add_column(style="dim")
    sums.add_row(
        Text(gettext("files accepted"), "bold"), Text(format_count(audit.accepted), "bold"), ""
    )
    for name, count, meaning in (
        (mark("published"), audit.published, mark("at least one article was published or revised")),
        (mark("duplicate"), audit.duplicate, mark("all articles were published before")),
        (
            mark("read"),
            audit.read,
            mark("feeds without new articles, or with pages to fetch; WARC files"),
        ),
        (mark("quarantined"), audit.quarantined, mark("refused with a reason")),
        (mark("waiting"), audit.waiting, mark("in the spool, waiting or processing")),
    ):
        sums.add_row(f"  {gettext(name)}", format_count(count), gettext(meaning))
    style = "green" if audit.balanced else "bold red"
    sums.add_row(
        Text(gettext("unaccounted for"), style), Text(format_count(audit.unaccounted), style), ""
    )
    console().print(sums)
    console().print()
    if audit.pages_wanted:
        print_text(f"{count_noun(audit.pages_wanted, 'page')} of new articles not fetched yet.")
    if audit.balanced:
        ends = "Every accepted file has exactly one outcome."
        print_text("Every accepted file is accounted for." if audit.waiting else ends)
        return
    for batch in audit.missing[:_MAX_BATCHES]:
        print_text(
            f"batch {batch.batch}: {format_count(batch.accounted)} of "
            f"{format_count(batch.accepted)} files are accounted for"
        )
    if len(audit.missing) > _MAX_BATCHES:
        print_text(f"… and {format_count(len(audit.missing) - _MAX_BATCHES)} more batches")
    print_text(
        "Was the archive or a spool folder removed by hand, or restored from an older backup?"
    )
