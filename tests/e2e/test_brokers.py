"""Celery's broker on another server than the stream, and fail-over: real RabbitMQ, Sentinels and
cluster."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme
from kombu.connection import Connection

from tests import rabbitmq
from tests.celery_worker import Worker, until
from tests.nodes import Cluster, Replicated
from tests.rabbitmq import Rabbit, free_port
from tests.servers import Server, new_directory
from tests.world import World, article, in_child
from worker.errors import Retryable, StoreRefused, StoreUnavailable
from worker.health.preflight import broker_check
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now
from worker.store.broker import ENQUEUE_QUEUE, INGEST_QUEUE, QUEUE, open_wakeups, queue_name
from worker.taskqueue.client import notify_ingest

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def rabbit() -> Iterator[Rabbit]:
    if why := rabbitmq.missing():
        pytest.skip(why)
    directory = new_directory()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(directory / "server.pem")
    )
    tls_port, server = free_port(), directory / "server.pem"
    settings = (
        f"listeners.ssl.1 = 127.0.0.1:{tls_port}\nlisteners.ssl.2 = 127.0.0.2:{tls_port}\n"
        f"ssl_options.cacertfile = {directory / 'ca.pem'}\n"
        f"ssl_options.certfile = {server}\nssl_options.keyfile = {server}\n"
    )
    (directory / "tls-port").write_text(str(tls_port))
    node = Rabbit(directory, settings=settings).start()
    yield node
    node.end()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def world(tmp_path: Path, redis_server: Server, rabbit: Rabbit) -> World:
    password = tmp_path / "password"
    password.write_text("guest\n")
    return World(
        tmp_path / "state",
        redis_server.url,
        **{
            "celery.broker_url": rabbit.url.replace("guest:guest", "guest"),
            "celery.broker_password_file": str(password),
        },
    )


@pytest.fixture
def worker(world: World, tmp_path: Path) -> Iterator[Worker]:
    one = Worker(
        world,
        tmp_path / "worker.log",
        NEWSDROP_CELERY_BROKER_URL=world.settings.celery.broker_url,
        NEWSDROP_CELERY_BROKER_PASSWORD_FILE=str(world.settings.celery.broker_password_file),
    )
    yield one
    one.kill()


def titles(world: World) -> list[str]:
    """Of the stream's entries; none while no server has it."""
    try:
        return [entry["data"]["title"] for entry in world.entries()]
    except Retryable:
        return []


def test_the_depth_of_a_queue_is_that_of_the_broker(world: World) -> None:
    """An undeclared queue has depth 0, and a full one gets no further wake-up."""
    wakeups = open_wakeups(world.settings, world.context.redis)
    assert wakeups.count_waiting(INGEST_QUEUE) == 0
    for _ in range(3):
        assert notify_ingest(world.settings)
    assert wakeups.count_waiting(INGEST_QUEUE) == 3
    assert not wakeups.may_notify(INGEST_QUEUE, 3)
    assert wakeups.may_notify(QUEUE, 1)
    wakeups.close()


def test_a_wrong_password_is_named(world: World) -> None:
    """The sentence names the setting, and neither it nor any other has the password."""
    file = world.settings.celery.broker_password_file
    assert file is not None
    file.write_text("geheim-1\n")
    with pytest.raises(StoreRefused, match=r"celery\.broker_password_file") as refused:
        open_wakeups(world.settings).count_waiting(QUEUE)
    assert "geheim" not in str(refused.value)
    check = broker_check(world.settings)
    assert check is not None
    assert check.level == "fail"
    assert not notify_ingest(world.settings)


