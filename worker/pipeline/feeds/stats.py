"""Statistics of each feed from a batch's outcomes: its entries, the new and the refused ones; and
the pages that are fetched again."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from worker.feeds.catalog import Catalog
from worker.feeds.feed import Feed
from worker.feeds.recheck import next_recheck
from worker.feeds.schedule import get_poll_pace
from worker.model import FeedRead, Outcome, Status
from worker.model.times import milliseconds
from worker.model.warning import WarningKind, read_kinds
from worker.settings import Settings
from worker.sources.responses import find_host
from worker.spool.manifest import Form, Origin
from worker.spool.segment import SegmentHead
from worker.store.feed_state import FeedObservation
from worker.store.rechecks import NewPage, PublishedPage

_MASKED = "…"
_NEW = (Status.PUBLISHED, Status.REVISED, Status.DEFERRED)
_MAX_MESSAGE_LENGTH = 500


def collect_observations(
    head: SegmentHead,
    outcomes: Sequence[Outcome],
    catalog: Callable[[], Catalog],
    settings: Settings,
) -> list[FeedObservation]:
    """One for each fetched document or page of a feed that is still in the catalog.

    Raises SpoolUnavailable if the catalog cannot be read.
    """
    origins = {file.entry: file.origin for file in head.files if file.origin is not None}
    if not origins:
        return []
    by_entry: defaultdict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_entry[outcome.entry].append(outcome)
    feeds = catalog()
    return [
        _observation(feed, origin, by_entry[entry], settings)
        for entry, origin in origins.items()
        if (feed := feeds.get(origin.source)) is not None
    ]


def list_new_pages(
    head: SegmentHead,
    outcomes: Sequence[Outcome],
    catalog: Callable[[], Catalog],
    settings: Settings,
) -> list[NewPage]:
    """The pages of articles that were published now, and newer copies of pages that wait already,
    as far as their feeds want pages to be fetched again.

    Raises SpoolUnavailable if the catalog cannot be read.
    """
    pages = {
        file.entry: (file, file.origin)
        for file in head.files
        if file.kept and file.origin and file.origin.form is Form.ENTRY_BUNDLE
    }
    if not pages:
        return []
    feeds = catalog()
    new_pages: list[NewPage] = []
    for outcome in outcomes:
        if outcome.entry not in pages or not outcome.id:
            continue
        file, origin = pages[outcome.entry]
        feed = feeds.get(origin.source)
        if feed is None or not feed.recheck:
            continue
        host = find_host(origin.url, settings.fetch.allow_ports)
        page_ms = milliseconds(origin.fetched_at)
        page = PublishedPage(outcome.id, host, feed.name, head.batch.batch, outcome.entry, page_ms)
        first, _ = next_recheck(page_ms, page_ms)
        is_new = outcome.status.has_record and file.reread is None
        was_fetched = WarningKind.FEED_TEXT not in read_kinds(outcome.warnings)
        url = origin.url if was_fetched and _MASKED not in origin.url else ""
        new_pages.append(NewPage(page, first if is_new else None, url))
    return new_pages


def _observation(
    feed: Feed, origin: Origin, outcomes: Sequence[Outcome], settings: Settings
) -> FeedObservation:
    counts = Counter(outcome.status for outcome in outcomes)
    is_feed = origin.form is Form.FEED
    document = next((outcome.feed for outcome in outcomes if outcome.feed), FeedRead(0, 0, ""))
    refusals = (outcome for outcome in outcomes if outcome.whole_file)
    refusal = next(refusals, None) if is_feed else None
    return FeedObservation(
        name=feed.name,
        fetched_ms=milliseconds(origin.fetched_at),
        pace=get_poll_pace(feed, settings),
        entries=document.entries if is_feed else None,
        new=sum(counts[status] for status in _NEW) if is_feed else 0,
        published=counts[Status.PUBLISHED],
        revised=counts[Status.REVISED],
        duplicate=counts[Status.DUPLICATE],
        rejected=counts[Status.REJECTED],
        fingerprints=document.prints,
        refused_fingerprints=document.refused,
        min_interval_seconds=document.hold_seconds,
        title=document.title or "",
        reason=str(refusal.reason) if refusal else "",
        message=(refusal.message or "")[:_MAX_MESSAGE_LENGTH] if refusal else "",
    )
