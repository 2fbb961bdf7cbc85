"""The bucket of `archive.url`: copies of the archive's files, below its prefix."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from worker.errors import ConfigError, FetchFailed, Trouble
from worker.fetch import Fetcher
from worker.fetch.objects import BucketClient, ObjectChanged, open_bucket, split_bucket_url
from worker.model.source import StoredObject
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.spool.archive import Archive
from worker.spool.layout import translate_errors

_PART_BYTES = 8_000_000


def open_archive(settings: Settings) -> Archive:
    """The archive, with the copies of what is not here any more."""
    if not settings.archive.url:
        return Archive(settings.state_dir)
    return Archive(settings.state_dir, partial(_open_copy, settings))


def archive_client(settings: Settings) -> BucketClient:
    """Raises ConfigError."""
    return open_bucket("archive.url", settings.archive.url, settings.archive)


def full_key(settings: Settings, key: str) -> str:
    """The key in the bucket of a file of the archive."""
    prefix = split_bucket_url(settings.archive.url)[2]
    return f"{prefix.rstrip('/')}/{key}".lstrip("/")


def _open_copy(settings: Settings, key: str) -> BinaryIO | None:
    """A temporary file with an object's bytes. Raises FetchFailed, SpoolUnavailable.

    In a thread, because the caller may be in one that runs an event loop.
    """
    with translate_errors(settings.state_dir):
        file = cast(BinaryIO, TemporaryFile(dir=settings.state_dir))  # noqa: SIM115
        try:
            with ThreadPoolExecutor(1) as threads:
                is_there = threads.submit(asyncio.run, _read(settings, key, file)).result()
        except BaseException as error:
            file.close()
            if isinstance(error, ConfigError):
                raise FetchFailed(Trouble.ADDRESS, str(error), refused=True) from error
            raise
        file.seek(0)
        return file if is_there else None


async def _read(settings: Settings, key: str, file: BinaryIO) -> bool:
    client, item = archive_client(settings), StoredObject(full_key(settings, key), "", 0)
    async with Fetcher(settings.fetch) as fetcher:
        return await read_parts(client, fetcher, item, file)


async def read_parts(
    client: BucketClient, fetcher: Fetcher, item: StoredObject, file: BinaryIO
) -> bool:
    """Write an object to `file`; False where it is not there as it was listed, or changes while it
    is read: without ETags only its size shows that. A size of 0 is not known before. Raises
    FetchFailed."""
    at, size, etag = 0, item.size or 1, item.etag
    while at < size:
        place = (at, _PART_BYTES)
        try:
            part, total, etag = await client.read_part(fetcher, item.key, etag, place, utc_now())
        except ObjectChanged:
            return False
        if total != size and (at or item.size):
            return False
        size = total
        file.write(part)
        at += len(part)
    return True
