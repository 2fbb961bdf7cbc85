"""Published pages are fetched again: changed ones are revised, removed ones withdrawn."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.http_server import Page, Reply, Request, Web
from tests.newsroom import item, newsroom, page, rss
from tests.servers import Server
from tests.world import World, in_child
from worker.actions.retract import retract
from worker.errors import UsageError
from worker.feeds.feed import parse_feed
from worker.feeds.recheck import AGES_MS, Recheck, next_recheck
from worker.queries.audit import audit
from worker.spool.batch import POSTPONED_FILE
from worker.spool.layout import manual_root
from worker.spool.ownership import read_id
from worker.store import rechecks as store

HOUR, DAY = 3600, 86_400
KEYS = {"full_text": True, "on_change": "revise", "recheck": True}


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, web: Web) -> Callable[..., World]:
    return lambda **options: newsroom(tmp_path, redis_server, web, **options)


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()


def publish(world: World, web: Web, *numbers: int, pages: Page | None = None, **keys: Any) -> None:
    """Articles of a feed, with their pages, are published."""
    entries = [item(n, link=web.url(f"/{n}.html")) for n in numbers]
    web.pages["/rss"] = Reply(body=rss(entries))
    for number in numbers:
        given = pages or page(f"港口第{number}号公告", f"全文{number}。")
        web.pages.setdefault(f"/{number}.html", given)
    world.add_feed("harbour", web.url("/rss"), **KEYS, **keys)
    world.poll()
    world.poll()
    assert len(world.entries()) == len(numbers)
    assert counts(world).waiting == len(numbers)
    web.requests.clear()


def pass_time(world: World, seconds: int, *names: str) -> None:
    """Let the pages that wait grow older: the clock of the server cannot be moved."""
    client, queue = world.context.redis, world.context.recheck_store
    for name in names or queue.names():
        key = queue.key(name)
        for field in ("page_ms", "late_ms", "gone_ms"):
            if client.hexists(key, field):
                client.hincrby(key, field, -1000 * seconds)
        node = read_id(world.settings.state_dir)
        client.zincrby(f"{{newsdrop:articles}}:rechecks:{node}", -1000 * seconds, name)


def look(world: World, seconds: int) -> None:
    """After `seconds`, fetch and ingest what is due."""
    pass_time(world, seconds)
    world.poll()


def counts(world: World) -> store.RecheckCounts:
    return world.context.recheck_store.read_counts().get("harbour", store.RecheckCounts())


def types(world: World) -> list[str]:
    return [entry["type"].removeprefix("article.") for entry in world.entries()]


def article_id(world: World, number: int) -> str:
    title = f"港口第{number}号公告"
    return next(one["id"] for one in world.entries() if one["data"]["title"] == title)


def test_a_changed_page_is_one_revision(world: World, web: Web) -> None:
    """After an hour, a day and a week; the id stays, and the revision has reason and changes."""
    publish(world, web, 1, 2)
    look(world, HOUR - 60)
    assert web.fetched_pages() == []
    web.pages["/1.html"] = page("港口第1号公告", "更正后的全文。")
    look(world, 120)
    assert sorted(web.fetched_pages()) == ["/1.html", "/2.html"]
    look(world, DAY - HOUR)
    look(world, 6 * DAY)
    assert len(web.fetched_pages()) == 6
    assert counts(world) == store.RecheckCounts(waiting=0, done=6)
    *_, revised = world.entries()
    assert types(world) == ["published", "published", "revised"]
    assert (revised["id"], revised["revision"]) == (article_id(world, 1), 2)
    record = revised["data"]
    assert "更正后的全文。" in record["content_text"]
    assert record["revised"]["reason"] == "recheck"
    assert record["revised"]["previous"] == 1
    assert [change["kind"] for change in record["revised"]["changes"]] == ["edited"]
    assert record["first_seen_at"] < record["provenance"]["fetched_at"]
    assert record["provenance"]["feed_url"] == web.url("/rss")
    assert world.feed("harbour").revised == 1
    assert audit(world.settings).balanced
    world.poll("harbour")
    assert len(world.entries()) == 3  # what the feed says of it is known


def test_an_unchanged_page_publishes_nothing(world: World, web: Web) -> None:
    """304, equal bytes, and other links around the same text; the last validators are sent."""
    body = page("港口第1号公告", "全文1。").body

    def answer(request: Request) -> Reply:
        if request.headers.get("if-none-match") == '"1"':
            assert request.headers["if-modified-since"] == "Fri, 26 Nov 2021 12:00:00 GMT"
            return Reply(status=304)
        modified = "Fri, 26 Nov 2021 12:00:00 GMT"
        return Reply(body=body, headers={"etag": '"1"', "last-modified": modified})

    publish(world, web, 1, pages=answer)
    look(world, HOUR)
    assert world.totals().archived == 2  # the feed, the page
    assert web.requests[-1].headers["if-none-match"] == '"1"'
    web.pages["/1.html"] = Reply(body=body)
    look(world, DAY)
    assert world.totals().archived == 2
    linked = body.replace("第0段".encode(), '<a href="/ad?9">第0段</a>'.encode())
    web.pages["/1.html"] = Reply(body=linked, headers={"etag": '"2"'})
    look(world, 6 * DAY)
    assert world.totals().archived == 3
    assert (types(world), counts(world).done) == (["published"], 3)
    assert world.totals().duplicate == 1
    assert audit(world.settings).balanced


def test_only_the_changed_page_of_several_is_read(
    make: Callable[..., World], web: Web, tmp_path: Path
) -> None:
    """Each page has its own validators, and counts as a turn of the host."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "harbour.toml").write_text('[page]\ncontent = ["article"]\nnext_page = ["a.next"]\n')
    world = make(sites_dir=str(rules), **{"fetch.host_interval_seconds": 0.2})
    more = '<a class="next" href="/1_2.html">下一页</a></article>'.encode()
    versions = {"/1.html": "首页", "/1_2.html": "末页"}

    def answer(request: Request) -> Reply:
        tag = versions[request.path].encode().hex()
        if request.headers.get("if-none-match") == tag:
            return Reply(status=304)
        body = page("港口第1号公告", f"{versions[request.path]}。").body
        if request.path == "/1.html":
            body = body.replace(b"</article>", more)
        return Reply(body=body, headers={"etag": tag})

    web.pages |= {"/1.html": answer, "/1_2.html": answer}
    publish(world, web, 1, pages=answer, site="harbour")
    versions["/1_2.html"] = "更正"
    begin = world.context.recheck_store.now_ms()
    look(world, HOUR)
    host = f"{{newsdrop:articles}}:host:{web.host}"
    share = world.context.redis.hget(host, "share:{newsdrop:articles}:recheck:")
    assert share is not None
    assert int(share) >= begin + 2 * store.EVERY * 200
    assert types(world) == ["published", "revised"]
    text = world.entries()[1]["data"]["content_text"]
    assert "首页。" in text
    assert "更正。" in text
    web.requests.clear()
    look(world, DAY)
    sent = [request.headers.get("if-none-match") for request in web.requests]
    assert sent == [versions[path].encode().hex() for path in ("/1.html", "/1_2.html")]
    assert (types(world), counts(world).done) == (["published", "revised"], 2)


