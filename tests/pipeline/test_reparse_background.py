"""The reparse that the workers run in slices, as a person ordered it."""

import os
import signal
from pathlib import Path

import pytest

from tests.pipeline.test_revisions import RULE
from tests.servers import Server
from tests.world import World, article, in_child
from worker.actions.reparse import cancel_reparse, order_reparse, publish_reparsed
from worker.errors import AlreadyThere, NotThere, UsageError
from worker.pipeline.reparse import background
from worker.pipeline.reparse.background import BackgroundRun, read_order, run_slice
from worker.pipeline.reparse.run import _Run
from worker.settings.clock import utc_now


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    """Three published articles; by a rule that came since, the titles of two would differ."""
    rules = tmp_path / "sites"
    rules.mkdir()
    found = World(tmp_path, redis_server.url, sites_dir=str(rules))
    for number in range(3):
        found.put(f"{number}.md", article(f"消息{number}" + "（快讯）" * (number < 2)))
        found.run()
    (rules / "sina.toml").write_text(RULE)
    return World(tmp_path, redis_server.url, sites_dir=str(rules))


def work(world: World) -> BackgroundRun | None:
    run_slice(world.context, lambda: None)
    return read_order(world.settings.state_dir)[1]


def order(world: World, since: str = "", *, publish: bool = False) -> None:
    order_reparse(world.settings, "", since, utc_now(), publish=publish)


def test_what_differs_is_counted_then_published(world: World) -> None:
    """Differences are published once that is ordered; a second order waits for the first."""
    with pytest.raises(NotThere):
        publish_reparsed(world.settings, utc_now())
    order(world)
    with pytest.raises(AlreadyThere):
        order(world)
    run = work(world)
    assert run is not None
    assert run.finished_at
    assert (run.state.result.articles, run.state.result.fields) == (3, {"title": 2})
    assert len(world.entries()) == 3
    publish_reparsed(world.settings, utc_now())
    run = work(world)
    assert run is not None
    world.drain()
    assert [one["data"]["title"] for one in world.entries()[3:]] == ["消息0", "消息1"]
    order(world)
    run = work(world)
    assert run is not None
    assert (run.state.result.changed, run.state.result.unchanged) == (0, 3)


def test_a_slice_continues_where_the_last_one_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No segment is read twice; while work waits a slice is short."""
    answers = iter((False, True) * 4)
    monkeypatch.setattr(background, "is_full", lambda _: next(answers))
    order(world)
    counts = []
    for _ in range(4):
        run = work(world)
        assert run is not None
        counts.append((run.state.result.articles, bool(run.finished_at)))
    assert counts == [(1, False), (2, False), (3, False), (3, True)]
    monkeypatch.undo()
    monkeypatch.setattr(background, "BUSY_SECONDS", 0)
    world.put("waits.md", article("等待"))
    world.scan()
    order(world)
    run = work(world)
    assert run is not None
    assert (run.state.result.articles, run.finished_at) == (0, "")


def test_a_slice_never_waits_for_the_workers(
    tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may run in the only worker process, so all batches of a segment are claimed."""
    rules = tmp_path / "sites"
    rules.mkdir()
    world = World(tmp_path, redis_server.url, sites_dir=str(rules))
    for number in range(3):
        world.put(f"{number}.md", article(f"消息{number}（快讯）"))
    world.run()
    (rules / "sina.toml").write_text(RULE)
    bounds = {"spool.batch_files": 1, "spool.max_waiting": 1}
    world = World(tmp_path, redis_server.url, sites_dir=str(rules), **bounds)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits"))
    order(world, publish=True)
    work(world)
    assert len(world.waiting()) == 3


def test_a_batch_that_ends_its_process_ends_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three killed processes at one segment the run is given up, and says so."""
    order(world)

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "read", die)
        for _ in range(background.MAX_ATTEMPTS):
            assert in_child(lambda: work(world)) == -signal.SIGKILL
    run = work(world)
    assert run is not None
    assert "again and again" in run.problem
    assert run.finished_at
    with pytest.raises(NotThere):
        publish_reparsed(world.settings, utc_now())


def test_an_order_is_ended_or_refused(world: World) -> None:
    """Ended, it is gone, and a new one begins at the front; a time that is none is refused."""
    with pytest.raises(UsageError, match="not a time"):
        order(world, "yesterday")
    with pytest.raises(NotThere):
        cancel_reparse(world.settings)
    order(world)
    work(world)
    cancel_reparse(world.settings)
    assert read_order(world.settings.state_dir) == (None, None)
    assert work(world) is None
    order(world, "12h")
    run = work(world)
    assert run is not None
    assert run.state.result.articles == 3
