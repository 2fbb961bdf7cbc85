"""`feeds list|add|remove|refresh|reset-errors|import|export`: the feeds that are polled."""

from dataclasses import asdict
from typing import Annotated

import typer

from worker.cli import completion
from worker.cli.feeds import edit
from worker.cli.feeds.results import print_added, print_imported, print_selection
from worker.cli.options import (
    FAILED,
    UNAVAILABLE,
    Json,
    JsonLines,
    argument,
    flag,
    option,
    settings_of,
)
from worker.cli.output import print_error, print_json, print_json_lines, print_note, print_result
from worker.errors import StoreUnavailable, UsageError
from worker.translation import count_noun, mark

app = typer.Typer(no_args_is_help=True, help="List, add and remove the feeds that newsdrop polls.")

_NAME = argument("NAME", "The name, as `feeds list` shows it.", autocompletion=completion.feeds)
Names = Annotated[list[str] | None, _NAME]
All = Annotated[bool, flag("--all", "Every feed.")]
Failing = Annotated[bool, flag("--failing", "Only feeds that fail.")]


@app.command("list")
def list_(context: typer.Context, failing: Failing = False, json: JsonLines = False) -> None:
    """List the feeds with their counts, the time of the next poll, and failures.

    Exits 3 if Redis does not answer; the configured feeds are still listed.
    """
    from worker.cli.feeds.feed_table import print_feeds
    from worker.queries.feeds import FeedStatus, list_feeds
    from worker.settings.clock import utc_now

    view = list_feeds(settings_of(context), utc_now())
    is_listed = (FeedStatus.FAILING,) if failing else tuple(FeedStatus)
    listed = [feed for feed in view.feeds if feed.status in is_listed]
    if json:
        print_json_lines(listed)
    elif not (failing and view.problem):  # which feeds fail is unknown then
        print_feeds(view, listed, failing=failing)
    if view.problem:
        print_error(StoreUnavailable(view.problem))
        raise typer.Exit(UNAVAILABLE)


@app.command()
def add(
    context: typer.Context,
    *,
    url: Annotated[str, argument("URL", "A feed, a page that links to a feed, or rsshub://route.")],
    name: Annotated[str | None, option("NAME", "Its name. Default: from title or host.")] = None,
    tag: Annotated[list[str] | None, option("TAG", "Add this tag to its articles.")] = None,
    time_zone: Annotated[str | None, option("ZONE", "Time zone of dates without one.")] = None,
    site: Annotated[str | None, option("SITE", "The site rule for its articles.")] = None,
    full_text: Annotated[
        bool, flag("--full-text", "Read the page of each new article, too.")
    ] = False,
    schedule: Annotated[
        str | None, option("CRON", "Poll at these times: '*/5 9-15 * * 1-5'.")
    ] = None,
    min_interval: Annotated[
        int | None, option("SECONDS", "Shortest time between two polls.")
    ] = None,
    max_interval: Annotated[
        int | None, option("SECONDS", "Longest time between two polls.")
    ] = None,
    header: Annotated[
        list[str] | None, option("'NAME: VALUE'", "Sent to the feed's own host only.")
    ] = None,
    no_check: Annotated[bool, flag("--no-check", "Add the feed without fetching it.")] = False,
    json: Json = False,
) -> None:
    """Add a feed. It is polled as long as a worker runs.

    The address is fetched once as a check. If it is a page that links to one feed, that feed is
    added; if it links to several, they are listed and the exit code is 1.
    """
    from worker.actions.feeds import AddedFeed
    from worker.actions.feeds import add as add_feed
    from worker.cli.feeds.feed_table import print_choices
    from worker.sources.fetch_once import display_name

    options = {
        "url": url,
        "name": name,
        "tags": tag or None,
        "time_zone": time_zone,
        "site": site,
        "full_text": full_text or None,
        "schedule": schedule,
        "min_interval_seconds": min_interval,
        "max_interval_seconds": max_interval,
        "headers": _parse_headers(header or []) or None,
    }
    keys = {key: value for key, value in options.items() if value is not None}
    added = add_feed(settings_of(context), keys, check=not no_check)
    if isinstance(added, AddedFeed):
        print_json(added) if json else print_added(added)
        return
    if json:
        feeds = [{**asdict(feed), "url": display_name(feed.url)} for feed in added]
        print_json({"page": display_name(url), "feeds": feeds})
    else:
        print_choices(added, display_name(url))
    raise typer.Exit(FAILED)


