"""Feeds added, removed, polled at once, and begun anew after failures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from worker.actions.feed_names import FeedNames
from worker.actions.fetch_slots import fetching
from worker.errors import AlreadyThere, Retryable, UsageError
from worker.escape import printable
from worker.feeds import managed
from worker.feeds.catalog import Catalog, load_catalog
from worker.feeds.feed import Feed, feed_of
from worker.fetch import shown_url
from worker.formats.feed.discovery import FeedLink
from worker.queries.feeds import FeedStatus, list_feeds
from worker.settings import POLLED, Settings
from worker.settings.clock import utc_now
from worker.sites import Sites, open_sites
from worker.sources import registry
from worker.sources.probe import Probed, probe
from worker.store.factory import feed_store
from worker.store.feeds import FeedStore
from worker.taskqueue.client import notify_poll

_UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class AddedFeed:
    """A feed that was added. `url` is for showing; `page` is where its address was found;
    `title` and `entries` are None where nobody looked. `rung`: Redis was told."""

    name: str
    url: str
    title: str | None
    entries: int | None
    page: str | None
    rung: bool


@dataclass(frozen=True, slots=True)
class FeedSelection:
    """What was done to feeds. `paused` of them are held, so nothing happens to these yet;
    `held` is what `resume` takes: the name of one of them, or `feeds` where all polling is held."""

    feeds: int
    paused: int = 0
    held: str = ""
    rung: bool = True


def add(
    settings: Settings, said: Mapping[str, Any], *, check: bool
) -> AddedFeed | tuple[FeedLink, ...]:
    """Add the feed of which `said` has the keys; without a name it gets one.

    Several feeds that a page names are for a person to choose from: nothing is added then. Raises
    UsageError, AlreadyThere, FetchFailed, Rejected, Busy, SpoolUnavailable.
    """
    sites = open_sites(settings)
    feed = feed_of({**said, "name": said.get("name") or _UNNAMED})
    catalog = load_catalog(settings)
    _check(settings, feed, sites, catalog, named=bool(said.get("name")))
    with fetching() if check else nullcontext():
        probed = probe(settings, sites, feed) if check else Probed(feed, None, 0)
    if not isinstance(probed, Probed):
        return probed
    feed = probed.feed
    configured = {one.name: one.url for one in catalog if one.name not in catalog.owned}
    with managed.changing(settings.state_dir) as mine:  # others may have added some meanwhile
        _check_new(feed, {**configured, **{name: str(one["url"]) for name, one in mine.items()}})
        folders = [folder.name for folder in settings.all_folders()]
        taken = {*folders, *mine, *configured}
        if said.get("name"):
            managed.check_name(feed.name, taken)
        else:
            feed = replace(feed, name=FeedNames(taken).free(probed.title, feed.url))
        mine[feed.name] = managed.plain(feed)
    registry.resume(settings.state_dir, feed.name)  # of a feed that had the name before
    return AddedFeed(
        feed.name,
        shown_url(feed.url),
        probed.title,
        probed.entries if check else None,
        probed.page,
        notify_poll(settings),
    )


def remove(settings: Settings, names: Sequence[str]) -> FeedSelection:
    """Poll feeds no more. Raises UsageError, before anything is done, where one is not there or
    stands in the config file; ConfigError, where only feeds that cannot be read could tell."""
    chosen = list(dict.fromkeys(names))
    # Looked up as they were written: one that is wrong must not keep another, or itself, in.
    mine = {str(one.get("name")) for one in managed.read(managed.place(settings.state_dir))}
    others = [name for name in chosen if name not in mine]
    if others:
        _named(load_catalog(settings), others)
        where = printable(settings.feeds.file or "the config file")
        raise AlreadyThere(f"{others[0]} stands in {where}: remove it there")
    with managed.changing(settings.state_dir) as left:
        for name in chosen:
            left.pop(name, None)
    for name in chosen:
        registry.resume(settings.state_dir, name)
    with suppress(Retryable):  # who adds it again begins anew; without Redis it is found out later
        feed_store(settings).remove(chosen)
    return FeedSelection(len(chosen), rung=notify_poll(settings))


def refresh(
    settings: Settings, names: Sequence[str], *, every: bool = False, failing: bool = False
) -> FeedSelection:
    """Let feeds be due now. Raises UsageError, StoreUnavailable."""
    if not (names or every or failing):
        raise UsageError("name the feeds, or --all (or --failing)")
    return _at_once(settings, _chosen(settings, names, every=every, failing=failing), _due_now)


def reset_errors(settings: Settings, names: Sequence[str], *, every: bool = False) -> FeedSelection:
    """Forget how feeds failed, and let them be due now. Raises UsageError, StoreUnavailable."""
    if not (names or every):
        raise UsageError("name the feeds, or --all")
    chosen = _chosen(settings, names, every=every, failing=False)
    return _at_once(settings, chosen, FeedStore.reset_errors)


def _due_now(store: FeedStore, names: Iterable[str]) -> int:
    return store.bring_forward(names)


def _at_once(
    settings: Settings,
    names: Sequence[str],
    act: Callable[[FeedStore, Sequence[str]], int],
) -> FeedSelection:
    act(feed_store(settings), names)
    state_dir = settings.state_dir
    rung = notify_poll(settings)
    if registry.is_paused(state_dir, POLLED):
        return FeedSelection(len(names), len(names), POLLED, rung)
    held = [name for name in names if registry.is_paused(state_dir, name)]
    return FeedSelection(len(names), len(held), held[0] if held else "", rung)


def _chosen(settings: Settings, names: Sequence[str], *, every: bool, failing: bool) -> list[str]:
    """The feeds meant, each of them there."""
    if bool(names) + every + failing > 1:
        raise UsageError("names and options say two things: leave out the one or the other")
    if failing:
        view = list_feeds(settings, utc_now())
        return [feed.name for feed in view.feeds if feed.standing is FeedStatus.FAILING]
    catalog = load_catalog(settings)
    return list(catalog.feeds) if every else _named(catalog, names)


def _named(catalog: Catalog, names: Sequence[str]) -> list[str]:
    for name in names:
        registry.require_name("feed", name, catalog.feeds)
    return list(dict.fromkeys(names))


def _check(settings: Settings, feed: Feed, sites: Sites, catalog: Catalog, *, named: bool) -> None:
    """What can be known before anything is fetched."""
    if feed.site is not None:
        registry.require_name("site rule", feed.site, [rule.name for rule in sites])
    _check_new(feed, {one.name: one.url for one in catalog})
    if named:
        managed.check_name(
            feed.name, {*(folder.name for folder in settings.all_folders()), *catalog.feeds}
        )


def _check_new(feed: Feed, others: Mapping[str, str]) -> None:
    """Raises AlreadyThere where one of `others` (name → address) has the feed's address."""
    there = next((name for name, url in others.items() if url == feed.url), None)
    if there is not None:
        raise AlreadyThere(
            f"there is already a feed of {shown_url(feed.url)}: {there}; to add it otherwise, "
            f"`newsdrop feeds remove {there}` first"
        )
