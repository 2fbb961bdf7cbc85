"""The record: :class:`Article` and its parts.

The fields, in this order, are the JSON object that consumers read. Their names are those of JSON
Feed 1.1 where it has such an item. The JSON Schema (`newsdrop schema`) and the tables of
`docs/record.md` are generated from these classes.
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
    url: Annotated[str | None, Field(description="address of a page about the person")] = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """The outlet that published the article."""

    name: Annotated[str, Field(description="as `新浪财经`")]
    url: Annotated[str | None, Field(description="address of its front page")] = None


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in the article. Missing values are null; width and height are in CSS pixels."""

    url: Annotated[str, Field(description="absolute; without a mirror's image proxy")]
    alt: Annotated[str | None, Field(description="alternative text")] = None
    caption: Annotated[str | None, Field(description="text below the picture")] = None
    width: Annotated[int | None, Field(description="CSS pixels")] = None
    height: Annotated[int | None, Field(description="CSS pixels")] = None


@dataclass(frozen=True, slots=True)
class Link:
    """A hyperlink in the body, with its visible text."""

    url: Annotated[str, Field(description="absolute; http, https or mailto")]
    text: Annotated[str, Field(description="visible text")]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file attached to the article (an enclosure)."""

    url: Annotated[str, Field(description="absolute")]
    mime_type: Annotated[str | None, Field(description="as declared")] = None
    title: Annotated[str | None, Field(description="as declared")] = None


class TickerOrigin(StrEnum):
    """Where a ticker was found. `auto-link`: the site automatically linked an ordinary word."""

    TEXT = "text"
    LINK = "link"
    AUTO_LINK = "auto-link"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Ticker:
    """A security the article names. `exchange` is an ISO 10383 MIC."""

    symbol: Annotated[str, Field(description="code and market, as `300959.SZ`, `AAPL.US`")]
    exchange: Annotated[str | None, Field(description="ISO 10383 market identifier, as `XSHE`")]
    name: Annotated[str | None, Field(description="name used in the article")]
    origin: Annotated[
        TickerOrigin,
        Field(
            description="where it was found; `auto-link`: a word that the site linked automatically"
        ),
    ]


@dataclass(frozen=True, slots=True)
class Dedupe:
    """The parts of the article's identity."""

    key: Annotated[str, Field(description="hex of the 96-bit key")]
    title: Annotated[str, Field(description="the normalized title in the key")]
    scope: Annotated[Scope, Field(description="what the key contains beside title and date")]
    content_hash: Annotated[str, Field(description="hex of the 64-bit hash of the content")]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the article came from. Times are RFC 3339, UTC."""

    source: Annotated[str, Field(description="name of the folder or feed, or `manual`")]
    kind: Annotated[str, Field(description="how it was received: folder, enqueue, feed, page")]
    path: Annotated[str | None, Field(description="escaped path below the source's folder")] = None
    url: Annotated[str | None, Field(description="address it was fetched from")] = None
    feed_url: Annotated[str | None, Field(description="address of the feed that lists it")] = None
    fetched_at: Annotated[str | None, Field(description="time of the fetch")] = None
    raw_sha256: Annotated[str, Field(description="SHA-256 of the original bytes, hex")] = ""
    parser: Annotated[str, Field(description="the format it was parsed as")] = ""
    job: Annotated[str | None, Field(description="the job it belongs to")] = None
    merged: Annotated[
        dict[str, str] | None,
        Field(description="with full text: whether a field is from the `feed` or the `page`"),
    ] = None


@dataclass(frozen=True, slots=True)
class Article:
    """The record. Times are RFC 3339 in UTC (`Z`); every string is valid Unicode."""

    id: Annotated[str, Field(description="key date and 96-bit key: `20211126-<24 hex digits>`")]
    schema_version: Annotated[
        int, Field(description="version of this schema; raised when a field changes its meaning")
    ]
    title: Annotated[str, Field(description="one line, without the site's suffix")]
    url: Annotated[str | None, Field(description="address of the article")]
    external_url: Annotated[
        str | None,
        Field(description="address of the page that the article is about, if it is another one"),
    ]
    summary: Annotated[str | None, Field(description="as the source gives it; one line")]
    language: Annotated[str | None, Field(description="BCP 47, as `zh-Hans`")]
    content_html: Annotated[str, Field(description="sanitised HTML")]
    content_text: Annotated[str, Field(description="plain text, one paragraph per line")]
    highlights: Annotated[
        tuple[str, ...], Field(description="emphasised passages of the text, in order")
    ]
    date: Annotated[str | None, Field(description="calendar date in the key, `YYYY-MM-DD`")]
    date_published: Annotated[str | None, Field(description="time of publication")]
    date_modified: Annotated[str | None, Field(description="time of the last change")]
    date_precision: Annotated[DatePrecision, Field(description="how precise the source's date is")]
    date_source: Annotated[str | None, Field(description="where the date was found")]
    authors: Annotated[
        tuple[Person, ...], Field(description="persons; an outlet is in `publisher`")
    ]
    editor: Annotated[str | None, Field(description="name of the editor")]
    publisher: Annotated[Publisher | None, Field(description="the outlet")]
    tags: Annotated[tuple[str, ...], Field(description="as written, without repeats")]
    image: Annotated[
        str | None, Field(description="cover picture; adverts and random covers are left out")
    ]
    images: Annotated[
        tuple[Image, ...], Field(description="pictures in the body, in order, without repeats")
    ]
    links: Annotated[
        tuple[Link, ...], Field(description="links in the body, in order, without repeats")
    ]
    attachments: Annotated[tuple[Attachment, ...], Field(description="attached files")]
    tickers: Annotated[
        tuple[Ticker, ...], Field(description="securities that the article names, without repeats")
    ]
    word_count: Annotated[int, Field(description="CJK characters plus words")]
    dedupe: Annotated[Dedupe, Field(description="how duplicates are recognised")]
    provenance: Annotated[Provenance, Field(description="where the article comes from")]
    first_seen_at: Annotated[str, Field(description="when its file was accepted")]
    ingested_at: Annotated[str, Field(description="when it was published to the stream")]
    warnings: Annotated[tuple[str, ...], Field(description="problems found while parsing")]
    extra: Annotated[dict[str, Any], Field(description="data of the source that has no field here")]
