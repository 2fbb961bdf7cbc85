"""New articles over other brokers and stores, against one Redis for both: by rate and by CPU.

Each is measured side by side with one Redis: two services get the same articles at the same time,
and when the first is done, the other has published a part of them. That is the ratio of the rates,
whatever else the machine does; runs in turns differed by a quarter for the same service. The CPU is
that of the workers, of the enqueuing, and of the servers that they use; what replicas and Sentinels
take is a part of its own. Ratios are medians of the rounds. RabbitMQ is left out where it is not
installed.

Then what a message costs: wake-ups with nothing to do.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]
import redis

from bench import corpus
from bench.figure import Figure, at_least, measured, milliseconds
from bench.ours import enqueue, is_idle
from bench.place import pool, running, server_cpu, wait_until
from bench.rate import CELERY, PROCESSES, cpu
from tests import rabbitmq
from tests.nodes import Cluster, Node, Replicated
from tests.rabbitmq import Rabbit
from tests.servers import new_directory
from worker.settings import Settings, load
from worker.store.broker import INGEST_QUEUE, open_wakeups
from worker.taskqueue.celery_app import create_app

ROUNDS, ARTICLES, WAKE_UPS = 8, 2000, 100
LEAST = 0.9
"""The least share of the rate with one Redis."""


@dataclass(frozen=True, slots=True)
class Servers:
    """`store` and `broker` are addresses ('': the store); `client` is one of the store's node.
    `beside` are processes that work for the articles besides that node, `copies` those that keep
    copies, or watch."""

    store: str
    client: redis.Redis
    broker: str = ""
    beside: Sequence[psutil.Process] = ()
    copies: Sequence[psutil.Process] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A worker over these servers. `processes` are those whose CPU counts, but for the store."""

    servers: Servers
    settings: Settings
    processes: Sequence[psutil.Process]

    def count_published(self) -> int:
        return int(self.servers.client.xlen(self.settings.stream.name))

    def used(self) -> float:
        """Seconds of CPU until now, without those of the enqueuing and of copies."""
        return server_cpu(self.servers.client) + cpu(self.processes)

    def enqueue(self, folder: Path) -> float:
        """Enqueue the articles in `folder`; seconds of CPU. To be called in a thread."""
        begun = time.thread_time()
        enqueue(self.settings, folder)
        return time.thread_time() - begun

    def cost_of_wake_ups(self, count: int) -> float:
        """Milliseconds of CPU each, from the sender to the end of the task."""
        app = create_app(self.settings)
        with closing(open_wakeups(self.settings)) as queues:

            def send(number: int) -> None:
                for _ in range(number):
                    app.send_task("newsdrop.ingest")
                wait_until(lambda: queues.count_waiting(INGEST_QUEUE) == 0, every=0.2)
                time.sleep(0.5)  # for those that were taken and not done

            send(10)
            begun = time.process_time() + self.used()
            send(count)
            return (time.process_time() + self.used() - begun) / count * 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """The result of one round, that of one Redis first: articles/s, milliseconds of CPU an article;
    and those of the copies."""

    per_second: tuple[float, float]
    cpu_ms: tuple[float, float]
    copies_ms: float


def side_by_side(plain: Service, other: Service, folder: Path, count: int) -> Pair:
    """Both services get the articles in `folder`."""
    lengths = plain.count_published(), other.count_published()
    used, copies = (plain.used(), other.used()), cpu(other.servers.copies)
    rates: tuple[float, float] = (0, 0)
    started = time.monotonic()

    def one_is_done() -> bool:
        nonlocal rates
        done = plain.count_published() - lengths[0], other.count_published() - lengths[1]
        seconds = time.monotonic() - started
        rates = done[0] / seconds, done[1] / seconds
        return max(done) >= count

    with ThreadPoolExecutor(2) as threads:
        enqueuing = [threads.submit(one.enqueue, folder) for one in (plain, other)]
        wait_until(one_is_done, every=0.01)
    wait_until(lambda: is_idle(plain.settings) and is_idle(other.settings))
    seconds = (
        plain.used() - used[0] + enqueuing[0].result(),
        other.used() - used[1] + enqueuing[1].result(),
    )
    return Pair(
        rates,
        (seconds[0] / count * 1000, seconds[1] / count * 1000),
        (cpu(other.servers.copies) - copies) / count * 1000,
    )


@contextmanager
def _plain() -> Iterator[Servers]:
    with _server() as server:
        yield Servers(_url(server), _client(server))


@contextmanager
def _rabbitmq() -> Iterator[Servers]:
    node = Rabbit(new_directory()).start()
    try:
        with _server() as server:
            beside = _with_children(node.process)
            yield Servers(_url(server), _client(server), node.url, beside)
    finally:
        node.end()
        shutil.rmtree(node.directory, ignore_errors=True)


@contextmanager
def _sentinel() -> Iterator[Servers]:
    servers = Replicated()
    try:
        servers.start()
        primary = servers.primary()
        copies = _copies(servers.servers, primary)
        copies += [one for node in servers.sentinels for one in _with_children(node.process)]
        yield Servers(servers.url, _client(primary), copies=copies)
    finally:
        servers.end()


