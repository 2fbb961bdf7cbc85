"""The rows of the table for whole pages: newsdrop and its peers, scored by `../shared/tools`."""

import gzip
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.truth.pages import PAGES, result
from tests.truth.row import NONE, Row
from worker.sites import Sites

_SCORE = PAGES.parents[1] / "tools" / "score-pages"
_CORES = 2
_LINE = re.compile(r"(\w+) +(\w+) +n +(\d+) +(.*)")
_FIGURE = re.compile(r"\d\.\d+")

Result = dict[str, str | None]
Lines = dict[tuple[str, str], tuple[int, str]]
"""Number of pages and figures, by kind (`text`, `title`, `date`) and set."""


def pages(each: int | None = None) -> list[dict[str, Any]]:
    """The pages' expectations; the first `each` of every set."""
    found: list[dict[str, Any]] = json.loads((PAGES / "expected.json").read_text("utf-8"))
    sets = defaultdict[str, list[dict[str, Any]]](list)
    for page in found:
        sets[page["file"].partition("-")[0]].append(page)
    return [page for one in sets.values() for page in one[:each]]


def newsdrop(page: dict[str, Any]) -> Result:
    """Our text, title and date of a page, without a site rule."""
    return {"file": page["file"], **result(_data(page), page.get("url"), Sites(()))}


def trafilatura(page: dict[str, Any]) -> Result:
    """The same by trafilatura, for date and text by its own functions."""
    from trafilatura import bare_extraction

    found: Any = bare_extraction(_data(page), url=page.get("url"), include_comments=False)
    names = ("text", "title", "date")
    return {"file": page["file"], **{name: getattr(found, name, None) for name in names}}


def others(page: dict[str, Any]) -> Result:
    """Text and title by readability-lxml, the date by htmldate."""
    from htmldate import find_date
    from lxml import html
    from readability import Document

    data = _data(page)
    read = Document(data)
    return {
        "file": page["file"],
        "text": html.document_fromstring(read.summary()).text_content(),
        "title": read.short_title(),
        "date": find_date(data, url=page.get("url"), original_date=True),
    }


READERS = (newsdrop, trafilatura, others)
_NAMES = {"text": "readability-lxml", "title": "readability-lxml", "date": "htmldate"}
"""What `others` is called in a row."""


def rows(found: dict[str, Lines]) -> Iterator[Row]:
    """The table's rows out of each reader's figures, by the reader's name."""
    for what, name, goal in _TEXTS:
        yield _row(found, what, ("text", name), goal)
    for name, share in _TITLES.items():
        yield _row(found, f"titles of {name}'s pages", ("title", name), f"≥ .{share}")
    dates = {reader: _dates(lines) for reader, lines in found.items()}
    ours = dates.pop("newsdrop")
    peer = max(dates, key=lambda reader: dates[reader][0])
    yield Row(
        "dates of pages: right / none / wrong, %",
        _shown(ours),
        f"{_NAMES['date'] if peer == 'others' else peer} {_shown(dates[peer])}",
        "≥ 92 / – / ≤ 4",
    )


def measure(each: int | None = None) -> dict[str, Lines]:
    """Every reader over the pages, on two cores."""
    chosen = pages(each)
    with ProcessPoolExecutor(_CORES) as pool:
        return {
            reader.__name__: _scored([*pool.map(partial(_safely, reader), chosen, chunksize=8)])
            for reader in READERS
        }


_TEXTS = (
    ("article-extraction benchmark, F1", "aeb", "≥ .975"),
    ("trafilatura's pages, F1", "trafilatura", "≥ .925"),
    ("readability's pages, F1 of characters", "readability", "≥ .965"),
    ("newspaper4k's pages, F1 of characters", "newspaper4k", NONE),
)


_TITLES = {"trafilatura": 77, "readability": 87, "newspaper4k": 88, "postlight": 86}


def _safely(reader: Callable[[dict[str, Any]], Result], page: dict[str, Any]) -> Result:
    """A peer that raises has no result for the page."""
    try:
        return reader(page)
    except ImportError:
        raise
    except Exception:
        if reader is newsdrop:
            raise
        return {"file": page["file"]}


def _scored(results: list[Result]) -> Lines:
    with TemporaryDirectory() as folder:
        path = Path(folder, "results.jsonl")
        path.write_text("".join(json.dumps(one) + "\n" for one in results), "utf-8")
        run = subprocess.run(
            [sys.executable, str(_SCORE), str(path)], capture_output=True, text=True, check=True
        )
    matches = filter(None, map(_LINE.fullmatch, run.stdout.splitlines()))
    return {(match[1], match[2]): (int(match[3]), match[4]) for match in matches}


def _row(found: dict[str, Lines], what: str, key: tuple[str, str], goal: str) -> Row:
    figures = {reader: lines[key] for reader, lines in found.items() if key in lines}
    if "newsdrop" not in figures:
        return Row(what, NONE, NONE, goal)
    count, ours = figures.pop("newsdrop")
    peers = {reader: _first(text) for reader, (_, text) in figures.items()}
    peer = max(peers, key=peers.__getitem__)
    name = _NAMES[key[0]] if peer == "others" else peer
    return Row(f"{what} ({count})", f"{_first(ours):.3f}", f"{name} {peers[peer]:.3f}", goal)


def _first(text: str) -> float:
    """The first figure: `F1 0.981  precision …`."""
    match = _FIGURE.search(text)
    return float(match[0]) if match else 0.0


def _dates(lines: Lines) -> list[float]:
    """The shares that are right, none and wrong, of all sets together."""
    dated = [(count, text) for (kind, _), (count, text) in lines.items() if kind == "date"]
    total = sum(count for count, _ in dated) or 1
    shares = [[float(one) * count for one in _FIGURE.findall(text)] for count, text in dated]
    return [sum(column) / total for column in zip(*shares, strict=True)] or [0.0]


def _shown(shares: list[float]) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in shares)


def _data(page: dict[str, Any]) -> bytes:
    return gzip.decompress((PAGES / page["file"]).read_bytes())
