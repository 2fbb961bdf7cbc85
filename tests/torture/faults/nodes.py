"""Groups of servers whose serving node is killed, repeatedly."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests import rabbitmq
from tests.nodes import Cluster, Replicated
from tests.nodes import until as until_answered
from tests.rabbitmq import Rabbit
from tests.servers import new_directory
from tests.torture.faults.redis import replay
from tests.torture.field import Field, server, wait_for
from tests.torture.news import Writer
from tests.torture.round import Round, Unavailable
from worker.errors import Retryable
from worker.pipeline.recover import recover
from worker.spool import redis_record

WITHIN_SECONDS = 30.0
"""After a kill, until the next article is published."""


def primary_killed(round_: Round) -> None:
    """The primary behind three Sentinels, which carries the messages, too."""
    servers = Replicated()
    try:
        with (field := Field(round_, servers.start())).service():
            with Writer(field.news):
                while not round_.is_over or not round_.happened:
                    began = time.monotonic()
                    servers.fail_over().start()
                    round_.happened["primaries killed"] += 1
                    _expect_work(field, began)
                    until_answered(servers.is_whole, "replica in step")
            _finish(field)
    finally:
        servers.end()


def cluster_changed(round_: Round) -> None:
    """The node of a cluster that has the stream's slot is killed, or the slot moved elsewhere."""
    cluster = Cluster()
    try:
        with server() as queue:
            field = Field(round_, cluster.start(), broker_url=queue.url)
            stream = field.world.settings.stream.name
            with field.service():
                with Writer(field.news):
                    while not round_.is_over or not round_.happened["nodes killed"]:
                        began = time.monotonic()
                        if round_.random.random() < 0.3:
                            cluster.move(stream)
                            round_.happened["slots moved"] += 1
                        else:
                            cluster.fail_over(stream)
                            round_.happened["nodes killed"] += 1
                        _expect_work(field, began)
                _finish(field)
    finally:
        cluster.end()


def rabbitmq_killed(round_: Round) -> None:
    """One of three nodes, which may lead a queue or have connections of the service."""
    with server() as redis, _rabbits() as nodes:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        field = Field(round_, redis, broker_url=f"amqp://guest:guest@{hosts}//")
        with field.service():
            with Writer(field.news):
                while not round_.is_over or not round_.happened:
                    node = round_.random.choice(nodes)
                    began = time.monotonic()
                    node.kill()
                    round_.happened["nodes killed"] += 1
                    _expect_work(field, began)
                    node.start()
            field.finish()


@contextmanager
def _rabbits() -> Iterator[list[Rabbit]]:
    if why := rabbitmq.missing():
        raise Unavailable(why)
    directory = new_directory()
    names = [f"nd{n}@localhost" for n in range(3)]
    lines = ["cluster_formation.peer_discovery_backend = classic_config"]
    lines += [f"cluster_formation.classic_config.nodes.{n} = {one}" for n, one in enumerate(names)]
    nodes = [Rabbit(directory / n.split("@")[0], name=n, settings="\n".join(lines)) for n in names]
    try:
        for node in nodes:
            node.epmd_port = nodes[0].epmd_port
            node.start()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.end()
        shutil.rmtree(directory, ignore_errors=True)


def _expect_work(field: Field, began: float) -> None:
    """Two more batches are finished within 30 seconds of what `began` (monotonic)."""

    def count() -> int:
        return sum(1 for _ in field.world.context.deps.archive.segments())

    before = count()
    left = began + WITHIN_SECONDS - time.monotonic()
    if not wait_for(lambda: count() > before + 1, left):
        field.round.bad.append(f"nothing was published within {WITHIN_SECONDS:.0f} s")
    field.round.happened["seconds in all until work went on"] += round(time.monotonic() - began)


def _finish(field: Field) -> None:
    """After what a fail-over lost was published again."""

    def is_recovered() -> bool:
        try:
            recover(field.world.context)
        except Retryable:
            return False
        return redis_record.read(field.state).run_id == field.world.context.articles.get_run_id()

    wait_for(is_recovered, field.round.patience_seconds)
    if redis_record.read(field.state).lost_since:
        field.round.happened["replays that the log asked for"] += 1
        replay(field)
    field.finish()
