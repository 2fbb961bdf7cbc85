"""The bench runs to its end; its history, and the pages made from it."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from bench import (
    bigfolder,
    bounds,
    capacity,
    consumer,
    history,
    hosts,
    index,
    latency,
    ours,
    place,
    rate,
    render,
    scaling,
)
from bench.__main__ import _ALL, _change
from bench.figure import Figure, at_least, below, milliseconds

TINY = [
    (bounds, {"ARTICLES": 50}),
    (bigfolder, {"FILES": 300, "WATCHED": 100, "_WARM": 20}),
    (latency, {"EVERY": 0.01}),
    (consumer, {"RECORDS": 1000, "ROUNDS": 1}),
    (index, {"ARTICLES": 20_000}),
    (hosts, {"ARTICLES": 60, "ROUNDS": 1, "HOSTS": (1, 2), "WARM": 20}),
]
"""Parts of the bench, and constants with which they end within seconds."""

PARTS = {"worker": 0.5, "server": 0.1, "enqueue": 0.04}


@pytest.fixture
def commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty history; the last of the returned commits is the present one."""
    names = ["one"]
    monkeypatch.setattr(history, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(history, "commit_of_tree", lambda: names[-1])
    return names


def newest() -> dict[str, Figure]:
    return {name: figure for name, (figure, _) in history.newest(history.runs()).items()}


def cost(value: float) -> Figure:
    return below(render.PLOTTED, value, 0.65, milliseconds, PARTS)


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("part", "sizes"), TINY, ids=[part.__name__ for part, _ in TINY])
def test_a_part_comes_to_its_end(
    part: ModuleType, sizes: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part gives figures with few articles, and none of its waits is endless."""
    for module in (rate, ours):
        monkeypatch.setattr(module, "WARM", 20)
    monkeypatch.setattr(place, "PATIENCE", 90)
    for name, size in sizes.items():
        monkeypatch.setattr(part, name, size)
    run = _ALL[part.__name__.removeprefix("bench.")]
    assert all(figure.value >= 0 for figure in run(True, lambda _: None))


def test_a_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes true raises after PATIENCE."""
    monkeypatch.setattr(place, "PATIENCE", 0.1)
    with pytest.raises(TimeoutError, match="not within 0 s"):
        place.wait_until(lambda: False)


def test_a_worker_that_ends_fails_the_part(tmp_path: Path) -> None:
    """At once, with its log."""
    with pytest.raises(RuntimeError, match="ended at once"):  # noqa: SIM117
        with place.running(["false"], {}, tmp_path / "log") as worker:
            place.pool(worker, 1)


def test_the_history_has_one_run_a_commit(commits: list[str]) -> None:
    """Single parts are merged; changes are against the commit before, green where a cost fell."""
    history.add([cost(1.0), at_least("ratio", 4, 8)], 0.1)
    history.add([at_least("ratio", 5, 8)], 0.1)
    assert history.earlier("ratio", history.machine_of()) is None
    commits.append("two")
    history.add([cost(0.64)], 0.2)
    assert [run["commit"] for run in history.runs()] == ["one", "two"]
    assert [figure.value for figure in history.figures_of(history.runs()[0])] == [1.0, 5]
    assert history.earlier("ratio", history.machine_of()) == 5
    assert history.earlier("ratio", {"processor": "another"}) is None
    assert _change(cost(0.64), 1.0) == "[green]-36%[/]"
    assert _change(at_least("ratio", 4, 8), 5) == "[red]-20%[/]"


def test_the_page_and_the_plot_are_made_of_the_history(commits: list[str]) -> None:
    """Each figure is in the table; the plot is well-formed; rendering twice changes nothing."""
    history.add([cost(0.64), replace(cost(3.2), name=render.PEER, parts={"worker": 3.2})], 0.1)
    page = render.page(render.PAGE.read_text("utf-8"), history.runs())
    assert "| CPU an article of 11 KB | 0.64 ms | < 0.65 ms | worker 0.5, server 0.1" in page
    assert render.page(page, history.runs()) == page
    picture = ElementTree.fromstring(render.plot(history.runs()))
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == ["one", "20.0 %"]


def test_capacity_ends_at_the_server(commits: list[str]) -> None:
    """Rates grow with the cores until the server's one core is busy."""
    history.add([cost(0.64)], 0.1)
    rows = [line for line in capacity.lines(newest()) if line.startswith("| ")][1:]
    assert rows[0].startswith("| 2 | 3,125 | 270 million | all cores")
    assert rows[2].startswith("| 16 | 10,000 | 864 million | the one core of the Redis server")


def test_the_page_is_new() -> None:
    """docs/performance.md and its plot are what `python -m bench.render` writes."""
    if not (runs := history.runs()):
        pytest.skip("nothing was measured yet")
    page = render.PAGE.read_text("utf-8")
    assert render.page(page, runs) == page
    assert render.PLOT.read_text("utf-8") == render.plot(runs)


def test_scaling_ends_at_what_is_busy_first(commits: list[str]) -> None:
    """At the server's one core; unmeasured parts have no row, and a partial run removes none."""
    history.add([cost(0.64)], load=0.1)
    rows = [line for line in scaling.lines(newest()) if " host" in line]
    assert [row.count("the Redis server") for row in rows[-3:]] == [1, 1, 1]
    assert all("not measured" in row for row in rows)
    commits.append("two")
    pages = Figure("whole pages read by one core, no site rule", "", "", True, 40.0)
    history.add([pages], load=0.1)
    rows = [line for line in scaling.lines(newest()) if "million pages in" in line]
    busy = [row.rpartition("(")[2].rstrip(") |") for row in rows]
    assert busy == ["cores", "cores", "the Redis server"]
    assert list(capacity.lines(newest()))
