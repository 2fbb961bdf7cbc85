"""The floor: the same parsing and publishing in plain processes, without queue and spool.

The difference to newsdrop (messages, claims, journals, archive, counters) is the price of its
promises. Run as `python -m bench.floor NUMBER OF FOLDER`: a process warms up on `FOLDER/warm`, says
`ready` on standard output, waits for a line on standard input, ingests its share of
`FOLDER/files`, and is done.
"""

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from worker.model import PublishRequest
from worker.model.times import rfc3339
from worker.pipeline.context import Context, open_context
from worker.pipeline.extract import EntryReader, ParsedArticle, parse_entry
from worker.settings import MANUAL, load
from worker.settings.clock import utc_now
from worker.spool.manifest import Entry, Head

CALL = 100


def ingest(context: Context, paths: list[Path], batch: str) -> int:
    """Publish the files in calls of 100 articles; returns their number."""
    settings = context.settings
    head = Head(batch, MANUAL, "enqueue", rfc3339(utc_now()))
    reader = EntryReader(settings, context.deps.sites(), cache(context.deps.profile), head)
    count = 0
    for at in range(0, len(paths), CALL):
        part = list(enumerate(paths[at : at + CALL], at))
        requests = [request for number, path in part for request in _requests(reader, number, path)]
        context.articles.publish(f"{batch}-{at}", requests)
        count += len(requests)
    return count


def _requests(reader: EntryReader, number: int, path: Path) -> Iterator[PublishRequest]:
    for item in parse_entry(reader, Entry(number, path.name), path.read_bytes()):
        assert isinstance(item, ParsedArticle), item
        yield reader.make_request(item, ingested_at=rfc3339(utc_now()))


def main(number: int, processes: int, folder: Path) -> None:
    context = open_context(load())

    def share(name: str) -> list[Path]:
        return sorted((folder / name).iterdir())[number::processes]

    ingest(context, share("warm"), f"warm-{os.getpid()}")
    paths = share("files")
    print("ready", flush=True)
    sys.stdin.readline()
    print(ingest(context, paths, f"floor-{os.getpid()}"), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
