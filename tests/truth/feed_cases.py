"""The rows of `../shared/cases/feeds`: inputs that readers got wrong, with their right values."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

from tests.truth.feed_values import Item, Reader
from tests.truth.same import addresses, same_text, visible

SHARED = Path(__file__).parents[3] / "shared"
FOLDER = SHARED / "cases" / "feeds"
_ADDRESS = "https://feed.example/rss"

Check = Callable[[tuple[Item, ...]], bool]


def _text(*texts: str) -> Check:
    return lambda items: [visible(one.html) for one in items] == [*texts]


def _titles(*titles: str) -> Check:
    return lambda items: [one.title for one in items] == [*titles]


def _all(*checks: Check) -> Check:
    return lambda items: all(check(items) for check in checks)


def _urls(*urls: str) -> Check:
    return lambda items: [one.url for one in items] == [*urls]


def _authors(*names: str) -> Check:
    return lambda items: items[0].authors == names


def _published(*times: str) -> Check:
    return lambda items: [one.published for one in items] == [*times]


def _links(*urls: str) -> Check:
    return lambda items: addresses(items[0].html) == {*urls}


_NEWS = "https://news.example.org"
_OPENED = "The new quay was opened on Friday."
CHECKS: dict[str, Check] = {
    "undeclared-entity.xml": _all(
        _titles("L’été & l‘hiver R&D"), _urls(f"{_NEWS}/e?a=1&b=2"), _text("Café ouvert.")
    ),
    "bare-ampersand.xml": _all(
        _titles("A quay opens", "Salt & sand: Café open late", "Third"),
        _urls(f"{_NEWS}/a1", f"{_NEWS}/a2", f"{_NEWS}/a3"),
        _text(*[_OPENED] * 3),
    ),
    "raw-markup-description.xml": _all(
        _text("First paragraph with bold. Second."), _links(f"{_NEWS}/i/a.png")
    ),
    "markup-in-title.xml": _titles("Photography in solitary times"),
    "atom_content_in_rss.xml": _text("Body"),
    "xhtml_body.xml": _text("Example content"),
    "base64.xml": _text("Example Atom"),
    "media-caption.xml": _text("Officials said the quay would open on Monday."),
    "media_title_first.xml": _titles("foo"),
    "itunes_summary.xml": _text("The whole description of it."),
    "relative-links.xml": _all(
        _urls("https://games.example.org/en/news/detail/1001"),
        _links("https://games.example.org/en/patch", "https://games.example.org/img/a.png"),
    ),
    "minus-zero.xml": _published("2021-11-26T12:26:04Z", "2021-11-26T18:11:54Z"),
    "minus-zero-fast.xml": _published("2021-11-26T18:11:54Z"),
    "creators-apart.xml": _authors("First Author", "Second Author"),
    "author_reverse.xml": _authors("Example editor"),
    "srcset-placeholder.xml": _links(f"{_NEWS}/a-1024.jpg", f"{_NEWS}/b-1024.jpg"),
    "namespaces-2001.xml.gz": lambda items: (
        len(items) == 667 and all(one.title and one.html for one in items)
    ),
    "reddit.atom.rss": lambda items: len(items) == 24 and all(visible(one.html) for one in items),
}


def read_data(name: str) -> bytes:
    """The bytes of a case."""
    path = FOLDER / name
    data = (path if path.exists() else SHARED / "samples" / "feeds" / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def is_right(name: str, read: Reader) -> bool:
    """Whether `read` finds all that the case says."""
    try:
        return CHECKS[name](read(read_data(name), None, _ADDRESS).items)
    except IndexError:
        return False


def real_feeds(read: Reader) -> tuple[int, int]:
    """Titles, links and texts of `../shared/samples/feeds` that are as beside them, of how many."""
    right = total = 0
    for path in sorted((SHARED / "samples" / "feeds").glob("*.xml")):
        if not path.with_suffix(".json").exists():
            continue
        want = json.loads(path.with_suffix(".json").read_text("utf-8"))["entries"]
        got = read(path.read_bytes(), None, _ADDRESS).items
        for number, entry in enumerate(want):
            one = got[number] if number < len(got) else Item()
            right += same_text(entry.get("title") or "", one.title)
            right += (entry.get("link") or "") == (one.url or "")
            total += 2
    return right, total
