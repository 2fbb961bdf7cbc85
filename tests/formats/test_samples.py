"""Every real sample is read, and says what the expectations beside it say."""

import json
import re
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from worker.errors import Rejected
from worker.formats import Format, sniff
from worker.model import RawArticle, Refusal

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")

NOTHING_IN_IT = {"incomplete-fields.atom": "no_content", "missing-fields.atom": "no_content"}
"""Feeds whose one entry has neither a title nor a text."""

CUT_OFF = {"osm-pl.xml"}
"""Feeds whose file ends within the last entry: that one is refused, the others are read."""


def _files(folder: str, *patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in (SAMPLES / folder).glob(pattern))


def _name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", [SAMPLES / "seed.md", *_files("mirror", "*.md")], ids=_name)
def test_mirror_files(path: Path, read_one: Any) -> None:
    """A mirror's file is one article: title, date, three categories, an HTML body kept whole."""
    text = path.read_text("utf-8")
    article = read_one(path.read_bytes())
    line = next(line for line in text.splitlines() if line.startswith("title:"))
    assert article.title == line.removeprefix("title:").strip().strip("'")
    assert [date.origin for date in article.dates] == ["front-matter:date"]
    assert len(article.tags) == 3
    assert article.image
    assert article.extra == {"comments": "false"}
    assert article.html.startswith("<div>")
    assert article.html.endswith("</div>")
    assert "&#12" not in article.html
    assert article.warnings == ()


def _heads() -> list[dict[str, Any]]:
    expected = SAMPLES / "heads" / "expected.json"
    return json.loads(expected.read_text("utf-8")) if expected.exists() else []


@pytest.mark.parametrize("head", _heads(), ids=lambda head: head["file"])
def test_heads(head: dict[str, Any], read_one: Any) -> None:
    """Every real head gives its title, date, author, image and its categories flattened."""
    article = read_one((SAMPLES / "heads" / head["file"]).read_bytes())
    assert article.title == (head["title_line"].strip().strip("'\"") or None)
    assert [date.text for date in article.dates] == [head["date"]]
    assert [person.name for person in article.authors] == [head["author"]]
    assert list(article.tags) == [tag.removeprefix(" - ") for tag in head["categories"]]
    assert article.image == (head["headimg"] or (head["thumb"] or "").strip("'") or None)
    unreadable = head["title_line"].startswith('""')
    assert bool(article.warnings) is unreadable


@pytest.mark.parametrize("path", _files("dialects", "*.md"), ids=_name)
def test_dialects(path: Path, read_one: Any) -> None:
    """Jekyll posts: title, zoned date, author, address, tags; the Markdown body is rendered."""
    article = read_one(path.read_bytes())
    head = path.read_text("utf-8").split("---")[1]
    assert article.title
    assert article.title in head.replace("''", "'")
    assert article.dates[0].text.startswith(("20", "19"))
    assert article.authors
    assert article.tags or "categories" not in head
    assert (article.url is not None) == ("\nlink:" in head)
    links = re.findall(r"\]\(https?://[^\s()]+\)", path.read_text("utf-8"))
    assert article.html.count("<a ") + article.html.count("<img ") >= len(links)
    assert "<p>" in article.html
    assert article.warnings == ()


@pytest.mark.parametrize("path", _files("feeds", "*.xml", "*.rss", "*.atom"), ids=_name)
def test_feeds(path: Path, read: Any) -> None:
    """Every feed is read whole; where its contents are written beside it, they are what is read."""
    found = read(path.read_bytes())
    if path.name in NOTHING_IN_IT:
        assert [item.reason for item in found] == [NOTHING_IN_IT[path.name]]
        return
    if path.name in CUT_OFF:
        assert found.pop().reason == "malformed"
    assert all(isinstance(item, RawArticle) and (item.title or item.html) for item in found)
    beside = path.with_suffix(".json")
    if not beside.exists():
        return
    entries = json.loads(beside.read_text("utf-8"))["entries"]
    if path.name in CUT_OFF:
        entries.pop()
    assert len(found) == len(entries)
    for article, entry in zip(found, entries, strict=True):
        assert _plain(article.title) == _plain(unescape(entry.get("title") or ""))
        assert article.url == entry.get("link")
        if entry.get("published"):
            assert _instant(article.dates[0].text) == datetime.fromisoformat(entry["published"])
        assert set(article.tags) >= {tag["term"].strip() for tag in entry.get("tags", [])}


def test_json_feed(read: Any) -> None:
    """The JSON Feed sample gives the entries written beside it."""
    found = read((SAMPLES / "feeds" / "json_feed_sample.json").read_bytes())
    expected = SAMPLES / "feeds" / "json_feed_sample.expected.json"
    for article, entry in zip(found, json.loads(expected.read_text())["entries"], strict=True):
        assert article.title == entry["title"]
        assert article.url == entry["link"]
        assert _instant(article.dates[0].text) == datetime.fromisoformat(entry["published"])
        assert [p.name for p in article.authors] == [entry.get("author", "John Doe")]
        assert list(article.tags) == [tag["term"] for tag in entry["tags"]]


def _encoded() -> list[dict[str, str]]:
    expected = SAMPLES / "encodings" / "expected.json"
    return json.loads(expected.read_text("utf-8")) if expected.exists() else []


@pytest.mark.parametrize("sample", _encoded(), ids=lambda sample: sample["file"])
def test_encodings(sample: dict[str, str], read: Any) -> None:
    """Feeds in legacy encodings come out in the letters of their language, with no mojibake."""
    found = read((SAMPLES / "encodings" / sample["file"]).read_bytes())
    assert found
    assert not any(isinstance(item, Refusal) for item in found)
    text = "".join(f"{item.title}{item.html}" for item in found)
    assert text.count("\ufffd") * 200 < len(text)
    letters = [char for char in text if ord(char) > 0x2FF and char.isalpha()]
    of_language = [char for char in letters if _is_of(sample["encoding"], char)]
    assert len(of_language) > 20
    assert len(of_language) >= 0.98 * len(letters)


def test_whole_pages_are_recognised() -> None:
    """A whole HTML page of any site is recognised as a page."""
    for path in _files("pages-zh", "*.html"):
        assert sniff(path.read_bytes()) is Format.PAGE, path.name


def test_expectations_files_are_not_articles(read: Any) -> None:
    """The JSON beside the samples is refused or read as an article; no other error comes."""
    for path in sorted(SAMPLES.rglob("*.json")):
        with suppress(Rejected):
            read(path.read_bytes())


def _is_of(encoding: str, char: str) -> bool:
    """Whether a letter belongs to the language that an encoding was made for."""
    code = ord(char)
    han = 0x4E00 <= code <= 0x9FFF or char in "々〇"
    kana = 0x3040 <= code <= 0x30FF or 0xFF66 <= code <= 0xFF9F
    hangul = 0xAC00 <= code <= 0xD7A3 or 0x3130 <= code <= 0x318F
    wide_latin = 0xFF21 <= code <= 0xFF5A
    if encoding in ("GB2312", "Big5"):
        return han or wide_latin or 0x3105 <= code <= 0x3129
    if encoding in ("EUC-JP", "SHIFT_JIS"):
        return han or kana or wide_latin
    if encoding == "EUC-KR":
        return hangul or han or wide_latin
    return 0x0400 <= code <= 0x04FF


def _plain(title: str | None) -> str:
    return " ".join((title or "").split())


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)
