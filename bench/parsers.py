"""The figures of feed parsers: fastfeedparser, feedparser, and newsdrop's own.

Over real feeds: how much of title, link and date is what is written beside a feed (those that end
within an entry less that entry); how many feeds in legacy encodings come out in the letters of
their language; and the time an entry takes, medians of rounds in which each takes its turn.
"""

import io
import json
import unicodedata
from calendar import timegm
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import fastfeedparser  # type: ignore[import-untyped]
import feedparser  # type: ignore[import-untyped]

from bench.figure import Figure, at_least
from worker.formats import ParseContext
from worker.formats.feed.polled import read_feed
from worker.model import Document, Profile, RawArticle
from worker.settings import Limits
from worker.sites import Sites

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """What a parser found in an entry; `at` is a time in UTC."""

    title: str
    link: str | None
    at: datetime | None
    text: str = ""


Parser = Callable[[bytes], list[Entry]]


def parsers(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Correctness and speed over the samples; `quick` is one round."""
    if not SAMPLES.is_dir():
        say("parsers: skipped, the samples are not beside the project")
        return []
    feeds = sorted(path for path in (SAMPLES / "feeds").iterdir() if path.suffix != ".json")
    encoded = json.loads((SAMPLES / "encodings" / "expected.json").read_text("utf-8"))
    say(f"parsers: {len(feeds)} feeds, {len(encoded)} in legacy encodings")
    right = {name: _right(feeds, read) for name, read in _PARSERS.items()}
    letters = {name: _letters(encoded, read) for name, read in _PARSERS.items()}
    data = [path.read_bytes() for path in feeds]
    data += [(SAMPLES / "encodings" / sample["file"]).read_bytes() for sample in encoded]
    times = _times(data, 1 if quick else ROUNDS)
    return [
        *_correctness(right, letters, len(encoded)),
        *_speed(times, sum(len(_ours(one)) for one in data)),
    ]


_CUT_OFF = {"osm-pl.xml"}
_COUNTED = ("title", "link", "date")
_SCRIPTS = {
    "GB2312": ("CJK", "FULLWIDTH"),
    "Big5": ("CJK", "FULLWIDTH", "BOPOMOFO"),
    "EUC-JP": ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC"),
    "SHIFT_JIS": ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC"),
    "EUC-KR": ("HANGUL", "CJK", "FULLWIDTH"),
}
"""How the names of the letters begin; of the others they are Cyrillic."""


def _fast(data: bytes) -> list[Entry]:
    try:
        entries = fastfeedparser.parse(data).get("entries", [])
    except Exception:  # whatever it is, nothing was parsed
        return []
    return [
        Entry(
            _plain(entry.get("title")),
            entry.get("link"),
            _instant(entry.get("published") or entry.get("updated")),
            f"{entry.get('description')}{entry.get('content')}",
        )
        for entry in entries
    ]


def _slow(data: bytes) -> list[Entry]:
    found: list[Entry] = []
    for entry in feedparser.parse(io.BytesIO(data)).entries:
        at = entry.get("published_parsed") or entry.get("updated_parsed")
        found.append(
            Entry(
                _plain(entry.get("title")),
                entry.get("link"),
                datetime.fromtimestamp(timegm(at), UTC) if at else None,
                f"{entry.get('summary')}{entry.get('content')}",
            )
        )
    return found


def _ours(data: bytes) -> list[Entry]:
    zone = ZoneInfo("UTC")
    context = ParseContext(Profile("bench", zone, zone), Sites(), Limits())
    feed = read_feed(Document(data), context)
    return [
        Entry(
            _plain(entry.title),
            entry.url,
            _instant(entry.dates[0].text if entry.dates else None),
            entry.html,
        )
        for entry in feed.articles()
        if isinstance(entry, RawArticle)
    ]


_PARSERS: dict[str, Parser] = {"fastfeedparser": _fast, "feedparser": _slow, "newsdrop": _ours}


def _right(feeds: Sequence[Path], read: Parser) -> dict[str, Any]:
    """Of the feeds with expectations: how many titles, links and dates are as expected."""
    count = {"expected": 0, "title": 0, "link": 0, "date": 0, "dates": 0}
    missed: list[str] = []
    for path in feeds:
        beside = path.with_suffix(".json")
        if not beside.exists():
            continue
        entries = json.loads(beside.read_text("utf-8"))["entries"]
        if path.name in _CUT_OFF:
            entries.pop()
        found = read(path.read_bytes())
        before = dict(count)
        for number, entry in enumerate(entries):
            at = _instant(entry.get("published"))
            count["expected"] += 1
            count["dates"] += at is not None
            if number < len(found):
                count["title"] += found[number].title == _plain(entry.get("title"))
                count["link"] += found[number].link == entry.get("link")
                count["date"] += at is not None and found[number].at == at
        grown = {key: count[key] - before[key] for key in count}
        wanted = {key: grown["dates" if key == "date" else "expected"] for key in _COUNTED}
        if any(grown[key] != wanted[key] for key in _COUNTED):
            missed.append(path.name)
    return {**count, "missed": missed}


def _letters(encoded: Sequence[dict[str, str]], read: Parser) -> list[str]:
    """The feeds that come out in the letters of their language, without replacements."""
    good: list[str] = []
    for sample in encoded:
        entries = read((SAMPLES / "encodings" / sample["file"]).read_bytes())
        text = "".join(entry.title + entry.text for entry in entries)
        letters = [char for char in text if ord(char) > 0x2FF and char.isalpha()]
        scripts = _SCRIPTS.get(sample["encoding"], ("CYRILLIC",))
        own = sum(unicodedata.name(char, "").startswith(scripts) for char in letters)
        if own > 20 and own >= 0.98 * len(letters) and text.count("\ufffd") * 200 < len(text):
            good.append(sample["file"])
    return good


def _times(data: Sequence[bytes], rounds: int) -> dict[str, float]:
    """Seconds for all of `data`, by parser."""
    runs: dict[str, list[float]] = {name: [] for name in _PARSERS}
    for _ in range(rounds):
        for name, read in _PARSERS.items():
            begun = perf_counter()
            for one in data:
                read(one)
            runs[name].append(perf_counter() - begun)
    return {name: median(of) for name, of in runs.items()}


def _correctness(
    right: dict[str, dict[str, Any]], letters: dict[str, list[str]], encoded: int
) -> list[Figure]:
    shares = {
        name: (of["title"] + of["link"] + of["date"]) / (2 * of["expected"] + of["dates"])
        for name, of in right.items()
    }
    figures = []
    for name, of in right.items():
        others = max(share for other, share in shares.items() if other != "newsdrop")
        least = others if name == "newsdrop" else 0.0
        figures.append(
            Figure(
                f"titles, links and dates of {of['expected']} entries, {name}",
                f"{of['title']}, {of['link']}, {of['date']} of {of['dates']}",
                f"≥ {least:.1%}" if least else "–",
                shares[name] >= least,
                shares[name],
            )
        )
    best = max(len(good) for name, good in letters.items() if name != "newsdrop")
    for name, good in letters.items():
        least = best if name == "newsdrop" else 0
        figures.append(
            Figure(
                f"feeds in legacy encodings read without mojibake, {name}",
                f"{len(good)} of {encoded}",
                f"≥ {least}" if least else "–",
                len(good) >= least,
                len(good),
            )
        )
    return figures


def _speed(times: dict[str, float], entries: int) -> list[Figure]:
    each = {f"{name}, ms an entry": 1e3 * seconds / entries for name, seconds in times.items()}
    ratio = times["feedparser"] / times["newsdrop"]
    return [at_least("feeds read, against feedparser", ratio, 1, each)]


def _plain(title: str | None) -> str:
    return " ".join(unescape(title or "").split())


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
