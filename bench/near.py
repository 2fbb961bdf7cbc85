"""The figures of `dedupe.near`: articles for the same CPU with it on, against off.

Workers with and without it take turns, and the rate is by CPU time of all processes. Three corpora
of 5 KB an article: texts with nothing in common, the same where every second one is a copy of
another article with another title, and `bench.corpus`, whose texts have the same sentences in
another order: for these, the script finds as many candidates as it may.
"""

import random
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench import corpus
from bench.figure import Figure, at_least
from bench.ours import new_rate
from bench.rate import Rate, files_of

ROUNDS = 7
ARTICLES = 2000
LEAST = 0.8
_CHARACTERS = bytes(
    byte for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF) for byte in (row, cell)
).decode("gb2312")
"""The most usual ones; so that texts of them are simplified Chinese."""


def near(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """A ratio for each corpus; `quick` is one round of the first."""
    figures = []
    for name, make in list(_CORPORA.items())[: 1 if quick else None]:
        rates: dict[str, list[Rate]] = {"mark": [], "off": []}
        with TemporaryDirectory(prefix="nd-") as directory:
            files = files_of(Path(directory), ARTICLES, make)
            for number in range(1 if quick else ROUNDS):
                for value in list(rates)[:: 1 if number % 2 else -1]:
                    rates[value].append(new_rate(files, NEWSDROP_DEDUPE_NEAR=value))
                    say(f"near: {name}, {value}: {rates[value][-1].cpu_ms:.3f} ms an article")
        figures.append(_ratio(name, **rates))
    return figures


def _ratio(name: str, mark: list[Rate], off: list[Rate]) -> Figure:
    ratio = median(b.cpu_ms / a.cpu_ms for a, b in zip(mark, off, strict=True))
    parts = {
        f"ms {on_off} in the {place}": median(getattr(rate, f"{place}_ms") for rate in rates)
        for on_off, rates in (("on", mark), ("off", off))
        for place in ("workers", "server")
    }
    return at_least(f"new articles, stories marked against not: {name}", ratio, LEAST, parts)


def _apart(number: int, text_of: int | None = None) -> bytes:
    """Article `number`, in characters of its own, or in those of the text of another article."""
    rng = random.Random(number if text_of is None else text_of)
    head, end, body = corpus.article(number, is_short=True).decode().partition("<div>")
    if text_of is not None:
        body = corpus.article(text_of, is_short=True).decode().partition("<div>")[2]
    used = sorted({ord(char) for char in body if "\u4e00" <= char <= "\u9fff"})
    others = dict(zip(used, rng.sample(_CHARACTERS, len(used)), strict=True))
    return f"{head}{end}{body.translate(others)}".encode()


_CORPORA: dict[str, Callable[[int], bytes]] = {
    "no text like another": _apart,
    "every second text a copy": lambda number: _apart(number, number - number % 2),
    "all of the same sentences": lambda number: corpus.article(number, is_short=True),
}
