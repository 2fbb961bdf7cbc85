"""How often hosts and feeds are polled: pace, redirects, failures, and hints of servers."""

import asyncio
import time

import pytest

from tests.http_server import Reply, Web
from tests.newsroom import Make, feed, newsroom, titles
from tests.servers import Server
from tests.world import World
from worker.pipeline.feeds.poll import poll
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now
from worker.store.connection import connect


def test_two_pollers_do_no_harm(world: World, web: Web) -> None:
    """Two at once share the feeds: each is polled once."""
    for number in range(20):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    poll(world.context, notify=lambda: None)
    other = newsroom(world.settings.state_dir, _server_of(world), web)

    async def both() -> None:
        from worker.pipeline.feeds import poll as polling

        await asyncio.gather(
            *(
                polling.fetch_from(one.context, polling.fetch_sources(one.context), lambda: None)
                for one in (world, other)
            )
        )

    asyncio.run(both())
    world.drain()
    assert sorted(request.path for request in web.requests) == sorted(f"/{n}" for n in range(20))
    assert len(world.entries()) == 20


def test_one_run_fetches_a_host_at_its_pace(make: Make, web: Web) -> None:
    """Twelve feeds of one host at 0.3 s take twelve pauses in one run, with no tick in between."""
    world = make(**{"fetch.host_interval_seconds": 0.3})
    for number in range(12):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    poll(world.context, notify=lambda: None)
    started = time.monotonic()
    assert world.fetch().turns == 12
    assert 3.2 < time.monotonic() - started < 30


def test_a_run_that_only_waits_ends_soon(make: Make, web: Web) -> None:
    """It is over in seconds and reports that more is due."""
    world = make(**{"fetch.host_interval_seconds": 1.5})
    for number in range(12):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    poll(world.context, notify=lambda: None)
    started = time.monotonic()
    totals = world.fetch()
    assert totals.has_more
    assert totals.turns < 12
    assert time.monotonic() - started < 14


def test_a_host_that_is_behind_is_a_problem(make: Make, web: Web) -> None:
    """A feed that waited longer than its jitter makes its host a problem, until one does not
    wait."""
    world = make()
    web.pages["/rss"] = feed(1)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    client, key = connect(world.settings.redis.url), "{newsdrop:articles}:feed:harbour"
    store = world.context.feed_store
    now = store.now_ms()
    client.zadd("{newsdrop:articles}:feeds", {"harbour": now - 1})
    client.hset(key, mapping={"since": now - 131_000, "interval": 300})
    world.fetch()
    assert store.list_behind() == {"127.0.0.1": pytest.approx(131, abs=10)}
    problems = get_overview(world.settings, utc_now()).problems
    (found,) = (each for each in problems if each.name == "behind")
    assert found.text == "127.0.0.1 cannot be polled as often as configured: 2 minutes behind."
    client.zadd("{newsdrop:articles}:feeds", {"harbour": now - 1})
    world.fetch()
    assert store.list_behind() == {}


def _server_of(world: World) -> Server:
    class Known:
        url = world.settings.redis.url

    return Known()  # type: ignore[return-value]


def test_permanent_redirects_change_the_address(world: World, web: Web) -> None:
    """301 and 308: after three polls the new address is polled and shown."""
    web.pages["/old"] = Reply(status=301, headers={"location": "/new"})
    web.pages["/new"] = feed(1)
    world.add_feed("harbour", web.url("/old"))
    for count in (1, 2):
        world.poll("harbour")
        state = world.feed("harbour")
        assert (state.moved_to, state.moved_count) == (web.url("/new"), count)
    world.poll("harbour")
    assert world.feed("harbour").address == web.url("/new")
    request_count = len(web.requests)
    world.poll("harbour")
    assert [request.path for request in web.requests[request_count:]] == ["/new"]
    assert len(world.entries()) == 1
    # If the new one is gone, the configured one is polled again.
    web.pages["/new"] = Reply(status=404)
    web.pages["/old"] = feed(1, 2)
    for _ in range(3):
        world.poll("harbour")
    world.poll("harbour")
    assert world.feed("harbour").failures == 0
    assert len(world.entries()) == 2


