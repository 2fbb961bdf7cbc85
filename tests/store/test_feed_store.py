"""The state of feeds: it follows the catalog, and each document counts once."""

import itertools
import sys
import time
from dataclasses import replace

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM
from worker.feeds.schedule import GAP, GROW, SHRINK, PollPace
from worker.store.connection import connect
from worker.store.feed_state import ConfiguredFeed, FeedObservation, PollLogEntry, read_poll_state
from worker.store.feeds import FeedStore
from worker.store.leases import HostPace, LeaseResult

PACE = PollPace(shortest=300, longest=86_400)
NOW_MS = int(time.time() * 1000)


@pytest.fixture(autouse=True)
def _begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are counted from a moment before the test: the server has its clock."""
    monkeypatch.setattr(sys.modules[__name__], "NOW_MS", int(time.time() * 1000) - 10_000)


@pytest.fixture
def store(redis_server: Server) -> FeedStore:
    return FeedStore(connect(redis_server.url), stream=STREAM, pace=HostPace(0, 100))


def feed(name: str, url: str = "https://host.example/rss") -> ConfiguredFeed:
    return ConfiguredFeed(name, url, "host.example")


def synced(store: FeedStore, digest: str, *feeds: ConfiguredFeed) -> bool:
    return store.sync(digest, len(feeds), feeds)


def document(name: str = "a", fingerprints: str = "a" * 12, **more: object) -> FeedObservation:
    """The observation of a document, each fetched a moment after the previous one."""
    values = {"entries": len(fingerprints) // 12, "fingerprints": fingerprints, **more}
    return replace(FeedObservation(name, NOW_MS + next(_moments), PACE), **values)  # type: ignore[arg-type]


_moments = itertools.count()


def polled(store: FeedStore, name: str = "a", interval: float = 1000.0) -> None:
    """One poll that brought something."""
    store.make_due([name])
    (lease,) = store.take_leases(1, 60).leases
    assert lease.name == name
    store.finish(
        [LeaseResult(lease, interval, {"interval": interval, "polled_ms": NOW_MS, "asked": None})]
    )


def test_the_catalog_is_the_stores(store: FeedStore) -> None:
    """The store has the catalog's feeds; a known digest costs one command."""
    assert synced(store, "1", feed("a"), feed("b"))
    assert not synced(store, "1", feed("a"), feed("b"))
    assert store.names() == {"a", "b"}
    polled_names = {lease.name for lease in store.take_leases(10, 60).leases}
    assert polled_names == {"a", "b"}
    assert synced(store, "2", feed("b"), feed("c"))
    assert store.names() == {"b", "c"}
    assert [lease.name for lease in store.take_leases(10, 60).leases] == ["c"]


def test_the_log_of_polls_is_capped_and_has_their_news(store: FeedStore) -> None:
    """50 polls, with the news of their own documents, read before or after the poll is saved."""
    synced(store, "1", feed("a"))

    def poll(at_ms: int, new: int | None) -> None:
        store.make_due(["a"])
        (lease,) = store.take_leases(1, 60).leases
        line = PollLogEntry(at_ms, "200", 1234, 56, new).line()
        store.finish([LeaseResult(lease, 1000.0, {"polled_ms": at_ms, "poll": line})])

    for number in range(60):
        poll(NOW_MS - 1000 + number, 0)
    one = document(new=3)
    poll(one.fetched_ms, None)
    assert store.record_documents("batch-1", [one])
    two = replace(document(new=7), fetched_ms=one.fetched_ms + 500)
    assert store.record_documents("batch-2", [two])
    poll(two.fetched_ms, None)
    poll(two.fetched_ms + 10, None)
    polls = store.read_polls("a")
    assert len(polls) == 50
    assert [entry.new for entry in polls[:4]] == [None, 7, 3, 0]
    assert polls[1] == PollLogEntry(two.fetched_ms, "200", 1234, 56, 7)
    store.remove(["a"])
    assert store.read_polls("a") == ()


def test_another_address_is_another_feed(store: FeedStore) -> None:
    """Where the address changes, nothing is remembered: an ETag is of one address."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, 3600, {"etag": '"1"', "failures": 3})])
    synced(store, "2", feed("a"), feed("b", "https://host.example/b"))
    assert store.get_states(["a"])[0].failures == 3
    synced(store, "3", feed("a", "https://host.example/new"))
    (lease,) = store.take_leases(1, 60).leases
    assert read_poll_state(lease).etag is None


def test_a_lost_redis_is_filled_again(store: FeedStore, redis_client: redis.Redis) -> None:
    """With the keys the digest is gone, so the catalog's feeds are due at once."""
    synced(store, "1", feed("a"))
    redis_client.flushall()
    assert synced(store, "1", feed("a"))
    assert store.names() == {"a"}


