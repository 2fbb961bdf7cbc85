"""Feeds: add, remove, poll now, and reset errors."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from worker.actions.feed_names import FeedNames
from worker.actions.intake import fetch_slot
from worker.errors import AlreadyThere, ConfigError, Retryable, UsageError
from worker.escape import printable
from worker.feeds import managed
from worker.feeds.catalog import Catalog, load_catalog
from worker.feeds.feed import Feed, parse_feed
from worker.fetch import printable_url
from worker.formats.feed.discovery import FeedLink
from worker.queries.feeds import FeedStatus, list_feeds
from worker.settings import POLLED, Settings
from worker.settings.clock import utc_now
from worker.sites import Sites, open_sites
from worker.sources import registry
from worker.sources.probe import ProbedFeed, probe
from worker.store.factory import feed_store
from worker.store.feeds import FeedStore
from worker.taskqueue.client import notify_poll

_UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class AddedFeed:
    """A feed that was added. `url` is without credentials; `page` is the page that names the feed;
    `title` and `entries` are None where the feed was not fetched. `is_notified`: a worker was sent
    a wake-up."""

    name: str
    url: str
    title: str | None
    entries: int | None
    page: str | None
    is_notified: bool


@dataclass(frozen=True, slots=True)
class FeedSelection:
    """The number of feeds that were changed. `paused` of them are paused and not polled yet;
    `paused_name` is what to resume: one of them, or `feeds` where all polling is paused."""

    feeds: int
    paused: int = 0
    paused_name: str = ""
    is_notified: bool = True


def add(
    settings: Settings, keys: Mapping[str, Any], *, check: bool
) -> AddedFeed | tuple[FeedLink, ...]:
    """Add the feed with the keys `keys`; without a name it gets one.

    Where the address is a page that names several feeds, they are returned for a person to choose
    from, and none is added. Raises UsageError, AlreadyThere, FetchFailed, Rejected, Busy,
    SpoolUnavailable.
    """
    sites = open_sites(settings)
    feed = parse_feed({**keys, "name": keys.get("name") or _UNNAMED})
    catalog = load_catalog(settings)
    _check(settings, feed, sites, catalog, named=bool(keys.get("name")))
    with fetch_slot() if check else nullcontext():
        probed = probe(settings, sites, feed) if check else ProbedFeed(feed, None, 0)
    if not isinstance(probed, ProbedFeed):
        return probed
    feed = probed.feed
    configured = {each.name: each.url for each in catalog if each.name not in catalog.managed}
    with managed.edit_feeds(settings.state_dir) as managed_feeds:
        # Another process may have added feeds in between.
        addresses = {name: str(table["url"]) for name, table in managed_feeds.items()}
        check_new(feed, {**configured, **addresses})
        names_in_use = {*settings.source_names(), *managed_feeds, *configured}
        if keys.get("name"):
            managed.check_name(feed.name, names_in_use)
        else:
            feed = replace(feed, name=FeedNames(names_in_use).free(probed.title, feed.url))
        managed_feeds[feed.name] = managed.feed_to_dict(feed)
    registry.resume(settings.state_dir, feed.name)  # an earlier feed may have had the name
    return AddedFeed(
        feed.name,
        printable_url(feed.url),
        probed.title,
        probed.entries if check else None,
        probed.page,
        notify_poll(settings),
    )


def remove(settings: Settings, names: Sequence[str]) -> FeedSelection:
    """Remove feeds. Raises, before any is removed, UsageError for a feed that does not exist or is
    defined in the config file; ConfigError where that cannot be read."""
    chosen = list(dict.fromkeys(names))
    # Read without validation: an invalid feed must not prevent its own removal, or another's.
    tables = managed.read_feeds(managed.feeds_file(settings.state_dir))
    removable = {str(table.get("name")) for table in tables}
    if not removable.issuperset(chosen):
        with suppress(ConfigError):
            catalog = load_catalog(settings)
            chosen = [name if name in removable else _key(catalog, name) for name in chosen]
    others = [name for name in chosen if name not in removable]
    if others:
        _check_names(load_catalog(settings), others)
        where = printable(settings.feeds.file or "the config file")
        raise AlreadyThere(f"{others[0]} is defined in {where}: remove it there")
    with managed.edit_feeds(settings.state_dir) as managed_feeds:
        for name in chosen:
            managed_feeds.pop(name, None)
    for name in chosen:
        registry.resume(settings.state_dir, name)
    with suppress(Retryable):  # without Redis, a worker removes the state later
        feed_store(settings).remove(chosen)
    return FeedSelection(len(chosen), is_notified=notify_poll(settings))


def refresh(
    settings: Settings, names: Sequence[str], *, every: bool = False, failing: bool = False
) -> FeedSelection:
    """Make feeds due now. Raises UsageError, StoreUnavailable."""
    if not (names or every or failing):
        raise UsageError("name the feeds, or --all (or --failing)")
    chosen = _choose(settings, names, every=every, failing=failing)
    return _poll_now(settings, chosen, FeedStore.make_due)


def reset_errors(settings: Settings, names: Sequence[str], *, every: bool = False) -> FeedSelection:
    """Clear the errors of feeds and make them due now. Raises UsageError, StoreUnavailable."""
    if not (names or every):
        raise UsageError("name the feeds, or --all")
    chosen = _choose(settings, names, every=every, failing=False)
    return _poll_now(settings, chosen, FeedStore.reset_errors)


def _poll_now(
    settings: Settings, names: Sequence[str], act: Callable[[FeedStore, Sequence[str]], int]
) -> FeedSelection:
    act(feed_store(settings), names)
    state_dir = settings.state_dir
    is_notified = notify_poll(settings)
    if registry.is_paused(state_dir, POLLED):
        return FeedSelection(len(names), len(names), POLLED, is_notified)
    paused = [name for name in names if registry.is_paused(state_dir, name)]
    return FeedSelection(len(names), len(paused), paused[0] if paused else "", is_notified)


def _choose(settings: Settings, names: Sequence[str], *, every: bool, failing: bool) -> list[str]:
    """The names of the selected feeds. Raises NotThere for one that does not exist."""
    if bool(names) + every + failing > 1:
        raise UsageError("give either names or one option, not both")
    if failing:
        view = list_feeds(settings, utc_now())
        return [feed.name for feed in view.feeds if feed.status is FeedStatus.FAILING]
    catalog = load_catalog(settings)
    return list(catalog.feeds) if every else _check_names(catalog, names)


def _check_names(catalog: Catalog, names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(registry.require_feed(catalog, name) for name in names))


def _key(catalog: Catalog, name: str) -> str:
    return registry.require_feed(catalog, name) if catalog.names_of(name) else name


def _check(settings: Settings, feed: Feed, sites: Sites, catalog: Catalog, *, named: bool) -> None:
    """The checks that need no fetching."""
    if feed.site is not None:
        registry.require_name("site rule", feed.site, [rule.name for rule in sites])
    check_new(feed, {each.name: each.url for each in catalog})
    if named:
        managed.check_name(feed.name, {*settings.source_names(), *catalog.feeds})


def check_new(feed: Feed, others: Mapping[str, str]) -> None:
    """Raises AlreadyThere where one of `others` (name → address) has the same address."""
    same = next((name for name, url in others.items() if url == feed.url), None)
    if same is not None:
        raise AlreadyThere(
            f"there is already a feed of {printable_url(feed.url)}: {same}; to change its "
            f"settings, run `newsdrop feeds set {same} key=value`"
        )
