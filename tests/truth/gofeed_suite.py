"""gofeed's suites (`../shared/samples/suites/gofeed`): what its translator and parsers find in a
feed, as far as a record has it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.truth.feed_values import Feed, Item, Reader
from tests.truth.same import same_address, same_html, same_text

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "suites" / "gofeed" / "testdata"


@dataclass(frozen=True, slots=True)
class Case:
    """A file and one value in it that must be right; `number` is the entry, None the feed."""

    file: str
    number: int | None
    field: str
    want: Any
    data: bytes


def cases(part: str, folder: Path = FOLDER) -> Iterator[Case]:
    """Every value of `part` (`translator` or `parser`) that a record has."""
    for file in sorted((folder / part).rglob("*.json")):
        source = file.with_suffix(".xml")
        if not source.exists():
            continue
        data, name = source.read_bytes(), str(file.relative_to(folder))
        feed = json.loads(file.read_text("utf-8"))
        for field, want in _values(feed, _FEED):
            yield Case(name, None, field, want, data)
        for number, item in enumerate(feed.get("items") or feed.get("entries") or ()):
            for field, want in _values(item, _ITEM):
                yield Case(name, number, field, want, data)


def is_right(case: Case, read: Reader) -> bool:
    """Whether `read` finds the value."""
    feed = read(case.data, None, None)
    if case.number is None:
        return _agrees(case, feed)
    return case.number < len(feed.items) and _agrees(case, feed.items[case.number])


def _values(table: Mapping[str, Any], fields: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for field in fields:
        want = table.get(field)
        if field == "links":
            yield from (("link", url) for url in _alternate(want or ()))
            continue
        if field == "authors":
            want = [one["name"] for one in want or () if one.get("name")]
        elif field == "author" and isinstance(want, dict):
            want = want.get("name")
        if want:
            yield field, want


def _alternate(links: Sequence[Any]) -> list[str]:
    """The first page among the links of Atom's parser; the others have `link`, too."""
    pages = (one for one in links if isinstance(one, dict) and one.get("rel") == "alternate")
    return [one["href"] for one in pages if one.get("href")][:1]


_FEED = ("title", "link", "links", "language", "authors", "managingEditor")
_ITEM = (
    *("title", "link", "links", "guid", "id", "description", "summary", "content", "image"),
    *("author", "authors", "categories", "enclosure", "enclosures"),
    *("publishedParsed", "pubDateParsed", "updatedParsed"),
)


def _agrees(case: Case, one: Feed | Item) -> bool:
    want = case.want
    if case.field == "title":
        return same_text(want, one.title)
    if case.field == "language":
        return want.lower() == (one.language or "").lower()
    if case.field in ("author", "managingEditor"):
        return any(same_text(want, name) for name in one.authors)
    if case.field == "authors":
        return all(any(same_text(name, got) for got in one.authors) for name in want)
    if isinstance(one, Feed):
        return same_address(want, one.link)
    return _item_agrees(case.field, want, one)


def _item_agrees(field: str, want: Any, item: Item) -> bool:
    if field in ("description", "summary", "content"):
        want = want.get("value") or "" if isinstance(want, dict) else want
        return same_html(want, item.html) or same_html(want, item.summary)
    if field == "link":
        return same_address(want, item.url)
    if field in ("guid", "id"):
        want = want.get("value") if isinstance(want, dict) else want
        return same_text(want, item.guid)
    if field in ("publishedParsed", "pubDateParsed"):
        return _second(want) == item.published
    if field == "updatedParsed":
        return _second(want) == item.updated
    if field == "categories":
        return {*filter(None, map(_category, want))} <= {*item.tags}
    if field == "image":
        return same_address(want["url"], item.image)
    files = want if isinstance(want, list) else [want]
    urls = {url for url, _ in item.attachments}
    return all(file["url"] in urls for file in files if file.get("url"))


def _category(one: Any) -> str | None:
    return one if isinstance(one, str) else one.get("value") or one.get("term")


def _second(text: str) -> str:
    """Without fractions of a second."""
    return text.partition(".")[0].rstrip("Z") + "Z"
