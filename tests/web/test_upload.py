"""Files sent by the page's form: a job, within bounds, and nothing else is touched."""

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home, article
from tests.web.served import Served, served

__all__ = ["home", "lonely"]


@pytest.fixture
def ours(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A home that is served; an upload may hold one megabyte."""
    monkeypatch.setenv("NEWSDROP_WEB_UPLOAD_MB", "1")
    with served(home) as one:
        yield one


def token(one: Served) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', one.client.get("/enqueue").text)
    assert found is not None
    return found[1]


def list_uploads(one: Served) -> list[str]:
    walk = os.walk(one.home.state / "uploads")  # it passes over a folder that goes meanwhile
    return [name for _, _, names in walk for name in names]


def test_files_become_a_job_and_articles(ours: Served) -> None:
    """The answer leads to the job's page; records have the files' names."""
    files = [("files", (name, article(name), "text/markdown")) for name in ("一.md", "二.md")]
    answer = ours.client.post("/enqueue", data={"form_token": token(ours)}, files=files)
    assert answer.status_code == 303
    assert re.fullmatch(r"/jobs/enqueue-[\w-]+", answer.headers["location"])
    assert list_uploads(ours) == []
    ours.home.work()
    assert "Done: 2 files" in ours.client.get(answer.headers["location"]).text
    rows = ours.get("/articles")["articles"]
    paths = {ours.get(f"/articles/{row['id']}")["record"]["provenance"]["path"] for row in rows}
    assert paths == {"一.md", "二.md"}


@pytest.mark.parametrize("name", ["../../../escaped.md", "/tmp/escaped.md", "..", "a/../../b.md"])
def test_a_files_name_is_no_path(ours: Served, name: str) -> None:
    """The file is written to the spool only."""
    before = set(ours.home.path.rglob("*"))
    files = [("files", (name, article("一"), "text/markdown"))]
    answer = ours.client.post("/enqueue", data={"form_token": token(ours)}, files=files)
    assert answer.status_code == 303
    fresh = set(ours.home.path.rglob("*")) - before
    assert {path.relative_to(ours.home.state).parts[0] for path in fresh if path.is_file()} <= {
        "id", "spool", "accepted", "run",
    }  # fmt: skip
    assert not Path("/tmp/escaped.md").exists()


def test_without_a_form_token_nothing_is_written(ours: Served) -> None:
    """A form of another page is refused before the first byte of its files is on the disk."""
    where = urlsplit(ours.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=60) as sender:
        sender.sendall(
            b"POST /enqueue HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nabc'
        )
        assert sender.recv(12) == b"HTTP/1.1 403"  # while the rest was not sent yet
    assert list_uploads(ours) == []
    assert ours.get("/jobs")["jobs"] == []


def test_too_much_is_refused_with_a_sentence(ours: Served) -> None:
    """Above `web.upload_mb` the answer is 413, and nothing is kept."""
    files = [("files", (f"{n}.md", b"x" * 400_000, "text/markdown")) for n in range(3)]
    answer = ours.client.post("/enqueue", data={"form_token": token(ours)}, files=files)
    assert answer.status_code == 413
    assert "1 MB" in answer.text
    assert "newsdrop enqueue" in answer.text
    assert list_uploads(ours) == []
    assert ours.get("/jobs")["jobs"] == []


def test_no_file_chosen_is_an_error(ours: Served) -> None:
    """Shown on the form."""
    files = [("files", ("", b"", "application/octet-stream"))]
    answer = ours.client.post("/enqueue", data={"form_token": token(ours)}, files=files)
    assert answer.status_code == 422
    assert "contains no file" in answer.text
    assert 'id="upload"' in answer.text


def test_an_interrupted_upload_leaves_nothing(ours: Served) -> None:
    """Nothing is enqueued, and its files are removed."""
    shown = token(ours).encode()
    where = urlsplit(ours.url)
    sender = socket.create_connection((where.hostname or "", where.port or 0), timeout=60)
    sender.sendall(
        b"POST /enqueue HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n' + shown + b"\r\n"
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\n'
        + b"abc"
        * 100_000
    )
    end = time.monotonic() + 60
    while not list_uploads(ours):
        assert time.monotonic() < end
        time.sleep(0.02)
    sender.close()
    while list_uploads(ours):
        assert time.monotonic() < end, "what was sent is still there"
        time.sleep(0.02)
    assert ours.get("/jobs")["jobs"] == []


def test_a_full_spool_refuses_uploads(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form says so with 503 and stays open."""
    from worker.errors import Busy
    from worker.web.pages import enqueue as module

    def busy(*_: object, **__: object) -> str:
        raise Busy("as many batches wait as may: try again in a moment")

    monkeypatch.setattr(module, "enqueue_files", busy)
    files = [("files", ("a.md", article("一"), "text/markdown"))]
    answer = ours.client.post("/enqueue", data={"form_token": token(ours)}, files=files)
    assert answer.status_code == 503
    assert "as many batches wait" in answer.text
    assert list_uploads(ours) == []
