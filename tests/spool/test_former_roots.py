"""Batches accepted from a folder that is configured no more are worked on all the same."""

import shutil
from pathlib import Path

from tests.servers import Server
from tests.world import World, article
from worker.queries.audit import audit
from worker.spool.layout import ROOT_LIST, register_root, registered_roots, roots


def test_what_was_accepted_from_another_folder_is_published(
    tmp_path: Path, redis_server: Server
) -> None:
    """`up --drop A`, killed while a batch waited; then `up` without A: it is published, and the
    audit misses nothing meanwhile."""
    state, away = tmp_path / "state", tmp_path / "A"
    away.mkdir()
    before = World(state, redis_server.url, folder={"path": str(away)})
    (away / "a.md").write_bytes(article())
    before.scan()
    assert len(before.waiting()) == 1

    after = World(state, redis_server.url)
    found = audit(after.settings)
    assert (found.accepted, found.waiting, found.unaccounted) == (1, 1, 0)
    after.run()
    assert len(after.entries()) == 1
    assert audit(after.settings).published == 1


def test_a_folder_that_is_gone_is_no_place(tmp_path: Path, redis_server: Server) -> None:
    """A former folder that was removed, and a line cut off, stop nothing."""
    state, away = tmp_path / "state", tmp_path / "A"
    away.mkdir()
    World(state, redis_server.url, folder={"path": str(away)}).scan()
    with (state / ROOT_LIST).open("a") as file:
        file.write('"/cut')
    register_root(state, tmp_path / "B" / ".newsdrop")
    assert registered_roots(state) == (away / ".newsdrop", tmp_path / "B" / ".newsdrop")
    shutil.rmtree(away)
    after = World(state, redis_server.url)
    assert [root.path for root in roots(after.settings)] == [
        after.drop_dir / ".newsdrop",
        state / "spool",
    ]
    after.run()


def test_a_folder_is_noted_once(tmp_path: Path, redis_server: Server) -> None:
    """However often it is looked at, and by however many processes."""
    for _ in range(3):
        world = World(tmp_path / "state", redis_server.url)
        world.scan()
        world.scan()
    assert (tmp_path / "state" / ROOT_LIST).read_text().count(".newsdrop") == 1
    assert len(roots(world.settings)) == 2
