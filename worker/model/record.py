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

    name: Annotated[str, Field(description="as written")]
    url: Annotated[str | None, Field(description="an address of theirs")] = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """The outlet."""

    name: Annotated[str, Field(description="the outlet, as `新浪财经`")]
    url: Annotated[str | None, Field(description="its front page")] = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of the article; what is empty is null. Width and height in CSS pixels."""

    url: Annotated[str, Field(description="absolute, out of a mirror's proxy")]
    alt: Annotated[str | None, Field(description="the text that stands in for it")] = None
    caption: Annotated[str | None, Field(description="what stands below it")] = None
    width: Annotated[int | None, Field(description="CSS pixels")] = None
    height: Annotated[int | None, Field(description="CSS pixels")] = None


@dataclass(frozen=True, slots=True)
class Link:
    """A hyperlink in the body, with its visible text."""

    url: Annotated[str, Field(description="absolute; http, https or mailto")]
    text: Annotated[str, Field(description="what the reader sees")]


@dataclass(frozen=True, slots=True)
class Attachment:
    """An enclosure."""

    url: Annotated[str, Field(description="absolute")]
    mime_type: Annotated[str | None, Field(description="as declared")] = None
    title: Annotated[str | None, Field(description="as declared")] = None


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
    name: Annotated[str | None, Field(description="as the article calls it")]
    origin: Annotated[
        TickerOrigin,
        Field(description="where it was found; `auto-link`: an ordinary word that the site linked"),
    ]


@dataclass(frozen=True, slots=True)
class Dedupe:
    """What made the article's identity."""

    key: Annotated[str, Field(description="hex of the 96-bit key")]
    title: Annotated[str, Field(description="the folded title that entered the key")]
    scope: Annotated[Scope, Field(description="what entered the key beside title and date")]
    content_hash: Annotated[str, Field(description="hex of the 64-bit hash of the content")]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the article came from. Times are RFC 3339, UTC."""

    source: Annotated[str, Field(description="the folder's or the feed's name, or `manual`")]
    kind: Annotated[str, Field(description="how it came: folder, enqueue, feed, page")]
    path: Annotated[str | None, Field(description="escaped path below the source's folder")] = None
    url: Annotated[str | None, Field(description="where it was fetched")] = None
    feed_url: Annotated[str | None, Field(description="the feed it stood in")] = None
    fetched_at: Annotated[str | None, Field(description="when it was fetched")] = None
    raw_sha256: Annotated[str, Field(description="of the file as it came, hex")] = ""
    parser: Annotated[str, Field(description="the format that was read")] = ""
    job: Annotated[str | None, Field(description="the job that brought it")] = None
    merged: Annotated[
        dict[str, str] | None,
        Field(description="of a feed's article whose page was read: which of the two gave a field"),
    ] = None


@dataclass(frozen=True, slots=True)
class Article:
    """The record. Times are RFC 3339 in UTC (`Z`); every string is valid Unicode."""

    id: Annotated[str, Field(description="key date and 96-bit key: `20211126-<24 hex digits>`")]
    schema_version: Annotated[
        int, Field(description="of this list; raised when a field changes its meaning")
    ]
    title: Annotated[str, Field(description="on one line, without the site's suffix")]
    url: Annotated[str | None, Field(description="of the article itself")]
    external_url: Annotated[
        str | None, Field(description="of what the article is about, where that is elsewhere")
    ]
    summary: Annotated[str | None, Field(description="as the source gives it, on one line")]
    language: Annotated[str | None, Field(description="BCP 47, as `zh-Hans`")]
    content_html: Annotated[str, Field(description="sanitised HTML")]
    content_text: Annotated[str, Field(description="text, one paragraph a line")]
    highlights: Annotated[
        tuple[str, ...], Field(description="the emphasised runs of the text, in order")
    ]
    date: Annotated[str | None, Field(description="calendar date of the key, `YYYY-MM-DD`")]
    date_published: Annotated[str | None, Field(description="when it was published")]
    date_modified: Annotated[str | None, Field(description="when it was last changed")]
    date_precision: Annotated[
        DatePrecision, Field(description="how much of the date the source told")
    ]
    date_source: Annotated[str | None, Field(description="where the date was found")]
    authors: Annotated[tuple[Person, ...], Field(description="persons; an outlet is a publisher")]
    editor: Annotated[str | None, Field(description="who edited it, as named")]
    publisher: Annotated[Publisher | None, Field(description="the outlet")]
    tags: Annotated[tuple[str, ...], Field(description="as written, each once")]
    image: Annotated[str | None, Field(description="the cover; adverts and random covers are none")]
    images: Annotated[
        tuple[Image, ...], Field(description="pictures of the body, in order, each once")
    ]
    links: Annotated[tuple[Link, ...], Field(description="of the body, in order, each once")]
    attachments: Annotated[tuple[Attachment, ...], Field(description="enclosures")]
    tickers: Annotated[tuple[Ticker, ...], Field(description="securities that it names, each once")]
    word_count: Annotated[int, Field(description="CJK characters plus words")]
    dedupe: Annotated[Dedupe, Field(description="what made its identity")]
    provenance: Annotated[Provenance, Field(description="where it came from")]
    first_seen_at: Annotated[str, Field(description="when its file was claimed")]
    ingested_at: Annotated[str, Field(description="when it was offered to the stream")]
    warnings: Annotated[
        tuple[str, ...], Field(description="what a reader should know of how it was read")
    ]
    extra: Annotated[
        dict[str, Any], Field(description="what the source says and has no field here")
    ]
