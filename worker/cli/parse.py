"""`parse`: the record that a file would become."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.options import FAILED, JsonLines, argument, option, settings_of
from worker.cli.output import print_json, print_note, print_pretty
from worker.translation import mark

if TYPE_CHECKING:
    from worker.pipeline.failure import ParseFailure

Source = Annotated[str | None, option("NAME", "Apply the settings of this source.")]


def parse(
    context: typer.Context,
    file: Annotated[str, argument("FILE|URL|-", "A file, an address, or - for standard input.")],
    source: Source = None,
    json: JsonLines = False,
) -> None:
    """Print the record or records that a file would become, without `ingested_at`; publish nothing.

    An address (http://, https://, rsshub://) is fetched once, as robots.txt allows. Exits 1 if it
    cannot be fetched, or if the file or an article in it would be refused.
    """
    from worker.cli.input import read_or_fetch
    from worker.pipeline.failure import ParseFailure
    from worker.queries.records import read_path
    from worker.settings.clock import utc_now
    from worker.sources.registry import require_source

    settings = settings_of(context)
    require_source(settings, source)
    now, is_refused = utc_now(), False
    load = partial(read_or_fetch, settings, file, source)
    for item in read_path(file, load, settings, now, source, on_counted=print_note):
        if isinstance(item, ParseFailure):
            is_refused = True
            _print_failure(item, json=json)
        else:
            record = asdict(item.normalized.article)
            del record["ingested_at"]  # it has not been
            (print_json if json else print_pretty)(record)
    if is_refused:
        raise typer.Exit(FAILED)


def _print_failure(failure: "ParseFailure", *, json: bool) -> None:
    if json:
        print_json({"refused": failure.reason.value, "message": failure.message})
        return
    text = f"{failure.reason.value}: {failure.message}"
    if not failure.whole_file:
        text = mark(f"article {failure.ordinal + 1}: {text}")
    print_note(text, "red", "refused: ")
