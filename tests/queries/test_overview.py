"""The overview: active processes, articles by minute, disk, memory, and its own cost."""

import asyncio
import os
import signal
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.http_server import Reply, Request, Web
from tests.newsroom import feed, newsroom
from tests.servers import Server
from tests.world import World, article
from worker.model import DECISIONS
from worker.queries.status.disk import size_caches
from worker.queries.status.overview import Overview, get_overview
from worker.settings import MEGABYTE
from worker.settings.clock import utc_now
from worker.spool.batch import acquire
from worker.spool.layout import manual_root
from worker.spool.lockfile import acquire_slot
from worker.store.counters import Minute
from worker.store.workers import Heartbeats, WorkerInfo


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "state", redis_server.url)


def _now(world: World) -> Overview:
    return get_overview(world.settings, utc_now())


def _enqueue(world: World, count: int) -> None:
    folder = world.settings.state_dir / "mine"
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.md").write_bytes(article(f"第{number}篇"))
    assert world.enqueue(folder) == count


def _take(world: World) -> None:
    """Hold the first waiting batch until this process ends."""
    root = manual_root(world.settings)
    batch = acquire(root, world.waiting()[0])
    assert batch is not None
    signal.pause()


class Child:
    """A forked process that holds something, and may be killed."""

    def __init__(self, world: World) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _take(world)
            finally:
                os._exit(1)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def test_a_process_that_holds_a_batch_is_active_until_it_dies(world: World) -> None:
    """With worker, process, batch and job."""
    me = WorkerInfo("newsdrop@here-1", os.getpid(), socket.gethostname(), 3, 1)
    Heartbeats(world.context.redis, stream=world.settings.stream.name).beat(me)
    _enqueue(world, 3)
    assert _now(world).working == ()
    before = utc_now()
    child = Child(world)
    try:
        end = time.monotonic() + 30
        while not (found := _now(world)).working and time.monotonic() < end:
            time.sleep(0.02)
        (one,) = found.working
        assert (one.what, one.worker, one.host) == ("ingest", me.name, me.host)
        assert (one.pid, one.process_pid) == (os.getpid(), child.pid)
        assert (one.source, one.job, one.files) == ("manual", "job-1", 3)
        assert one.batch == world.waiting()[0]
        since = datetime.fromisoformat(one.since)
        assert abs((since - before).total_seconds()) < 60
        assert (found.status.files.working, found.status.files.waiting) == (3, 0)
    finally:
        child.kill()
    found = _now(world)
    assert found.working == ()
    assert (found.status.files.working, found.status.files.waiting) == (0, 3)


def test_a_fetching_process_shows_its_count(world: World) -> None:
    """It holds a slot and reports how many fetches are in flight."""
    with acquire_slot(world.settings.state_dir, "fetch", 2) as mine:
        assert mine is not None
        mine.report(12)
        (one,) = _now(world).working
        began = one.since
        assert (one.what, one.files, one.batch, one.process_pid) == ("fetch", 12, None, os.getpid())
        time.sleep(0.01)
        mine.report(1)
        (one,) = _now(world).working
        assert (one.files, one.since) == (1, began)
    assert _now(world).working == ()


