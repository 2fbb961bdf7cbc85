"""Leases: due items are leased once, at their host's pace, and expire with their worker."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM
from worker.store.connection import connect
from worker.store.feed_state import ConfiguredFeed
from worker.store.feeds import FeedStore
from worker.store.leases import HostPace, LeaseResult
from worker.store.pages import PageStore, RobotsStore

QUICK = HostPace(interval_seconds=0.0, connections=100)


def pages(server: Server, pace: HostPace = QUICK) -> PageStore:
    return PageStore(connect(server.url), stream=STREAM, pace=pace)


def names_of(store: PageStore, count: int = 100, lease: float = 60) -> list[str]:
    return [lease.name for lease in store.take_leases(count, lease).leases]


def test_an_item_is_leased_once(redis_server: Server) -> None:
    """Two workers ask at once."""
    one, other = pages(redis_server), pages(redis_server)
    one.add_pages({f"p{number}": f"host{number}.example" for number in range(10)})
    first, second = names_of(one, 6), names_of(other, 6)
    assert (len(first), len(second)) == (6, 4)
    assert not set(first) & set(second)
    assert names_of(one) == []


def test_an_expired_lease_is_given_again(redis_server: Server) -> None:
    """Later results of its first holder are not written."""
    dead, alive = pages(redis_server), pages(redis_server)
    dead.add_pages({"p": "host.example"})
    (lease,) = dead.take_leases(1, 0.05).leases
    time.sleep(0.1)
    (again,) = alive.take_leases(1, 60).leases
    assert dead.finish([LeaseResult(lease, due_in_seconds=None)]) == [False]
    assert alive.finish([LeaseResult(again, due_in_seconds=60, fields={"tries": 1})]) == [True]
    assert alive.names() == {"p"}


def test_a_host_is_paced_by_all_workers_together(redis_server: Server) -> None:
    """Of five items of one host one is handed out; the others get leases one after another."""
    store = pages(redis_server, HostPace(interval_seconds=30, connections=5))
    store.add_pages({f"p{number}": "host.example" for number in range(5)} | {"q": "other.example"})
    started = time.time()
    assert sorted(names_of(store, lease=600)) == ["p0", "q"]
    assert names_of(pages(redis_server, HostPace(30, 5))) == []
    client = redis_server.client()
    due = dict(client.zrange(f"{{{STREAM}}}:pages", 0, -1, withscores=True))
    waits = [due[f"p{number}".encode()] / 1000 - started for number in range(1, 5)]
    for number, wait in enumerate(waits, 1):
        assert wait == pytest.approx(30 * number, abs=5)


def test_leases_of_a_host_are_limited(redis_server: Server) -> None:
    """To `connections`; a finished one makes room."""
    store = pages(redis_server, HostPace(interval_seconds=0, connections=2))
    store.add_pages({f"p{number}": "host.example" for number in range(4)})
    leases = store.take_leases(10, 60).leases
    assert len(leases) == 2
    store.finish([LeaseResult(leases[0], due_in_seconds=None)])
    store.make_due(store.names())
    assert len(store.take_leases(10, 60).leases) == 1


def test_a_dead_workers_place_at_a_host_is_free_again(redis_server: Server) -> None:
    """What a worker had that never came back does not close its host to others."""
    store = pages(redis_server, HostPace(interval_seconds=0, connections=1))
    store.add_pages({"p": "host.example"})
    assert names_of(store, lease=0.05) == ["p"]
    time.sleep(0.1)
    client = redis_server.client()
    client.zadd(f"{{{STREAM}}}:pages", {"p": 2 * time.time() * 1000})
    store.add_pages({"q": "host.example"})
    assert names_of(store) == ["q"]


def test_backoff_of_a_host(redis_server: Server) -> None:
    """Until it ends, nothing of that host is leased."""
    store = pages(redis_server)
    store.add_pages({"a": "host.example", "b": "host.example", "c": "other.example"})
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, due_in_seconds=0, backoff_seconds=3600)])
    assert names_of(store) == ["c"]
    assert names_of(pages(redis_server)) == []


def test_the_delay_of_a_host_is_kept(redis_server: Server) -> None:
    """robots.txt may require a longer pause than the settings."""
    store = pages(redis_server)
    store.add_pages({"a": "host.example", "b": "host.example"})
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, due_in_seconds=None, host_interval_seconds=3600)])
    assert names_of(store) == ["b"]
    store.add_pages({"c": "host.example"})
    assert names_of(store) == []


def test_a_removed_delay_is_forgotten(redis_server: Server) -> None:
    """One that robots.txt required once and no longer does."""
    store = pages(redis_server)
    store.add_pages({"a": "host.example", "b": "host.example", "c": "host.example"})
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, due_in_seconds=None, host_interval_seconds=0.01)])
    time.sleep(0.05)
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, due_in_seconds=None, host_interval_seconds=0)])
    time.sleep(0.05)
    assert names_of(store) == ["c"]
    client = redis_server.client()
    assert client.hget(f"{{{STREAM}}}:host:host.example", "delay") is None


def test_the_host_that_answered_is_cooled(redis_server: Server) -> None:
    """A redirect to another host that wants peace gives peace to that one."""
    store = pages(redis_server)
    store.add_pages({"a": "host.example", "b": "host.example", "c": "cdn.example"})
    (lease,) = store.take_leases(1, 60).leases
    store.finish(
        [LeaseResult(lease, due_in_seconds=None, backoff_seconds=3600, backoff_host="cdn.example")]
    )
    assert names_of(store) == ["b"]


def test_pages_do_not_starve_the_feed_of_their_host(redis_server: Server) -> None:
    """With hundreds of pages of its host a feed is leased as soon as the host is free."""
    pace = HostPace(interval_seconds=0.3, connections=5)
    store = pages(redis_server, pace)
    store.add_pages({f"p{number:03}": "host.example" for number in range(300)})
    store.take_leases(400, 60)
    feeds = FeedStore(connect(redis_server.url), stream=STREAM, pace=pace)
    feeds.sync("1", 1, [ConfiguredFeed("f", "https://host.example/rss", "host.example")])
    until(lambda: [lease.name for lease in feeds.take_leases(1, 60).leases] == ["f"])


def test_a_thousand_items_of_one_host_do_not_delay_another(redis_server: Server) -> None:
    """After a few calls the last item in the queue is leased."""
    store = pages(redis_server, HostPace(interval_seconds=60, connections=1))
    store.add_pages(
        {f"a{number:04}": "host.example" for number in range(1000)} | {"z": "other.example"}
    )
    looks = 0
    found: set[str] = set()
    more = True
    while more and looks < 50:
        taken = store.take_leases(8, 60)
        found |= {lease.name for lease in taken.leases}
        more, looks = taken.has_more, looks + 1
    assert "z" in found
    assert len(found) == 2


def test_fields_are_stored(redis_server: Server) -> None:
    """They come with the next lease; None deletes one."""
    store = pages(redis_server)
    store.add_pages({"p": "host.example"})
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, due_in_seconds=0, fields={"tries": 3})])
    (lease,) = store.take_leases(1, 60).leases
    assert lease.fields == {"tries": "3", "takes": "2"}
    store.finish([LeaseResult(lease, due_in_seconds=0, fields={"tries": None})])
    assert store.take_leases(1, 60).leases[0].fields == {"takes": "3"}


def test_what_was_removed_is_not_handed_out(
    redis_server: Server, redis_client: redis.Redis
) -> None:
    """An item without its hash is dropped from the row, and nothing of it stays."""
    store = pages(redis_server)
    store.add_pages({"p": "host.example", "q": "host.example"})
    store.remove(["p"])
    assert names_of(store) == ["q"]
    redis_client.zadd(f"{{{STREAM}}}:pages", {"ghost": 0})
    assert names_of(store) == []
    assert "ghost" not in store.names()


def test_robots_txt_is_cached(redis_server: Server) -> None:
    """For all workers, until it expires."""
    store = RobotsStore(connect(redis_server.url), stream=STREAM)
    store.put("https://host.example", b"User-agent: *", 60)
    store.put("https://short.example", b"x", 1)
    assert store.get("https://host.example") == b"User-agent: *"
    deadline = time.monotonic() + 30
    while store.get("https://short.example") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert store.get("https://short.example") is None
    assert store.get("https://never.example") is None


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_due_times_are_by_the_servers_clock(redis_server: Server, seconds: float) -> None:
    """`after` is counted from the server's clock."""
    store = pages(redis_server)
    store.add_pages({"p": "host.example"})
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, due_in_seconds=seconds)])
    until(lambda: names_of(store) == ["p"])


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_server_clock_that_was_ahead_delays_nothing(
    redis_server: Server, redis_client: redis.Redis
) -> None:
    """Items scheduled then are due at their time; earlier ones keep theirs."""
    store = pages(redis_server, HostPace(interval_seconds=1, connections=1))
    store.add_pages({"p": "host.example", "q": "other.example"})
    assert store.follow_clock() == 0
    ahead = 8 * 3_600_000
    now = store.now_ms()
    key = f"{{{STREAM}}}:"
    # What the scripts write at the time `now + ahead`.
    redis_client.zadd(f"{key}pages", {"p": now + ahead + 5_000, "q": now + 60_000})
    busy = {f"b:{key}page:x": now + ahead + 60_000, f"tail:{key}page:": now + 25 * 3_600_000}
    redis_client.hset(
        f"{key}host:host.example", mapping={"next": now + ahead, "cool": now + 4 * ahead, **busy}
    )
    redis_client.hset(f"{key}pages:clock", "ms", now + ahead)
    assert store.follow_clock() == 1
    assert store.follow_clock() == 0
    due = store.get_due_times(["p", "q"])
    assert now <= due["p"] <= store.now_ms() + 5_000
    assert due["q"] == now + 60_000
    redis_client.zadd(f"{key}pages", {"p": now})
    assert names_of(store) == ["p"]


