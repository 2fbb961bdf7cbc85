"""The figure of memory: the size of a worker process that ingests 100,000 articles.

One pool process that is never replaced does all the work. Its resident size is sampled, together
with the number of articles in the stream.
"""

from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench import corpus
from bench.figure import Figure, below, megabytes
from bench.ours import enqueue, is_idle, settings_of, worker_of
from bench.place import Place, place, pool, wait_until

ARTICLES = 100_000
SETTLED = 10_000
"""Articles after which the size must be stable."""

_DRIFT = 0.05
_MOST_MB = 110
_PART = 2_000

_NEVER_REPLACED = {
    "NEWSDROP_WORKER_MAX_TASKS": "1000000000",
    "NEWSDROP_WORKER_MAX_MEMORY_MB": "1000000",
    "NEWSDROP_STREAM_MAX_LENGTH": "1000",  # the server's memory is not measured
}


def memory(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """The size and its drift; `quick` works through 12,000 articles, of which 4,000 settle."""
    articles, settled = (12_000, 4_000) if quick else (ARTICLES, SETTLED)
    say(f"memory: {articles:,} articles through one process")
    with place() as here, worker_of(here, 1, **_NEVER_REPLACED) as worker:
        (process,) = pool(worker, 1)
        sizes = _sizes(here, process, articles, say)
    windows = _windows(sizes, settled)
    first, *later = windows
    drift = max(abs(size / first - 1) for size in later)
    name = f"a worker process over {articles:,} articles: "
    most = max(size for _, size in sizes)
    flat = f"{(later[-1] / first - 1) * 100:+.1f} % (at most {drift * 100:.1f} %)"
    return [
        below(name + "most memory", most, _MOST_MB, megabytes),
        Figure(f"{name}drift after {settled:,}", flat, f"± {_DRIFT:.0%}", drift <= _DRIFT, drift),
    ]


def _sizes(
    here: Place, process: psutil.Process, articles: int, say: Callable[[str], None]
) -> list[tuple[int, float]]:
    """(articles done, resident MB), read after each part."""
    settings = settings_of(here)
    sizes: list[tuple[int, float]] = []

    def look() -> bool:
        sizes.append((_done(here, settings.stream.name), process.memory_info().rss / 1e6))
        return is_idle(settings)

    for start in range(0, articles, _PART):
        part = here.folder / f"part-{start}"
        corpus.write(part, range(start, start + _PART))
        enqueue(settings, part, move=True)
        wait_until(look, every=0.2)
        _remove_archive(settings.state_dir)
        if start % 10_000 == 0:
            say(f"  {sizes[-1][0]:,} articles, {sizes[-1][1]:.0f} MB")
    if sizes[-1][0] != articles:
        raise RuntimeError(f"{sizes[-1][0]:,} of {articles:,} articles came out")
    return sizes


def _windows(sizes: list[tuple[int, float]], settled: int) -> list[float]:
    """The peak within each tenth of the articles after `settled`: size varies with each batch."""
    last = sizes[-1][0]
    width = (last - settled) / 9
    most: dict[int, float] = {}
    for done, size in sizes:
        if done >= settled:
            at = int((done - settled) / width)
            most[at] = max(most.get(at, 0.0), size)
    return [most[at] for at in sorted(most)]


def _done(here: Place, stream: str) -> int:
    if not here.client.exists(stream):
        return 0
    return int(here.client.xinfo_stream(stream)["entries-added"])


def _remove_archive(state_dir: Path) -> None:
    """Remove the raw files of finished batches: the disk is not measured."""
    for path in (state_dir / "archive").glob("*/*/*.tar.zst"):
        path.unlink()
