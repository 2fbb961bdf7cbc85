"""Feeds that move, and whom the faults of an address concern: credentials stay at home."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.http_server import Reply, Request, Web
from tests.newsroom import feed, item, newsroom, rss
from tests.servers import Server
from tests.world import World, article
from worker.feeds.schedule import PollPace, PollResponse, PollState, decide_next_poll

Make = Callable[..., World]


@pytest.fixture
def other() -> Iterator[Web]:
    with Web("127.0.0.2") as web:
        yield web


@pytest.fixture
def world(tmp_path: Path, redis_server: Server, web: Web, other: Web) -> World:
    return newsroom(tmp_path, redis_server, web, other)


@pytest.mark.parametrize("secret", ["headers", "user"])
def test_credentials_do_not_move_to_another_origin(
    world: World, web: Web, other: Web, secret: str
) -> None:
    """However long it redirects there for good: another server never sees them."""
    web.pages["/rss"] = Reply(status=301, headers={"location": other.url("/rss")})
    other.pages["/rss"] = feed(1)
    if secret == "headers":
        world.add_feed("a", web.url("/rss"), headers={"Authorization": "Bearer geheim"})
    else:
        world.add_feed("a", web.url("/rss", user="amy:geheim"))
    for _ in range(5):
        world.poll("a")
    assert [request.headers.get("authorization") for request in other.requests] == [None] * 5
    assert world.feed("a").address is None


def test_user_and_password_move_on_their_own_origin(world: World, web: Web) -> None:
    """A feed that moves within its server keeps its credentials."""

    def guarded(request: Request) -> Reply:
        return feed(1) if "authorization" in request.headers else Reply(status=401)

    web.pages["/old"] = Reply(status=301, headers={"location": "/new"})
    web.pages["/new"] = guarded
    world.add_feed("a", web.url("/old", user="amy:geheim"))
    for _ in range(6):
        world.poll("a")
        assert world.feed("a").error is None
    assert web.requests[-1].path == "/new"


def test_a_redirect_to_a_page_does_not_move_a_feed(world: World, web: Web) -> None:
    """A portal or the front page: afterwards the feed is polled at its address."""
    web.pages["/rss"] = feed(1)
    world.add_feed("a", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = Reply(status=301, headers={"location": "/home"})
    portal = b"<!doctype html><html><body><h1>Sign in</h1></body></html>"
    web.pages["/home"] = Reply(body=portal, headers={"content-type": "text/html"})
    for _ in range(5):
        world.poll("a")
    assert world.feed("a").is_failing
    web.pages["/rss"] = feed(1, 2)
    world.poll("a")
    assert len(world.entries()) == 2
    assert not world.feed("a").is_failing


def test_resetting_forgets_where_a_feed_moved(world: World, web: Web, other: Web) -> None:
    """A reset feed is polled at its own address, at the pace of its own host."""
    web.pages["/rss"] = Reply(status=308, headers={"location": other.url("/rss")})
    other.pages["/rss"] = feed(1)
    world.add_feed("a", web.url("/rss"))
    for _ in range(3):
        world.poll("a")
    assert world.feed("a").address == other.url("/rss")
    store = world.context.feed_store
    assert world.context.redis.hget(store.key("a"), "host") == b"127.0.0.2"
    store.reset_errors(["a"])
    assert world.feed("a").address is None
    assert world.context.redis.hget(store.key("a"), "host") == b"127.0.0.1"


def test_the_host_that_is_busy_is_left_in_peace(world: World, web: Web, other: Web) -> None:
    """Led to another host that answers 429, it is that one whose feeds wait."""
    web.pages["/a"] = Reply(status=302, headers={"location": other.url("/a")})
    other.pages["/a"] = Reply(status=429, headers={"retry-after": "3600"})
    web.pages["/b"], other.pages["/c"] = feed(1), feed(2)
    world.add_feed("a", web.url("/a"))
    world.poll()
    world.add_feed("b", web.url("/b"))
    world.add_feed("c", other.url("/c"))
    world.poll()
    assert web.requests_for("/b")
    assert not other.requests_for("/c")


def test_a_port_that_was_listed_gives_a_feed_its_host(
    tmp_path: Path, redis_server: Server, web: Web
) -> None:
    """A mended setting is seen: the feed is paced with the others of its host again."""
    closed = newsroom(tmp_path, redis_server, web, **{"fetch.allow_ports": []})
    closed.add_feed("a", web.url("/rss"))
    closed.poll()
    world = newsroom(tmp_path, redis_server, web)
    web.pages["/rss"] = feed(1)
    world.poll("a")
    store = world.context.feed_store
    assert world.context.redis.hget(store.key("a"), "host") == b"127.0.0.1"
    assert len(world.entries()) == 1


def test_what_one_feed_raises_is_its_own_fault(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug met with one feed backs that one off; the others are polled in the same run."""
    from worker.sources import feeds

    real = feeds.decide_next_poll

    def broken(response: PollResponse, *rest: object, **more: object) -> object:
        if response.body_hash is not None and response.etag == '"bad"':
            raise RuntimeError("a bug")
        return real(response, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(feeds, "decide_next_poll", broken)
    web.pages["/bad"], web.pages["/good"] = feed(1, etag='"bad"'), feed(2)
    world.add_feed("bad", web.url("/bad"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    assert len(world.entries()) == 1
    assert "RuntimeError" in (world.feed("bad").error or "")


def test_feeds_that_cannot_be_read_hold_up_nothing_else(
    tmp_path: Path, redis_server: Server, web: Web
) -> None:
    """Such a process scans folders and leaves feeds to others until the file is corrected."""
    first = newsroom(tmp_path, redis_server, web)
    web.pages["/rss"] = feed(1)
    first.add_feed("a", web.url("/rss"))
    first.poll()
    good = (tmp_path / "feeds.json").read_bytes()
    (tmp_path / "feeds.json").write_text("{")
    fresh = newsroom(tmp_path, redis_server, web)
    fresh.put("a.md", article("掉进文件夹的一条"))
    fresh.run()
    assert len(fresh.entries()) == 2
    fresh.context.feed_store.make_due(["a"])
    assert fresh.fetch().turns == 0
    (tmp_path / "feeds.json").write_bytes(good)
    web.pages["/rss"] = feed(1, 2)
    fresh.poll("a")
    assert len(fresh.entries()) == 3


def test_links_with_tokens_are_no_gap(world: World, web: Web) -> None:
    """Addresses that change at each poll do not count as missed entries."""
    for token in range(3):
        links = [f"https://harbour.example/{n}.html?t={token}" for n in (1, 2)]
        entries = [item(n, link=link) for n, link in enumerate(links, 1)]
        web.pages["/rss"] = Reply(body=rss(entries))
        world.add_feed("a", web.url("/rss"))
        world.poll("a")
    assert world.feed("a").gaps == 0


def test_an_entry_that_cannot_be_normalized_is_refused_once(world: World, web: Web) -> None:
    """At whatever step, it is reported once, not at each poll."""
    nothing = item(5, title="&#x200B;", text="&#x3164;&#x200B;")
    for number in range(3):
        head = f"<generator>{number}</generator>"
        web.pages["/rss"] = Reply(body=rss([item(1), nothing], head))
        world.add_feed("a", web.url("/rss"))
        world.poll("a")
    assert len(list(world.context.deps.quarantine)) <= 1


def test_a_busy_host_makes_no_feed_polled_sooner() -> None:
    """429 without Retry-After: the host rests a minute, the feed no less than its interval."""
    now = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    found = decide_next_poll(
        PollResponse(429), PollState(interval=3600.0), PollPace(300, 86_400), now=now, jitter=0
    )
    assert found.next_poll_seconds >= 3600


def test_retry_after_holds_for_a_schedule() -> None:
    """A server error delays the next poll beyond cron's time."""
    now = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    pace = PollPace(300, 86_400, "*/5 * * * *")
    assert (
        decide_next_poll(
            PollResponse(500, retry_after=3600.0), PollState(), pace, now=now, jitter=0
        ).next_poll_seconds
        >= 3600
    )
    assert (
        decide_next_poll(PollResponse(500), PollState(), pace, now=now, jitter=0).next_poll_seconds
        <= 300
    )
