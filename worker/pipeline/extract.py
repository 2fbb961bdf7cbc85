"""From an entry's bytes to articles: parse and normalize.

The same bytes give the same articles, so a batch that is started again, or an archive segment that
is replayed, publishes what it published before.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

import orjson

from worker.errors import Reason
from worker.escape import printable
from worker.formats import ParseContext, parse_document
from worker.logs import get_logger
from worker.model import (
    Article,
    Decision,
    Document,
    Identity,
    Near,
    OnChange,
    Outcome,
    Profile,
    Provenance,
    PublishRequest,
    RawArticle,
    Refusal,
    Revision,
    Status,
    Story,
)
from worker.model.frozen import dataclass
from worker.normalize import Normalized, normalize
from worker.normalize.identity import file_mark, guid_mark
from worker.normalize.stories.sketch import make_marks
from worker.pipeline.failure import ParseFailure, classify_error, strict_message
from worker.settings import Settings
from worker.sites import Sites
from worker.spool.manifest import WARC, Entry, Form, Head

logger = get_logger(__name__)

_OTHER_CONTENT = (
    "an article with this title and date was published with other content: "
    'set on_change = "revise" for the source, or enqueue it with --force'
)


@dataclass(frozen=True, slots=True)
class ParsedArticle:
    """One article, parsed and normalized.

    `path` is escaped; `size` is about how many bytes it holds; `whole_file` means that its file
    holds nothing else. `mark` identifies the input that is this article and no other, if there is
    one, `guid` a feed's entry. `article` has date and key of the published record that it reads
    again, or (`is_edit`) is a later version of; its own title and date may give others, which
    become an alias (`makes_alias`).
    """

    entry: Entry
    ordinal: int
    path: str
    normalized: Normalized
    sha256: str
    whole_file: bool
    size: int
    mark: bytes | None = None
    guid: bytes | None = None
    article: Identity | None = None
    is_edit: bool = False
    makes_alias: bool = True

    @property
    def identity(self) -> Identity:
        """Date and key of the record that it is, or reads again; the content is the present one."""
        own = self.normalized.identity
        return replace(self.article, content=own.content) if self.article else own

    def record(self, ingested_at: str) -> Article:
        """The record as it is published at `ingested_at` (RFC 3339, UTC)."""
        record = self.normalized.record(ingested_at)
        if self.article is None:
            return record
        dedupe = replace(record.dedupe, key=self.article.key.hex())
        return replace(record, id=self.article.id, dedupe=dedupe)


@dataclass(frozen=True, slots=True)
class EntryReader:
    """Parses the entries of one batch. `get_profile` returns a source's profile.

    `may_refuse` is for new articles: what was published already is read again whatever its
    warnings are.
    """

    settings: Settings
    sites: Sites
    get_profile: Callable[[str], Profile]
    head: Head
    may_refuse: bool = False

    def profile(self, entry: Entry) -> Profile:
        """The profile of the entry's source."""
        return self.get_profile(entry_source(entry, self.head))

    def refuses_warnings(self, entry: Entry) -> bool:
        """Whether an article of the entry that has a warning is refused."""
        strict = self.head.strict
        return self.may_refuse and (self.profile(entry).strict if strict is None else strict)

    def context(self, entry: Entry) -> ParseContext:
        """The context for parsing an entry."""
        return ParseContext(self.profile(entry), self.sites, self.settings.limits)

    def make_request(
        self,
        item: ParsedArticle,
        *,
        ingested_at: str,
        is_known: bool = False,
        revise: Callable[[Article], tuple[Article, Revision | None]] | None = None,
        story: Story | None = None,
    ) -> PublishRequest:
        """The publish request of an article; without its data if it is probably known.

        `ingested_at` is RFC 3339, UTC. `revise` compares a record with the published one, whose
        story is `story`, and may keep fields of that. Raises whatever a bug in making the record
        raises.
        """
        profile = self.profile(item.entry)
        record = None if is_known and revise is None else item.record(ingested_at)
        revised = None
        if record and revise:
            record, revised = revise(record)
            record = replace(record, revised=revised) if revised else record
        is_reread, own = item.entry.reread is not None, item.normalized.identity
        withdraws = item.entry.form is Form.TOMBSTONE
        has_own_key = item.article is None or own.key == item.article.key
        is_marked = record is not None and profile.near is Near.MARK and not withdraws
        return PublishRequest(
            claim=f"{item.entry.number}.{item.ordinal}",
            identity=item.identity,
            raw=item.mark,
            title=item.normalized.title,
            source=profile.source,
            data=orjson.dumps(record) if record else b"",
            on_change=OnChange.DUPLICATE if is_reread else profile.on_change,
            force=revised is not None if is_reread or item.is_edit else self.head.force,
            alias=own if item.makes_alias and not has_own_key else None,
            base_revision=revised.previous if revised else 0,
            withdraw=withdraws,
            marks=make_marks(record) if record and is_marked else None,
            story=story,
            guid=item.guid,
            date=record.date if record else None,
        )

    def make_outcome(
        self, item: ParsedArticle, decision: Decision, *, ingested_at: str | None = None
    ) -> Outcome:
        """The outcome of an article. `ingested_at` is RFC 3339, UTC; None if it was not offered."""
        message = None
        first = item.article if item.guid and not item.entry.reread else None
        is_duplicate = decision.status is Status.DUPLICATE
        withdraws = item.entry.form is Form.TOMBSTONE
        content_differs = decision.content_differs and is_duplicate and not withdraws
        if content_differs and item.entry.reread is None:
            message = _OTHER_CONTENT
        if decision.collides:
            message = (
                "read again, it has the title and date of another article, "
                f"{item.normalized.identity.id}; both keep their ids: check whether they are one"
            )
        if is_duplicate and withdraws:
            message = "the article was withdrawn before, or the index does not hold it any more"
        return Outcome(
            entry=item.entry.number,
            ordinal=item.ordinal,
            status=decision.status,
            path=item.path,
            id=item.identity.id,
            title=item.normalized.title,
            date=first.date if first else item.normalized.date,
            raw_sha256=item.sha256,
            first_seen_at=first_seen_at(item.entry, self.head),
            ingested_at=ingested_at,
            stream_id=decision.stream_id,
            revision=decision.revision,
            content_differs=content_differs,
            message=message,
            warnings=item.normalized.warnings,
            story=decision.story,
        )


