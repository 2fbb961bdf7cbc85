"""`enqueue URL` and `parse URL`: an address that a person names is fetched once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.home import Home, article
from tests.http_server import Reply, Web
from worker import api
from worker.errors import FetchFailed, Trouble, UsageError
from worker.sources import fetch_once

PAGE = """<!doctype html><html><head><title>云屿港启用码头</title>
<meta property="article:published_time" content="2023-04-18T10:15:30+08:00"></head>
<body><article><h1>云屿港启用码头</h1><p>云屿港三期码头今日启用，船舶等待时间缩短四成。</p>
<p>港务局说，其余泊位将在明年陆续改造完成。</p></article></body></html>"""

HTML = {"content-type": "text/html; charset=utf-8"}


def feed(*titles: str) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>https://harbour.example/{title}</link>"
        f"<description>关于{title}的消息</description>"
        "<pubDate>Fri, 04 Mar 2022 09:30:00 GMT</pubDate></item>"
        for title in titles
    )
    return f'<rss version="2.0"><channel><title>港</title>{items}</channel></rss>'.encode()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server that may be fetched from, with a page and a feed."""
    with Web() as server:
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(server.port))
        monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "0")
        server.pages["/page"] = Reply(body=PAGE.encode(), headers=HTML)
        server.pages["/feed"] = Reply(body=feed("甲", "乙"))
        yield server


def test_enqueue_fetches_pages_and_feeds_with_files(home: Home, web: Web) -> None:
    """All are one job; records name where they were fetched, without credentials."""
    path = home.put("a.md", article("丙"))
    given = [web.url("/page", user="me:geheim"), web.url("/feed"), str(path), "-"]
    done = home.run("enqueue", *given, "--json", stdin=article("丁").encode())
    assert done.exit_code == 0, done.output
    home.work()
    records = {record["title"]: record for record in home.lines("tail", "--from", "0")}
    assert set(records) == {"云屿港启用码头", "甲", "乙", "丙", "丁"}
    provenance = records["云屿港启用码头"]["provenance"]
    assert (provenance["source"], provenance["kind"]) == ("manual", "enqueue")
    assert (provenance["url"], provenance["path"]) == (web.url("/page"), None)
    assert provenance["fetched_at"]
    (job,) = home.lines("jobs")
    assert job["files"]["archived"] == 4
    assert job["label"] == f"{web.url('/page')} and 3 more"
    assert "geheim" not in home.run("jobs").stdout


def test_nothing_is_accepted_if_one_address_fails(home: Home, web: Web) -> None:
    """One 404 among good addresses: a sentence, exit 1, and nothing in the spool."""
    path = home.put("a.md", article("丙"))
    refused = home.run("enqueue", "--move", str(path), web.url("/feed"), web.url("/gone"))
    assert refused.exit_code == 1
    assert refused.stderr == f"newsdrop: {web.url('/gone')} answers 404 (not found): " + (
        "check the address\n"
    )
    assert path.exists()
    assert home.json("status")["files"]["accepted"] == 0


def test_robots_txt_is_honoured(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forbidden page is not requested, and the message names robots.txt; fetch.robots disables
    it."""
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /page")
    for command in ("enqueue", "parse"):
        refused = home.run(command, web.url("/page"))
        assert refused.exit_code == 1
        assert "/robots.txt does not allow it for newsdrop" in refused.stderr
    assert web.requests_for("/page") == []
    assert home.run("parse", web.url("/feed")).exit_code == 0
    monkeypatch.setenv("NEWSDROP_FETCH_ROBOTS", "false")
    assert home.run("parse", web.url("/page")).exit_code == 0


def test_parse_prints_and_publishes_nothing(home: Home, web: Web) -> None:
    """`parse URL` prints each record; `--source` applies the settings of that source."""
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour", "--tag", "port")
    first, second = home.lines("parse", web.url("/feed"), "--source", "harbour")
    assert [first["title"], second["title"]] == ["甲", "乙"]
    assert (first["provenance"]["source"], first["tags"]) == ("harbour", ["port"])
    assert home.json("status")["stream"]["length"] == 0


def test_an_address_goes_through_the_guard(home: Home, web: Web) -> None:
    """A private address is not fetched."""
    for url in ("http://10.0.0.1/", "http://127.0.0.1:22/", "http:///etc/passwd"):
        refused = home.run("parse", url)
        assert refused.exit_code == 1
        assert refused.stderr.count("\n") == 1, refused.stderr


def test_rsshub_is_an_address_too(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rsshub://route` is fetched from the configured RSSHub, and none is a wrong setting."""
    unset = home.run("parse", "rsshub://feed")
    assert unset.exit_code == 2
    assert "fetch.rsshub_base" in unset.stderr
    monkeypatch.setenv("NEWSDROP_FETCH_RSSHUB_BASE", web.url(""))
    assert [record["title"] for record in home.lines("parse", "rsshub://feed")] == ["甲", "乙"]


def test_a_host_gets_its_pause(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two addresses of one host lies the interval that it is left between two polls."""
    monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "7")
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("worker.sources.fetch_once.asyncio.sleep", sleep)
    home.json("enqueue", web.url("/page"), web.url("/feed"), web.url("/page"))
    assert waits[0] == 0
    assert 0 < waits[1] <= 7
    assert len(waits) == 2, "an address that is named twice is fetched once"


def test_fetched_bytes_in_memory_are_bounded(
    home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses that hold more than one command may are refused, and nothing is accepted."""
    monkeypatch.setattr(fetch_once, "MAX_BYTES", 500)
    refused = home.run("enqueue", web.url("/page"), web.url("/feed"))
    assert refused.exit_code == 2
    assert "enqueue fewer at once" in refused.stderr
    assert home.json("status")["files"]["accepted"] == 0


def test_without_redis_an_address_is_accepted(lonely: Home, web: Web) -> None:
    """It waits in the spool, as a file would."""
    report = lonely.json("enqueue", web.url("/feed"))
    assert report["files"] == 1
    assert "Redis does not answer" in report["problems"][0]


def test_the_public_face_takes_addresses(home: Home, web: Web) -> None:
    """`parse` and `enqueue` from Python, within a running event loop, too."""

    async def notebook() -> list[str]:
        return [record.title for record in api.parse(web.url("/feed"))]

    assert asyncio.run(notebook()) == ["甲", "乙"]
    job = api.enqueue([web.url("/feed"), home.put("a.md", article("丙"))])
    assert home.json("jobs", job)["files"]["accepted"] == 2
    with pytest.raises(FetchFailed) as caught:
        api.enqueue(web.url("/gone"))
    assert caught.value.trouble is Trouble.STATUS
    with pytest.raises(UsageError, match="did you mean drop"):
        api.parse(web.url("/feed"), as_source="dorp")
