"""The door to the stream: what an article is, what is offered, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from worker.errors import Reason
from worker.model.source import OnChange


class Status(StrEnum):
    """What became of an article.

    DEFERRED: it is new, and published when its page was fetched. READ is said of a feed's document,
    not of an article: those of its entries that are new or changed have lines of their own.
    """

    PUBLISHED = "published"
    REVISED = "revised"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    READ = "read"


DECISIONS = (Status.PUBLISHED, Status.REVISED, Status.DUPLICATE, Status.REJECTED)
"""What an article comes to in the end."""


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
class PublishRequest:
    """One article offered to the stream.

    `claim` names the article within its batch (`<entry>.<ordinal>`): the same claim offered
    again gets the same answer. `raw` is 8 bytes that stand for the input's bytes and profile
    where the whole input is this one article, else None. `force` publishes a known article
    anew, as a revision. `data` is the record as UTF-8 JSON; it may be left out (empty) where the
    article is expected to be known: if it is not, nothing is decided and the data is asked for.
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
class IndexEntry:
    """The mark of an article in the index.

    `since_ms` and `latest_ms` are when its first and its newest revision were published (Unix,
    milliseconds). The index keeps only the first 6 bytes of `identity.content`.
    """

    identity: Identity
    since_ms: int
    revision: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class FeedRead:
    """What a feed's document said as a whole.

    `unchanged` of its `entries` are as they were when they were published; `prints` are 12 hex
    digits an entry, of what it is in its feed, `refused` those of entries that cannot be read;
    `hold_seconds` is how long the feed asks to be left.
    """

    entries: int
    unchanged: int
    prints: str
    hold_seconds: int = 0
    title: str | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of a journal: what an article of a batch was and what became of it, and why.

    `entry` is the file's number in its batch, `ordinal` the article's number in the file.
    `path` is escaped for showing. `reason` and `message` are set when rejected (and tell of
    `content_differs` when a duplicate); `quarantine` is the id of the quarantined bytes.
    `whole_file` is set on a rejection that stands for the entire file. `feed` is set where the line
    is about a feed's document (READ, ordinal -1).
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
    feed: FeedRead | None = None


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
    deferred: int = 0
    unchanged: int = 0
