"""Explaining an article: its key, what it matched, and when and from where that came."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from worker.errors import NotThere, Reason, Retryable, UsageError
from worker.escape import printable
from worker.feeds.catalog import CatalogReader
from worker.fetch import shown_url
from worker.model import Identity, Scope, Status
from worker.model.times import rfc3339_from_ms
from worker.normalize.identity import identity_of
from worker.pipeline.extract import ParsedArticle, ParseFailure
from worker.queries.history import (
    HistoryEntry,
    find_by_address,
    find_by_article,
    find_by_path,
    matches_address,
    matches_path,
)
from worker.queries.records import read_document
from worker.settings import MANUAL, Settings
from worker.settings.clock import utc_now
from worker.sites import open_sites
from worker.sources.lookup import require_source
from worker.spool import batch, manifest
from worker.spool.archive import Archive
from worker.spool.layout import roots
from worker.store.factory import article_store

_PAST = 50
"""Decisions told about one article; its first publication is always among them."""


@dataclass(frozen=True, slots=True)
class InStream:
    """The article's newest entry, while the stream still has it."""

    stream_id: str
    source: str
    revision: int


@dataclass(frozen=True, slots=True)
class Explained:
    """One article, or one refusal. Times are RFC 3339, UTC.

    `known` is what the index says, None where Redis does not answer. `folded_title`, `scope` and
    `content_hash` are set where the article's own text was at hand. `past` is what the archive's
    journals hold, oldest first. `waiting_in` names the batch in which the file waits.
    """

    path: str | None = None
    title: str | None = None
    date: str | None = None
    id: str | None = None
    folded_title: str | None = None
    scope: Scope | None = None
    content_hash: str | None = None
    known: bool | None = None
    known_since: str | None = None
    revision: int | None = None
    same_content: bool | None = None
    in_stream: InStream | None = None
    past: tuple[HistoryEntry, ...] = ()
    waiting_in: str | None = None
    reason: Reason | None = None
    message: str | None = None

    @property
    def first(self) -> HistoryEntry | None:
        """The publication that the others are duplicates of, if the archive still has it."""
        return next((one for one in self.past if one.status is Status.PUBLISHED), None)


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """All that is known; `problem` says in words what could not be looked up.

    `complete` is False where Redis did not answer.
    """

    articles: tuple[Explained, ...]
    problem: str | None = None
    complete: bool = True


def explain_title(
    settings: Settings, title: str, date: str | None, source: str | None = None
) -> ExplainResult:
    """Explain the article that a title and a date name. Raises ConfigError, UsageError; NotThere
    where there is no such source, whose rules the key would be made by."""
    require_source(settings, source)
    profile = CatalogReader(settings).profile(source or MANUAL)
    rule = open_sites(settings).named(profile.site) if profile.site else None
    found = identity_of(title, date, profile=profile, rule=rule)
    about = Explained(title=title, date=found.date, folded_title=found.title, scope=profile.scope)
    if found.identity is None:
        if date and found.date is None:
            raise UsageError(
                f"{printable(date, 80)} is no date that can be used: write it YYYY-MM-DD, or give "
                "a PATH"
            )
        if found.date is None:
            why = "without a date the key needs the article's content: give --date, or a PATH"
        else:
            why = f"with the scope {profile.scope} the key needs the article itself: give a PATH"
        return ExplainResult((about,), why)
    return _looked_up(settings, [(about, found.identity)])


def explain_id(settings: Settings, article_id: str) -> ExplainResult:
    """Explain the article of an id; of one that nobody knows, nothing but that."""
    return _looked_up(settings, [(Explained(id=article_id), None)])


def explain_path(settings: Settings, path: Path, source: str | None = None) -> ExplainResult:
    """Explain a file that is here, else what was taken under that path. Raises UsageError;
    NotThere where there is no such source."""
    require_source(settings, source)
    if path.is_file():
        return _of_file(settings, path, source)
    found = explain_recorded_path(settings, str(path))
    if not found.articles:
        raise UsageError(
            f"there is no file {printable(path)} here, and none of that path was ever taken; an "
            "article is found by --title and --date, too"
        )
    return found


def explain_recorded_path(settings: Settings, path: str) -> ExplainResult:
    """Explain what was taken under a path, as it was noted; no file of that path is looked at, so
    that whoever asks from outside learns nothing of the disk. Without articles: nothing was."""
    past = list(find_by_path(Archive(settings.state_dir), path))
    waiting = _waiting(settings, lambda noted: matches_path(path, noted))
    return _of_past(settings, printable(path), past, waiting)


