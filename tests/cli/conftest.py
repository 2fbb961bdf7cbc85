"""A user's newsdrop over a real server."""

from pathlib import Path

import pytest

from tests.home import Home
from tests.servers import Server


@pytest.fixture
def home(tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A state directory of the test's own, and a server that runs."""
    return _home(tmp_path, redis_server.url, monkeypatch)


@pytest.fixture
def lonely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The same, where Redis does not answer."""
    return _home(tmp_path, f"unix://{tmp_path}/nobody.sock", monkeypatch)


def _home(path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("NEWSDROP_STATE_DIR", str(path / "state"))
    monkeypatch.setenv("NEWSDROP_REDIS_URL", url)
    monkeypatch.setenv("NEWSDROP_SPOOL_MIN_FREE_MB", "0")
    home = Home(path)
    home.drop.mkdir(parents=True)
    return home
