"""Whether a source of a name is configured; else the nearest one is told."""

import difflib

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import MANUAL, Settings


def known_source(settings: Settings, name: str | None) -> None:
    """Raises UsageError with the nearest name where `name` is no source (None: by hand)."""
    if name is not None and name != MANUAL:
        known_folder(settings, name)


def known_folder(settings: Settings, name: str) -> None:
    """Raises UsageError with the nearest name where no drop folder is called `name`."""
    names = [folder.name for folder in settings.all_folders()]
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    raise UsageError(f"no source is named {printable(name, 80)}; {hint}")
