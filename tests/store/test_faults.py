"""What goes wrong between worker and server: each article is still one entry."""

import shutil
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM, open_store
from tests.store.lossy import LossyProxy
from tests.store.offers import offer
from worker.errors import StoreFull, StoreUnavailable
from worker.model import Status
from worker.store.articles import ArticleStore
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
    """The server did it, the reply was lost: nothing is sent again by itself, and the batch that
    is offered again hears `published` for the entries that are there."""
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
    """A server with an append-only file that is killed after its reply comes back with entry,
    mark and claim: the batch offered again hears `published`, another batch `duplicate`."""
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


def test_a_server_that_forgot_its_scripts_is_told_them_again(
    store: ArticleStore, redis_client: redis.Redis
) -> None:
    """After SCRIPT FLUSH, or a restart, the next call sends the script's source and succeeds."""
    store.publish("b1", [offer(1)])
    redis_client.script_flush()
    assert [made.status for made in store.publish("b2", [offer(2)])] == [Status.PUBLISHED]
    assert store.get_info().length == 2


def test_a_full_server_publishes_nothing_and_works_again(own_server: Callable[..., Server]) -> None:
    """A Redis without memory raises StoreFull and holds nothing half-written: no entry without a
    mark, no mark without an entry. With memory again the same batch is published."""
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
    """A server that fills up while batches are offered refuses whole calls: every entry has its
    mark, and offering all of it again publishes the rest, each once."""
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
    """A Redis that stopped writes because its disk failed it raises StoreFull, with nothing
    published; once it may write again the same batch is published."""
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


def _calls(client: redis.Redis) -> int:
    stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))
