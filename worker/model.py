"""What crosses the borders between the layers: frozen, and nothing but data.

The way of an input: :class:`Document` (bytes) → :class:`RawArticle` (what a format said) →
:class:`Article` (the record) → :class:`Outcome` (what became of it).

:class:`Article` *is* the record: its fields, in this order, are the JSON object that consumers
read, with the item names of JSON Feed 1.1 where it has them. The shipped JSON Schema is made
from it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from worker.errors import Reason

SCHEMA_VERSION = 1


# ── in ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Document:
    """One input as bytes, with what is known about it from outside.

    `name` is for people and hints only (never opened); `charset` is what a transport declared.
    """

    data: bytes
    name: str = ""
    url: str | None = None
    media_type: str | None = None
    charset: str | None = None


class Scope(StrEnum):
    """What is added to the dedupe key beside title and date."""

    GLOBAL = "global"
    SOURCE = "source"
    URL = "url"
    CONTENT = "content"


class OnChange(StrEnum):
    """What becomes of a known article whose content differs."""

    DUPLICATE = "duplicate"
    REVISE = "revise"


@dataclass(frozen=True, slots=True)
class Profile:
    """What the operator said about a source; everything that normalizing depends on.

    `time_zone` reads the source's naive dates. `key_zone` is the one zone in which every
    article's calendar date is taken. With `trust_naive_dates` off, a date without a zone is
    taken for the time of a crawl and does not enter the key.
    """

    source: str
    time_zone: ZoneInfo
    key_zone: ZoneInfo
    trust_naive_dates: bool = True
    scope: Scope = Scope.GLOBAL
    on_change: OnChange = OnChange.DUPLICATE
    site: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class DateText:
    """A date as found. `text` is unparsed; `origin` says where it stood (`front-matter:date`)."""

    text: str
    origin: str


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


@dataclass(frozen=True, slots=True)
class RawArticle:
    """What one format said about one article; nothing interpreted, only told apart.

    `html` is the body as HTML (a parser renders Markdown and wraps plain text); it is not yet
    cleaned or sanitised. `dates` and `modified` are in order of trust. `authors` are names as
    written, possibly an outlet's. `extra` holds what has no field, as JSON-able values.
    `member` is the escaped path within an archive.
    """

    parser: str
    html: str
    title: str | None = None
    dates: tuple[DateText, ...] = ()
    modified: tuple[DateText, ...] = ()
    authors: tuple[Person, ...] = ()
    editor: str | None = None
    publisher: Publisher | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    url: str | None = None
    external_url: str | None = None
    base_url: str | None = None
    feed_url: str | None = None
    summary: str | None = None
    image: str | None = None
    attachments: tuple[Attachment, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    site: str | None = None
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """One article of a file of many that cannot be read; the others go on.

    `raw` is the part of the file that is bad, as far as it can be told apart.
    """

    reason: Reason
    message: str
    raw: bytes


# ── out ─────────────────────────────────────────────────────────────────────────────────────

Url = str
DatePrecision = Literal["second", "minute", "day", "unknown"]


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


class Status(StrEnum):
    """What became of an article."""

    PUBLISHED = "published"
    REVISED = "revised"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of a journal: what an article of a batch was and what became of it, and why.

    `entry` is the file's number in its batch, `ordinal` the article's number in the file.
    `path` is escaped for showing. `reason` and `message` are set when rejected (and tell of
    `content_differs` when a duplicate); `quarantine` is the id of the quarantined bytes.
    `whole_file` is set on a rejection that stands for the entire file.
    """

    entry: int
    ordinal: int
    status: Status
    path: str
    id: str | None = None
    title: str | None = None
    date: str | None = None
    raw_sha256: str | None = None
    stream_id: str | None = None
    revision: int = 1
    content_differs: bool = False
    first_seen_at: str | None = None
    ingested_at: str | None = None
    reason: Reason | None = None
    message: str | None = None
    quarantine: str | None = None
    whole_file: bool = False
    warnings: tuple[str, ...] = ()


# ── the door to the stream ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Identity:
    """What an article is, for the index.

    `date` is the key's calendar date or None; `key` 12 bytes; `content` 8 bytes (the hash of
    the normalized content).
    """

    date: str | None
    key: bytes
    content: bytes

    @property
    def id(self) -> str:
        """`20211126-<24 hex>`; `undated-<24 hex>` where the key has no date."""
        return f"{self.date.replace('-', '') if self.date else 'undated'}-{self.key.hex()}"


@dataclass(frozen=True, slots=True)
class Offer:
    """One article offered to the stream.

    `claim` names the article within its batch (`<entry>.<ordinal>`): the same claim offered
    again gets the same answer. `raw` is 8 bytes that stand for the input's bytes and profile
    where the whole input is this one article, else None. `force` publishes a known article
    anew, as a revision. `data` is the record as UTF-8 JSON.
    """

    claim: str
    identity: Identity
    raw: bytes | None
    title: str
    source: str
    data: bytes
    on_change: OnChange = OnChange.DUPLICATE
    force: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What the script decided about an offer.

    `stream_id` is the entry written now or, for a duplicate, None. `known_since_ms` is when the
    key was first published (Unix, milliseconds).
    """

    status: Status
    stream_id: str | None
    revision: int
    known_since_ms: int
    content_differs: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The mark of an article in the index.

    `since_ms` and `latest_ms` are when its first and its newest revision were published (Unix,
    milliseconds). The index keeps only the first 6 bytes of `identity.content`.
    """

    identity: Identity
    since_ms: int
    revision: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one batch (or of many, added up); applied once a batch."""

    archived: int = 0
    quarantined: int = 0
    published: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    content_differs: int = 0