def test_waiting_for_the_next_lease_keeps_the_pace(redis_server: Server) -> None:
    """30 items of one host need 30 pauses."""
    store = pages(redis_server, HostPace(interval_seconds=0.1, connections=50))
    store.add_pages({f"p{number:02}": "host.example" for number in range(30)})
    started, found = time.monotonic(), 0
    while found < 30 and time.monotonic() < started + 30:
        taken = store.take_leases(30, 600)
        found += len(taken.leases)
        time.sleep(min(0.2, taken.next_seconds or 0))
    assert found == 30
    assert 2.85 <= time.monotonic() - started < 4.5


def test_feeds_and_pages_of_a_host_take_turns(redis_server: Server) -> None:
    """Each kind has half of the host's turns, and none is lost."""
    pace = HostPace(interval_seconds=0.1, connections=50)
    store = pages(redis_server, pace)
    feeds = FeedStore(connect(redis_server.url), stream=STREAM, pace=pace)
    names = [f"f{number:02}" for number in range(20)]
    feeds.sync(
        "1", 20, [ConfiguredFeed(n, f"https://host.example/{n}", "host.example") for n in names]
    )
    store.add_pages({f"p{number:02}": "host.example" for number in range(20)})
    started, turns, looks = time.monotonic(), [], [time.monotonic()]
    while len(turns) < 40 and time.monotonic() < started + 30:
        waits = []
        looks.append(time.monotonic())
        for queue in (feeds, store):
            taken = queue.take_leases(9, 600)
            turns += [lease.name for lease in taken.leases]
            waits.append(taken.next_seconds or 0)
        time.sleep(min(0.2, *waits))
    assert abs(sum(name < "p" for name in turns[:20]) - 10) <= 2
    late = sum(max(0, after - before - 0.1) for before, after in pairwise(looks))
    assert time.monotonic() - started < 6.5 + late
    of_feeds = [name for name in turns if name < "p"]
    # A feed whose own time comes right before the host's next turn is taken before all that came
    # too early for that turn. Each 0.1 s one feed is due and every second turn is a feed's, so at
    # most half of them wait; and those that became due while this process did not look.
    waiting = len(names) // 2 + int(late / 0.1)
    assert max(abs(at - names.index(name)) for at, name in enumerate(of_feeds)) <= waiting


