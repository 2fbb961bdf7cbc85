"""`quarantine list|show|retry|discard|restore`: refused inputs, and what can be done with them."""

import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.filters import with_filters
from worker.cli.formatting import format_count
from worker.cli.options import Json, JsonLines, Yes, argument, confirm, flag, option, settings_of
from worker.cli.output import (
    print_fields,
    print_json,
    print_note,
    print_refusal,
    print_result,
    print_text,
    safe_text,
    stored_text,
)
from worker.errors import Reason, UsageError
from worker.translation import count_noun
from worker.translation import message as translate

if TYPE_CHECKING:
    from worker.readmodel.filters import Filters
    from worker.spool.quarantine import Quarantine

app = typer.Typer(
    no_args_is_help=True,
    help="List refused inputs with their reasons; retry, discard or restore them.",
)

_ID = argument(
    "ID", "The ID, as `quarantine list` shows it.", autocompletion=completion.quarantined
)
Id = Annotated[str, _ID]
Ids = Annotated[list[str] | None, _ID]
All = Annotated[bool, flag("--all", "Everything in quarantine.")]
ForReason = Annotated[Reason | None, option("REASON", "Refused for this reason.")]


@app.command("list")
@with_filters("q", "source", "feed", "job", "date")
def list_(
    context: typer.Context,
    reason: ForReason = None,
    discarded: Annotated[
        bool, flag("--discarded", "What was discarded and can still be restored.")
    ] = False,
    json: JsonLines = False,
    *,
    filters: "Filters",
) -> None:
    """List the refused inputs with their reasons, oldest first."""
    from worker.queries.quarantine import is_accepted

    is_empty = True
    for item in _quarantine(context, is_discarded=discarded):
        if reason not in (None, item.reason) or not is_accepted(filters, item):
            continue
        is_empty = False
        if json:
            print_json(item)
        else:
            print_refusal(item.path, item.reason.value, item.message, item.id)
    if json:
        return
    if is_empty:
        is_filtered = bool(filters) or reason is not None
        empty = "Nothing was discarded." if discarded else "The quarantine is empty."
        print_text("No refused input matches." if is_filtered else empty)
    elif discarded:
        print_note("To bring one back: newsdrop quarantine restore ID.", "dim")
    else:
        print_note(
            "Once the cause is fixed: newsdrop quarantine retry ID. If you do not need it: "
            "newsdrop quarantine discard ID.",
            "dim",
        )


@app.command()
def show(
    context: typer.Context,
    item_id: Id,
    raw: Annotated[bool, flag("--raw", "Write the refused bytes to standard output.")] = False,
    json: Json = False,
) -> None:
    """Show one refused input: what it was, why it was refused, and where its bytes are."""
    from worker.queries.quarantine import find_later_successes

    quarantine = _quarantine(context)
    item = quarantine.get(item_id)
    path = quarantine.raw_path(item_id)
    if raw:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()
    elif json:
        print_json({**asdict(item), "raw": str(path)})
    else:
        later = find_later_successes(settings_of(context), [item]).get(item_id)
        article = "" if item.ordinal is None else translate(f", article {item.ordinal + 1} in it")
        print_fields(
            (
                ("id", item.id),
                ("file", stored_text(item.path).append(article)),
                ("source", item.source),
                ("reason", safe_text(item.reason.value, "red")),
                ("what to do", stored_text(translate(item.message), limit=2000)),
                ("refused at", item.refused_at),
                ("size", f"{format_count(item.size)} bytes"),
                ("job", item.job),
                (
                    "void since",
                    f"{later.at}: {later.status} as article {later.id}" if later else None,
                ),
                ("raw bytes", safe_text(str(path), limit=5000)),
            )
        )


@app.command()
def retry(
    context: typer.Context,
    ids: Ids = None,
    *,
    every: All = False,
    reason: ForReason = None,
    accept_warnings: Annotated[
        bool,
        flag("--accept-warnings", "Publish articles with warnings, where strict refused them."),
    ] = False,
    json: Json = False,
) -> None:
    """Process refused inputs again, under their original names, and remove them from quarantine.

    Use it after you have fixed a site rule or a setting, or updated newsdrop.
    """
    from worker.actions.quarantine import retry as retry_items

    selected = _select(_quarantine(context), ids, reason, every=every)
    retried = retry_items(settings_of(context), selected, accept_warnings=accept_warnings)
    text = f"{count_noun(retried.files, 'file')} accepted again, job {retried.job}"
    print_result(retried, text, json=json)
    for problem in () if json else retried.problems:
        print_text(problem, "yellow")


@app.command()
def discard(
    context: typer.Context,
    ids: Ids = None,
    *,
    every: All = False,
    reason: ForReason = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Discard refused inputs: `quarantine restore` brings them back, for some days."""
    from worker.actions.quarantine import discard as discard_items

    selected = _select(_quarantine(context), ids, reason, every=every)
    if selected and not ids:
        confirm(f"Discard {count_noun(len(selected), 'refused input')}?", yes=yes)
    count = discard_items(settings_of(context), selected)
    days = count_noun(settings_of(context).quarantine.discarded_days, "day")
    text = f"{count_noun(count, 'refused input')} discarded; can be restored for {days}"
    print_result({"discarded": count}, text, json=json)


@app.command()
def restore(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, argument("ID", "The ID, as `quarantine list --discarded` shows it.")
    ] = None,
    *,
    every: Annotated[bool, flag("--all", "Everything that was discarded.")] = False,
    reason: ForReason = None,
    json: Json = False,
) -> None:
    """Bring discarded inputs back into quarantine.

    The setting `quarantine.discarded_days` says how long they are kept.
    """
    from worker.actions.quarantine import restore as restore_items

    selected = _select(_quarantine(context, is_discarded=True), ids, reason, every=every)
    count = restore_items(settings_of(context), selected)
    print_result({"restored": count}, f"{count_noun(count, 'refused input')} restored", json=json)


def _quarantine(context: typer.Context, *, is_discarded: bool = False) -> "Quarantine":
    from worker.spool.quarantine import DISCARDED, QUARANTINE, Quarantine

    folder = DISCARDED if is_discarded else QUARANTINE
    return Quarantine(settings_of(context).state_dir, folder)


def _select(
    quarantine: "Quarantine", ids: list[str] | None, reason: Reason | None, *, every: bool
) -> list[str]:
    """The selected IDs, all of which exist. Raises UsageError, before anything is done."""
    if (every or reason is not None) == bool(ids):
        raise UsageError("name the IDs, or use --all or --reason")
    if reason is not None:
        return [item.id for item in quarantine if item.reason is reason]
    if every:
        return quarantine.ids()
    for item_id in ids or ():
        quarantine.get(item_id)
    return list(dict.fromkeys(ids or ()))
