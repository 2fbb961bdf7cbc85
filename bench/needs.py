"""Resources per article: Redis memory, disk of server and archive, and the cost of syncing to disk.
They have no target: docs/operations.md gives them for choosing a machine.

The articles of `bench.corpus`, 11 KB each as files, are enqueued and ingested by a worker.
"""

import time
from collections.abc import Callable
from pathlib import Path

from bench.figure import Figure, measured, nbytes
from bench.ours import enqueue, is_idle, settings_of, worker_of
from bench.place import Place, place, wait_until
from bench.rate import PROCESSES, make_files

ARTICLES = 20_000


def needs(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Bytes per article, and articles/s at either durability."""
    articles = 1_000 if quick else ARTICLES
    written, sizes = _run(articles, "everysec", say)
    fsynced, _ = _run(articles, "always", say)
    figures = [measured(f"an article's {name}", size, nbytes) for name, size in sizes.items()]
    ratio = fsynced / written
    parts = {"fsynced articles/s": fsynced, "written": written}
    name = "durability fsynced against written"
    return [*figures, Figure(name, f"{ratio:.2f} ×", "–", True, ratio, parts)]


def _run(
    articles: int, appendfsync: str, say: Callable[[str], None]
) -> tuple[float, dict[str, float]]:
    """(articles per second, bytes per article by location)."""
    durability = "fsynced" if appendfsync == "always" else "written"
    say(f"needs: {articles:,} articles, {durability}")
    with place() as here:
        here.client.config_set("appendfsync", appendfsync)
        settings = settings_of(here)
        files = make_files(here.folder / "files", articles)
        with worker_of(here, PROCESSES, NEWSDROP_REDIS_DURABILITY=durability):
            enqueue(settings, files.warm)
            wait_until(lambda: is_idle(settings))
            before = _sizes(here)
            file_size = _size(files.files, "*")
            started = time.monotonic()
            enqueue(settings, files.files)
            wait_until(lambda: is_idle(settings), every=0.05)
            seconds = time.monotonic() - started
            grown = {name: size - before[name] for name, size in _sizes(here).items()}
    sizes = {"file": file_size} | grown
    return articles / seconds, {name: size / articles for name, size in sizes.items()}


def _sizes(here: Place) -> dict[str, float]:
    """Bytes by location."""
    return {
        "part of the server's memory": here.client.info("memory")["used_memory"],
        "part of the server's files": _size(here.folder / "server" / "appendonlydir", "*"),
        "raw bytes in the archive": _size(here.state_dir / "archive", "*.zst"),
        "line in the journal": _size(here.state_dir / "archive", "*.jsonl"),
    }


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())
