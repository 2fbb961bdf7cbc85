"""A home whose HTTP API a test uses, and files that it sends there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home
from tests.http_server import Web
from tests.web.served import Served, may_fetch, served

__all__ = ["home", "lonely"]


@pytest.fixture
def ours(home: Home) -> Iterator[Served]:
    """A home that is served on a port of its own, without a token."""
    with served(home) as one:
        yield one


@pytest.fixture
def fetching(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The same, where addresses of loopback may be fetched."""
    may_fetch(monkeypatch, web)
    with served(home) as one:
        yield one


def file_part(name: str, text: str | bytes) -> tuple[str, tuple[str, bytes, str]]:
    """One file of a form."""
    data = text if isinstance(text, bytes) else text.encode()
    return ("file", (name, data, "text/markdown"))


def refuse_inputs(ours: Served, count: int = 2) -> list[str]:
    """The ids of so many empty files that were refused, newest first, and their job."""
    files = [file_part(f"{n}.md", b"") for n in range(count)]
    ours.post("/enqueue", files=files, status=202)
    ours.home.work()
    return [one["id"] for one in ours.get("/quarantine")["refused"]]


def list_uploads(ours: Served) -> list[Path]:
    return list((ours.home.state / "uploads").glob("*"))
