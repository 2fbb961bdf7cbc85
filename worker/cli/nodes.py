"""`nodes list, forget`: the state directories that share the stream."""

from typing import Annotated

import typer

from worker.cli.formatting import format_duration
from worker.cli.options import Json, JsonLines, argument, settings_of
from worker.cli.output import (
    console,
    count_text,
    make_table,
    print_json_lines,
    print_result,
    print_text,
    safe_text,
)
from worker.errors import StoreUnavailable
from worker.escape import printable
from worker.translation import count_noun, gettext, mark

app = typer.Typer(
    no_args_is_help=True, help="List the nodes that share the stream; forget one that is gone."
)

STATES = {"working": mark("working"), "silent": mark("silent"), "ended": mark("stopped")}


@app.command("list")
def list_(context: typer.Context, json: JsonLines = False) -> None:
    """List the nodes: what waits on each, the feeds and pages that it fetches now, its workers."""
    from worker.queries.status.overview import get_overview
    from worker.settings.clock import utc_now

    status = get_overview(settings_of(context), utc_now(), 1).status
    if status.problem:
        raise StoreUnavailable(status.problem)
    nodes = status.nodes or ()
    if json:
        print_json_lines(nodes)
        return
    if not nodes:
        print_text("No nodes: no worker of this stream was ever started.")
        return
    table = make_table(
        "node", "state", "last seen", "batches", "files", "pages", "fetching", "processes", "id",
        right=("batches", "files", "pages", "fetching", "processes"), flexible=("node",),
    )  # fmt: skip
    for node in nodes:
        name = safe_text(node.name, "bold").append(f"  {gettext('here')}" if node.is_here else "")
        style = "" if node.state == "working" else "yellow"
        last_seen = gettext("{time} ago").format(time=format_duration(node.silent_seconds))
        counts = (node.batches, node.files, node.pages, node.leases, node.processes)
        table.add_row(
            name, safe_text(gettext(STATES[node.state]), style), last_seen,
            *map(count_text, counts), node.id[:12],
        )  # fmt: skip
    console().print(table)


@app.command()
def forget(
    context: typer.Context,
    node: Annotated[str, argument("NODE", "Name of the node, or the beginning of its id.")],
    json: Json = False,
) -> None:
    """Remove a node that will not come back from the list. Its files stay where they are.

    Refused while it is working.
    """
    from worker.actions.nodes import forget_node

    report = forget_node(settings_of(context), node)
    text = f"node {printable(node, 64)} forgotten"
    if report.files:
        files = count_noun(report.files, "file")
        text = f"node {printable(node, 64)} forgotten; {files} were waiting there"
    print_result({"node": report.id, "files": report.files}, text, json=json)
