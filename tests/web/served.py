"""The real application of a home, served on loopback by uvicorn in a thread."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import jinja2
import pytest
import uvicorn
from jinja2.bccache import Bucket

from tests.home import Home
from tests.http_server import Web
from worker.service.port import open_port
from worker.web.app import web_app

CHANGES = {"x-newsdrop": "1"}
"""The headers of a change by a program."""


@dataclass
class Served:
    """A home, the address of its application, and a client without a proxy."""

    home: Home
    url: str
    client: httpx.Client

    def get(self, path: str, status: int = 200) -> Any:
        """The JSON of an API path (below `/api/v1`)."""
        return read_json(self.client.get(f"/api/v1{path}"), status)

    def post(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """The same for a change with the JSON `body`."""
        given = {"json": body} if body is not None else {}
        headers = {**CHANGES, **more.pop("headers", {})}
        return read_json(
            self.client.post(f"/api/v1{path}", headers=headers, **given, **more), status
        )


def read_json(answer: httpx.Response, status: int) -> Any:
    """The JSON of an answer with this status; an error is a problem as RFC 9457 defines it."""
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
    """Permit fetches from the test's own web server, without intervals."""
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(web.port))
    monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "0")


def expire_at_once(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
    """Let shared values expire after `seconds`, however long they take to compute."""
    monkeypatch.setattr("worker.web.shared.FRESH_SECONDS", seconds)
    monkeypatch.setattr("worker.web.shared._COST_RATIO", 0)


class _Compiled(jinja2.BytecodeCache):
    """Templates compiled by an earlier application: a page's take longer than its rendering."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._codes.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@contextmanager
def served(home: Home) -> Iterator[Served]:
    """Serve with the settings that the home has now, at a port of its own."""
    settings = home.settings()
    settings = settings.model_copy(update={"web": settings.web.model_copy(update={"port": 0})})
    listening = open_port(settings)
    app = web_app(settings)
    app.state.pages.environment.bytecode_cache = _COMPILED
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
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
