"""After a restart of Redis: what is asked, who asks, and what is read again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.pipeline.recover import recover
from worker.spool.lockfile import acquire_slot


@pytest.fixture
def restarted(tmp_path: Path, own_server: Callable[..., Server]) -> World:
    """A world of two articles whose server came back with all that it had."""
    server = own_server(appendonly=True)
    world = World(tmp_path, server.url)
    recover(world.context)
    world.put("a.md", article("甲"))
    world.put("b.md", article("乙"))
    world.run()
    server.kill()
    server.start()
    return world


def noted(world: World) -> str:
    return (world.settings.state_dir / "redis-run-id").read_text()


def test_nothing_is_unpacked_where_nothing_was_lost(restarted: World) -> None:
    """The index is asked before a raw file is read: files that cannot be read do not matter."""
    raws = list(restarted.settings.state_dir.glob("archive/*/*/*.tar.zst"))
    assert raws
    for raw in raws:
        raw.write_bytes(b"no archive")
    before = noted(restarted)
    recover(restarted.context)
    assert noted(restarted) != before
    assert len(restarted.entries()) == 2


def test_one_process_offers_and_the_others_go_on(restarted: World) -> None:
    """Whoever comes while another offers does not do so too, and does not wait for it."""
    before = noted(restarted)
    with acquire_slot(restarted.settings.state_dir, "offer-again", 1):
        recover(restarted.context)
        assert noted(restarted) == before
    recover(restarted.context)
    assert noted(restarted) != before
