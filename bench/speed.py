"""The figures of speed: newsdrop, the peer and the floor in turn; medians of five rounds.

Three corpora: `speed` has articles of the seed's length (11 KB), `short` of 5 KB, as most feeds
bring them, and `samples` the real posts beside the project.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

from bench.figure import Figure, at_least, below, measured, milliseconds
from bench.ours import dropped_rate, new_rate, our_rates
from bench.peers import floor_rate, naive_rate
from bench.rate import Files, Rate, make_files, sample_files

ROUNDS = 5
ARTICLES, SAMPLES = 5000, 800
MOST_MS = 0.65
"""CPU of an article of the seed's length, in all processes."""

Say = Callable[[str], None]
Measured = Iterable[tuple[str, Rate]]


def speed(quick: bool, say: Say) -> list[Figure]:
    """Articles of 11 KB: all ratios."""

    def measure(files: Files) -> Measured:
        yield "naive", naive_rate(files)
        yield "floor", floor_rate(files)
        ours = our_rates(files)
        yield from (("new", ours.new), ("same", ours.same_bytes), ("other", ours.other_bytes))
        yield "dropped", dropped_rate(files)

    runs = _rounds("speed", quick, say, make_files, measure)
    return [
        _ratio("new articles, enqueued, against a plain Celery script", runs, "new", "naive", 8),
        _cpu("CPU an article of 11 KB", runs["new"], MOST_MS),
        _cpu("CPU an article of 11 KB, the plain Celery script", runs["naive"]),
        _ratio("new articles, enqueued, against the floor", runs, "new", "floor", 0.75),
        _ratio("a folder dropped, against the floor", runs, "dropped", "floor", 0.75),
        _ratio("duplicates, same bytes, against new articles", runs, "same", "new", 4),
        _ratio("duplicates, other bytes, against new articles", runs, "other", "new", 1.3),
    ]


def short(quick: bool, say: Say) -> list[Figure]:
    """Articles of 5 KB: what is paid for an article whatever its length weighs more."""

    def measure(files: Files) -> Measured:
        yield "naive", naive_rate(files)
        yield "new", new_rate(files)

    def make(folder: Path, count: int) -> Files:
        return make_files(folder, count, is_short=True)

    runs = _rounds("short", quick, say, make, measure)
    title = "new articles of 5 KB, enqueued, against a plain Celery script"
    return [
        _ratio(title, runs, "new", "naive", 6),
        _cpu("CPU an article of 5 KB", runs["new"]),
    ]


def samples(quick: bool, say: Say) -> list[Figure]:
    """The real posts, each many times under other titles; skipped where they are absent."""

    def measure(files: Files) -> Measured:
        yield "new", new_rate(files)

    runs = _rounds("samples", quick, say, lambda folder, _: sample_files(folder, SAMPLES), measure)
    return [_cpu("CPU an article, real posts", runs["new"])] if runs else []


def _rounds(
    name: str,
    quick: bool,
    say: Say,
    make: Callable[[Path, int], Files | None],
    measure: Callable[[Files], Measured],
) -> dict[str, list[Rate]]:
    """The rates of each kind; `quick` is one round over fewer articles."""
    rounds, articles = (1, 1000) if quick else (ROUNDS, ARTICLES)
    runs: dict[str, list[Rate]] = {}
    with tempfile.TemporaryDirectory(prefix="nd-") as directory:
        files = make(Path(directory), articles)
        if files is None:
            say(f"{name}: skipped, the samples are not beside the project")
            return runs
        for number in range(rounds):
            say(f"{name}: round {number + 1} of {rounds}, {files.count:,} articles")
            for kind, rate in measure(files):
                runs.setdefault(kind, []).append(rate)
                say(f"  {kind} {rate.per_second:,.0f}/s, {rate.cpu_ms:.2f} ms of CPU an article")
    return runs


def _ratio(title: str, runs: dict[str, list[Rate]], name: str, to: str, least: float) -> Figure:
    rates = {kind: median(rate.per_second for rate in runs[kind]) for kind in (name, to)}
    parts = {f"{kind} articles/s": rate for kind, rate in rates.items()}
    return at_least(title, rates[name] / rates[to], least, parts)


def _cpu(title: str, rates: Sequence[Rate], most: float | None = None) -> Figure:
    parts = {
        "worker": median(rate.workers_ms for rate in rates),
        "server": median(rate.server_ms for rate in rates),
        "enqueue": median(rate.enqueuing_ms for rate in rates),
    }
    value = median(rate.cpu_ms for rate in rates)
    if most is None:
        return measured(title, value, milliseconds, parts)
    return below(title, value, most, milliseconds, parts)