def entry_source(entry: Entry, head: Head) -> str:
    """The source of an entry: its own, or its batch's."""
    return entry.origin.source if entry.origin else head.source


def first_seen_at(entry: Entry, head: Head) -> str:
    """When an entry was first seen, RFC 3339."""
    if entry.reread:
        return entry.reread.seen_at
    return (entry.origin.seen_at if entry.origin else None) or head.claimed_at


def parse_entry(
    reader: EntryReader, entry: Entry, data: bytes, digest: str | None = None
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article of an entry, in order; a bad one does not stop the others.

    `digest` is the SHA-256 of `data`, if the caller has it. An error other than
    :class:`Rejected` is a bug of ours: it refuses this input as `internal`, and is logged.
    """
    digest = digest or sha256(data)
    items = _parse(reader, entry, data)
    first, second = next(items, None), next(items, None)
    if first is None:
        message = "the file contains no article: drop files that contain at least one"
        yield ParseFailure(0, Reason.NO_CONTENT, message, whole_file=True)
    elif second is None:
        mark = file_mark(digest, reader.profile(entry))
        yield normalize_item(reader, entry, 0, first, digest, whole_file=True, mark=mark)
    else:
        for ordinal, item in enumerate(chain((first, second), items)):
            yield normalize_item(reader, entry, ordinal, item, digest, whole_file=False)


def sha256(data: bytes) -> str:
    """Hex."""
    return hashlib.sha256(data).hexdigest()


def to_document(entry: Entry, data: bytes) -> Document:
    """An entry's bytes, with what the server that sent them declared."""
    url, charset = (entry.origin.url, entry.origin.charset) if entry.origin else (None, None)
    return Document(data=data, name=entry.path, url=url, charset=charset)


def _parse(
    reader: EntryReader, entry: Entry, data: bytes
) -> Iterator[RawArticle | Refusal | ParseFailure]:
    """The items that the parser yields; an error that it raises becomes the last item."""
    count = 0
    try:
        for item in parse_document(to_document(entry, data), reader.context(entry)):
            yield item
            count += 1
    except Exception as error:
        yield ParseFailure(count, *classify_error(error, entry.path), whole_file=count == 0)


def normalize_item(
    reader: EntryReader,
    entry: Entry,
    ordinal: int,
    item: RawArticle | Refusal | ParseFailure,
    digest: str,
    *,
    whole_file: bool,
    mark: bytes | None = None,
    is_final: bool = True,
) -> ParsedArticle | ParseFailure:
    """The article that a parser found, normalized; or why it is refused. One that is not final
    gets its page first: its warnings do not count yet."""
    if isinstance(item, ParseFailure):
        return item
    if isinstance(item, Refusal):
        return ParseFailure(ordinal, item.reason, item.message, whole_file)
    path = printable(entry.path, 1000)
    if item.member:
        path = f"{path}!{item.member}"
    try:
        normalized = normalize(
            item,
            profile=reader.profile(entry),
            sites=reader.sites,
            provenance=_provenance(reader, entry, item, path, digest),
            first_seen_at=first_seen_at(entry, reader.head),
            html_depth=reader.settings.limits.html_depth,
        )
    except Exception as error:
        return ParseFailure(ordinal, *classify_error(error, entry.path), whole_file)
    if is_final and normalized.warnings and reader.refuses_warnings(entry):
        problem = strict_message(normalized.warnings)
        return ParseFailure(ordinal, Reason.WARNING, problem, whole_file)
    # A polled feed is a source; of several feeds in a folder each has guids of its own.
    feed_url = (item.feed_url or "") if entry.form is Form.ANY else ""
    guid, size = guid_mark(item.guid, reader.profile(entry), feed_url), len(item.html)
    return ParsedArticle(entry, ordinal, path, normalized, digest, whole_file, size, mark, guid)


def _provenance(
    reader: EntryReader, entry: Entry, raw: RawArticle, path: str, digest: str
) -> Provenance:
    head, origin = reader.head, entry.origin
    return Provenance(
        source=reader.profile(entry).source,
        kind=origin.kind if origin else head.kind,
        path=None if origin and origin.kind != WARC else path,
        url=origin.url if origin else None,
        feed_url=origin.feed_url if origin else None,
        fetched_at=origin.fetched_at if origin else None,
        raw_sha256=digest,
        parser=raw.parser,
        job=head.job,
        merged=raw.merged or None,
    )