def test_a_redirect_for_now_is_only_followed(world: World, web: Web) -> None:
    """302 and 307 change no address."""
    web.pages["/old"] = Reply(status=302, headers={"location": "/new"})
    web.pages["/new"] = feed(1)
    world.add_feed("harbour", web.url("/old"))
    for _ in range(4):
        world.poll("harbour")
    assert world.feed("harbour").address is None
    assert world.feed("harbour").moved_to is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_host_is_not_polled(make: Make, web: Web, status: int) -> None:
    """429 and 503: no request to the host until Retry-After is over; other hosts are polled."""
    with Web("127.0.0.2") as other:
        world = make(other)
        web.pages["/a"] = Reply(status=status, headers={"retry-after": "3600"})
        web.pages["/b"] = feed(2)
        other.pages["/c"] = feed(3)
        world.add_feed("a", web.url("/a"))
        world.fetch()
        world.add_feed("b", web.url("/b"))
        world.add_feed("c", other.url("/c"))
        world.poll("a", "b")
        assert [request.path for request in web.requests] == ["/a"]
        assert titles(world) == ["港口第3号公告"]
        state = world.feed("a")
        assert state.failures == 1
        assert state.error is not None
        assert str(status) in state.error
        assert state.due_ms is not None
        assert state.due_ms / 1000 > time.time() + 3500


@pytest.mark.parametrize("status", [404, 410, 500])
def test_a_failing_feed_backs_off(world: World, web: Web, status: int) -> None:
    """Doubled each time, a day at most; one success ends it."""
    web.pages["/rss"] = Reply(status=status)
    world.add_feed("harbour", web.url("/rss"))
    waits = []
    for _ in range(11):
        world.poll("harbour")
        state = world.feed("harbour")
        assert state.due_ms is not None
        assert state.polled_ms is not None
        waits.append((state.due_ms - state.polled_ms) / 1000)
    assert waits[:3] == pytest.approx([300, 600, 1200], rel=0.05)
    assert waits[-2:] == pytest.approx([86_400, 86_400], rel=0.01)
    assert f"answers {status}" in (world.feed("harbour").error or "")
    web.pages["/rss"] = feed(1)
    world.poll("harbour")
    assert not world.feed("harbour").is_failing
    assert len(world.entries()) == 1


@pytest.mark.parametrize(
    ("headers", "head", "least"),
    [
        ({"cache-control": "max-age=7200"}, "", 7200),
        ({"cache-control": "max-age=99999999"}, "", 86_400),
        ({}, "<ttl>180</ttl>", 10_800),
    ],
)
def test_hints_of_the_server_are_obeyed(
    world: World, web: Web, headers: dict[str, str], head: str, least: int
) -> None:
    """Never earlier than Cache-Control or `<ttl>` say, a day at most."""
    web.pages["/rss"] = feed(1, head=head, **headers)
    world.add_feed("harbour", web.url("/rss"))
    for _ in range(2):
        world.poll("harbour")
        state = world.feed("harbour")
        assert state.due_ms is not None
        assert state.polled_ms is not None
        assert (state.due_ms - state.polled_ms) / 1000 >= least - 1
        assert (state.due_ms - state.polled_ms) / 1000 < least + 3600


def test_a_gap_is_counted_and_the_pace_quickens(world: World, web: Web) -> None:
    """A poll that shares no entry with the one before may have missed some."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    before = world.feed("harbour").interval
    web.pages["/rss"] = feed(8, 9)
    world.poll("harbour")
    state = world.feed("harbour")
    assert state.gaps == 1
    assert state.gap_ms is not None
    assert state.interval is not None
    assert before is not None
    assert state.interval <= max(300, before * 0.3)
