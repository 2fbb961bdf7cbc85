"""The results of the commands that change feeds, for people."""

from typing import TYPE_CHECKING

from rich.text import Text

from worker.cli.formatting import format_count
from worker.cli.output import console, print_json, print_note, print_text, safe_text, stored_text
from worker.translation import count_noun, gettext, punctuate
from worker.translation import message as translate

if TYPE_CHECKING:
    from worker.actions.feeds import AddedFeed, FeedSelection
    from worker.cli.feeds.opml import ImportResult


_MAX_INVALID = 20
"""Entries of an imported list that are reported one by one."""


def print_added(added: "AddedFeed") -> None:
    line = Text.assemble((added.name, "bold"), punctuate(f" {gettext('added')}: "), added.url)
    from worker.actions.feed_names import name_from_title

    if added.title and added.name not in (added.title, name_from_title(added.title)):
        line.append_text(Text("  ")).append_text(safe_text(added.title, "dim", 100))
    console().print(line)
    if added.page:
        print_text(f"found on the page {added.page}")
    if added.entries is not None:
        print_text(f"entries in the feed now: {format_count(added.entries)}")
    _note_unreachable(added.is_notified)


def print_selection(selection: "FeedSelection", form: str, *, json: bool) -> None:
    """How many feeds were changed (in `form`), and which of them are paused."""
    if json:
        print_json({"feeds": selection.feeds, "paused": selection.paused})
        return
    console().print(gettext(form).format(feeds=count_noun(selection.feeds, "feed")))
    if selection.paused:
        print_text(
            f"{format_count(selection.paused)} paused: polled only after "
            f"`newsdrop resume {selection.paused_name}`"
        )
    _note_unreachable(selection.is_notified)


def print_imported(report: "ImportResult") -> None:
    counts = count_noun(report.added, "feed"), format_count(report.known)
    would = f"{counts[0]} would be added, {counts[1]} already there"
    print_text(would if report.dry_run else f"{counts[0]} added, {counts[1]} already there")
    for feed in report.feeds if report.dry_run else ():
        line = Text.assemble((feed.name, "bold"), "  ").append_text(
            safe_text(feed.label, "dim", 100)
        )
        console().print(line)
        tags = f"  [{', '.join(feed.tags)}]" if feed.tags else ""
        console().print(stored_text(f"    {feed.url}{tags}"), soft_wrap=True)
    for problem in report.invalid[:_MAX_INVALID]:
        console().print(
            safe_text(problem.title, "bold", 100).append(f"  {gettext('not added')}", "red")
        )
        console().print(
            stored_text(f"    {problem.url}: {translate(problem.message)}"), soft_wrap=True
        )
    if len(report.invalid) > _MAX_INVALID:
        print_text(f"… and {format_count(len(report.invalid) - _MAX_INVALID)} more")
    if report.added and not report.dry_run:
        _note_unreachable(report.is_notified)


def _note_unreachable(is_notified: bool) -> None:
    if not is_notified:
        print_note("Redis does not answer: polling starts when `newsdrop up` runs", "yellow")
