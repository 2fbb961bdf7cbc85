"""Full text: the page of each new article is fetched, as its host allows, and merged."""

import asyncio
import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import item, newsroom, page, rss
from tests.servers import Server
from tests.world import World
from worker.fetch import Fetcher
from worker.formats.page.entry_bundle import PagePart
from worker.pipeline.feeds import poll as polling
from worker.queries.audit import audit
from worker.sources.page_fetch import MAX_PARTS, PageFetcher
from worker.sources.registry import pause

Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, web: Web) -> Make:
    return lambda **options: newsroom(tmp_path, redis_server, web, **options)


@pytest.fixture
def world(make: Make) -> World:
    return make()


def offer(web: Web, *numbers: int, text: str = "") -> None:
    """A feed of entries that link to this server, and their pages."""
    entries = [item(n, link=web.url(f"/{n}.html"), text=text) for n in numbers]
    web.pages["/rss"] = Reply(body=rss(entries))
    for number in numbers:
        web.pages.setdefault(f"/{number}.html", page(f"港口第{number}号公告", f"全文{number}。"))


def again(world: World) -> None:
    """Fetch the pages that are wanted, whenever they would be, and ingest what came."""
    world.poll()
    world.context.page_store.make_due(world.context.deps.wanted.names())
    world.poll()


def test_a_new_articles_page_is_read(world: World, web: Web) -> None:
    """The body is the page's, title and date the feed's; which won is recorded; all accounted."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    assert world.entries() == []
    assert world.totals().deferred == 1
    world.poll()
    (entry,) = world.entries()
    record = entry["data"]
    assert "全文1。" in record["content_text"]
    assert record["title"] == "港口第1号公告"
    assert record["date"] == "2021-11-26"
    assert record["provenance"]["kind"] == "page"
    assert record["provenance"]["url"] == web.url("/1.html")
    assert record["provenance"]["feed_url"] == web.url("/rss")
    merged = record["provenance"]["merged"]
    assert (merged["title"], merged["body"]) == ("feed", "page")
    assert record["first_seen_at"] < record["provenance"]["fetched_at"]
    assert world.feed("harbour").published == 1
    assert world.context.deps.wanted.names() == set()
    assert audit(world.settings).balanced


def test_a_known_articles_page_is_not_fetched(world: World, web: Web) -> None:
    """Whether an article is new is decided before its page is requested."""
    offer(web, 1, 2)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    again(world)
    offer(web, 1, 2, 3)
    world.poll("harbour")
    world.poll()
    assert sorted(web.fetched_pages()) == ["/1.html", "/2.html", "/3.html"]
    assert len(world.entries()) == 3


def test_an_entry_that_its_feed_rewords_is_not_fetched_again(world: World, web: Web) -> None:
    """Same title and date: a duplicate, and the record does not claim other content."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    again(world)
    offer(web, 1, text="改写过的摘要。")
    world.poll("harbour")
    world.poll()
    assert web.fetched_pages() == ["/1.html"]
    assert world.totals().duplicate == 1
    assert world.totals().content_differs == 0


def test_a_known_entry_is_recognised_without_reading(world: World, web: Web) -> None:
    """The mark is the feed entry's, though the text is the page's."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    again(world)
    entries = [item(1, link=web.url("/1.html"))]
    web.pages["/rss"] = Reply(body=rss(entries, "<generator>other</generator>"))
    world.poll("harbour")
    totals = world.totals()
    assert (totals.unchanged, totals.duplicate, totals.deferred) == (1, 0, 1)


def test_only_a_changed_page_is_a_revision(world: World, web: Web) -> None:
    """With on_change = "revise" a reworded entry's page is fetched."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True, on_change="revise")
    again(world)
    offer(web, 1, text="改写过的摘要。")
    world.poll("harbour")
    world.poll()
    assert web.fetched_pages() == ["/1.html"] * 2
    assert len(world.entries()) == 1
    web.pages["/1.html"] = page("港口第1号公告", "更正后的全文。")
    offer(web, 1, text="再次改写的摘要。")
    world.poll("harbour")
    world.poll()
    assert [entry["type"] for entry in world.entries()] == ["article.published", "article.revised"]