def test_a_page_that_cannot_be_read_changes_nothing(world: World, web: Web) -> None:
    """No text, a redirect to the front page, an error: after an error the recheck is retried."""
    publish(world, web, 1)
    web.pages["/"] = page("首页", "今日要闻。")
    web.pages["/1.html"] = Reply(status=302, headers={"location": "/"})
    look(world, HOUR)
    web.pages["/1.html"] = Reply(body=b"<html><body></body></html>")
    look(world, DAY)
    assert counts(world).done == 2
    web.pages["/1.html"] = Reply(status=500)
    look(world, 6 * DAY)
    look(world, HOUR)
    assert counts(world) == store.RecheckCounts(waiting=1, done=2)
    look(world, 8 * DAY)
    assert counts(world) == store.RecheckCounts(done=2, dropped=1)
    assert types(world) == ["published"]
    assert audit(world.settings).balanced


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_twice_is_withdrawn(world: World, web: Web, status: int) -> None:
    """Two such answers a day apart, while another page of the host is available."""
    publish(world, web, 1, 2)
    web.pages["/1.html"] = Reply(status=status)
    look(world, HOUR)
    look(world, DAY - 120)
    queue = world.context.recheck_store
    queue.make_due(queue.names())  # as a clock that is set back would
    world.poll()
    assert web.fetched_pages().count("/1.html") == 2
    assert types(world) == ["published", "published"]
    look(world, 240)
    assert types(world) == ["published", "published", "withdrawn"]
    newest = world.entries()[2]
    assert newest["id"] == article_id(world, 1)
    assert newest["data"]["reason"] == "gone"
    assert newest["data"]["title"] == "港口第1号公告"
    assert f"{web.url('/1.html')} was answered by {status} at" in newest["data"]["detail"]
    look(world, 30 * DAY)
    assert len(world.entries()) == 3
    assert counts(world).waiting == 0
    assert audit(world.settings).balanced


