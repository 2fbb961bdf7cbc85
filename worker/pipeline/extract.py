"""From an entry's bytes to offers: parse, normalize, and what is noted of each article.

Pure but for the time it is handed: the same bytes give the same offers, so a batch begun again,
or an archive segment replayed, offers what was offered before.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from worker.errors import Reason, Rejected, Retryable
from worker.escape import printable
from worker.formats import ParseContext, parse_document
from worker.logs import get_logger
from worker.model import (
    Document,
    OnChange,
    Outcome,
    Profile,
    Provenance,
    PublishRequest,
    RawArticle,
    Refusal,
    Scope,
    Status,
)
from worker.normalize import Normalized, normalize
from worker.settings import Settings
from worker.sites import Sites
from worker.spool.manifest import Entry, Head

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ParsedArticle:
    """One article read. `alone`: the file holds nothing else. `path` is escaped; `weight` is
    about how many bytes it holds; `mark` stands for the input that is this article and no other,
    if there is one."""

    entry: Entry
    ordinal: int
    path: str
    normalized: Normalized
    sha256: str
    alone: bool
    weight: int
    mark: bytes | None = None


@dataclass(frozen=True, slots=True)
class ParseFailure:
    """One article, or with `whole_file` everything, that could not be read, and why."""

    ordinal: int
    reason: Reason
    message: str
    raw: bytes
    whole_file: bool


@dataclass(frozen=True, slots=True)
class EntryReader:
    """What reading the entries of one batch needs. `profile_of` tells how a source's are read."""

    settings: Settings
    sites: Sites
    profile_of: Callable[[str], Profile]
    head: Head

    def profile(self, entry: Entry) -> Profile:
        """How an entry is read and keyed: as its own source's, where it has one."""
        return self.profile_of(source_of(entry, self.head))

    def context(self, entry: Entry) -> ParseContext:
        """How an entry is parsed."""
        return ParseContext(self.profile(entry), self.sites, self.settings.limits)

    def offer(
        self, item: ParsedArticle, *, ingested_at: str, known: bool = False
    ) -> PublishRequest:
        """The offer of an article; of one that is probably `known` without its data.

        `ingested_at` is RFC 3339, UTC. Raises what a bug in making the record raises.
        """
        normalized, profile = item.normalized, self.profile(item.entry)
        lean = known and not self.head.force and profile.on_change is OnChange.DUPLICATE
        data = b"" if lean else orjson.dumps(replace(normalized.article, ingested_at=ingested_at))
        return PublishRequest(
            claim=f"{item.entry.number}.{item.ordinal}",
            identity=normalized.identity,
            raw=item.mark,
            title=normalized.title,
            source=profile.source,
            data=data,
            on_change=profile.on_change,
            force=self.head.force,
        )

    def outcome(self, item: ParsedArticle, *, ingested_at: str) -> Outcome:
        """What is noted of an article, before it is decided what became of it."""
        return Outcome(
            entry=item.entry.number,
            ordinal=item.ordinal,
            status=Status.PUBLISHED,
            path=item.path,
            id=item.normalized.identity.id,
            title=item.normalized.title,
            date=item.normalized.date,
            raw_sha256=item.sha256,
            first_seen_at=first_seen(item.entry, self.head),
            ingested_at=ingested_at,
            warnings=item.normalized.warnings,
        )


def source_of(entry: Entry, head: Head) -> str:
    """The source of an entry: its own, else the batch's."""
    return entry.origin.source if entry.origin else head.source


def first_seen(entry: Entry, head: Head) -> str:
    """When an entry was first seen, RFC 3339."""
    return (entry.origin.seen_at if entry.origin else None) or head.claimed_at


def parse_entry(
    reader: EntryReader, entry: Entry, data: bytes, digest: str | None = None
) -> Iterator[ParsedArticle | ParseFailure]:
    """Every article of an entry, in order; one that is bad does not stop the others.

    `digest` is the SHA-256 of `data`, where it is known already.

    An error that is no :class:`Rejected` is a bug of ours: it refuses this input with
    `internal`, and is logged.
    """
    digest = digest or sha256(data)
    mark = raw_mark(digest, reader.profile(entry))
    ordinal = -1
    pending: RawArticle | Refusal | ParseFailure | None = None
    articles = _guarded(reader, entry, data)
    for ordinal, read in enumerate(articles):
        if pending is not None:
            yield item_of(reader, entry, ordinal - 1, pending, digest, alone=False)
        pending = read
    if pending is None:
        message = "there is no article in it: drop files that hold at least one"
        yield ParseFailure(0, Reason.NO_CONTENT, message, data, whole_file=True)
    elif ordinal:
        yield item_of(reader, entry, ordinal, pending, digest, alone=False)
    else:
        yield item_of(reader, entry, 0, pending, digest, alone=True, mark=mark)


