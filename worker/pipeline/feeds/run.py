"""A feed document in a batch: which entries are published, and which wait for their page."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from worker.escape import printable
from worker.formats.context import MAX_REFUSALS
from worker.formats.page.entry_bundle import EntryBundle, pack
from worker.model import Decision, OnChange, Outcome, RawArticle, Status
from worker.pipeline.extract import EntryReader, ParsedArticle, entry_source
from worker.pipeline.failure import ParseFailure
from worker.pipeline.feeds.documents import FeedArticle, fingerprint, open_document
from worker.pipeline.ports import IngestDeps
from worker.spool.manifest import RETRY, Entry
from worker.spool.wanted import WantedPage

MAX_WANTED_PAGES = 10_000
"""Pages that may wait to be fetched, at one a second from a host; beyond it the feed's own text is
published now instead of the page some hours later."""
_PAGES_PER_LOOKUP = 100


def parse_feed(
    reader: EntryReader, entry: Entry, data: bytes, deps: IngestDeps, *, may_look_up: bool
) -> Iterator[ParsedArticle | ParseFailure | Outcome]:
    """The new and changed articles of a feed document; an outcome for each that is not published
    now, and at the end one for the document.

    Without `may_look_up` no entry counts as unchanged. An unreadable entry is reported once, not
    at every poll; a retry of the document reports it again.
    """
    seen = deps.articles.have_marks if may_look_up else None
    document = open_document(reader, entry, data, seen)
    if isinstance(document, ParseFailure):
        yield document
        return

    @cache
    def get_refused_fingerprints() -> frozenset[str]:
        return deps.refused_fingerprints(entry_source(entry, reader.head))

    is_retry = reader.head.kind == RETRY
    full_text = reader.profile(entry).full_text
    may_fetch_pages = not full_text or len(deps.wanted.names()) < MAX_WANTED_PAGES
    unchanged, refused = sum(document.is_seen), list[str]()
    articles = document.articles(may_fetch_pages=may_fetch_pages)
    for result in _request_pages(articles, reader, deps):
        if result is None:
            unchanged += 1
        elif isinstance(result, Outcome):
            yield result
        elif isinstance(result.item, ParsedArticle):
            yield result.item
        else:
            refused.append(fingerprint(result.entry))
            was_reported = not is_retry and refused[-1] in get_refused_fingerprints()
            if was_reported or len(refused) > MAX_REFUSALS:
                unchanged += 1
            else:
                yield result.item
    summary = document.summary(unchanged, refused)
    yield Outcome(entry.number, -1, Status.READ, printable(entry.path), feed=summary)


def _request_pages(
    articles: Iterable[FeedArticle], reader: EntryReader, deps: IngestDeps
) -> Iterator[FeedArticle | Outcome | None]:
    """Request the pages of articles that have one, a group at a time; see :func:`_request`."""
    group: list[FeedArticle] = []
    for article in articles:
        if article.page is None:
            yield article
            continue
        group.append(article)
        if len(group) == _PAGES_PER_LOOKUP:
            yield from _request(group, reader, deps)
            group = []
    yield from _request(group, reader, deps)


def _request(
    group: Sequence[FeedArticle], reader: EntryReader, deps: IngestDeps
) -> Iterator[Outcome | None]:
    """Request the pages of new articles; None for a page that is waiting already.

    The page of a known article is fetched again only if a change of it would be published. The
    feed's text is not what was published, so it cannot tell whether the page changed.
    """
    items = [article.item for article in group if isinstance(article.item, ParsedArticle)]
    exists = deps.articles.exists([item.identity for item in items])
    for article, item, is_known in zip(group, items, exists, strict=True):
        revises = reader.profile(item.entry).on_change is OnChange.REVISE or reader.head.force
        assert article.page is not None
        if is_known and not revises:
            status = Status.DUPLICATE
        elif deps.wanted.add([_wanted_page(reader, item, article.page)]):
            status = Status.DEFERRED
        else:
            yield None
            continue
        yield reader.make_outcome(item, Decision(status))


def _wanted_page(reader: EntryReader, item: ParsedArticle, raw: RawArticle) -> WantedPage:
    """The page that has to be fetched to publish an entry of a feed that asks for full text."""
    assert item.entry.origin is not None
    assert item.mark is not None
    assert raw.url is not None
    source = reader.profile(item.entry).source
    return WantedPage(
        name=hashlib.blake2b(item.mark + source.encode(), digest_size=16).hexdigest(),
        source=source,
        url=raw.url,
        feed_url=item.entry.origin.feed_url,
        wanted_at=reader.head.claimed_at,
        mark=item.mark.hex(),
        bundle=pack(EntryBundle(raw)),
    )
