"""`enqueue`: files and addresses accepted by hand, and how the result is printed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.formatting import (
    format_count,
    format_estimate,
    format_speed,
    format_state,
    outcome_word,
)
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
from worker.errors import UsageError
from worker.escape import printable
from worker.translation import count_noun, mark, punctuate

if TYPE_CHECKING:
    from worker.cli.enqueue.job import EnqueueReport
    from worker.sources.enqueue import EnqueueOptions

_OUTCOMES = ("published", "revised", "withdrawn", "duplicate", "rejected")

_MAX_REFUSALS = 20
"""Refused files that are printed."""


def enqueue(
    context: typer.Context,
    *,
    paths: Annotated[
        list[str] | None,
        argument("PATH|DIR|URL|-", "Files, folders, addresses, a bucket; - is standard input."),
    ] = None,
    urls: Annotated[
        Path | None, option("FILE", "Fetch the addresses in this file, one a line; - as above.")
    ] = None,
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

    A bucket (s3://BUCKET/PREFIX) and a list of addresses (--urls) are fetched later, by the workers
    of all hosts: `newsdrop jobs ID` shows the progress, and pauses it.
    """
    from worker.actions.backfill import is_bucket
    from worker.cli.enqueue.job import run_enqueue
    from worker.sources.enqueue import EnqueueOptions

    options = EnqueueOptions(source, None, move, force, strict)
    inputs = paths or []
    if urls or any(map(is_bucket, inputs)):
        if len(inputs) + bool(urls) > 1 or wait or move:
            raise UsageError(_ALONE)
        _enqueue_later(context, urls, inputs, options, json=json)
        return
    if not inputs:
        raise UsageError("nothing to enqueue: name a file, a folder, an address or a bucket")
    report = run_enqueue(settings_of(context), inputs, options, wait=wait)
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


_MAX_LIST_BYTES = 1_000_000_000
_ALONE = (
    "a bucket or a list of addresses is enqueued alone, without --wait and --move: run one command "
    "for each"
)


def _enqueue_later(
    context: typer.Context,
    urls: Path | None,
    inputs: Sequence[str],
    options: "EnqueueOptions",
    *,
    json: bool,
) -> None:
    from worker.actions.backfill import enqueue_bucket, enqueue_list
    from worker.cli.input import STDIN, read_input

    settings = settings_of(context)
    if urls is None:
        job = enqueue_bucket(settings, inputs[0], options)
    else:
        data, name = read_input(str(urls), _MAX_LIST_BYTES, "a list of addresses may be")
        lines = data.decode("utf-8-sig", "surrogateescape").splitlines()
        label = mark("standard input") if str(urls) == STDIN else printable(name, 80)
        job = enqueue_list(settings, lines, options, label)
    if json:
        print_json(job)
        return
    count = "" if job.addresses is None else f"{count_noun(job.addresses, 'address')}, "
    print_text(f"{count}job {job.job}: the workers of all hosts fetch from now on")
    print_text(f"Follow it with newsdrop jobs {job.job}", "dim")


def _print_report(report: "EnqueueReport") -> None:
    from worker.queries.jobs import group_refused

    if not report.files:
        print_text("Nothing to enqueue: the given paths contain no files.")
        return
    print_text(f"{count_noun(report.files, 'file')} accepted, job {report.job}")
    if report.done:
        counts = ", ".join(
            format_state(report.articles[name], outcome_word(name)) for name in _OUTCOMES
        )
        print_text(f"articles: {punctuate(counts)}")
        if report.seconds:
            speed = format_speed(report.files / report.seconds)
            print_text(f"took {format_estimate(report.seconds)}, {speed}", "dim")
    for problem in report.problems:
        print_text(problem, "yellow")
    refused = group_refused(report.refused)
    for first, count in refused[:_MAX_REFUSALS]:
        print_refusal(first.path, first.reason, first.message, first.quarantine, count)
    if len(refused) > _MAX_REFUSALS:
        print_text(f"… and {format_count(len(refused) - _MAX_REFUSALS)} more")
    if not (report.refused or report.waited or report.problems):
        print_text(f"Follow it with newsdrop jobs {report.job}", "dim")


def _print_stopped(context: typer.Context, report: "EnqueueReport") -> None:
    """After Ctrl-C: what still continues, and how to follow it."""
    from worker.service.command_hint import command_hint

    if not report.files:
        print_note("stopped before any file was accepted")
        return
    rest = "" if report.waited else "; the other files were not accepted"
    print_note(
        f"{count_noun(report.files, 'file')} accepted{rest}. They are processed without "
        "this command."
    )
    hint = command_hint(f"jobs {report.job}", config=config_of(context))
    print_note(f"Follow the job with {hint}")
