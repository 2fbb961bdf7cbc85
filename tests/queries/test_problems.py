"""Problems: each sentence with the real thing broken, and what to do about it."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.mounts import read_only
from tests.servers import Server
from tests.world import World, article
from worker.queries.status.overview import get_overview
from worker.queries.status.problem import Problem
from worker.settings.clock import utc_now
from worker.sources.registry import pause
from worker.spool.task_record import record_failure, record_success
from worker.store.layout import Layout
from worker.store.workers import Heartbeats, WorkerInfo


def _problems(world: World, now: datetime | None = None) -> dict[str, Problem]:
    return {one.name: one for one in get_overview(world.settings, now or utc_now()).problems}


def _at_work(world: World) -> None:
    """A worker's heartbeat and beat's tick, as they write them."""
    beats = Heartbeats(world.context.redis, stream=world.settings.stream.name)
    beats.beat(WorkerInfo("newsdrop@here-7", 7, "here", 3, 1))
    beats.record_tick()


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    """A service with recent heartbeats of worker and scheduler."""
    made = World(tmp_path / "state", redis_server.url)
    _at_work(made)
    return made


def test_where_all_is_well_there_is_none(world: World) -> None:
    """Nothing is made up."""
    world.put("a.md", article())
    world.run()
    assert get_overview(world.settings, utc_now()).problems == ()


def test_no_worker(tmp_path: Path, redis_server: Server) -> None:
    """A silent beat adds no second problem."""
    found = _problems(World(tmp_path / "state", redis_server.url))
    assert list(found) == ["workers"]
    assert found["workers"].level == "fail"
    assert found["workers"].text == "No worker is running: files in the drop folders wait."
    assert "newsdrop up" in found["workers"].advice


def test_a_silent_beat(world: World) -> None:
    """The last tick was minutes ago: work continues, but folders are not scanned."""
    client = world.context.redis
    seconds, _ = client.time()  # type: ignore[misc]
    client.set(Layout(world.settings.stream.name, 1).key("tick"), (seconds - 300) * 1000)
    found = _problems(world)
    assert list(found) == ["beat"]
    assert found["beat"].text.startswith("The scheduler has been silent for 5 minutes")
    client.delete(Layout(world.settings.stream.name, 1).key("tick"))
    assert "silent for a day" in _problems(world)["beat"].text


def test_redis_is_unavailable(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """A stopped server: accepted files are safe, and the sentence says so."""
    server = own_server()
    world = World(tmp_path / "state", server.url)
    world.put("a.md", article())
    world.scan()
    server.stop()
    found = get_overview(world.settings, utc_now())
    (problem,) = found.problems
    assert (problem.level, problem.name) == ("fail", "redis")
    assert "cannot be reached" in problem.text
    assert "Accepted files stay safe in the spool." in problem.text
    assert (found.status.files.waiting, found.minutes, found.memory) == (1, (), None)


def test_a_full_redis_and_a_nearly_full_one(
    tmp_path: Path, own_server: Callable[..., Server]
) -> None:
    """From nine tenths on it is a warning; full, nothing can be published."""
    server = own_server()
    world = World(tmp_path / "state", server.url)
    _at_work(world)
    client = server.client()
    client.set("filling", b"x" * 8_000_000)
    used = int(client.info("memory")["used_memory"])  # type: ignore[index]
    client.config_set("maxmemory", used * 100 // 95)
    nearly = _problems(world)["memory"]
    assert (nearly.level, nearly.text[:22]) == ("warn", "Redis is nearly full: ")
    client.config_set("maxmemory", used // 2)
    full = _problems(world)["memory"]
    assert full.level == "fail"
    assert "Redis is full (" in full.text
    assert "Raise maxmemory" in full.advice


def test_an_evicting_server(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """The problem has the command that corrects the eviction policy."""
    server = own_server()
    world = World(tmp_path / "state", server.url)
    _at_work(world)
    server.client().config_set("maxmemory-policy", "allkeys-lru")
    found = _problems(world)["eviction"]
    assert found.level == "fail"
    assert found.text.startswith(
        "Maxmemory-policy is allkeys-lru, so a full Redis would silently delete"
    )
    assert "CONFIG SET maxmemory-policy noeviction" in found.advice


def test_a_replica_cannot_be_written(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """Everything answers there, and nothing is published: which server it must be."""
    replica = own_server()
    world = World(tmp_path / "state", replica.url)
    _at_work(world)
    replica.client().replicaof("127.0.0.1", "1")
    found = _problems(world)["role"]
    assert found.level == "fail"
    assert found.text == "This Redis server is a slave, which accepts no writes."
    assert found.advice == "Set redis.url to the address of the primary."


def test_a_folder_that_is_gone_or_no_folder(world: World) -> None:
    """A drop folder that is missing, or a file in its place."""
    shutil.rmtree(world.drop_dir)
    missing = _problems(world)["folder drop"]
    assert missing.level == "fail"
    assert missing.text == f"The folder of drop cannot be used: {world.drop_dir} does not exist."
    assert missing.advice == "Create or mount it; `newsdrop up` creates it when it starts."
    world.drop_dir.write_bytes(b"")
    found = _problems(world)
    assert "is not a folder." in found["folder drop"].text


def test_a_folder_that_cannot_be_written(world: World) -> None:
    """A mount that is read-only holds root too: claiming would fail at each file."""
    with read_only(world.drop_dir):
        found = _problems(world)["folder drop"]
        assert "cannot be written." in found.text
        assert "read, write and search permission" in found.advice
    assert _problems(world) == {}


def test_a_spool_that_cannot_be_listed(world: World) -> None:
    """It hides neither the others nor its own error."""
    world.enqueue(_file(world))
    (world.drop_dir / ".newsdrop").mkdir(exist_ok=True)
    work = world.drop_dir / ".newsdrop" / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.write_bytes(b"")
    found = get_overview(world.settings, utc_now())
    assert [one.name for one in found.problems] == ["spool"]
    assert "cannot be listed" in found.problems[0].text
    assert found.status.files.waiting == 1


def test_too_little_disk_space(tmp_path: Path, redis_server: Server) -> None:
    """Intake pauses below spool.min_free_mb; accepted files are processed."""
    world = World(tmp_path / "state", redis_server.url, **{"spool.min_free_mb": 10**9})
    _at_work(world)
    found = _problems(world)["disk"]
    assert found.level == "fail"
    assert found.text.startswith("Only ")
    assert found.text.endswith("Accepted files are still processed.")


def test_feeds_that_cannot_be_read(tmp_path: Path, redis_server: Server) -> None:
    """The problem names the feed and its error."""
    file = tmp_path / "mine.toml"
    file.write_text('[[feeds]]\nname = "harbour"\nurl = "ftp://harbour.example/"\n')
    world = World(tmp_path / "state", redis_server.url, **{"feeds.file": str(file)})
    _at_work(world)
    found = _problems(world)["feeds"]
    assert found.level == "fail"
    assert "the previous ones are still polled" in found.text
    assert ": harbour: url: not an address" in found.text


def test_feeds_that_fail(world: World) -> None:
    """Their number, and the command that lists them; paused feeds are not counted."""
    world.context.redis.sadd(
        Layout(world.settings.stream.name, 1).key("feeds", "failing"), "harbour", "pier"
    )
    found = _problems(world)["failing"]
    assert (found.level, found.text) == ("warn", "2 feeds fail.")
    pause(world.settings.state_dir, "pier")
    assert _problems(world)["failing"].text == "1 feed fails."
    assert "newsdrop feeds list --failing" in found.advice


def test_a_batch_that_waits_too_long(world: World) -> None:
    """No worker takes it, though one is alive."""
    world.enqueue(_file(world))
    assert _problems(world) == {}
    found = _problems(world, utc_now() + timedelta(minutes=10))["waiting"]
    assert (found.level, found.text) == ("warn", "The only batch has been waiting for 10 minutes.")


def test_a_paused_source_is_a_note_and_comes_last(tmp_path: Path, redis_server: Server) -> None:
    """The most severe problem is first."""
    world = World(tmp_path / "state", redis_server.url)
    (tmp_path / "state" / "paused").mkdir()
    (tmp_path / "state" / "paused" / "drop").touch()
    (tmp_path / "state" / "paused" / "feeds").touch()
    found = get_overview(world.settings, utc_now()).problems
    assert [one.level for one in found] == ["fail", "note"]
    assert found[1].text == "drop is paused."
    assert found[1].advice == "Resume it with `newsdrop resume drop`."


def test_nothing_from_outside_moves_the_cursor(tmp_path: Path, redis_server: Server) -> None:
    """Names of files and folders are escaped before they are in a sentence."""
    folder = {"path": str(tmp_path / "no\x1b[2Jwhere")}
    world = World(tmp_path / "state", redis_server.url, folder=folder)
    (world.drop_dir / ".newsdrop").mkdir()
    texts: list[Any] = [
        one.text + one.advice for one in get_overview(world.settings, _NOW).problems
    ]
    assert any("\\x1b[2J" in text for text in texts)
    assert not any("\x1b" in text for text in texts)


_NOW = datetime(2021, 11, 26, tzinfo=UTC)


def _file(world: World) -> Path:
    path = world.settings.state_dir / "mine.md"
    path.write_bytes(article())
    return path


def test_a_rare_task_that_fails_each_time(world: World) -> None:
    """The cleanup runs every ten minutes: one failure is shown after some minutes, the second one
    counts with the first; a success ends both."""
    state_dir, begin = world.settings.state_dir, utc_now() - timedelta(minutes=30)
    for minutes in (0, 10):
        at = begin + timedelta(minutes=minutes)
        record_failure(state_dir, "newsdrop.tidy", "a/b cannot be used", at, is_bug=False)
        assert "newsdrop.tidy" in _problems(world, at + timedelta(minutes=3))
    text = _problems(world)["newsdrop.tidy"].text
    assert text.startswith("The task newsdrop.tidy has failed 2 times")
    record_success(state_dir, "newsdrop.tidy", begin + timedelta(minutes=20))
    record_failure(state_dir, "newsdrop.tidy", "a/b", begin + timedelta(minutes=29), is_bug=False)
    assert "newsdrop.tidy" not in _problems(world)


def test_a_task_that_has_succeeded_since(world: World) -> None:
    """A cause that was corrected is a warning until the failures are forgotten: nothing to do."""
    state_dir, now = world.settings.state_dir, utc_now()
    for seconds in (12, 10):
        at = now - timedelta(seconds=seconds)
        record_failure(state_dir, "newsdrop.scan", "a/b does not exist", at, is_bug=False)
    assert _problems(world, now)["newsdrop.scan"].level == "fail"
    record_success(state_dir, "newsdrop.scan", now)
    problem = _problems(world, now)["newsdrop.scan"]
    assert (problem.level, problem.advice[:23]) == ("warn", "It has succeeded since:")


def test_a_task_whose_process_is_ended_each_time(world: World) -> None:
    """It records neither a success nor a failure: that is a problem, unless the worker is new."""
    now, state_dir = utc_now(), world.settings.state_dir
    for task in ("newsdrop.index", "newsdrop.trim"):
        record_success(state_dir, task, now)
        os.utime(state_dir / "tasks" / f"{task}.ok", (now.timestamp(),) * 2)  # without the uptime
    later = now + timedelta(minutes=12)
    record_success(state_dir, "newsdrop.trim", later)
    found = _problems(world, later)
    assert (
        found["newsdrop.index"].text == "The task newsdrop.index has not succeeded for 12 minutes."
    )
    assert "newsdrop.trim" not in found
    beats = Heartbeats(world.context.redis, stream=world.settings.stream.name)
    started_ms = int(later.timestamp() * 1000)
    beats.beat(WorkerInfo("newsdrop@here-7", 7, "here", 3, started_ms))
    assert "newsdrop.index" not in _problems(world, later)
