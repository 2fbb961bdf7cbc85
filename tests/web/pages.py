"""The status page of a home: what a test reads on it, and forms that it sends as a browser does."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from tests.cli.conftest import home
from tests.home import Home
from tests.http_server import Web
from tests.web.served import Served, expire_at_once, may_fetch, served

__all__ = ["home"]

RLO = "\u202e"
NASTY = f"<script>alert(1)</script>\"'&{RLO}evil"


@pytest.fixture
def ours(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A home that is served, and may fetch from the test's own web server."""
    may_fetch(monkeypatch, web)
    expire_at_once(monkeypatch)
    with served(home) as one:
        yield one


def text(one: Served, path: str, status: int = 200) -> str:
    answer = one.client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def words(html: str) -> str:
    """What a reader sees, roughly: without tags, spaces folded."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def send_form(one: Served, path: str, form: str = "", **fields: str) -> str:
    """Send a form of the page `form`; the address of the page that follows."""
    token = re.search(r'name="form_token" value="([^"]+)"', text(one, form or "/enqueue"))
    assert token is not None
    answer = one.client.post(path, data={"form_token": token[1], **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def enqueue_files(one: Served, **files: str | bytes) -> str:
    """Enqueue files by the API and work on them: the job's id."""
    forms = [("file", (name, data, "text/markdown")) for name, data in files.items()]
    job: str = one.post("/enqueue", files=forms, status=202)["job"]
    one.home.work()
    return job
