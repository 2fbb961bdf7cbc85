"""Data of other programs, other versions and faults in stream, Redis and disk: pages and API
answer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home, article
from tests.web.served import Served, expire_at_once, served
from worker.spool.archive import Archive
from worker.store.connection import connect, redis_url
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind
from worker.store.stream import Stream
from worker.store.workers import Heartbeats, WorkerInfo

__all__ = ["home", "lonely"]

STREAM = "newsdrop:articles"
LISTS = ("/", "/articles", "/api/v1/articles")
DEEP = '{"a":' * 600 + "1" + "}" * 600


@pytest.fixture
def ours(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A served installation that renders each request anew."""
    expire_at_once(monkeypatch)
    with served(home) as one:
        yield one


def published(one: Served) -> dict[str, Any]:
    """The row of an article that was just published."""
    files = [("file", ("one.md", article("one"), "text/markdown"))]
    one.post("/enqueue", files=files, status=202)
    one.home.work()
    row: dict[str, Any] = one.get("/articles")["articles"][0]
    return row


def replaced(one: Served, row: dict[str, Any], data: str) -> None:
    """Replace the article's entry by another program's."""
    client = connect(redis_url(one.home.settings()))
    client.xdel(STREAM, row["stream_id"])
    ms, _, number = row["stream_id"].partition("-")
    client.xadd(
        STREAM, {"id": row["id"], "title": "one", "data": data}, id=f"{ms}-{int(number) + 1}"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"a": "b"},
        {"title": "one", "revision": "9" * 5000},
        {"title": "one", "revision": "9" * 25, "date": "never", "id": "<script>"},
        {"title": "one", "data": '{"ingested_at": "zzz", "word_count": 1e400}'},
        {"title": "one", "data": '{"ingested_at": "2022-01-01", "content_text": {"a": 1}}'},
        {"title": "one", "data": '{"ingested_at": "0001-01-01T00:00:00+23:00"}'},
        {"title": "one", "data": '{"ingested_at": "9999-12-31T23:59:59-23:59", "url": 5}'},
        {"title": "one", "data": DEEP},
    ],
    ids=range(8),
)
def test_any_entry_in_the_stream_is_listed(ours: Served, fields: dict[str, str]) -> None:
    """What another program wrote is listed as far as it says something."""
    connect(redis_url(ours.home.settings())).xadd(STREAM, fields)
    for path in LISTS:
        answer = ours.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "<script>" not in answer.text or path.startswith("/api/")


def test_a_list_is_in_bounds_whatever_its_entries_say(ours: Served) -> None:
    """Each text of a row is cut; an address that is too long to be shown is none."""
    long = "x" * 200_000
    names = ("id", "title", "date", "source", "type")
    data = json.dumps({"url": f"https://a.example/{long}", "language": long})
    connect(redis_url(ours.home.settings())).xadd(
        STREAM, {**dict.fromkeys(names, f"one {long}"), "data": data}
    )
    for path in LISTS:
        assert len(ours.client.get(path).text) < 50_000, path
    (row,) = ours.get("/articles")["articles"]
    assert {len(row[name]) for name in (*names, "language")} == {1_001}
    assert (row["title"][-1], row["url"]) == ("…", None)


