"""A world that polls feeds of a web server on loopback, and a store of objects there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http_server import Web
from tests.newsroom import Make, newsroom
from tests.object_store import KEY, ObjectStore
from tests.servers import Server
from tests.world import World


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, web: Web) -> Make:
    return lambda *webs, **options: newsroom(tmp_path, redis_server, web, *webs, **options)


@pytest.fixture
def world(make: Make) -> World:
    return make()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """The environment has the credentials for it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    with ObjectStore() as store:
        yield store
