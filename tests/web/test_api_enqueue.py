"""Enqueuing over the HTTP API: files, addresses, and the bounds of uploads."""

import http.client
import os
import socket
from typing import Any

import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home, article
from tests.http_server import Web
from tests.newsroom import page
from tests.web.api_home import fetching, file_part, list_uploads, ours
from tests.web.served import CHANGES, Served, read_json, served
from worker.spool.batch import batch_names
from worker.spool.layout import manual_root
from worker.web import uploads as uploading

__all__ = ["fetching", "home", "lonely", "ours"]


def test_files_become_articles(ours: Served) -> None:
    """202 with the job's address; its counts and article, and nothing left of the upload."""
    files = [file_part("a.md", article("甲")), file_part("../b.md", article("乙"))]
    answer = ours.client.post(
        "/api/v1/enqueue", files=files, data={"source": "drop"}, headers=CHANGES
    )
    job = read_json(answer, 202)
    assert answer.headers["location"] == f"/api/v1/jobs/{job['job']}"
    assert job["files"] == 2
    assert list_uploads(ours) == []
    ours.home.work()
    done = read_json(ours.client.get(answer.headers["location"]), 200)
    assert (done["articles"]["published"], done["source"], done["started_by"]) == (
        2,
        "drop",
        "person",
    )
    assert [one["title"] for one in ours.get("/articles")["articles"]] == ["乙", "甲"]


def test_force_publishes_a_revision(ours: Served) -> None:
    """Without `force` the file is a duplicate."""
    for force, text in (("false", "一"), ("false", "二"), ("true", "三")):
        files = [file_part("a.md", article("甲", body=text))]
        job = ours.post("/enqueue", files=files, data={"force": force}, status=202)
        ours.home.work()
        counts = ours.get(f"/jobs/{job['job']}")["articles"]
    assert counts["revised"] == 1
    assert ours.get("/articles")["articles"][0]["revision"] == 2


def test_addresses_are_fetched_and_published(fetching: Served, web: Web) -> None:
    """Each once; the record has its address."""
    web.pages["/a.html"] = page("港口夜航", "第一段。")
    address = web.url("/a.html")
    fetching.post("/enqueue", {"addresses": [address, address]}, status=202)
    fetching.home.work()
    (row,) = fetching.get("/articles")["articles"]
    record = fetching.get(f"/articles/{row['id']}")["record"]
    assert record["provenance"]["url"] == address


def test_failures_of_an_address_have_their_status(fetching: Served, web: Web) -> None:
    """502 if its server fails, 422 if our settings forbid it; nothing is accepted."""
    problem = fetching.post("/enqueue", {"addresses": [web.url("/gone")]}, status=502)
    assert problem["trouble"] == "status"
    problem = fetching.post("/enqueue", {"addresses": ["http://10.1.2.3/"]}, status=422)
    assert problem["trouble"] == "address"
    assert not batch_names(manual_root(fetching.home.settings()))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"addresses": []}, 422),
        ({"addresses": "http://a.example/"}, 422),
        ({"addresses": [1]}, 422),
        ({"addresses": ["/etc/passwd"]}, 422),
        ({"addresses": ["file:///etc/passwd"]}, 422),
        ({"addresses": [f"http://a.example/{n}" for n in range(21)]}, 422),
        ({"addresses": ["http://a.example/"], "source": "nosuch"}, 404),
        ({"addresses": ["http://a.example/"], "source": 1}, 422),
        ({"addresses": ["http://a.example/"], "force": "yes"}, 422),
        ({"addresses": ["http://a.example/"], "path": "/etc"}, 422),
        (["http://a.example/"], 422),
    ],
)
def test_invalid_bodies(ours: Served, body: Any, status: int) -> None:
    """Each is refused with a sentence before anything is fetched or accepted."""
    ours.post("/enqueue", body, status=status)
    assert not batch_names(manual_root(ours.home.settings()))


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b"[" * 5000, 400),
        ("text/plain", b'{"addresses": []}', 415),
        ("application/x-www-form-urlencoded", b"addresses=http://a.example/", 415),
        ("multipart/form-data", b"x", 415),
        ("multipart/form-data; boundary=" + "b" * 300, b"nonsense", 400),
        ("multipart/form-data; boundary=b", b"nonsense", 400),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf a fi',
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="path"\r\n\r\n/etc\r\n--b--\r\n',
            422,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="force"\r\n\r\nyes\r\n--b--\r\n',
            422,
        ),
        ("multipart/form-data; boundary=b", b"--b\r\nx: " + b"y" * 9000 + b"\r\n\r\n", 400),
        ("application/json", b'{"addresses": [' + b" " * 300_000 + b"]}", 413),
    ],
)
def test_unreadable_bodies(ours: Served, kind: str, body: bytes, status: int) -> None:
    """The answer is a problem with a sentence; nothing is accepted or left."""
    headers = {"content-type": kind}
    read_json(
        ours.client.post("/api/v1/enqueue", content=body, headers={**CHANGES, **headers}), status
    )
    assert not batch_names(manual_root(ours.home.settings()))
    assert list_uploads(ours) == []


