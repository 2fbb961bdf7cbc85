"""What comes in: bytes, and what a format said about each article in them."""

from dataclasses import dataclass, field
from typing import Any

from worker.errors import Reason
from worker.model.record import Attachment, Person, Publisher


@dataclass(frozen=True, slots=True)
class Document:
    """One input as bytes, with what is known about it from outside.

    `name` is for people and hints only (never opened); `charset` is what a transport declared.
    """

    data: bytes
    name: str = ""
    url: str | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class DateText:
    """A date as found. `text` is unparsed; `origin` says where it stood (`front-matter:date`)."""

    text: str
    origin: str


@dataclass(frozen=True, slots=True)
class RawArticle:
    """What one format said about one article; nothing interpreted, only told apart.

    `html` is the body as HTML (a parser renders Markdown and wraps plain text); it is not yet
    cleaned or sanitised. `dates` and `modified` are in order of trust. `authors` are names as
    written, possibly an outlet's. `extra` holds what has no field, as JSON-able values.
    `member` is the escaped path within an archive. `merged` tells, where an entry of a feed and its
    page were both read, which of the two a field is from: `feed` or `page`.
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
    merged: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One article of a file of many that cannot be read; the others go on.

    `raw` is the part of the file that is bad, as far as it can be told apart.
    """

    reason: Reason
    message: str
    raw: bytes
