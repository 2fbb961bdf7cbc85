"""The rate of new articles over other brokers and stores, against one Redis for both.

The variants alternate, so that each meets the same load of the machine. RabbitMQ is left out where
it is not installed.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

import redis

from bench.figure import Figure, at_least
from bench.ours import enqueue, is_idle
from bench.place import pool, running, to_last_entry, wait_until
from bench.rate import CELERY, PROCESSES, WARM, Files, Rate, clocked, make_files
from tests import rabbitmq
from tests.nodes import Cluster, Replicated
from tests.rabbitmq import Rabbit
from tests.servers import Server, new_directory
from worker.settings import load

ROUNDS, ARTICLES = 3, 2000
LEAST = 0.9
"""Of the rate with plain Redis."""

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


_PLAIN = "one Redis"
VARIANTS: dict[str, Callable[[], AbstractContextManager[Servers]]] = {
    _PLAIN: _plain,
    "RabbitMQ": _rabbitmq,
    "Sentinel": _sentinel,
    "Cluster": _cluster,
}


def brokers(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    rounds, articles = (1, 400) if quick else (ROUNDS, ARTICLES)
    kinds = [kind for kind in VARIANTS if kind != "RabbitMQ" or not rabbitmq.missing()]
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="nd-") as folder:
        files = make_files(Path(folder), articles)
        for number in range(rounds):
            say(f"brokers: round {number + 1} of {rounds}, {articles:,} articles")
            for kind in kinds:
                rates[kind].append(_rate(files, kind).per_second)
                say(f"  {kind}: {rates[kind][-1]:,.0f}/s")
    plain = median(rates[_PLAIN])
    return [
        at_least(
            f"new articles over {kind}, against one Redis",
            median(rates[kind]) / plain,
            LEAST,
            {f"articles/s with {kind}": median(rates[kind]), f"with {_PLAIN}": plain},
        )
        for kind in kinds[1:]
    ]


def _rate(files: Files, kind: str) -> Rate:
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
