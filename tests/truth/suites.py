"""The rows of the table for texts, feeds, dates and encodings: quick ones, in this process."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import dateparser
from charset_normalizer import from_bytes

from tests.formats.encoding.texts import samples
from tests.normalize.test_ticker_sentences import sentences
from tests.truth import feed_cases, feedparser_suite, gofeed_suite
from tests.truth.feed_values import READERS
from tests.truth.row import NONE, Row, share
from worker.formats.encoding.decode import decode
from worker.normalize.dates.parser import parse_date
from worker.normalize.tickers.text import in_text

SHARED = Path(__file__).parents[3] / "shared"
MADE_UP = Path(__file__).parent / "made_up"
_SHANGHAI = ZoneInfo("Asia/Shanghai")


def own() -> Iterator[Row]:
    """What the project holds: needs nothing beside it."""
    yield _feedparser_row("made-up feeds, values right", MADE_UP / "feedparser", "≥ 97 %")
    yield _gofeed_row("made-up feeds, parser's values", "parser", MADE_UP / "gofeed", "≥ 97 %")
    yield _encodings()
    yield _tickers()


def shared() -> Iterator[Row]:
    """The public sets in `../shared`."""
    folder = feedparser_suite.FOLDER
    yield _feedparser_row("feedparser's own suite, values right", folder, "≥ 97 %")
    for part, goal in (("translator", "≥ 97 %"), ("parser", "≥ 93 %")):
        yield _gofeed_row(f"gofeed's {part} suite", part, gofeed_suite.FOLDER, goal)
    yield _compared(
        "real feeds: titles and links",
        {name: feed_cases.real_feeds(read) for name, read in READERS.items()},
        NONE,
    )
    yield _compared(
        "cases of feeds",
        {
            name: _count(feed_cases.is_right(case, read) for case in feed_cases.CHECKS)
            for name, read in READERS.items()
        },
        "all",
    )
    yield _dates()


def _count(verdicts: Iterator[bool]) -> tuple[int, int]:
    found = [*verdicts]
    return sum(found), len(found)


def _compared(what: str, counts: dict[str, tuple[int, int]], goal: str) -> Row:
    """newsdrop beside the best of the others."""
    ours = share(*counts.pop("newsdrop"))
    best = max(counts, key=lambda name: counts[name][0], default=None)
    return Row(what, ours, f"{best} {share(*counts[best])}" if best else NONE, goal)


def _feedparser_row(what: str, folder: Path, goal: str) -> Row:
    cases = [*feedparser_suite.cases(folder)]
    counts = {
        name: _count(feedparser_suite.is_right(case, read) for case in cases)
        for name, read in READERS.items()
    }
    return _compared(what, counts, goal)


def _gofeed_row(what: str, part: str, folder: Path, goal: str) -> Row:
    cases = [*gofeed_suite.cases(part, folder)]
    counts = {
        name: _count(gofeed_suite.is_right(case, read) for case in cases)
        for name, read in READERS.items()
    }
    return _compared(what, counts, goal)


def _dates() -> Row:
    cases = json.loads((SHARED / "cases" / "dates.json").read_text("utf-8"))
    ours, peer = _verdicts(cases, _our_time), _verdicts(cases, _peer_time)
    return Row(f"the {len(cases)} dates of the cases", ours, f"dateparser {peer}", "50, 0 wrong")


def _verdicts(cases: list[dict[str, str | None]], read: Callable[[str], str | None]) -> str:
    """How many are right, and how many have a wrong value."""
    pairs = [(read(case["text"] or ""), case["right"]) for case in cases]
    wrong = sum(got is not None and got != want for got, want in pairs)
    return f"{sum(got == want for got, want in pairs)}, {wrong} wrong"


def _our_time(text: str) -> str | None:
    read = parse_date(text, _SHANGHAI)
    if read is None:
        return None
    return read.calendar_date(_SHANGHAI) if read.precision == "day" else read.rfc3339()


def _peer_time(text: str) -> str | None:
    settings = {"TIMEZONE": "Asia/Shanghai", "TO_TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True}
    read = dateparser.parse(text, settings=settings)
    return read and f"{read:%Y-%m-%dT%H:%M:%SZ}"


def _encodings() -> Row:
    documents = [*samples()]
    ours = _count(decode(one.data).text.lstrip("\ufeff") == one.text for one in documents)
    peer = _count(
        str(from_bytes(one.data).best()).lstrip("\ufeff") == one.text for one in documents
    )
    counts = {"newsdrop": ours, "charset-normalizer": peer}
    return _compared("encodings, made-up documents", counts, "≥ 97 %")


def _tickers() -> Row:
    right = wrong = missed = 0
    for sentence in (one for half in sentences().values() for one in half):
        found = {ticker.symbol for ticker in in_text(sentence.text)}
        right += len(found & sentence.symbols)
        wrong += len(found - sentence.symbols)
        missed += len(sentence.symbols - found)
    figures = f"{right / (right + wrong):.3f} / {right / (right + missed):.3f}"
    return Row("tickers in sentences, precision / recall", figures, NONE, "≥ 0.97")
