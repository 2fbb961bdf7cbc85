"""`python -m bench [--only NAME …] [--quick]`: a table of figures, and what changed since the last.

Ratios are of one run on one machine; figures of different machines cannot be compared. Without
`--quick` the figures go into the history (:mod:`bench.history`); `python -m bench.render` writes
docs/performance.md from it.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from bench import history
from bench.bigfolder import big_folder
from bench.bounds import bounds
from bench.brokers import brokers
from bench.buckets import buckets
from bench.consumer import consumer
from bench.feeds import feed_memory, feeds
from bench.figure import Figure
from bench.full_text import full_text
from bench.hosts import hosts
from bench.index import index
from bench.latency import latency
from bench.memory import memory
from bench.near import near
from bench.needs import needs
from bench.pages import pages
from bench.parsers import parsers
from bench.speed import samples, short, speed
from bench.up_memory import up_memory
from bench.warc import warc
from bench.web import web

_ALL: dict[str, Callable[[bool, Callable[[str], None]], list[Figure]]] = {
    "speed": speed,
    "short": short,
    "samples": samples,
    "bounds": bounds,
    "near": near,
    "latency": latency,
    "memory": memory,
    "upmemory": up_memory,
    "bigfolder": big_folder,
    "index": index,
    "feeds": feeds,
    "feedmemory": feed_memory,
    "parsers": parsers,
    "pages": pages,
    "fulltext": full_text,
    "needs": needs,
    "warc": warc,
    "web": web,
    "consumer": consumer,
    "buckets": buckets,
    "hosts": hosts,
    "brokers": brokers,
}


def main(arguments: Sequence[str]) -> int:
    """Measure the named parts, or everything; the exit code is 1 if a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", choices=_ALL, help="this part")
    parser.add_argument("--quick", action="store_true", help="small; not kept in the history")
    options = parser.parse_args(arguments)
    notes = Console(stderr=True, soft_wrap=True)
    load = round(os.getloadavg()[0], 2)
    notes.print(f"load average {load} before the first part")
    figures: list[Figure] = []
    for name in options.only or _ALL:
        part_figures = _ALL[name](options.quick, notes.print)
        figures += part_figures
        if not options.quick:
            history.add(part_figures, load)
    Console().print(_table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


def _table(figures: Sequence[Figure]) -> Table:
    head = ("figure", "measured", "must be", "", "change", "parts")
    table = Table(*head, box=None, header_style="dim")
    machine = history.machine_of()
    for figure in figures:
        verdict = "[green]reached[/]" if figure.reached else "[red]missed[/]"
        change = _change(figure, history.earlier(figure.name, machine))
        table.add_row(
            figure.name, figure.measured, figure.target, verdict, change, f"[dim]{figure.detail}[/]"
        )
    return table


def _change(figure: Figure, before: float | None) -> str:
    """Against the last commit measured on this machine; green where it is an improvement."""
    if not before:
        return ""
    share = figure.value / before - 1
    colour = "green" if (share < 0) == figure.is_low_good else "red"
    return f"[{colour if abs(share) >= 0.05 else 'dim'}]{share:+.0%}[/]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
