"""`enqueue`: files and addresses accepted by hand, and how the result is printed."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.formatting import format_count, format_estimate, format_speed, pluralize
from worker.cli.options import (
    FAILED,
    INTERRUPTED,
    UNAVAILABLE,
    Json,
    argument,
    config_of,
    flag,
    option,
    settings_of,
)
from worker.cli.output import print_json, print_note, print_refusal, print_text
from worker.translation import gettext, mark

if TYPE_CHECKING:
    from worker.cli.enqueue.job import EnqueueReport

_OUTCOMES = tuple(map(mark, ("published", "revised", "withdrawn", "duplicate", "rejected")))

_MAX_REFUSALS = 20
"""Refusals printed one by one."""


def enqueue(
    context: typer.Context,
    *,
    paths: Annotated[
        list[str], argument("PATH|DIR|URL|-", "Files, folders, addresses; - is standard input.")
    ],
    source: Annotated[
        str | None,
        option("NAME", "Apply the settings of this source.", autocompletion=completion.folders),
    ] = None,
    move: Annotated[bool, flag("--move/--copy", "Move the files, or copy them.")] = False,
    force: Annotated[bool, flag("--force", "Republish known articles as a revision.")] = False,
    strict: Annotated[bool, flag("--strict", "Refuse articles that have a warning.")] = False,
    wait: Annotated[
        bool, flag("--wait", "Wait for the result; exit 1 if a file is refused.")
    ] = False,
    json: Json = False,
) -> None:
    """Accept files, folders and addresses as one job.

    When the command returns, every file is safe in the spool, even if the service does not run
    yet: it will be published, recorded as a duplicate, or refused with a reason.

    Arguments that begin with http://, https:// or rsshub:// are fetched now, once, as robots.txt
    allows; a feed gives all its entries. If an address cannot be fetched, nothing is accepted and
    the exit code is 1.
    """
    from worker.cli.enqueue.job import run_enqueue
    from worker.sources.enqueue import EnqueueOptions

    options = EnqueueOptions(source, None, move, force, strict)
    report = run_enqueue(settings_of(context), paths, options, wait=wait)
    if json:
        print_json(report)
    elif not report.stopped:
        _print_report(report)
    if report.stopped:
        _print_stopped(context, report)
        raise typer.Exit(INTERRUPTED)
    if not report.files or report.refused:
        raise typer.Exit(FAILED)
    if report.waited and not report.done:
        raise typer.Exit(UNAVAILABLE)


def _print_report(report: "EnqueueReport") -> None:
    if not report.files:
        print_text("Nothing to enqueue: the given paths contain no files.")
        return
    print_text(f"{pluralize(report.files, 'file')} accepted, job {report.job}")
    if report.done:
        counts = ", ".join(
            f"{format_count(report.articles[name])} {gettext(name)}" for name in _OUTCOMES
        )
        print_text(f"articles: {counts}")
        if report.seconds:
            speed = format_speed(report.files / report.seconds)
            print_text(f"took {format_estimate(report.seconds)}, {speed}", "dim")
    for problem in report.problems:
        print_text(problem, "yellow")
    for refusal in report.refused[:_MAX_REFUSALS]:
        print_refusal(refusal.path, refusal.reason, refusal.message, refusal.quarantine or "")
    if len(report.refused) > _MAX_REFUSALS:
        print_text(f"… and {format_count(len(report.refused) - _MAX_REFUSALS)} more")
    if not (report.refused or report.waited or report.problems):
        print_text(f"Follow it with newsdrop jobs {report.job}", "dim")


def _print_stopped(context: typer.Context, report: "EnqueueReport") -> None:
    """After Ctrl-C: what continues all the same, and how to follow it."""
    from worker.service.command_hint import command_hint

    if not report.files:
        print_note("stopped before any file was accepted")
        return
    rest = "" if report.waited else "; the other files were not accepted"
    print_note(
        f"{pluralize(report.files, 'file')} accepted{rest}. They are processed without "
        "this command."
    )
    hint = command_hint(f"jobs {report.job}", config=config_of(context))
    print_note(f"Follow the job with {hint}")
