"""Records: their JSON Schema, and reading an input as a worker would without publishing it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any, BinaryIO

from pydantic import TypeAdapter, ValidationError

from worker.feeds.catalog import CatalogReader
from worker.formats.warc_framing import is_warc
from worker.model import SCHEMA_VERSION, Article, Withdrawal
from worker.model.times import rfc3339
from worker.pipeline.batch.warc import read_pages
from worker.pipeline.extract import EntryReader, ParsedArticle, parse_entry
from worker.pipeline.failure import ParseFailure
from worker.settings import MANUAL, Settings
from worker.sites import open_sites
from worker.spool.manifest import Entry, Head, Origin


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
    data: bytes | BinaryIO,
    name: str,
    settings: Settings,
    now: datetime,
    source: str | None = None,
    *,
    origin: Origin | None = None,
    on_counted: Callable[[str], None] = lambda _: None,
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article in `data`, and every part that cannot be read, in order.

    `name` is only shown. The article is read with the settings of `source` (None: as enqueued by
    hand), or of `origin` where the document was fetched. `data` is an open file only if it is a
    WARC; `on_counted` receives what it holds, in words.
    """
    head = Head("", source or MANUAL, "enqueue", rfc3339(now))
    reader = EntryReader(settings, open_sites(settings), CatalogReader(settings).profile, head)
    entry = Entry(0, name, origin=origin)
    file = BytesIO(data) if isinstance(data, bytes) else data
    if is_warc(file, name):
        return read_pages(reader, entry, file, on_counted)
    return parse_entry(reader, entry, file.read() if not isinstance(data, bytes) else data)


@cache
def _adapter() -> TypeAdapter[Article]:
    return TypeAdapter(Article)