def test_an_unavailable_page_costs_no_article(make: Make, web: Web) -> None:
    """After its tries the feed's own text is published, with a warning."""
    world = make(**{"fetch.page_tries": 3})
    offer(web, 1)
    web.pages["/1.html"] = Reply(status=500)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    for _ in range(3):
        assert world.entries() == []
        world.context.page_store.make_due(world.context.deps.wanted.names())
        world.poll()
    (entry,) = world.entries()
    assert web.fetched_pages() == ["/1.html"] * 3
    assert "第1段正文" in entry["data"]["content_text"]
    assert any("500" in warning for warning in entry["data"]["warnings"])
    assert world.context.deps.wanted.names() == set()


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(status=404), "404"),
        (Reply(body=b"%PDF-1.7", headers={"content-type": "application/pdf"}), "application/pdf"),
        (Reply(status=302, headers={"location": "http://127.0.0.1:9/"}), "port"),
        (Reply(body=b"<html><body></body></html>", headers={"content-type": "text/html"}), "page"),
    ],
)
def test_a_permanent_failure_is_not_retried(
    world: World, web: Web, reply: Reply, says: str
) -> None:
    """A page that is gone, no page or forbidden is given up at once."""
    offer(web, 1)
    web.pages["/1.html"] = reply
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    again(world)
    (entry,) = world.entries()
    assert len(web.fetched_pages()) == 1
    assert says in " ".join(entry["data"]["warnings"])


def test_robots_txt_is_obeyed(world: World, web: Web) -> None:
    """Forbidden pages are not fetched, and robots.txt is requested once a host."""
    offer(web, 1, 2)
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /2.html\n")
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    again(world)
    assert web.fetched_pages() == ["/1.html"]
    records = {entry["data"]["title"]: entry["data"] for entry in world.entries()}
    assert "全文1。" in records["港口第1号公告"]["content_text"]
    assert "robots.txt" in " ".join(records["港口第2号公告"]["warnings"])
    assert [request.path for request in web.requests].count("/robots.txt") <= 2


def test_robots_txt_of_a_redirect_target(tmp_path: Path, redis_server: Server, web: Web) -> None:
    """A redirect to another site is followed only as its robots.txt allows."""
    with Web("127.0.0.2") as other:
        world = newsroom(tmp_path, redis_server, web, other)
        offer(web, 1)
        web.pages["/1.html"] = Reply(status=302, headers={"location": other.url("/there.html")})
        other.pages["/there.html"] = page("港口第1号公告", "别处的全文。")
        other.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /\n")
        world.add_feed("harbour", web.url("/rss"), full_text=True)
        again(world)
        (entry,) = world.entries()
    assert "别处的全文。" not in entry["data"]["content_text"]
    assert "robots.txt" in " ".join(entry["data"]["warnings"])


def test_robots_txt_can_be_ignored(make: Make, web: Web) -> None:
    """With `fetch.robots = false` it is not requested."""
    world = make(**{"fetch.robots": False})
    offer(web, 1)
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /\n")
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    again(world)
    assert web.fetched_pages() == ["/1.html"]
    assert "/robots.txt" not in [request.path for request in web.requests]


def test_a_busy_host_costs_time_and_no_article(world: World, web: Web) -> None:
    """503 with Retry-After: no page of that host is requested until then."""
    offer(web, 1, 2)
    web.pages["/1.html"] = web.pages["/2.html"] = Reply(status=503, headers={"retry-after": "3600"})
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    world.poll()
    count = len(web.fetched_pages())
    assert count >= 1
    world.context.page_store.make_due(world.context.deps.wanted.names())
    world.fetch()
    assert len(web.fetched_pages()) == count
    assert len(world.context.deps.wanted.names()) == 2


