"""What `feeds import` and `feeds export` do: lists of feeds, as other readers have them."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from worker.actions.feed_names import FeedNames
from worker.cli.inputs import STDIN
from worker.errors import Retryable, UsageError
from worker.escape import printable
from worker.feeds import managed
from worker.feeds.catalog import Catalog, load_catalog
from worker.feeds.feed import RSSHUB, feed_of
from worker.feeds.opml import Outline, read_opml, write_opml
from worker.fetch import shown_url
from worker.settings import Settings
from worker.store.factory import feed_store
from worker.store.feeds import FeedState
from worker.taskqueue.client import notify_poll


@dataclass(frozen=True, slots=True)
class Problem:
    """A feed that was not taken; `url` is for showing."""

    url: str
    title: str
    message: str


@dataclass(slots=True)
class Imported:
    """What became of a list: feeds added, those that were there by their address, the others."""

    added: int = 0
    known: int = 0
    invalid: list[Problem] = field(default_factory=list)
    dry_run: bool = False
    rung: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """Every feed, with the address that is polled now and without credentials.

    `secrets` of the addresses still hold what looks like one, in their query: without it they
    would be no addresses. `complete` is False where Redis did not say which feeds have moved.
    """

    outlines: tuple[Outline, ...]
    secrets: int
    complete: bool


def import_opml(settings: Settings, data: bytes, *, dry_run: bool) -> Imported:
    """Add the feeds of an OPML list that are not there by their address: one write for all.

    Raises UsageError where it is no such list, ConfigError, SpoolUnavailable.
    """
    outlines = read_opml(data)
    report = Imported(dry_run=dry_run)
    catalog = load_catalog(settings)
    states, _ = _states(settings, catalog)
    there = {_bare(feed.url) for feed in catalog}
    there |= {_bare(state.address) for state in states.values() if state.address}
    folders = [folder.name for folder in settings.all_folders()]
    names = FeedNames([*folders, *catalog.feeds])
    if dry_run:
        _take(outlines, there, names, report)
        return report
    with managed.changing(settings.state_dir) as mine:
        there |= {_bare(str(one.get("url"))) for one in mine.values()}
        names = FeedNames([*folders, *catalog.feeds, *mine])
        mine.update({str(one["name"]): one for one in _take(outlines, there, names, report)})
    report.rung = notify_poll(settings) if report.added else False
    return report


def export_opml(settings: Settings) -> Exported:
    """Raises ConfigError."""
    catalog = load_catalog(settings)
    states, complete = _states(settings, catalog)
    outlines = []
    for feed in sorted(catalog, key=lambda one: one.name.casefold()):
        state = states.get(feed.name)
        url = _bare((state.address if state else None) or feed.url)
        outlines.append(Outline((state.title if state else None) or feed.name, url, feed.tags))
    secrets = sum("=…" in shown_url(one.url) for one in outlines)
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
        why = f"{error.strerror}; name another file, or - for standard output"
        raise UsageError(f"{printable(file)} cannot be written: {why}") from error


def _take(
    outlines: Iterable[Outline], there: set[str], names: FeedNames, report: Imported
) -> list[dict[str, object]]:
    """The new feeds, as they are written."""
    taken = []
    for outline in outlines:
        said = {"name": "unnamed", "url": outline.url, "tags": [tag[:200] for tag in outline.tags]}
        try:
            feed = feed_of(said)
        except UsageError as error:
            report.invalid.append(Problem(shown_url(outline.url), outline.title, str(error)))
            continue
        if _bare(feed.url) in there:
            report.known += 1
            continue
        there.add(_bare(feed.url))
        title = outline.title if outline.title != outline.url else None  # it had none
        taken.append({**managed.plain(feed), "name": names.free(title, feed.url)})
        report.added += 1
    return taken


def _states(settings: Settings, catalog: Catalog) -> tuple[dict[str, FeedState], bool]:
    """How the feeds stand, and whether Redis said so."""
    try:
        return {one.name: one for one in feed_store(settings).states(list(catalog.feeds))}, True
    except Retryable:
        return {}, False


def _bare(url: str) -> str:
    """`url` without user and password."""
    if "@" not in url or url.startswith(RSSHUB):
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
