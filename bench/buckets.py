"""The figure of buckets: articles for each second of CPU, from a bucket and from a folder.

One process lists, fetches, claims and ingests the same articles, once as objects of a store on
loopback and once as files of a drop folder; the store and Redis are processes of their own, whose
time does not count. Rounds alternate.
"""

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from bench import corpus
from bench.figure import Figure, at_least
from bench.place import place
from tests.object_store import BUCKET, KEY, ObjectStore
from worker.pipeline.batch.drain import drain
from worker.pipeline.context import Context, open_context
from worker.pipeline.feeds.poll import fetch, poll
from worker.pipeline.scan import scan_folders
from worker.settings import load
from worker.settings.clock import utc_now

LEAST = 0.7
ARTICLES, ROUNDS = 1_000, 5


def buckets(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`quick` reads a fifth of the articles, in two rounds."""
    count, rounds = (ARTICLES // 5, 2) if quick else (ARTICLES, ROUNDS)
    say(f"buckets: {rounds} rounds of {count:,} articles")
    os.environ |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "secret"}
    times: dict[str, list[float]] = {"bucket": [], "folder": []}
    with place() as here, _store(count, rounds + 1) as store:
        for number in range(rounds + 1):
            for kind, seconds in times.items():
                context = _context(here.folder / f"{kind}-{number}", here.url, store, kind, number)
                if kind == "folder":
                    corpus.write(context.settings.all_folders()[0].path, _numbers(count, number))
                    time.sleep(0.2)
                begun = time.process_time()
                (_from_bucket if kind == "bucket" else _from_folder)(context)
                drain(context.roots, context.deps, seconds=600)
                seconds.append((time.process_time() - begun) / count)
                published = context.counter_store.snapshot([]).totals.published
                assert published == count, (kind, published)
    ratios = [a / b for a, b in zip(times["folder"][1:], times["bucket"][1:], strict=True)]
    parts = {
        f"{kind}: ms an article": 1000 * statistics.median(ms[1:]) for kind, ms in times.items()
    }
    return [at_least("a bucket against a folder, by CPU", statistics.median(ratios), LEAST, parts)]


def _numbers(count: int, number: int) -> range:
    return range(number * count, (number + 1) * count)


def _context(state: Path, url: str, store: str, kind: str, number: int) -> Context:
    bucket = {"name": "archive", "url": f"s3://{BUCKET}/{number}/", "endpoint": store}
    options = {
        "state_dir": state,
        "redis.url": url,
        "stream.name": f"{kind}-{number}",
        "folders": [{"name": "drop", "path": state / "drop", "settle_without_event_seconds": 0.1}],
        "buckets": [bucket],
        "fetch.allow_networks": ["127.0.0.0/8"],
        "worker.tick_seconds": 0.2,
        "spool.max_waiting": 1_000,
    }
    (state / "drop").mkdir(parents=True)
    return open_context(load(options=options))


def _from_bucket(context: Context) -> None:
    poll(context, notify=lambda: None)
    while (totals := fetch(context, notify=lambda: None)) and totals.turns:
        pass


def _from_folder(context: Context) -> None:
    scan_folders(context, now=utc_now(), notify=lambda: None)


@contextmanager
def _store(count: int, rounds: int) -> Iterator[str]:
    """The address of a store in another process, with the articles of each round below a prefix."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs, count, rounds))
    process.start()
    try:
        yield json.loads(ours.recv())
    finally:
        process.kill()
        process.join()


def _serve(connection: Connection, count: int, rounds: int) -> None:
    with ObjectStore() as store:
        for number in range(rounds):
            for article in _numbers(count, number):
                store.objects[f"{number}/{article:07}.md"] = corpus.article(article)
        connection.send(json.dumps(store.url))
        time.sleep(3600)
