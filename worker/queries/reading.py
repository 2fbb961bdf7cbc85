"""Reading an input as the worker would, publishing nothing: for `parse` and `explain`."""

from collections.abc import Iterator
from datetime import datetime

from worker.feeds.catalog import Feeds
from worker.model.times import rfc3339
from worker.pipeline.extract import Item, Reader, Unread, read_items
from worker.settings import MANUAL, Settings
from worker.sites import open_sites
from worker.spool.manifest import Entry, Head, Origin


def read_document(
    data: bytes,
    name: str,
    settings: Settings,
    now: datetime,
    source: str | None = None,
    *,
    origin: Origin | None = None,
) -> Iterator[Item | Unread]:
    """Every article in `data`, and what could not be read of it, in order.

    `name` is for showing only; the article is read as one of `source` (a hand-fed one: None), or of
    the `origin` where it was fetched.
    """
    head = Head("", source or MANUAL, "enqueue", rfc3339(now))
    reader = Reader(settings, open_sites(settings), Feeds(settings).profile, head)
    return read_items(reader, Entry(0, name, origin=origin), data)
