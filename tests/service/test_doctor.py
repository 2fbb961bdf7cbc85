"""`doctor` reports what runs and what to correct; no worker starts where a promise would break."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import Server
from worker.errors import ConfigError
from worker.health.check import Check
from worker.health.preflight import refuse_start
from worker.queries.status.problem import sentence
from worker.service import doctor_machine
from worker.service.doctor import checks
from worker.settings import Folder, RedisSettings, Settings, SpoolSettings
from worker.sources.registry import pause


def _found(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in checks(settings)}


def _settings(
    tmp_path: Path, url: str = "", durability: str = "written", **more: object
) -> Settings:
    redis = RedisSettings.model_validate({"url": url, "durability": durability})
    return Settings.model_validate({"state_dir": tmp_path / "state", "redis": redis, **more})


def test_without_a_server_it_says_which_would_run(tmp_path: Path) -> None:
    """The server that `up` would start, with version and origin."""
    found = _found(_settings(tmp_path))
    assert found["server"].level == "ok"
    assert "`newsdrop up` would run" in found["server"].message
    assert found["service"].level == "warn"


def test_a_configured_server_that_is_unavailable_fails(tmp_path: Path) -> None:
    """Reported without its password."""
    found = _found(_settings(tmp_path, f"unix://:secret@{tmp_path}/none.sock"))
    assert found["server"].level == "fail"
    assert "secret" not in found["server"].message


def test_it_says_version_and_durability(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """Product and version of the server, and when a write is on the disk."""
    server = own_server(appendonly=True)
    found = _found(_settings(tmp_path, server.url))
    assert found["server"].message.startswith("valkey 9.")
    assert found["durability"].message == "written: append-only file, synced before each answer"
    assert found["eviction"].level == "ok"
    assert found["worker"].level == found["beat"].level == "warn"


def test_feeds_that_cannot_be_read_fail(tmp_path: Path, redis_server: Server) -> None:
    """Their number, a warning for failing ones, and the error with its feed."""
    settings = _settings(tmp_path, redis_server.url, feeds={"file": tmp_path / "feeds.toml"})
    text = '[[feeds]]\nname = "harbour"\nurl = "https://harbour.example/"\n'
    (tmp_path / "feeds.toml").write_text(text)
    assert (_found(settings)["feeds"].level, _found(settings)["feeds"].message) == ("ok", "1 feed")
    redis_server.client().sadd("{newsdrop:articles}:feeds:failing", "harbour")
    failing = _found(settings)["feeds"]
    assert (failing.level, failing.message) == ("warn", "1 feed, 1 failing")
    assert "newsdrop feeds list --failing" in failing.advice
    pause(settings.state_dir, "harbour")  # not polled, so that it fails no more
    assert (_found(settings)["feeds"].level, _found(settings)["feeds"].message) == ("ok", "1 feed")
    (tmp_path / "feeds.toml").write_text(text.replace("https", "ftp"))
    wrong = _found(settings)["feeds"]
    assert wrong.level == "fail"
    assert ": harbour: " in wrong.message


def test_site_rules_with_an_error_fail(tmp_path: Path) -> None:
    """No worker starts with them. The sentence of `status` ends once."""
    settings = _settings(tmp_path, sites_dir=tmp_path)
    assert _found(settings)["site rules"].level == "ok"
    (tmp_path / "port.toml").write_text('title_sufixes = ["_x"]\n')
    wrong = _found(settings)["site rules"]
    assert wrong.level == "fail"
    assert "port.toml: unknown key title_sufixes" in wrong.message
    assert sentence(wrong.message).endswith("did you mean title_suffixes?")


def test_no_append_only_file_is_a_warning(tmp_path: Path, redis_server: Server) -> None:
    """The server works, but a restart loses its data."""
    assert _found(_settings(tmp_path, redis_server.url))["durability"].level == "warn"


def test_eviction_refuses_the_start(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """A server that may evict would drop articles without a word: `fail`, and no worker starts."""
    server = own_server()
    server.client().config_set("maxmemory-policy", "allkeys-lru")
    settings = _settings(tmp_path, server.url)
    found = _found(settings)["eviction"]
    assert found.level == "fail"
    assert "CONFIG SET maxmemory-policy noeviction" in found.advice
    with pytest.raises(ConfigError, match=r"maxmemory-policy is allkeys-lru.*CONFIG SET"):
        refuse_start(settings)


def test_fsynced_needs_a_server_that_syncs(
    tmp_path: Path, own_server: Callable[..., Server]
) -> None:
    """`redis.durability = "fsynced"` is refused unless every write is synced before its answer."""
    lazy, safe = own_server(), own_server(appendonly=True)
    with pytest.raises(
        ConfigError, match="durability is fsynced, but the server's appendonly is off"
    ):
        refuse_start(_settings(tmp_path, lazy.url, "fsynced"))
    safe.client().config_set("appendfsync", "everysec")
    with pytest.raises(ConfigError, match="appendfsync is everysec"):
        refuse_start(_settings(tmp_path, safe.url, "fsynced"))
    safe.client().config_set("appendfsync", "always")
    refuse_start(_settings(tmp_path, safe.url, "fsynced"))
    refuse_start(_settings(tmp_path, lazy.url))


def test_little_disk_space_fails(tmp_path: Path) -> None:
    """Less room than spool.min_free_mb pauses intake, and doctor says so."""
    settings = _settings(tmp_path, spool=SpoolSettings(min_free_mb=10**9))
    found = _found(settings)["state directory"]
    assert found.level == "fail"
    assert "min_free_mb" in found.advice


def test_a_good_folder_is_left_as_it_was(tmp_path: Path) -> None:
    """Trying a claim leaves nothing behind but the spool's folder."""
    drop = tmp_path / "drop"
    drop.mkdir()
    found = checks(_settings(tmp_path, folders=(Folder(name="in", path=drop),)))
    levels = [check.level for check in found if check.name == "folder in"]
    assert levels == ["ok", "ok"]
    assert [path.name for path in drop.rglob("*")] == [".newsdrop"]


