"""Objects of a bucket that are larger than limits.file_mb. WARC files may have any size, because
they are read a record at a time: they are fetched in parts into a file. Others are refused.

One lease fetches parts for SLICE_SECONDS. The next one continues where the file ends.
"""

import hashlib
import os
import time
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path

from worker.errors import FetchFailed
from worker.fetch import Fetcher
from worker.fetch.objects import BucketClient, ObjectChanged
from worker.formats.warc_framing import is_warc
from worker.model.source import StoredObject
from worker.settings import MEGABYTE, Settings
from worker.settings.flock import try_flock
from worker.spool.filesystem import check_free
from worker.spool.layout import make_folder, partial_dir, translate_errors

SLICE_SECONDS = 30.0
PART_BYTES = 8 * MEGABYTE
_HEAD_BYTES = 65_536
"""They tell whether an object is a WARC file."""


class ObjectTooLarge(Exception):
    """The object is larger than limits.file_mb and is not a WARC file."""


async def read_large(
    settings: Settings,
    client: BucketClient,
    fetcher: Fetcher,
    item: StoredObject,
    now: Callable[[], datetime],
) -> Path | None:
    """The file with all of an object; None where more is to be read.

    Raises ObjectTooLarge, ObjectChanged, SpoolUnavailable; FetchFailed where nothing was read.
    """
    name = f"{client.address.target.origin} {client.address.bucket} {item.key} {item.etag}"
    path = partial_dir(settings) / hashlib.sha256(name.encode()).hexdigest()
    deadline = time.monotonic() + SLICE_SECONDS
    with translate_errors(path):
        make_folder(path.parent)
        with path.open("ab") as file:
            if not try_flock(file.fileno()):
                return None  # its lease has expired, and its process lives
            begin = at = file.tell()
            check_free(path.parent, settings.spool.min_free_mb + (item.size - at) // MEGABYTE)
            while at < item.size:
                place = (at, PART_BYTES if at else _HEAD_BYTES)
                try:
                    part, size, _ = await client.read_part(
                        fetcher, item.key, item.etag, place, now()
                    )
                    if size != item.size:
                        raise ObjectChanged(f"the object has {size:,} bytes now")
                    if not at and not is_warc(BytesIO(part), item.key):
                        raise ObjectTooLarge
                except (ObjectChanged, ObjectTooLarge):
                    path.unlink()
                    raise
                except FetchFailed:
                    if at == begin:
                        raise
                    return None
                file.write(part)
                at += len(part)
                if at < item.size and time.monotonic() > deadline:
                    return None
            file.flush()
            os.fsync(file.fileno())
    return path
