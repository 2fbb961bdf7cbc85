"""The configured sources: their names, and which of them are paused."""

import difflib
import os
from collections.abc import Collection
from pathlib import Path

from worker.errors import NotThere, UsageError
from worker.escape import printable
from worker.feeds.catalog import Catalog, load_catalog
from worker.settings import MANUAL, POLLED, Settings

_MAX_LISTED = 20
_PAUSED = "paused"


def require_source(settings: Settings, name: str | None) -> None:
    """Raises NotThere with the nearest name where `name` is not a source; None means by hand."""
    if name is not None and name != MANUAL and settings.source(name) is None:
        require_name("source", name, source_names(settings))


def require_pausable(settings: Settings, name: str) -> str:
    """The source with that name, or the feed with that label; `feeds` is all polling. Raises
    NotThere, UsageError."""
    if name == POLLED or settings.source(name) is not None:
        return name
    catalog = load_catalog(settings)
    if catalog.names_of(name):
        return require_feed(catalog, name)
    require_name("source", name, [*source_names(settings), POLLED])
    return name


def require_feed(catalog: Catalog, name: str) -> str:
    """The name of the feed that has the name or label `name`. Raises NotThere with the nearest one;
    UsageError where several feeds have that label."""
    names = catalog.names_of(name)
    if not names:
        require_name(
            "feed", name, [*catalog.feeds, *(feed.label for feed in catalog if feed.label)]
        )
    if len(names) > 1:
        shown = printable(name, 80)
        raise UsageError(f"{len(names)} feeds are labelled {shown}: name one of {', '.join(names)}")
    return names[0]


def source_names(settings: Settings) -> list[str]:
    """The folders, the buckets, then the feeds. Raises ConfigError where the feeds cannot be
    read."""
    return [*settings.source_names(), *load_catalog(settings).feeds]


def require_name(what: str, name: str, names: Collection[str]) -> None:
    """Raises NotThere where `name` is not one of `names`, with the nearest one or a list."""
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        advice = f"did you mean {near[0]}?"
    elif names:
        more = f" and {len(names) - _MAX_LISTED:,} more" if len(names) > _MAX_LISTED else ""
        advice = f"there are: {', '.join(list(names)[:_MAX_LISTED])}{more}"
    else:
        advice = "there are none yet"
    if what == "feed":  # whole sentences: other languages do not put nouns into one
        raise NotThere(f"no feed is named {printable(name, 80)}; {advice}")
    if what == "source":
        raise NotThere(f"no source is named {printable(name, 80)}; {advice}")
    raise NotThere(f"no {what} is named {printable(name, 80)}; {advice}")


# ── paused sources: a file each in the state directory, so that it outlives every process ────


def pause(state_dir: Path, source: str) -> None:
    """Accept nothing more from `source`; accepted batches are still worked on."""
    path = _paused_dir(state_dir) / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def resume(state_dir: Path, source: str) -> None:
    """Accept from `source` again."""
    (_paused_dir(state_dir) / source).unlink(missing_ok=True)


def paused_sources(state_dir: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(_paused_dir(state_dir)))
    except OSError:
        return frozenset()


def is_paused(state_dir: Path, source: str) -> bool:
    return os.path.exists(f"{state_dir}/{_PAUSED}/{source}")  # noqa: PTH110 a third of Path's time


def _paused_dir(state_dir: Path) -> Path:
    return state_dir / _PAUSED
