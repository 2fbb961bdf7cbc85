"""Draining: a slice of time, sources in turn, and batches that cannot be ingested now."""

from pathlib import Path

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.errors import SpoolUnavailable
from worker.pipeline.batch.drain import DrainResult, drain
from worker.spool.batch import acquire


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    """Three batches of one file each."""
    world = World(tmp_path, redis_server.url, **{"spool.batch_files": 1})
    for name in "abc":
        world.put(f"{name}.md", article(f"第{name}篇"))
    world.scan()
    return world


def drained(world: World, times: list[float]) -> DrainResult:
    """Drain for one second, with a clock that returns `times`."""
    clock = iter(times)
    return drain(
        world.context.roots,
        world.context.deps,
        seconds=1.0,
        clock=lambda: next(clock),
    )


def test_a_slice_ends_when_its_time_is_over(world: World) -> None:
    """It reports waiting batches; the first batch is always ingested."""
    assert drained(world, [0.0, 0.5, 1.5, 2.0]) == DrainResult(2, has_more=True)
    assert len(world.waiting()) == 1
    assert drained(world, [10.0, 99.0, 99.0]) == DrainResult(1, has_more=False)


def test_a_batch_in_other_hands_is_passed_over(world: World) -> None:
    """A batch that another process holds is skipped, and the others are ingested."""
    name = world.waiting()[0]
    held = acquire(world.context.root("drop"), name)
    assert held is not None
    with held:
        assert drained(world, [0.0] * 9) == DrainResult(2, has_more=False)
        assert world.waiting() == [name]


def test_a_batch_that_cannot_be_used_holds_up_no_other(world: World) -> None:
    """Its error is raised after the others are done, so that the task reports it."""
    broken = world.waiting()[0]
    (world.context.root("drop").work / broken / "manifest").unlink()
    with pytest.raises(SpoolUnavailable, match="manifest"):
        drained(world, [0.0] * 9)
    assert world.waiting() == [broken]
