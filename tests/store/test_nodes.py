"""Several servers that belong together: the store on a Redis Cluster, and behind Sentinels."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.nodes import Cluster, Replicated, until
from tests.servers import Server
from tests.world import World, article
from worker.actions.groups import create_group
from worker.errors import ConfigError, Retryable, StoreUnavailable
from worker.pipeline.recover import recover
from worker.pipeline.retention import trim_stream
from worker.queries.audit import audit
from worker.queries.health import check_health
from worker.queries.status.overview import get_overview
from worker.service.backup import create_backup, restore_backup
from worker.settings import load
from worker.settings.clock import utc_now
from worker.store.broker import broker_url
from worker.store.connection import connect, redis_url, tls_options
from worker.store.nodes import parse_nodes

STREAM = "newsdrop:articles"


@pytest.fixture(scope="module")
def shared_cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    try:
        yield cluster.start()
    finally:
        cluster.end()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    for node in shared_cluster.nodes:
        if node.client().info("replication")["role"] == "master":
            node.client().flushall()
    return shared_cluster


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster, redis_server: Server) -> World:
    return World(tmp_path / "state", cluster.url, **{"celery.broker_url": redis_server.url})


def drop(world: World, *titles: str) -> None:
    for title in titles:
        world.put(f"{title}.md", article(title=title))


def settle(world: World) -> None:
    """Ingest until nothing waits, as the ticks do: what a server in trouble refused is repeated."""

    def is_done() -> bool:
        try:
            recover(world.context)
            world.run()
        except Retryable:
            return False
        return not world.waiting() and not list(world.drop_dir.glob("*.md"))

    until(is_done, "end of the work")


def titles(world: World) -> list[str]:
    return sorted(entry["data"]["title"] for entry in world.entries())


def test_all_of_the_store_works_on_a_cluster(world: World, tmp_path: Path) -> None:
    """Every key is in the stream's slot, whose node a client finds from any other."""
    drop(world, "甲", "乙")
    world.run()
    world.put("again.md", article(title="甲"))
    world.run()
    assert titles(world) == ["乙", "甲"]
    assert (world.totals().published, world.totals().duplicate) == (2, 1)
    create_group(world.settings, "nlp", utc_now(), utc_now())
    trim_stream(world.context, utc_now())
    overview = get_overview(world.settings, utc_now())
    assert overview.status.problem is None
    assert overview.status.stream is not None
    assert [group.name for group in overview.status.stream.groups] == ["nlp"]
    failing = {check.name for check in check_health(world.settings, utc_now()).failing}
    assert failing == {"worker", "beat"}, "only what does not run here"
    file = tmp_path / "backup"
    assert create_backup(world.settings, file, utc_now()).keys > 5
    client: Any = world.context.redis
    for key in client.scan_iter("*"):
        client.unlink(key)
    other = load(
        options={
            "state_dir": str(tmp_path / "other"),
            "redis.url": world.settings.redis.url,
            "celery.broker_url": world.settings.celery.broker_url,
        }
    )
    assert restore_backup(other, file).published == 0
    assert titles(world) == ["乙", "甲"]


def test_a_slot_moves_during_a_run(world: World, cluster: Cluster) -> None:
    """Half of the keys first, then the slot: each article is published once."""
    for turn in range(3):
        drop(world, f"{turn}-before", f"{turn}-old")
        settle(world)
        cluster.move(STREAM)
        drop(world, f"{turn}-after", f"{turn}-more")
        settle(world)
    wanted = [f"{turn}-{when}" for turn in range(3) for when in ("after", "before", "more", "old")]
    assert titles(world) == sorted(wanted)
    assert audit(world.settings).unaccounted == 0


def test_a_key_that_has_moved_is_found_before_its_slot(world: World, cluster: Cluster) -> None:
    """Commands follow each key; scripts wait until the slot has moved."""
    drop(world, "甲")
    world.run()
    client: Any = world.context.redis
    client.set("{newsdrop:articles}:one", "1")
    cluster.move(STREAM)
    assert client.get("{newsdrop:articles}:one") == b"1", "the redirection was followed"
    with cluster.half_moved(STREAM, "{newsdrop:articles}:one"):
        assert client.get("{newsdrop:articles}:one") == b"1"
        drop(world, "乙")
        world.scan()
        with pytest.raises(StoreUnavailable, match="being moved"):
            world.context.feed_store.take_leases(1, 10)
    settle(world)
    assert titles(world) == ["乙", "甲"]


