"""`feeds list|add|remove|refresh|reset-errors|import|export`: what is polled."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from worker.cli import completion
from worker.cli.exits import FAILED, UNAVAILABLE
from worker.cli.options import Json, JsonLines, settings_of
from worker.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="Feeds that are polled: see how they stand, add and remove them."
)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME …]", help="As `feeds list` shows them.", autocompletion=completion.feeds
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every feed.")]


@app.command("list")
def list_(
    context: typer.Context,
    failing: Annotated[bool, typer.Option("--failing", help="Only those that fail.")] = False,
    json: JsonLines = False,
) -> None:
    """List the feeds: what they brought, when they are polled next, and what is wrong.

    Exits 3 if Redis does not answer; what is configured is listed all the same.
    """
    from worker.cli.feeds.listing import show_feeds
    from worker.cli.output import complain, print_json
    from worker.errors import StoreUnavailable
    from worker.queries.feeds import FeedStatus, list_feeds
    from worker.settings.clock import utc_now

    view = list_feeds(settings_of(context), utc_now())
    shown = [one for one in view.feeds if not failing or one.standing is FeedStatus.FAILING]
    if json:
        for one in shown:
            print_json(one)
    elif not (failing and view.problem):  # nobody knows
        show_feeds(view, shown, failing=failing)
    if view.problem:
        complain(StoreUnavailable(view.problem))
        raise typer.Exit(UNAVAILABLE)


@app.command()
def add(
    context: typer.Context,
    *,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A feed, or a page that names one; rsshub://route.")
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its source's name. Default: by its title or host."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Added to its articles' tags.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Of dates that name none: Asia/Shanghai.")
    ] = None,
    site: Annotated[
        str | None, typer.Option(metavar="SITE", help="The site rule its articles are read by.")
    ] = None,
    full_text: Annotated[
        bool, typer.Option("--full-text", help="Fetch and read the page of each new article.")
    ] = False,
    schedule: Annotated[
        str | None, typer.Option(metavar="CRON", help="When it is polled: '*/5 9-15 * * 1-5'.")
    ] = None,
    min_interval: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="The shortest time between two polls.")
    ] = None,
    max_interval: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="The longest.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="Sent to the feed's own host only."),
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not look whether a feed is there.")
    ] = False,
    json: Json = False,
) -> None:
    """Add a feed: from now on it is polled while a worker runs.

    The address is fetched once before. Where a page is there that names one feed, that one is
    added; where it names several, they are listed, and it exits 1.
    """
    from worker.actions.feeds import AddedFeed
    from worker.actions.feeds import add as add_feed
    from worker.cli.feeds.feed_messages import tell_added
    from worker.cli.feeds.listing import show_found
    from worker.cli.output import print_json
    from worker.sources.fetch_once import shown

    said: dict[str, Any] = {
        "url": url,
        "name": name,
        "tags": tag,
        "time_zone": time_zone,
        "site": site,
        "full_text": full_text,
        "schedule": schedule,
        "min_interval_seconds": min_interval,
        "max_interval_seconds": max_interval,
        "headers": _headers(header or []),
    }
    given = {key: value for key, value in said.items() if _said(value)}
    added = add_feed(settings_of(context), given, check=not no_check)
    if isinstance(added, AddedFeed):
        print_json(added) if json else tell_added(added)
        return
    if json:
        print_json(
            {"page": shown(url), "feeds": [{**asdict(one), "url": shown(one.url)} for one in added]}
        )
    else:
        show_found(added, shown(url))
    raise typer.Exit(FAILED)


@app.command()
def remove(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME …", help="As `feeds list` shows them.", autocompletion=completion.feeds
        ),
    ],
    json: Json = False,
) -> None:
    """Poll feeds no more; their records stay. Those of the config file are removed there."""
    from worker.actions.feeds import remove as remove_feeds
    from worker.cli.output import console, counted, print_json

    done = remove_feeds(settings_of(context), names)
    if json:
        print_json({"removed": done.feeds})
    else:
        console().print(f"{counted(done.feeds, 'feed')} removed")


@app.command()
def refresh(
    context: typer.Context,
    names: Names = None,
    every: All = False,
    failing: Annotated[bool, typer.Option("--failing", help="Those that fail.")] = False,
    json: Json = False,
) -> None:
    """Poll feeds now, however long their turn is off; hosts are asked no faster for that."""
    from worker.actions.feeds import refresh as make_due
    from worker.cli.feeds.feed_messages import tell_chosen

    tell_chosen(
        make_due(settings_of(context), names or [], every=every, failing=failing),
        "due now",
        json=json,
    )


@app.command("reset-errors")
def reset_errors(
    context: typer.Context, names: Names = None, every: All = False, json: Json = False
) -> None:
    """Forget that feeds failed, and what was remembered of their last answer; poll them now."""
    from worker.actions.feeds import reset_errors as reset
    from worker.cli.feeds.feed_messages import tell_chosen

    tell_chosen(
        reset(settings_of(context), names or [], every=every), "begun anew, due now", json=json
    )


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="An OPML file; - is standard input.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be added.")
    ] = False,
    json: Json = False,
) -> None:
    """Add the feeds of another reader's list that are not there yet, by their addresses.

    Nothing is fetched before. Exits 1 if an address of the list is none that can be polled.
    """
    from worker.cli.feeds.feed_messages import tell_imported
    from worker.cli.feeds.opml import import_opml
    from worker.cli.inputs import read_input
    from worker.cli.output import print_json
    from worker.feeds.opml import MAX_BYTES

    data, _ = read_input(file, MAX_BYTES, "an OPML list may have")
    report = import_opml(settings_of(context), data, dry_run=dry_run)
    print_json(report) if json else tell_imported(report)
    if report.invalid:
        raise typer.Exit(FAILED)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE|-]", help="Default: standard output.")
    ] = None,
    json: JsonLines = False,
) -> None:
    """Write all feeds as an OPML list, with the addresses that are polled now.

    Headers, users and passwords are left out.
    """
    from worker.cli.feeds.opml import export_opml, write_list
    from worker.cli.output import counted, print_json, say

    exported = export_opml(settings_of(context))
    if json and file is None:
        for outline in exported.outlines:
            print_json(outline)
    else:
        write_list(exported, file)
        if json:
            print_json({"file": file, "feeds": len(exported.outlines)})
        elif file not in (None, "-"):
            say(f"{counted(len(exported.outlines), 'feed')} written")
    if exported.secrets:
        say(
            f"keys or tokens in addresses: {exported.secrets:,}; keep the list to yourself",
            "yellow",
        )
    if not exported.complete:
        say("Redis does not answer: feeds that have moved have their old addresses", "yellow")


def _said(value: object) -> bool:
    return value is not None and value is not False and value not in ([], {})


def _headers(given: list[str]) -> dict[str, str]:
    """`Name: value` taken apart. Raises UsageError, which does not repeat what may be a secret."""
    found = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise UsageError("a header is given as 'Name: value', for example 'X-Key: 123'")
        found[name.strip()] = value.strip()
    return found
