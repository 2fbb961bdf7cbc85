"""Upgrades: state that an older newsdrop wrote is migrated once; that of a newer one is refused."""

from pathlib import Path

import pytest
import redis

from tests.servers import Server
from tests.world import World, article
from worker.errors import ConfigError
from worker.health.data_format import FILE, FORMAT
from worker.health.preflight import begin, check_without_start
from worker.spool import redis_record

KEY = "{newsdrop:articles}:format"


@pytest.fixture
def world(tmp_path: Path, redis_server: Server) -> World:
    return World(tmp_path / "state", redis_server.url)


@pytest.fixture
def oldest(world: World, redis_client: redis.Redis) -> World:
    """State of the oldest format: no number, and only the run ID in Redis' record; one article
    waits."""
    world.put("a.md", article("甲"))
    world.run()
    state = world.settings.state_dir
    (state / redis_record.NAME).write_text("f" * 40)
    (state / FILE).unlink(missing_ok=True)
    redis_client.delete(KEY)
    world.put("b.md", article("乙"))
    world.scan()
    return world


def start(world: World) -> None:
    assert begin(world.settings, print)


def test_the_oldest_format_is_migrated_once(oldest: World, redis_client: redis.Redis) -> None:
    """Files and Redis get their numbers, changed files are copied, and work continues; once."""
    state = oldest.settings.state_dir
    start(oldest)
    assert (state / FILE).read_text() == f"{FORMAT}\n"
    assert redis_client.get(KEY) == str(FORMAT).encode()
    assert redis_record.read(state).run_id == "f" * 40
    copy = state / "before-format-2" / redis_record.NAME
    assert copy.read_text() == "f" * 40
    written = (state / redis_record.NAME).stat().st_mtime_ns
    start(oldest)
    assert (state / redis_record.NAME).stat().st_mtime_ns == written
    oldest.drain()
    assert [entry["data"]["title"] for entry in oldest.entries()] == ["甲", "乙"]


def test_an_interrupted_migration_continues(oldest: World) -> None:
    """Killed before the number is written, the next start keeps the first copy."""
    state = oldest.settings.state_dir
    start(oldest)
    (state / FILE).unlink()
    start(oldest)
    assert (state / "before-format-2" / redis_record.NAME).read_text() == "f" * 40
    assert redis_record.read(state).run_id == "f" * 40


def test_a_newer_state_directory_is_refused(world: World) -> None:
    """One sentence, at a start and in `config check`, and nothing is changed."""
    (world.settings.state_dir / FILE).write_text("99\n")
    for check in (begin, check_without_start):
        with pytest.raises(ConfigError, match=r"format 99 of a newer newsdrop.*update") as caught:
            check(world.settings, print)  # type: ignore[operator]
        assert "\n" not in str(caught.value)
    assert (world.settings.state_dir / FILE).read_text() == "99\n"


def test_newer_keys_are_refused(world: World, redis_client: redis.Redis) -> None:
    """The same for the keys of the stream in Redis, which may be of another machine."""
    redis_client.set(KEY, 99)
    for check in (begin, check_without_start):
        with pytest.raises(ConfigError, match="in Redis have format 99 of a newer newsdrop"):
            check(world.settings, print)  # type: ignore[operator]
    assert redis_client.get(KEY) == b"99"


def test_a_new_state_directory_has_the_present_format(world: World) -> None:
    """A first start migrates nothing and copies nothing."""
    start(world)
    state = world.settings.state_dir
    assert (state / FILE).read_text() == f"{FORMAT}\n"
    assert not list(state.glob("before-*"))
