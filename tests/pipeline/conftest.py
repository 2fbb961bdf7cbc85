"""A world that polls feeds of a web server on loopback."""

from pathlib import Path

import pytest

from tests.http_server import Web
from tests.newsroom import Make, newsroom
from tests.servers import Server
from tests.world import World


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, web: Web) -> Make:
    return lambda *webs, **options: newsroom(tmp_path, redis_server, web, *webs, **options)


@pytest.fixture
def world(make: Make) -> World:
    return make()
