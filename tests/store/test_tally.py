"""Counters: each batch once, and snapshots of one moment."""

import threading
from collections.abc import Callable

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM, open_store
from tests.store.offers import offer
from worker.errors import Retryable, StoreFull
from worker.model import Tally
from worker.store.connection import connect
from worker.store.counters import CounterStore, RefusedSummary
from worker.store.jobs import Job, JobKind, JobStore
from worker.store.layout import DAY

SOME = Tally(archived=3, quarantined=1, published=2, duplicate=1, rejected=1, content_differs=1)


@pytest.fixture
def tallies(redis_server: Server) -> CounterStore:
    return CounterStore(connect(redis_server.url), stream=STREAM, max_refused=3)


@pytest.fixture
def jobs(redis_server: Server) -> JobStore:
    return JobStore(connect(redis_server.url), stream=STREAM, keep_days=14)


def test_nothing_yet(tallies: CounterStore) -> None:
    """On an empty server every counter is 0 and no batch is settled."""
    snapshot = tallies.snapshot(["b"])
    assert (snapshot.totals, snapshot.by_source, snapshot.settled) == (Tally(), {}, frozenset())


def test_a_batch_is_counted_once(tallies: CounterStore) -> None:
    """Settling it again returns False; batches and sources add up."""
    assert tallies.settle("b1", source="drop", job=None, tally=SOME) is True
    assert tallies.settle("b1", source="drop", job=None, tally=SOME) is False
    assert tallies.settle("b2", source="feed.a", job=None, tally=Tally(archived=1, revised=1))
    snapshot = tallies.snapshot(["b0", "b1", "b2"])
    assert snapshot.totals == Tally(4, 1, 2, 1, 0, 1, 1, 1)
    assert snapshot.by_source == {"drop": SOME, "feed.a": Tally(archived=1, revised=1)}
    assert snapshot.settled == {"b1", "b2"}
    assert list(snapshot.last_success_ms) == ["drop", "feed.a"]


def test_a_snapshot_is_of_one_moment(redis_server: Server, tallies: CounterStore) -> None:
    """Every file is either counted or in a batch that is not settled."""
    batches = [f"b{n}" for n in range(400)]

    def settle_all() -> None:
        own = CounterStore(connect(redis_server.url), stream=STREAM)
        for batch in batches:
            own.settle(batch, source="drop", job=None, tally=Tally(archived=1))

    settling = threading.Thread(target=settle_all)
    settling.start()
    seen = []
    while settling.is_alive():
        snapshot = tallies.snapshot(batches)
        seen.append((snapshot.totals.archived, len(snapshot.settled)))
    settling.join()
    assert len(set(seen)) > 2
    assert all(counted == settled for counted, settled in seen)
    assert tallies.snapshot(batches).totals.archived == 400


def test_a_source_that_only_fails_has_no_success(tallies: CounterStore) -> None:
    """The time of a source's last success moves only when a file of it was archived."""
    tallies.settle("b1", source="drop", job=None, tally=Tally(quarantined=1, rejected=1))
    assert tallies.snapshot().last_success_ms == {}


def test_settling_forgets_the_claims(
    redis_server: Server, tallies: CounterStore, redis_client: redis.Redis
) -> None:
    """Of the claims of a settled batch only that it was settled remains, for a day."""
    open_store(redis_server.url).publish("b", [offer(n) for n in range(20)])
    claims = "{newsdrop:articles}:claim:b"
    assert redis_client.hlen(claims) == 20
    tallies.settle("b", source="drop", job=None, tally=SOME)
    assert redis_client.hkeys(claims) == [b"settled"]
    assert 0 < redis_client.ttl(claims) <= DAY


def test_a_job_counts_its_batches(tallies: CounterStore, jobs: JobStore) -> None:
    """Sums, refused files in order up to the limit, and open files."""
    job = Job("j1", JobKind.ENQUEUE, "drop", "a\\nb.md", 1_700_000_000_000)
    jobs.open(job)
    jobs.add_files("j1", 5)
    jobs.open(Job("j1", JobKind.RETRY, "x", "y", 1))
    jobs.add_files("j1", 5)
    refused = [RefusedSummary(f"{n}.md", "empty", "it is empty", f"q{n}") for n in range(5)]
    tallies.settle("b1", source="drop", job="j1", tally=SOME, refused=refused[:2])
    tallies.settle("b2", source="drop", job="j1", tally=SOME, refused=refused[2:])
    tallies.settle("b2", source="drop", job="j1", tally=SOME, refused=refused[2:])
    state = jobs.get("j1")
    assert state is not None
    assert (state.job, state.files, state.open_files) == (job, 10, 2)
    assert state.tally == Tally(6, 2, 4, 0, 0, 2, 2, 2)
    assert state.last_ms is not None
    assert jobs.refused("j1") == refused[:3]


def test_a_job_without_a_record_is_counted(tallies: CounterStore, jobs: JobStore) -> None:
    """Redis was unavailable when it began."""
    tallies.settle("b1", source="drop", job="j9", tally=SOME)
    [state] = jobs.list()
    assert (state.job.id, state.job.kind, state.job.source) == ("j9", JobKind.UNKNOWN, "drop")
    assert state.tally == SOME


@pytest.mark.parametrize(
    "key", ["tally", "tally:sources", "job:j", "jobs", "claim:b", "minutes", "measures"]
)
def test_a_wrong_type_counts_nothing(
    tallies: CounterStore, redis_client: redis.Redis, key: str
) -> None:
    """A key of another type raises Retryable before any counter moved; afterwards it counts."""
    name = "{newsdrop:articles}:" + key
    redis_client.set(name, "mine")
    with pytest.raises(Retryable, match="WRONGTYPE"):
        tallies.settle("b", source="drop", job="j", tally=SOME)
    assert redis_client.keys("*") == [name.encode()]
    redis_client.delete(name)
    assert tallies.settle("b", source="drop", job="j", tally=SOME) is True


def test_a_full_server_counts_nothing(own_server: Callable[..., Server]) -> None:
    """A Redis without memory raises StoreFull with no counter moved; afterwards it counts once."""
    server = own_server(options=("--maxmemory-policy", "noeviction"))
    tallies, client = CounterStore(connect(server.url), stream=STREAM), server.client()
    tallies.snapshot()
    client.config_set("maxmemory", 1)
    with pytest.raises(StoreFull):
        tallies.settle("b", source="drop", job="j", tally=SOME)
    assert client.keys("*") == []
    client.config_set("maxmemory", 0)
    assert tallies.settle("b", source="drop", job="j", tally=SOME) is True
    assert tallies.snapshot(["b"]).totals == SOME
