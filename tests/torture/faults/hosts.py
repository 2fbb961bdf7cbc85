"""Several hosts: one is cut off, a scheduler is killed, a clock is wrong."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.fake_clock import NoFakeClock, fake_clock
from tests.hosts import Host, NotPermitted, hosts
from tests.http_server import Web
from tests.newsroom import feed
from tests.rabbitmq import free_port
from tests.servers import Server
from tests.torture.field import Field, server, wait_for
from tests.torture.news import Writer
from tests.torture.oracle import is_done
from tests.torture.round import Figures, Round, Unavailable

CUT_SECONDS, SHORT_SECONDS = 60.0, 6.0
CUTS = 10
FEEDS = 40
NAMES = [f"feed-{number}" for number in range(FEEDS)]
_POLLS = 4
AHEAD_SECONDS = 600


def cut_off(round_: Round) -> None:
    """One of two hosts loses its connection for 60 s, repeatedly: the other continues, then the
    first."""
    seconds = CUT_SECONDS if round_.seconds > 2 * CUT_SECONDS else SHORT_SECONDS
    with _two_hosts() as (redis, (far, near), port):
        fields = [
            Field(round_, redis, url=f"redis://{host.gateway}:{port}/0", name=name)
            for host, name in ((far, "far"), (near, "near"))
        ]
        one, two = fields
        with one.service(before=far.before), two.service(before=near.before):
            every = seconds / 60  # so that what waits for the first after 10 cuts is soon done
            with Writer(one.news, every_seconds=every), Writer(two.news, every_seconds=every):
                while not round_.is_over or not round_.happened["cuts"]:
                    wait_for(lambda: any(one.world.waiting()), round_.patience_seconds)
                    far.cut()
                    round_.happened["cuts"] += 1
                    before = _count(two)
                    time.sleep(seconds)
                    if _count(two) == before:
                        round_.bad.append("the other host did nothing meanwhile")
                    far.restore()
                    if round_.happened["cuts"] >= CUTS:
                        break
                    time.sleep(round_.random.uniform(2, 8))
            one.finish(two)


def schedulers(round_: Round) -> None:
    """One clock is 10 minutes ahead, then its processes are killed. Each due feed is polled
    once."""
    try:
        clock = fake_clock(round_.directory / "clock", FAKETIME=f"+{AHEAD_SECONDS}")
    except NoFakeClock as error:
        raise Unavailable(str(error)) from error
    with server() as redis, Web() as web:
        web.pages.update({f"/{n}": feed(n) for n in range(FEEDS)})
        one, two = Field(round_, redis, name="one"), Field(round_, redis, name="two")
        allowed = {
            "NEWSDROP_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
            "NEWSDROP_FETCH_ALLOW_PORTS": str(web.port),
            "NEWSDROP_FETCH_HOST_INTERVAL_SECONDS": "0",
            "NEWSDROP_FETCH_HOST_CONNECTIONS": "100",
        }
        for field in (one, two):
            for number in range(FEEDS):
                field.world.add_feed(NAMES[number], web.url(f"/{number}"))
        with one.service(environment=allowed):
            with two.service(environment=allowed | clock):
                done = _expect_polls(one, web, 1)
                while not round_.is_over or done < _POLLS:
                    one.world.context.feed_store.make_due(NAMES)
                    done = _expect_polls(one, web, done + 1)
                    round_.happened["times all feeds were due"] += 1
            round_.happened["hosts killed"] += 1
            one.world.context.feed_store.make_due(NAMES)
            _expect_polls(one, web, done + 1)
        for world in (one.world, two.world):
            wait_for(lambda world=world: is_done([world]), round_.patience_seconds)
            world.drain()
        one.finish(two)


def _expect_polls(field: Field, web: Web, wanted: int) -> int:
    """Wait until each feed was polled `wanted` times, and not more often; returns `wanted`."""
    store, client = field.world.context.feed_store, field.world.context.redis

    def is_still() -> bool:
        counts = Counter(request.path for request in web.requests)
        leased = any(client.hexists(store.key(name), "lease") for name in NAMES)
        return not leased and min(counts[f"/{n}"] for n in range(FEEDS)) >= wanted

    wait_for(is_still, field.round.patience_seconds)
    counts = Counter(request.path for request in web.requests)
    missed = sum(counts[f"/{n}"] < wanted for n in range(FEEDS))
    doubled = sum(counts[f"/{n}"] > wanted for n in range(FEEDS))
    field.round.add(Figures(lost=missed, doubled=doubled), "polls of feeds")
    return wanted


def _count(field: Field) -> int:
    return sum(1 for _ in field.world.context.deps.archive.segments())


@contextmanager
def _two_hosts() -> Iterator[tuple[Server, list[Host], int]]:
    """Two hosts, and a server that both reach; its port."""
    with ExitStack() as held:
        try:
            made = held.enter_context(hosts(2))
        except NotPermitted as error:
            raise Unavailable(f"no network namespaces: {error}") from error
        port = free_port()
        places = ("127.0.0.1", *(host.gateway for host in made))
        options = ("--port", str(port), "--protected-mode", "no", "--bind", *places)
        yield held.enter_context(server(*options)), made, port
