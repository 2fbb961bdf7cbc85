"""Health checks, each with its subject really broken."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.home import running_up
from tests.mounts import read_only
from tests.servers import Server
from tests.world import World, article
from worker.health.check import Check
from worker.queries.health import STUCK_SECONDS, Health, ServicePart, check_health
from worker.settings import Settings, load
from worker.spool.task_record import record_failure, record_success
from worker.store.connection import connect
from worker.store.workers import Heartbeats, WorkerInfo

NOW = datetime(2021, 11, 26, tzinfo=UTC)


def _settings(tmp_path: Path, url: str, **more: Any) -> Settings:
    (tmp_path / "state" / "drop").mkdir(parents=True, exist_ok=True)
    given = {"state_dir": str(tmp_path / "state"), "redis.url": url, "spool.min_free_mb": 0}
    return load(options={**given, **more})


def _send_heartbeats(settings: Settings, *, host: str = "elsewhere", tick: bool = True) -> None:
    """A worker's heartbeat and beat's tick, as they write them."""
    client = connect(settings.redis.url)
    beats = Heartbeats(client, stream=settings.stream.name)
    beats.beat(WorkerInfo(f"newsdrop@{host}-7", 7, host, 3, 1))
    if tick:
        beats.record_tick()
    client.close()


def _named(found: Health) -> dict[str, Check]:
    return {check.name: check for check in found.checks}


def test_a_healthy_service_is_ready(tmp_path: Path, redis_server: Server) -> None:
    """Redis accepts writes, worker and beat are alive, disk and folders are good."""
    settings = _settings(tmp_path, redis_server.url)
    _send_heartbeats(settings)
    found = check_health(settings, NOW)
    assert found.ready, found.failing
    names = ["redis", "worker", "beat", "disk", "state directory", "folder drop"]
    assert [check.name for check in found.checks] == names
    key = f"{{{settings.stream.name}}}:health"
    assert 0 < redis_server.client().ttl(key) <= 60


def test_missing_heartbeats(tmp_path: Path, redis_server: Server) -> None:
    """Without a worker and a tick the service is not ready, and each check has advice."""
    found = _named(check_health(_settings(tmp_path, redis_server.url), NOW))
    assert [found[name].level for name in ("redis", "worker", "beat")] == ["ok", "fail", "fail"]
    assert "start one with `newsdrop up` or `newsdrop worker`" in found["worker"].advice
    assert "no tick within a day" in found["beat"].message


def test_a_beat_that_is_silent(tmp_path: Path, redis_server: Server) -> None:
    """A last tick of minutes ago is not ready, though the worker lives."""
    settings = _settings(tmp_path, redis_server.url)
    _send_heartbeats(settings)
    client = redis_server.client()
    seconds, _ = client.time()  # type: ignore[misc]
    client.set(f"{{{settings.stream.name}}}:tick", (seconds - 300) * 1000)
    found = _named(check_health(settings, NOW))
    assert found["worker"].level == "ok"
    assert found["beat"].level == "fail"
    assert found["beat"].message.startswith("its last tick was 30")


def test_redis_is_unavailable(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """A stopped server is `away`; the folders are checked nevertheless."""
    server = own_server()
    settings = _settings(tmp_path, server.url)
    server.stop()
    found = check_health(settings, NOW)
    assert (found.ready, found.away) == (False, True)
    assert [check.name for check in found.failing] == ["redis"]
    assert "cannot be reached" in found.failing[0].message
    assert "folder drop" in _named(found)


def test_a_full_redis_cannot_be_written(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """A server that answers but has no memory left is not ready."""
    server = own_server()
    client = server.client()
    settings = _settings(tmp_path, server.url)
    _send_heartbeats(settings)
    client.set("filling", b"x" * 4_000_000)
    client.config_set("maxmemory", "3mb")
    assert client.ping()
    failing = check_health(settings, NOW).failing
    assert [check.name for check in failing] == ["redis"]
    assert "out of memory" in failing[0].message


def test_a_worker_is_looked_for_on_this_machine(tmp_path: Path, redis_server: Server) -> None:
    """A heartbeat of another host does not make `worker` healthy."""
    settings = _settings(tmp_path, redis_server.url)
    _send_heartbeats(settings, host="elsewhere", tick=False)
    assert _named(check_health(settings, NOW, ServicePart.WORKER))["worker"].level == "fail"
    _send_heartbeats(settings, host=socket.gethostname(), tick=False)
    found = check_health(settings, NOW, ServicePart.WORKER)
    assert found.ready, found.failing
    assert "beat" not in _named(found)


def test_too_little_disk_space(tmp_path: Path, redis_server: Server) -> None:
    """Below `spool.min_free_mb` the service is not ready."""
    settings = _settings(tmp_path, redis_server.url, **{"spool.min_free_mb": 10**9})
    found = _named(check_health(settings, NOW))
    assert found["disk"].level == "fail"
    assert "spool.min_free_mb" in found["disk"].message


def test_a_state_directory_that_cannot_be_written(tmp_path: Path, redis_server: Server) -> None:
    """A read-only mount in its place is reported with advice."""
    settings = _settings(tmp_path, redis_server.url)
    _send_heartbeats(settings)
    with read_only(settings.state_dir):
        found = _named(check_health(settings, NOW))
    assert found["state directory"].level == "fail"
    assert "cannot be written: Read-only file system" in found["state directory"].message
    assert check_health(settings, NOW).ready


def test_a_state_directory_that_is_unavailable(tmp_path: Path, redis_server: Server) -> None:
    """A volume that was not mounted: not ready, and nothing is made in its place."""
    settings = _settings(tmp_path, redis_server.url)
    shutil.rmtree(settings.state_dir)
    assert _named(check_health(settings, NOW))["state directory"].level == "fail"
    assert not settings.state_dir.exists()


def test_a_missing_folder_is_a_warning(tmp_path: Path, redis_server: Server) -> None:
    """The rest is ready."""
    settings = _settings(tmp_path, redis_server.url)
    _send_heartbeats(settings)
    (settings.state_dir / "drop").rmdir()
    found = check_health(settings, NOW)
    assert found.ready
    assert _named(found)["folder drop"].level == "warn"


def test_checks_leave_nothing_behind(tmp_path: Path, redis_server: Server) -> None:
    """Trial files in the folders are removed."""
    settings = _settings(tmp_path, redis_server.url)
    check_health(settings, NOW)
    assert [path.name for path in settings.state_dir.rglob("*")] == ["drop", ".newsdrop"]
    assert os.listdir(settings.state_dir / "drop" / ".newsdrop") == []


def test_the_page_is_checked_at_the_address_of_up(tmp_path: Path) -> None:
    """It may have another port than the configured one."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings = _settings(tmp_path, "", **{"web.port": nobody.getsockname()[1]})
        found = check_health(settings, NOW, ServicePart.WEB)
        assert not found.ready
        assert "does not answer" in found.checks[0].message
    with socket.create_server(("127.0.0.1", 0)) as page:
        port = page.getsockname()[1]
        answering = subprocess.Popen(
            ["python3", "-c", _ANSWERS, str(page.fileno())], pass_fds=[page.fileno()]
        )
        try:
            with running_up(settings.state_dir, web={"url": f"http://127.0.0.1:{port}/"}):
                found = check_health(settings, NOW, ServicePart.WEB)
        finally:
            answering.kill()
            answering.wait()
    assert found.ready, found.failing
    assert found.checks[0].message == f"127.0.0.1 port {port} answers"