@pytest.mark.parametrize(
    ("values", "factor"),
    [
        ({"new": 1}, SHRINK),
        ({"new": 0}, GROW),
        ({"new": 1, "fingerprints": "c" * 12}, GAP),
    ],
)
def test_the_interval_follows_what_is_new(
    store: FeedStore, values: dict[str, object], factor: float
) -> None:
    """Shorter after news, longer after none, much shorter where entries may have been missed."""
    synced(store, "1", feed("a"))
    store.record_documents("first", [document(fingerprints="a" * 12 + "b" * 12)])
    polled(store, interval=2000)
    store.record_documents("second", [document(**{"fingerprints": "b" * 12, **values})])
    state = store.get_states(["a"])[0]
    assert state.interval == pytest.approx(2000 * factor)
    assert state.due_ms == pytest.approx(NOW_MS + 2000 * factor * 1000, abs=1000)
    assert state.gaps == (1 if factor == GAP else 0)


def test_a_gap_needs_two_documents(store: FeedStore) -> None:
    """The first document and an empty one are no gap."""
    synced(store, "1", feed("a"))
    store.record_documents("1", [document(fingerprints="a" * 12, new=1)])
    store.record_documents("2", [document(fingerprints="", entries=0)])
    store.record_documents("3", [document(fingerprints="d" * 12, new=1)])
    assert store.get_states(["a"])[0].gaps == 0
    store.record_documents("4", [document(fingerprints="e" * 12, new=1)])
    assert store.get_states(["a"])[0].gaps == 1


def test_a_document_that_is_read_again_is_no_other_poll(store: FeedStore) -> None:
    """A retry from quarantine does not count as another failure."""
    synced(store, "1", feed("a"))
    bad = document(fingerprints="", entries=0, reason="malformed", message="no feed: look")
    store.record_documents("first", [bad])
    store.record_documents("retried", [bad])
    assert store.get_states(["a"])[0].bad == 1


def test_a_manual_poll_is_marked(store: FeedStore) -> None:
    """It is distinguished from one that was due."""
    synced(store, "1", feed("a"))
    polled(store, interval=0.01)
    time.sleep(0.05)
    (lease,) = store.take_leases(1, 60).leases
    assert not read_poll_state(lease).is_manual
    store.finish([LeaseResult(lease, 3600)])
    store.make_due(["a"])
    (lease,) = store.take_leases(1, 60).leases
    assert read_poll_state(lease).is_manual


def test_a_batch_counts_once(store: FeedStore) -> None:
    """Recorded again after a crash, it adds nothing."""
    synced(store, "1", feed("a"))
    seen = [document(new=2, published=2, duplicate=1)]
    assert store.record_documents("batch", seen)
    assert not store.record_documents("batch", seen)
    state = store.get_states(["a"])[0]
    assert (state.published, state.duplicate, state.entries) == (2, 1, 1)


def test_an_older_document_does_not_change_the_pace(store: FeedStore) -> None:
    """Its counts are added."""
    synced(store, "1", feed("a"))
    store.record_documents("new", [document(fingerprints="b" * 12, min_interval_seconds=60)])
    old = replace(document(fingerprints="a" * 12, published=1), fetched_ms=NOW_MS - 1000)
    store.record_documents("old", [old])
    state = store.get_states(["a"])[0]
    assert (state.published, state.hold, state.gaps) == (1, 60, 0)


def test_what_cannot_be_read_backs_off(store: FeedStore) -> None:
    """A reason is shown at the feed, the time until the next poll doubles; a good one ends it."""
    synced(store, "1", feed("a"))
    polled(store)
    waits = []
    for number in range(4):
        bad = document(fingerprints="", entries=0, reason="malformed", message="no feed: look")
        store.record_documents(f"bad{number}", [bad])
        state = store.get_states(["a"])[0]
        assert state.due_ms is not None
        waits.append(round((state.due_ms - NOW_MS) / 1000))
        assert (state.bad, state.bad_reason, state.bad_message) == (
            number + 1,
            "malformed",
            "no feed: look",
        )
        assert state.is_failing
        assert store.list_failing() == {"a"}
    assert waits == pytest.approx([300, 600, 1200, 2400], abs=60)
    store.record_documents("good", [document(new=1)])
    assert not store.get_states(["a"])[0].is_failing
    assert store.list_failing() == set()