def following(tmp_path: Path) -> dict[str, Any]:
    """The site rule option whose article continues at `a.next`."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "harbour.toml").write_text(
        '[match]\nhosts = ["harbour.example"]\n[page]\ncontent = ["article"]\n'
        'next_page = ["a.next"]\n'
    )
    return {"sites_dir": str(tmp_path / "sites")}


def part(number: int, link: str) -> Reply:
    """A page of an article that continues at `link`."""
    found = page("港口第1号公告", f"第{number}页。")
    more = f'<a class="next" href="{link}">下一页</a></article>'.encode()
    return Reply(body=found.body.replace(b"</article>", more), headers=found.headers)


def test_continuation_pages_are_read(tmp_path: Path, redis_server: Server, web: Web) -> None:
    """By the site rule for the next page."""
    world = newsroom(tmp_path, redis_server, web, **following(tmp_path))
    offer(web, 1)
    web.pages["/1.html"] = part(1, "/1_2.html")
    web.pages["/1_2.html"] = part(2, "/1_3.html")
    web.pages["/1_3.html"] = part(3, "/1.html")
    world.add_feed("harbour", web.url("/rss"), full_text=True, site="harbour")
    again(world)
    (entry,) = world.entries()
    found = re.findall(r"第(\d)页。", entry["data"]["content_text"])
    assert found == ["1", "2", "3"]
    assert web.fetched_pages() == ["/1.html", "/1_2.html", "/1_3.html"]
    assert entry["data"]["warnings"] == []


def test_an_endless_article_is_cut(tmp_path: Path, redis_server: Server, web: Web) -> None:
    """Ten pages are fetched, with a warning."""
    world = newsroom(tmp_path, redis_server, web, **following(tmp_path))
    offer(web, 1)
    for number in range(1, MAX_PARTS + 3):
        web.pages[f"/{number}.html"] = part(number, f"/{number + 1}.html")
    world.add_feed("harbour", web.url("/rss"), full_text=True, site="harbour")
    again(world)
    (entry,) = world.entries()
    assert len(web.fetched_pages()) == MAX_PARTS
    assert f"第{MAX_PARTS}页。" in entry["data"]["content_text"]
    assert f"after {MAX_PARTS} pages" in " ".join(entry["data"]["warnings"])


def test_robots_txt_applies_to_continuation_pages(
    tmp_path: Path, redis_server: Server, web: Web
) -> None:
    """The article is what was read, with a warning."""
    world = newsroom(tmp_path, redis_server, web, **following(tmp_path))
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nDisallow: /two\n")
    offer(web, 1)
    web.pages["/1.html"] = part(1, "/two")
    web.pages["/two"] = part(2, "/three")
    world.add_feed("harbour", web.url("/rss"), full_text=True, site="harbour")
    again(world)
    (entry,) = world.entries()
    assert not web.requests_for("/two")
    assert "第1页。" in entry["data"]["content_text"]
    assert "robots.txt" in " ".join(entry["data"]["warnings"])


def test_a_long_delay_costs_the_rest_and_not_the_page(
    tmp_path: Path, redis_server: Server, web: Web
) -> None:
    """If ten pages take too long at the host's pace, what was read is kept."""
    world = newsroom(
        tmp_path, redis_server, web, **following(tmp_path), **{"fetch.deadline_seconds": 0.7}
    )
    web.pages["/robots.txt"] = Reply(body=b"User-agent: *\nCrawl-delay: 1\n")
    offer(web, 1)
    for number in range(1, 6):
        web.pages[f"/{number}.html"] = part(number, f"/{number + 1}.html")
    world.add_feed("harbour", web.url("/rss"), full_text=True, site="harbour")
    again(world)
    (entry,) = world.entries()
    assert "第1页。" in entry["data"]["content_text"]
    assert "takes too long" in " ".join(entry["data"]["warnings"])


