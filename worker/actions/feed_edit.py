"""Change the keys and the label of a feed. Its name stays: records and statistics have it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, get_origin, get_type_hints

from worker.actions.feeds import check_new
from worker.errors import AlreadyThere, Retryable, UsageError
from worker.escape import printable
from worker.feeds import managed
from worker.feeds.catalog import Catalog, load_catalog
from worker.feeds.feed import KEYS, Feed, parse_feed
from worker.fetch import printable_url
from worker.settings import Settings
from worker.sites import open_sites
from worker.sources import registry
from worker.store.factory import feed_store
from worker.taskqueue.client import notify_poll

_TYPES = get_type_hints(Feed)
_LISTS = frozenset(key for key, kind in _TYPES.items() if get_origin(kind) is tuple)
_HEADER = "headers."
_TIMING = ("url", "schedule", "min_interval_seconds", "max_interval_seconds")
"""After a change of these a feed is polled at once: its next time came from the old ones."""


def parse_changes(texts: Iterable[str]) -> dict[str, Any]:
    """`key=value` texts as the keys of a feed. Items of a list are separated by commas, a header is
    `headers.NAME=VALUE`, and an empty value (None here) is the default. Raises UsageError, which
    does not repeat a value: it may be a secret."""
    changes: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key:
            raise UsageError("a change has no value: write key=value, for example full_text=true")
        if key == "headers":
            raise UsageError("headers are set one by one: write headers.NAME=VALUE")
        if key in _LISTS and value:
            changes[key] = [part.strip() for part in value.split(",") if part.strip()]
        else:
            changes[key] = value or None
    return changes


def edit(settings: Settings, name: str, changes: Mapping[str, Any]) -> Feed:
    """Change keys of the feed `name`, its name or label; return it as it is now. All or nothing.

    Raises NotThere, AlreadyThere for a feed of the config file or an address or label that another
    feed has, UsageError for a wrong key or value, ConfigError, SpoolUnavailable.
    """
    catalog = load_catalog(settings)
    key = _require_managed(settings, catalog, name)
    with managed.edit_feeds(settings.state_dir) as tables:
        if key not in tables:  # removed by another process meanwhile
            registry.require_name("feed", key, list(tables))
        before, feed = parse_feed(tables[key]), parse_feed(_changed(tables[key], changes))
        _check(settings, catalog, before, feed)
        tables[key] = managed.feed_to_dict(feed)
    if any(getattr(before, each) != getattr(feed, each) for each in _TIMING):
        with suppress(Retryable):
            feed_store(settings).make_due([key])
    notify_poll(settings)
    return feed


def tag(settings: Settings, names: Iterable[str], add: Iterable[str], remove: Iterable[str]) -> int:
    """Add tags to feeds and remove others; returns the number of feeds. All or nothing: raises as
    :func:`edit` does."""
    catalog, count, removed = load_catalog(settings), 0, frozenset(remove)
    keys = dict.fromkeys(_require_managed(settings, catalog, name) for name in names)
    with managed.edit_feeds(settings.state_dir) as tables:
        for key in keys.keys() & tables.keys():
            tags = [each for each in tables[key].get("tags", ()) if each not in removed]
            changed = {**tables[key], "tags": list(dict.fromkeys([*tags, *add]))}
            tables[key] = managed.feed_to_dict(parse_feed(changed))
            count += 1
    return count


def visible_keys(feed: Feed) -> dict[str, Any]:
    """The keys that are set; of headers the names only, and the address without credentials."""
    keys = {**managed.feed_to_dict(feed), "url": printable_url(feed.url)}
    if "headers" in keys:
        keys["headers"] = dict.fromkeys(keys["headers"], "…")
    return keys


def key_text(value: Any) -> str:
    """The value of a key as :func:`parse_changes` reads it; empty for the default."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    return "" if value is None else str(value)


def _require_managed(settings: Settings, catalog: Catalog, name: str) -> str:
    key = registry.require_feed(catalog, name)
    if key not in catalog.managed:
        where = printable(settings.feeds.file or "the config file")
        raise AlreadyThere(f"{key} is defined in {where}: change it there")
    return key


def _changed(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    if "name" in changes:
        raise UsageError("the name of a feed stays: change its label with `feeds rename`")
    changed = dict(table)
    headers = dict(changed.pop("headers", {}))
    for key, value in changes.items():
        if key == "headers" and isinstance(value, dict):  # all of them
            headers = dict(value)
            continue
        target, field = (
            (headers, key[len(_HEADER) :]) if key.startswith(_HEADER) else (changed, key)
        )
        if target is changed and key not in KEYS:
            parse_feed({**table, key: value})  # raises, with the nearest key
        if value is None:
            target.pop(field, None)
        else:
            target[field] = value
    return {**changed, "headers": headers}


def _check(settings: Settings, catalog: Catalog, before: Feed, feed: Feed) -> None:
    others = [each for each in catalog if each.name != feed.name]
    if feed.url != before.url:
        check_new(feed, {each.name: each.url for each in others})
    if feed.site is not None and feed.site != before.site:
        rules = [rule.name for rule in open_sites(settings)]
        registry.require_name("site rule", feed.site, rules)
    same = [each.name for each in others if feed.label in (each.name, each.label)]
    if feed.label and feed.label != before.label and same:
        shown = printable(feed.label, 80)
        raise AlreadyThere(f"the feed {same[0]} is already named {shown}: choose another label")
