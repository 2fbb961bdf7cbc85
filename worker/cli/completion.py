"""What a shell completes beside commands and options: names and ids that are there now.

Quick and silent: where settings cannot be read, Redis is away or a disk hangs, nothing is offered.
Only plain names are: a shell's script may read what it gets as code.
"""

import logging
import re
from collections.abc import Callable, Iterable
from threading import Thread
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from worker.settings import Settings

WITHIN = 2.0
"""Seconds, after which a person would type the name themselves."""

_MOST = 200
_PLAIN = re.compile(r"[A-Za-z0-9._@+-]+")


def folders(context: typer.Context, incomplete: str) -> list[str]:
    """What `--source` may be: drop folders, and by hand."""

    def find(settings: "Settings") -> list[str]:
        from worker.settings import MANUAL

        return [*(folder.name for folder in settings.all_folders()), MANUAL]

    return _offered(context, incomplete, find)


def sources(context: typer.Context, incomplete: str) -> list[str]:
    """What can be paused: drop folders, feeds, and all polling."""

    def find(settings: "Settings") -> list[str]:
        from worker.settings import POLLED
        from worker.sources.registry import source_names

        return [*source_names(settings), POLLED]

    return _offered(context, incomplete, find)


def paused(context: typer.Context, incomplete: str) -> list[str]:
    """What can be resumed."""

    def find(settings: "Settings") -> list[str]:
        from worker.sources.registry import paused_sources

        return sorted(paused_sources(settings.state_dir))

    return _offered(context, incomplete, find)


def feeds(context: typer.Context, incomplete: str) -> list[str]:
    """The feeds that there are."""

    def find(settings: "Settings") -> Iterable[str]:
        from worker.feeds.catalog import load_catalog

        return load_catalog(settings).feeds

    return _offered(context, incomplete, find)


def jobs(context: typer.Context, incomplete: str) -> list[str]:
    """The newest jobs, the newest first."""

    def find(settings: "Settings") -> list[str]:
        from worker.store.factory import job_store

        return [state.job.id for state in job_store(settings).list(_MOST)]

    return _offered(context, incomplete, find)


def quarantined(context: typer.Context, incomplete: str) -> list[str]:
    """What is in quarantine, the newest first."""

    def find(settings: "Settings") -> list[str]:
        from worker.spool.quarantine import Quarantine

        return Quarantine(settings.state_dir).ids()[::-1]

    return _offered(context, incomplete, find)


def _offered(
    context: typer.Context, incomplete: str, find: "Callable[[Settings], Iterable[str]]"
) -> list[str]:
    """What `find` names and begins like `incomplete`, if it is quick about it."""
    logging.disable()  # what is wrong is for the command to say
    config = context.find_root().params.get("config")
    found: list[str] = []
    try:
        from worker.settings import load

        settings = load(config)
    except Exception:
        return []

    def look() -> None:
        try:
            names = find(settings)
        except Exception:  # whatever it is: a person is in the middle of a word
            return
        fitting = (name for name in names if name.startswith(incomplete))
        found.extend([name for name in fitting if _PLAIN.fullmatch(name)][:_MOST])

    # A thread, and none that is waited for: a connection has no deadline as short as a person's.
    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(WITHIN)
    return list(found)
