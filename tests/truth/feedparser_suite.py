"""feedparser's own suite (`../shared/samples/suites/feedparser`): what a consumer of news wants.

Each file's head says what is expected as a Python expression (`entries[0]['title'] == '…'`); it is
parsed, never run. Values that no record has (generator, rights, geography) are not counted.
"""

import ast
import re
from calendar import timegm
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.truth.feed_values import Feed, Item, Reader
from tests.truth.same import same_address, same_html, same_text

FOLDER = Path(__file__).parents[3] / "shared" / "samples" / "suites" / "feedparser" / "tests"
_EXPECT = re.compile(rb"Expect:\s*(.*?)\s*(?:-->|\n\w+:|\Z)", re.DOTALL)
_HEADER = re.compile(rb"^\s*Header:\s*([\w-]+):\s*(.*?)\s*$", re.MULTILINE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)

_SERVED = "http://127.0.0.1:8097/"
"""Where the suite's own server has its files: what it expects of relative addresses."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A file and one value in it that must be right."""

    file: str
    path: Path_
    want: object
    data: bytes
    charset: str | None
    url: str | None


def cases(folder: Path = FOLDER) -> Iterator[Case]:
    """Every value of the suite that a record has."""
    for file in sorted(folder.rglob("*.xml")):
        data = file.read_bytes()
        head = _readable(data)
        expected = _EXPECT.search(head)
        headers = {name.lower(): value for name, value in _HEADER.findall(head)}
        kind = headers.get(b"content-type", b"").decode("latin-1")
        charset = match[1] if (match := _CHARSET.search(kind)) else None
        url = headers.get(b"content-location", b"").decode("latin-1")
        for path, want in _comparisons(expected[1].decode("utf-8", "replace") if expected else ""):
            if _CHECKS.get(_shape(path)):
                name = str(file.relative_to(folder))
                yield Case(
                    name, path, want, data, charset[1] if charset else None, url or _SERVED + name
                )


def is_right(case: Case, read: Reader) -> bool:
    """Whether `read` finds the value."""
    feed = read(case.data, case.charset, case.url)
    numbers = [part for part in case.path if isinstance(part, int)]
    check = _CHECKS[_shape(case.path)]
    if case.path[0] == "feed":
        return check(case.want, feed, numbers[0] if numbers else 0)
    if numbers[0] >= len(feed.items):
        return False
    return check(case.want, feed.items[numbers[0]], numbers[1] if len(numbers) > 1 else 0)


def _readable(data: bytes) -> bytes:
    """The head as ASCII, whatever the width of its characters."""
    return data[:4000].replace(b"\x00", b"").replace(b"\r", b"")


def _comparisons(expression: str) -> Iterator[tuple[Path_, object]]:
    try:
        tree = ast.parse(" ".join(expression.split("\n")), mode="eval")
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            path = _path(node.left)
            try:
                value = ast.literal_eval(node.comparators[0])
            except ValueError:
                continue
            if path:
                yield path, value


def _path(node: ast.expr) -> Path_:
    """`entries[0]['title']` and `entries[0].title` as a tuple; empty for anything else."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (inner := _path(node.value)):
        return (*inner, node.attr)
    if isinstance(node, ast.Subscript) and (inner := _path(node.value)):
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return (*inner, key) if isinstance(key, str | int) else ()
    return ()


def _shape(path: Path_) -> str:
    return ".".join(str(part) for part in path if isinstance(part, str))


# ── what each path is compared with ──────────────────────────────────────────────────────────

Check = Callable[..., bool]


def _title(want: str, one: Item | Feed, _: int) -> bool:
    return same_text(want, one.title)


def _body(want: str, one: Item, _: int) -> bool:
    return same_html(want, one.html) or same_html(want, one.summary)


def _time(want: tuple[int, ...], got: str | None) -> bool:
    moment = datetime.fromtimestamp(timegm(want), UTC)
    return got == f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _link(want: str, one: Item, _: int) -> bool:
    return same_address(want, one.url)


def _author(want: str, one: Item | Feed, number: int) -> bool:
    """A name, or feedparser's `name (mail)`: a record has no addresses of persons."""
    name = re.sub(r"\s*\(\S+@\S+\)$", "", want)
    return number < len(one.authors) and same_text(name, one.authors[number])


def _author_url(want: str, one: Item | Feed, number: int) -> bool:
    return number < len(one.author_urls) and same_address(want, one.author_urls[number])


def _tag(want: str, one: Item, number: int) -> bool:
    return number < len(one.tags) and want == one.tags[number]


def _language(want: str | None, one: Item | Feed, _: int) -> bool:
    return (want or "").replace("_", "-").lower() == (one.language or "").lower()


_BODIES = ("summary", "description", "content.value", "summary_detail.value")
_CHECKS: dict[str, Check] = {
    "feed.title": _title,
    "feed.title_detail.value": _title,
    "feed.link": lambda want, feed, _: same_address(want, feed.link),
    "feed.language": _language,
    "entries.title": _title,
    "entries.title_detail.value": _title,
    **dict.fromkeys((f"entries.{name}" for name in _BODIES), _body),
    "entries.link": _link,
    "entries.id": lambda want, item, _: want == item.guid,
    "entries.guid": lambda want, item, _: want == item.guid,
    "entries.published_parsed": lambda want, item, _: _time(want, item.published),
    "entries.updated_parsed": lambda want, item, _: _time(want, item.updated),
    "entries.image.href": lambda want, item, _: same_address(want, item.image),
    "entries.enclosures.href": lambda want, item, number: want == item.attachments[number][0],
    "entries.enclosures.type": lambda want, item, number: want == item.attachments[number][1],
    "entries.tags.term": _tag,
    "entries.content.language": _language,
}
for _one in ("feed", "entries"):
    _CHECKS |= {
        f"{_one}.author": _author,
        f"{_one}.author_detail.name": _author,
        f"{_one}.authors.name": _author,
        f"{_one}.author_detail.url": _author_url,
        f"{_one}.author_detail.href": _author_url,
        f"{_one}.authors.url": _author_url,
        f"{_one}.authors.href": _author_url,
    }
