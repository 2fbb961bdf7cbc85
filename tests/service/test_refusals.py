"""What `up` refuses before anything is started."""

import socket
from collections.abc import Callable

from tests.servers import Server
from tests.service.conftest import Up

SLEEPER = ["sleep", "1000"]


def test_a_server_that_evicts_is_refused(up: Up, own_server: Callable[..., Server]) -> None:
    """`up` says what to change and starts nothing."""
    server = own_server()
    server.client().config_set("maxmemory-policy", "allkeys-lru")
    done = up.run("--url", server.url, a=SLEEPER)
    assert done.returncode == 2
    assert "CONFIG SET maxmemory-policy noeviction" in done.stderr
    assert up.leftover_processes() == []


def test_a_port_for_a_foreign_server_is_refused(up: Up, redis_server: Server) -> None:
    """`--port` opens the embedded server's port: with another server it would mean nothing."""
    done = up.run("--url", redis_server.url, "--port", "7777", a=SLEEPER)
    assert done.returncode == 2
    assert "--port is for the embedded server" in done.stderr


def test_a_port_that_is_taken_is_refused(up: Up) -> None:
    """One sentence with its number, and not the server's log."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = up.run("--port", str(port), a=SLEEPER)
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be used (Address already in use)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert up.leftover_processes() == []


def test_a_wrong_site_rule_is_refused(up: Up) -> None:
    """A rule that cannot be read is named before anything is started."""
    sites = up.state.parent / "sites"
    sites.mkdir()
    (sites / "mine.toml").write_text('[match]\nhost = "example.org"\n')
    done = up.run("--sites", str(sites), a=SLEEPER)
    assert done.returncode == 2
    assert "mine.toml: unknown key match.host; did you mean match.hosts?" in done.stderr
    assert up.leftover_processes() == []


def test_an_impossible_state_directory_is_refused(up: Up) -> None:
    """A file in place of the state directory, or of its drop folder: one sentence that says to move
    it away, and not to give permission."""
    up.state.write_text("a file")
    done = up.run(a=SLEEPER)
    assert done.returncode == 2
    assert f"cannot create {up.state}: a file is in its place" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    up.state.unlink()
    up.state.mkdir()
    (up.state / "drop").write_text("a file")
    done = up.run(a=SLEEPER)
    assert done.returncode == 2
    assert f"cannot create the drop folder {up.state}/drop: a file is in its place" in done.stderr
