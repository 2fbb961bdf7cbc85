"""One decision as the read model holds it: an outcome, with the facets and words of its record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from worker.model import Outcome, Status, Story
from worker.model.warning import read_kinds
from worker.readmodel.words import fold_parts
from worker.spool.manifest import Origin
from worker.spool.segment import SegmentHead
from worker.store.stream import StreamEntry

ARTICLE = "article"
"""The outcome of everything that is in the stream, or was: published or revised."""

NEAR_DUPLICATE = ("first_of_story", "false")
"""The facet of an article of a story that another source published earlier."""

MAX_FACET = 200
"""Characters of a facet; a filter is cut to the same length."""

_MAX_FACETS = 100
_NO_STORY = Story("")
_MAX_TITLE, _MAX_ADDRESS = 1_000, 8_000


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One row. `at` is RFC 3339, UTC; texts come from outside. Only a row that is written has
    `facets`, which are (kind, text), and `folded`, in which words are looked for."""

    article: str | None
    status: str
    title: str
    date: str | None
    source: str
    at: str
    stream_id: str | None
    revision: int
    url: str | None
    language: str | None
    word_count: int | None
    path: str
    quarantine: str | None
    story: str | None
    near_duplicate_of: str | None
    similarity: float | None
    facets: frozenset[tuple[str, str]] = frozenset()
    folded: str = ""


COLUMNS = tuple(field.name for field in fields(DecisionRow))[:-2]
"""Of the table `decision`, besides its number and its segment: all but `facets` and `folded`."""


def make_decision(
    head: SegmentHead, origin: Origin | None, outcome: Outcome, record: Mapping[str, Any] | None
) -> DecisionRow:
    """The row of an outcome. `record` is that of a published article, None where it is gone."""
    data = record or {}
    source = origin.source if origin else head.batch.source
    story = outcome.story or _NO_STORY
    url, count = _text(data, "url"), data.get("word_count")
    title = (outcome.title or "")[:_MAX_TITLE]
    facets = {("source", source), *_outcome_facets(outcome), *record_facets(data)}
    if origin and origin.is_of_feed:
        facets.add(("feed", source))
    if head.batch.job:
        facets.add(("job", head.batch.job))
    is_found = outcome.status is not Status.DEFERRED  # searchable once it is published
    return DecisionRow(
        article=outcome.id,
        status=str(outcome.status),
        title=title,
        date=outcome.date,
        source=source,
        at=outcome.ingested_at or head.archived_at,
        stream_id=outcome.stream_id,
        revision=outcome.revision,
        url=url if url and len(url) <= _MAX_ADDRESS else None,
        language=_text(data, "language"),
        word_count=count if type(count) is int else None,
        path=outcome.path,
        quarantine=outcome.quarantine,
        story=story.id or None,
        near_duplicate_of=story.near_duplicate_of,
        similarity=story.similarity,
        facets=frozenset(facets if is_found else ()),
        folded=fold_parts(*searched_texts(title, data)) if is_found else "",
    )


def searched_texts(title: str, data: Mapping[str, Any]) -> tuple[str, str, str]:
    """The texts of a record in which words are looked for."""
    return title, _text(data, "summary") or "", _text(data, "content_text") or ""


def _outcome_facets(outcome: Outcome) -> Iterator[tuple[str, str]]:
    yield "outcome", str(outcome.status)
    if outcome.status.has_record:
        yield "outcome", ARTICLE
    if outcome.date:
        yield from date_facets(outcome.date)
    yield from _story_facets(outcome.story)


def _story_facets(story: Story | None) -> Iterator[tuple[str, str]]:
    if story:
        yield "story", story.id[:MAX_FACET]
        if story.near_duplicate_of:
            yield NEAR_DUPLICATE


def date_facets(date: str) -> Iterator[tuple[str, str]]:
    """The facets of a day `YYYY-MM-DD`: it is found by its year and its month, too."""
    yield from (("date", date[:length]) for length in (4, 7, 10))


def entry_facets(entry: StreamEntry, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The facets of an entry of the stream, whose record is `data`."""
    provenance = data.get("provenance")
    origin = provenance if isinstance(provenance, dict) else {}
    yield "source", entry.source
    yield "outcome", entry.type.removeprefix("article.")
    if entry.date:
        yield from date_facets(entry.date)
    yield from _story_facets(entry.story)
    if _text(origin, "kind") in ("feed", "page"):
        yield "feed", entry.source
    if job := _text(origin, "job"):
        yield "job", job
    yield from record_facets(data)


def record_facets(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The facets that are in a record."""
    if language := _text(data, "language"):
        yield "language", language
        yield "language", language.partition("-")[0]  # `zh` finds `zh-Hans`
    for tag in _texts(data, "tags"):
        yield "tag", tag[:MAX_FACET]
    for warning_kind in read_kinds(_texts(data, "warnings")):
        yield "warning", warning_kind
    publisher = data.get("publisher")
    if isinstance(publisher, dict) and (outlet := _text(publisher, "name")):
        yield "publisher", outlet[:MAX_FACET]
    tickers = data.get("tickers")
    for ticker in tickers[:_MAX_FACETS] if isinstance(tickers, list) else ():
        if isinstance(ticker, dict) and (symbol := _text(ticker, "symbol")):
            yield "ticker", symbol[:MAX_FACET]


def _texts(data: Mapping[str, Any], name: str) -> Iterator[str]:
    values = data.get(name)
    for text in values[:_MAX_FACETS] if isinstance(values, list) else ():
        if isinstance(text, str) and text:
            yield text


def _text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) and value else None
