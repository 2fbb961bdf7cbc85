"""`groups list, create, reset, delete, pending`: the consumer groups of the stream."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli import completion
from worker.cli.formatting import format_count, format_local_time
from worker.cli.options import Json, JsonLines, Yes, argument, confirm, option, settings_of
from worker.cli.output import (
    console,
    count_text,
    make_table,
    print_json_lines,
    print_result,
    print_text,
    safe_text,
)
from worker.escape import printable
from worker.translation import mark
from worker.translation import message as translate

if TYPE_CHECKING:
    from worker.store.groups.store import GroupStore

app = typer.Typer(
    no_args_is_help=True, help="List the consumer groups of the stream; create, reset, delete."
)

_GROUP = argument("GROUP", "Name of the consumer group.", autocompletion=completion.groups)
Group = Annotated[str, _GROUP]
GroupOrAll = Annotated[str | None, _GROUP]
_POSITION = "0: all, $: only new, or the ID of an entry."


@app.command("list")
def list_(context: typer.Context, json: JsonLines = False) -> None:
    """List the groups with their consumers: lag, pending, idle time, dead letters, position.

    A group that begins in the past has one more line: how far the archive was read for it. The lag
    of that line counts the records that its consumers have not finished.
    """
    groups = group_store(context).list_groups()
    if json:
        print_json_lines(groups)
        return
    if not groups:
        print_text("No consumer groups.")
        return
    table = make_table(
        "group", "lag", "pending", "idle", "dead letters", "position",
        right=("lag", "pending", "idle", "dead letters"), flexible=("group",),
    )  # fmt: skip
    for group in groups:
        lag = "?" if group.lag is None else format_count(group.lag)
        table.add_row(
            safe_text(group.name, "bold"), lag, count_text(group.pending), "",
            count_text(group.dead_letters, "red"), translate(group.position),
        )  # fmt: skip
        if past := group.past:
            rest = mark("all of the archive") if past.is_read else mark("the archive has more")
            table.add_row(
                f"  {translate(f'past since {past.since[:10]}')}", count_text(past.unfinished),
                count_text(past.pending), "", "",
                translate(f"{format_count(past.read)} read, {rest}"),
            )  # fmt: skip
        for member in group.consumers:
            name = safe_text(member.name)
            table.add_row(
                name.__class__("  ").append_text(name), "", count_text(member.pending),
                _seconds(member.idle_seconds), "", "",
            )  # fmt: skip
    console().print(table)


@app.command()
def create(
    context: typer.Context,
    group: Group,
    start: Annotated[str, option("0|$|ID", _POSITION, "--start")] = "0",
    since: Annotated[
        str | None,
        option("WHEN", "From this time on, the archive included: 12h, 3d, or an ISO date."),
    ] = None,
    json: Json = False,
) -> None:
    """Create a group before its first consumer starts.

    With --since the service reads what the stream no longer has from the archive, and the group's
    consumers (newsdrop.consumer) finish that first.
    """
    from worker.actions.groups import create_group, parse_position

    boundary = start
    if since is None:
        group_store(context).create(group, parse_position(start))
        text = f"group {printable(group)} created, at {boundary}"
    else:
        from worker.model.times import parse_moment, rfc3339
        from worker.settings.clock import utc_now

        now = utc_now()
        begin = parse_moment(since, now)
        boundary = create_group(settings_of(context), group, begin, now)
        day = format_local_time(rfc3339(begin))
        text = f"group {printable(group)} created: it gets the records since {day}"
        if group_store(context).get_group(group).past:
            text = (
                f"group {printable(group)} created: it gets the records since {day}, first those "
                "that the stream no longer has, from the archive"
            )
    print_result({"group": group, "start": boundary}, text, json=json)


@app.command()
def reset(
    context: typer.Context,
    group: Group,
    to: Annotated[str, option("0|$|ID", _POSITION, "--to")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Set the position of a group: its consumers read what follows, again or without the rest."""
    from worker.actions.groups import parse_position

    confirm(f"Set the group {printable(group)} to {printable(to)}?", yes=yes)
    group_store(context).reset(group, parse_position(to))
    text = f"group {printable(group)} continues after {printable(to)}"
    print_result({"group": group, "to": to}, text, json=json)


@app.command()
def delete(context: typer.Context, group: Group, yes: Yes = False, json: Json = False) -> None:
    """Delete a group with its position and its pending entries. Dead letters stay."""
    confirm(f"Delete the group {printable(group)}?", yes=yes)
    pending = group_store(context).delete(group)
    text = f"group {printable(group)} deleted; {format_count(pending)} entries were pending"
    print_result({"group": group, "pending": pending}, text, json=json)


@app.command()
def pending(
    context: typer.Context,
    group: Group,
    count: Annotated[int, option("N", "At most N entries.", min=1)] = 100,
    json: JsonLines = False,
) -> None:
    """List what consumers have read and not acknowledged, oldest first."""
    entries = group_store(context).list_pending(group, count)
    if json:
        print_json_lines(entries)
        return
    table = make_table("entry", "consumer", "idle", "deliveries", right=("idle", "deliveries"))
    for entry in entries:
        idle = _seconds(entry.idle_seconds)
        name = f"{entry.stream_id} (past)" if entry.in_past else entry.stream_id
        table.add_row(name, safe_text(entry.consumer), idle, str(entry.deliveries))
    console().print(table) if entries else print_text("Nothing is pending.")


def group_store(context: typer.Context) -> "GroupStore":
    from worker.store import factory

    return factory.group_store(settings_of(context))


def _seconds(seconds: float) -> str:
    return translate(f"{seconds:,.0f} s")
