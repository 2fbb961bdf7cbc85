"""What Redis forgets when it dies is published again, wherever its batch is at that moment.

Each test has an external Redis that writes its file each second, kills it, cuts the file to its
size before, and starts it again; then no article may be missing or published twice.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server
from tests.world import World, article, in_child
from worker.pipeline.batch import run as batch_run
from worker.pipeline.recover import recover
from worker.queries.audit import audit
from worker.spool.archive import Archive
from worker.spool.journal import Journal

COUNT = 30


class CutServer:
    """A Redis that loses its writes since `mark`, which a child process may call."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._size = server.directory / "size"

    @property
    def _file(self) -> Path:
        [path] = self.server.directory.glob("appendonlydir/*.incr.aof")
        return path

    def mark(self) -> None:
        self._size.write_text(str(self._file.stat().st_size))

    def crash(self) -> None:
        self.server.kill()
        os.truncate(self._file, int(self._size.read_text()))
        self.server.start()


@pytest.fixture
def cut_server(own_server: Callable[..., Server]) -> CutServer:
    return CutServer(own_server(options=("--appendonly", "yes", "--appendfsync", "everysec")))


@pytest.fixture
def world(tmp_path: Path, cut_server: CutServer, monkeypatch: pytest.MonkeyPatch) -> World:
    """COUNT articles in one batch, each written to the journal as soon as it is published."""
    monkeypatch.setattr(batch_run.publisher, "MAX_ARTICLES", 1)
    world = World(tmp_path, cut_server.server.url)
    recover(world.context)
    for number in range(COUNT):
        world.put(f"{number}.md", article(f"第{number}条"))
    world.scan()
    return world


def check_complete(world: World) -> None:
    titles = [entry["data"]["title"] for entry in world.entries()]
    assert sorted(titles) == sorted(f"第{number}条" for number in range(COUNT))
    assert len({entry["id"] for entry in world.entries()}) == COUNT
    assert (world.totals().published, world.totals().duplicate) == (COUNT, 0)
    assert audit(world.settings).unaccounted == 0
    assert world.waiting() == []


def at_call(number: int, real: Callable[..., Any], act: Callable[[], object]) -> Callable[..., Any]:
    """`real`, with `act()` after its call of that number."""
    calls = iter(range(1, 10_000))

    def step(*args: Any, **keywords: Any) -> Any:
        result = real(*args, **keywords)
        if next(calls) == number:
            act()
        return result

    return step


def test_a_batch_of_a_dead_worker(
    world: World, cut_server: CutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has 20 finished entries of which Redis lost 15: the next worker publishes them
    again."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        monkeypatch.setattr(Journal, "add", at_call(5, Journal.add, cut_server.mark))
        monkeypatch.setattr(Journal, "add", at_call(20, Journal.add, die))
        world.drain()

    assert in_child(work) == -signal.SIGKILL
    cut_server.crash()
    assert len(world.entries()) < 10
    recover(world.context)
    world.drain()
    check_complete(world)


def test_a_batch_of_a_running_worker(
    world: World, cut_server: CutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis restarts between two calls of a worker, which publishes the rest again at the end."""

    def restart() -> None:
        cut_server.crash()
        recover(world.context)

    monkeypatch.setattr(Journal, "add", at_call(5, Journal.add, cut_server.mark))
    monkeypatch.setattr(Journal, "add", at_call(20, Journal.add, restart))
    world.drain()
    check_complete(world)


def test_a_batch_that_is_being_archived(
    world: World, cut_server: CutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis restarts while the segment is written: the batch's own worker publishes it again."""
    real = Archive.write

    def write(*args: Any) -> Any:
        cut_server.crash()
        recover(world.context)
        return real(*args)

    monkeypatch.setattr(Archive, "write", write)
    monkeypatch.setattr(Journal, "add", at_call(5, Journal.add, cut_server.mark))
    world.drain()
    check_complete(world)


def test_a_batch_whose_worker_died_after_archiving(
    world: World, cut_server: CutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next worker finds the segment and publishes what Redis lost of it."""

    def work() -> None:
        archive = world.context.deps.archive
        monkeypatch.setattr(type(archive), "write", at_call(1, Archive.write, die))
        monkeypatch.setattr(Journal, "add", at_call(5, Journal.add, cut_server.mark))
        world.drain()

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(work) == -signal.SIGKILL
    [segment] = world.context.deps.archive.segments()
    hidden = segment.journal_path.rename(world.settings.state_dir / "hidden")
    cut_server.crash()
    recover(world.context)
    hidden.rename(segment.journal_path)
    world.drain()
    check_complete(world)