@app.command()
def remove(context: typer.Context, names: Annotated[list[str], _NAME], json: Json = False) -> None:
    """Stop polling feeds and remove them. Their records stay.

    A feed of the config file is removed in the config file.
    """
    from worker.actions.feeds import remove as remove_feeds

    removed = remove_feeds(settings_of(context), names)
    text = f"{count_noun(removed.feeds, 'feed')} removed"
    print_result({"removed": removed.feeds}, text, json=json)


@app.command()
def refresh(
    context: typer.Context,
    names: Names = None,
    every: All = False,
    failing: Failing = False,
    json: Json = False,
) -> None:
    """Poll feeds now instead of at their next time.

    The rate limit per host still applies, and so does a pause that a host asked for: see
    `reset-errors`.
    """
    from worker.actions.feeds import refresh as refresh_feeds

    settings = settings_of(context)
    selection = refresh_feeds(settings, names or [], every=every, failing=failing)
    print_selection(selection, mark("{feeds} due now"), json=json)


@app.command("reset-errors")
def reset_errors(
    context: typer.Context, names: Names = None, every: All = False, json: Json = False
) -> None:
    """Forget the failures and the validators (ETag, Last-Modified) of feeds, and poll them now.

    A pause that their hosts asked for (429 or 503 with Retry-After) ends, too.
    """
    from worker.actions.feeds import reset_errors as reset_feeds

    selection = reset_feeds(settings_of(context), names or [], every=every)
    print_selection(selection, mark("{feeds} reset, due now"), json=json)


@app.command("import")
def import_(
    context: typer.Context,
    *,
    file: Annotated[str, argument("FILE|-", "An OPML file, or - for standard input.")],
    dry_run: Annotated[bool, flag("--dry-run", "Only list what would be added.")] = False,
    full_text: Annotated[
        bool, flag("--full-text", "Read the page of each new article, too.")
    ] = False,
    tag: Annotated[list[str] | None, option("TAG", "Add this tag to all of them.")] = None,
    json: Json = False,
) -> None:
    """Add the feeds of an OPML list, as other feed readers export it.

    Feeds whose address is already there are left out. Nothing is fetched as a check. Exits 1 if an
    address in the list cannot be polled.
    """
    from worker.cli.feeds.opml import import_opml
    from worker.cli.input import read_input
    from worker.feeds.opml import MAX_BYTES

    data, _ = read_input(file, MAX_BYTES, "an OPML list may be")
    defaults = {"tags": tag or [], "full_text": full_text}
    report = import_opml(settings_of(context), data, dry_run=dry_run, defaults=defaults)
    print_json(report) if json else print_imported(report)
    if report.invalid:
        raise typer.Exit(FAILED)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[str | None, argument("FILE|-", "Default: standard output.")] = None,
    json: JsonLines = False,
) -> None:
    """Write all feeds as an OPML list, with the addresses that are polled now.

    Headers, user names and passwords are left out.
    """
    from worker.cli.feeds.opml import export_opml, write_list

    exported = export_opml(settings_of(context))
    if json and file is None:
        print_json_lines(exported.outlines)
    else:
        write_list(exported, file)
        if json:
            print_json({"file": file, "feeds": len(exported.outlines)})
        elif file not in (None, "-"):
            print_note(f"{count_noun(len(exported.outlines), 'feed')} written")
    if exported.secrets:
        print_note(
            f"{count_noun(exported.secrets, 'address')} may contain a key or a token: "
            "keep the list private",
            "yellow",
        )
    if not exported.complete:
        print_note(
            "Redis does not answer: feeds that have moved are listed with their old addresses",
            "yellow",
        )


app.command("show")(edit.show)
app.command("set")(edit.set_)
app.command("rename")(edit.rename)


def _parse_headers(headers: list[str]) -> dict[str, str]:
    """`Name: value` split. Raises UsageError, which does not repeat what may be a secret."""
    parsed = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise UsageError("write a header as 'Name: value', for example 'X-Key: 123'")
        parsed[name.strip()] = value.strip()
    return parsed