def test_the_ttl_of_a_feed_is_kept(store: FeedStore) -> None:
    """It counts from the poll of its document."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    store.record_documents("1", [document(new=1, min_interval_seconds=7200)])
    store.finish([LeaseResult(lease, 300, {"interval": 300})])
    due = store.get_states(["a"])[0].due_ms
    assert due is not None
    assert due >= NOW_MS + 7_200_000 - 60_000


def test_cache_control_is_kept(store: FeedStore) -> None:
    """News do not bring the next poll before it."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    hold = NOW_MS + 5_000_000
    store.finish([LeaseResult(lease, 5000, {"interval": 300, "not_before": hold})])
    store.record_documents("1", [document(new=9)])
    assert store.get_states(["a"])[0].due_ms == hold


def test_entries_that_cannot_be_read_are_remembered(store: FeedStore) -> None:
    """So that the same broken entry is refused once, not at each poll."""
    synced(store, "1", feed("a"))
    assert store.get_refused_fingerprints("a") == frozenset()
    store.record_documents("1", [document(refused_fingerprints="a" * 12 + "b" * 12)])
    assert store.get_refused_fingerprints("a") == {"a" * 12, "b" * 12}


def test_a_late_document_does_not_undo_a_later_poll(store: FeedStore) -> None:
    """A document of an earlier poll does not bring forward a feed that has failed since."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, 80_000, {"failures": 9, "polled_ms": NOW_MS})])
    store.record_documents("late", [replace(document(new=1), fetched_ms=NOW_MS - 900_000)])
    due = store.get_states(["a"])[0].due_ms
    assert due is not None
    assert due > NOW_MS + 70_000_000


@pytest.mark.parametrize("fields", [{}, {"failures": 1}])
def test_a_feeds_own_wish_counts_from_its_document(
    store: FeedStore, fields: dict[str, object]
) -> None:
    """A `ttl` of a day is over after a day: a pause or a failure then costs no further one."""
    synced(store, "1", feed("a"))
    old = replace(document(new=1, min_interval_seconds=86_400), fetched_ms=NOW_MS - 86_400_000)
    store.record_documents("old", [old])
    store.make_due(["a"])
    (lease,) = store.take_leases(1, 60).leases
    store.finish([LeaseResult(lease, 60, fields)])
    due = store.get_states(["a"])[0].due_ms
    assert due is not None
    assert due < NOW_MS + 600_000


def test_jitter_outlives_news(store: FeedStore) -> None:
    """Feeds that were added together and bring news together are not polled together for ever."""
    synced(store, "1", *(feed(name, f"https://host.example/{name}") for name in "abcd"))
    leases = store.take_leases(9, 60).leases
    values = {"interval": 900.0, "polled_ms": NOW_MS}
    store.finish(
        [LeaseResult(t, 900, {**values, "jitter": 1 + n / 50}) for n, t in enumerate(leases)]
    )
    at = NOW_MS + 500
    store.record_documents("b", [replace(document(name, new=1), fetched_ms=at) for name in "abcd"])
    assert len({state.due_ms for state in store.get_states(list("abcd"))}) == 4


@pytest.mark.parametrize("new", [0, 1])
def test_the_interval_keeps_its_bounds(store: FeedStore, new: int) -> None:
    """However often there is news or none."""
    synced(store, "1", feed("a"))
    pace = PollPace(shortest=300, longest=900)
    for number in range(12):
        polled(store, interval=store.get_states(["a"])[0].interval or 600.0)
        read = document(fingerprints="a" * 12 + "b" * 12, entries=2, new=new)
        store.record_documents(f"{number}", [replace(read, pace=pace)])
    assert store.get_states(["a"])[0].interval == (300 if new else 900)


def test_a_schedule_decides_the_next_poll(store: FeedStore) -> None:
    """Whatever its documents bring."""
    synced(store, "1", feed("a"))
    polled(store, interval=7000.0)
    due = store.get_states(["a"])[0].due_ms
    store.record_documents(
        "first", [replace(document(new=1), pace=replace(PACE, schedule="0 6 * * *"))]
    )
    assert store.get_states(["a"])[0].due_ms == due


def test_a_leased_feed_stays_leased(store: FeedStore) -> None:
    """Reading a document does not end the lease of a poll in progress."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    leased = store.get_states(["a"])[0].due_ms
    store.record_documents("first", [document(new=1)])
    assert store.get_states(["a"])[0].due_ms == leased
    store.finish([LeaseResult(lease, 900, {"interval": 900.0})])


