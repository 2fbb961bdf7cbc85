"""`tail`, `show` and `forget`: the records in the stream, and one of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.exits import FAILED
from worker.cli.options import Json, settings_of

if TYPE_CHECKING:
    from worker.store.stream import StreamEntry

PANEL = "Records"

ArticleId = Annotated[str, typer.Argument(metavar="ID", help="As `tail` shows it.")]


def add_to(app: typer.Typer) -> None:
    for command in (tail, show, forget):
        app.command(rich_help_panel=PANEL)(command)


def tail(
    context: typer.Context,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="0|$|ID",
            help="Begin at the oldest (0), after the newest ($) or after a stream entry. "
            "Default: the last 10.",
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after so many records.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more; Ctrl-C ends it.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print whole records, one JSON object a line.")
    ] = False,
) -> None:
    """Print records of the stream, oldest first."""
    from worker.cli.output import quiet_interrupt, say
    from worker.cli.tail_view import Printer, entries

    printer = Printer(json)
    with quiet_interrupt():
        for entry in entries(settings_of(context), start, count, follow=follow):
            printer.show(entry)
    if not printer.shown and not json and not follow:
        say("the stream has no records here; drop files into a source's folder, or run", "dim")
        say("newsdrop enqueue PATH", "dim", "  ")


def show(context: typer.Context, article_id: ArticleId, json: Json = False) -> None:
    """Print one whole record by its id: its newest revision in the stream."""
    import orjson

    from worker.cli.output import print_line, print_pretty
    from worker.escape import printable, safe_json

    entry = _entry(context, article_id)
    if entry is None:
        _no_record(printable(article_id, 80))
    elif json:
        print_line(safe_json(entry.data.decode("utf-8", "replace")))
    else:
        print_pretty(orjson.loads(entry.data))


def forget(context: typer.Context, article_id: ArticleId, json: Json = False) -> None:
    """Forget an article, so that it is published anew when it comes again.

    The stream stays as it is.
    """
    from worker.cli.output import console, print_json, say
    from worker.escape import printable
    from worker.store.factory import article_store

    forgotten = article_store(settings_of(context)).forget(article_id)
    if json:
        print_json({"id": article_id, "forgotten": forgotten})
    elif forgotten:
        console().print("forgotten: it is published anew when it comes again")
    else:
        say(f"the index knows no article {printable(article_id, 80)}", "red", "newsdrop: ")
    if not forgotten:
        raise typer.Exit(FAILED)


def _entry(context: typer.Context, article_id: str) -> "StreamEntry | None":
    from worker.store.factory import article_store

    store = article_store(settings_of(context))
    known = store.find(article_id)
    return store.entry(known) if known else None


def _no_record(shown_id: str) -> None:
    from worker.cli.output import say

    say(
        f"the stream has no record {shown_id}. If it was trimmed, the archive still tells of it: "
        "newsdrop explain PATH, or --title and --date",
        "red",
        "newsdrop: ",
    )
    raise typer.Exit(FAILED)
