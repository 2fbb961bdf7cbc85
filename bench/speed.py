"""The figures of speed: newsdrop, the peer and the floor in turn; medians of five rounds."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.figure import Figure, at_least
from bench.ours import dropped_rate, our_rates
from bench.peers import floor_rate, naive_rate
from bench.rate import Rate, make_files

ROUNDS = 5
ARTICLES = 5000


def speed(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Measure all rates; `quick` is one round over fewer articles."""
    rounds, articles = (1, 1000) if quick else (ROUNDS, ARTICLES)
    names = ("naive", "floor", "new", "dropped", "same_bytes", "other_bytes")
    runs: dict[str, list[Rate]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="nd-") as directory:
        files = make_files(Path(directory), articles)
        for number in range(rounds):
            say(f"speed: round {number + 1} of {rounds}, {articles:,} articles")
            runs["naive"].append(naive_rate(files))
            runs["floor"].append(floor_rate(files))
            ours = our_rates(files)
            runs["new"].append(ours.new)
            runs["same_bytes"].append(ours.same_bytes)
            runs["other_bytes"].append(ours.other_bytes)
            runs["dropped"].append(dropped_rate(files))
            say("  " + ", ".join(f"{name} {of[-1].per_second:,.0f}/s" for name, of in runs.items()))
    return _figures(runs)


def _figures(runs: dict[str, list[Rate]]) -> list[Figure]:
    rates = {name: median(rate.per_second for rate in of) for name, of in runs.items()}

    def ratio(title: str, name: str, to: str, least: float) -> Figure:
        title = f"{title} ({rates[name]:,.0f} : {rates[to]:,.0f} articles/s)"
        raw = {name: _raw(runs[name]), to: _raw(runs[to])}
        return at_least(title, rates[name] / rates[to], least, runs=raw)

    return [
        ratio("new articles, enqueued, against a plain Celery script", "new", "naive", 8),
        ratio("new articles, enqueued, against parsing and publishing alone", "new", "floor", 0.7),
        ratio("a folder dropped, against parsing and publishing alone", "dropped", "floor", 0.7),
        ratio("duplicates, same bytes, against new articles", "same_bytes", "new", 4),
        ratio("duplicates, other bytes, against new articles", "other_bytes", "new", 1.3),
    ]


def _raw(rates: Sequence[Rate]) -> list[dict[str, float]]:
    return [asdict(rate) | {"per_second": round(rate.per_second, 1)} for rate in rates]
