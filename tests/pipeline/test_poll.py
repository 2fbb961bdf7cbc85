"""Feeds polled from a real server: what comes out, what is remembered, what a bad one costs."""

import asyncio
import gzip
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import redis

from tests.http_server import Reply, Request, Web, raw
from tests.newsroom import feed, item, newsroom, rss
from tests.servers import Server
from tests.world import World, article, in_child
from worker.actions.quarantine import retry
from worker.errors import Reason, SpoolUnavailable
from worker.feeds.cron import next_cron_time
from worker.formats.feed import xml_feed
from worker.model import Refusal
from worker.pipeline.feeds.poll import fetch, poll
from worker.queries.audit import audit
from worker.queries.feeds import list_polls
from worker.queries.overview import get_overview
from worker.settings.clock import utc_now
from worker.sources import fetch_loop
from worker.sources.registry import pause, resume
from worker.spool.lockfile import acquire_slot
from worker.store.connection import connect

Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, redis_server: Server, web: Web) -> Make:
    return lambda *webs, **options: newsroom(tmp_path, redis_server, web, *webs, **options)


@pytest.fixture
def world(make: Make) -> World:
    return make()


def titles(world: World) -> list[str]:
    return [entry["data"]["title"] for entry in world.entries()]


def test_a_feeds_entries_become_records(world: World, web: Web) -> None:
    """Each entry is published with where it came from; a second poll publishes what is new."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"), tags=["港口"])
    world.poll()
    assert titles(world) == ["港口第1号公告", "港口第2号公告"]
    record = world.entries()[0]["data"]
    assert record["url"] == "https://harbour.example/1.html"
    assert record["tags"] == ["港口"]
    told = record["provenance"]
    assert (told["source"], told["kind"], told["path"]) == ("harbour", "feed", None)
    assert told["url"] == told["feed_url"] == web.url("/rss")
    assert told["fetched_at"]
    web.pages["/rss"] = feed(1, 2, 3)
    world.poll("harbour")
    assert titles(world)[2:] == ["港口第3号公告"]
    state = world.feed("harbour")
    assert (state.entries, state.published, state.duplicate, state.gaps) == (3, 3, 0, 0)
    assert world.totals().unchanged == 2
    found = audit(world.settings)
    assert found.balanced
    assert found.articles["published"] == 3


def test_the_last_polls_are_listed(world: World, web: Web) -> None:
    """When, the answer, bytes, new entries and duration of each poll, newest first."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = feed(1, 2, 3)
    world.poll("harbour")
    world.poll("harbour")
    web.pages["/rss"] = Reply(status=404)
    world.poll("harbour")
    polls = list_polls(world.settings, "harbour")
    assert [(poll.answer, poll.new) for poll in polls] == [
        ("404", 0), ("200", 0), ("200", 1), ("200", 2),
    ]  # fmt: skip
    assert polls[3].size == len(feed(1, 2).body)
    assert [poll.at for poll in polls] == sorted((poll.at for poll in polls), reverse=True)
    assert all(0 <= poll.took_seconds < 20 for poll in polls)


def test_an_answer_304_is_nothing_new(world: World, web: Web) -> None:
    """The validators of the last answer are sent back; a 304 reads nothing and is a success."""

    def answer(request: Request) -> Reply:
        if request.headers.get("if-none-match") == '"1"':
            assert request.headers["if-modified-since"] == "Fri, 26 Nov 2021 12:00:00 GMT"
            return Reply(status=304)
        return feed(1, **{"etag": '"1"', "last-modified": "Fri, 26 Nov 2021 12:00:00 GMT"})

    web.pages["/rss"] = answer
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert world.poll("harbour").documents == 0
    state = world.feed("harbour")
    assert (state.status, state.failures, len(world.entries())) == (304, 0, 1)


def test_the_same_bytes_are_not_parsed_again(world: World, web: Web) -> None:
    """A server without validators sends the same again: nothing comes into the spool."""
    web.pages["/rss"] = feed(1)
    world.add_feed("harbour", web.url("/rss"))
    assert world.poll().documents == 1
    assert world.poll("harbour").documents == 0
    assert world.totals().archived == 1


