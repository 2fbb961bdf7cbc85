"""The record: :class:`Article` and its parts.

The fields, in this order, are the JSON object that consumers read. Their names are those of JSON
Feed 1.1 where it has such an item. The JSON Schema (`newsdrop schema`) and the tables of
`docs/record.md` are generated from these classes. They have no slots: orjson writes an article with
slots in 8.8 µs, one without in 2.9.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import Field
from pydantic.fields import FieldInfo

from worker.model.frozen import dataclass
from worker.model.source import Scope

SCHEMA_VERSION = 1

DatePrecision = Literal["second", "minute", "day", "unknown"]


def _doc(description: str) -> FieldInfo:
    """Describes a field, for the JSON Schema and the documents."""
    return cast("FieldInfo", Field(description=description))


@dataclass(frozen=True, slots=False)
class Person:
    """A human author, not an outlet."""

    name: Annotated[str, _doc("as written")]
    url: Annotated[str | None, _doc("address of a page about the person")] = None


@dataclass(frozen=True, slots=False)
class Publisher:
    """The outlet that published the article."""

    name: Annotated[str, _doc("as `新浪财经`")]
    url: Annotated[str | None, _doc("address of its front page")] = None


@dataclass(frozen=True, slots=False)
class Image:
    """A picture in the article. Missing values are null; width and height are in CSS pixels."""

    url: Annotated[str, _doc("absolute, or a path in a file without an address; no image proxy")]
    alt: Annotated[str | None, _doc("alternative text")] = None
    caption: Annotated[str | None, _doc("text below the picture")] = None
    width: Annotated[int | None, _doc("CSS pixels")] = None
    height: Annotated[int | None, _doc("CSS pixels")] = None


@dataclass(frozen=True, slots=False)
class Link:
    """A hyperlink in the body, with its visible text."""

    url: Annotated[str, _doc("absolute; http, https or mailto")]
    text: Annotated[str, _doc("visible text")]


@dataclass(frozen=True, slots=False)
class Attachment:
    """A file attached to the article (an enclosure)."""

    url: Annotated[str, _doc("absolute")]
    mime_type: Annotated[str | None, _doc("as declared")] = None
    title: Annotated[str | None, _doc("as declared")] = None


class TickerOrigin(StrEnum):
    """The place of a ticker. `auto-link`: the site automatically linked an ordinary word."""

    TEXT = "text"
    LINK = "link"
    AUTO_LINK = "auto-link"
    COMMENT = "comment"


@dataclass(frozen=True, slots=False)
class Ticker:
    """A security the article names. `exchange` is an ISO 10383 MIC."""

    symbol: Annotated[str, _doc("code and market, as `300959.SZ`, `AAPL.US`")]
    exchange: Annotated[str | None, _doc("ISO 10383 market identifier, as `XSHE`")]
    name: Annotated[str | None, _doc("name used in the article")]
    origin: Annotated[
        TickerOrigin,
        _doc("where it was found; `auto-link`: a word that the site linked automatically"),
    ]


@dataclass(frozen=True, slots=False)
class Dedupe:
    """The parts of the article's identity."""

    key: Annotated[str, _doc("hex of the 96-bit key")]
    title: Annotated[str, _doc("the normalized title in the key")]
    scope: Annotated[Scope, _doc("what the key contains beside title and date")]
    content_hash: Annotated[str, _doc("hex of the 64-bit hash of the content")]


@dataclass(frozen=True, slots=False)
class Provenance:
    """The origin of the article. Times are RFC 3339, UTC."""

    source: Annotated[str, _doc("name of the folder or feed, or `manual`")]
    kind: Annotated[
        str, _doc("how it was received: folder, bucket, enqueue, feed, page, recheck, warc")
    ]
    path: Annotated[str | None, _doc("escaped path below the source's folder")] = None
    url: Annotated[str | None, _doc("address it was fetched from")] = None
    link: Annotated[
        str | None, _doc("address of the article as its source gives it, if `url` is another one")
    ] = None
    feed_url: Annotated[str | None, _doc("address of the feed that lists it")] = None
    fetched_at: Annotated[str | None, _doc("time of the fetch")] = None
    raw_sha256: Annotated[str, _doc("SHA-256 of the original bytes, hex")] = ""
    parser: Annotated[str, _doc("the format it was parsed as")] = ""
    job: Annotated[str | None, _doc("the job it belongs to")] = None
    merged: Annotated[
        dict[str, str] | None,
        _doc("with full text: whether a field is from the `feed` or the `page`"),
    ] = None


class ChangeKind(StrEnum):
    """The change of a field or a paragraph. `replaced`: the whole text is new, or has more changes
    than are listed."""

    ADDED = "added"
    REMOVED = "removed"
    EDITED = "edited"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=False)
class Change:
    """One difference to the revision before. To apply a list of changes, apply each in its order:
    `paragraph` counts the paragraphs that the changes before it have left."""

    field: Annotated[str, _doc("`title`, `date`, `date_published` or `content_text`")]
    kind: Annotated[ChangeKind, _doc("what happened; `replaced`: read the field of the record")]
    paragraph: Annotated[int | None, _doc("number of the paragraph in `content_text`, from 0")]
    old: Annotated[str | None, _doc("before; null where it is added or replaced")]
    new: Annotated[str | None, _doc("after; null where it is removed or replaced")]