def test_a_full_disk_does_not_stop_fetching(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot works without the line about its holder."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    _enqueue(world, 1)
    monkeypatch.setattr("worker.spool.lockfile.os.pwrite", full)
    world.drain()
    assert world.totals().published == 1


def test_minutes_are_those_of_the_articles(world: World) -> None:
    """Every minute is listed, and the last two have the new articles."""
    _enqueue(world, 5)
    world.put("empty.md", b"")
    world.run()
    minutes = get_overview(world.settings, utc_now(), 30).minutes
    assert len(minutes) == 30
    assert all(isinstance(one, Minute) for one in minutes)
    assert sum(one.published for one in minutes[-2:]) == 5
    assert sum(one.rejected for one in minutes[-2:]) == 1


def test_disk_and_memory(world: World) -> None:
    """Bytes of spool and archive, and Redis' memory."""
    _enqueue(world, 5)
    size = len(article("第0篇"))
    found = _now(world)
    assert found.disk.spool == 5 * size
    assert found.disk.archive == 0
    assert found.disk.whole
    assert found.disk.least == MEGABYTE
    assert found.disk.free is not None
    assert found.disk.total is not None
    assert 0 < found.disk.free < found.disk.total
    world.drain()
    found = _now(world)
    kept_files = list((world.settings.state_dir / "archive").rglob("*.*"))
    assert found.disk.spool == 0
    assert found.disk.archive == sum(path.stat().st_size for path in kept_files) > 0
    assert found.memory is not None
    assert found.memory.used > 0


def test_moved_files_are_added_up(world: World) -> None:
    """The manifest does not have their sizes."""
    for number in range(7):
        world.put(f"{number}.md", b"x" * 100)
    world.scan()
    found = _now(world)
    assert (found.status.files.waiting, found.disk.spool) == (7, 700)


def test_a_batch_that_grows_or_shrinks_is_counted_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count is remembered only while its folder is unchanged and stable."""
    for number in range(3):
        world.put(f"{number}.md", b"x")
    world.scan()
    (folder,) = (world.drop_dir / ".newsdrop" / "work").iterdir()
    past = time.time() - 100
    os.utime(folder, (past, past))
    assert _now(world).status.files.waiting == 3
    listed: list[str] = []
    listdir = os.listdir

    def counting(path: str) -> list[str]:
        listed.append(str(path))
        return listdir(path)

    monkeypatch.setattr("worker.spool.waiting.os.listdir", counting)
    assert _now(world).status.files.waiting == 3
    assert str(folder) not in listed, "it was known"
    (folder / "1").unlink()
    assert _now(world).status.files.waiting == 2
    # Changed within the tick in which it was counted: its time says nothing, then or later.
    now = time.time()
    os.utime(folder, (now, now))
    assert _now(world).status.files.waiting == 2
    (folder / "2").unlink()
    os.utime(folder, (now, now))
    monkeypatch.setattr("worker.spool.folder_cache._STABLE_NS", 0)
    assert _now(world).status.files.waiting == 1


def test_a_large_archive_is_added_up_in_several_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call continues where the last one ended, and reports an incomplete sum."""
    for day in range(1, 29):
        folder = world.settings.state_dir / "archive" / f"202111{day:02d}" / "drop"
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_bytes(b"x" * 100)
    monkeypatch.setattr(size_caches(world.settings.state_dir).archive, "budget_seconds", 0.0)
    disk = _now(world).disk
    assert (disk.archive, disk.whole) == (0, False)
    monkeypatch.setattr(size_caches(world.settings.state_dir).archive, "budget_seconds", 60.0)
    disk = _now(world).disk
    assert (disk.archive, disk.whole) == (2800, True)
    monkeypatch.setattr(size_caches(world.settings.state_dir).archive, "budget_seconds", 0.0)
    disk = _now(world).disk
    assert (disk.archive, disk.whole) == (2800, True), "it is remembered"


def test_the_next_turn_of_a_schedule_and_of_a_feed(tmp_path: Path, redis_server: Server) -> None:
    """A folder's cron time, and the next poll of a feed that had articles."""
    folder = {"schedule": "0 9 * * *", "time_zone": "Asia/Shanghai"}
    world = World(tmp_path / "state", redis_server.url, folder=folder)
    world.context.redis.zadd("{newsdrop:articles}:feeds", {"harbour": 1_637_929_564_000})
    tally = replace(world.totals(), published=1)
    world.context.counter_store.settle("b-1", source="harbour", job=None, tally=tally)
    world.context.counter_store.settle("b-2", source="manual", job=None, tally=tally)
    now = datetime(2021, 11, 26, tzinfo=UTC)
    turns = {one.name: one.next_turn for one in get_overview(world.settings, now).status.sources}
    assert turns == {
        "drop": "2021-11-26T01:00:00.000Z",
        "harbour": "2021-11-26T12:26:04.000Z",
        "manual": None,
    }


def test_plain_has_the_fields_of_the_status(world: World) -> None:
    """And the other fields of the overview beside them, as `--json` prints them."""
    _enqueue(world, 1)
    plain = _now(world).plain()
    assert plain["files"]["waiting"] == 1
    assert plain["problems"][0]["name"] == "workers"
    assert set(plain["minutes"][-1]) == {"at_ms", *DECISIONS}
    assert plain["disk"]["whole"] is True
    assert plain["memory"]["max"] == 0
    assert plain["working"] == []


def test_a_hanging_fetch_is_shown(tmp_path: Path, redis_server: Server, web: Web) -> None:
    """While a server does not answer, the overview shows one fetch, afterwards none."""
    world = newsroom(tmp_path / "state", redis_server, web)
    requested, let_go = threading.Event(), threading.Event()

    async def hangs(_: Request) -> Reply:
        requested.set()
        await asyncio.to_thread(let_go.wait, 60)
        return feed(1)

    web.pages["/feed"] = hangs
    world.add_feed("harbour", web.url("/feed"))
    poller = threading.Thread(target=world.fetch)
    poller.start()
    try:
        assert requested.wait(60)
        (one,) = _now(world).working
        assert (one.what, one.source, one.files) == ("fetch", "feeds", 1)
    finally:
        let_go.set()
        poller.join(60)
    assert _now(world).working == ()