_ANSWERS = """
import socket, sys
page = socket.socket(fileno=int(sys.argv[1]))
asking, _ = page.accept()
assert asking.recv(1000).startswith(b"GET /livez HTTP/1.1")
asking.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 3\\r\\n\\r\\nok\\n")
asking.close()
"""


def _refusal(settings: Settings) -> str:
    """The failed Redis check, which must not change the stream."""
    (check,) = check_health(settings, NOW, ServicePart.BEAT).failing
    assert check.name == "redis"
    return check.message


def test_an_xadd_that_would_be_refused(tmp_path: Path, own_server: Callable[..., Server]) -> None:
    """Exhausted IDs, a key of another type, a missing right: found without changing the stream."""
    server = own_server()
    settings, client = _settings(tmp_path, server.url), server.client()
    _send_heartbeats(settings)
    stream = settings.stream.name
    assert check_health(settings, NOW, ServicePart.BEAT).ready
    assert not client.exists(stream)
    client.xadd(stream, {"a": "b"}, id="18446744073709551615-18446744073709551615")
    assert "has no ID left" in _refusal(settings)
    assert client.xlen(stream) == 1
    client.delete(stream)
    client.set(stream, "not a stream")
    assert "not a stream" in _refusal(settings) or "wrong" in _refusal(settings)
    client.delete(stream)
    for right in ("xadd", "hset"):
        client.execute_command("ACL", "SETUSER", "default", f"-{right}")
        if b"acl_check_cmd" in client.eval("return redis.acl_check_cmd and 'acl_check_cmd'", 0):
            assert right.upper() in _refusal(settings)
        client.execute_command("ACL", "SETUSER", "default", f"+{right}")
    assert check_health(settings, NOW, ServicePart.BEAT).ready


def test_work_that_waits_and_is_not_done(tmp_path: Path, redis_server: Server) -> None:
    """Heartbeats and ticks are fine, and batches wait for minutes: red until one is finished."""
    world = World(tmp_path / "state", redis_server.url)
    settings = world.settings
    _send_heartbeats(settings)
    world.put("a.md", article("甲"))
    world.scan()
    now = datetime.now(UTC)
    assert check_health(settings, now).ready
    later = now + timedelta(seconds=STUCK_SECONDS + 60)
    (check,) = check_health(settings, later).failing
    assert check.name == "progress"
    assert "1 batch waits, the oldest for 6 minutes" in check.message
    world.drain()
    world.put("b.md", article("乙"))
    world.scan()
    assert check_health(settings, now + timedelta(seconds=STUCK_SECONDS - 60)).ready
    day = next((settings.state_dir / "archive").iterdir())
    for folder in day.iterdir():  # the clock was ahead when it was finished
        os.utime(folder, (later.timestamp() + 9999,) * 2)
    assert [check.name for check in check_health(settings, later).failing] == ["progress"]
    for folder in day.iterdir():  # others were finished meanwhile
        os.utime(folder, (later.timestamp() - 10,) * 2)
    assert check_health(settings, later).ready


def test_processes_that_hang(tmp_path: Path, redis_server: Server) -> None:
    """The worker's heartbeat comes from its main process: the age of the last scan tells that its
    processes do nothing. Tasks that fail are a warning."""
    settings, now = _settings(tmp_path, redis_server.url), datetime.now(UTC)
    _send_heartbeats(settings)
    state_dir = settings.state_dir
    record_success(state_dir, "newsdrop.scan", now)
    then = now.timestamp() - 300
    os.utime(state_dir / "tasks" / "newsdrop.scan.ok", (then, then))
    for _ in range(2):
        record_failure(state_dir, "newsdrop.tidy", "a/b cannot be used", now, is_bug=False)
    health = check_health(settings, now)
    assert [check.name for check in health.failing] == ["scan"]
    (tidy,) = [check for check in health.checks if check.name == "newsdrop.tidy"]
    assert tidy.level == "warn"
    record_success(state_dir, "newsdrop.scan", now)
    assert check_health(settings, now).ready
