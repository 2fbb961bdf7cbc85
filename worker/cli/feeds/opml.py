"""`feeds import` and `feeds export`: OPML lists, which other feed readers read and write."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from worker.actions.feed_names import FeedNames
from worker.cli.input import STDIN
from worker.errors import Retryable, UsageError
from worker.escape import printable
from worker.feeds import managed
from worker.feeds.catalog import Catalog, load_catalog
from worker.feeds.feed import RSSHUB, parse_feed
from worker.feeds.opml import Outline, read_opml, write_opml
from worker.fetch import printable_url
from worker.settings import Settings
from worker.spool.layout import write_durably
from worker.store.factory import feed_store
from worker.store.feed_state import FeedState
from worker.taskqueue.client import notify_poll


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A feed that could not be added; `url` is without credentials."""

    url: str
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed of the list that was not there; `url` is without credentials."""

    name: str
    label: str
    url: str
    tags: tuple[str, ...]


@dataclass(slots=True)
class ImportResult:
    """The result of an import, and its `--json`: feeds added, feeds that were there by their
    address, and those that could not be added. `feeds` lists those added, or in a dry run those
    that would be. `is_notified`: the worker was notified."""

    added: int = 0
    known: int = 0
    invalid: list[ImportProblem] = field(default_factory=list)
    feeds: list[NewFeed] = field(default_factory=list)
    dry_run: bool = False
    is_notified: bool = False


@dataclass(frozen=True, slots=True)
class ExportResult:
    """Every feed, with the address that is polled now and without credentials.

    `secrets` counts addresses whose query seems to have a key: without it they would not work.
    `complete` is False where Redis could not say which feeds have moved.
    """

    outlines: tuple[Outline, ...]
    secrets: int
    complete: bool


def import_opml(
    settings: Settings, data: bytes, *, dry_run: bool, defaults: Mapping[str, Any] | None = None
) -> ImportResult:
    """Add the feeds of an OPML list whose address is not there yet, in one write. `defaults` are
    keys that each of them gets; `tags` come after those of the list.

    Raises UsageError where `data` is no such list, ConfigError, SpoolUnavailable.
    """
    outlines = read_opml(data)
    report = ImportResult(dry_run=dry_run)
    catalog = load_catalog(settings)
    states, _ = _read_states(settings, catalog)
    addresses = {_without_user(feed.url) for feed in catalog}
    addresses |= {_without_user(state.address) for state in states.values() if state.address}
    names = [*settings.source_names(), *catalog.feeds]
    if dry_run:
        _select_new(outlines, addresses, FeedNames(names), report, defaults or {})
        return report
    with managed.edit_feeds(settings.state_dir) as feeds:  # others may have added some meanwhile
        addresses |= {_without_user(str(feed.get("url"))) for feed in feeds.values()}
        new = _select_new(outlines, addresses, FeedNames([*names, *feeds]), report, defaults or {})
        feeds.update({str(feed["name"]): feed for feed in new})
    report.is_notified = notify_poll(settings) if report.added else False
    return report


def export_opml(settings: Settings) -> ExportResult:
    """Raises ConfigError."""
    catalog = load_catalog(settings)
    states, complete = _read_states(settings, catalog)
    outlines = []
    for feed in sorted(catalog, key=lambda feed: feed.name.casefold()):
        state = states.get(feed.name)
        url = _without_user((state.address if state else None) or feed.url)
        title = feed.label or (state.title if state else None) or feed.name
        outlines.append(Outline(title, url, feed.tags))
    secrets = sum("=…" in printable_url(outline.url) for outline in outlines)
    return ExportResult(tuple(outlines), secrets, complete)


def write_list(exported: ExportResult, file: str | None) -> None:
    """Write OPML to `file`, whole or not at all; None is standard output. Raises UsageError."""
    data = write_opml(exported.outlines, "newsdrop")
    if file is None or file == STDIN:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        write_durably(Path(file), data)
    except OSError as error:
        reason = f"{error.strerror}; name another file, or - for standard output"
        raise UsageError(f"{printable(file)} cannot be written: {reason}") from error


def _select_new(
    outlines: Iterable[Outline],
    addresses: set[str],
    names: FeedNames,
    report: ImportResult,
    defaults: Mapping[str, Any],
) -> list[dict[str, object]]:
    """The feeds that are not among `addresses`, as they are written to the file of feeds."""
    new = []
    for outline in outlines:
        title = outline.title if outline.title != outline.url else ""  # it had none
        tags = dict.fromkeys(tag[:200] for tag in (*outline.tags, *defaults.get("tags", ())))
        label = "".join(filter(str.isprintable, title))[:200]
        keys = {"name": "unnamed", "url": outline.url, "label": label, **defaults}
        try:
            feed = parse_feed({**keys, "tags": list(tags)})
        except UsageError as error:
            report.invalid.append(
                ImportProblem(printable_url(outline.url), outline.title, str(error))
            )
            continue
        address = _without_user(feed.url)
        if address in addresses:
            report.known += 1
            continue
        addresses.add(address)
        feed = replace(feed, name=names.free(title, feed.url))
        new.append(managed.feed_to_dict(feed))
        report.feeds.append(NewFeed(feed.name, feed.label, printable_url(feed.url), feed.tags))
        report.added += 1
    return new


def _read_states(settings: Settings, catalog: Catalog) -> tuple[dict[str, FeedState], bool]:
    """The states of the feeds, and whether Redis answered."""
    try:
        states = feed_store(settings).get_states(list(catalog.feeds))
    except Retryable:
        return {}, False
    return {state.name: state for state in states}, True


def _without_user(url: str) -> str:
    """`url` without user name and password."""
    if "@" not in url or url.startswith(RSSHUB):
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