def test_a_spool_on_another_mount_fails(tmp_path: Path) -> None:
    """Where a rename into `.newsdrop` would cross file systems, claiming cannot work."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    drop, moved = tmp_path / "drop", shm / f"newsdrop-test-{os.getpid()}"
    drop.mkdir()
    moved.mkdir()
    try:
        (drop / ".newsdrop").symlink_to(moved)
        found = [c for c in checks(_settings(tmp_path, folders=(Folder(name="in", path=drop),)))
                 if c.name == "folder in" and c.level == "fail"]  # fmt: skip
    finally:
        moved.rmdir()
    assert len(found) == 1
    assert "cannot rename a file into the spool" in found[0].message


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_fails(tmp_path: Path) -> None:
    """A folder that cannot be written cannot be claimed from."""
    drop = tmp_path / "drop"
    drop.mkdir(mode=0o555)
    found = _found(_settings(tmp_path, folders=(Folder(name="in", path=drop),)))
    assert found["folder in"].level == "fail"


def test_a_missing_folder_is_a_warning(tmp_path: Path) -> None:
    """A drop folder that does not exist (yet), or is not mounted."""
    settings = _settings(tmp_path, folders=(Folder(name="in", path=tmp_path / "no\x1bwhere"),))
    found = _found(settings)["folder in"]
    assert found.level == "warn"
    assert "no\\x1bwhere is not there" in found.message


def test_a_folder_with_another_clock_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system whose clock differs from this machine's is worth a word."""
    drop = tmp_path / "drop"
    drop.mkdir()
    ahead = time.time() + 100
    monkeypatch.setattr(doctor_machine.time, "time", lambda: ahead)
    found = _found(_settings(tmp_path, folders=(Folder(name="in", path=drop),)))["folder in"]
    assert found.level == "warn"
    assert "by -100 s" in found.message


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_user_watches", 3), ("max_user_instances", 1), ("max_queued_events", 100)],
)
def test_each_low_limit_of_inotify_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """Watches, instances and queue length: only the setting that is too low."""
    (tmp_path / "drop" / "sub").mkdir(parents=True)
    limits = {"max_user_watches": 9999, "max_user_instances": 128, "max_queued_events": 16_384}
    for limit, number in {**limits, name: value}.items():
        (tmp_path / limit).write_text(f"{number}\n")
    monkeypatch.setattr(doctor_machine, "INOTIFY", tmp_path)
    settings = _settings(tmp_path, folders=(Folder(name="in", path=tmp_path / "drop"),))
    found = _found(settings)["file events"]
    assert found.level == "warn"
    assert found.advice == f"raise sysctl fs.inotify.{name}"
