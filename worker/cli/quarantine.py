"""`quarantine list|show|retry|discard`: what was refused, and what to do with it."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.options import Json, JsonLines, settings_of
from worker.errors import UsageError

if TYPE_CHECKING:
    from worker.spool.quarantine import Quarantine

app = typer.Typer(
    no_args_is_help=True, help="What was refused, and why: see it, retry it, drop it."
)

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="As `quarantine list` shows it.",
        autocompletion=completion.quarantined,
    ),
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID …]",
        help="As `quarantine list` shows them.",
        autocompletion=completion.quarantined,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Everything that is in quarantine.")]


@app.command("list")
def list_(context: typer.Context, json: JsonLines = False) -> None:
    """List what is quarantined, oldest first, each with its reason."""
    from worker.cli.output import console, print_json, refused, say

    listed = 0
    for one in _quarantine(context):
        listed += 1
        if json:
            print_json(one)
        else:
            refused(one.path, one.reason.value, one.message, one.id)
    if json:
        return
    if listed:
        say("newsdrop quarantine retry ID … once the cause is mended, or discard ID …", "dim")
    else:
        console().print("Nothing is in quarantine.")


@app.command()
def show(
    context: typer.Context,
    refused_id: Id,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the refused bytes to standard output.")
    ] = False,
    json: Json = False,
) -> None:
    """Show one refused input: what it was, why it was refused, and where its bytes are."""
    from dataclasses import asdict

    from worker.cli.output import facts, noted, number, outside, print_json

    quarantine = _quarantine(context)
    refused = quarantine.get(refused_id)
    path = quarantine.raw_path(refused_id)
    if raw:
        _copy_out(quarantine, refused_id)
    elif json:
        print_json({**asdict(refused), "raw": str(path)})
    else:
        part = "" if refused.ordinal is None else f", article {refused.ordinal} of it"
        facts(
            (
                ("id", refused.id),
                ("file", noted(refused.path).append(part)),
                ("source", refused.source),
                ("reason", outside(refused.reason.value, "red")),
                ("what to do", noted(refused.message, limit=2000)),
                ("refused", refused.refused_at),
                ("size", f"{number(refused.size)} bytes"),
                ("job", refused.job),
                ("bytes", outside(str(path), limit=5000)),
            )
        )


@app.command()
def retry(context: typer.Context, ids: Ids = None, every: All = False, json: Json = False) -> None:
    """Accept refused inputs again, under their old names, and take them out of quarantine.

    For after a site rule, a setting or newsdrop itself was mended.
    """
    from worker.actions.retry import retry as accept_again
    from worker.cli.output import console, number, print_json

    settings = settings_of(context)
    chosen = _chosen(_quarantine(context), ids, every=every)
    retried = accept_again(settings, chosen)
    if json:
        print_json(retried)
    else:
        console().print(f"{number(retried.files)} accepted again, job {retried.job}")
        for problem in retried.problems:
            console().print(problem, style="yellow")


@app.command()
def discard(
    context: typer.Context,
    ids: Ids = None,
    every: All = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove refused inputs for good."""
    from worker.actions.quarantine import discard as remove
    from worker.cli.output import console, number, print_json

    settings = settings_of(context)
    chosen = _chosen(_quarantine(context), ids, every=every)
    if every and chosen and not yes:
        if not sys.stdin.isatty():
            raise UsageError("--all removes everything in quarantine: say --yes as well")
        typer.confirm(f"Remove {len(chosen):,} refused inputs for good?", abort=True)
    gone = remove(settings, chosen)
    if json:
        print_json({"discarded": gone})
    else:
        console().print(f"{number(gone)} removed")


def _quarantine(context: typer.Context) -> "Quarantine":
    from worker.spool.quarantine import Quarantine

    return Quarantine(settings_of(context).state_dir)


def _chosen(quarantine: "Quarantine", ids: list[str] | None, *, every: bool) -> list[str]:
    """The ids meant, each of them there. Raises UsageError, before anything is done."""
    if every == bool(ids):
        raise UsageError("name the ids, or say --all")
    if every:
        return quarantine.ids()
    for refused_id in ids or ():
        quarantine.get(refused_id)
    return list(dict.fromkeys(ids or ()))


def _copy_out(quarantine: "Quarantine", refused_id: str) -> None:
    import shutil

    with quarantine.raw_path(refused_id).open("rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.flush()