def test_feeds_that_are_added_together_drift_apart(
    world: World, web: Web, redis_client: redis.Redis
) -> None:
    """Each poll draws its own jitter, so that feeds of one list are not due at one moment."""
    names = [f"harbour-{number}" for number in range(4)]
    for name in names:
        web.pages[f"/{name}"] = feed(1)
        world.add_feed(name, web.url(f"/{name}"))
    world.poll()
    keys = [world.context.feed_store.key(name) for name in names]
    drawn = {redis_client.hget(key, "jitter") for key in keys}
    assert None not in drawn
    assert len(drawn) > 1


def test_an_etag_is_never_ahead_of_what_is_safe(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the body cannot be claimed, the next poll asks without the answer's ETag."""
    web.pages["/rss"] = feed(1, etag='"1"')
    world.add_feed("harbour", web.url("/rss"))

    def full(*_: object, **__: object) -> None:
        raise SpoolUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("worker.pipeline.feeds.poll.claim_bytes", full)
        with pytest.raises(SpoolUnavailable):
            world.fetch()
    world.poll("harbour")
    assert "if-none-match" not in web.requests[-1].headers
    assert len(world.entries()) == 1


def test_killed_between_the_claim_and_the_note(world: World, web: Web) -> None:
    """What was claimed is published once, though the poller died before it could note the poll."""
    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    poll(world.context, notify=lambda: None)

    def killed() -> None:
        import os

        world.context.feed_store.finish = lambda results: os._exit(9)  # type: ignore[method-assign]
        fetch(world.context, notify=lambda: None)

    assert in_child(killed) == 9
    world.drain()
    assert len(world.entries()) == 2
    world.poll("harbour")
    assert len(world.entries()) == 2


def test_a_dead_worker_gives_its_feeds_back(make: Make, web: Web) -> None:
    """A feed in the hands of a killed poller is due again when the lease has ended."""
    world = make(**{"fetch.deadline_seconds": 1})
    world.add_feed("harbour", web.url("/rss"))
    web.pages["/rss"] = feed(1)
    poll(world.context, notify=lambda: None)
    assert [turn.name for turn in world.context.feed_store.take_leases(1, 4).leases] == ["harbour"]
    assert world.fetch().turns == 0
    deadline = time.monotonic() + 30
    while world.fetch().turns == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    world.drain()
    assert len(world.entries()) == 1


def test_no_feed_is_put_off_beyond_its_longest_interval(world: World, web: Web) -> None:
    """Due in 400 days by a clock that was ahead, a feed is polled within its longest interval; one
    with a schedule keeps a time that its schedule has."""
    world.add_feed("harbour", web.url("/rss"))
    world.add_feed("yearly", web.url("/rss"), schedule="0 0 1 1 *")
    poll(world.context, notify=lambda: None)
    store = world.context.feed_store
    now = store.now_ms()
    year = next_cron_time("0 0 1 1 *", ZoneInfo("Asia/Shanghai"), datetime.now(UTC))
    due = {"harbour": now + 400 * 86_400_000, "yearly": int(year.timestamp() * 1000)}
    connect(world.settings.redis.url).zadd("{newsdrop:articles}:feeds", due)
    poll(world.context, notify=lambda: None)
    found = store.get_due_times(["harbour", "yearly"])
    assert found["harbour"] <= store.now_ms() + 86_400_000 * 1.1
    assert found["yearly"] == due["yearly"]


def test_two_pollers_do_no_harm(world: World, web: Web) -> None:
    """Two at once share the feeds: each is asked once."""
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
    begun = time.monotonic()
    assert world.fetch().turns == 12
    assert 3.2 < time.monotonic() - begun < 7


def test_a_run_that_only_waits_ends_and_asks_to_be_continued(make: Make, web: Web) -> None:
    """A worker that stops waits for the run: it is over in seconds, and the next one continues."""
    world = make(**{"fetch.host_interval_seconds": 1.5})
    for number in range(12):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    poll(world.context, notify=lambda: None)
    begun = time.monotonic()
    totals = world.fetch()
    assert totals.has_more
    assert totals.turns < 12
    assert time.monotonic() - begun < 14


def test_a_host_that_is_behind_is_a_problem(make: Make, web: Web) -> None:
    """A feed that waited for its host for longer than its interval's jitter makes the host one that
    is behind, in words; the next feed that did not wait ends that."""
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
    assert found.text == "127.0.0.1 cannot be polled as often as asked: 2 minutes behind."
    client.zadd("{newsdrop:articles}:feeds", {"harbour": now - 1})
    world.fetch()
    assert store.list_behind() == {}


def _server_of(world: World) -> Server:
    class Known:
        url = world.settings.redis.url

    return Known()  # type: ignore[return-value]


def test_redirects_for_good_become_the_address(world: World, web: Web) -> None:
    """301 and 308 are followed; after three polls the new address is asked, and shown."""
    web.pages["/old"] = Reply(status=301, headers={"location": "/new"})
    web.pages["/new"] = feed(1)
    world.add_feed("harbour", web.url("/old"))
    for count in (1, 2):
        world.poll("harbour")
        state = world.feed("harbour")
        assert (state.moved_to, state.moved_count) == (web.url("/new"), count)
    world.poll("harbour")
    assert world.feed("harbour").address == web.url("/new")
    asked = len(web.requests)
    world.poll("harbour")
    assert [request.path for request in web.requests[asked:]] == ["/new"]
    assert len(world.entries()) == 1
    # Where the new one is gone, the configured one is asked again.
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
def test_a_busy_host_is_left_in_peace(make: Make, web: Web, status: int) -> None:
    """429 and 503: nothing of the host is asked until Retry-After is over; other hosts are."""
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
def test_a_failing_feed_is_asked_less_and_less(world: World, web: Web, status: int) -> None:
    """Failures of the feed back it off, doubled each time, a day at most; it is never given up,
    and one success ends it."""
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
def test_a_server_says_how_long_to_wait(
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


BAD = {
    "a page": (Reply(body=b"<!doctype html><html><body><h1>Sign in</h1></body></html>"), "page"),
    "nothing": (Reply(body=b""), "empty"),
    "cut off": (Reply(body=rss([item(1)])[:120]), ""),
    "entities": (
        Reply(body=b'<!DOCTYPE rss [<!ENTITY a SYSTEM "b">]>' + rss([item(1)]).partition(b"?>")[2]),
        "entities",
    ),
    "no text": (Reply(body=bytes(range(256)) * 20), ""),
    "an image": (Reply(body=b"\x89PNG\r\n\x1a\n" + bytes(500)), ""),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_feed_is_shown_at_the_feed(world: World, web: Web, name: str) -> None:
    """It is refused with a reason, quarantined once, and no other feed notices."""
    web.pages["/bad"], says = BAD[name]
    web.pages["/good"] = feed(7)
    world.add_feed("bad", web.url("/bad"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    state = world.feed("bad")
    assert state.is_failing
    assert state.bad_reason
    assert says in f"{state.bad_reason} {state.bad_message}".lower()
    assert titles(world) == ["港口第7号公告"]
    kept = [one for one in world.context.deps.quarantine if one.source == "bad"]
    assert len(kept) == 1
    world.poll("bad")  # the same bytes again
    assert len(list(world.context.deps.quarantine)) == 1
    assert world.feed("bad").is_failing
    web.pages["/bad"] = feed(8)
    world.poll("bad")
    assert not world.feed("bad").is_failing


def test_a_wrong_encoding_is_read_right(world: World, web: Web) -> None:
    """What the server and the prolog declare is not believed against the bytes."""
    body = rss([item(1)]).replace(b"UTF-8", b"GB2312").decode().encode("gb18030")
    web.pages["/rss"] = Reply(body=body, headers={"content-type": "text/xml; charset=iso-8859-1"})
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert titles(world) == ["港口第1号公告"]


def test_dates_that_cannot_be_do_no_harm(world: World, web: Web) -> None:
    """The 31st of February is no date: the entry is published without one, and once."""
    broken = item(1).replace("Fri, 26 Nov 2021 00:01:04 GMT", "Mon, 31 Feb 2022 99:99:99 XYZ")
    web.pages["/rss"] = Reply(body=rss([broken, item(2)]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = Reply(body=rss([broken, item(2), item(3)]))
    world.poll("harbour")
    records = [entry["data"] for entry in world.entries()]
    assert [(one["title"], bool(one["date"])) for one in records] == [
        ("港口第1号公告", False),
        ("港口第2号公告", True),
        ("港口第3号公告", True),
    ]


def test_one_broken_entry_is_refused_once(world: World, web: Web) -> None:
    """Its neighbours are published; polled again, the same broken entry is not told of again."""
    nothing = "<item><guid>broken</guid></item>"
    web.pages["/rss"] = Reply(body=rss([item(1), nothing, item(2)]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert len(world.entries()) == 2
    web.pages["/rss"] = Reply(body=rss([item(1), nothing, item(2), item(3)]))
    world.poll("harbour")
    assert len(world.entries()) == 3
    assert len(list(world.context.deps.quarantine)) == 1
    assert world.feed("harbour").rejected == 1
    assert not world.feed("harbour").is_failing


def test_an_entry_that_meets_a_bug_is_refused_alone(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reading one entry raises is no other entry's fault, and costs no retry of the batch."""
    from worker.formats.feed.xml_feed import XmlFeed

    real = XmlFeed.read

    def broken(feed: XmlFeed, number: int) -> object:
        if "第2号".encode() in feed.raw(number):
            raise RuntimeError("a bug")
        return real(feed, number)

    monkeypatch.setattr(XmlFeed, "read", broken)
    web.pages["/rss"] = feed(1, 2, 3)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert titles(world) == ["港口第1号公告", "港口第3号公告"]
    (kept,) = world.context.deps.quarantine
    assert kept.reason == "internal"


def test_the_same_guid_on_all_entries(world: World, web: Web) -> None:
    """A guid is not believed: the articles are told apart by what they are."""
    entries = [item(n).replace(f"guid-{n}", "same") for n in range(1, 4)]
    web.pages["/rss"] = Reply(body=rss(entries[:2]))
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    web.pages["/rss"] = Reply(body=rss(entries))
    world.poll("harbour")
    assert len(world.entries()) == 3


def test_a_feed_of_more_than_100000_entries(world: World, web: Web) -> None:
    """Beyond limits.articles it is refused before an entry is read; the others go on."""
    small = "<item><title>t%d</title><link>https://harbour.example/%d</link></item>"
    web.pages["/big"] = Reply(body=rss([small % (n, n) for n in range(100_001)]))
    web.pages["/good"] = feed(7)
    world.add_feed("big", web.url("/big"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    assert titles(world) == ["港口第7号公告"]
    assert world.feed("big").bad_reason == "too_many"


def test_a_large_feed_has_a_batch_of_its_own(make: Make, web: Web) -> None:
    """What takes long to read does not hold up what came with it: others may work on that."""
    world = make(**{"spool.batch_bytes": 200_000})
    web.pages["/big"] = Reply(body=rss([item(n) for n in range(1000)]))
    web.pages["/good"] = feed(2000)
    world.add_feed("a-big", web.url("/big"))
    world.add_feed("good", web.url("/good"))
    world.fetch()
    assert len(world.waiting()) == 2
    world.drain()
    assert len(world.entries()) == 1001


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
    """Bounded, told at the feed with its kind of trouble, and the others are polled meanwhile."""
    world = make(**{"fetch.deadline_seconds": 2, "fetch.max_mb": 1})
    web.pages["/bad"], trouble = HOSTILE[name]
    web.pages["/good"] = feed(7)
    world.add_feed("bad", web.url("/bad"))
    world.add_feed("good", web.url("/good"))
    world.poll()
    with world.context.redis as client:
        said = client.hget("{newsdrop:articles}:feed:bad", "trouble")
    assert said is not None
    assert said.decode().startswith(trouble)
    assert world.feed("bad").error
    assert titles(world) == ["港口第7号公告"]


def test_a_network_that_is_not_public_is_refused(make: Make, web: Web) -> None:
    """Without fetch.allow_networks loopback is not asked at all, and the message says how."""
    world = make(**{"fetch.allow_networks": []})
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    assert web.requests == []
    state = world.feed("harbour")
    assert state.trouble == "address"
    assert "fetch.allow_networks" in (state.error or "")


def test_hanging_servers_do_not_hold_up_the_others(make: Make, web: Web) -> None:
    """While some hang until the deadline, all others are polled, and what comes is ingested."""
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

    begun = time.monotonic()
    fetched = fetch(world.context, notify=notify)
    assert fetched is not None
    assert (fetched.turns, fetched.failed) == (44, 4)
    assert seen[-1] == 40
    assert time.monotonic() - begun >= 4


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
    asked = len(web.requests)
    world.poll("a", "b")
    assert [request.path for request in web.requests[asked:]] == ["/b"]


def test_a_config_that_cannot_be_read_keeps_the_feeds(world: World, web: Web) -> None:
    """A slip of the pen in the file does not stop the polling of what was there."""
    web.pages["/a"] = feed(1)
    world.add_feed("a", web.url("/a"))
    world.poll()
    (world.settings.state_dir / "feeds.json").write_text('{"feeds": [{"name": "a"')
    web.pages["/a"] = feed(1, 2)
    world.poll("a")
    assert len(world.entries()) == 2


def test_pausing_feeds(world: World, web: Web) -> None:
    """One feed, or all of them, can be held; what was accepted is still worked on."""
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
    """While as many batches wait as may, nothing more is fetched; then it goes on."""
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


def test_only_so_many_processes_fetch(world: World) -> None:
    """Who finds no free place to fetch goes away at once; a worker has the places on top."""
    settings = world.settings
    assert settings.pool() == settings.processes() + settings.fetching()
    with ExitStack() as stack:
        for _ in range(settings.fetching()):
            assert stack.enter_context(
                acquire_slot(settings.state_dir, "fetch", settings.fetching())
            )
        assert fetch(world.context, notify=lambda: None) is None
    assert fetch(world.context, notify=lambda: None) is not None


def test_dedupe_meets_across_feeds_and_folders(world: World, web: Web) -> None:
    """The same article from a folder and two feeds is one record."""
    world.put(
        "a.md", article("港口第1号公告", "第1段正文，今日发布。", "Fri, 26 Nov 2021 00:01:04 GMT")
    )
    world.run()
    web.pages["/a"] = web.pages["/b"] = feed(1)
    world.add_feed("a", web.url("/a"))
    world.add_feed("b", web.url("/b"))
    world.poll()
    assert len(world.entries()) == 1
    assert world.feed("a").duplicate == 1
    assert world.totals().duplicate == 2


def test_scope_and_revisions_are_the_feeds_own(world: World, web: Web) -> None:
    """`scope = "source"` keeps feeds apart; `on_change = "revise"` publishes a changed entry."""
    web.pages["/a"] = web.pages["/b"] = feed(1)
    world.add_feed("a", web.url("/a"), scope="source")
    world.add_feed("b", web.url("/b"), scope="source", on_change="revise")
    world.poll()
    assert len(world.entries()) == 2
    web.pages["/b"] = Reply(body=rss([item(1, text="改正过的正文。")]))
    world.poll("b")
    assert [entry["type"] for entry in world.entries()][2:] == ["article.revised"]
    world.poll("b")
    assert len(world.entries()) == 3


def test_credentials_are_sent_and_never_shown(world: World, web: Web) -> None:
    """User and password of an address go to its server, and into no record, state or journal."""
    web.pages["/rss?key=sesam"] = feed(1)
    address = web.url("/rss?key=sesam").replace("http://", "http://amy:geheim@")
    world.add_feed("harbour", address, headers={"X-Token": "verborgen"})
    world.poll()
    assert web.requests[0].headers["authorization"].startswith("Basic ")
    assert web.requests[0].headers["x-token"] == "verborgen"
    web.pages["/rss?key=sesam"] = Reply(status=500)
    world.poll("harbour")
    shown = str(world.entries()) + str(world.feed("harbour")) + str(world.journal())
    for secret in ("geheim", "sesam", "verborgen"):
        assert secret not in shown
        for path in (world.settings.state_dir / "archive").rglob("*.jsonl"):
            assert secret not in path.read_text()


def test_rsshub_addresses(make: Make, web: Web) -> None:
    """rsshub://route is a route of the RSSHub that is configured; without one the feed says so."""
    web.pages["/sina/finance"] = feed(1)
    world = make(**{"fetch.rsshub_base": web.url("")})
    world.add_feed("sina", "rsshub://sina/finance")
    world.poll()
    assert len(world.entries()) == 1


def test_rsshub_without_a_base(world: World) -> None:
    """The feed tells which setting is missing."""
    world.add_feed("sina", "rsshub://sina/finance")
    world.poll()
    assert "fetch.rsshub_base" in (world.feed("sina").error or "")


def test_a_quarantined_feed_can_be_retried(world: World, web: Web) -> None:
    """Its bytes come back as what they were: a feed of that name, and nothing else."""
    from worker.actions.quarantine import retry

    web.pages["/bad"] = Reply(body=b"<html><body><h1>Sign in</h1><p>please</p></body></html>")
    world.add_feed("bad", web.url("/bad"))
    world.poll()
    (kept,) = world.context.deps.quarantine
    assert kept.origin is not None
    retry(world.settings, [kept.id])
    world.drain()
    assert world.entries() == []
    (again,) = world.context.deps.quarantine
    assert (again.source, again.reason) == ("bad", kept.reason)


def test_a_lost_redis_is_filled_from_the_catalog_and_the_archive(
    world: World, web: Web, redis_client: redis.Redis
) -> None:
    """After FLUSHALL feeds are polled anew, replay gives the same ids, and nothing is doubled."""
    from worker.pipeline.replay import replay

    web.pages["/rss"] = feed(1, 2)
    world.add_feed("harbour", web.url("/rss"))
    world.poll()
    before = [entry["id"] for entry in world.entries()]
    redis_client.flushall()
    for segment in world.context.deps.archive.segments():
        replay(segment, world.context.deps)
    world.poll()
    assert [entry["id"] for entry in world.entries()] == before


def test_the_gathering_of_answers(make: Make, web: Web) -> None:
    """Answers of many feeds share a batch: one message and one fsync for all of them."""
    world = make()
    for number in range(30):
        web.pages[f"/{number}"] = feed(number)
        world.add_feed(f"f{number}", web.url(f"/{number}"))
    world.fetch()
    assert fetch_loop.GATHER_SECONDS < 1
    assert len(world.waiting()) < 15
    world.drain()
    assert len(world.entries()) == 30


CUT_OFF = (
    b"<rss version='2.0'><channel><title>News</title>"
    + item(1).encode()
    + b"<item><title>abc</title><link>http://x.example/2</link>"
)
UNTITLED = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>http://x.example/1</loc><news:news><news:title>One</news:title></news:news></url>
<url><loc>http://x.example/2</loc><news:news><news:keywords>abc</news:keywords></news:news></url>
</urlset>"""
BAD_ITEM = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": [
{"id": "1", "title": "One", "content_text": "x"},
{"id": "2", "data": [{"title": "abc", "content_text": "y"}]}]}"""


@pytest.mark.parametrize("is_polled", [True, False])
@pytest.mark.parametrize("data", [CUT_OFF, UNTITLED, BAD_ITEM])
def test_a_refused_entry_of_a_feed_is_retried_as_what_it_was(
    world: World, web: Web, data: bytes, is_polled: bool
) -> None:
    """An entry that was refused is refused again by the same rules when it is retried, not read
    as a file of its own, and is in quarantine again; its feed's other articles are duplicates."""
    if is_polled:
        web.pages["/feed"] = Reply(body=data)
        world.add_feed("news", web.url("/feed"))
        world.poll()
    else:
        world.put("feed.xml", data)
        world.run()
    [before] = world.context.deps.quarantine
    assert len(world.entries()) == 1
    assert retry(world.settings, [before.id]).files == 1
    world.drain()
    [after] = world.context.deps.quarantine
    assert after.id != before.id
    assert (after.reason, after.message, after.origin) == (
        before.reason,
        before.message,
        before.origin,
    )
    assert [entry["data"]["title"] for entry in world.entries()] != ["abc"]
    assert len(world.entries()) == 1
    assert audit(world.settings).unaccounted == 0


def test_a_retried_entry_that_can_be_read_now_is_published(
    world: World, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After what refused it is mended, a retried entry has the parser and the feed it had."""
    with monkeypatch.context() as patch:
        refusal = Refusal(Reason.INTERNAL, "a bug", None)
        patch.setattr(xml_feed.XmlFeed, "read", lambda *_: refusal)
        web.pages["/feed"] = feed(1)
        world.add_feed("news", web.url("/feed"))
        world.poll()
    [refused] = world.context.deps.quarantine
    retry(world.settings, [refused.id])
    world.drain()
    [entry] = world.entries()
    provenance = entry["data"]["provenance"]
    assert (provenance["parser"], provenance["feed_url"]) == ("feed", web.url("/feed"))
    assert provenance["source"] == "news"
