"""Articles for each second of CPU with 1, 2 and 3 hosts on one Redis.

A host is a worker with a state directory of its own. The same articles are divided among them. The
machine has the same cores for all, so that not the rate is compared but what an article costs: what
more hosts cost more is what they have in common, the server and its index.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import corpus
from bench.figure import Figure, at_least
from bench.ours import enqueue, is_idle
from bench.place import place, pool, running, to_last_entry, wait_until
from bench.rate import CELERY, WARM, Rate, clocked
from worker.settings import Settings, load

HOSTS = (1, 2, 3)
ROUNDS, ARTICLES = 3, 3000
_WARM_FROM = 10_000_000
LEAST = 0.9
"""The least share of one host's articles for each second of CPU."""


def hosts(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    rounds, articles = (1, 600) if quick else (ROUNDS, ARTICLES)
    costs: dict[int, list[float]] = {count: [] for count in HOSTS}
    with tempfile.TemporaryDirectory(prefix="nd-") as directory:
        parts = {count: _write(Path(directory), count, articles) for count in HOSTS}
        for number in range(rounds):
            say(f"hosts: round {number + 1} of {rounds}, {articles:,} articles")
            for count in HOSTS:  # in turn, so that each meets the same load
                rate = _rate(parts[count], articles)
                costs[count].append(rate.cpu_ms)
                say(f"  {count} hosts {rate.per_second:,.0f}/s, {rate.cpu_ms:.2f} ms of CPU each")
    per_second = {count: 1000 / median(found) for count, found in costs.items()}
    return [
        at_least(
            f"articles for each second of CPU, {count} hosts against one",
            per_second[count] / per_second[1],
            LEAST,
            {f"{n} hosts": per_second[n] for n in (1, count)},
        )
        for count in HOSTS[1:]
    ]


def _write(folder: Path, count: int, articles: int) -> list[Path]:
    """Folders of `count` hosts, each with its articles, and others to warm up on."""
    parts = [folder / f"{count}-{number}" for number in range(count)]
    for number, part in enumerate(parts):
        first = _WARM_FROM + number * WARM
        corpus.write(part / "files", range(number, articles, count))
        corpus.write(part / "warm", range(first, first + WARM))
    os.sync()  # pending writes would be charged to the first run
    return parts


def _rate(parts: Sequence[Path], articles: int) -> Rate:
    """Each host gets its part, all at once; timed to the last record."""
    with place() as here, ExitStack() as stack:
        sites: list[Settings] = []
        processes = []
        for number, part in enumerate(parts):
            state = here.folder / f"host-{number}"
            state.mkdir()
            variables = {"NEWSDROP_STATE_DIR": str(state), "NEWSDROP_REDIS_URL": here.url}
            command = [sys.executable, "-m", "celery", "-A", "worker.app", *CELERY, "-c", "1"]
            worker = stack.enter_context(running(command, variables, here.folder / f"{number}.log"))
            sites.append(load(options={"state_dir": state, "redis.url": here.url}))
            processes += [worker, *pool(worker, 1)]
            enqueue(sites[-1], part / "warm")
        wait_until(lambda: all(map(is_idle, sites)))

        def begin() -> None:
            for settings, part in zip(sites, parts, strict=True):
                enqueue(settings, part / "files")

        return clocked(
            here.client,
            processes,
            articles,
            begin,
            lambda: to_last_entry(here.client, sites[0].stream.name, len(parts) * WARM + articles),
        )
