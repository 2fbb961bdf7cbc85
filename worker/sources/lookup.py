"""Whether a source of a name is configured; else the nearest one is told."""

import difflib
from collections.abc import Collection

from worker.errors import NotThere
from worker.escape import printable
from worker.feeds.catalog import load_catalog
from worker.settings import MANUAL, POLLED, Settings

_LISTED = 20


def require_source(settings: Settings, name: str | None) -> None:
    """Raises NotThere with the nearest name where `name` is no source (None: by hand)."""
    if name is not None and name != MANUAL and settings.folder(name) is None:
        require_name("source", name, source_names(settings))


def require_pausable(settings: Settings, name: str) -> None:
    """Raises NotThere where `name` is neither a folder nor a feed; `feeds` is all polling."""
    if name != POLLED and settings.folder(name) is None:
        require_name("source", name, [*source_names(settings), POLLED])


def source_names(settings: Settings) -> list[str]:
    """The drop folders, then the feeds. Raises ConfigError where the feeds cannot be read."""
    folders = [folder.name for folder in settings.all_folders()]
    return [*folders, *load_catalog(settings).feeds]


def require_name(what: str, name: str, names: Collection[str]) -> None:
    """Raises NotThere with the nearest of `names`, or what there is, where `name` is none."""
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    some = ", ".join(list(names)[:_LISTED])
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    if near:
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"there are: {some}{more}" if names else f"there is no {what} yet"
    raise NotThere(f"no {what} is named {printable(name, 80)}; {hint}")