def test_a_list_of_pages_of_a_wrong_type_is_replaced(world: World, web: Web) -> None:
    """Whatever is under a host's list of pages, its pages are published and fetched again."""
    client, host = world.context.redis, web.url("/").split("/")[2].partition(":")[0]
    client.rpush(f"{{newsdrop:articles}}:rechecks:pages:{host}", "x")
    publish(world, web, 1)
    assert len(world.context.recheck_store.list_pages(host)) == 1


def test_a_clock_that_was_ahead_puts_no_withdrawal_off(world: World, web: Web) -> None:
    """A first 404 that a clock a year ahead dated counts from the next one on."""
    publish(world, web, 1, 2)
    web.pages["/1.html"] = Reply(status=404)
    look(world, HOUR)
    key = world.context.recheck_store.key(article_id(world, 1))
    world.context.redis.hincrby(key, "gone_ms", 365 * DAY * 1000)
    look(world, DAY + 120)
    assert types(world) == ["published", "published"]
    look(world, DAY + 120)
    assert types(world) == ["published", "published", "withdrawn"]


def test_a_page_that_comes_back_stays(world: World, web: Web) -> None:
    """One 404 is forgotten at the next answer that is none."""
    publish(world, web, 1, 2)
    there = web.pages["/1.html"]
    for seconds in (HOUR, DAY, 6 * DAY):
        web.pages["/1.html"] = Reply(status=404)
        look(world, seconds)
        web.pages["/1.html"] = there
        look(world, DAY)
    assert types(world) == ["published", "published"]


def test_a_host_that_fails_withdraws_nothing(world: World, web: Web) -> None:
    """Where every page is answered by 404, none is removed; the rechecks end."""
    publish(world, web, 1, 2)
    for number in (1, 2):
        web.pages[f"/{number}.html"] = Reply(status=404)
    for _ in range(20):
        look(world, DAY)
    assert types(world) == ["published", "published"]
    assert counts(world).waiting == 0


def test_a_notice_withdraws(make: Callable[..., World], web: Web, tmp_path: Path) -> None:
    """Where the site's rule finds its notice of removal on the page, that is the reason."""
    rules = tmp_path / "rules"
    rules.mkdir()
    rule = '[page]\nremoved = [".gone", "p:-soup-contains(\'文章已删除\')"]\n'
    (rules / "harbour.toml").write_text(rule, encoding="utf-8")
    world = make(sites_dir=str(rules))
    publish(world, web, 1, 2)
    world.add_feed("harbour", web.url("/rss"), **KEYS, site="harbour")
    web.pages["/1.html"] = page("港口第1号公告", "文章已删除。")
    look(world, HOUR)
    assert types(world) == ["published", "published", "withdrawn"]
    newest = world.entries()[2]["data"]
    assert newest["reason"] == "notice"
    assert "文章已删除" in newest["detail"]


