"""The HTTP API over the real application, a real server and real sockets."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home, article
from tests.http_server import Reply, Web
from tests.newsroom import feed
from tests.web.api_home import fetching, file_part, ours, refuse_inputs
from tests.web.served import CHANGES, Served, read_json, served

__all__ = ["fetching", "home", "lonely", "ours"]


# ── who may ────────────────────────────────────────────────────────────────────────────────

CHANGING = [
    ("POST", "/enqueue"),
    ("POST", "/jobs/x/retry"),
    ("POST", "/jobs/x/pause"),
    ("POST", "/jobs/x/resume"),
    ("POST", "/quarantine/retry"),
    ("POST", "/quarantine/discard"),
    ("POST", "/quarantine/restore"),
    ("POST", "/sources/drop/pause"),
    ("POST", "/sources/drop/resume"),
    ("POST", "/feeds"),
    ("DELETE", "/feeds/x"),
    ("POST", "/feeds/refresh"),
    ("POST", "/feeds/reset-errors"),
    ("POST", "/feeds/tag"),
    ("PATCH", "/feeds/x"),
    ("POST", "/groups"),
    ("POST", "/groups/x/pending"),
    ("POST", "/groups/x/dead-letters"),
    ("POST", "/groups/x/reset"),
    ("DELETE", "/groups/x"),
    ("DELETE", "/groups/x/consumers/y"),
    ("POST", "/reparse"),
    ("DELETE", "/reparse"),
]


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_changes_need_a_program(ours: Served, method: str, path: str) -> None:
    """Without the header, with another Origin or a wrong token nothing is done; preflights get no
    permission."""
    address = f"/api/v1{path}"
    for headers in ({}, {"x-newsdrop": "0"}, {"authorization": "Bearer x"}):
        read_json(ours.client.request(method, address, headers=headers), 403)
    for origin in ("https://evil.example", "null", f"{ours.url}0"):
        read_json(ours.client.request(method, address, headers={**CHANGES, "origin": origin}), 403)
    preflight = ours.client.request(
        "OPTIONS",
        address,
        headers={
            "origin": "https://evil.example",
            "access-control-request-method": method,
            "access-control-request-headers": "x-newsdrop",
        },
    )
    assert preflight.status_code in (403, 405)
    assert not any(name.startswith("access-control") for name in preflight.headers)
    assert not (ours.home.state / "paused" / "drop").exists()


def test_every_change_is_in_the_list_above() -> None:
    """No endpoint that changes something is left out."""
    from worker.web.api import routes

    changing = {
        (method, route.path)  # type: ignore[attr-defined]
        for route in routes
        for method in route.methods  # type: ignore[attr-defined]
        if method not in ("GET", "HEAD")
    }
    assert len(changing) == len(CHANGING)


def test_the_token_gives_access(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no other header; a wrong one is 401."""
    monkeypatch.setenv("NEWSDROP_WEB_TOKEN", "long and secret")
    with served(home) as ours:
        ours.get("/articles", status=401)
        ours.post("/sources/drop/pause", status=401)
        wrong = {"authorization": "Bearer wrong"}
        read_json(ours.client.get("/api/v1/articles", headers=wrong), 401)
        read_json(ours.client.post("/api/v1/sources/drop/pause", headers=wrong), 401)
        right = {"authorization": "Bearer long and secret"}
        read_json(ours.client.get("/api/v1/articles", headers=right), 200)
        read_json(ours.client.post("/api/v1/sources/drop/pause", headers=right), 200)
        assert (home.state / "paused" / "drop").exists()


def test_an_unknown_host_name_is_refused(ours: Served) -> None:
    """A name that was pointed at this machine is told so."""
    read_json(ours.client.get("/api/v1/status", headers={"host": "evil.example"}), 421)


# ── jobs ────────────────────────────────────────────────────────────────────────────────────


def test_jobs_in_pages(ours: Served) -> None:
    """Newest first; `next` is the next page, until the end."""
    ids = []
    for number in range(3):
        files = [file_part("a.md", article(f"第{number}号"))]
        ids.append(ours.post("/enqueue", files=files, status=202)["job"])
    first = ours.get("/jobs?count=2")
    second = ours.get(f"/jobs?count=2&cursor={first['next']}")
    assert {one["id"] for one in (*first["jobs"], *second["jobs"])} == set(ids)
    assert second["next"] is None
    assert first["jobs"][0]["files"]["waiting"] == 1


