"""What goes wrong between worker and server: each article is still one entry."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM, open_store
from tests.store.lossy import LossyProxy
from tests.store.offers import offer
from worker.errors import Retryable, StoreFull, StoreRefused, StoreUnavailable
from worker.model import OnChange, PublishRequest, Status, Tally
from worker.store.articles import ArticleStore
from worker.store.connection import Script, connect
from worker.store.counters import CounterStore
from worker.store.server import get_run_id


@pytest.fixture
def proxy(redis_server: Server) -> Iterator[LossyProxy]:
    """A way to `redis_server` that can lose replies."""
    proxy = LossyProxy(redis_server.directory, redis_server.socket)
    yield proxy
    proxy.close()
    proxy.path.unlink()


def test_a_lost_reply_is_published_once_and_reported_published(
    proxy: LossyProxy, redis_client: redis.Redis
) -> None:
    """Nothing is sent again by itself; the repeated batch gets `published` for its entries."""
    store = open_store(proxy.url)
    store.publish("warm", [offer(99)])
    calls = _calls(redis_client)
    proxy.lose_next()
    with pytest.raises(StoreUnavailable):
        store.publish("b", [offer(1), offer(2)])
    assert proxy.lost.wait(30)
    assert _calls(redis_client) == calls + 1
    assert redis_client.xlen(STREAM) == 3

    made = store.publish("b", [offer(1), offer(2)])
    assert [each.status for each in made] == [Status.PUBLISHED] * 2
    ids = [stream_id.decode() for stream_id, _ in redis_client.xrange(STREAM)]
    assert [each.stream_id for each in made] == ids[1:]


def test_a_restarted_server_keeps_what_it_answered(own_server: Callable[..., Server]) -> None:
    """After a kill the same batch gets `published` again, another one `duplicate`."""
    server = own_server(appendonly=True)
    store = open_store(server.url)
    before = get_run_id(server.client())
    first = store.publish("b", [offer(1, raw=1)])
    server.kill()
    with pytest.raises(StoreUnavailable):
        store.publish("b", [offer(1, raw=1)])
    server.start()
    assert get_run_id(server.client()) != before
    assert store.publish("b", [offer(1, raw=1)]) == first
    assert [made.status for made in store.publish("c", [offer(1)])] == [Status.DUPLICATE]
    assert store.get_info().length == 1


def test_a_server_without_scripts_gets_their_source(
    store: ArticleStore, redis_client: redis.Redis
) -> None:
    """After SCRIPT FLUSH, or a restart, the next call succeeds."""
    store.publish("b1", [offer(1)])
    redis_client.script_flush()
    assert [made.status for made in store.publish("b2", [offer(2)])] == [Status.PUBLISHED]
    assert store.get_info().length == 2


def test_a_full_server_publishes_nothing_and_works_again(own_server: Callable[..., Server]) -> None:
    """StoreFull leaves neither an entry without a mark nor a mark without an entry."""
    server = own_server(options=("--maxmemory-policy", "noeviction"))
    store, client = open_store(server.url), server.client()
    store.publish("b1", [offer(1, raw=1)])
    keys = sorted(client.keys("*"))
    client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
    batch = [offer(1, "0.0"), offer(2, "1.0", raw=2), offer(3, "2.0", date=None)]
    with pytest.raises(StoreFull, match="maxmemory"):
        store.publish("b2", batch)
    assert sorted(client.keys("*")) == keys
    assert (store.get_info().length, store.find(offer(2).identity.id)) == (1, None)

    client.config_set("maxmemory", 0)
    made = store.publish("b2", batch)
    assert [each.status for each in made] == [
        Status.DUPLICATE,
        Status.PUBLISHED,
        Status.PUBLISHED,
    ]


def test_memory_that_ends_between_two_articles(own_server: Callable[..., Server]) -> None:
    """Whole calls are refused: every entry has its mark, and a repetition publishes the rest."""
    server = own_server(options=("--maxmemory-policy", "noeviction"))
    store, client = open_store(server.url), server.client()
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 3_000_000)
    batches = {f"b{n}": [offer(n * 10 + i, size=5_000) for i in range(10)] for n in range(40)}
    refused = 0
    for name, batch in batches.items():
        try:
            store.publish(name, batch)
        except StoreFull:
            refused += 1
    assert 0 < refused < len(batches)
    for entry in store.read(count=1000):
        assert store.find(entry.id) is not None
    client.config_set("maxmemory", 0)
    for name, batch in batches.items():
        assert {made.status for made in store.publish(name, batch)} == {Status.PUBLISHED}
    ids = [entry.id for entry in store.read(count=1000)]
    assert len(ids) == len(set(ids)) == 400


def test_a_server_that_cannot_save_is_full(own_server: Callable[..., Server]) -> None:
    """After a disk failure StoreFull is raised; later the same batch is published."""
    server = own_server()
    store, client = open_store(server.url), server.client()
    store.publish("b1", [offer(1)])
    client.config_set("save", "1 1")
    shutil.rmtree(server.directory)
    client.bgsave()
    deadline = time.monotonic() + 30
    while client.info("persistence")["rdb_last_bgsave_status"] != "err":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(StoreFull, match="disk"):
        store.publish("b2", [offer(2)])
    assert store.get_info().length == 1
    client.config_set("save", "")
    assert [made.status for made in store.publish("b2", [offer(2)])] == [Status.PUBLISHED]


def test_a_suspended_server_is_waited_for_only_so_long(redis_server: Server) -> None:
    """A server that accepts and does not answer raises StoreUnavailable after the timeout."""
    store = open_store(redis_server.url + "?socket_timeout=0.5")
    store.get_info()
    redis_server.client().client_pause(1500)
    with pytest.raises(StoreUnavailable, match="in time"):
        store.publish("b", [offer(1)])
    redis_server.client().client_unpause()


# ── a right that is missing ─────────────────────────────────────────────────────────────────

PREFIX = "{newsdrop:articles}:"
READ_ONLY_INDEX = (
    "resetkeys",
    f"~{STREAM}",
    f"~{PREFIX}claim:*",
    f"%R~{PREFIX}i:*",
    f"~{PREFIX}r:*",
)
READ_ONLY_RAWS = (
    "resetkeys",
    f"~{STREAM}",
    f"~{PREFIX}claim:*",
    f"~{PREFIX}i:*",
    f"%R~{PREFIX}r:*",
)
MISSING = {
    "-hset": ("-hset",),
    "-expire": ("-expire",),
    "-hdel": ("-hdel",),
    "-xadd": ("-xadd",),
    "-ttl": ("-ttl",),
    "-xrevrange": ("-xrevrange",),
    "index": READ_ONLY_INDEX,
    "raw marks": READ_ONLY_RAWS,
}


def _publish_without(
    server: Server, missing: tuple[str, ...]
) -> tuple[ArticleStore, list[PublishRequest], int]:
    """Three articles published again and again by a user without a right: one that is new, one
    that is revised, and one whose mark moves from an older generation. The entries that this
    adds, and the store and its requests with the right given back."""
    client, past = server.client(), time.time() - 200 * 86_400
    moving = {"date": None, "on_change": OnChange.REVISE}
    open_store(server.url, now=lambda: past).publish("old", [offer(3, date=None)])
    store = open_store(server.url)
    store.publish("before", [offer(2)])
    requests = [
        offer(1, raw=1),
        offer(2, content=1, raw=2, on_change=OnChange.REVISE),
        offer(3, content=1, raw=3, **moving),
    ]
    client.execute_command("ACL", "SETUSER", "default", *missing)
    for at in range(5):
        with pytest.raises(Retryable) if at == 0 else suppress(Retryable):
            store.publish("b", requests)
    added = client.xlen(STREAM) - 2
    client.execute_command("ACL", "SETUSER", "default", "allkeys", "+@all")
    return store, requests, added


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_right_publishes_nothing(own_server: Callable[..., Server], missing: str) -> None:
    """Repeatedly, and the error names the right; once granted, everything is published once."""
    server = own_server()
    if server.client().info("server")["redis_version"] < "7":
        pytest.skip("this server cannot tell a script which rights its user has")
    store, requests, added = _publish_without(server, MISSING[missing])
    assert added == 0
    made = store.publish("b", requests)
    assert [each.status for each in made] == [Status.PUBLISHED, Status.REVISED, Status.REVISED]
    assert store.get_info().length == 5


@pytest.mark.parametrize("missing", MISSING)
def test_a_failed_script_continues_at_the_retry(
    own_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """It finds the entry that it appended: one entry each, no duplicate of itself."""
    monkeypatch.setattr(Script, "__init__", _init_without_rights(Script.__init__))
    server = own_server()
    if server.client().info("server")["redis_version"] < "7" and len(MISSING[missing]) > 1:
        pytest.skip("this server has no rights to read only")
    store, requests, _ = _publish_without(server, MISSING[missing])
    made = store.publish("b", requests)
    assert [each.status for each in made] == [Status.PUBLISHED, Status.REVISED, Status.REVISED]
    assert store.get_info().length == 5
    assert [entry.stream_id for entry in store.read()][2:] == [each.stream_id for each in made]
    assert [entry.revision for entry in store.read()][2:] == [1, 2, 2]
    for request in requests:
        found = store.find(request.identity.id)
        assert found is not None
        assert found.identity.content == request.identity.content[:6]
    again = store.publish("c", requests)
    assert {each.status for each in again} == {Status.DUPLICATE}


def _init_without_rights(real: Callable[..., None]) -> Callable[..., None]:
    """Scripts as on a Redis before 7, which has no `acl_check_cmd`."""

    def init(script: Script, *names: str) -> None:
        real(script, *names)
        script.source = script.source.replace(b"redis.acl_check_cmd", b"redis.no_such_function")
        script.sha = hashlib.sha1(script.source, usedforsecurity=False).hexdigest()

    return init


def test_a_settled_batch_is_counted_once_whatever_right_is_missing(
    own_server: Callable[..., Server],
) -> None:
    """Nothing is counted until the right is granted, then once."""
    server = own_server()
    client = server.client()
    if client.info("server")["redis_version"] < "7":
        pytest.skip("this server cannot tell a script which rights its user has")
    counters = CounterStore(connect(server.url), stream=STREAM)
    for right in ("hincrby", "hset", "hsetnx", "zadd", "rpush", "expire", "del"):
        client.execute_command("ACL", "SETUSER", "default", f"-{right}")
        for _ in range(3):
            with pytest.raises(StoreRefused, match=right.upper()):
                counters.settle("b", source="drop", job="j", tally=Tally(archived=1, published=1))
        client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert counters.snapshot().totals == Tally()
    assert counters.settle("b", source="drop", job="j", tally=Tally(archived=1, published=1))
    assert counters.snapshot().totals == Tally(archived=1, published=1)


def _calls(client: redis.Redis) -> int:
    stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
