"""Explaining an article: its key, what it matched, and when and from where that came."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from worker.errors import NotThere, Reason, Retryable, UsageError
from worker.escape import printable
from worker.feeds.catalog import CatalogReader, load_catalog
from worker.fetch import printable_url
from worker.formats.warc_framing import has_warc_name
from worker.model import Identity, Scope, Status, Story
from worker.model.times import rfc3339_from_ms
from worker.normalize.identity import make_identity
from worker.pipeline.extract import ParsedArticle
from worker.pipeline.failure import ParseFailure
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
from worker.sources.archive_bucket import open_archive
from worker.sources.registry import require_source
from worker.spool import batch, manifest
from worker.spool.claim import Incoming
from worker.spool.layout import roots
from worker.store.articles import ArticleStore
from worker.store.factory import article_store
from worker.store.stream import StreamEntry
from worker.translation import mark

_MAX_HISTORY = 50
"""Decisions shown for one article; its first publication is always among them."""


@dataclass(frozen=True, slots=True)
class InStream:
    """The article's newest entry in the stream, until it is trimmed; also of one that the index
    forgot, if the archive has its decision."""

    stream_id: str
    source: str
    revision: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """One article, or one refusal. Times are RFC 3339, UTC.

    `known`: whether the index has it; None where Redis does not answer. `folded_title`, `scope` and
    `content_hash` are set where its text was read. `past` are the decisions in the archive, oldest
    first. `waiting_in` names the batch of a waiting file.
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
    is_withdrawn: bool = False
    same_content: bool | None = None
    in_stream: InStream | None = None
    past: tuple[HistoryEntry, ...] = ()
    waiting_in: str | None = None
    reason: Reason | None = None
    message: str | None = None
    story: Story | None = None

    @property
    def first(self) -> HistoryEntry | None:
        """The first publication, if the archive still has it."""
        return next((entry for entry in self.past if entry.status is Status.PUBLISHED), None)


@dataclass(frozen=True, slots=True)
class ExplainResult:
    """The answer. `problem` says in words what could not be looked up; `complete` is False where
    Redis did not answer."""

    articles: tuple[Explanation, ...]
    problem: str | None = None
    complete: bool = True


def explain_title(
    settings: Settings, title: str, date: str | None, source: str | None = None
) -> ExplainResult:
    """Explain the article with this title and date, by the rules of `source`. Raises ConfigError,
    UsageError; NotThere where there is no such source."""
    require_source(settings, source)
    profile = CatalogReader(settings).profile(source or MANUAL)
    rule = open_sites(settings).named(profile.site) if profile.site else None
    identity = make_identity(title, date, profile=profile, rule=rule)
    article = Explanation(
        title=title, date=identity.date, folded_title=identity.title, scope=profile.scope
    )
    if identity.identity is None:
        if date and identity.date is None:
            raise UsageError(
                f"{printable(date, 80)} is not a valid date: write it as YYYY-MM-DD, or give a PATH"
            )
        if identity.date is None:
            why = mark("without a date the key needs the article's content: give --date, or a PATH")
        else:
            why = mark(
                f"with the scope {profile.scope} the key needs the article itself: give a PATH"
            )
        return ExplainResult((article,), why)
    return _look_up(settings, [(article, identity.identity)])


def explain_id(settings: Settings, article_id: str) -> ExplainResult:
    """Explain the article with this id; an unknown one is neither known nor has a past."""
    return _look_up(settings, [(Explanation(id=article_id), None)])


def explain_path(settings: Settings, path: Path, source: str | None = None) -> ExplainResult:
    """Explain a file that exists here, or else the files that were accepted with that path. Of a
    WARC, which may have any size, the accepted one comes first. Raises UsageError; NotThere where
    there is no such source."""
    require_source(settings, source)
    if path.is_file() and not has_warc_name(path.name):
        return _explain_file(settings, path, source)
    result = explain_recorded_path(settings, str(path))
    if result.articles:
        return result
    if path.is_file():
        return _explain_file(settings, path, source)
    raise NotThere(
        f"no file {printable(path)} exists here, and none with that path was ever accepted; "
        "give --title and --date instead"
    )


def explain_recorded_path(settings: Settings, path: str) -> ExplainResult:
    """Explain the files that were accepted with a path; no articles where there are none. The disk
    is not read, so a client learns nothing about it."""
    past = list(find_by_path(open_archive(settings), path))
    waiting = _waiting(settings, lambda recorded: matches_path(path, recorded))
    return _explain_history(settings, printable(path), past, waiting)