def test_a_job_is_retried(ours: Served) -> None:
    """Its refused inputs are accepted again as a job; afterwards there is nothing to retry."""
    first, second = refuse_inputs(ours)
    (job,) = [one["id"] for one in ours.get("/jobs")["jobs"]]
    shown = ours.get(f"/jobs/{job}")
    assert {one["quarantine"] for one in shown["refused"]} == {first, second}
    answer = ours.client.post(f"/api/v1/jobs/{job}/retry", headers=CHANGES)
    retried = read_json(answer, 202)
    assert retried["files"] == 2
    ours.home.work()
    assert read_json(ours.client.get(answer.headers["location"]), 200)["started_by"] == "retry"
    ours.post(f"/jobs/{job}/retry", status=422)
    ours.get("/jobs/nosuch", status=404)
    ours.post("/jobs/nosuch/retry", status=404)


# ── articles ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def published(ours: Served) -> Served:
    files = [file_part(f"{n}.md", article(f"港口第{n}号公告")) for n in range(3)]
    ours.post("/enqueue", files=files, status=202)
    ours.home.work()
    return ours


def test_articles_in_pages_and_by_words(published: Served) -> None:
    """Newest first, on from `next`; by words and any filter; an unknown filter is refused."""
    first = published.get("/articles?count=2")
    second = published.get(f"/articles?count=2&before={first['next']}")
    titles = [one["title"] for one in (*first["articles"], *second["articles"])]
    assert titles == ["港口第2号公告", "港口第1号公告", "港口第0号公告"]
    found = published.get(f"/articles?q={quote('第1号')}")
    assert ([one["title"] for one in found["articles"]], found["problem"]) == (
        ["港口第1号公告"],
        None,
    )
    first = published.get("/articles?source=manual&date=2022-03&count=2")
    second = published.get(f"/articles?source=manual&date=2022-03&before={first['next']}")
    assert (len(first["articles"]), len(second["articles"]), second["next"]) == (2, 1, None)
    assert published.get("/articles?outcome=duplicate")["articles"] == []
    published.get("/articles?outcome=lost", status=422)
    published.get("/articles?tags=x", status=400)


def test_one_article_and_its_explanation(published: Served) -> None:
    """By its id, its title and date, its path: the same article."""
    row = published.get("/articles")["articles"][0]
    one = published.get(f"/articles/{row['id']}")
    assert (one["record"]["title"], one["record_from"]) == (row["title"], "stream")
    assert one["explained"]["past"][0]["status"] == "published"
    for query in (f"title={quote(row['title'])}&date={row['date']}", "path=2.md"):
        (article_,) = published.get(f"/explain?{query}")["articles"]
        assert (article_["id"], article_["known"]) == (row["id"], True)
    published.get(f"/explain?title={quote('没有')}&date=2022-03-04")


def test_explaining_reads_no_file(ours: Served) -> None:
    """An existing path that was never accepted is answered as a missing one."""
    there = ours.home.put("secret.md", article("秘密"))
    problems = [ours.get(f"/explain?path={quote(str(path))}", status=404) for path in
                (there, there.with_name("other.md"), "/etc/passwd")]  # fmt: skip
    assert all("秘密" not in json.dumps(one, ensure_ascii=False) for one in problems)
    assert len({one["detail"].partition("path ")[2][-60:] for one in problems}) == 1


# ── quarantine ──────────────────────────────────────────────────────────────────────────────


def test_quarantine_pages_and_previews(ours: Served) -> None:
    """Newest first; a preview, and the bytes as a download."""
    ids = refuse_inputs(ours, 3)
    first = ours.get("/quarantine?count=2&reason=empty&source=manual")
    second = ours.get(f"/quarantine?count=2&after={first['next']}")
    assert [one["id"] for one in (*first["refused"], *second["refused"])] == ids
    assert first["total"] == 3
    raw = ours.home.state / "quarantine" / ids[0] / "raw"
    raw.write_bytes(b"<script>alert(1)</script>")
    look = ours.get(f"/quarantine/{ids[0]}")
    assert (look["kind"], look["text"], look["refused"]["reason"]) == (
        "text",
        "<script>alert(1)</script>",
        "empty",
    )
    answer = ours.client.get(f"/api/v1/quarantine/{ids[0]}/raw")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_raw_bytes_follow_no_link(ours: Served, tmp_path: Path) -> None:
    """A link in place of the bytes leads nowhere."""
    (only,) = refuse_inputs(ours, 1)
    raw = ours.home.state / "quarantine" / only / "raw"
    raw.unlink()
    raw.symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("secret")
    assert "secret" not in ours.client.get(f"/api/v1/quarantine/{only}/raw").text