def test_only_configured_feeds_are_rechecked(world: World, web: Web) -> None:
    """It needs full text and revisions; once switched off, no page is fetched again."""
    with pytest.raises(UsageError, match='full_text = true and on_change = "revise"'):
        parse_feed({"name": "harbour", "url": web.url("/rss"), "recheck": True})
    publish(world, web, 1)
    world.add_feed("harbour", web.url("/rss"), **{**KEYS, "recheck": False})
    look(world, HOUR)
    assert (web.fetched_pages(), counts(world).waiting) == ([], 0)


def test_withdrawn_and_forgotten_articles_are_not_rechecked(world: World, web: Web) -> None:
    """Nor is one revised that is withdrawn while its changed page waits."""
    publish(world, web, 1, 2, 3)
    first, second, third = (article_id(world, number) for number in (1, 2, 3))
    assert world.context.articles.forget(first)
    retract(world.settings, second, "by hand")
    world.drain()
    web.pages["/3.html"] = page("港口第3号公告", "更正后的全文。")
    pass_time(world, HOUR)
    world.fetch()
    (batch,) = world.waiting()
    (manual_root(world.settings).work / batch / POSTPONED_FILE).touch()
    retract(world.settings, third, "by hand")
    world.drain()
    assert set(world.context.counter_store.snapshot([]).by_source) == {"feeds"}
    assert (web.fetched_pages(), counts(world)) == (
        ["/3.html"],
        store.RecheckCounts(waiting=1, done=1),
    )
    assert types(world) == ["published"] * 3 + ["withdrawn"] * 2


def test_rechecks_wait_for_a_busy_host_and_are_dropped(
    make: Callable[..., World], web: Web, redis_client: redis.Redis
) -> None:
    """They get turns that pages and feeds leave; one that is too late is dropped and counted."""
    world = make()
    publish(world, web, 1)
    host = "{newsdrop:articles}:host:" + web.host
    behind = world.context.recheck_store.now_ms() + 30_000
    redis_client.hset(host, "tail:{newsdrop:articles}:page:", behind)
    look(world, HOUR)
    assert web.fetched_pages() == []
    redis_client.hdel(host, "tail:{newsdrop:articles}:page:")
    redis_client.hset(host, "waits:{newsdrop:articles}:feed:", behind)
    look(world, 60)
    assert web.fetched_pages() == []
    look(world, HOUR)
    assert web.fetched_pages() == []
    assert counts(world) == store.RecheckCounts(waiting=1, dropped=1)
    redis_client.hdel(host, "waits:{newsdrop:articles}:feed:")
    look(world, DAY - 2 * HOUR)
    assert web.fetched_pages() == ["/1.html"]
    assert counts(world) == store.RecheckCounts(waiting=1, done=1, dropped=1)


def test_rechecks_yield_to_all_that_is_due(world: World, web: Web) -> None:
    """Nothing is leased while a feed or page is due that no process has leased yet."""
    publish(world, web, 1)
    pass_time(world, HOUR)
    world.context.feed_store.make_due(["harbour"])
    assert world.context.recheck_store.take_leases(9, 60).leases == ()
    assert len(world.context.feed_store.take_leases(9, 60).leases) == 1
    assert len(world.context.recheck_store.take_leases(9, 60).leases) == 1


