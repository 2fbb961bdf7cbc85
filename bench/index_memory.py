"""Memory of the index after a year of articles: bytes of Redis memory per article.

The keys are made by the store's own layout and written in a pipeline, as the script would write
them: a mark and a raw mark for each article, evenly over 365 days of dates and of writing. Claims
and the stream itself are not the index and are not written.
"""

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis

from tests.servers import Server
from worker.model import Identity
from worker.store.layout import DAY, Layout, mark_field, raw_field, raw_mark

STREAM = "newsdrop:articles"
DAYS = 365
FIRST_DAY = date(2021, 1, 1)
_SINCE = 1_609_459_200
"""FIRST_DAY in Unix seconds."""


def measure(n: int = 1_000_000, options: tuple[str, ...] = (), undated: float = 0.0) -> float:
    """Bytes per article: growth of `used_memory` of the wheel's server by `n` articles.

    `options` are further settings of the server; `undated` is the share without a date.
    """
    with tempfile.TemporaryDirectory(prefix="nd-") as directory:
        server = Server(Path(directory), options=options).start()
        try:
            client = server.client()
            before = _used(client)
            fill(client, n, undated)
            return (_used(client) - before) / n
        finally:
            server.stop()


def fill(client: redis.Redis, n: int, undated: float = 0.0) -> None:
    """Write an index of `n` articles."""
    for part in _batches(n, undated):
        pipe = client.pipeline(transaction=False)
        for key, field, value in part:
            pipe.hset(key, field, value)
            pipe.expire(key, 366 * DAY)
        pipe.execute()


def _batches(n: int, undated: float) -> Iterator[list[tuple[bytes, bytes, bytes]]]:
    layout = Layout(STREAM, keep_days=DAYS)
    batch: list[tuple[bytes, bytes, bytes]] = []
    for number in range(n):
        digest = hashlib.sha256(b"%d" % number).digest()
        day = number * DAYS // n
        now = _SINCE + day * DAY
        dated = digest[28] >= undated * 256
        identity = Identity(
            (FIRST_DAY + timedelta(day)).isoformat() if dated else None, digest[:12], digest[12:20]
        )
        mark = identity.key[8:] + identity.content[:6] + (now * 1000 + number % 1000).to_bytes(6)
        raw = digest[20:28]
        batch.append((layout.mark_keys(identity, now)[0], mark_field(identity), mark))
        batch.append((layout.raw_keys(raw, now)[0], raw_field(raw), raw_mark(identity)))
        if len(batch) >= 2000:
            yield batch
            batch = []
    yield batch


def _used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("--undated", type=float, default=0.0)
    parser.add_argument(
        "--option", action="append", default=[], help="of the server, as NAME=VALUE"
    )
    options = parser.parse_args()
    settings = tuple(part for option in options.option for part in ("--" + option).split("=", 1))
    print(f"{measure(options.n, settings, options.undated):.1f} bytes per article at {options.n:,}")
