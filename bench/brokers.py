"""The rate of new articles over other brokers and stores, against one Redis for both.

`python -m bench.brokers [ARTICLES] [ROUNDS]` prints the median of each, and its share of plain
Redis'. The variants alternate, so that each meets the same load of the machine.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import redis

from bench.ours import enqueue, is_idle
from bench.place import ROOT, pool, running, to_last_entry, wait_until
from bench.rate import CELERY, PROCESSES, WARM, Files, Rate, clocked, make_files
from tests import rabbitmq
from tests.nodes import Cluster, Replicated
from tests.rabbitmq import Rabbit
from tests.servers import Server, new_directory
from worker.settings import load

Servers = tuple[str, str, redis.Redis]
"""Addresses of store and broker ('': the store), and a client of the store's node."""


@contextmanager
def _plain() -> Iterator[Servers]:
    server = Server(new_directory(), options=("--appendonly", "yes")).start()
    try:
        yield server.url, "", server.client()
    finally:
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


@contextmanager
def _rabbitmq() -> Iterator[Servers]:
    node = Rabbit(new_directory()).start()
    try:
        with _plain() as (url, _, client):
            yield url, node.url, client
    finally:
        node.end()
        shutil.rmtree(node.directory, ignore_errors=True)


@contextmanager
def _sentinel() -> Iterator[Servers]:
    servers = Replicated()
    try:
        yield servers.start().url, "", redis.Redis(port=servers.primary().port)
    finally:
        servers.end()


@contextmanager
def _cluster() -> Iterator[Servers]:
    cluster = Cluster()
    try:
        node = cluster.start().serving("newsdrop:articles")
        with _plain() as (broker, _, _):
            yield cluster.url, broker, redis.Redis(port=node.port)
    finally:
        cluster.end()


VARIANTS: dict[str, Callable[[], AbstractContextManager[Servers]]] = {
    "plain Redis": _plain,
    "RabbitMQ": _rabbitmq,
    "Sentinels": _sentinel,
    "Cluster": _cluster,
}


def new_rate(files: Files, kind: str) -> Rate:
    """Enqueue the articles; timed to the last record."""
    with (
        VARIANTS[kind]() as (url, broker, client),
        tempfile.TemporaryDirectory(prefix="nd-") as folder,
    ):
        state = Path(folder) / "state"
        state.mkdir()
        given = {"redis.url": url, "celery.broker_url": broker}
        variables = {"NEWSDROP_STATE_DIR": str(state), "NEWSDROP_REDIS_URL": url}
        variables["NEWSDROP_CELERY_BROKER_URL"] = broker
        settings = load(options={"state_dir": state, **given})
        command = [sys.executable, "-m", "celery", "-A", "worker.app", *CELERY, "-c"]
        with running([*command, str(PROCESSES)], variables, Path(folder) / "log") as worker:
            processes = [worker, *pool(worker, PROCESSES)]
            enqueue(settings, files.warm)
            wait_until(lambda: is_idle(settings))
            return clocked(
                client,
                processes,
                files.count,
                lambda: enqueue(settings, files.files),
                lambda: to_last_entry(client, settings.stream.name, WARM + files.count),
            )


def main(articles: int = 2_000, rounds: int = 3) -> None:
    kinds = [kind for kind in VARIANTS if kind != "RabbitMQ" or not rabbitmq.missing()]
    rates: dict[str, list[Rate]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="nd-", dir=ROOT.parent) as folder:
        files = make_files(Path(folder), articles)
        for _ in range(rounds):
            for kind in kinds:
                rates[kind].append(new_rate(files, kind))
    plain = statistics.median(rate.per_second for rate in rates[kinds[0]])
    cpu = statistics.median(rate.workers_ms for rate in rates[kinds[0]])
    for kind, found in rates.items():
        rate = statistics.median(one.per_second for one in found)
        ms = statistics.median(one.workers_ms for one in found)
        print(
            f"{kind:12} {rate:6.0f} articles/s ({rate / plain:.2f}), "
            f"workers {ms:.2f} ms CPU an article ({ms / cpu:.2f})"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
