"""`dead-letters list, show, retry, discard`: records that failed too often in a group."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.groups.commands import Group, GroupOrAll, group_store
from worker.cli.options import Json, JsonLines, Yes, argument, confirm, flag
from worker.cli.output import (
    print_fields,
    print_json,
    print_note,
    print_refusal,
    print_result,
    print_text,
    safe_text,
)
from worker.escape import printable
from worker.translation import count_noun

if TYPE_CHECKING:
    from worker.store.groups.state import DeadLetter
    from worker.store.groups.store import GroupStore

app = typer.Typer(
    no_args_is_help=True, help="List records that failed too often in a group; retry or discard."
)

_ID = argument("ID", "The ID, as `dead-letters list` shows it.")
Ids = Annotated[list[str] | None, _ID]
All = Annotated[bool, flag("--all", "All dead letters of the group.")]


@app.command("list")
def list_(context: typer.Context, group: GroupOrAll = None, json: JsonLines = False) -> None:
    """List dead letters with their errors, by group, oldest first.

    Dead letters of a deleted group are listed only if you name it.
    """
    is_empty, store = True, group_store(context)
    for name in [group] if group else [each.name for each in store.list_groups()]:
        for letter in store.dead_letters(name):
            is_empty = False
            if json:
                print_json({"group": name, **_document(letter, with_data=False)})
                continue
            times = f"{printable(name)}, {count_noun(letter.deliveries, 'delivery')}"
            error = printable(letter.error, 500)
            print_refusal(printable(letter.title or letter.id), times, error, letter.letter_id)
    if is_empty and not json:
        print_text("No dead letters.")


@app.command()
def show(
    context: typer.Context, group: Group, letter_id: Annotated[str, _ID], json: Json = False
) -> None:
    """Show one dead letter: its record, its error, who failed."""
    letter = group_store(context).get_dead_letter(group, letter_id)
    if json:
        print_json(_document(letter, with_data=True))
        return
    print_fields(
        (
            ("id", safe_text(letter.id)),
            ("title", safe_text(letter.title)),
            ("entry", safe_text(letter.stream_id)),
            ("consumer", safe_text(letter.consumer)),
            ("deliveries", str(letter.deliveries)),
            ("error", safe_text(letter.error, "red", limit=2000)),
        )
    )


@app.command()
def retry(
    context: typer.Context, group: Group, ids: Ids = None, every: All = False, json: Json = False
) -> None:
    """Make dead letters pending again: a running consumer handles them."""
    store = group_store(context)
    dead_letters = _choose(store, group, ids, every=every)
    trimmed = store.requeue(group, dead_letters)
    count = len(dead_letters) - len(trimmed)
    text = f"{count_noun(count, 'record')} pending again in the group {printable(group)}"
    print_result({"retried": count, "trimmed": len(trimmed)}, text, json=json)
    if trimmed and not json:
        print_note(
            f"not in the stream any more: {count_noun(len(trimmed), 'record')}; each is in "
            "`newsdrop dead-letters show --json`",
            "yellow",
        )


@app.command()
def discard(
    context: typer.Context,
    group: Group,
    ids: Ids = None,
    every: All = False,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete dead letters permanently."""
    store = group_store(context)
    dead_letters = _choose(store, group, ids, every=every)
    if every and dead_letters:
        confirm(f"Delete {len(dead_letters):,} dead letters permanently?", yes=yes)
    count = store.discard(group, dead_letters)
    print_result({"discarded": count}, f"{count_noun(count, 'dead letter')} deleted", json=json)


def _choose(
    store: "GroupStore", group: str, ids: list[str] | None, *, every: bool
) -> "list[DeadLetter]":
    from worker.actions.groups import choose_dead_letters

    return choose_dead_letters(store, group, ids or (), every=every)


def _document(letter: "DeadLetter", *, with_data: bool) -> dict[str, object]:
    document = asdict(letter)
    data = document.pop("data").decode("utf-8", "replace")
    return {**document, "data": data} if with_data else document
