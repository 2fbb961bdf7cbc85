"""`enqueue` and `replay`: bringing work in by hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.exits import FAILED, INTERRUPTED, UNAVAILABLE
from worker.cli.options import Json, call_of, settings_of

if TYPE_CHECKING:
    from worker.cli.enqueue_view import Report

PANEL = "Bring articles in"


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(enqueue)
    app.command(rich_help_panel=PANEL)(replay)


def enqueue(
    context: typer.Context,
    *,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|DIR|URL|- …", help="Files, folders, addresses, or - for standard input."
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Read them as this source would be read.",
            autocompletion=completion.folders,
        ),
    ] = None,
    move: Annotated[
        bool, typer.Option("--move/--copy", help="Take the files away, or leave them.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish known articles anew, as a revision.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait until all are done; exit 1 if any was refused."),
    ] = False,
    json: Json = False,
) -> None:
    """Accept files, and what addresses hold, at once, as one job.

    When this returns, every file named is safe in the spool: it will be published, found to be
    a duplicate, or refused with a reason, even if nothing runs yet.

    What begins with http://, https:// or rsshub:// is fetched now, once, as robots.txt allows; a
    feed gives all its entries. If one cannot be fetched, nothing is taken, and it exits 1.
    """
    from worker.cli.enqueue_view import run

    report = run(settings_of(context), paths, source, move=move, force=force, wait=wait)
    if json:
        from worker.cli.output import print_json

        print_json(report)
    elif not report.stopped:
        _tell(report)
    if report.stopped:
        _tell_stopped(context, report)
        raise typer.Exit(INTERRUPTED)
    if not report.files or report.refused:
        raise typer.Exit(FAILED)
    if report.waited and not report.done:
        raise typer.Exit(UNAVAILABLE)


def _tell_stopped(context: typer.Context, report: "Report") -> None:
    """After Ctrl-C: what goes on all the same, and how to see it."""
    from worker.cli.output import counted, say
    from worker.service.command_hint import command_hint

    if not report.files:
        say("stopped before any file was accepted")
        return
    more = "" if report.waited else "; the rest was not taken"
    say(f"{counted(report.files, 'file')} accepted{more}. Their work goes on without this command.")
    say(f"Follow it with {command_hint(f'jobs {report.job}', config=call_of(context).config)}")


def replay(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN", help="Only what was archived since: 90m, 12h, 3d, or an ISO date."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Publish from the archive what Redis has lost, under the same ids.

    Harmless at any time: what is still known stays as it is.
    """
    from worker.cli.output import console, counted, number, print_json
    from worker.cli.replay_view import run

    replayed = run(settings_of(context), since)
    if json:
        print_json(replayed)
    else:
        console().print(
            f"published again: {counted(replayed.lost, 'article')}, which Redis had lost "
            f"(archived batches looked at: {number(replayed.segments)})"
        )


def _tell(report: "Report") -> None:
    from rich.text import Text

    from worker.cli.output import console, counted, number, refused
    from worker.cli.progress import lasting, speed

    if not report.files:
        console().print("There is nothing to enqueue: no files in what was named.")
        return
    line = Text(f"{counted(report.files, 'file')} accepted, job {report.job}")
    console().print(line)
    if report.done:
        named = ("published", "revised", "duplicate", "rejected")
        counts = [f"{number(report.articles[name])} {name}" for name in named]
        console().print("articles: " + ", ".join(counts))
        if report.seconds:
            rate = speed(report.files / report.seconds)
            console().print(Text(f"in {lasting(report.seconds)}, {rate}", "dim"))
    for problem in report.problems:
        console().print(Text(problem, "yellow"))
    if report.refused:
        for one in report.refused[:20]:
            refused(one.path, one.reason, one.message, one.quarantine or "")
        if len(report.refused) > 20:
            console().print(f"… and {number(len(report.refused) - 20)} more")
    elif not report.waited and not report.problems:
        console().print(Text(f"Follow it with newsdrop jobs {report.job}", "dim"))
