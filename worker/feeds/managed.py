"""The feeds that commands add and remove: JSON in the state directory, never in `config/`."""

from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from worker.errors import AlreadyThere, ConfigError
from worker.escape import printable
from worker.feeds.feed import Feed
from worker.settings import MANUAL, POLLED
from worker.spool.layout import translate_errors, write_durably
from worker.spool.lockfile import hold_lock

RESERVED = frozenset({MANUAL, POLLED})


def feeds_file(state_dir: Path) -> Path:
    """The path of the file; it may not exist."""
    return state_dir / "feeds.json"


def read_feeds(path: Path) -> list[dict[str, Any]]:
    """The feeds as they were written; none if there is no file. Raises ConfigError."""
    try:
        feeds: list[dict[str, Any]] = orjson.loads(path.read_bytes())["feeds"]
        if not all(isinstance(feed, dict) for feed in feeds):
            raise TypeError("a feed is not an object")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{printable(path)} cannot be read: restore it from a back-up, or remove it and add "
            "its feeds again"
        ) from error
    return feeds


def check_name(name: str, used_names: Set[str]) -> None:
    """Raises AlreadyThere if newsdrop or another source uses that name."""
    if name in RESERVED:
        raise AlreadyThere(f"newsdrop itself uses the name {name}: choose another")
    if name in used_names:
        raise AlreadyThere(
            f"there is already a source named {printable(name)}: choose another name"
        )


@contextmanager
def edit_feeds(state_dir: Path) -> Iterator[dict[str, Mapping[str, Any]]]:
    """The feeds by name, to be changed in place; written durably as a whole unless an error is
    raised. Other processes wait. Raises SpoolUnavailable, ConfigError."""
    path = feeds_file(state_dir)
    with ExitStack() as stack:
        with translate_errors(state_dir):
            state_dir.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold_lock(state_dir / "feeds.lock"))
        feeds: dict[str, Mapping[str, Any]] = {str(x.get("name")): x for x in read_feeds(path)}
        yield feeds
        data = orjson.dumps({"feeds": list(feeds.values())}, option=orjson.OPT_INDENT_2) + b"\n"
        with translate_errors(path):  # 0600: addresses and headers may hold credentials
            write_durably(path, data, mode=0o600)


def feed_to_dict(feed: Feed) -> dict[str, Any]:
    """A feed as it is written, without empty values."""
    return {key: value for key, value in asdict(feed).items() if value}
