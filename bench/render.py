"""`python -m bench.render`: writes the tables and the plot of the documents."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from bench import capacity, history, scaling
from bench.history import Run
from bench.place import ROOT

PAGE = ROOT / "docs" / "performance.md"
SCALING = ROOT / "docs" / "scaling.md"
PLOT = ROOT / "docs" / "images" / "performance.svg"
PLOTTED = "CPU an article of 11 KB"
PEER = "CPU an article of 11 KB, the plain Celery script"
SHOWN_RUNS = 12

_BLOCK = r"(?<=<!-- {} -->\n).*?(?=<!-- to here -->)"
_COLOURS = {"worker": "#3b6fb6", "server": "#c8553d", "enqueue": "#7a9e3f"}
_BAR, _LEFT, _WIDTH = 26, 190, 460  # pixels


def main() -> None:
    """Write the pages and the plot, once something was measured."""
    runs = history.runs()
    if not runs:
        return
    for path in (PAGE, SCALING):
        path.write_text(page(path.read_text("utf-8"), runs), encoding="utf-8")
    PLOT.write_text(plot(runs), encoding="utf-8")


def page(text: str, runs: Sequence[Run]) -> str:
    """`text`, a whole document, with its tables made of `runs`."""
    figures = {name: figure for name, (figure, _) in history.newest(runs).items()}
    blocks = {
        "figures": list(_table(runs)),
        "capacity": list(capacity.lines(figures)),
        "scaling": list(scaling.lines(figures)),
        "hosts": list(scaling.checked(figures)),
    }
    for name, lines in blocks.items():
        made = "\n".join(("", *lines, "", "")).replace("\\", r"\\")  # of a template
        pattern = re.compile(_BLOCK.format(name), re.DOTALL)
        text = pattern.sub(made, text, count=1)
    return text


def _table(runs: Sequence[Run]) -> Iterator[str]:
    """The newest value of each figure that the newest machine has."""
    last = runs[-1]
    machine = last["machine"]
    yield (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"Python {machine['python']}."
    )
    yield ""
    yield "| figure | measured | must be | parts | commit | load before |"
    yield "|---|---|---|---|---|---|"
    for figure, run in history.newest(runs).values():
        value = figure.measured if figure.reached else f"**{figure.measured}**"
        source = f"`{run['commit']}` | {run['load']}"
        yield f"| {figure.name} | {value} | {figure.target} | {figure.detail} | {source} |"


def plot(runs: Sequence[Run]) -> str:
    """CPU an article by commit, in parts, as percent of the peer's in the same run, because
    machines differ; a standalone SVG."""
    rows = [(run["commit"], _percent(run, PLOTTED)) for run in runs
            if {PLOTTED, PEER} <= run["figures"].keys()][-SHOWN_RUNS:]  # fmt: skip
    peers = [_percent(run, PEER) for run in runs if PEER in run["figures"]]
    rows += [("plain Celery script", parts) for parts in peers[-1:]]
    height = _BAR * (len(rows) + 2)
    shapes = [shape for at, row in enumerate(rows) for shape in _bar(at, *row)]
    for at, (name, colour) in enumerate(_COLOURS.items()):
        x, y = _LEFT + 110 * at, height - _BAR
        shapes += (_box(x, y, 12, colour), _label(x + 18, y + 14, name))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="13"><title>CPU an article of 11 KB, in percent of '
        f"the plain Celery script's in the same run</title>\n{chr(10).join(shapes)}\n</svg>\n"
    )


def _percent(run: Run, name: str) -> dict[str, float]:
    whole = sum(run["figures"][PEER]["parts"].values())
    return {part: 100 * value / whole for part, value in run["figures"][name]["parts"].items()}


def _bar(at: int, name: str, parts: dict[str, float]) -> Iterator[str]:
    x, y = float(_LEFT), at * _BAR + 4
    yield _label(8, y + 14, name)
    for part, value in parts.items():
        width = value / 100 * _WIDTH
        yield _box(x, y, width, _COLOURS[part])
        x += width
    yield _label(x + 6, y + 14, f"{sum(parts.values()):.1f} %")


def _box(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR - 8}" fill="{colour}"/>'


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" fill="#777">{escape(text)}</text>'


if __name__ == "__main__":
    main()