def explain_address(settings: Settings, url: str) -> ExplainResult:
    """Explain what was fetched from an address, a page or the entries of a feed, by the archive;
    nothing is fetched now. Raises NotThere."""
    shown = printable(printable_url(url))  # in the form in which paths are recorded
    past = list(find_by_address(open_archive(settings), shown))
    waiting = _waiting(settings, lambda recorded: matches_address(shown, printable(recorded)))
    result = _explain_history(settings, shown, past, waiting)
    if result.articles:
        return result
    advice = mark("give --title and --date instead")
    for feed in load_catalog(settings):
        if printable(printable_url(feed.url)) == shown:
            advice = mark(f"`newsdrop feeds show {feed.name}` tells why")
    text = f"nothing was ever accepted from {shown}, as far as the archive goes back"
    raise NotThere(f"{text}: {advice}")


def _explain_history(
    settings: Settings, shown: str, past: Sequence[HistoryEntry], waiting: Iterable[Explanation]
) -> ExplainResult:
    """The articles and refusals of past decisions, and the files that wait."""
    ids = list(dict.fromkeys(entry.id for entry in past if entry.id))
    articles = [(Explanation(path=shown, id=article_id), None) for article_id in ids]
    result = _look_up(settings, articles)
    refused = (
        Explanation(path=entry.path, past=(entry,), reason=entry.reason, message=entry.message)
        for entry in past
        if entry.id is None
    )
    return replace(result, articles=(*result.articles, *refused, *waiting))


def _explain_file(settings: Settings, path: Path, source: str | None) -> ExplainResult:
    limit = settings.limits.file_bytes
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UsageError(
            f"{printable(path)} cannot be read: {error.strerror}; check its permissions"
        ) from error
    if len(data) > limit:
        raise UsageError(f"{printable(path)} is larger than limits.file_mb: split it")
    items = list(read_document(Incoming(data, str(path)), settings, utc_now(), source))
    articles = [_describe(item, path) for item in items if isinstance(item, ParsedArticle)]
    result = _look_up(settings, articles)
    past = tuple(it for it in find_by_path(open_archive(settings), str(path)) if it.id is None)
    refused = (
        Explanation(path=printable(path), past=past, reason=item.reason, message=item.message)
        for item in items
        if isinstance(item, ParseFailure)
    )
    return replace(result, articles=(*result.articles, *refused))


def _describe(item: ParsedArticle, path: Path) -> tuple[Explanation, Identity]:
    article, identity = item.normalized.article, item.normalized.identity
    return (
        Explanation(
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


def _look_up(
    settings: Settings, articles: Sequence[tuple[Explanation, Identity | None]]
) -> ExplainResult:
    """Complete articles by the index and the archive; each has an identity, or at least an id."""
    store = article_store(settings)
    problem: str | None = None
    results = []
    for described, identity in articles:
        article_id = identity.id if identity else described.id
        assert article_id is not None
        article = replace(described, id=article_id)
        past = list(find_by_article(settings, article_id))
        if problem is None:
            try:
                article = _look_up_index(store, article, article_id, identity, past)
            except Retryable as error:
                problem = mark(f"{error}; only the archive was searched")
        title = article.title or next((entry.title for entry in past if entry.title), None)
        story = article.story or next((it.story for it in reversed(past) if it.story), None)
        recent = (*past[:1], *past[1:][-(_MAX_HISTORY - 1) :])
        results.append(replace(article, past=recent, title=title, story=story))
    return ExplainResult(tuple(results), problem, complete=problem is None)


def _look_up_index(
    store: ArticleStore,
    article: Explanation,
    article_id: str,
    identity: Identity | None,
    past: Sequence[HistoryEntry],
) -> Explanation:
    index_entry = store.find(article_id)
    if index_entry is None:
        at = next((each.stream_id for each in reversed(past) if each.stream_id), None)
        entries = store.read(at, 1, end=at) if at else []
        entry = entries[0] if entries and entries[0].id == article_id else None
        date = article.date or (entry.date if entry else None)
        return replace(article, known=False, in_stream=_in_stream(entry), date=date)
    entry = store.find_entry(index_entry)
    return replace(
        article,
        known=True,
        known_since=rfc3339_from_ms(index_entry.first_published_ms),
        revision=index_entry.revision,
        is_withdrawn=index_entry.is_withdrawn,
        # The index keeps only the first bytes of the hash.
        same_content=identity.content.startswith(index_entry.identity.content)
        if identity and identity.content
        else None,
        in_stream=_in_stream(entry),
        title=article.title or (entry.title if entry else None),
        date=article.date or index_entry.identity.date,
        story=entry.story if entry else None,
    )


def _in_stream(entry: StreamEntry | None) -> InStream | None:
    return InStream(entry.stream_id, entry.source, entry.revision) if entry else None


def _waiting(settings: Settings, is_wanted: Callable[[str], bool]) -> Iterator[Explanation]:
    """The batches in which a file with a wanted path waits."""
    for root in roots(settings):
        for name in batch.batch_names(root):
            try:
                entries = manifest.load(root.work / name).entries
            except Retryable:
                continue  # it was finished in between
            for entry in entries:
                if is_wanted(entry.path):
                    yield Explanation(path=printable(entry.path), waiting_in=name)
