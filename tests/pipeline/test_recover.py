"""After a restart of Redis: what is looked up, by which process, and what is read again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.pipeline.recover import recover
from worker.spool.lockfile import acquire_slot


@pytest.fixture
def restarted(tmp_path: Path, own_server: Callable[..., Server]) -> World:
    """A world of two articles whose server restarted without losing anything."""
    server = own_server(appendonly=True)
    world = World(tmp_path, server.url)
    recover(world.context)
    world.put("a.md", article("甲"))
    world.put("b.md", article("乙"))
    world.run()
    server.kill()
    server.start()
    return world


def recorded_run_id(world: World) -> str:
    return (world.settings.state_dir / "redis-run-id").read_text()


def test_nothing_is_unpacked_where_nothing_was_lost(restarted: World) -> None:
    """The index is looked up before a raw file is read: unreadable files do not matter."""
    raws = list(restarted.settings.state_dir.glob("archive/*/*/*.tar.zst"))
    assert raws
    for raw in raws:
        raw.write_bytes(b"no archive")
    before = recorded_run_id(restarted)
    recover(restarted.context)
    assert recorded_run_id(restarted) != before
    assert len(restarted.entries()) == 2


def test_one_process_offers_and_the_others_go_on(restarted: World) -> None:
    """While one process replays, another neither replays nor waits."""
    before = recorded_run_id(restarted)
    with acquire_slot(restarted.settings.state_dir, "offer-again", 1):
        recover(restarted.context)
        assert recorded_run_id(restarted) == before
    recover(restarted.context)
    assert recorded_run_id(restarted) != before