def test_long_records_are_read_a_few_at_a_time(
    ours: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long records are, no list holds many of them at once."""
    client = connect(redis_url(ours.home.settings()))
    data = json.dumps({"content_text": "long " * 800_000, "word_count": True})
    for at in range(12):
        client.xadd(STREAM, {"id": f"a-{at}", "title": "one", "data": data})
    most: list[int] = []
    real = Stream.read_before

    def spied(self: Stream, *args: Any) -> Any:
        found = real(self, *args)
        most.append(sum(len(entry.data) for entry in found))
        return found

    monkeypatch.setattr(Stream, "read_before", spied)
    rows = ours.get("/articles")["articles"]
    assert [row["id"] for row in rows] == [f"a-{at}" for at in reversed(range(12))]
    assert {row["word_count"] for row in rows} == {None}
    assert max(most) < 15_000_000


@pytest.mark.parametrize(
    "stored_record", ["", "title", "title authors content_text url provenance"]
)
def test_an_article_whose_record_is_another_programs_is_shown(
    ours: Served, stored_record: str
) -> None:
    """As the JSON it is, with its history."""
    row = published(ours)
    record = ours.get(f"/articles/{row['id']}")["record"]
    replaced(
        ours, row, json.dumps({"seen": "by us", **{k: record[k] for k in stored_record.split()}})
    )
    page = ours.client.get(f"/articles/{row['id']}")
    assert page.status_code == 200, page.text
    assert "unknown format" in page.text
    assert "&#34;by us&#34;" in page.text
    assert ours.client.get(f"/articles/{row['id']}.json").json()["seen"] == "by us"


def test_a_long_article_is_cut(ours: Served) -> None:
    """Rendering all of it would stop the whole server; the page says that there is more."""
    body = "".join(
        f"<p>text <b>bold-{at}-run</b> <a href='http://a.example/{at}'>link {at}</a></p>"
        for at in range(8_000)
    )
    files = [("file", ("one.md", article("one", body=body), "text/markdown"))]
    ours.post("/enqueue", files=files, status=202)
    ours.home.work()
    row = ours.get("/articles")["articles"][0]
    page = ours.client.get(f"/articles/{row['id']}")
    assert page.status_code == 200
    assert "only the beginning" in page.text
    assert "<strong>bold-7-run</strong>" in page.text
    assert page.text.count("<strong>bold") == 200
    assert page.text.count("http://a.example/") < 3_000
    assert len(page.content) < 3_000_000
    whole = ours.client.get(f"/articles/{row['id']}.json").json()
    assert len(whole["highlights"]) == 8_000


def test_a_record_too_deep_to_be_written_is_none(ours: Served) -> None:
    """What cannot be handed on as JSON is as good as expired: the archive's file is read again."""
    row = published(ours)
    replaced(ours, row, DEEP)
    for path in ("/articles/{}", "/articles/{}.json", "/api/v1/articles/{}"):
        assert ours.client.get(path.format(row["id"])).status_code == 200
    assert ours.get(f"/articles/{row['id']}")["record_from"] == "archive"


def test_only_safe_addresses_are_links(ours: Served) -> None:
    """http, https and mailto."""
    row = published(ours)
    record = ours.get(f"/articles/{row['id']}")["record"]
    bad = [" javascript:alert(1)", "JavaScript:alert(2)", "data:text/html,x", "vbscript:x"]
    record |= {"url": "javascript:alert(0)", "links": [{"url": url, "text": "x"} for url in bad]}
    record["links"] += [{"url": "HTTPS://fine.example/", "text": "y"}]
    record |= {"date_published": "yesterday", "first_seen_at": "2022-01-01"}
    replaced(ours, row, json.dumps(record))
    page = ours.client.get(f"/articles/{row['id']}")
    assert page.status_code == 200, page.text
    assert "unknown format" not in page.text
    assert "alert(2)" in page.text
    for scheme in ("javascript:", "data:", "vbscript:"):
        assert f'href="{scheme}' not in page.text.lower().replace('href=" ', 'href="')
    assert 'href="HTTPS://fine.example/"' in page.text


def test_nothing_is_before_the_first_entry(ours: Served) -> None:
    """The least id there can be is the end of the list, and no fault of Redis."""
    published(ours)
    for before in ("0", "0-0", "00-0", "0-1"):
        assert ours.get(f"/articles?before={before}")["articles"] == []


EVERYWHERE = (*LISTS, "/jobs", "/feeds", "/metrics", "/readyz", "/livez")
EVERYWHERE += ("/api/v1/status", "/api/v1/jobs", "/api/v1/feeds")


@pytest.mark.parametrize("kind", ["string", "list", "hash", "bytes in a hash"])
@pytest.mark.parametrize(
    "name", ["jobs", "job:j", "tally", "tally:sources", "measures", "minutes", "workers", "tick"]
)
def test_keys_of_other_types(ours: Served, name: str, kind: str) -> None:
    """Each page and answer works, or says in a sentence (503) what cannot be read."""
    job_store(ours.home.settings()).open(Job("j", JobKind.SCAN, "drop", "j", 10**12))
    client = connect(redis_url(ours.home.settings()))
    key = f"{{{STREAM}}}:{name}"
    client.delete(key)
    if kind == "string":
        client.set(key, b"\xff")
    elif kind == "list":
        client.rpush(key, b"\xff")
    elif kind == "hash":
        client.hset(key, "repeat", "x")
    else:
        client.hset(key, b"\xff", b"\xff")
    for path in EVERYWHERE:
        answer = ours.client.get(path)
        assert answer.status_code in (200, 503), (path, answer.text)
        assert answer.status_code == 200 or "Redis" in answer.text or path == "/readyz"


@pytest.mark.parametrize(
    "stored",
    [
        {b"kind": b"telepathy"},
        {b"kind": b"\xff", b"label": b"\xff\xfe"},
        {b"created_ms": b"9" * 30, b"files": b"9" * 5000},
        {b"created_ms": b"--5", b"last_ms": b"9" * 19, b"began_ms": "²".encode()},
        {b"archived": b"9" * 30, b"\xff": b"1"},
    ],
    ids=range(5),
)
def test_a_job_of_another_version_hides_no_other(ours: Served, stored: dict[bytes, bytes]) -> None:
    """What of a job is not understood is left out; the list, and the job itself, are there."""
    store = job_store(ours.home.settings())
    store.open(Job("ours", JobKind.SCAN, "drop", "ours", 10**12))
    store.open(Job("theirs", JobKind.SCAN, "drop", "theirs", 10**12 + 1))
    client = connect(redis_url(ours.home.settings()))
    client.hset(f"{{{STREAM}}}:job:theirs", mapping=stored)
    client.zadd(f"{{{STREAM}}}:jobs", {b"\xff\xfe": 10**12})
    assert {job["id"] for job in ours.get("/jobs")["jobs"]} == {"ours", "theirs"}
    assert ours.client.get("/jobs/theirs").status_code == 200
    assert "/jobs/ours" in ours.client.get("/jobs").text


def test_one_strange_heartbeat_hides_no_worker(ours: Served) -> None:
    """Invalid heartbeats are skipped."""
    settings = ours.home.settings()
    client = connect(redis_url(settings))
    Heartbeats(client, stream=STREAM).beat(WorkerInfo("celery@one", 1, "one", 2, 10**12))
    for at, heartbeat in enumerate((b"\xff", b"[]", b"{}", b'{"name": 5, "pid": "x"}', b"null")):
        client.hset(f"{{{STREAM}}}:workers", f"strange-{at}", heartbeat)
    workers = ours.get("/status")["status"]["workers"]
    assert [each["name"] for each in workers] == ["celery@one"]


@pytest.mark.parametrize(
    "stored",
    ["", "[]", "{}", "null", '{"reason": "a reason to come"}', '{"reason": 5}', "\0", DEEP],
)
def test_a_damaged_error_json_hides_no_other(ours: Served, stored: str) -> None:
    """It says so itself; the others are listed."""
    for name in ("one.md", "two.md"):
        ours.post("/enqueue", files=[("file", (name, b"", "text/markdown"))], status=202)
    ours.home.work()
    first, second = (each["id"] for each in ours.get("/quarantine")["refused"])
    (ours.home.state / "quarantine" / first / "error.json").write_text(stored)
    assert [each["id"] for each in ours.get("/quarantine")["refused"]] == [second]
    page = ours.client.get("/quarantine")
    assert page.status_code == 200
    assert second in page.text
    assert "error.json" in ours.get(f"/quarantine/{first}", status=404)["detail"]
    assert ours.client.get(f"/quarantine/{first}").status_code == 404
    ours.post("/quarantine/retry", {"ids": [first]}, status=404)
    assert ours.client.get("/metrics").status_code == 200
    assert ours.home.run("quarantine", "list").exit_code == 0


def test_a_consumer_groups_name_is_any_bytes(ours: Served) -> None:
    """It is shown escaped and cut, and counted."""
    published(ours)
    client = connect(redis_url(ours.home.settings()))
    names = ["<script>\u202e\x1b[31m", 'a"} 1\nevil_metric 1', "x" * 100_000, b"\xff\xfe"]
    for name in names:
        client.xgroup_create(STREAM, name, "0")
    page, metrics = ours.client.get("/"), ours.client.get("/metrics")
    consumers = ours.client.get("/consumers")
    assert {one.status_code for one in (page, metrics, consumers)} == {200}
    for wrong in ("<script>\\", "\u202e", "\x1b", "x" * 1000):
        assert wrong not in page.text + consumers.text
        assert wrong not in metrics.text or wrong.startswith("<")
    assert not any(line.startswith("evil_metric") for line in metrics.text.splitlines())
    assert ours.client.get("/api/v1/status").status_code == 200


def test_damaged_raw_files_are_not_found(ours: Served) -> None:
    """The link to one answers so."""
    row = published(ours)
    [packed] = (ours.home.state / "archive").rglob("*.tar.zst")
    batch = packed.name.removesuffix(".tar.zst")
    [entry] = [one.entry for one in Archive(ours.home.state).segment(batch).outcomes()]
    address = f"/articles/{row['id']}/raw/{batch}/{entry}"
    assert ours.client.get(address).status_code == 200
    for damaged in (b"damaged", packed.read_bytes()[:-40]):
        packed.write_bytes(damaged)
        assert ours.client.get(address).status_code == 404