@pytest.mark.timeout(240)
def test_a_replica_takes_over_in_a_cluster(world: World, cluster: Cluster) -> None:
    """The node of the stream dies: its articles wait, until its replica serves."""
    drop(world, "甲")
    settle(world)
    cluster.fail_over(STREAM, lambda: drop(world, "乙"))
    settle(world)
    assert titles(world) == ["乙", "甲"]
    assert audit(world.settings).unaccounted == 0


@pytest.mark.timeout(240)
def test_sentinels_name_the_primary(tmp_path: Path) -> None:
    """The primary dies with unreplicated entries: they are published again, each once."""
    servers = Replicated()
    try:
        world = World(tmp_path / "state", servers.start().url)
        drop(world, "甲", "乙")
        settle(world)
        until(lambda: servers.replica().client().xlen(STREAM) == 2, "entries at the replica")
        servers.replica().pause()
        servers.primary().client().client_kill_filter(_type="replica")
        drop(world, "丙")
        settle(world)
        servers.fail_over(servers.replica().resume)
        length = until(lambda: world.context.redis.xlen(STREAM), "primary that all name")
        assert length == 2, "the new primary lacks the last one"
        drop(world, "丁")
        settle(world)
        assert until(lambda: titles(world), "entries") == sorted(["甲", "乙", "丙", "丁"])
        assert audit(world.settings).unaccounted == 0
    finally:
        servers.end()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"redis.url": "cluster://a,b"}, "set celery.broker_url to another Redis, to Sentinels"),
        ({"celery.broker_url": "cluster://a"}, "a Redis Cluster cannot carry Celery's messages"),
        ({"celery.broker_url": "sqs://a"}, "not the address of a broker"),
    ],
)
def test_a_cluster_is_no_broker(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    """One sentence with the setting to change."""
    with pytest.raises(ConfigError, match=sentence):
        load(options={"state_dir": str(tmp_path), **settings})


def test_an_address_of_several_nodes() -> None:
    """Hosts, ports, user, database, TLS and the Sentinels' own password are read from one URL."""
    nodes = parse_nodes(
        "sentinel://me:p%40ss@a:1,[::1]:2,c/3?master=news&sentinel_password=s&tls=true"
    )
    assert nodes.hosts == (("a", 1), ("::1", 2), ("c", 26_379))
    assert (nodes.master, nodes.options["username"], nodes.options["password"]) == (
        "news", "me", "p@ss",
    )  # fmt: skip
    assert (nodes.options["db"], nodes.search["password"]) == (3, "s")
    assert tls_options("sentinel://a?master=m&tls=true")["ssl_cert_reqs"] == "required"
    assert tls_options("sentinel://a?master=m") == {}
    with pytest.raises(ConfigError, match="master=NAME"):
        connect("sentinel://a,b")


def test_sentinels_that_are_unavailable_are_named(tmp_path: Path) -> None:
    """Without Sentinel or node, Redis cannot be reached: one sentence."""
    settings = load(
        options={"state_dir": str(tmp_path), "redis.url": "sentinel://127.0.0.1:1/0?master=m"}
    )
    with pytest.raises(StoreUnavailable, match="Redis cannot be reached"):
        World(tmp_path / "w", redis_url(settings)).totals()
    with pytest.raises(redis.ConnectionError):
        connect("cluster://127.0.0.1:1?stream=x").ping()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"celery.broker_url": "sentinel://a"}, "celery.broker_url sentinel://a is not usable"),
        ({"celery.broker_url": "redis://:p/w@a"}, r"celery.broker_url \(not a URL\) is not usable"),
        ({"celery.broker_url": "amqp://u:p/w@a"}, "celery.broker_url is not usable: write it as"),
        ({"redis.url": "sentinel://a"}, "redis.url sentinel://a is not usable"),
    ],
)
def test_an_invalid_address_is_named_with_its_setting(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    """The broker's address is checked before Celery gets it, whose error would be a traceback."""
    with pytest.raises(ConfigError, match=sentence) as caught:
        broker_url(load(options={"state_dir": str(tmp_path), **settings}))
    assert "p/w" not in str(caught.value)
