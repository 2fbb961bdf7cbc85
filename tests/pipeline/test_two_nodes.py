"""Two nodes on one stream: feeds are shared work, what needs a node's own files is left to it."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import feed, item, newsroom, page, rss
from tests.pipeline.test_rechecks import HOUR, KEYS, counts, pass_time, publish
from tests.queries.test_nodes import work
from tests.servers import Server
from tests.world import World
from worker.pipeline.feeds.poll import poll as register
from worker.queries.audit import audit
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now
from worker.spool.ownership import read_id
from worker.store.factory import page_store, recheck_store
from worker.store.pages import PAGES, PageStore
from worker.store.rechecks import RECHECKS, RecheckStore


@pytest.fixture
def one(tmp_path: Path, redis_server: Server, web: Web) -> World:
    return newsroom(tmp_path / "one", redis_server, web, node_name="alpha")


@pytest.fixture
def two(tmp_path: Path, redis_server: Server, web: Web) -> World:
    return newsroom(tmp_path / "two", redis_server, web, node_name="beta")


def add_feed(name: str, url: str, *worlds: World, **keys: Any) -> None:
    for world in worlds:
        world.add_feed(name, url, **keys)


def test_each_feed_is_polled_by_one_of_them(one: World, two: World, web: Web) -> None:
    """Both poll at the same time, repeatedly: no poll is missed or doubled."""
    for number in range(20):
        web.pages[f"/{number}"] = feed(number)
        add_feed(f"feed-{number}", web.url(f"/{number}"), one, two)
    for _ in range(3):
        threads = [threading.Thread(target=world.fetch) for world in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Counter(request.path for request in web.requests) == {f"/{n}": 1 for n in range(20)}
    one.drain()
    two.drain()
    assert len(one.entries()) == 20
    assert audit(one.settings).balanced
    assert audit(two.settings).balanced


def test_wanted_pages_are_left_to_the_node_that_has_them(one: World, two: World, web: Web) -> None:
    """The other node has no file to put the page into: it fetches nothing, and removes nothing."""
    web.pages["/rss"] = Reply(body=rss([item(1, link=web.url("/1.html"))]))
    web.pages["/1.html"] = page("港口第1号公告", "全文1。")
    add_feed("harbour", web.url("/rss"), one, two, full_text=True)
    one.poll()
    register(one.context, notify=lambda: None)
    before = one.context.page_store.names()
    assert len(before) == 1
    two.fetch()
    assert web.fetched_pages() == []
    assert one.context.page_store.names() == before
    one.poll()
    assert web.fetched_pages() == ["/1.html"]
    assert len(one.entries()) == 1


def test_rechecks_are_left_to_the_node_with_the_copy(one: World, two: World, web: Web) -> None:
    """Another node's archive does not have the page: it does not drop the recheck."""
    publish(one, web, 1)
    two.add_feed("harbour", web.url("/rss"), **KEYS)
    pass_time(one, HOUR + 60)
    two.poll()
    assert (web.fetched_pages(), counts(one).dropped, counts(one).waiting) == ([], 0, 1)
    one.poll()
    assert web.fetched_pages() == ["/1.html"]
    assert counts(one).done == 1


def test_a_recheck_moves_to_the_newer_copy(one: World, two: World, web: Web) -> None:
    """An entry that changed was polled by the other node, which has the newer page now."""
    publish(one, web, 1)
    two.add_feed("harbour", web.url("/rss"), **KEYS)
    changed = item(1, link=web.url("/1.html"), text="更正：第一段正文。")
    web.pages["/rss"] = Reply(body=rss([changed]))
    web.pages["/1.html"] = page("港口第1号公告", "更正后的全文。")
    two.poll("harbour")
    two.poll()
    assert [entry["revision"] for entry in two.entries()] == [1, 2]
    assert (counts(one).waiting, counts(two).waiting) == (0, 1)
    web.requests.clear()
    pass_time(two, HOUR + 60)
    one.poll()
    assert web.fetched_pages() == []
    two.poll()
    assert web.fetched_pages() == ["/1.html"]
    assert (counts(two).done, counts(two).dropped) == (1, 0)


def test_what_an_older_version_queued_is_taken_over(one: World, web: Web) -> None:
    """Pages and rechecks of the old shared queue keep their times and counts."""
    publish(one, web, 1)
    client, stream = one.context.redis, one.settings.stream.name
    pace = one.context.recheck_store._pace
    former = RecheckStore(client, stream=stream, pace=pace)
    former.take_over(f"{RECHECKS}:{read_id(one.settings.state_dir)}")
    assert (counts(one).waiting, former.count()) == (0, 1)
    times = former.get_due_times(list(former.names()))
    assert recheck_store(one.settings).take_over(RECHECKS) == 1
    assert one.context.recheck_store.get_due_times(list(times)) == times
    assert (counts(one).waiting, former.count(), former.read_counts()) == (1, 0, {})
    PageStore(client, stream=stream, pace=pace).add_pages({"a": "harbour.example"})
    assert page_store(one.settings).take_over(PAGES) == 1
    assert page_store(one.settings).names() == {"a"}
    assert page_store(one.settings).take_over(PAGES) == 0


def test_feeds_that_differ_are_a_problem(one: World, two: World, web: Web) -> None:
    """The last change counts: they do not register each other's feeds again and again."""
    web.pages["/rss"] = web.pages["/more"] = feed(1)
    add_feed("harbour", web.url("/rss"), one, two)
    one.fetch()
    two.fetch()
    two.add_feed("more", web.url("/more"))
    for _ in range(2):
        two.fetch()
        one.fetch()
        assert one.context.feed_store.names() == {"harbour", "more"}
    for world in (one, two):
        work(world)
    (found,) = [
        problem
        for problem in get_overview(two.settings, utc_now()).problems
        if problem.name == "other feeds"
    ]
    assert found.text == "The node alpha has other feeds than those that are polled."
    one.add_feed("more", web.url("/more"))
    one.fetch()
    assert not one.context.feed_store.list_differing()
