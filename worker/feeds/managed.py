"""The feeds that commands add and remove: JSON in the state directory, never in `config/`."""

import os
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from worker.errors import AlreadyThere, ConfigError, SpoolUnavailable
from worker.escape import printable
from worker.feeds.feed import Feed
from worker.settings import MANUAL, POLLED
from worker.spool.lockfile import lock

RESERVED = frozenset({MANUAL, POLLED})


def feeds_file(state_dir: Path) -> Path:
    """Where the file is, or would be."""
    return state_dir / "feeds.json"


def read_feeds(path: Path) -> list[dict[str, Any]]:
    """The feeds as they were written; none where there is no file yet. Raises ConfigError."""
    try:
        listed = orjson.loads(path.read_bytes())["feeds"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{printable(path)} cannot be read: restore it from a back-up, or remove it and add "
            "its feeds again"
        ) from error
    return [one for one in listed if isinstance(one, dict)]


def check_name(name: str, taken: Set[str]) -> None:
    """Raises AlreadyThere where another source has that name."""
    if name in RESERVED:
        raise AlreadyThere(f"{name} is a name of newsdrop's own: choose another")
    if name in taken:
        raise AlreadyThere(
            f"there is already a source named {printable(name)}: choose another name"
        )


@contextmanager
def edit_feeds(state_dir: Path) -> Iterator[dict[str, Mapping[str, Any]]]:
    """The feeds by name, to be changed in place; written whole, durably, where no error comes.

    Nobody else changes them meanwhile. Raises SpoolUnavailable, ConfigError.
    """
    path = feeds_file(state_dir)
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        fd = lock(state_dir / "feeds.lock")
    except OSError as error:
        raise _unwritable(state_dir, error) from error
    try:
        feeds: dict[str, Mapping[str, Any]] = {
            str(one.get("name")): one for one in read_feeds(path)
        }
        yield feeds
        _write(path, feeds)
    finally:
        os.close(fd)


def feed_to_dict(feed: Feed) -> dict[str, Any]:
    """A feed as it is written: what says nothing is left out."""
    return {key: value for key, value in asdict(feed).items() if value}


def _write(path: Path, feeds: Mapping[str, Mapping[str, Any]]) -> None:
    data = orjson.dumps({"feeds": list(feeds.values())}, option=orjson.OPT_INDENT_2)
    temporary = path.with_name(".feeds.json.tmp")  # under the lock: nobody else writes it
    try:
        # 0600: addresses and headers may hold credentials
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> SpoolUnavailable:
    why = error.strerror or type(error).__name__
    return SpoolUnavailable(f"{printable(path)} cannot be written: {why}; check rights and space")
