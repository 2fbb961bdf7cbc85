"""Batches of folders that left the configuration are still processed."""

import shutil
from pathlib import Path

from tests.servers import Server
from tests.world import World, article
from worker.queries.audit import audit
from worker.spool.layout import ROOT_LIST, register_root, registered_roots, roots


def test_batches_of_another_folder_are_published(tmp_path: Path, redis_server: Server) -> None:
    """`up --drop A`, killed with a waiting batch; then `up` without A publishes it."""
    state, former = tmp_path / "state", tmp_path / "A"
    former.mkdir()
    before = World(state, redis_server.url, folder={"path": str(former)})
    (former / "a.md").write_bytes(article())
    before.scan()
    assert len(before.waiting()) == 1

    after = World(state, redis_server.url)
    found = audit(after.settings)
    assert (found.accepted, found.waiting, found.unaccounted) == (1, 1, 0)
    after.run()
    assert len(after.entries()) == 1
    assert audit(after.settings).published == 1


def test_a_removed_root_is_ignored(tmp_path: Path, redis_server: Server) -> None:
    """And so is an incomplete line."""
    state, former = tmp_path / "state", tmp_path / "A"
    former.mkdir()
    World(state, redis_server.url, folder={"path": str(former)}).scan()
    with (state / ROOT_LIST).open("a") as file:
        file.write('"/cut')
    register_root(state, tmp_path / "B" / ".newsdrop")
    assert registered_roots(state) == (former / ".newsdrop", tmp_path / "B" / ".newsdrop")
    shutil.rmtree(former)
    after = World(state, redis_server.url)
    assert [root.path for root in roots(after.settings)] == [
        after.drop_dir / ".newsdrop",
        state / "spool",
    ]
    after.run()


def test_a_root_is_registered_once(tmp_path: Path, redis_server: Server) -> None:
    """However often, and by however many processes."""
    for _ in range(3):
        world = World(tmp_path / "state", redis_server.url)
        world.scan()
        world.scan()
    assert (tmp_path / "state" / ROOT_LIST).read_text().count(".newsdrop") == 1
    assert len(roots(world.settings)) == 2
