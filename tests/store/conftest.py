"""The store's tests run on the wheel's Valkey, and on each Redis that is here."""

import os
import time
from collections.abc import Callable

import pytest

from tests.conftest import shared_server
from tests.servers import Server, binaries
from worker.store.articles import ArticleStore
from worker.store.connection import connect

__all__ = ["shared_server"]  # of the programs below: the other tests' server stays the wheel's

STREAM = "newsdrop:articles"
_BINARIES = binaries()


@pytest.fixture(scope="session", params=list(_BINARIES))
def server_binary(request: pytest.FixtureRequest) -> str:
    """Each server's program that is here."""
    return os.fspath(_BINARIES[request.param])


@pytest.fixture
def store(redis_server: Server) -> ArticleStore:
    """A store on an empty server, as shipped."""
    return open_store(redis_server.url)


def open_store(
    url: str,
    keep_days: int = 365,
    now: Callable[[], float] = time.time,
) -> ArticleStore:
    return ArticleStore(connect(url), stream=STREAM, keep_days=keep_days, now=now)