def explain_address(settings: Settings, url: str) -> ExplainResult:
    """Explain what was taken from an address: a page, or the entries of a feed, as the archive
    noted them; nothing is fetched. Raises NotThere."""
    shown = printable(shown_url(url))  # as a path is noted
    past = list(find_by_address(Archive(settings.state_dir), shown))
    waiting = _waiting(settings, lambda noted: matches_address(shown, printable(noted)))
    found = _of_past(settings, shown, past, waiting)
    if not found.articles:
        raise NotThere(
            f"nothing was ever taken from {shown}, as far as the archive goes back: an article is "
            "found by --title and --date, too"
        )
    return found


def _of_past(
    settings: Settings, shown: str, past: Sequence[HistoryEntry], waiting: Iterable[Explained]
) -> ExplainResult:
    """What was decided under a path or an address, and what of it waits."""
    ids = list(dict.fromkeys(one.id for one in past if one.id))
    named = [(Explained(path=shown, id=article_id), None) for article_id in ids]
    answer = _looked_up(settings, named)
    refused = tuple(
        Explained(path=one.path, past=(one,), reason=one.reason, message=one.message, known=None)
        for one in past
        if one.id is None
    )
    return replace(answer, articles=(*answer.articles, *refused, *waiting))


def _of_file(settings: Settings, path: Path, source: str | None) -> ExplainResult:
    limit = settings.limits.file_bytes
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(
            f"{printable(path)} cannot be read: {error.strerror}; check its rights"
        ) from error
    if len(data) > limit:
        raise UsageError(f"{printable(path)} is larger than limits.file_mb, and refused: split it")
    read = list(read_document(data, str(path), settings, utc_now(), source))
    articles = [_of_item(item, path) for item in read if isinstance(item, ParsedArticle)]
    answer = _looked_up(settings, articles)
    refused = (
        Explained(path=printable(path), reason=item.reason, message=item.message)
        for item in read
        if isinstance(item, ParseFailure)
    )
    return replace(answer, articles=(*answer.articles, *refused))


def _of_item(item: ParsedArticle, path: Path) -> tuple[Explained, Identity]:
    article, identity = item.normalized.article, item.normalized.identity
    return (
        Explained(
            path=printable(path),
            title=article.title,
            date=article.date,
            id=article.id,
            folded_title=article.dedupe.title,
            scope=article.dedupe.scope,
            content_hash=article.dedupe.content_hash,
        ),
        identity,
    )


def _looked_up(
    settings: Settings, articles: Sequence[tuple[Explained, Identity | None]]
) -> ExplainResult:
    archive = Archive(settings.state_dir)
    store = article_store(settings)
    problem: str | None = None
    done = []
    for about, identity in articles:
        article_id = identity.id if identity else about.id
        assert article_id is not None  # one of the two is how it was named
        told = replace(about, id=article_id)
        try:
            known = store.find(article_id) if problem is None else None
            entry = store.entry(known) if known else None
        except Retryable as error:
            problem, known, entry = f"{error}; only the archive was asked", None, None
        if known is not None:
            told = replace(
                told,
                known=True,
                known_since=rfc3339_from_ms(known.first_published_ms),
                revision=known.revision,
                same_content=_same(identity, known.identity),
                in_stream=InStream(entry.stream_id, entry.source, entry.revision)
                if entry
                else None,
                title=told.title or (entry.title if entry else None),
                date=told.date or known.identity.date,
            )
        elif problem is None:
            told = replace(told, known=False)
        past = list(find_by_article(archive, article_id))
        title = told.title or next((one.title for one in past if one.title), None)
        done.append(replace(told, past=_shortened(past), title=title))
    return ExplainResult(tuple(done), problem, complete=problem is None)


def _same(identity: Identity | None, known: Identity) -> bool | None:
    """Whether the contents are one; the index keeps only the first bytes of the hash."""
    if identity is None or not identity.content:
        return None
    return identity.content.startswith(known.content)


def _shortened(past: list[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    return tuple(past) if len(past) <= _PAST else (past[0], *past[-(_PAST - 1) :])


def _waiting(settings: Settings, meant: Callable[[str], bool]) -> Iterator[Explained]:
    """The batches in which a file waits whose path is `meant`."""
    for root in roots(settings):
        for name in batch.batch_names(root):
            try:
                entries = manifest.load(root.work / name).entries
            except Retryable:
                continue  # finished meanwhile
            for entry in entries:
                if meant(entry.path):
                    yield Explained(path=printable(entry.path), waiting_in=name)
