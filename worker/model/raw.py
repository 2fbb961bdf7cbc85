"""Input: bytes, and the articles that a parser found in them."""

from dataclasses import field
from typing import Any

from worker.errors import Reason
from worker.model.frozen import dataclass
from worker.model.record import Attachment, Person, Publisher
from worker.model.warning import RecordWarning


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one input.

    `name` is shown and gives hints, and is never opened; `charset` is what the server declared.
    """

    data: bytes
    name: str = ""
    url: str | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class DateText:
    """A date as written. `origin` says where it was found, as `front-matter:date`."""

    text: str
    origin: str


@dataclass(frozen=True, slots=True)
class RawArticle:
    """One article as a parser found it, before normalizing.

    `html` is the body as HTML (a parser renders Markdown and wraps plain text), not yet sanitised.
    `dates` and `modified` are in order of trust. `authors` are names as written, possibly an
    outlet's. `extra` holds what has no field, as JSON values. `member` is the escaped path within
    an archive. If a feed entry and its page were merged, `merged` names the origin of each field:
    `feed` or `page`. `guid` identifies a feed's entry within the feed. `url` is the address as
    given; `canonical_url` the one that its page declares, if that is plausible. With `has_run_time`
    a date without a zone is the time when a mirror ran.
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
    canonical_url: str | None = None
    external_url: str | None = None
    base_url: str | None = None
    feed_url: str | None = None
    guid: str | None = None
    summary: str | None = None
    image: str | None = None
    attachments: tuple[Attachment, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[RecordWarning, ...] = ()
    site: str | None = None
    member: str | None = None
    merged: dict[str, str] = field(default_factory=dict)
    has_run_time: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """One article of a file that cannot be parsed; the others of the file are.

    The whole file is kept for it, and retried: alone a part would be read by other rules, and what
    an archive unpacks to may be a million times what was dropped. `raw` is the bad entry of a
    sitemap, by which a later poll recognises it.
    """

    reason: Reason
    message: str
    raw: bytes | None = None
