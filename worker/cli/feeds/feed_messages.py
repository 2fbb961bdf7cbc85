"""What became of a change to feeds, told to people."""

from rich.text import Text

from worker.actions.feeds import AddedFeed, FeedSelection
from worker.cli.feeds.opml import Imported
from worker.cli.output import console, counted, noted, number, outside, print_json, say
from worker.settings import POLLED

_NAMED = 20
"""Addresses of a list of which it is told why they could not be added."""


def tell_added(added: AddedFeed) -> None:
    """The name it has, and what is in it now."""
    line = Text.assemble((added.name, "bold"), " is added: ", added.url)
    if added.title:
        line.append_text(Text("  ")).append_text(outside(added.title, "dim", 100))
    console().print(line)
    if added.page:
        console().print(Text(f"{added.page} names it as its feed"))
    if added.entries is not None:
        console().print(f"entries in it now: {number(added.entries)}")
    _tell_bell(added.rung)


def tell_chosen(done: FeedSelection, what: str, *, json: bool) -> None:
    """How many are `what` now, and which of them wait for a `resume`."""
    if json:
        print_json({"feeds": done.feeds, "paused": done.paused})
        return
    console().print(f"{counted(done.feeds, 'feed')} {what}")
    if done.paused:
        console().print(
            f"{number(done.paused)} of them paused, and not polled before "
            f"`newsdrop resume {done.held}`"
            + ("" if done.paused == 1 or done.held == POLLED else ", and so on")
        )
    _tell_bell(done.rung)


def tell_imported(report: Imported) -> None:
    """How many came in, and the first of those that could not."""
    would = "would be added" if report.dry_run else "added"
    console().print(
        f"{counted(report.added, 'feed')} {would}, {number(report.known)} there already"
    )
    for one in report.invalid[:_NAMED]:
        console().print(outside(one.title, "bold", 100).append("  not added", "red"))
        console().print(noted(f"    {one.url}: {one.message}"), soft_wrap=True)
    if len(report.invalid) > _NAMED:
        console().print(f"… and {number(len(report.invalid) - _NAMED)} more")
    if report.added and not report.dry_run:
        _tell_bell(report.rung)


def _tell_bell(rung: bool) -> None:
    if not rung:
        say("Redis does not answer: polling begins when `newsdrop up` runs", "yellow")
