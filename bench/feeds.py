"""The figures of polling: newsdrop beside lemon24's `reader`, and second polls of every kind.

200 feeds of 50 entries of the seed's size on 200 addresses of loopback, polled by a real Celery
worker with fetch.host_interval_seconds 0 and all else as shipped.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import psutil  # type: ignore[import-untyped]

from bench.feed_server import address
from bench.figure import Figure, at_least, below, megabytes
from bench.ours import is_idle, settings_of, worker_of
from bench.place import ROOT, Place, clean_environment, place, pool, to_last_entry, wait_until
from worker.feeds import managed
from worker.settings import Settings
from worker.store.factory import feed_store
from worker.taskqueue.celery_app import create_app

FEEDS, ENTRIES, ROUNDS = 200, 50, 5
HANGING = 10
MANY = 10_000
_DUE = "{newsdrop:articles}:feeds"
_PEER_WORKERS = (1, 2, 4, 8, 16)


def feeds(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Everything but memory; `quick` polls 20 feeds."""
    count, rounds = (20, 1) if quick else (FEEDS, ROUNDS)
    with serving(count, ENTRIES) as server:
        peer = _peer(server, count, say)
        firsts, results = [], {}
        for number in range(rounds if quick else 3):
            say(f"feeds: round {number + 1}, first poll of {count} feeds x {ENTRIES} entries")
            server.control("mode/etag")
            server.control("step/0")
            with _worker(server) as (here, settings):
                firsts.append(_first_poll(here, settings, server, count))
                say(f"  {firsts[-1]:,.0f} entries/s (reader: {peer:,.0f})")
                if number == 0:
                    results = _second_polls(here, settings, server, count, rounds, say)
    first = median(firsts)
    title = f"first poll, {count} feeds x {ENTRIES} entries, against reader"
    figures = [at_least(title, first / peer, 4, {"entries/s": first, "reader": peer})]
    for name, least in _LEAST.items():
        rate = median(results[name])
        text = f"{rate:,.0f} feeds/s"
        figures.append(Figure(name, text, f"≥ {least:,} feeds/s", rate >= least, rate))
    ratio = median(results["hanging"]) / median(results["none hanging"])
    name = f"{HANGING} of {count} servers hang: time for the others against none hanging"
    figures.append(Figure(name, f"{ratio:.2f} ×", "≤ 1.2 ×", ratio <= 1.2, ratio, {}, True))
    return figures


_LEAST = {
    "second poll, answered 304": 1400,
    "second poll, the same bytes": 700,
    "second poll, one new entry of 50": 150,
}


