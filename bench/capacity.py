"""What larger machines reach, on paper: computed from the measured parts of one run.

The pool's processes and the enqueuing use any core; the server runs scripts on one. So `n` cores
give at most ``n / cpu`` articles/s, and never more than ``1 / server``. Disks, network and the
kernel's own locks are not in this model.
"""

from collections.abc import Iterator, Mapping

from bench.figure import Figure

CORES = (2, 4, 16, 64)
_CPU = "CPU an article of 11 KB"
_STORED = {
    "in Redis' memory, while it is in the stream": "an article's part of the server's memory",
    "in Redis' append-only file": "an article's part of the server's files",
    "in the archive": "an article's raw bytes in the archive",
    "in the journals": "an article's line in the journal",
}
_DAY = 86_400


def lines(figures: Mapping[str, Figure]) -> Iterator[str]:
    """The tables, as Markdown; nothing where the figures are missing."""
    if _CPU not in figures:
        return
    parts = figures[_CPU].parts
    each_ms, server_ms = sum(parts.values()), parts["server"]
    limit = 1000 / server_ms
    yield from ("| cores | articles/s | a day | what is busy first |", "|---|---|---|---|")
    for cores in CORES:
        rate = min(cores * 1000 / each_ms, limit)
        bottleneck = "all cores" if rate < limit else "the one core of the Redis server"
        yield f"| {cores} | {rate:,.0f} | {rate * _DAY / 1e6:,.0f} million | {bottleneck} |"
    yield ""
    yield (
        f"An article costs {each_ms:.2f} ms of CPU, of which the server's share is "
        f"{server_ms:.3f} ms. From {each_ms / server_ms:.0f} cores on the server is the limit: "
        "beyond it, give each stream a server of its own."
    )
    yield from _stored(figures)


def _stored(figures: Mapping[str, Figure]) -> Iterator[str]:
    stored = {where: figures[name].value for where, name in _STORED.items() if name in figures}
    if not stored:
        return
    yield from ("", "| an article of 11 KB | bytes | a million articles a day |", "|---|---|---|")
    for where, size in stored.items():
        yield f"| {where} | {size:,.0f} | {size / 1000:,.1f} GB a day |"
