"""The table of `feeds list`, then failures and notices; and the feeds that a page links to."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from shlex import quote

from rich.padding import Padding
from rich.text import Text

from worker.actions.feed_names import name_from_title
from worker.cli.formatting import (
    NONE,
    format_age,
    format_count,
    format_duration,
    format_state,
    format_until,
)
from worker.cli.output import console, count_text, make_table, print_text, safe_text, stored_text
from worker.errors import Trouble
from worker.fetch import printable_url
from worker.formats.feed.discovery import FeedLink
from worker.queries.feeds import FeedStatus, FeedsView, FeedView
from worker.translation import count_noun, gettext, mark, punctuate
from worker.translation import message as translate

_MAX_NOTICES = 20
"""Feeds whose failures are described; with `--failing`, all."""

_STYLES = {
    FeedStatus.FAILING: "red",
    FeedStatus.PAUSED: "yellow",
    FeedStatus.NEW: "cyan",
    FeedStatus.UNKNOWN: "dim",
}
"""States that are shown beside the name. A feed without problems shows none."""

_WIDTHS = (10, 6, 9, 7, 9, 9)
"""Columns beside the name: a number of eight digits, `59 min ago`."""

_MIN_NAME_WIDTH = 8

_MIN_TITLE_WIDTH = 16
"""Where the table has less room beside the other columns, titles go beneath the names."""

_ADDRESS_ADVICE = mark(
    "a setting given to this command only has no effect: start `newsdrop up` with it"
)

_CHUNK = 500
"""Rows whose columns are measured together: rich is slow with tables of thousands."""


def print_feeds(view: FeedsView, listed: Sequence[FeedView], *, failing: bool) -> None:
    """`listed` are all feeds, or with `failing` those that fail."""
    if listed:
        _print_table(view, listed)
        console().print()
        _print_notices(view, listed, limit=None if failing else _MAX_NOTICES)
        if not failing:
            print_text(_summary(view), "dim")
    elif failing and view.feeds:
        print_text(f"None of {count_noun(len(view.feeds), 'feed')} is failing.")
    else:
        print_text("No feeds yet. Add one with `newsdrop feeds add URL`.")
    if view.paused:
        print_text("Polling is paused. Continue with `newsdrop resume feeds`.", "yellow")


def print_choices(feeds: Sequence[FeedLink], page: str) -> None:
    """The feeds that a page links to, each with the command that adds it."""
    print_text(f"{page} is a page with links to {len(feeds):,} feeds. Add one:")
    for feed in feeds:
        console().print(safe_text(feed.title or translate(f"(no title, {feed.kind})"), "bold"))
        command = f"    newsdrop feeds add {quote(printable_url(feed.url))}"
        console().print(Text(command), soft_wrap=True)


def _print_table(view: FeedsView, listed: Sequence[FeedView]) -> None:
    counts = tuple(map(mark, ("entries", "published", "duplicate")))
    longest = max(_MIN_NAME_WIDTH, *(_label(feed).cell_len for feed in listed))
    room = max(_MIN_NAME_WIDTH, console().width - sum(_WIDTHS) - 2 * len(_WIDTHS))
    title_room = room - longest - 2
    is_beside = title_room >= _MIN_TITLE_WIDTH and any(_title(feed, room) for feed in listed)
    names = [*map(mark, ("feed", "last new", "interval", "next")), *counts, *["title"] * is_beside]
    for start in range(0, len(listed), _CHUNK):
        table = make_table(*names, right=counts, flexible=("feed",))
        table.show_header = start == 0
        # The same widths in each chunk, whatever it contains.
        for column, width in zip(table.columns[1:], _WIDTHS, strict=False):
            column.min_width = width
        name_width = table.columns[0].width = min(longest, room)
        for feed in listed[start : start + _CHUNK]:
            label, title = _label(feed), _title(feed, title_room if is_beside else name_width)
            if title and not is_beside and name_width > _MIN_NAME_WIDTH:
                label.append("\n").append_text(title)
            table.add_row(label, *_cells(feed, view.at), *[title] * is_beside)
        console().print(table)


def _title(feed: FeedView, width: int) -> Text:
    """The feed's name where it has another label, else its title; empty where that says nothing
    new. On one line."""
    title = safe_text((feed.name if feed.label else feed.title) or "", "dim")
    if feed.name in (feed.label, name_from_title(feed.label or title.plain)):
        return Text()
    title.truncate(width, overflow="ellipsis")
    return title


def _cells(feed: FeedView, now: str) -> Iterator[Text]:
    is_unknown = feed.status is FeedStatus.UNKNOWN or feed.published is None
    yield Text(format_age(feed.last_new, now), "" if feed.last_new else "dim")
    # After failures the next try is later than that: it has a column.
    interval = None if feed.status is FeedStatus.FAILING else feed.interval_seconds
    yield Text("cron" if feed.schedule else NONE if interval is None else format_duration(interval))
    if is_unknown or feed.status is FeedStatus.PAUSED:
        yield Text(NONE, "dim")
    else:
        yield Text(format_until(feed.next_poll, now, gettext("soon")))
    published = None if is_unknown else (feed.published or 0) + (feed.revised or 0)
    yield count_text(feed.entries)
    yield count_text(published, "green")
    yield count_text(feed.duplicate)


def _label(feed: FeedView) -> Text:
    style = _STYLES.get(feed.status)
    label = safe_text(feed.label or feed.name, style or "bold", 80)
    return label.append(f" {gettext(feed.status)}") if style else label


def _print_notices(view: FeedsView, listed: Sequence[FeedView], limit: int | None) -> None:
    feeds = [feed for feed in listed if any(_notices(feed, view.at))]
    feeds.sort(key=lambda feed: not feed.error)
    for feed in islice(feeds, limit):
        for line, style in _notices(feed, view.at):
            console().print(
                Text.assemble(("• ", style), (f"{feed.name}{punctuate(': ')}", "bold"), line)
            )
        if feed.error:
            console().print(Padding(stored_text(translate(feed.error), limit=1000), (0, 0, 0, 4)))
        if feed.trouble == Trouble.ADDRESS:
            console().print(Padding(Text(gettext(_ADDRESS_ADVICE), "dim"), (0, 0, 0, 4)))
    rest = len(feeds) - (limit or len(feeds))
    if rest > 0:
        print_text(
            f"… and {format_count(rest)} more; all failures: `newsdrop feeds list --failing`"
        )
    if feeds:
        console().print()


def _notices(feed: FeedView, now: str) -> Iterator[tuple[Text, str]]:
    """(notice, colour)"""
    if feed.error:
        last = format_age(feed.last_error, now)
        many = translate(f"failed {feed.failures:,} times in a row, the last {last}")
        text = many if feed.failures > 1 else translate(f"failed once, {last}")
        if feed.status is not FeedStatus.PAUSED:
            text += translate(f"; next try {format_until(feed.next_poll, now, gettext('soon'))}")
        yield Text(text), "red"
    if feed.host_pause:
        again = format_until(feed.host_pause, now, gettext("soon"))
        text = (
            f"its host asked for a pause and is contacted again {again}; to poll it now: "
            f"newsdrop feeds reset-errors {feed.name}"
        )
        yield Text(translate(text)), "yellow"
    if feed.gaps:
        gaps, last = count_noun(feed.gaps, "gap"), format_age(feed.last_gap, now)
        text = f"{gaps}, the last {last}: entries may have been missed"
        yield Text(translate(text)), "yellow"
    if feed.rejected:
        count = count_noun(feed.rejected, "article")
        yield Text(translate(f"{count} refused so far; see newsdrop quarantine list")), "yellow"
    if feed.moved_to:
        text = translate(f"moved permanently, now polled at {feed.moved_to}")
        yield stored_text(text), "yellow"


def _summary(view: FeedsView) -> str:
    total = count_noun(len(view.feeds), "feed")
    counts = Counter(feed.status for feed in view.feeds)
    states = (FeedStatus.FAILING, FeedStatus.PAUSED, FeedStatus.NEW)
    parts = ", ".join(format_state(counts[state], state) for state in states if counts[state])
    return punctuate(f"{total}: {parts}") if parts else total