def test_retry_and_discard(ours: Served) -> None:
    """Some are accepted again, some go; an unknown id stops it before anything is done."""
    first, second, third = refuse_inputs(ours, 3)
    ours.post("/quarantine/discard", {"ids": [first, "nosuch"]}, status=404)
    ours.post("/quarantine/retry", {"ids": [first, "../../x"]}, status=404)
    assert ours.get("/quarantine")["total"] == 3
    assert ours.post("/quarantine/discard", {"ids": [first, first]}) == {"discarded": 1}
    answer = ours.client.post(
        "/api/v1/quarantine/retry", json={"ids": [second, third]}, headers=CHANGES
    )
    retried = read_json(answer, 202)
    assert retried["files"] == 2
    assert answer.headers["location"].endswith(retried["job"])
    assert ours.get("/quarantine")["total"] == 0


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": "x"}, {"ids": [1]}, {"all": True},
                                  {"ids": ["x"] * 1001}])  # fmt: skip
@pytest.mark.parametrize("path", ["/quarantine/retry", "/quarantine/discard"])
def test_ids_are_named(ours: Served, path: str, body: Any) -> None:
    """A list of one to a thousand of them, and nothing else."""
    ours.post(path, body, status=422)


# ── feeds and sources ───────────────────────────────────────────────────────────────────────


def test_a_feed_from_adding_to_removing(fetching: Served, web: Web) -> None:
    """Previewed, added, shown, polled, reset, paused, resumed, removed."""
    web.pages["/feed.xml"] = feed(1, 2)
    answer = fetching.client.post(
        "/api/v1/feeds", json={"url": web.url("/feed.xml"), "name": "harbour"}, headers=CHANGES
    )
    added = read_json(answer, 201)
    assert (added["name"], added["entries"]) == ("harbour", 2)
    assert answer.headers["location"] == "/api/v1/feeds/harbour"
    assert fetching.get("/feeds/harbour")["status"] == "new"
    assert [one["name"] for one in fetching.get("/feeds")["feeds"]] == ["harbour"]
    fetching.post("/feeds", {"url": web.url("/feed.xml")}, status=409)
    fetching.post("/feeds", {"url": "http://o.example/", "name": "drop"}, status=409)
    assert fetching.post("/feeds/refresh", {"names": ["harbour"]}) == {"feeds": 1, "paused": 0}
    assert fetching.post("/feeds/reset-errors", {"all": True})["feeds"] == 1
    fetching.post("/sources/harbour/pause")
    assert fetching.get("/feeds/harbour")["status"] == "paused"
    assert fetching.post("/feeds/refresh", {"all": True}) == {"feeds": 1, "paused": 1}
    assert fetching.post("/sources/harbour/resume") == {"source": "harbour", "paused": False}
    removed = fetching.client.delete("/api/v1/feeds/harbour", headers=CHANGES)
    assert read_json(removed, 200) == {"removed": 1}
    read_json(fetching.client.delete("/api/v1/feeds/harbour", headers=CHANGES), 404)


