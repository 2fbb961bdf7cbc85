"""What `up` refuses before anything is started."""

from collections.abc import Callable

from tests.servers import Server
from tests.service.conftest import Up

SLEEPER = ["sleep", "1000"]


def test_a_server_that_evicts_is_refused(up: Up, own_server: Callable[..., Server]) -> None:
    """With a configured server that may evict, `up` says what to change and starts nothing."""
    server = own_server()
    server.client().config_set("maxmemory-policy", "allkeys-lru")
    done = up.run("--url", server.url, a=SLEEPER)
    assert done.returncode == 2
    assert "CONFIG SET maxmemory-policy noeviction" in done.stderr
    assert up.left() == []


def test_a_port_for_a_foreign_server_is_refused(up: Up, redis_server: Server) -> None:
    """`--port` opens the embedded server's port: with another server it would mean nothing."""
    done = up.run("--url", redis_server.url, "--port", "7777", a=SLEEPER)
    assert done.returncode == 2
    assert "--port is for the embedded server" in done.stderr


def test_a_state_directory_that_cannot_be_is_refused(up: Up) -> None:
    """A state directory below a file: said in a sentence, without a traceback."""
    up.state.write_text("a file")
    done = up.run(a=SLEEPER)
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
