"""The figure of the bounds on a document: articles a second with all of them against none.

A worker with and one without them (:mod:`bench.unbounded`) take turns. The rate is by CPU time of
all processes, so that other work on the machine does not count.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.figure import Figure, at_least
from bench.ours import new_rate
from bench.rate import make_files

ROUNDS = 7
ARTICLES = 5000
LEAST = 0.98


def bounds(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Articles of 5 KB, for which a cost an article weighs most; `quick` is one round of 1,000."""
    rounds, articles = (1, ARTICLES // 5) if quick else (ROUNDS, ARTICLES)
    cost: dict[str, list[float]] = {"worker.app": [], "bench.unbounded": []}
    with TemporaryDirectory(prefix="nd-") as directory:
        files = make_files(Path(directory), articles, is_short=True)
        for number in range(rounds):
            order = list(cost) if number % 2 == 0 else list(reversed(cost))
            for app in order:
                cost[app].append(new_rate(files, app).cpu_ms)
            costs = ", ".join(f"{app} {of[-1]:.3f} ms" for app, of in cost.items())
            say(f"bounds: round {number + 1} of {rounds}, CPU an article: {costs}")
    on, off = cost.values()
    ratio = median(without / bounded for bounded, without in zip(on, off, strict=True))
    parts = {"ms with bounds": median(on), "without": median(off)}
    return [at_least("new articles, all bounds on against off", ratio, LEAST, parts)]
