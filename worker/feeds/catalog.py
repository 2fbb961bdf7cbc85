"""All feeds, from the config file and from commands; read again when they change."""

import os
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
from worker.settings.load import read_toml

logger = get_logger(__name__)


@dataclass(frozen=True)
class Catalog:
    """The feeds at one moment, by name. Commands may change those in `managed`."""

    feeds: Mapping[str, Feed] = field(default_factory=dict)
    managed: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[Feed]:
        return iter(self.feeds.values())

    def __len__(self) -> int:
        return len(self.feeds)

    def get(self, name: str) -> Feed | None:
        return self.feeds.get(name)

    def names_of(self, name: str) -> list[str]:
        """The feed with that name, or else the feeds with that label or address."""
        if name in self.feeds:
            return [name]
        return [feed.name for feed in self if name and name in (feed.label, feed.url)]

    @cached_property
    def digest(self) -> str:
        """Changes if a feed is added or removed, or its address changes."""
        hashed = blake2b(digest_size=16)
        for feed in sorted(self, key=lambda feed: feed.name):
            hashed.update(f"{feed.name}\0{feed.url}\n".encode())
        return hashed.hexdigest()


class CatalogReader:
    """The current feeds: the files are read again when they change.

    A file that cannot be read is logged once, and the feeds stay as they were: a typo must not
    stop the polling of all feeds.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files = _files(settings)
        self._versions: object = None
        self._catalog: Catalog | None = None
        self._problem = ""
        self._profiles: dict[str, Profile] = {}

    def current(self) -> Catalog:
        """Costs two `stat` calls if nothing has changed.

        Raises SpoolUnavailable if this process could not read the files yet: then the feeds are
        unknown, and their documents wait.
        """
        versions = tuple(map(_file_version, self._files))
        if versions != self._versions:
            self._versions = versions
            try:
                self._catalog, self._problem = load_catalog(self._settings), ""
                _keep_secrets(self._catalog)
            except ConfigError as error:
                self._problem = str(error)
                logger.error("the feeds cannot be read and stay as they were", error=self._problem)
            self._profiles = {}
        if self._catalog is None:
            raise SpoolUnavailable(self._problem)
        return self._catalog

    def profile(self, source: str) -> Profile:
        """How articles of `source`, a feed, a folder or a bucket, are read and keyed."""
        if source == MANUAL or self._settings.source(source):
            return self._settings.profile(source)
        feed = self.current().get(source)
        if source not in self._profiles:
            settings = self._settings
            self._profiles[source] = feed.profile(settings) if feed else settings.profile(source)
        return self._profiles[source]


def load_catalog(settings: Settings) -> Catalog:
    """Every feed. Raises ConfigError with one line per problem."""
    configured, managed_file = _files(settings)
    added = managed.read_feeds(managed_file)
    files = ((configured or managed_file, _read_list(configured)), (managed_file, added))
    feeds: dict[str, Feed] = {}
    problems: list[str] = []
    used_names = set(settings.source_names())
    for path, tables in files:
        for number, table in enumerate(tables, 1):
            name = printable(str(table.get("name", f"#{number}")), 80)
            try:
                feed = parse_feed(table)
                if feed.name in feeds and path == managed_file and configured:
                    raise UsageError(
                        f"{printable(configured)} has a feed of the same name: rename that "
                        f"one, or run `newsdrop feeds remove {name}`"
                    )
                managed.check_name(feed.name, used_names)
            except UsageError as error:
                problems += [
                    f"{printable(path)}: {name}: {line}" for line in str(error).split("\n")
                ]
            else:
                used_names.add(feed.name)
                feeds[feed.name] = feed
    if problems:
        raise ConfigError("\n".join(["correct these feeds:", *problems]))
    return Catalog(feeds, frozenset(str(table["name"]) for table in added))


def _keep_secrets(catalog: Catalog) -> None:
    """Keep passwords and secret headers of feeds out of the logs, wherever they are quoted."""
    headers = (pair for feed in catalog for pair in feed.headers.items())
    keep_secret(
        *(password_in(feed.url) for feed in catalog),
        *(value for name, value in headers if is_secret_name(name)),
    )


_DEFAULT_FILE = "feeds.toml"
"""It need not exist; a file of another name was set by a person and must exist."""


def _files(settings: Settings) -> tuple[Path | None, Path]:
    return settings.feeds.file, managed.feeds_file(settings.state_dir)


def _read_list(path: Path | None) -> Iterable[dict[str, Any]]:
    if path is None:
        return []
    try:
        table = read_toml(path)
    except FileNotFoundError as error:
        if path.name == _DEFAULT_FILE:
            return []
        raise ConfigError(
            f"there is no file of feeds at {printable(path)}: create it or correct feeds.file"
        ) from error
    unknown = [key for key in table if key != "feeds"]
    listed = table.get("feeds", [])
    if unknown or not isinstance(listed, list) or not all(isinstance(x, dict) for x in listed):
        hint = f"unknown key {printable(unknown[0], 80)}: " if unknown else ""
        raise ConfigError(f"{printable(path)}: {hint}begin each feed with a line [[feeds]]")
    return listed


def _file_version(path: Path | None) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path) if path else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None
