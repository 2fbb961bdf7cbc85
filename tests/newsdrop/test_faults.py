"""newsdrop.consumer through faults of the connection and the server, and in a group's past."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from bench.place import wait_until
from newsdrop.consumer import Consumer, Record
from tests.newsdrop.stream import GROUP, STREAM, Reader, kill_again_and_again, pending, publish
from tests.newsdrop.test_consumer import both, pauses, run_blocking, run_for
from tests.servers import Server
from tests.store.conftest import server_binary
from tests.torture.proxy import Proxy

__all__ = ["server_binary"]  # on each server that is here

PAST = f"{{{STREAM}}}:past:{GROUP}"


@pytest.fixture
def proxy(redis_server: Server) -> Iterator[Proxy]:
    """A proxy before the empty server."""
    proxy = Proxy(redis_server.socket)
    yield proxy
    proxy.close()


@both
def test_a_reply_that_breaks_off_loses_nothing(
    run: Any, proxy: Proxy, redis_client: redis.Redis
) -> None:
    """The connection ends in the middle of a batch, three times: each record is handled once."""
    made = publish(redis_client, *range(60))
    breaks = {made[5]: made[13], made[25]: made[33], made[45]: made[51]}
    reader = Consumer(proxy.url, group=GROUP, block_seconds=0.05, batch=10)

    def act(record: Record) -> None:
        if record.stream_id in breaks:
            proxy.break_before(breaks.pop(record.stream_id).encode())

    records = run_for(run, reader, 60, act)
    assert proxy.happened["broken off"] == 3
    assert sorted(one.stream_id for one in records) == sorted(made)
    assert reader.counts["disconnected"] >= 3
    assert pending(redis_client) == {}


@both
def test_a_fail_over_to_a_replica_that_lags(run: Any, own_server: Callable[..., Server]) -> None:
    """Each record is handled; repeated are only those whose acknowledgement was lost, as
    counted."""
    primary = own_server(options=("--repl-diskless-sync-delay", "0"))
    replica = own_server()
    client, other = primary.client(), replica.client()
    link, proxy = Proxy(primary.socket), Proxy(primary.socket)
    made = publish(client, *range(30))
    other.replicaof("127.0.0.1", link.port)
    wait_until(lambda: other.info("replication")["master_link_status"] == "up", within=60)
    options: dict[str, Any] = {"block_seconds": 0.05, "batch": 10, "claim_after_seconds": 3}
    reader = Consumer(proxy.url, group=GROUP, **options)

    def act(record: Record) -> None:
        if record.stream_id == made[14] and primary.process:
            client.set("last", "what the replica gets")
            assert client.wait(1, 60_000) == 1
            link.close()
        if record.stream_id == made[29] and primary.process:
            primary.kill()
            other.replicaof("NO", "ONE")
            proxy.move(replica.socket)

    handled = Counter(one.stream_id for one in run_for(run, reader, 50, act))
    proxy.close()
    assert handled == dict.fromkeys(made[:10], 1) | dict.fromkeys(made[10:], 2)
    assert reader.counts["redelivered"] == 20
    assert pending(other) == {}


@pytest.mark.parametrize("command", [b"XDEL", b"XACK"])
def test_a_broken_acknowledgement_leaves_nothing_in_the_past(
    command: bytes, proxy: Proxy, redis_client: redis.Redis
) -> None:
    """Whichever command is lost, the next consumer empties and ends the group's past."""
    redis_client.xgroup_create(PAST, GROUP, "0", mkstream=True)
    publish(redis_client, *range(3), stream=PAST)
    reader = Consumer(proxy.url, group=GROUP, block_seconds=0.05)

    def act(record: Record) -> None:
        if record.title == "第2条":
            proxy.break_before(command)

    run_for(run_blocking, reader, 3, act)
    assert proxy.happened["broken off"] == 1
    (last,) = publish(redis_client, 9, stream=PAST)
    following = Consumer(proxy.url, group=GROUP, block_seconds=0.05)
    for record in following:
        if record.stream_id == last:
            following.stop()
    assert redis_client.xlen(PAST) == 0
    assert pending(redis_client, PAST) == {}


def test_kills_in_the_past_of_a_group_lose_nothing(
    tmp_path: Path, redis_server: Server, redis_client: redis.Redis
) -> None:
    """Each record is handled, no acknowledged one again, and then the stream follows."""
    redis_client.xgroup_create(PAST, GROUP, "0", mkstream=True)
    redis_client.xgroup_create(STREAM, GROUP, "0", mkstream=True)
    redis_client.xadd(STREAM, {"id": "later"}, id="1-1")
    reader = Reader(redis_server.url, tmp_path / "handled", "time.sleep(0.002)", "batch=16")
    found = kill_again_and_again(redis_client, reader, 3, pauses(2), stream=PAST)
    assert (found.missing, found.repeated, found.entries) == (0, 0, 160)
    assert "1-1" not in reader.handled()
    assert redis_client.xlen(PAST) == 0
    redis_client.delete(PAST)
    following = Consumer(redis_server.url, group=GROUP, block_seconds=0.05)
    assert [one.stream_id for one in run_for(run_blocking, following, 1)] == ["1-1"]
