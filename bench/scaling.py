"""What several hosts reach, on paper: docs/scaling.md's tables, computed from measured parts.

Workers of all hosts use any core; one Redis server runs scripts on one. So `n` hosts give
``n * cores / cpu`` articles/s, and never more than ``1 / server``; pages also cost the network.
What is assumed and not measured is a constant here, and stands on the page.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.figure import Figure

HOSTS = (1, 4, 16)
CORES = 16
"""Cores of a host."""
PAGE_KB, FEED_KB, LINE_MBIT = 100, 40, 1000
"""Bytes of a page and of a feed's document as they cross the network, and a host's line."""
POLLS_A_DAY, POLL_CORES = 48, 2
"""Polls of a feed (the mean of adapted intervals); the cores that their rate was measured on."""
BACK_FILL = 100_000_000
"""Pages of a large archive, as CC-NEWS has in some months."""

_ARTICLE = "CPU an article of 11 KB"
_PAGE = "whole pages read by one core, no site rule"
_POLL = "second poll, one new entry of 50"
_WAKE_UP = "CPU a wake-up over one Redis"
_HOSTS = "articles for each second of CPU, {} hosts against one"
_DAY, _YEAR = 86_400, 365
_BYTES = {
    "archive, raw bytes": "an article's raw bytes in the archive",
    "archive, journals": "an article's line in the journal",
    "Redis' memory, while in the stream": "an article's part of the server's memory",
    "Redis' append-only file": "an article's part of the server's files",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `per_second` of something, because of `what`."""

    what: str
    per_second: float


def lines(figures: Mapping[str, Figure]) -> Iterator[str]:
    """The tables, as Markdown; rows whose figures were not measured are left out."""
    if _ARTICLE not in figures:
        return
    parts = figures[_ARTICLE].parts
    worker_ms, server_ms = parts["worker"] + parts["enqueue"], parts["server"]
    page_ms = 1000 / figures[_PAGE].value + worker_ms if _PAGE in figures else 0
    poll_ms = 1000 * POLL_CORES / figures[_POLL].value if _POLL in figures else 0
    yield from ("| part | cost | from |", "|---|---|---|")
    yield f"| an article of a mirror, in the workers | {worker_ms:.2f} ms of CPU | `speed` |"
    yield f"| an article, in the Redis server | {server_ms:.3f} ms of its one core | `speed` |"
    if page_ms:
        text = "a page whose article is found without a site rule, in the workers"
        yield f"| {text} | {page_ms:.1f} ms of CPU | `fulltext`, `speed` |"
        yield f"| a page, on the line | {PAGE_KB} kB | assumed |"
    if poll_ms:
        text = "a poll with one new entry of 50, in the workers"
        yield f"| {text} | {poll_ms:.1f} ms of CPU | `feeds` |"
        yield f"| a feed's document, on the line | {FEED_KB} kB | assumed |"
    if _WAKE_UP in figures:
        text = "a wake-up, for up to a second of work"
        yield f"| {text} | {figures[_WAKE_UP].value:.1f} ms of CPU | `brokers` |"
    yield from ("", *_reach(worker_ms, server_ms, page_ms, poll_ms), *_kept(figures))


def checked(figures: Mapping[str, Figure]) -> Iterator[str]:
    """How the rates of several workers on one machine agree with the model."""
    found = {n: figures[name] for n in range(2, 9) if (name := _HOSTS.format(n)) in figures}
    if not found:
        return
    one = next(iter(found.values())).parts["1 hosts"]
    yield from ("| hosts | articles for each second of CPU | against one host |", "|---|---|---|")
    yield f"| 1 | {one:,.0f} | |"
    for number, figure in found.items():
        yield f"| {number} | {figure.parts[f'{number} hosts']:,.0f} | {figure.measured} |"


def _reach(worker_ms: float, server_ms: float, page_ms: float, poll_ms: float) -> Iterator[str]:
    polled = f"feeds at {POLLS_A_DAY} polls a day"
    yield f"| {CORES} cores each | mirrors | {polled} | CC-NEWS, full text |"
    yield "|---|---|---|---|"
    for hosts in HOSTS:
        cores = Limit("cores", hosts * CORES * 1000 / worker_ms)
        server = Limit("the Redis server", 1000 / server_ms)
        cells = [_cell(_first(cores, server), _DAY, "articles a day"), *2 * ["not measured"]]
        if poll_ms:
            line = Limit("lines", hosts * LINE_MBIT * 125 / FEED_KB)
            found = _first(Limit("cores", hosts * CORES * 1000 / poll_ms), line, server)
            cells[1] = _cell(found, _DAY / POLLS_A_DAY, "feeds")
        if page_ms:
            line = Limit("lines", hosts * LINE_MBIT * 125 / PAGE_KB)
            found = _first(Limit("cores", hosts * CORES * 1000 / page_ms), line, server)
            hours = BACK_FILL / found.per_second / 3600
            each = f"{BACK_FILL // 10**6} million pages in {hours:,.1f} hours"
            cells[2] = f"{found.per_second:,.0f} pages/s, {each} ({found.what})"
        yield f"| {hosts} host{'s' if hosts > 1 else ''} | {' | '.join(cells)} |"
    yield ""
    yield (
        "In brackets is what is busy first. One Redis server is enough for "
        f"{1000 / server_ms:,.0f} articles/s: {worker_ms / server_ms:.0f} cores of workers keep it "
        "busy with articles of mirrors"
        + (f", {page_ms / server_ms:,.0f} with pages." if page_ms else ".")
    )


def _first(*limits: Limit) -> Limit:
    return min(limits, key=lambda limit: limit.per_second)


def _cell(limit: Limit, factor: float, unit: str) -> str:
    millions = limit.per_second * factor / 1e6
    return f"{limit.per_second:,.0f}/s, {millions:,.1f} million {unit} ({limit.what})"


def _kept(figures: Mapping[str, Figure]) -> Iterator[str]:
    """What a million articles a day take in a year."""
    rows = {where: figures[name].value for where, name in _BYTES.items() if name in figures}
    index = [figure.value for name, figure in figures.items() if name.startswith("index, bytes")]
    if index:
        rows["Redis' memory, the index"] = index[-1]
    if not rows:
        return
    yield from ("", "| an article of 11 KB | bytes | a million a day, a year |", "|---|---|---|")
    for where, size in rows.items():
        yield f"| {where} | {size:,.0f} | {size * _YEAR / 1e6:,.2f} TB |"
