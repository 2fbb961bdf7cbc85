"""All feeds: those of the config file and those that commands added, read anew when they change."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from worker.errors import ConfigError, SpoolUnavailable, UsageError
from worker.escape import printable
from worker.feeds import managed
from worker.feeds.feed import Feed, parse_feed
from worker.logs import get_logger
from worker.model import Profile
from worker.redact import is_secret_name, keep_secret, password_in
from worker.settings import MANUAL, Settings

logger = get_logger(__name__)


@dataclass(frozen=True)
class Catalog:
    """The feeds at one moment, by name. `owned` are those that commands may change."""

    feeds: Mapping[str, Feed] = field(default_factory=dict)
    owned: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Feed]:
        return iter(self.feeds.values())

    def __len__(self) -> int:
        return len(self.feeds)

    def get(self, name: str) -> Feed | None:
        return self.feeds.get(name)

    @cached_property
    def digest(self) -> str:
        """Another one when a feed came, went or has another address."""
        hashed = blake2b(digest_size=16)
        for feed in sorted(self, key=lambda one: one.name):
            hashed.update(f"{feed.name}\0{feed.url}\n".encode())
        return hashed.hexdigest()


class CatalogReader:
    """The feeds as they are now: the files are read again when they are others than before.

    A change that cannot be read is told once and leaves the feeds as they were: a slip of the pen
    in a file must not stop the polling of all the others.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp: object = None
        self._catalog: Catalog | None = None
        self._problem = ""
        self._profiles: dict[str, Profile] = {}

    def current(self) -> Catalog:
        """Costs two `stat` calls where nothing changed.

        Raises SpoolUnavailable while nothing could be read since this process began: which feeds
        there are is not known then, and what came of them waits.
        """
        stamp = tuple(map(_stamp, _files(self._settings)))
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._catalog, self._problem = load_catalog(self._settings), ""
                _keep_secrets(self._catalog)
            except ConfigError as error:
                self._problem = str(error)
                logger.error("the feeds stay as they were", error=self._problem)
            self._profiles = {}
        if self._catalog is None:
            raise SpoolUnavailable(self._problem)
        return self._catalog

    def profile(self, source: str) -> Profile:
        """How what comes from `source`, a feed or a folder, is read and keyed."""
        if source == MANUAL or self._settings.folder(source):
            return self._settings.profile(source)
        feed = self.current().get(source)
        if source not in self._profiles:
            settings = self._settings
            self._profiles[source] = feed.profile(settings) if feed else settings.profile(source)
        return self._profiles[source]


def load_catalog(settings: Settings) -> Catalog:
    """Every feed. Raises ConfigError with one line for each thing that is wrong."""
    configured, owned = _files(settings)
    mine = managed.read_feeds(owned)
    feeds: dict[str, Feed] = {}
    problems: list[str] = []
    taken = {folder.name for folder in settings.all_folders()}
    for path, said in ((configured or owned, _read_toml(configured)), (owned, mine)):
        for number, one in enumerate(said, 1):
            name = printable(str(one.get("name", f"number {number}")), 80)
            try:
                feed = parse_feed(one)
                if feed.name in feeds and path == owned and configured:
                    raise UsageError(
                        f"there is another of that name in {printable(configured)}: rename it "
                        f"there, or run `newsdrop feeds remove {name}`"
                    )
                managed.check_name(feed.name, taken)
            except UsageError as error:
                problems.append(f"{printable(path)}: feed {name}: {error}")
            else:
                taken.add(feed.name)
                feeds[feed.name] = feed
    if problems:
        raise ConfigError("\n".join(["the feeds are not right:", *problems]))
    return Catalog(feeds, frozenset(str(one["name"]) for one in mine))


def _keep_secrets(catalog: Catalog) -> None:
    """What feeds are fetched with is no business of a log, wherever it may be quoted."""
    headers = (pair for feed in catalog for pair in feed.headers.items())
    keep_secret(
        *(password_in(feed.url) for feed in catalog),
        *(value for name, value in headers if is_secret_name(name)),
    )


_USUAL = "feeds.toml"
"""The file that need not be there; one of another name was named by somebody."""


def _files(settings: Settings) -> tuple[Path | None, Path]:
    return settings.feeds.file, managed.feeds_file(settings.state_dir)


def _read_toml(path: Path | None) -> Iterable[dict[str, Any]]:
    if path is None:
        return []
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if path.name == _USUAL:
            return []
        raise ConfigError(
            f"there is no file of feeds at {printable(path)}: see feeds.file"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{printable(path)} cannot be read as TOML: {printable(str(error))}"
        ) from error
    unknown = [key for key in table if key != "feeds"]
    listed = table.get("feeds", [])
    if unknown or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        odd = f"unknown key {printable(unknown[0], 80)}: " if unknown else ""
        raise ConfigError(f"{printable(path)}: {odd}begin each feed with a line [[feeds]]")
    return listed


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path) if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