@pytest.mark.parametrize("wrong_ms", [10 * 365 * 86_400_000, -7_200_000])
def test_a_workers_wrong_clock_breaks_no_pace(store: FeedStore, wrong_ms: int) -> None:
    """Years ahead, or hours behind: the next poll is within the feed's bounds of now."""
    synced(store, "1", feed("a"))
    for number in range(3):
        polled(store)
        fetched = NOW_MS + wrong_ms + number
        store.record_documents(f"{number}", [replace(document(new=1), fetched_ms=fetched)])
        due = store.get_states(["a"])[0].due_ms
        assert due is not None
        assert NOW_MS + 290_000 < due < NOW_MS + 86_400_000 + 120_000
    # The clock is right again: what is read counts again.
    store.record_documents("right", [document(fingerprints="f" * 12, entries=7)])
    assert store.get_states(["a"])[0].entries == 7


def test_a_feed_lost_from_the_queue_is_added_again(
    store: FeedStore, redis_client: redis.Redis
) -> None:
    """When the catalog has more feeds than the queue."""
    synced(store, "1", feed("a"), feed("b"))
    redis_client.delete(store.key("a"))
    store.take_leases(9, 60)
    assert store.names() == {"b"}
    assert synced(store, "1", feed("a"), feed("b"))
    assert store.names() == {"a", "b"}


def test_a_feed_removed_during_its_poll_stays_removed(store: FeedStore) -> None:
    """Finished after its removal, it is not polled again."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    synced(store, "2")
    store.finish([LeaseResult(lease, 0, {"failures": 1})])
    assert store.names() == set()


def test_errors_can_be_reset(store: FeedStore) -> None:
    """Failures and their host's rest are forgotten, and the feed is due now."""
    synced(store, "1", feed("a"))
    (lease,) = store.take_leases(1, 60).leases
    fields = {"failures": 9, "error": "x", "trouble": "dns"}
    store.finish([LeaseResult(lease, 80_000, fields, backoff_seconds=80_000)])
    assert store.take_leases(1, 60).leases == ()
    assert store.reset_errors(["a", "unknown"]) == 1
    assert [lease.name for lease in store.take_leases(1, 60).leases] == ["a"]
    assert not store.get_states(["a"])[0].is_failing


def test_a_feed_that_went_is_forgotten_in_a_day(
    store: FeedStore, redis_client: redis.Redis
) -> None:
    """Nothing of a removed feed stays for ever, whatever is still read of it."""
    synced(store, "1", feed("a"))
    synced(store, "2")
    store.record_documents("1", [document(new=1)])
    assert 0 < redis_client.ttl(store.key("a")) <= 86_400
    assert store.names() == set()


def test_a_feed_that_returns_is_not_polled_more_often(
    store: FeedStore, redis_client: redis.Redis
) -> None:
    """Two machines with different catalogs: the feed keeps its lease and state."""
    synced(store, "1", feed("a"), feed("b"))
    for lease in store.take_leases(2, 60).leases:
        store.finish([LeaseResult(lease, 3600, {"etag": '"1"'})])
    for number in range(3):
        synced(store, f"other{number}", feed("b"))
        synced(store, f"mine{number}", feed("a"), feed("b"))
    assert store.take_leases(2, 60).leases == ()
    assert redis_client.ttl(store.key("a")) == -1
    store.make_due(["a"])
    (lease,) = store.take_leases(2, 60).leases
    assert read_poll_state(lease).etag == '"1"'


def test_failing_feeds_are_a_set(store: FeedStore) -> None:
    """So that ten thousand feeds need not be read."""
    synced(store, "1", feed("a"), feed("b"))
    one, other = sorted(store.take_leases(2, 60).leases, key=lambda lease: lease.name)
    store.finish([LeaseResult(one, 0, {"failures": 1}), LeaseResult(other, 0, {"failures": None})])
    assert store.list_failing() == {"a"}
    (again, *_) = sorted(store.take_leases(2, 60).leases, key=lambda lease: lease.name)
    store.finish([LeaseResult(again, 0, {"failures": None})])
    assert store.list_failing() == set()
    (again, *_) = sorted(store.take_leases(2, 60).leases, key=lambda lease: lease.name)
    store.finish([LeaseResult(again, 0, {"failures": 2})])
    synced(store, "2", feed("b"))
    assert store.list_failing() == set()