def test_uploads_are_bounded(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their bytes, whatever they declare, by the number of files, and of fields."""
    monkeypatch.setenv("NEWSDROP_WEB_UPLOAD_MB", "1")
    monkeypatch.setattr(uploading, "MAX_FILES", 3)
    half = [file_part("a", b"x" * 600_000), file_part("b", b"x" * 600_000)]
    with served(ours.home) as small:
        problem = small.post("/enqueue", files=half, status=413)
        assert "web.upload_mb" in problem["detail"]
        many = [file_part(f"{n}.md", b"x") for n in range(4)]
        assert "3 files" in small.post("/enqueue", files=many, status=413)["detail"]
        fields = {f"f{n}": "x" for n in range(101)}
        small.post("/enqueue", files=many[:1], data=fields, status=413)
        long = {"source": "x" * 70_000}
        small.post("/enqueue", files=many[:1], data=long, status=413)
        assert list_uploads(small) == []
        assert not batch_names(manual_root(small.home.settings()))
        small.post("/enqueue", files=many[:3], status=202)


def test_a_sender_that_goes_away_leaves_nothing(ours: Served) -> None:
    """An incomplete upload is not a file, and is removed."""
    port = int(ours.url.rpartition(":")[2])
    head = (
        f"POST /api/v1/enqueue HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Newsdrop: 1\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head.encode() + b"half")
        _until(lambda: bool(list_uploads(ours)))
    _until(lambda: not list_uploads(ours))
    assert not batch_names(manual_root(ours.home.settings()))


def test_concurrent_uploads_are_limited(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After: the disk space of unaccepted files is bounded."""
    monkeypatch.setattr(uploading, "MAX_UPLOADS", 0)
    answer = ours.client.post(
        "/api/v1/enqueue", files=[file_part("a.md", article("甲"))], headers=CHANGES
    )
    read_json(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


def test_what_a_killed_server_left_goes_after_a_day(ours: Served) -> None:
    """Old uploads are removed by the next one; what may be under way stays."""
    old, new = (ours.home.state / "uploads" / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        folder.joinpath("0").write_text("x")
    os.utime(old, (1, 1))
    ours.post("/enqueue", files=[file_part("a.md", article("甲"))], status=202)
    assert list_uploads(ours) == [new]


def test_a_full_spool_is_503(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, with Retry-After; nothing is accepted in part."""
    monkeypatch.setenv("NEWSDROP_SPOOL_MAX_WAITING", "1")
    with served(home) as ours:
        ours.post("/enqueue", files=[file_part("a.md", article("甲"))], status=202)
        problem = ours.post("/enqueue", files=[file_part("b.md", article("乙"))], status=503)
        assert "try again" in problem["detail"]
        assert list_uploads(ours) == []
        assert len(batch_names(manual_root(home.settings()))) == 1


def test_a_declared_length_is_refused_early(ours: Served) -> None:
    """Too long a body is refused before it is sent."""
    port = int(ours.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/api/v1/enqueue")
    connection.putheader("x-newsdrop", "1")
    connection.putheader("content-type", "multipart/form-data; boundary=b")
    connection.putheader("content-length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def _until(true: Any) -> None:
    import time

    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_pages_upload_needs_its_forms_token(ours: Served) -> None:
    """The API's header is not enough there, and nothing is accepted or left."""
    files = [file_part("a.md", article("甲"))]
    for data in ({}, {"form_token": "1.x"}):
        refused_ = ours.client.post("/enqueue", files=files, data=data, headers=CHANGES)
        assert refused_.status_code == 403
    assert list_uploads(ours) == []
    assert not batch_names(manual_root(ours.home.settings()))
    token = ours.client.get("/enqueue").text.partition('name="form_token" value="')[2]
    data = {"form_token": token.partition('"')[0]}
    assert ours.client.post("/enqueue", files=files, data=data).status_code == 303
    assert len(batch_names(manual_root(ours.home.settings()))) == 1
