"""`parse` and `explain`: what newsdrop makes of an input, and why; `replay` what was archived."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.exits import FAILED, UNAVAILABLE
from worker.cli.options import JsonLines, settings_of

if TYPE_CHECKING:
    from worker.pipeline.extract import ParsedArticle, ParseFailure
    from worker.queries.explain import Explained

PANEL = "Look into it"

Source = Annotated[
    str | None, typer.Option(metavar="NAME", help="Read it as this source would be read.")
]


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(parse)
    app.command(rich_help_panel=PANEL)(explain)


def parse(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|URL|-", help="A file, an address, or - for stdin.")
    ],
    source: Source = None,
    json: JsonLines = False,
) -> None:
    """Print the record or records that a file would give; nothing is published.

    An address (http://, https://, rsshub://) is fetched once, as robots.txt allows. Exits 1 if
    that fails, or if the file, or any article in it, would be refused.
    """
    from worker.cli.inputs import read_given
    from worker.pipeline.extract import ParseFailure
    from worker.queries.records import read_document
    from worker.settings.clock import utc_now
    from worker.sources.registry import require_source

    settings = settings_of(context)
    require_source(settings, source)
    given = read_given(settings, file, source)
    refused = False
    for item in read_document(
        given.data, given.path, settings, utc_now(), source, origin=given.origin
    ):
        refused |= isinstance(item, ParseFailure)
        _print_read(item, json)
    if refused:
        raise typer.Exit(FAILED)


def explain(
    context: typer.Context,
    *,
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="[PATH|URL]",
            help="A file here, or the path or address of what was taken before.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="T", help="Instead: a title …")] = None,
    date: Annotated[
        str | None, typer.Option(metavar="D", help="… and its date, YYYY-MM-DD.")
    ] = None,
    source: Source = None,
    json: JsonLines = False,
) -> None:
    """Tell an article's key, what it matched, and when and from where that came.

    Answers after the stream was trimmed, too: the archive remembers. Exits 3 if Redis does not
    answer; what the spool and the archive know is told all the same.
    """
    from worker.cli.output import print_json, say
    from worker.errors import UsageError
    from worker.queries.explain import explain_address, explain_path, explain_title
    from worker.sources.fetch_once import is_address

    settings = settings_of(context)
    if (path is None) == (title is None) or (title is None and date is not None):
        raise UsageError("give either a PATH or URL, or --title (and --date, where there is one)")
    if title is not None:
        answer = explain_title(settings, title, date, source)
    else:
        assert path is not None
        if is_address(path):
            answer = explain_address(settings, path)
        else:
            answer = explain_path(settings, Path(path), source)
    if answer.problem:
        say(answer.problem, "yellow", "newsdrop: ")
    if json:
        for explained in answer.articles:
            print_json(explained)
    else:
        _print_explained(answer.articles)
    if not answer.complete:
        raise typer.Exit(UNAVAILABLE)
    if answer.problem:
        raise typer.Exit(FAILED)


def _print_read(item: "ParsedArticle | ParseFailure", json: bool) -> None:
    from worker.cli.output import print_json, print_pretty, say
    from worker.pipeline.extract import ParseFailure

    if isinstance(item, ParseFailure):
        if json:
            print_json({"refused": item.reason.value, "message": item.message})
        else:
            which = "" if item.whole_file else f"article {item.ordinal + 1}: "
            say(f"{which}{item.reason.value}: {item.message}", "red", "refused: ")
    elif json:
        print_json(item.normalized.article)
    else:
        print_pretty(item.normalized.article)


def _print_explained(articles: "tuple[Explained, ...]") -> None:
    from worker.cli.explain_view import show

    for index, explained in enumerate(articles):
        show(explained, first=index == 0)
