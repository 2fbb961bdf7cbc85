"""Fetch the journals of the archive that only the bucket of `archive.url` has."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import partial
from tempfile import TemporaryFile

from worker.errors import FetchFailed, UsageError
from worker.escape import printable
from worker.fetch import Fetcher
from worker.fetch.objects import BucketClient, ObjectChanged
from worker.model.source import StoredObject
from worker.settings import MEGABYTE, Settings
from worker.settings.clock import utc_now
from worker.sources.archive_bucket import archive_client, full_key, open_archive, read_parts
from worker.spool.copy_record import copy_key, mark_copied
from worker.spool.layout import is_batch, make_folder, translate_errors, write_durably
from worker.spool.segment import DamagedSegment, Segment
from worker.translation import mark

_MAX_FAILURES = 3
_CLOCK = mark("set the clock of this machine, and try again")


def fetch_journals(
    settings: Settings,
    on_progress: Callable[[int], None],
    on_skipped: Callable[[str], object] = lambda _: None,
) -> int:
    """Write each journal that is in the bucket and not here; returns their number. Raw files stay
    in the bucket and are read from there. `on_skipped` receives why one was not fetched, and what
    to do. Raises UsageError, ConfigError, FetchFailed, SpoolUnavailable."""
    if not settings.archive.url:
        raise UsageError("archive.url is not set: set it to the bucket that has the copies")
    return asyncio.run(_fetch_all(settings, on_progress, on_skipped))


async def _fetch_all(
    settings: Settings, on_progress: Callable[[int], None], on_skipped: Callable[[str], object]
) -> int:
    client, count, failures = archive_client(settings), 0, 0
    async with Fetcher(settings.fetch) as fetcher:
        async for item, segment in _list_missing(settings, client, fetcher, on_skipped):
            try:
                await _fetch(client, fetcher, item, segment)
            except (ObjectChanged, DamagedSegment) as error:
                on_skipped(str(error))
                continue
            except FetchFailed as error:
                failures += 1
                if failures >= _MAX_FAILURES:  # in a row: the store is unavailable
                    raise
                on_skipped(str(error))
                continue
            failures = 0
            count += 1
            on_progress(count)
    return count


async def _list_missing(
    settings: Settings, client: BucketClient, fetcher: Fetcher, on_skipped: Callable[[str], object]
) -> AsyncIterator[tuple[StoredObject, Segment]]:
    """The journals that are not here. Those of a service that copies meanwhile come last, and the
    list ends with those of tomorrow: one that grows for ever has an end, too."""
    archive, now = open_archive(settings), utc_now()
    end = full_key(settings, f"{now + timedelta(days=2):%Y%m%d}")
    after, has_more, prefix = "", True, full_key(settings, "")
    while has_more:
        objects, has_more = await client.list_objects(fetcher, prefix, after, utc_now())
        for each in objects:
            after, name = each.key, each.key.rpartition("/")[2]
            batch = name.removesuffix(".jsonl")
            if batch == name or not is_batch(batch) or archive.find(batch):
                continue
            segment = archive.segment(batch)
            if each.key != full_key(settings, copy_key(segment.journal_path)):
                continue  # another program's
            if each.key > end:
                on_skipped(mark(f"the bucket has batches of days to come: {_CLOCK}"))
                return
            yield each, segment


async def _fetch(
    client: BucketClient, fetcher: Fetcher, item: StoredObject, segment: Segment
) -> None:
    """Raises ObjectChanged, DamagedSegment, FetchFailed, SpoolUnavailable."""
    folder = segment.journal_path.parent
    with translate_errors(folder):
        make_folder(folder)
        with TemporaryFile(dir=folder) as file:
            if not await read_parts(client, fetcher, item, file):
                raise ObjectChanged(
                    mark(f"the object {printable(item.key)} changed while it was read: try again")
                )
            file.seek(0)
            try:
                head = segment.parse_head(file)  # first: a damaged one would stay in the archive
            except DamagedSegment as error:
                key = printable(item.key)
                raise DamagedSegment(
                    mark(f"the journal {key} in the bucket is damaged: remove it there")
                ) from error
            file.seek(0)
            mark_copied(folder, segment.batch)
            write_durably(segment.journal_path, iter(partial(file.read, MEGABYTE), b""))
        # Its time tells when it was archived: what is recent is looked up after a restart of Redis.
        archived = datetime.fromisoformat(head.archived_at).timestamp()
        os.utime(segment.journal_path, (archived, archived))