class RevisionReason(StrEnum):
    """Why an article was published again."""

    CHANGED = "changed"
    FORCED = "forced"
    REPARSE = "reparse"
    RECHECK = "recheck"


@dataclass(frozen=True, slots=False)
class Revision:
    """The differences of a revision from the one before it."""

    reason: Annotated[
        RevisionReason,
        _doc(
            "`changed`: its source had it again; `forced`: enqueued with `--force`; "
            "`reparse`: read again by other rules; `recheck`: its page was fetched again"
        ),
    ]
    previous: Annotated[int, _doc("number of the revision before")]
    fields: Annotated[tuple[str, ...], _doc("names of the fields that differ")]
    changes: Annotated[
        tuple[Change, ...],
        _doc("changes of title, dates and text; all `replaced` if the revision before is gone"),
    ]


@dataclass(frozen=True, slots=False)
class Article:
    """The record. Times are RFC 3339 in UTC (`Z`); every string is valid Unicode."""

    id: Annotated[str, _doc("key date and 96-bit key: `20211126-<24 hex digits>`")]
    schema_version: Annotated[
        int, _doc("version of this schema; raised when a field changes its meaning")
    ]
    title: Annotated[str, _doc("one line, without the site's suffix")]
    url: Annotated[
        str | None, _doc("canonical address of the article, without tracking parameters")
    ]
    external_url: Annotated[
        str | None, _doc("address of the page that the article is about, if it is another one")
    ]
    summary: Annotated[str | None, _doc("as the source gives it; one line")]
    language: Annotated[str | None, _doc("BCP 47, as `zh-Hans`")]
    content_html: Annotated[str, _doc("sanitised HTML")]
    content_text: Annotated[str, _doc("plain text, one paragraph per line")]
    highlights: Annotated[tuple[str, ...], _doc("emphasised passages of the text, in order")]
    date: Annotated[str | None, _doc("calendar date in the key, `YYYY-MM-DD`")]
    date_published: Annotated[str | None, _doc("time of publication")]
    date_modified: Annotated[str | None, _doc("time of the last change")]
    date_precision: Annotated[
        DatePrecision, _doc("how precise the date is; `unknown`, too, for a mirror's run")
    ]
    date_source: Annotated[str | None, _doc("where the date was found")]
    authors: Annotated[tuple[Person, ...], _doc("persons; an outlet is in `publisher`")]
    editor: Annotated[str | None, _doc("name of the editor")]
    publisher: Annotated[Publisher | None, _doc("the outlet")]
    tags: Annotated[tuple[str, ...], _doc("as written, without repeats")]
    image: Annotated[str | None, _doc("cover picture; adverts and random covers are left out")]
    images: Annotated[tuple[Image, ...], _doc("pictures in the body, in order, without repeats")]
    links: Annotated[tuple[Link, ...], _doc("links in the body, in order, without repeats")]
    attachments: Annotated[tuple[Attachment, ...], _doc("attached files")]
    tickers: Annotated[
        tuple[Ticker, ...], _doc("securities that the article names, without repeats")
    ]
    word_count: Annotated[int, _doc("CJK characters plus words")]
    dedupe: Annotated[Dedupe, _doc("how duplicates are recognised")]
    provenance: Annotated[Provenance, _doc("where the article comes from")]
    first_seen_at: Annotated[str, _doc("when its file was accepted")]
    ingested_at: Annotated[str, _doc("when it was published to the stream")]
    warnings: Annotated[
        tuple[str, ...], _doc("problems found while parsing: `<kind>: <what happened>`, see below")
    ]
    extra: Annotated[dict[str, Any], _doc("data of the source that has no field here")]
    revised: Annotated[
        Revision | None, _doc("of a revision: how it differs from the one before it")
    ] = None


class WithdrawalReason(StrEnum):
    """Why an article was withdrawn."""

    RETRACTED = "retracted"
    GONE = "gone"
    NOTICE = "notice"


@dataclass(frozen=True, slots=False)
class Withdrawal:
    """The data of an entry `article.withdrawn`: the article is not valid any more."""

    id: Annotated[str, _doc("of the article")]
    schema_version: Annotated[int, _doc("version of this schema")]
    title: Annotated[str, _doc("of the article, as last published, or empty")]
    date: Annotated[str | None, _doc("of the article, `YYYY-MM-DD`")]
    url: Annotated[str | None, _doc("address of the article")]
    withdrawn_at: Annotated[str, _doc("when that was decided; RFC 3339, UTC")]
    reason: Annotated[
        WithdrawalReason,
        _doc(
            "`retracted`: by `newsdrop retract`; `gone`: its page was answered by 404 or 410 "
            "twice; `notice`: its page shows that it was removed"
        ),
    ]
    detail: Annotated[str, _doc("the reason that a person gave, or what was found")]
