"""How an explanation is told to people."""

from rich.text import Text

from worker.cli.output import console, facts, noted, outside, table
from worker.model import Status
from worker.queries.explain import Explained
from worker.queries.history import HistoryEntry

_OUTCOMES = {
    Status.PUBLISHED: ("published", "green"),
    Status.REVISED: ("revised", "green"),
    Status.DUPLICATE: ("duplicate", "yellow"),
    Status.REJECTED: ("rejected", "red"),
    Status.DEFERRED: ("waits for its page", "cyan"),
    Status.READ: ("read", ""),
}
"""What became of it, in words, and their colour."""


def show(explained: Explained, *, first: bool) -> None:
    """Print one article's explanation; `first` leaves out the blank line before it."""
    if not first:
        console().print()
    facts(
        (name, value)
        for name, value in (
            ("file", noted(explained.path) if explained.path else None),
            ("title", outside(explained.title) if explained.title else None),
            ("date", explained.date),
            ("id", explained.id),
            ("key", _key(explained)),
            ("state", _state(explained)),
            ("in stream", _in_stream(explained)),
            ("first seen", _first(explained)),
        )
        if value is not None
    )
    if explained.past:
        console().print()
        _show_past(explained.past)


def _show_past(past: tuple[HistoryEntry, ...]) -> None:
    rows = table("when", "what", "source", "file", "why", flexible=("file", "why"))
    for one in past:
        rows.add_row(
            one.at[:19].replace("T", " "),
            Text(*_OUTCOMES[one.status]),
            one.source,
            noted(one.path),
            noted(one.message or "", limit=1000),
        )
    console().print(rows)


def _key(explained: Explained) -> Text | None:
    if explained.folded_title is None:
        return None
    made_of = [outside(explained.folded_title)]
    made_of.append(Text(explained.date or f"content {explained.content_hash or '?'}"))
    if explained.scope is not None and explained.scope.value != "global":
        made_of.append(Text(f"scope {explained.scope.value}"))
    return Text(" + ", "dim").join(made_of)


def _state(explained: Explained) -> Text | None:
    if explained.waiting_in:
        return Text(f"waiting in batch {explained.waiting_in}", "cyan")
    if explained.reason:
        return noted(f"refused, {explained.reason.value}: {explained.message}", "red", 1000)
    return _known(explained) if explained.id else None


def _known(explained: Explained) -> Text:
    if explained.known is None:
        return Text("unknown: Redis does not answer", "yellow")
    if not explained.known:
        if explained.past and explained.past[-1].status is Status.DEFERRED:
            return Text("new: it is published once its page was fetched", "cyan")
        again = "was published, but the index has forgotten it: " if explained.past else ""
        return Text(f"{again}new, and would be published", "green")
    said = f"known since {explained.known_since}, revision {explained.revision}"
    if explained.same_content is None:
        return Text(said)
    same = "with the same content" if explained.same_content else "with other content"
    return Text(f"{said}, {same}: it would be a duplicate", "yellow")


def _in_stream(explained: Explained) -> str | None:
    entry = explained.in_stream
    if entry is not None:
        return f"{entry.stream_id}, revision {entry.revision}, from {entry.source}"
    return "no longer: trimmed" if explained.known else None


def _first(explained: Explained) -> Text | None:
    first = explained.first
    if first is None:
        return None
    return Text(f"{first.at}, source {first.source}, file ").append_text(noted(first.path))