@pytest.mark.timeout(400)
def test_work_continues_when_the_broker_is_back(
    world: World, worker: Worker, rabbit: Rabbit, redis_client: redis.Redis
) -> None:
    """RabbitMQ's quorum queues carry all messages; its failure is reported, and work continues
    after it."""
    worker.start()
    world.put("a.md", article(title="甲"))
    until(lambda: len(titles(world)) == 1, "record")
    assert not [key for key in redis_client.keys("*") if b"kombu" in key or b"celery" in key]
    names = [queue_name(one, world.settings.state_dir) for one in (QUEUE, INGEST_QUEUE)]
    queues = worker.celery("inspect", "active_queues")
    assert queues.count("'x-queue-type': 'quorum'") == 3
    assert all(
        name in queues for name in (*names, queue_name(ENQUEUE_QUEUE, world.settings.state_dir))
    )
    with (
        Connection(rabbit.url) as connection,  # type: ignore[no-untyped-call]
        pytest.raises(connection.channel_errors, match="NOT_FOUND"),
    ):
        connection.channel().queue_declare("celery_delayed_0", passive=True)
    check = broker_check(world.settings)
    assert check is not None
    assert check.level == "ok"

    rabbit.kill()
    with pytest.raises(StoreUnavailable, match=r"RabbitMQ at amqp://127\.0\.0\.1"):
        open_wakeups(world.settings).count_waiting(QUEUE)
    problems = {one.name: one for one in get_overview(world.settings, utc_now()).problems}
    assert problems["broker"].level == "fail"
    world.put("b.md", article(title="乙"))
    rabbit.start()
    until(lambda: len(titles(world)) == 2, "record after the broker's end")
    until(lambda: world.waiting() == [], "end of the batch")
    assert worker.stop() == 0


@pytest.mark.timeout(400)
def test_work_continues_after_a_sentinel_failover(tmp_path: Path) -> None:
    """The primary dies while files are dropped: all become records, each once."""
    servers = Replicated()
    world = World(tmp_path / "state", servers.start().url)
    worker = Worker(world, tmp_path / "worker.log")
    try:
        worker.start()
        world.put("a.md", article(title="甲"))
        until(lambda: len(titles(world)) == 1, "record")
        servers.fail_over(lambda: world.put("b.md", article(title="乙")))
        until(lambda: {"甲", "乙"} <= set(titles(world)), "records on the new primary")
        world.put("c.md", article(title="丙"))
        until(lambda: len(titles(world)) == 3, "record after that")
        assert sorted(titles(world)) == sorted("甲乙丙")
        assert "pong" in worker.celery("inspect", "ping")
        assert worker.stop() == 0
    finally:
        worker.kill()
        servers.end()


@pytest.mark.timeout(400)
def test_work_continues_while_a_cluster_changes(tmp_path: Path, redis_server: Server) -> None:
    """The stream's slot moves and its node dies while files are dropped: each becomes one
    record."""
    cluster = Cluster()
    world = World(
        tmp_path / "state", cluster.start().url, **{"celery.broker_url": redis_server.url}
    )
    worker = Worker(world, tmp_path / "worker.log", NEWSDROP_CELERY_BROKER_URL=redis_server.url)
    stream = world.settings.stream.name
    try:
        worker.start()
        world.put("a.md", article(title="甲"))
        until(lambda: len(titles(world)) == 1, "record")
        world.put("b.md", article(title="乙"))
        cluster.move(stream)
        until(lambda: len(titles(world)) == 2, "record on the other node")
        cluster.fail_over(stream, lambda: world.put("c.md", article(title="丙")))
        until(lambda: len(titles(world)) == 3, "record on the replica")
        assert sorted(titles(world)) == sorted("甲乙丙")
        assert worker.stop() == 0
    finally:
        worker.kill()
        cluster.end()


def test_rabbitmq_by_tls(rabbit: Rabbit, tmp_path: Path, redis_server: Server) -> None:
    """With the operator's authority; a server with another authority or host name gets nothing."""
    port = (rabbit.directory / "tls-port").read_text()
    foreign = tmp_path / "foreign.pem"
    trustme.CA().cert_pem.write_to_path(str(foreign))

    def world(name: str, host: str, authority: Path) -> World:
        url = f"amqps://guest:guest@{host}:{port}//?ssl_ca_certs={authority}"
        return World(tmp_path / name, redis_server.url, **{"celery.broker_url": url})

    def sends(world: World) -> bool:
        """In a process of its own: kombu shares connections between addresses with one host."""
        return in_child(lambda: os._exit(0 if notify_ingest(world.settings) else 3)) == 0

    good = world("good", "127.0.0.1", rabbit.directory / "ca.pem")
    assert sends(good)
    assert good.context.wakeups.count_waiting(INGEST_QUEUE) == 1
    for name, host, authority in (
        ("foreign", "127.0.0.1", foreign),
        ("another-name", "127.0.0.2", rabbit.directory / "ca.pem"),
    ):
        bad = world(name, host, authority)
        with pytest.raises(Retryable, match=r"(?i)certificate"):
            bad.context.wakeups.count_waiting(INGEST_QUEUE)
        assert not sends(bad)
