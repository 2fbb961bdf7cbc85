"""How feeds are shown to people: a line each, then what is wrong with which."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from rich.padding import Padding
from rich.text import Text

from worker.actions.feed_names import of_title
from worker.cli.output import console, counted, noted, number, outside, table
from worker.cli.units import lasting, seconds_between
from worker.errors import Trouble
from worker.formats.feed.discovery import FeedLink
from worker.queries.feeds import FeedStatus, FeedsView, FeedView

_NAMED = 20
"""Feeds of which it is told what is wrong; with `--failing`, all."""

_STYLES = {
    FeedStatus.FAILING: "red",
    FeedStatus.PAUSED: "yellow",
    FeedStatus.NEW: "cyan",
    FeedStatus.UNKNOWN: "dim",
}
"""Of what is said beside the name; a feed that stands well needs no word."""
_WIDTHS = (10, 6, 9, 7, 9, 9)
"""Columns beside the name: a number of eight digits, `59 min ago`."""

_NARROWEST = 8
"""Columns of a name, where there are too few for the others."""

_TITLE = 16
"""Columns that titles need beside all that; where they are not there, titles go beneath."""

_SETTING = "what is set for this command alone does not help: start `newsdrop up` with it, too"

_CHUNK = 500
"""Rows whose columns are measured together: rich is slow with tables of thousands."""


def show_feeds(view: FeedsView, shown: Sequence[FeedView], *, failing: bool) -> None:
    """`shown` are all feeds, or with `failing` those that fail."""
    if shown:
        _show_rows(view, shown)
        console().print()
        _show_notices(view, shown, most=None if failing else _NAMED)
        if not failing:
            console().print(_sum(view), style="dim")
    elif failing and view.feeds:
        console().print(f"No feed is failing, of {number(len(view.feeds))}.")
    else:
        console().print("There are no feeds yet. `newsdrop feeds add URL` adds one.")
    if view.paused:
        console().print(
            "Polling is paused: `newsdrop resume feeds` takes it up again.", style="yellow"
        )


def show_found(found: Sequence[FeedLink], page: str) -> None:
    """The feeds that a page names, each with what to type to add it."""
    from worker.fetch import shown_url

    console().print(Text(f"{page} is a page that names {number(len(found))} feeds. Add one:"))
    for one in found:
        console().print(outside(one.title or f"(no title, {one.kind})", "bold"))
        console().print(
            Text(f"    newsdrop feeds add {_quoted(shown_url(one.url))}"), soft_wrap=True
        )


def ago(moment: str | None, now: str) -> str:
    return "–" if moment is None else f"{lasting(seconds_between(moment, now))} ago"


def until(moment: str | None, now: str) -> str:
    """`in 4 min`; `now` for what is due, `soon` for what no worker has heard of yet."""
    if moment is None:
        return "soon"
    seconds = seconds_between(now, moment)
    return f"in {lasting(seconds)}" if seconds >= 1 else "now"


def _show_rows(view: FeedsView, shown: Sequence[FeedView]) -> None:
    numbers = ("entries", "published", "duplicate")
    longest = max(len(_label(feed)) for feed in shown)
    room = max(_NARROWEST, console().width - sum(_WIDTHS) - 2 * len(_WIDTHS))
    beside = room - longest - 2 >= _TITLE and any(_title(feed, room) for feed in shown)
    names = ("feed", "last new", "every", "next", *numbers, *(("title",) if beside else ()))
    for start in range(0, len(shown), _CHUNK):
        rows = table(*names, right=numbers, flexible=("feed",))
        rows.show_header = start == 0
        # The same widths in each part, however long what is in it.
        for column, width in zip(rows.columns[1:], _WIDTHS, strict=False):
            column.min_width = width
        name = rows.columns[0].width = min(longest, room)
        for feed in shown[start : start + _CHUNK]:
            label, title = _label(feed), _title(feed, room - longest - 2 if beside else name)
            if title and not beside and name > _NARROWEST:
                label.append("\n").append_text(title)
            rows.add_row(label, *_cells(feed, view.at), *((title,) if beside else ()))
        console().print(rows)


def _title(feed: FeedView, width: int) -> Text:
    """What the feed calls itself, on one line; empty where its name says that already."""
    title = outside(feed.title or "", "dim")
    if of_title(title.plain) == feed.name:
        return Text()
    title.truncate(width, overflow="ellipsis")
    return title


def _cells(feed: FeedView, now: str) -> Iterator[Text]:
    unknown = feed.standing is FeedStatus.UNKNOWN or feed.published is None
    yield Text(ago(feed.last_new, now), "" if feed.last_new else "dim")
    if feed.schedule:
        yield Text("cron")
    else:
        yield Text("–" if feed.interval_seconds is None else lasting(feed.interval_seconds))
    held = unknown or feed.standing is FeedStatus.PAUSED
    yield Text("–" if held else until(feed.next_poll, now), "dim" if held else "")
    published = None if unknown else (feed.published or 0) + (feed.revised or 0)
    for count, colour in ((feed.entries, ""), (published, "green"), (feed.duplicate, "")):
        yield Text(number(count), colour if count else "dim")


def _label(feed: FeedView) -> Text:
    style = _STYLES.get(feed.standing)
    return Text(f"{feed.name} {feed.standing}" if style else feed.name, style or "bold")


def _show_notices(view: FeedsView, shown: Sequence[FeedView], most: int | None) -> None:
    odd = [feed for feed in shown if feed.error or feed.gaps or feed.moved_to or feed.rejected]
    odd.sort(key=lambda feed: not feed.error)
    for feed in islice(odd, most):
        for line, style in _about(feed, view.at):
            console().print(Text.assemble(("• ", style), (f"{feed.name}: ", "bold"), line))
        if feed.error:
            console().print(Padding(noted(feed.error, limit=1000), (0, 0, 0, 4)))
        if feed.trouble == Trouble.ADDRESS:
            console().print(Padding(Text(_SETTING, "dim"), (0, 0, 0, 4)))
    left = len(odd) - (most or len(odd))
    if left > 0:
        console().print(
            f"… and {number(left)} more; `newsdrop feeds list --failing` has all that fail"
        )
    if odd:
        console().print()


def _about(feed: FeedView, now: str) -> Iterator[tuple[Text, str]]:
    if feed.error:
        last = ago(feed.last_error, now)
        many = f"{number(feed.failures)} times in a row, the last {last}"
        said = f"failed {many}" if feed.failures > 1 else f"failed once, {last}"
        if feed.standing is not FeedStatus.PAUSED:
            said += f"; tried again {until(feed.next_poll, now)}"
        yield Text(said), "red"
    if feed.gaps:
        said = f"{counted(feed.gaps, 'gap')}, the last {ago(feed.last_gap, now)}"
        yield Text(f"{said}: entries may have been missed"), "yellow"
    if feed.rejected:
        said = counted(feed.rejected, "article")
        yield Text(f"{said} refused so far: newsdrop quarantine list"), "yellow"
    if feed.moved_to:
        yield noted(f"moved for good, and is polled at {feed.moved_to}"), "yellow"


def _sum(view: FeedsView) -> str:
    said = counted(len(view.feeds), "feed")
    counts = Counter(feed.standing for feed in view.feeds)
    parts = (FeedStatus.FAILING, FeedStatus.PAUSED, FeedStatus.NEW)
    told = ", ".join(f"{number(counts[part])} {part}" for part in parts if counts[part])
    return f"{said}: {told}" if told else said


def _quoted(url: str) -> str:
    import shlex

    return shlex.quote(url)
