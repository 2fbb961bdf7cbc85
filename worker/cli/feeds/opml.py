"""`feeds import` and `feeds export`: OPML lists, which other feed readers read and write."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
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
from worker.store.factory import feed_store
from worker.store.feeds import FeedState
from worker.taskqueue.client import notify_poll


@dataclass(frozen=True, slots=True)
class Problem:
    """A feed that could not be added; `url` is without credentials."""

    url: str
    title: str
    message: str


@dataclass(slots=True)
class Imported:
    """The result of an import, and its `--json`: feeds added, feeds that were there by their
    address, and those that could not be added. `rung`: the worker was notified."""

    added: int = 0
    known: int = 0
    invalid: list[Problem] = field(default_factory=list)
    dry_run: bool = False
    rung: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """Every feed, with the address that is polled now and without credentials.

    `secrets` counts addresses whose query seems to have a key: without it they would not work.
    `complete` is False where Redis could not say which feeds have moved.
    """

    outlines: tuple[Outline, ...]
    secrets: int
    complete: bool


def import_opml(settings: Settings, data: bytes, *, dry_run: bool) -> Imported:
    """Add the feeds of an OPML list whose address is not there yet, in one write.

    Raises UsageError where `data` is no such list, ConfigError, SpoolUnavailable.
    """
    outlines = read_opml(data)
    report = Imported(dry_run=dry_run)
    catalog = load_catalog(settings)
    states, _ = _read_states(settings, catalog)
    addresses = {_without_user(feed.url) for feed in catalog}
    addresses |= {_without_user(state.address) for state in states.values() if state.address}
    names = [*(folder.name for folder in settings.all_folders()), *catalog.feeds]
    if dry_run:
        _select_new(outlines, addresses, FeedNames(names), report)
        return report
    with managed.edit_feeds(settings.state_dir) as feeds:  # others may have added some meanwhile
        addresses |= {_without_user(str(feed.get("url"))) for feed in feeds.values()}
        new = _select_new(outlines, addresses, FeedNames([*names, *feeds]), report)
        feeds.update({str(feed["name"]): feed for feed in new})
    report.rung = notify_poll(settings) if report.added else False
    return report


def export_opml(settings: Settings) -> Exported:
    """Raises ConfigError."""
    catalog = load_catalog(settings)
    states, complete = _read_states(settings, catalog)
    outlines = []
    for feed in sorted(catalog, key=lambda feed: feed.name.casefold()):
        state = states.get(feed.name)
        url = _without_user((state.address if state else None) or feed.url)
        outlines.append(Outline((state.title if state else None) or feed.name, url, feed.tags))
    secrets = sum("=…" in printable_url(outline.url) for outline in outlines)
    return Exported(tuple(outlines), secrets, complete)


def write_list(exported: Exported, file: str | None) -> None:
    """Write OPML to `file`, whole or not at all; None is standard output. Raises UsageError."""
    data = write_opml(exported.outlines, "newsdrop")
    if file is None or file == STDIN:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    path = Path(file)
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(data)
        temporary.rename(path)
    except OSError as error:
        reason = f"{error.strerror}; name another file, or - for standard output"
        raise UsageError(f"{printable(file)} cannot be written: {reason}") from error


def _select_new(
    outlines: Iterable[Outline], addresses: set[str], names: FeedNames, report: Imported
) -> list[dict[str, object]]:
    """The feeds that are not among `addresses`, as they are written to the file of feeds."""
    new = []
    for outline in outlines:
        keys = {"name": "unnamed", "url": outline.url, "tags": [tag[:200] for tag in outline.tags]}
        try:
            feed = parse_feed(keys)
        except UsageError as error:
            report.invalid.append(Problem(printable_url(outline.url), outline.title, str(error)))
            continue
        address = _without_user(feed.url)
        if address in addresses:
            report.known += 1
            continue
        addresses.add(address)
        title = outline.title if outline.title != outline.url else None  # it had none
        new.append({**managed.feed_to_dict(feed), "name": names.free(title, feed.url)})
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