def test_an_abandoned_kind_delays_nothing(redis_server: Server) -> None:
    """Its waiting pages cost the feeds one second."""
    pace = HostPace(interval_seconds=0.05, connections=50)
    store = pages(redis_server, pace)
    feeds = FeedStore(connect(redis_server.url), stream=STREAM, pace=pace)
    feeds.sync(
        "1", 9, [ConfiguredFeed(f"f{n}", f"https://h.example/{n}", "h.example") for n in range(9)]
    )
    feeds.take_leases(1, 600)
    store.add_pages({f"p{number}": "h.example" for number in range(5)})
    assert names_of(store) == []
    started, found = time.monotonic(), 1
    while found < 9 and time.monotonic() < started + 30:
        taken = feeds.take_leases(9, 600)
        found += len(taken.leases)
        time.sleep(min(0.2, taken.next_seconds or 0))
    assert time.monotonic() - started < 3


def test_a_lease_has_its_delay(redis_server: Server) -> None:
    """From the pace only: not pauses of the host, times without workers, or manual polls."""
    store = pages(redis_server, HostPace(interval_seconds=0.4, connections=9))
    store.add_pages({"asked": "a.example"})
    assert store.take_leases(1, 600).leases[0].late_seconds is None
    store.add_pages({"x": "b.example", "y": "b.example"})
    hour_ago = store.now_ms() - 3_600_000
    redis_server.client().zadd(f"{{{STREAM}}}:pages", {"x": hour_ago, "y": hour_ago + 1})
    (first,) = store.take_leases(2, 600).leases
    assert first.late_seconds == 0
    time.sleep(0.5)
    (second,) = store.take_leases(2, 600).leases
    assert second.late_seconds == pytest.approx(0.5, abs=0.3)
    store.finish([LeaseResult(second, due_in_seconds=0.01, backoff_seconds=0.3)])
    time.sleep(0.05)
    assert names_of(store) == []
    time.sleep(0.5)
    (again,) = store.take_leases(2, 600).leases
    assert again.late_seconds < 0.4
