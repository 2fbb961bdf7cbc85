"""Publishing: the identity of an article, the request, the decision, and the outcome."""

from enum import StrEnum

from worker.errors import Reason
from worker.model.frozen import dataclass
from worker.model.source import OnChange


class Status(StrEnum):
    """The status of an article's outcome.

    WITHDRAWN: a tombstone is in the stream. DEFERRED: it is new, and is published once its page is
    fetched. READ is the status of a feed document or a WARC file, not of an article: new and
    changed entries have outcomes of their own, and so have pages.
    """

    PUBLISHED = "published"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    READ = "read"

    @property
    def has_record(self) -> bool:
        """Whether an entry of the stream has the article's record."""
        return self in (Status.PUBLISHED, Status.REVISED)

    @property
    def has_entry(self) -> bool:
        """Whether an entry of the stream has the article's record or its withdrawal."""
        return self.has_record or self is Status.WITHDRAWN


DECISIONS = (Status.PUBLISHED, Status.REVISED, Status.WITHDRAWN, Status.DUPLICATE, Status.REJECTED)
"""The final statuses of an article, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of an article in the index.

    `date` is the calendar date in the key, or None; `key` has 12 bytes; `content` is the hash of
    the normalized content, 8 bytes.
    """

    date: str | None
    key: bytes
    content: bytes

    @property
    def id(self) -> str:
        """`20211126-<24 hex>`; `undated-<24 hex>` where the key has no date."""
        return f"{self.date.replace('-', '') if self.date else 'undated'}-{self.key.hex()}"


@dataclass(frozen=True, slots=True)
class Story:
    """The story that an article tells: articles of the same story have the same `id`.

    It is the id of the story's first article. `near_duplicate_of` is the id of the first article
    that is valid, None if that is this one. `similarity` is from 0 to 1, between these two.
    """

    id: str
    near_duplicate_of: str | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class StoryMarks:
    """The marks that recognise an article in another one.

    `bands` are eight of 8 bytes: two texts with much in common share one of them; behind them, or
    alone, is that of the address. `sketch` tells how much two texts have in common (96 bytes); only
    `normalize.stories` and the script read it.
    """

    bands: bytes
    sketch: bytes


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A request to publish one article.

    `claim` names the article within its batch (`<entry>.<ordinal>`): the same claim gets the same
    decision again. `raw` is an 8-byte hash of the input's bytes and profile if the whole input is
    this one article, else None. `force` publishes a known article again, as a revision. `data` is
    the record as UTF-8 JSON. It may be empty if the article is probably known: if the index does
    not hold it, nothing is decided and the request must be repeated with its data.

    An article that was read again has the `identity` of the record that it reads again, and as
    `alias` the identity that it would have now, if that is another one. `base_revision` is the
    revision that the data was compared with (0: none): another one gives no decision. `withdraw`
    publishes a tombstone of a known article.

    `guid` is an 8-byte hash of a feed entry's guid: a later entry with it is looked up by that.
    `date` is the record's, if it is not that of the alias or identity.

    With `marks` the story of an article that is appended is decided, too; with `story` it is that
    one: a revision, and what is published again, keep their story.
    """

    claim: str
    identity: Identity
    raw: bytes | None
    title: str
    source: str
    data: bytes
    on_change: OnChange = OnChange.DUPLICATE
    force: bool = False
    alias: Identity | None = None
    base_revision: int = 0
    withdraw: bool = False
    marks: StoryMarks | None = None
    story: Story | None = None
    guid: bytes | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of the publish script about a request.

    `stream_id` is the stream entry of this article; None for a duplicate. `first_published_ms` is
    when the key was first published (Unix, milliseconds). With `collides` the alias is the key of
    another article, and stays it. If the requested key is an alias, nothing was decided: `target`
    has date and key of the article to ask for. `story` is None unless near-duplicates are marked.
    """

    status: Status
    stream_id: str | None = None
    revision: int = 1
    first_published_ms: int = 0
    content_differs: bool = False
    collides: bool = False
    target: Identity | None = None
    story: Story | None = None


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """The entry of the index for an article.

    Its first and its newest revision were published at `first_published_ms` and
    `last_published_ms` (Unix, milliseconds). The index keeps only the first 6 bytes of
    `identity.content`.
    """

    identity: Identity
    first_published_ms: int
    revision: int
    last_published_ms: int
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class FeedRead:
    """A feed document as a whole. The names are those of the journal.

    `unchanged` of its `entries` are as they were at the last poll. `prints` has the fingerprints of
    the entries, 12 hex digits each, and `refused` those of entries that cannot be read. The feed
    asks not to be polled for `hold_seconds`.
    """

    entries: int
    unchanged: int
    prints: str
    hold_seconds: int = 0
    title: str | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one article of a batch, and why: one line of a journal, which has these names.

    `entry` is the file's number in its batch, `ordinal` the article's number in the file. `path` is
    escaped. `reason` is set if the article was rejected, `message` also if it is a duplicate whose
    content differs, and for a WARC file (READ, ordinal -1): what it holds. `quarantine` is the id
    of the quarantined bytes. `whole_file` means that the entire file was rejected. `feed` is set if
    this is about a feed document (READ, ordinal -1).
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
    story: Story | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Entry and ordinal, which identify the article in its batch."""
        return self.entry, self.ordinal


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one batch, or of many together. Each batch is counted once."""

    archived: int = 0
    quarantined: int = 0
    published: int = 0
    revised: int = 0
    withdrawn: int = 0
    duplicate: int = 0
    rejected: int = 0
    content_differs: int = 0
    deferred: int = 0
    unchanged: int = 0
