"""Two hosts, each with its own state directory, worker and scheduler, on one Redis."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.celery_worker import Worker, until
from tests.fake_clock import NoFakeClock, fake_clock
from tests.hosts import Host, NotPermitted, hosts
from tests.http_server import Web
from tests.newsroom import feed, newsroom
from tests.rabbitmq import free_port
from tests.servers import Server, new_directory
from tests.world import World, article
from worker.queries.audit import audit
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

AHEAD_SECONDS = 600
FEEDS = 12


@pytest.fixture
def worlds(tmp_path: Path, redis_server: Server, web: Web) -> tuple[World, World]:
    """Two nodes with the same feeds, which are polled only when a test makes them due."""
    web.pages.update({f"/{n}": feed(n) for n in range(FEEDS)})
    one, two = (
        newsroom(tmp_path / name, redis_server, web, node_name=name) for name in ("alpha", "beta")
    )
    for world in (one, two):
        for number in range(FEEDS):
            world.add_feed(f"feed-{number}", web.url(f"/{number}"))
    return one, two


def start(world: World, web: Web, log: Path, **environment: str) -> Worker:
    allowed = {
        "NEWSDROP_NODE_NAME": world.settings.node_name,
        "NEWSDROP_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "NEWSDROP_FETCH_ALLOW_PORTS": str(web.port),
        "NEWSDROP_FETCH_HOST_INTERVAL_SECONDS": "0",
        "NEWSDROP_FETCH_HOST_CONNECTIONS": "100",
        "NEWSDROP_WORKER_PROCESSES": "1",
    }
    return Worker(world, log, **allowed, **environment).start()


def poll_all(world: World, web: Web, rounds: int, done: int) -> None:
    """Make every feed due `rounds` times; each was polled `done` times before, and once at
    registration."""
    names, store = [f"feed-{number}" for number in range(FEEDS)], world.context.feed_store

    def is_leased() -> bool:
        return any(world.context.redis.hexists(store.key(name), "lease") for name in names)

    for number in range(done, done + rounds + 1):
        wanted = {f"/{n}": number + 1 for n in range(FEEDS)}
        until(lambda wanted=wanted: counts(web) == wanted or is_over(web, wanted), "polls")
        until(lambda: not is_leased(), "end of the leases")
        assert counts(web) == wanted
        if number < done + rounds:
            store.make_due(names)


def counts(web: Web) -> Counter[str]:
    return Counter(request.path for request in web.requests)


def is_over(web: Web, wanted: dict[str, int]) -> bool:
    return any(count > wanted[path] for path, count in counts(web).items())


def test_two_schedulers_one_with_a_wrong_clock(
    worlds: tuple[World, World], web: Web, tmp_path: Path
) -> None:
    """No poll is missed or doubled with one clock 10 minutes ahead, which both report; one host is
    killed."""
    try:
        clock = fake_clock(tmp_path / "clock", FAKETIME=f"+{AHEAD_SECONDS}")
    except NoFakeClock as error:
        pytest.skip(str(error))
    one, two = worlds
    first = start(one, web, tmp_path / "alpha.log")
    second = start(two, web, tmp_path / "beta.log", **clock)
    try:
        poll_all(one, web, rounds=3, done=0)
        report = "The clock of the node beta is 10 minutes ahead of that of Redis."
        for world in worlds:
            until(lambda world=world: report in problems_of(world), "report of the clock")
        second.kill()
        poll_all(one, web, rounds=2, done=3)
        until(lambda: not one.waiting() and len(one.entries()) == FEEDS, "end of the work")
        one_by_one = {"one": audit(one.settings), "two": audit(two.settings)}
        assert [a.unaccounted for a in one_by_one.values()] == [0, 0]
    finally:
        first.kill()
        second.kill()


def problems_of(world: World) -> list[str]:
    return [problem.text for problem in get_overview(world.settings, utc_now()).problems]


@contextmanager
def two_hosts() -> Iterator[tuple[Server, list[Host], int]]:
    """Two hosts, and a server that both reach; its port."""
    with ExitStack() as held:
        try:
            made = held.enter_context(hosts(2))
        except NotPermitted as error:
            pytest.skip(f"no network namespaces: {error}")
        port = free_port()
        places = ("127.0.0.1", *(host.gateway for host in made))
        options = ("--port", str(port), "--protected-mode", "no", "--bind", *places)
        server = Server(new_directory(), appendonly=True, options=options)
        held.callback(server.kill)
        yield server.start(), made, port


def test_a_host_that_is_cut_off(tmp_path: Path) -> None:
    """One host cannot reach Redis for some seconds, twice: each article is published once, both
    audits balance."""
    with two_hosts() as (server, made, port):
        worlds = [World(tmp_path / name, server.url) for name in ("alpha", "beta")]
        workers = [
            Worker(
                world,
                tmp_path / f"{world.settings.state_dir.name}.log",
                before=host.before,
                NEWSDROP_REDIS_URL=f"redis://{host.gateway}:{port}/0",
                NEWSDROP_WORKER_PROCESSES="1",
                NEWSDROP_SPOOL_BATCH_FILES="5",
            )
            for world, host in zip(worlds, made, strict=True)
        ]
        try:
            for worker in workers:
                worker.start()
            for round_ in range(2):
                write(worlds, round_)
                until(lambda: any(worlds[0].waiting()), "work in hand")
                made[0].cut()
                until(lambda: not worlds[1].waiting(), "work of the other host")
                time.sleep(3)
                made[0].restore()
            until(lambda: len(worlds[0].entries()) == 160, "all articles")
            until(lambda: not any(world.waiting() for world in worlds), "end of the work")
        finally:
            for worker in workers:
                worker.kill()
        titles = [entry["data"]["title"] for entry in worlds[0].entries()]
        assert len(set(titles)) == len(titles) == 160
        assert [audit(world.settings).unaccounted for world in worlds] == [0, 0]
        assert [audit(world.settings).accepted for world in worlds] == [80, 80]


def write(worlds: list[World], round_: int) -> None:
    for world in worlds:
        for number in range(40):
            name = f"{world.settings.state_dir.name}-{round_}-{number}"
            world.put(f"{name}.md", article(name))
