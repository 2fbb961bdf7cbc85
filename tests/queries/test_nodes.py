"""Nodes: what several state directories on one stream report, and what a person sees of them."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.servers import Server
from tests.world import World, article
from worker.actions.nodes import forget_node
from worker.errors import UsageError
from worker.queries.status.nodes import NodeStatus
from worker.queries.status.overview import get_overview
from worker.queries.status.problem import Problem
from worker.settings.clock import utc_now
from worker.store.factory import heartbeats, node_store
from worker.store.layout import DAY, Layout
from worker.store.service_nodes import NodeReport
from worker.store.workers import WorkerInfo
from worker.taskqueue.heartbeat import describe_node


@pytest.fixture
def one(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "one", redis_server.url, node_name="alpha")


@pytest.fixture
def two(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "two", redis_server.url, node_name="beta")


def report(world: World, seconds_ago: float = 0, **changes: object) -> NodeReport:
    """A report as the heartbeat of a worker of `world` stores it, made `seconds_ago`."""
    store = node_store(world.settings)
    made = store.report(replace(describe_node(world.settings), **changes))  # type: ignore[arg-type]
    if seconds_ago or changes:
        old = replace(made, last_seen_ms=made.last_seen_ms - int(1000 * seconds_ago), **changes)  # type: ignore[arg-type]
        write(world, old)
    return made


def write(world: World, stored: NodeReport) -> None:
    key = Layout(world.settings.stream.name, 1).key("nodes")
    world.context.redis.hset(key, stored.id, orjson.dumps(stored))  # type: ignore[arg-type]


def work(world: World) -> None:
    """A worker and a scheduler of `world` at work."""
    node = report(world)
    beats = heartbeats(world.settings)
    beats.beat(WorkerInfo(f"newsdrop@{node.name}", 7, node.host, 3, 1, node=node.id))
    beats.record_tick()


def nodes(world: World) -> dict[str, NodeStatus]:
    found = get_overview(world.settings, utc_now()).status.nodes
    assert found is not None
    return {node.name: node for node in found}


def problems(world: World) -> dict[str, Problem]:
    return {one.name: one for one in get_overview(world.settings, utc_now()).problems}


def test_each_node_shows_all(one: World, two: World) -> None:
    """Files, workers and processes of one node are shown and counted on the other."""
    for name in ("a", "b"):
        two.put(f"{name}.md", article(name))
    two.scan()
    work(one)
    work(two)
    assert (list(nodes(one)), list(nodes(two))) == (["alpha", "beta"], ["beta", "alpha"])
    beta = nodes(one)["beta"]
    assert (beta.files, beta.batches, beta.workers, beta.processes) == (2, 1, 1, 3)
    assert (beta.state, beta.is_here) == ("working", False)
    files = get_overview(one.settings, utc_now()).status.files
    assert (files.accepted, files.waiting, files.elsewhere) == (2, 0, 2)
    files = get_overview(two.settings, utc_now()).status.files
    assert (files.accepted, files.waiting, files.elsewhere) == (2, 2, 0)
    assert problems(one) == problems(two) == {}


def test_a_silent_node_is_shown_with_its_batches(one: World, two: World) -> None:
    """After half a minute without a report; a node that ended in good order is not a problem."""
    work(one)
    report(two, 300, batches=12, files=600)
    found = problems(one)["silent node"]
    assert found.text == (
        "The node beta has been silent for 5 minutes: its 12 batches wait for it."
    )
    assert "newsdrop nodes forget beta" in found.advice
    assert nodes(one)["beta"].state == "silent"
    report(two, 2, batches=1, files=1, has_ended=True)
    assert problems(one)["silent node"].text.endswith("its only batch waits for it.")
    report(two, 2, has_ended=True)
    assert problems(one) == {}
    assert nodes(one)["beta"].state == "ended"


def test_workers_and_ticks_of_another_node_do_not_help_here(one: World, two: World) -> None:
    """Another node has no worker for the files here, and no scheduler for the folders here."""
    report(one)
    work(two)
    assert list(problems(one)) == ["workers"]
    beats = heartbeats(one.settings)
    beats.beat(WorkerInfo("newsdrop@alpha", 8, "here", 3, 1, node=report(one).id))
    assert list(problems(one)) == ["beat"]


def test_a_directory_without_a_service_shows_the_others(one: World, two: World) -> None:
    """Where only commands run, no worker is missing."""
    work(two)
    assert problems(one) == {}
    assert list(nodes(one)) == ["beta"]


def test_a_wrong_clock_is_a_problem(one: World) -> None:
    """10 minutes off, with the direction; seconds are not worth a word."""
    work(one)
    report(one, ahead_ms=600_000)
    assert problems(one)["clock"].text == (
        "The clock of the node alpha is 10 minutes ahead of that of Redis."
    )
    report(one, ahead_ms=-600_000)
    assert "10 minutes behind" in problems(one)["clock"].text
    report(one, ahead_ms=5_000)
    assert problems(one) == {}


def test_a_node_is_forgotten(one: World, two: World) -> None:
    """By its name, or the beginning of its id; not while it is working."""
    work(one)
    silent = report(two)
    with pytest.raises(UsageError, match="beta is working"):
        forget_node(one.settings, "beta")
    report(two, 300)
    assert forget_node(one.settings, silent.id[:8]).id == silent.id
    assert list(nodes(one)) == ["alpha"]
    with pytest.raises(UsageError, match="no node is named beta"):
        forget_node(one.settings, "beta")


def test_a_node_that_left_nothing_goes_by_itself(one: World, two: World) -> None:
    """After a day of silence; not one with files."""
    work(one)
    report(two, DAY + 60)
    assert list(nodes(one)) == ["alpha"]
    report(two, DAY + 60, files=1, batches=1)
    assert list(nodes(one)) == ["alpha", "beta"]


def test_two_nodes_of_one_name(one: World, tmp_path: Path) -> None:
    """The id distinguishes them."""
    other = World(tmp_path / "other", one.settings.redis.url, node_name="alpha")
    report(one, 300)
    silent = report(other, 300)
    assert f"alpha ({silent.id[:8]})" in nodes(one), "series of metrics have different names"
    with pytest.raises(UsageError, match="2 nodes are named alpha"):
        forget_node(one.settings, "alpha")


@pytest.mark.parametrize(
    "changes",
    [
        *({"last_seen_ms": "x"}, {"last_seen_ms": 2**63 - 1}, {"name": None}, {"files": "9"}),
        *({"ahead_ms": []}, {"id": []}, {"host": {}}, {"has_ended": "no"}),
    ],
    ids=str,
)
def test_a_report_with_wild_values_is_passed_over(one: World, changes: dict[str, object]) -> None:
    """What another program wrote costs its own report, and no status of the other nodes."""
    work(one)
    key = Layout(one.settings.stream.name, 1).key("nodes")
    stored = {**orjson.loads(orjson.dumps(report(one))), "id": "wild", "name": "wild", "files": 1}
    one.context.redis.hset(key, "wild", orjson.dumps(stored | changes))
    assert set(nodes(one)) == {"alpha"}
