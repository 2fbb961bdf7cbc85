"""Fetch the journals of the archive that only the bucket of `archive.url` has."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from io import BytesIO

from worker.errors import UsageError
from worker.fetch import Fetcher
from worker.fetch.objects import ObjectChanged
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sources.archive_bucket import archive_client, full_key, open_archive
from worker.spool.archive import Segment
from worker.spool.copy_record import copy_key, mark_copied
from worker.spool.layout import is_batch, make_folder, translate_errors, write_durably

MAX_BYTES = 1_000_000_000
"""Maximum size of one journal; a batch of 100,000 articles has about 60 MB."""


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
            found, has_more = await client.list_objects(fetcher, prefix, after, utc_now())
            for each in found:
                after, name = each.key, each.key.rpartition("/")[2]
                batch = name.removesuffix(".jsonl")
                if batch == name or not is_batch(batch) or archive.find(batch):
                    continue
                segment = archive.segment(batch)
                if each.key != full_key(settings, copy_key(segment.journal_path)):
                    continue  # another program's
                with suppress(ObjectChanged):  # somebody removed it meanwhile
                    _write(segment, await client.read(fetcher, each, utc_now(), MAX_BYTES))
                    count += 1
                    on_progress(count)
    return count


def _write(segment: Segment, data: bytes) -> None:
    folder = segment.journal_path.parent
    head = segment.parse_head(BytesIO(data))  # first: a damaged one would stay in the archive
    with translate_errors(folder):
        make_folder(folder)
        mark_copied(folder, segment.batch)
        write_durably(segment.journal_path, data)
        # Its time tells when it was archived: what is recent is looked up after a restart of Redis.
        archived = datetime.fromisoformat(head.archived_at).timestamp()
        os.utime(segment.journal_path, (archived, archived))
