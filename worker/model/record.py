"""The record: :class:`Article` and its parts.

Its fields, in this order, are the JSON object that consumers read, with the item names of JSON Feed
1.1 where it has them. The JSON Schema (`newsdrop schema`) is made from it, and `docs/record.md`
is held against it by a test.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from worker.model.source import Scope

SCHEMA_VERSION = 1

DatePrecision = Literal["second", "minute", "day", "unknown"]


@dataclass(frozen=True, slots=True)
class Person:
    """A human author, not an outlet."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """The outlet."""

    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of the article; what is empty is null. Width and height in CSS pixels."""

    url: str
    alt: str | None = None
    caption: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A hyperlink in the body, with its visible text."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """An enclosure."""

    url: str
    mime_type: str | None = None
    title: str | None = None


class TickerOrigin(StrEnum):
    """Where a ticker was found. `auto-link`: the site linked an ordinary word by itself."""

    TEXT = "text"
    LINK = "link"
    AUTO_LINK = "auto-link"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Ticker:
    """A security the article names. `exchange` is an ISO 10383 MIC."""

    symbol: Annotated[str, Field(description="code and market, as `300959.SZ`, `AAPL.US`")]
    exchange: Annotated[str | None, Field(description="ISO 10383 market identifier, as `XSHE`")]
    name: str | None
    origin: TickerOrigin


@dataclass(frozen=True, slots=True)
class Dedupe:
    """What made the article's identity."""

    key: Annotated[str, Field(description="hex of the 96-bit key")]
    title: Annotated[str, Field(description="the folded title that entered the key")]
    scope: Scope
    content_hash: Annotated[str, Field(description="hex of the 64-bit hash of the content")]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the article came from. Times are RFC 3339, UTC."""

    source: str
    kind: Annotated[str, Field(description="how it came: folder, enqueue, feed, page")]
    path: Annotated[str | None, Field(description="escaped path below the source's folder")] = None
    url: str | None = None
    feed_url: str | None = None
    fetched_at: str | None = None
    raw_sha256: str = ""
    parser: str = ""
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """The record. Times are RFC 3339 in UTC (`Z`); every string is valid Unicode."""

    id: Annotated[str, Field(description="key date and 96-bit key: `20211126-<24 hex digits>`")]
    schema_version: int
    title: str
    url: str | None
    external_url: str | None
    summary: str | None
    language: Annotated[str | None, Field(description="BCP 47, as `zh-Hans`")]
    content_html: Annotated[str, Field(description="sanitised HTML")]
    content_text: Annotated[str, Field(description="text, one paragraph a line")]
    highlights: tuple[str, ...]
    date: Annotated[str | None, Field(description="calendar date of the key, `YYYY-MM-DD`")]
    date_published: str | None
    date_modified: str | None
    date_precision: DatePrecision
    date_source: Annotated[str | None, Field(description="where the date was found")]
    authors: tuple[Person, ...]
    editor: str | None
    publisher: Publisher | None
    tags: tuple[str, ...]
    image: str | None
    images: tuple[Image, ...]
    links: tuple[Link, ...]
    attachments: tuple[Attachment, ...]
    tickers: tuple[Ticker, ...]
    word_count: Annotated[int, Field(description="CJK characters plus words")]
    dedupe: Dedupe
    provenance: Provenance
    first_seen_at: Annotated[str, Field(description="when its file was claimed")]
    ingested_at: Annotated[str, Field(description="when it was offered to the stream")]
    warnings: tuple[str, ...]
    extra: dict[str, Any]