def raw_mark(digest: str, profile: Profile) -> bytes:
    """8 bytes for a file's bytes (their SHA-256) and all that its source has to do with its key."""
    return hashlib.blake2b(digest.encode(), digest_size=8, key=_source_key(profile)).digest()


def entry_mark(said: bytes, profile: Profile) -> bytes:
    """The same for all that an entry of a feed says: unchanged, it is known without reading."""
    return hashlib.blake2b(said, digest_size=8, key=_source_key(profile)).digest()


@lru_cache(maxsize=256)
def _source_key(profile: Profile) -> bytes:
    scoped = profile.source if profile.scope is not Scope.GLOBAL else ""
    parts = (scoped, profile.scope, profile.time_zone.key, profile.key_zone.key, profile.site or "")
    about = "\0".join((*parts, str(profile.trust_naive_dates)))
    return hashlib.blake2b(about.encode()).digest()


def sha256(data: bytes) -> str:
    """Hex."""
    return hashlib.sha256(data).hexdigest()


def document_of(entry: Entry, data: bytes) -> Document:
    """An entry's bytes with what is known of them from where they were fetched."""
    origin = entry.origin
    return Document(
        data=data,
        name=entry.path,
        url=origin.url if origin else None,
        charset=origin.charset if origin else None,
    )


def _guarded(
    reader: EntryReader, entry: Entry, data: bytes
) -> Iterator[RawArticle | Refusal | ParseFailure]:
    """What the parser yields; what it raises becomes the last item."""
    document = document_of(entry, data)
    count = 0
    try:
        for item in parse_document(document, reader.context(entry)):
            yield item
            count += 1
    except Retryable:
        raise
    except Exception as error:
        reason, message = refusal_of(error, entry.path)
        yield ParseFailure(count, reason, message, data, whole_file=count == 0)


def item_of(
    reader: EntryReader,
    entry: Entry,
    ordinal: int,
    read: RawArticle | Refusal | ParseFailure,
    digest: str,
    *,
    alone: bool,
    mark: bytes | None = None,
) -> ParsedArticle | ParseFailure:
    """The article that a parser read, normalized; or why it is refused."""
    if isinstance(read, ParseFailure):
        return read
    if isinstance(read, Refusal):
        return ParseFailure(ordinal, read.reason, read.message, read.raw, whole_file=alone)
    path = printable(entry.path, 1000)
    if read.member:
        path = f"{path}!{read.member}"
    profile, origin = reader.profile(entry), entry.origin
    provenance = Provenance(
        source=profile.source,
        kind=origin.kind if origin else reader.head.kind,
        path=None if origin else path,
        url=origin.url if origin else None,
        feed_url=origin.feed_url if origin else None,
        fetched_at=origin.fetched_at if origin else None,
        raw_sha256=digest,
        parser=read.parser,
        job=reader.head.job,
        merged=read.merged or None,
    )
    try:
        normalized = normalize(
            read,
            profile=profile,
            sites=reader.sites,
            provenance=provenance,
            first_seen_at=first_seen(entry, reader.head),
            html_depth=reader.settings.limits.html_depth,
        )
    except Retryable:
        raise
    except Exception as error:
        reason, message = refusal_of(error, entry.path)
        return ParseFailure(ordinal, reason, message, read.html.encode("utf-8", "replace"), alone)
    return ParsedArticle(entry, ordinal, path, normalized, digest, alone, len(read.html), mark)


def refusal_of(error: Exception, path: str) -> tuple[Reason, str]:
    """Why an input is refused that raised `error`; one that is no Rejected is a bug, and logged."""
    if isinstance(error, Rejected):
        return error.reason, str(error)
    if isinstance(error, RecursionError):
        return Reason.TOO_DEEP, "it is nested too deeply to be read: flatten it"
    if isinstance(error, MemoryError):
        return Reason.TOO_LARGE, "reading it needs more memory than there is: split it"
    logger.error("reading met a bug", document=printable(path), exc_info=error)
    return (
        Reason.INTERNAL,
        f"reading it failed with {type(error).__name__}: this is a bug in newsdrop; "
        "please report it, and retry after an upgrade",
    )