def feed_memory(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Peak memory of a process of a polling worker that polls 10,000 feeds twice."""
    count = 1000 if quick else MANY
    say(f"feeds: memory of a worker that polls {count:,} feeds")
    with serving(250, 5) as server, _worker(server) as (here, settings):
        names = [f"f{number:05}" for number in range(count)]
        urls = [f"{address(n % 250, server.port)}?{n}" for n in range(count)]
        _configure(settings, dict(zip(names, urls, strict=True)))
        store = feed_store(settings, here.place.client)
        peaks = [0.0]

        def all_polled() -> bool:
            processes = psutil.Process(here.worker).children()
            peaks.append(max((one.memory_info().rss / 1e6 for one in processes), default=0.0))
            polled = here.place.client.zcount(_DUE, (time.time() + 200) * 1000, "+inf")
            if polled < count:
                _send_poll(settings)  # as the scheduler does: feeds wait while the spool is full
            return polled >= count and is_idle(settings)

        for number in range(2):
            wait_until(all_polled, every=1.0)
            say(f"  polled {number + 1} times: {max(peaks):.0f} MB")
            store.make_due(names)
    return [below(f"a worker's process that polls {count:,} feeds", max(peaks), 200, megabytes)]


@dataclass(frozen=True, slots=True)
class Server:
    """The feed server, in its own process."""

    port: int

    def control(self, path: str) -> None:
        with urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=300) as answer:
            answer.read()


@dataclass(frozen=True, slots=True)
class _Here:
    place: Place
    worker: int


@contextmanager
def serving(count: int, entries: int) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [str(count), str(entries), str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.feed_server", *arguments],
        cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("the server of feeds has failed: see above")
        yield Server(port)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def _worker(server: Server) -> Iterator[tuple[_Here, Settings]]:
    environment = {
        "NEWSDROP_FETCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "NEWSDROP_FETCH_ALLOW_PORTS": str(server.port),
        "NEWSDROP_FETCH_HOST_INTERVAL_SECONDS": "0",
    }
    with place() as here, worker_of(here, None, **environment) as worker:
        settings = settings_of(here)
        pool(worker, settings.pool())
        _configure(settings, {"warm": f"{address(0, server.port)}?warm"})
        _send_poll(settings)
        wait_until(lambda: bool(here.client.xlen(settings.stream.name)))
        wait_until(lambda: is_idle(settings))
        here.client.delete(settings.stream.name)
        yield _Here(here, worker.pid), settings


def _configure(settings: Settings, addresses: dict[str, str]) -> None:
    with managed.edit_feeds(settings.state_dir) as feeds:
        feeds.clear()
        feeds.update({name: {"name": name, "url": url} for name, url in addresses.items()})


def _send_poll(settings: Settings) -> None:
    create_app(settings).send_task("newsdrop.poll")


def _first_poll(here: _Here, settings: Settings, server: Server, count: int) -> float:
    """Entries per second, from configuring the feeds to the last entry in the stream."""
    for key in here.place.client.scan_iter("{newsdrop:articles}:[ir]:*"):
        here.place.client.delete(key)
    addresses = {f"f{number:03}": address(number, server.port) for number in range(count)}
    begun = time.time()
    _configure(settings, addresses)
    _send_poll(settings)
    ended = to_last_entry(here.place.client, settings.stream.name, count * ENTRIES)
    wait_until(lambda: is_idle(settings))
    return count * ENTRIES / (ended - begun)


def _second_polls(
    here: _Here,
    settings: Settings,
    server: Server,
    count: int,
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, list[float]]:
    """Feeds per second of each kind, and seconds with and without servers that hang."""
    names = [f"f{number:03}" for number in range(count)]
    results: dict[str, list[float]] = {}

    client = here.place.client

    def polled(kind: str, which: Sequence[str], *, new: int = 0) -> float:
        length = client.xlen(settings.stream.name) + new
        since = time.time()
        feed_store(settings, client).make_due(names)
        _send_poll(settings)
        # One cheap command: polled feeds are due in minutes, feeds being fetched within one.
        wait_until(
            lambda: (
                client.xlen(settings.stream.name) >= length
                and is_idle(settings)
                and client.zcount(_DUE, (time.time() + 200) * 1000, "+inf") >= len(which)
            ),
            every=0.01,
        )
        seconds = time.time() - since
        results.setdefault(kind, []).append(len(which) / seconds)
        return seconds

    for kind in (*_LEAST, "none hanging", "hanging"):
        results[kind] = []
    step = 0
    for _ in range(rounds):
        polled("second poll, answered 304", names)
    server.control("mode/plain")
    polled("warm", names)
    for _ in range(rounds):
        polled("second poll, the same bytes", names)
    for _ in range(rounds):
        step += 1
        server.control(f"step/{step}")
        polled("second poll, one new entry of 50", names, new=count)
    hanging = min(HANGING, count // 2)
    for _ in range(3 if rounds > 1 else 1):
        for hung, kind in ((0, "none hanging"), (hanging, "hanging")):
            step += 1
            server.control(f"step/{step}")
            server.control(f"hang/{hung}")
            seconds = polled("warm", names[hanging:], new=count - hung)
            results[kind].append(seconds)
            server.control("hang/0")
            _settle(here, settings, names)
    say("  " + ", ".join(f"{kind} {median(of):,.2f}" for kind, of in results.items() if of))
    return results


def _settle(here: _Here, settings: Settings, names: Sequence[str]) -> None:
    """Wait until the hanging requests time out, so that the next round polls all feeds."""
    time.sleep(settings.fetch.deadline_seconds + 1)
    feed_store(settings, here.place.client).reset_errors(names)


def _peer(server: Server, count: int, say: Callable[[str], None]) -> float:
    """Entries per second of `reader`, with the number of workers that is best here."""
    urls = [address(number, server.port) for number in range(count)]
    few = urls[: max(10, count // 10)]
    best = max(_PEER_WORKERS, key=lambda workers: _reader(few, workers))
    rate = _reader(urls, best)
    say(f"feeds: reader with {best} workers (its best here): {rate:,.0f} entries/s")
    return rate


def _reader(urls: Sequence[str], workers: int) -> float:
    with TemporaryDirectory(prefix="nd-") as directory:
        database = str(Path(directory) / "reader.sqlite")
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.reader_peer", database, str(workers), *urls],
            cwd=ROOT, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError("reader has failed: see above")
        process.stdin.write(b"\n")
        process.stdin.flush()
        seconds, entries = process.stdout.readline().split()
        process.communicate()
    if int(entries) != len(urls) * ENTRIES:
        raise RuntimeError(f"reader has {int(entries)} of {len(urls) * ENTRIES} entries")
    return int(entries) / float(seconds)
