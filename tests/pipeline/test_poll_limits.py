"""What stops or bounds polling: hostile servers, settings that change, pauses, a full disk."""

import asyncio
import gzip
import time
from contextlib import ExitStack

import pytest

from tests.http_server import Reply, Request, Web, raw
from tests.newsroom import Make, feed, titles
from tests.world import World, article
from worker.errors import SpoolUnavailable
from worker.pipeline.feeds.poll import fetch, poll
from worker.sources import fetch_loop
from worker.sources.fetch_loop import FetchTotals
from worker.sources.pages import PageSource
from worker.sources.registry import pause, resume
from worker.spool.lockfile import acquire_slot
from worker.store.leases import TakenLeases


async def _drip(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(600):
        writer.write(b"<")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _endless(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(4000):
        writer.write(b"<item>" * 10_000)
        await writer.drain()


async def _lies(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<rss>")
    await writer.drain()


HOSTILE = {
    "drips": (raw(_drip), "timeout"),
    "never ends": (raw(_endless), "too_large"),
    "lies about its length": (raw(_lies), "protocol"),
    "chains encodings": (
        Reply(body=gzip.compress(gzip.compress(b"x")), headers={"content-encoding": "gzip, gzip"}),
        "encoding",
    ),
    "redirects in a circle": (Reply(status=302, headers={"location": "/bad"}), "redirects"),
    "redirects to another port": (
        Reply(status=302, headers={"location": "http://127.0.0.1:9/"}),
        "address",
    ),
    "redirects to a file": (Reply(status=302, headers={"location": "file:///etc/passwd"}), "addr"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_its_own_feed_only(make: Make, web: Web, name: str) -> None:
    """Bounded, shown at the feed with its trouble, while the others are polled."""
    world = make(**{"fetch.deadline_seconds": 2, "fetch.max_mb": 1})
    web.pages["/bad"], trouble = HOSTILE[name]
    web.pages["/good"] = feed(7)
    world.add_feed("bad", web.url("/bad"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    with world.context.redis as client:
        shown_trouble = client.hget("{newsdrop:articles}:feed:bad", "trouble")
    assert shown_trouble is not None
    assert shown_trouble.decode().startswith(trouble)
    assert world.feed("bad").error
    assert titles(world) == ["港口第7号公告"]


def test_a_network_that_is_not_public_is_refused(make: Make, web: Web) -> None:
    """Without fetch.allow_networks loopback is not contacted, and the message names the setting."""
    world = make(**{"fetch.allow_networks": []})
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert web.requests == []
    state = world.feed("harbour")
    assert state.trouble == "address"
    assert "fetch.allow_networks" in (state.error or "")


def test_hanging_servers_do_not_hold_up_the_others(make: Make, web: Web) -> None:
    """While some hang until the deadline, all others are polled and ingested."""
    world = make(**{"fetch.concurrency": 8, "fetch.deadline_seconds": 4})
    web.pages["/hang"] = raw(_drip)
    for number in range(4):
        world.add_feed(f"a-hang{number}", web.url("/hang"))
    for number in range(40):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    seen: list[int] = []
    poll(world.context, notify=lambda: None)

    def notify() -> None:
        world.drain()
        seen.append(len(world.entries()))

    started = time.monotonic()
    fetched = fetch(world.context, notify=notify)
    assert fetched is not None
    assert (fetched.turns, fetched.failed) == (44, 4)
    assert seen[-1] == 40
    assert time.monotonic() - started >= 4


async def _one_after_the_other(
    request: Request, reader: object, writer: asyncio.StreamWriter
) -> None:
    await asyncio.sleep(0.03 * int(request.path.rpartition("?")[2]))
    writer.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")


def test_an_idle_queue_is_read_seldom(
    make: Make, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Due pages are not looked up at each answer of a feed."""
    monkeypatch.setattr(fetch_loop, "GATHER_SECONDS", 60.0)
    world = make(**{"fetch.host_connections": 30})
    web.pages["/rss"] = raw(_one_after_the_other)
    for number in range(20):
        world.add_feed(f"f{number}", web.url(f"/rss?{number}"))
    store, questions = world.context.page_store, list[int]()
    take = store.take_leases

    def take_and_count(count: int, lease_seconds: float) -> TakenLeases:
        questions.append(count)
        return take(count, lease_seconds)

    store.take_leases = take_and_count  # type: ignore[method-assign]
    assert world.fetch().turns == 20
    assert len(questions) < 5, questions


def test_changes_take_effect_without_a_restart(world: World, web: Web) -> None:
    """A feed added or removed while the worker runs is polled, or polled no more."""
    web.pages["/a"], web.pages["/b"] = feed(1), feed(2)
    world.add_feed("a", web.url("/a"))
    world.poll()
    world.add_feed("b", web.url("/b"))
    world.poll()
    assert len(world.entries()) == 2
    from worker.feeds import managed

    with managed.edit_feeds(world.settings.state_dir) as feeds:
        del feeds["a"]
    request_count = len(web.requests)
    world.poll("a", "b")
    assert [request.path for request in web.requests[request_count:]] == ["/b"]


def test_a_config_that_cannot_be_read_keeps_the_feeds(world: World, web: Web) -> None:
    """An error in the file does not stop the polling of the previous feeds."""
    web.pages["/a"] = feed(1)
    world.add_feed("a", web.url("/a"))
    world.poll()
    (world.settings.state_dir / "feeds.json").write_text('{"feeds": [{"name": "a"')
    web.pages["/a"] = feed(1, 2)
    world.poll("a")
    assert len(world.entries()) == 2


def test_pausing_feeds(world: World, web: Web) -> None:
    """One feed, or all of them; accepted documents are still processed."""
    web.pages["/a"], web.pages["/b"] = feed(1), feed(2)
    world.add_feed("a", web.url("/a"))
    world.add_feed("b", web.url("/b"))
    pause(world.settings.state_dir, "a")
    world.poll()
    assert [request.path for request in web.requests] == ["/b"]
    resume(world.settings.state_dir, "a")
    pause(world.settings.state_dir, "feeds")
    poll(world.context, notify=lambda: None)
    world.context.feed_store.make_due(["a"])
    assert fetch(world.context, notify=lambda: None) is None
    resume(world.settings.state_dir, "feeds")
    world.poll("a")
    assert len(world.entries()) == 2


def test_a_full_spool_stops_the_polling(make: Make, web: Web) -> None:
    """At spool.max_waiting nothing is fetched until batches are finished."""
    world = make(**{"spool.max_waiting": 1})
    source = world.settings.state_dir / "x.md"
    source.write_bytes(article())
    world.enqueue(source)
    web.pages["/a"] = feed(1)
    world.add_feed("a", web.url("/a"))
    assert world.fetch().turns == 0
    world.drain()
    world.poll()
    assert len(world.entries()) == 2


def test_a_full_disk_stops_the_polling(make: Make, web: Web) -> None:
    """Where intake is paused nothing is fetched that could not be kept."""
    world = make(**{"spool.min_free_mb": 10**9})
    world.add_feed("a", web.url("/a"))
    with pytest.raises(SpoolUnavailable, match="free"):
        world.fetch()
    assert web.requests == []


def test_polling_is_a_job(world: World, web: Web) -> None:
    """What an hour's polls brought can be followed like any job."""
    web.pages["/a"] = feed(1, 2)
    world.add_feed("a", web.url("/a"))
    world.poll()
    (state,) = world.context.jobs.list()
    assert (state.job.kind, state.job.source, state.files) == ("poll", "feeds", 1)
    assert state.tally.published == 2


def test_the_number_of_fetching_processes_is_limited(world: World) -> None:
    """Without a free slot the task ends at once; a worker has that many processes more."""
    settings = world.settings
    assert settings.pool() == settings.processes() + settings.fetching()
    with ExitStack() as stack:
        for _ in range(settings.processes()):
            assert stack.enter_context(
                acquire_slot(settings.state_dir, "fetch", settings.processes())
            )
        assert fetch(world.context, notify=lambda: None) is None
    assert fetch(world.context, notify=lambda: None) is not None


def test_processes_that_have_nothing_to_ingest_poll_feeds(
    make: Make, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more feeds are due than one process fetches at once, another is called; it takes no
    pages, and nothing more once a batch waits, which it would delay."""
    world = make(**{"fetch.concurrency": 4, "worker.processes": 2})
    settings, calls = world.settings, list[str]()
    for number in range(12):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))

    def fetch_in_turn() -> int:
        fetched = fetch(world.context, notify=lambda: None, on_more=lambda: calls.append("more"))
        return -1 if fetched is None else fetched.turns

    poll(world.context, notify=lambda: None)
    with monkeypatch.context() as patch, acquire_slot(settings.state_dir, "fetch", 1):
        patch.setattr(PageSource, "sync", lambda _: pytest.fail("a look for wanted pages"))
        patch.setattr(world.context.page_store, "take_leases", lambda *_: pytest.fail("a page"))
        assert fetch_in_turn() >= 4  # more where their answers come before the first is accepted
        assert fetch_in_turn() == -1
        assert calls == ["more"]
        for _ in range(3):
            world.drain()
            fetch_in_turn()
    assert len(world.entries()) == 12


def fetch_by_extra_process(world: World) -> FetchTotals:
    """Poll, and fetch while the regular process of this host is there."""
    poll(world.context, notify=lambda: None)
    with acquire_slot(world.settings.state_dir, "fetch", 1):
        fetched = fetch(world.context, notify=lambda: None)
    assert fetched is not None
    return fetched


def test_an_extra_process_does_not_wait(make: Make, web: Web) -> None:
    """A feed that its host's pace delays is left to the process that may wait for it; here no batch
    ends the extra one, as the answers have no feed."""
    world = make(**{"fetch.host_interval_seconds": 1.5, "worker.processes": 2})
    for number in range(2):
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    fetched = fetch_by_extra_process(world)
    assert (fetched.turns, fetched.has_more) == (1, False)


def test_what_an_extra_process_leaves_is_fetched_at_once(make: Make, web: Web) -> None:
    """It stops where a batch waits, and reports the feeds that are due: the process that takes
    them may have ended."""
    world = make(**{"fetch.concurrency": 1, "worker.processes": 2})
    for number in range(3):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    fetched = fetch_by_extra_process(world)
    assert (fetched.turns, fetched.has_more) == (1, True)
    fetched = fetch(world.context, notify=lambda: None)
    assert fetched is not None
    assert (fetched.turns, fetched.has_more) == (2, False)
