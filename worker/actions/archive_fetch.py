"""Fetch the journals of the archive that only the bucket of `archive.url` has."""

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from tempfile import TemporaryFile

from worker.errors import UsageError
from worker.fetch import Fetcher
from worker.fetch.objects import BucketClient
from worker.model.source import StoredObject
from worker.settings import MEGABYTE, Settings
from worker.settings.clock import utc_now
from worker.sources.archive_bucket import archive_client, full_key, open_archive, read_parts
from worker.spool.archive import Segment
from worker.spool.copy_record import copy_key, mark_copied
from worker.spool.layout import is_batch, make_folder, translate_errors, write_durably


def fetch_journals(settings: Settings, on_progress: Callable[[int], None]) -> int:
    """Write each journal that is in the bucket and not here; returns their number. Raw files stay
    in the bucket and are read from there. Raises UsageError, ConfigError, FetchFailed,
    SpoolUnavailable."""
    if not settings.archive.url:
        raise UsageError("archive.url is not set: set it to the bucket that has the copies")
    return asyncio.run(_fetch_all(settings, on_progress))


async def _fetch_all(settings: Settings, on_progress: Callable[[int], None]) -> int:
    client, archive, count = archive_client(settings), open_archive(settings), 0
    after, has_more, prefix = "", True, full_key(settings, "")
    async with Fetcher(settings.fetch) as fetcher:
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
                if await _fetch(client, fetcher, each, segment):
                    count += 1
                    on_progress(count)
    return count


async def _fetch(
    client: BucketClient, fetcher: Fetcher, item: StoredObject, segment: Segment
) -> bool:
    """False where somebody removed it meanwhile."""
    folder = segment.journal_path.parent
    with translate_errors(folder):
        make_folder(folder)
        with TemporaryFile(dir=folder) as file:
            if not await read_parts(client, fetcher, item, file):
                return False
            file.seek(0)
            head = segment.parse_head(file)  # first: a damaged one would stay in the archive
            file.seek(0)
            mark_copied(folder, segment.batch)
            write_durably(segment.journal_path, iter(partial(file.read, MEGABYTE), b""))
        # Its time tells when it was archived: what is recent is looked up after a restart of Redis.
        archived = datetime.fromisoformat(head.archived_at).timestamp()
        os.utime(segment.journal_path, (archived, archived))
    return True
