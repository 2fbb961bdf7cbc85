"""Reading an input as the worker would, publishing nothing: for `parse` and `explain`."""

from collections.abc import Iterator
from datetime import datetime

from worker.feeds.catalog import CatalogReader
from worker.model.times import rfc3339
from worker.pipeline.extract import EntryReader, ParsedArticle, ParseFailure, parse_entry
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
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article in `data`, and what could not be read of it, in order.

    `name` is for showing only; the article is read as one of `source` (a hand-fed one: None), or of
    the `origin` where it was fetched.
    """
    head = Head("", source or MANUAL, "enqueue", rfc3339(now))
    reader = EntryReader(settings, open_sites(settings), CatalogReader(settings).profile, head)
    return parse_entry(reader, Entry(0, name, origin=origin), data)
