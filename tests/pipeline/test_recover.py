"""After a restart of Redis: what is looked up, by which process, and what is published again."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.servers import Server
from tests.world import World, article, in_child
from worker.cli.root import app
from worker.pipeline import recover as recovering
from worker.pipeline.recover import recover
from worker.queries.health import check_health
from worker.queries.status.overview import get_overview
from worker.service import doctor
from worker.settings.clock import utc_now
from worker.spool import redis_record
from worker.spool.batch import batch_names
from worker.spool.journal import Journal
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
    return redis_record.read(world.settings.state_dir).run_id


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


def test_one_process_replays_and_the_others_continue(restarted: World) -> None:
    """While one process replays, another neither replays nor waits."""
    before = recorded_run_id(restarted)
    with acquire_slot(restarted.settings.state_dir, "offer-again", 1):
        recover(restarted.context)
        assert recorded_run_id(restarted) == before
    recover(restarted.context)
    assert recorded_run_id(restarted) != before


# ── a server that loses everything ──────────────────────────────────────────────────────────


@pytest.fixture
def forgetful(tmp_path: Path, own_server: Callable[..., Server]) -> tuple[World, Server]:
    """A world whose server saves nothing, with one article of twenty minutes ago and one of now."""
    server = own_server()
    world = World(tmp_path, server.url)
    recover(world.context)
    world.put("a.md", article("甲"))
    world.run()
    for path in tmp_path.glob("archive/*/*/*"):
        set_age(path, 20 * 60)
    return world, server


def set_age(path: Path, seconds: float) -> None:
    """As if `path` was written so many seconds ago."""
    os.utime(path, (time.time() - seconds,) * 2)


def crash(world: World, server: Server) -> None:
    """Publish one more article, and lose all."""
    set_age(world.settings.state_dir / redis_record.NAME, 200)
    recover(world.context)  # notes the stream's last entry
    world.put("b.md", article("乙"))
    world.run()
    server.kill()
    server.start()
    assert world.entries() == []


def titles(world: World) -> list[str]:
    return [entry["data"]["title"] for entry in world.entries()]


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_a_wrong_clock_does_not_switch_it_off(
    forgetful: tuple[World, Server], seconds: float
) -> None:
    """A day ahead or behind when Redis was last seen: the last minutes are published again."""
    world, server = forgetful
    crash(world, server)
    record = world.settings.state_dir / redis_record.NAME
    set_age(record, seconds)
    recover(world.context)
    assert "乙" in titles(world)
    set_age(record, -86_400)
    recover(world.context)
    assert abs(record.stat().st_mtime - time.time()) < 3600


def test_more_than_the_last_minutes_is_published_again(forgetful: tuple[World, Server]) -> None:
    """If the last recorded entry is gone, older segments are published again, in order."""
    world, server = forgetful
    crash(world, server)
    recover(world.context)
    assert titles(world) == ["甲", "乙"]
    assert redis_record.replay_command(world.settings.state_dir) is None


def test_a_redis_that_was_emptied_gets_all_articles_again(
    forgetful: tuple[World, Server], caplog: pytest.LogCaptureFixture
) -> None:
    """FLUSHALL changes no run id, and what is published afterwards looks as if the stream had been
    trimmed: the articles of twenty minutes ago are published again, too."""
    world, server = forgetful
    recover(world.context)  # notes the stream's last entry
    server.client().flushall()
    world.put("b.md", article("乙"))
    world.run()
    recover(world.context)
    assert titles(world) == ["乙", "甲"]
    assert "Redis was emptied" in caplog.text
    recover(world.context)
    assert len(world.entries()) == 2


def test_another_stream_is_not_called_a_loss_of_keys(
    tmp_path: Path, redis_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It gets the articles of the archive, as another server does; nobody deleted anything."""
    world = World(tmp_path, redis_server.url)
    world.put("a.md", article("甲"))
    world.run()
    recover(world.context)
    other = World(tmp_path, redis_server.url, **{"stream.name": "other"})
    recover(other.context)
    assert titles(other) == titles(world) == ["甲"]
    assert "has another stream" in caplog.text


def test_what_survived_is_not_looked_up(
    tmp_path: Path, own_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the last recorded entry is there, only the last minutes are looked up."""
    server = own_server(appendonly=True)
    world = World(tmp_path, server.url)
    recover(world.context)
    world.put("a.md", article("甲"))
    world.run()
    for path in tmp_path.glob("archive/*/*/*"):
        set_age(path, 20 * 60)
    set_age(tmp_path / redis_record.NAME, 200)
    recover(world.context)
    server.kill()
    server.start()
    monkeypatch.setattr(recovering, "replay", lambda *_: pytest.fail("looked up"))
    recover(world.context)


def test_an_unfinished_replay_is_reported_with_its_command(
    forgetful: tuple[World, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By status, doctor and health, also after another restart, until it was run."""
    world, server = forgetful
    crash(world, server)
    with monkeypatch.context() as patch:
        patch.setattr(recovering, "EXTRA_SECONDS", -1)
        recover(world.context)
    assert titles(world) == ["乙"]
    command = redis_record.replay_command(world.settings.state_dir)
    assert command is not None
    server.kill()
    server.start()
    recover(world.context)
    assert redis_record.replay_command(world.settings.state_dir) == command
    messages = [
        *(problem.advice for problem in get_overview(world.settings, utc_now()).problems),
        *(check.advice for check in check_health(world.settings, utc_now()).checks),
        *(check.advice for check in doctor.checks(world.settings)),
    ]
    assert sum(command in advice for advice in messages) == 3
    since = command.rpartition(" ")[2]
    run_newsdrop(world, "replay", "--since", "1m")
    assert redis_record.replay_command(world.settings.state_dir) == command
    run_newsdrop(world, "replay", "--since", since)
    assert redis_record.replay_command(world.settings.state_dir) is None
    assert sorted(titles(world)) == ["乙", "甲"]


def run_newsdrop(world: World, *arguments: str) -> None:
    environment = {"NEWSDROP_STATE_DIR": str(world.settings.state_dir)}
    environment["NEWSDROP_REDIS_URL"] = world.settings.redis.url
    result = CliRunner().invoke(app, list(arguments), env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_a_power_cut_that_takes_the_journal(tmp_path: Path, redis_server: Server) -> None:
    """What was published before the cut is reported as published, not as its own duplicate."""
    world = World(tmp_path, redis_server.url)
    world.put("a.md", article("甲"))
    world.scan()
    [batch] = world.waiting()

    def publish_and_die() -> None:
        def cut(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        Journal.add = cut  # type: ignore[method-assign,assignment]
        world.drain()

    assert in_child(publish_and_die) == -signal.SIGKILL
    assert len(world.entries()) == 1
    (world.context.root("drop").work / batch / "journal").unlink()
    world.drain()
    assert [one["status"] for one in world.journal()] == ["published"]


def test_a_segment_that_lost_its_raw_files_is_written_again(
    tmp_path: Path, redis_server: Server
) -> None:
    """A power cut may keep only its journal; the batch still waits and writes it again."""
    world = World(tmp_path / "state", redis_server.url)
    world.put("a.md", article("甲"))
    world.scan()
    [(root, name)] = [(root, name) for root in world.context.roots for name in batch_names(root)]
    shutil.copytree(root.work / name, tmp_path / "before")
    world.drain()
    segment = world.context.deps.archive.find(name)
    assert segment is not None
    segment.raw_path.unlink()
    shutil.copytree(tmp_path / "before", root.work / name)
    world.drain()
    assert world.waiting() == []
    assert [data for _, data in segment.raws()] == [article("甲")]
    assert len(world.entries()) == 1
