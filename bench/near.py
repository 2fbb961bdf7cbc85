"""The figures of `dedupe.near`: articles for the same CPU with it on, against off.

Workers with and without it take turns, and the rate is by CPU time of all processes. Three corpora
of 5 KB an article: texts with nothing in common, the same where every second one is a copy of
another article with another title, and `bench.corpus`, whose texts have the same sentences in
another order: for these, the script finds as many candidates as it may.

The server's CPU for a call is measured with a window of WINDOW articles that grew from nothing, of
random bands and sketches, where no text is like another: calls with and without marks take turns.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import redis

from bench import corpus
from bench.figure import Figure, at_least, below
from bench.ours import new_rate
from bench.place import place
from bench.rate import Rate, files_of
from worker.model import Identity, PublishRequest, StoryMarks
from worker.normalize.stories.sketch import BAND_MASK, BANDS, NO_SKETCH
from worker.store.articles import ArticleStore
from worker.store.connection import connect

ROUNDS = 7
ARTICLES = 2000
LEAST = 0.8
WINDOW = 1_000_000
CALLS, OF_CALL = 1000, 50
MOST = 2.0
"""The 99th percentile of calls with marks, against those without."""
_CHARACTERS = bytes(
    byte for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF) for byte in (row, cell)
).decode("gb2312")
"""The most usual ones; so that texts of them are simplified Chinese."""


def near(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """A ratio for each corpus, and one for calls of each size; `quick` is one round of the first
    corpus, and a small window."""
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
    return [*figures, *_calls(*((2000, 20) if quick else (WINDOW, CALLS)), say)]


def _ratio(name: str, mark: list[Rate], off: list[Rate]) -> Figure:
    ratio = median(b.cpu_ms / a.cpu_ms for a, b in zip(mark, off, strict=True))
    parts = {
        f"ms {on_off} in the {place}": median(getattr(rate, f"{place}_ms") for rate in rates)
        for on_off, rates in (("on", mark), ("off", off))
        for place in ("workers", "server")
    }
    return at_least(f"new articles, stories marked against not: {name}", ratio, LEAST, parts)


def _calls(window: int, calls: int, say: Callable[[str], None]) -> list[Figure]:
    rng, figures = random.Random(5), []
    with place() as here:
        store = ArticleStore(connect(here.url), stream="near", keep_days=365)
        for _ in range(0, window, OF_CALL):
            store.remember(_requests(rng, 0))
        for size in (2000, 8000, 18_000):
            spent: dict[str, list[float]] = {"on": [], "off": []}
            for number in range(calls):
                for name in list(spent)[:: 1 if number % 2 else -1]:
                    requests = _requests(rng, size)
                    if name == "off":
                        requests = [replace(request, marks=None) for request in requests]
                    before = _main_thread(here.client)
                    store.publish(f"{name} {size} {number}", requests)
                    spent[name].append((_main_thread(here.client) - before) * 1000)
                here.client.xtrim("near", maxlen=0)
            p99 = {name: quantiles(values, n=100)[98] for name, values in spent.items()}
            parts = {f"ms {name}, median": median(values) for name, values in spent.items()}
            parts |= {f"ms {name}, p99": value for name, value in p99.items()}
            say(f"near: {window:,} in the window, {size:,} bytes an article: {parts}")
            title = f"p99 of a call, {window:,} in the window, {size:,} bytes an article, marked"
            ratio = p99["on"] / p99["off"]
            figures.append(below(f"{title} against not", ratio, MOST, "{:.2f} ×".format, parts))
    return figures


def _requests(rng: random.Random, size: int) -> list[PublishRequest]:
    """The requests of a call: new articles with an address, whose texts have nothing in common."""
    requests = []
    for number in range(OF_CALL):
        bands = [rng.randrange(BAND_MASK).to_bytes(8) for _ in range(BANDS + 1)]
        marks = StoryMarks(b"".join(bands), (500).to_bytes(2) + rng.randbytes(len(NO_SKETCH) - 2))
        identity = Identity("2021-11-26", rng.randbytes(12), rng.randbytes(8))
        data = rng.randbytes(size)
        requests.append(
            PublishRequest(f"{number}.0", identity, None, "标题", "bench", data, marks=marks)
        )
    return requests


def _main_thread(client: redis.Redis) -> float:
    """Seconds of CPU of the thread that runs the scripts."""
    info = client.info("cpu")
    return float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])


def _apart(number: int, text_of: int | None = None) -> bytes:
    """Article `number`, in characters of its own, or in those of the text of another article."""
    rng = random.Random(number if text_of is None else text_of)
    head, end, body = corpus.article(number, is_short=True).decode().partition("<div>")
    if text_of is not None:
        body = corpus.article(text_of, is_short=True).decode().partition("<div>")[2]
    characters = sorted({ord(char) for char in body if "\u4e00" <= char <= "\u9fff"})
    substitutes = dict(zip(characters, rng.sample(_CHARACTERS, len(characters)), strict=True))
    return f"{head}{end}{body.translate(substitutes)}".encode()


_CORPORA: dict[str, Callable[[int], bytes]] = {
    "no text like another": _apart,
    "every second text a copy": lambda number: _apart(number, number - number % 2),
    "all of the same sentences": lambda number: corpus.article(number, is_short=True),
}