@contextmanager
def _cluster() -> Iterator[Servers]:
    cluster = Cluster()
    try:
        node = cluster.start().serving("newsdrop:articles")
        copies = _copies(cluster.nodes, node)
        with _server() as broker:
            beside = _with_children(broker.process)
            yield Servers(cluster.url, _client(node), _url(broker), beside, copies)
    finally:
        cluster.end()


@contextmanager
def _server() -> Iterator[Node]:
    node = Node(new_directory(), "--save", "", "--appendonly", "yes")
    try:
        yield node.start()
    finally:
        node.kill()
        shutil.rmtree(node.directory, ignore_errors=True)


def _url(node: Node) -> str:
    """A service over TCP, as with Sentinels and a cluster."""
    return f"redis://127.0.0.1:{node.port}/0"


def _client(node: Node) -> redis.Redis:
    """Of a node, which from now on does not rewrite its file: it would in some of the rounds."""
    client = redis.Redis(port=node.port)
    client.config_set("auto-aof-rewrite-percentage", 0)
    return client


def _copies(nodes: Sequence[Node], but: Node) -> list[psutil.Process]:
    """The processes of the other nodes."""
    others = [node for node in nodes if node is not but]
    for node in others:
        _client(node).close()
    return [process for node in others for process in _with_children(node.process)]


def _with_children(process: object) -> list[psutil.Process]:
    parent = psutil.Process(getattr(process, "pid", None))
    return [parent, *parent.children(recursive=True)]


_PLAIN = "one Redis"
VARIANTS: dict[str, Callable[[], AbstractContextManager[Servers]]] = {
    _PLAIN: _plain,
    "RabbitMQ": _rabbitmq,
    "Sentinel": _sentinel,
    "Cluster": _cluster,
}


def brokers(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    rounds, articles = (2, 400) if quick else (ROUNDS, ARTICLES)
    kinds = [kind for kind in VARIANTS if kind != "RabbitMQ" or not rabbitmq.missing()]
    pairs: dict[str, list[Pair]] = {kind: [] for kind in kinds[1:]}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nd-")))
        services = {kind: stack.enter_context(_service(kind, folder / kind)) for kind in kinds}
        plain = services[_PLAIN]
        for number in range(rounds + 1):  # the first one warms up
            say(f"brokers: round {number} of {rounds}, {articles:,} articles each")
            for at, (kind, kind_pairs) in enumerate(pairs.items()):
                first = (number * len(pairs) + at) * articles
                corpus.write(folder / "files", range(first, first + articles))
                pair = side_by_side(plain, services[kind], folder / "files", articles)
                shutil.rmtree(folder / "files")
                say(f"  {_in_words(kind, pair)}")
                if number:
                    kind_pairs.append(pair)
        costs = {kind: services[kind].cost_of_wake_ups(WAKE_UPS) for kind in kinds}
    figures = (_figures(kind, kind_pairs) for kind, kind_pairs in pairs.items())
    return [
        *chain.from_iterable(figures),
        measured(f"CPU a wake-up over {_PLAIN}", costs[_PLAIN], milliseconds, costs),
    ]


def _in_words(kind: str, pair: Pair) -> str:
    rates, costs = pair.per_second, pair.cpu_ms
    return (
        f"{kind}: {rates[1]:,.0f}/s beside {rates[0]:,.0f}/s, {costs[1]:.2f} ms of CPU against "
        f"{costs[0]:.2f}, copies {pair.copies_ms:.2f}"
    )


def _figures(kind: str, pairs: Sequence[Pair]) -> Iterator[Figure]:
    copies = median(pair.copies_ms for pair in pairs)
    yield at_least(
        f"new articles over {kind}, against {_PLAIN}",
        median(pair.per_second[1] / pair.per_second[0] for pair in pairs),
        LEAST,
        {
            f"articles/s with {kind}": median(pair.per_second[1] for pair in pairs),
            f"with {_PLAIN} beside it": median(pair.per_second[0] for pair in pairs),
        },
    )
    yield at_least(
        f"articles for the same CPU over {kind}, against {_PLAIN}",
        median(pair.cpu_ms[0] / pair.cpu_ms[1] for pair in pairs),
        LEAST,
        {
            f"ms an article with {kind}": median(pair.cpu_ms[1] for pair in pairs),
            f"with {_PLAIN}": median(pair.cpu_ms[0] for pair in pairs),
            **({"copies": copies} if copies else {}),
        },
    )


@contextmanager
def _service(kind: str, folder: Path) -> Iterator[Service]:
    state = folder / "state"
    state.mkdir(parents=True)
    with VARIANTS[kind]() as servers:
        options = {"redis.url": servers.store, "celery.broker_url": servers.broker}
        variables = {
            "NEWSDROP_STATE_DIR": str(state),
            "NEWSDROP_REDIS_URL": servers.store,
            "NEWSDROP_CELERY_BROKER_URL": servers.broker,
        }
        settings = load(options={"state_dir": state, **options})
        command = [sys.executable, "-m", "celery", "-A", "worker.app", *CELERY, "-c"]
        with running([*command, str(PROCESSES)], variables, folder / "log") as worker:
            processes = [worker, *pool(worker, PROCESSES), *servers.beside]
            yield Service(servers, settings, processes)
