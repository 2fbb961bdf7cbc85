"""What a batch's outcomes say of feeds: how many entries, what was new, what could not be read."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from worker.feeds.catalog import Catalog
from worker.feeds.feed import Feed
from worker.feeds.schedule import poll_pace
from worker.model import Outcome, Status
from worker.settings import Settings
from worker.spool.archive import ArchivedFile, SegmentHead
from worker.spool.manifest import Form
from worker.store.feeds import FeedObservation

_NEW = (Status.PUBLISHED, Status.REVISED, Status.DEFERRED)
_LONGEST_MESSAGE = 500


def observations(
    head: SegmentHead,
    outcomes: Sequence[Outcome],
    catalog: Callable[[], Catalog],
    settings: Settings,
) -> list[FeedObservation]:
    """One for each document of a feed that is still there, and for each page of such a feed's.

    Raises SpoolUnavailable where it is not known which feeds there are.
    """
    fetched = {file.entry: file for file in head.files if file.origin is not None}
    if not fetched:
        return []
    by_entry: defaultdict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_entry[outcome.entry].append(outcome)
    found, feeds = [], catalog()
    for entry, file in fetched.items():
        assert file.origin is not None
        feed = feeds.get(file.origin.source)
        if feed is not None:
            found.append(_observed(feed, file, by_entry[entry], settings))
    return found


def _observed(
    feed: Feed, file: ArchivedFile, outcomes: Sequence[Outcome], settings: Settings
) -> FeedObservation:
    assert file.origin is not None
    counts = Counter(outcome.status for outcome in outcomes)
    whole = next((one for one in outcomes if one.whole_file), None)
    read = next((one.feed for one in outcomes if one.feed), None)
    is_feed = file.origin.form is Form.FEED
    refused = whole if is_feed else None
    return FeedObservation(
        name=feed.name,
        fetched_ms=int(datetime.fromisoformat(file.origin.fetched_at).timestamp() * 1000),
        pace=poll_pace(feed, settings),
        entries=None if not is_feed else read.entries if read else 0,
        new=sum(counts[status] for status in _NEW) if is_feed else 0,
        published=counts[Status.PUBLISHED],
        revised=counts[Status.REVISED],
        duplicate=counts[Status.DUPLICATE],
        rejected=counts[Status.REJECTED],
        prints=read.prints if read else "",
        refused=read.refused if read else "",
        hold_seconds=read.hold_seconds if read else 0,
        title=(read.title or "") if read else "",
        reason=str(refused.reason) if refused else "",
        message=(refused.message or "")[:_LONGEST_MESSAGE] if refused else "",
    )