def test_no_more_pages_wait_than_may(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed that lists thousands of pages leaves no more behind than can be fetched in time."""
    monkeypatch.setattr("worker.pipeline.feeds.run.MAX_WANTED_PAGES", 2)
    offer(web, 1, 2)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    more = [item(n, link=web.url(f"/{n}.html")) for n in range(3, 9)]
    web.pages["/more"] = Reply(body=rss(more))
    world.add_feed("more", web.url("/more"), full_text=True)
    _only_the_feed(world)
    assert len(world.context.deps.wanted.names()) == 2
    assert len(world.entries()) == 6
    assert "too many pages" in " ".join(world.entries()[0]["data"]["warnings"])


def test_a_lost_redis_forgets_no_page(world: World, web: Web, redis_server: Server) -> None:
    """Wanted pages are files: without any Redis keys they are fetched."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    redis_server.client().flushall()
    again(world)
    assert len(world.entries()) == 1


@pytest.mark.parametrize("damage", [b"\x00 torn", b'{"name": "x"}\n{}'])
def test_a_damaged_file_is_quarantined(world: World, web: Web, damage: bytes) -> None:
    """A wanted page that cannot be read is refused with its bytes; no other notices."""
    offer(web, 1, 2)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    name = min(world.context.deps.wanted.names())
    (world.settings.state_dir / "wanted" / name).write_bytes(damage)
    again(world)
    assert len(world.entries()) == 1
    (quarantined,) = world.context.deps.quarantine
    assert world.context.deps.quarantine.raw_path(quarantined.id).read_bytes() == damage
    assert world.context.deps.wanted.names() == set()
    assert audit(world.settings).balanced


def test_what_one_page_raises_is_its_own_fault(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug met with one page counts as a try of it: others are fetched, and it ends too."""
    real = PageFetcher.fetch_part

    async def broken(self: PageFetcher, url: str, fetcher: Fetcher, *rest: Any) -> PagePart:
        if url.endswith("/1.html"):
            raise RuntimeError("a bug")
        return await real(self, url, fetcher, *rest)

    monkeypatch.setattr(PageFetcher, "fetch_part", broken)
    offer(web, 1, 2)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    for _ in range(world.settings.fetch.page_tries + 1):
        again(world)
    records = {entry["data"]["title"]: entry["data"] for entry in world.entries()}
    assert "全文2。" in records["港口第2号公告"]["content_text"]
    assert "RuntimeError" in " ".join(records["港口第1号公告"]["warnings"])


def test_a_page_that_ends_its_worker_is_given_up(world: World, web: Web) -> None:
    """Handed out again and again without an answer to us, it is published without its page."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    poll_pages = world.context.page_store
    polling.poll(world.context, notify=lambda: None)
    for _ in range(4):
        assert poll_pages.take_leases(9, 0.001).leases  # and its holder is dead
        time.sleep(0.01)
    world.poll()
    (entry,) = world.entries()
    assert "ended its worker" in " ".join(entry["data"]["warnings"])
    assert web.fetched_pages() == []


def test_a_paused_feeds_pages_wait(world: World, web: Web) -> None:
    """Pausing a feed pauses its pages, too."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    pause(world.settings.state_dir, "harbour")
    world.poll()
    assert web.fetched_pages() == []
    assert len(world.context.deps.wanted.names()) == 1


def test_an_entry_that_waits_is_no_news(world: World, web: Web) -> None:
    """While its page cannot be fetched, its entry is not counted as new again."""
    web.pages["/1.html"] = Reply(status=503, headers={"retry-after": "3600"})
    for number in range(3):
        entries = [item(1, link=web.url("/1.html"))]
        web.pages["/rss"] = Reply(body=rss(entries, f"<generator>{number}</generator>"))
        world.add_feed("harbour", web.url("/rss"), full_text=True)
        world.poll("harbour")
    assert world.totals().deferred == 1


def test_read_again_an_entry_is_wanted_once(world: World, web: Web) -> None:
    """While its page waits, the feed may be polled as often as it likes: one page, one record."""
    offer(web, 1)
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    world.poll()
    for number in (2, 3):
        entries = [item(n, link=web.url(f"/{n}.html")) for n in (1, number)]
        web.pages["/rss"] = Reply(body=rss(entries))
        web.pages[f"/{number}.html"] = page(f"港口第{number}号公告", f"全文{number}。")
        world.context.feed_store.make_due(["harbour"])
        _only_the_feed(world)
    assert len(world.context.deps.wanted.names()) == 3
    again(world)
    assert sorted(entry["data"]["title"] for entry in world.entries()) == [
        f"港口第{n}号公告" for n in (1, 2, 3)
    ]
    assert sorted(web.fetched_pages()) == ["/1.html", "/2.html", "/3.html"]


def _only_the_feed(world: World) -> None:
    """Poll the feed and ingest its document, the pages left for later."""
    feeds, *_ = polling.fetch_sources(world.context)
    feeds.sync()
    asyncio.run(polling.fetch_from(world.context, (feeds,), lambda: None))
    world.drain()


def test_pages_are_paced_by_their_host(make: Make, web: Web) -> None:
    """Ten pages of one host are requested one after another."""
    world = make(**{"fetch.host_interval_seconds": 0.2, "fetch.robots": False})
    offer(web, *range(4))
    times: list[float] = []
    for number in range(4):
        found = page(f"港口第{number}号公告", "x")
        web.pages[f"/{number}.html"] = lambda _, reply=found: (
            times.append(time.monotonic()) or reply
        )
    world.add_feed("harbour", web.url("/rss"), full_text=True)
    deadline = time.monotonic() + 60
    while len(world.entries()) < 4 and time.monotonic() < deadline:
        world.poll()
        time.sleep(0.05)
    assert len(times) == 4
    assert min(b - a for a, b in pairwise(times)) > 0.15
