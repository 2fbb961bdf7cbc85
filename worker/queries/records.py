"""Records: their JSON Schema, and reading an input as a worker would without publishing it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from worker.feeds.catalog import CatalogReader
from worker.formats.warc_framing import has_warc_name, is_warc
from worker.model import SCHEMA_VERSION, Article, Withdrawal
from worker.model.times import rfc3339
from worker.pipeline.batch.warc import read_pages
from worker.pipeline.extract import EntryReader, ParsedArticle, parse_entry
from worker.pipeline.failure import ParseFailure
from worker.settings import MANUAL, Settings
from worker.sites import open_sites
from worker.spool.claim import Incoming
from worker.spool.manifest import Entry, Head


def article_schema(*, is_withdrawal: bool = False) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the object in a stream entry's field `data`; with
    `is_withdrawal` in that of an entry `article.withdrawn`."""
    kind: Any = Withdrawal if is_withdrawal else Article
    name = "withdrawal" if is_withdrawal else "article"
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"newsdrop {name}, schema_version {SCHEMA_VERSION}",
    }


def is_record(value: Mapping[str, Any]) -> bool:
    """Whether `value` is a record of this version: another program or version may have written to
    the stream."""
    try:
        _adapter().validate_python(value)
    except ValidationError:
        return False
    return True


def read_document(
    document: Incoming,
    settings: Settings,
    now: datetime,
    source: str | None = None,
    *,
    on_counted: Callable[[str], None] = lambda _: None,
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article in a document, and every part that cannot be read, in order.

    The article is read with the settings of `source` (None: as enqueued by hand), or of the
    document's origin. `on_counted` receives what a WARC holds, in words.
    """
    reader, file = _reader(settings, now, source), BytesIO(document.data)
    entry = Entry(0, document.path, origin=document.origin)
    if is_warc(file, entry.path):
        return read_pages(reader, entry, file, on_counted)
    return parse_entry(reader, entry, document.data)


def open_warc(path: str | Path) -> BinaryIO | None:
    """A file that is named as a WARC, for :func:`read_open_warc`; None for any other input."""
    path = Path(path)
    try:
        is_named = has_warc_name(path.name) and path.is_file() and path.stat().st_size
        return path.open("rb", buffering=0) if is_named else None
    except OSError:
        return None  # reading it as another file reports why


def read_open_warc(
    file: BinaryIO,
    name: str,
    settings: Settings,
    now: datetime,
    source: str | None = None,
    *,
    on_counted: Callable[[str], None] = lambda _: None,
) -> Iterator[ParsedArticle | ParseFailure]:
    """:func:`read_document` for an open file, which may be of any size."""
    return read_pages(_reader(settings, now, source), Entry(0, name), file, on_counted)


def _reader(settings: Settings, now: datetime, source: str | None) -> EntryReader:
    head = Head("", source or MANUAL, "enqueue", rfc3339(now))
    profile = cache(CatalogReader(settings).profile)
    return EntryReader(settings, open_sites(settings), profile, head)


@cache
def _adapter() -> TypeAdapter[Article]:
    return TypeAdapter(Article)
