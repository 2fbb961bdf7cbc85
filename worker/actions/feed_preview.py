"""The entries that a feed has now, before it is added: one guarded fetch, nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.actions.intake import fetch_slot
from worker.errors import Rejected
from worker.feeds.feed import Feed, parse_feed
from worker.fetch import printable_url
from worker.formats.feed.discovery import FeedLink
from worker.model import Provenance, RawArticle, Refusal
from worker.model.times import rfc3339
from worker.normalize.record import normalize
from worker.settings import Settings
from worker.sites import Sites, open_sites
from worker.sources.probe import ProbedFeed, probe

MAX_ENTRIES = 10
"""Entries that are read for a preview; a feed has 10 to 50."""


@dataclass(frozen=True, slots=True)
class PreviewedEntry:
    """One entry as its record would be. `date` is the calendar date; `refusal` says why an entry
    cannot be read, then the rest is empty. Texts come from outside."""

    title: str = ""
    date: str | None = None
    url: str | None = None
    word_count: int = 0
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class FeedPreview:
    """The feed at `url` (without credentials), or the one that the page `page` names. `entries`
    are the first of `count`."""

    url: str
    title: str | None
    count: int
    page: str | None
    entries: tuple[PreviewedEntry, ...]


def preview_feed(
    settings: Settings, keys: Mapping[str, Any], now: datetime
) -> FeedPreview | tuple[FeedLink, ...]:
    """The first entries of the feed with the keys `keys`, or the feeds that its page names.

    Raises UsageError, FetchFailed, Rejected, Busy.
    """
    sites = open_sites(settings)
    feed = parse_feed({**keys, "name": keys.get("name") or "preview"})
    with fetch_slot():
        probed = probe(settings, sites, feed)
    if not isinstance(probed, ProbedFeed):
        return probed
    assert probed.file is not None
    items = (entry.read() for entry in probed.file.entries[:MAX_ENTRIES])
    return FeedPreview(
        url=printable_url(probed.feed.url),
        title=probed.title,
        count=probed.entries,
        page=probed.page,
        entries=tuple(_entry(item, probed.feed, settings, sites, rfc3339(now)) for item in items),
    )


def _entry(
    item: RawArticle | Refusal, feed: Feed, settings: Settings, sites: Sites, now: str
) -> PreviewedEntry:
    if isinstance(item, Refusal):
        return PreviewedEntry(refusal=item.message)
    provenance = Provenance(feed.name, "feed", fetched_at=now, parser=item.parser)
    profile = feed.profile(settings)
    try:
        article = normalize(
            item, profile=profile, sites=sites, provenance=provenance, first_seen_at=now
        ).article
    except Rejected as error:
        return PreviewedEntry(refusal=str(error))
    return PreviewedEntry(article.title, article.date, article.url, article.word_count)