def test_rechecks_have_a_fifth_of_the_turns(make: Callable[..., World], web: Web) -> None:
    """Of an idle host's turns one of five may be a recheck; no other kind sees that one waits."""
    world = make(**{"fetch.host_interval_seconds": 0.2})
    queue = world.context.recheck_store
    begin = queue.now_ms()
    pages = [
        store.NewPage(
            store.PublishedPage(f"20211126-{n:024x}", "a.example", "harbour", "b", 0, 0),
            Recheck(0, begin + 150 * n, 2**52),
            "",
        )
        for n in range(40)
    ]
    assert queue.add(pages) == 0
    taken = 0
    while queue.now_ms() - begin < 5000:
        leases = queue.take_leases(9, 60).leases
        taken += len(leases)
        time.sleep(0.02)
        state = world.context.redis.hgetall("{newsdrop:articles}:host:a.example")
        assert not [name for name in state if name.startswith((b"waits:", b"last"))]
    assert 3 <= taken <= 1 + (queue.now_ms() - begin) / 1000


def test_waiting_rechecks_are_bounded(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound a page is not rechecked, and counted."""
    monkeypatch.setattr(store, "MAX_RECHECKS", 2)
    entries = [item(n, link=web.url(f"/{n}.html")) for n in range(3)]
    web.pages["/rss"] = Reply(body=rss(entries))
    for number in range(3):
        web.pages[f"/{number}.html"] = page(f"港口第{number}号公告", f"全文{number}。")
    world.add_feed("harbour", web.url("/rss"), **KEYS)
    world.poll()
    world.poll()
    assert len(world.entries()) == 3
    assert counts(world) == store.RecheckCounts(waiting=2, dropped=1)


def test_a_copy_that_has_expired_ends_the_rechecks(world: World, web: Web) -> None:
    """Without the raw file of the page there is nothing to compare with: dropped, and counted."""
    publish(world, web, 1)
    for segment in world.context.deps.archive.segments():
        segment.raw_path.unlink()
    look(world, HOUR)
    assert counts(world) == store.RecheckCounts(dropped=1)


def test_killed_in_the_middle(world: World, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the page is claimed, and while it is published: one revision, and the next recheck is
    planned."""
    publish(world, web, 1, 2)
    web.pages["/1.html"] = page("港口第1号公告", "更正后的全文。")
    pass_time(world, HOUR)
    (context, kill) = world.context, lambda *_: os.kill(os.getpid(), signal.SIGKILL)

    def fetch_and_die() -> None:
        monkeypatch.setattr(type(context.recheck_store), "finish", kill)
        world.poll()

    assert in_child(fetch_and_die) == -signal.SIGKILL
    assert world.waiting()
    queue = context.recheck_store
    assert queue.count() == 2  # leased by a process that is gone

    def publish_and_die() -> None:
        real = context.articles.publish

        def once(*args: Any) -> Any:
            real(*args)
            kill()

        monkeypatch.setattr(type(context.articles), "publish", lambda _, *args: once(*args))
        world.drain()

    assert in_child(publish_and_die) == -signal.SIGKILL
    assert types(world).count("revised") == 1
    queue.make_due(queue.names())  # as at the end of the leases
    world.poll()
    assert types(world) == ["published", "published", "revised"]
    assert counts(world) == store.RecheckCounts(waiting=2, done=2)
    assert audit(world.settings).balanced


def test_when_rechecks_are_due() -> None:
    """One that is too late is dropped; one that is late counts for those it overtakes."""
    hour, day, week = AGES_MS
    assert next_recheck(0, 0)[0].due_ms == hour
    look, dropped = next_recheck(0, 3 * hour, 0)
    assert (look.number, look.due_ms, look.late_ms, dropped) == (1, day, 2 * day, 0)
    assert next_recheck(0, 3 * day, 0)[1] == 1
    assert next_recheck(0, 30 * day) == (None, 3)
    look, dropped = next_recheck(0, 3 * day, 0, was_made=True)
    assert (look.number, dropped) == (2, 0)
    assert next_recheck(0, week, 2, was_made=True) == (None, 0)
