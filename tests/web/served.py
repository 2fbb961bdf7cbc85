"""The real application of a home, served on loopback by uvicorn in a thread."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn

from tests.home import Home
from tests.http_server import Web
from worker.service.port import open_port
from worker.web.app import web_app

CHANGES = {"x-newsdrop": "1"}
"""What a program sends with what changes something."""


@dataclass
class Served:
    """A home, where its application answers, and a client that no proxy stands before."""

    home: Home
    url: str
    client: httpx.Client

    def get(self, path: str, status: int = 200) -> Any:
        """The JSON of an API path (below `/api/v1`)."""
        return told(self.client.get(f"/api/v1{path}"), status)

    def post(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """The same of a change; `body` is its JSON."""
        given = {"json": body} if body is not None else {}
        headers = {**CHANGES, **more.pop("headers", {})}
        return told(self.client.post(f"/api/v1{path}", headers=headers, **given, **more), status)


def told(answer: httpx.Response, status: int) -> Any:
    """The JSON of an answer of that status; a problem is one as RFC 9457 has it."""
    assert answer.status_code == status, answer.text
    found = json.loads(answer.content)
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert (found["status"], bool(found["title"]), len(found["detail"]) > 10) == (
            status,
            True,
            True,
        )
    else:
        assert answer.headers["content-type"] == "application/json"
    return found


def may_fetch(monkeypatch: pytest.MonkeyPatch, web: Web) -> None:
    """Let addresses of the test's own web server be fetched, as fast as they are asked for."""
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(web.port))
    monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "0")


def look_anew(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
    """Let what is shown be good for so long only, however dear it is to look at."""
    monkeypatch.setattr("worker.web.shared.FRESH_SECONDS", seconds)
    monkeypatch.setattr("worker.web.shared._COST_RATIO", 0)


@contextmanager
def served(home: Home) -> Iterator[Served]:
    """Serve with the settings that the home has now, at a port of its own."""
    settings = home.settings()
    settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": 0})})
    listening = open_port(settings)
    config = uvicorn.Config(web_app(settings), log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server ended before it began"
        assert time.monotonic() < deadline, "the server does not begin"
        time.sleep(0.01)
    url = "http://{}:{}".format(*listening.getsockname()[:2])
    client = httpx.Client(base_url=url, trust_env=False, timeout=60)
    try:
        yield Served(home, url, client)
    finally:
        client.close()
        server.should_exit = True
        thread.join(30)
        listening.close()