def test_a_page_that_names_several_feeds(fetching: Served, web: Web) -> None:
    """None is added; they are listed to choose from."""
    links = "".join(
        f'<link rel="alternate" type="application/rss+xml" href="/{n}.xml" title="{n}">'
        for n in "ab"
    )
    html = f"<!DOCTYPE html><html><head><title>x</title>{links}</head><body>x</body></html>"
    web.pages["/"] = Reply(body=html.encode(), headers={"content-type": "text/html"})
    problem = fetching.post("/feeds", {"url": web.url("/")}, status=422)
    assert [one["url"] for one in problem["feeds"]] == [web.url("/a.xml"), web.url("/b.xml")]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/feeds", {}, 422),
        ("/feeds", {"url": 1}, 422),
        ("/feeds", {"url": "nothing"}, 422),
        ("/feeds", {"url": "http://a.example/", "check": "no"}, 422),
        ("/feeds", {"url": "http://a.example/", "colour": "red"}, 422),
        ("/feeds", {"url": "http://a.example/", "schedule": "never", "check": False}, 422),
        ("/feeds", {"url": "http://a.example/", "site": "nosuch", "check": False}, 404),
        ("/feeds/refresh", {}, 422),
        ("/feeds/refresh", {"names": ["nosuch"]}, 404),
        ("/feeds/refresh", {"names": ["x"], "all": True}, 422),
        ("/feeds/reset-errors", {"failing": True}, 422),
        ("/sources/nosuch/pause", None, 404),
        ("/sources/..%2f..%2fetc/pause", None, 404),
        ("/sources/drop/pause", {"now": True}, 422),
    ],
)
def test_invalid_changes(ours: Served, path: str, body: Any, status: int) -> None:
    """Each is refused with a sentence that says what to do."""
    ours.post(path, body, status=status)


# ── what all have ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs?cuont=5", 400),
        ("/jobs?count=0", 400),
        ("/jobs?count=201", 400),
        ("/jobs?count=%EF%BC%91", 400),
        ("/jobs?count=1&count=2", 400),
        ("/jobs?cursor=-1", 400),
        ("/jobs?cursor=99999999999999999999", 400),
        ("/jobs/" + "x" * 3000, 404),
        ("/jobs/a%00b", 404),
        ("/articles?before=x", 422),
        ("/articles?q=", 422),
        ("/articles?q=" + "x" * 2001, 400),
        ("/articles?q=" + "+".join("abcdefghijkl"), 422),
        ("/articles/nosuch", 404),
        ("/articles/nosuch?as=html", 400),
        ("/explain", 400),
        ("/explain?title=a&path=b", 400),
        ("/explain?path=a&date=2022-01-01", 400),
        ("/explain?title=a&date=tomorrow", 422),
        ("/explain?title=a&date=2022-01-01&source=nosuch", 404),
        ("/explain?url=http://a.example/never", 404),
        ("/quarantine?reason=ugly", 400),
        ("/quarantine/nosuch", 404),
        ("/quarantine/..%2f..%2fetc%2fpasswd/raw", 404),
        ("/feeds/nosuch", 404),
        ("/status?x", 400),
        ("/nosuch", 404),
        ("/", 404),
    ],
)
def test_invalid_queries(ours: Served, path: str, status: int) -> None:
    """The right status and a sentence; unknown parameters are refused."""
    ours.get(path, status=status)


def test_another_method_is_a_problem(ours: Served) -> None:
    """405 is a problem, too."""
    read_json(ours.client.put("/api/v1/jobs", headers=CHANGES), 405)
    read_json(ours.client.get("/api/v1/enqueue"), 405)


def test_status_is_the_overview(ours: Served) -> None:
    """The same value that the front page shows."""
    found = ours.get("/status")
    assert {"status", "problems", "minutes", "working"} <= found.keys()
    assert found["status"]["sources"]


def test_without_redis(lonely: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs it is 503 with a sentence; status and feeds say so; files are accepted."""
    with served(lonely) as ours:
        for path in ("/jobs", "/jobs/x", "/articles"):
            assert "Redis" in ours.get(path, status=503)["detail"]
        assert "newsdrop reindex" in ours.get("/articles?q=x", status=503)["detail"]
        ours.get("/status")
        ours.post("/feeds", {"url": "http://a.example/f", "name": "a", "check": False}, status=201)
        assert "Redis" in ours.get("/feeds")["problem"]
        ours.post("/feeds/refresh", {"all": True}, status=503)
        ours.post("/enqueue", files=[file_part("a.md", article("甲"))], status=202)
        assert ours.get("/quarantine")["total"] == 0


def test_nothing_hides_in_an_answer(ours: Served) -> None:
    """Terminal controls are escaped in JSON, whose value stays the same."""
    title = "港\u202e口\u200b报\x9b31m"
    ours.home.context().redis.xadd("newsdrop:articles", {"title": title})
    answer = ours.client.get("/api/v1/articles")
    assert not any(char in answer.text for char in title if not char.isprintable())
    assert answer.json()["articles"][0]["title"] == title
