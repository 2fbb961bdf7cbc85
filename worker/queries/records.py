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


def read_path(
    path: str | Path,
    load: Callable[[], Incoming],
    settings: Settings,
    now: datetime,
    source: str | None = None,
    *,
    name: str = "",
    on_counted: Callable[[str], None] = lambda _: None,
) -> Iterator[ParsedArticle | ParseFailure]:
    """:func:`read_document` for the document that `load` returns; a file that is named as a WARC
    is read from the disk, because it may be of any size."""
    if file := _open_warc(Path(path)):
        reader = _reader(settings, now, source)
        return read_pages(reader, Entry(0, name or str(path)), file, on_counted)
    return read_document(load(), settings, now, source, on_counted=on_counted)


def _open_warc(path: Path) -> BinaryIO | None:
    try:
        is_named = has_warc_name(path.name) and path.is_file() and path.stat().st_size
        return path.open("rb", buffering=0) if is_named else None
    except OSError:
        return None  # reading it as another file reports why


def _reader(settings: Settings, now: datetime, source: str | None) -> EntryReader:
    head = Head("", source or MANUAL, "enqueue", rfc3339(now))
    profile = cache(CatalogReader(settings).profile)
    return EntryReader(settings, open_sites(settings), profile, head)


@cache
def _adapter() -> TypeAdapter[Article]:
    return TypeAdapter(Article)
