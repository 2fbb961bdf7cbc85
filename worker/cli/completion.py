"""Shell completion of names and IDs that exist now.

It is quick and silent: where the settings cannot be read, Redis does not answer or a disk hangs,
nothing is completed. Only plain names are offered, because a shell may run what it gets as code.
"""

import logging
import re
from collections.abc import Callable, Iterable
from threading import Thread
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from worker.settings import Settings

TIMEOUT_SECONDS = 2.0
"""After that a person would rather type the name."""

_MAX_NAMES = 200
_PLAIN = re.compile(r"[A-Za-z0-9._@+-]+")

_ListNames = Callable[["Settings"], Iterable[str]]


def _completion(list_names: _ListNames) -> Callable[[typer.Context, str], list[str]]:
    """Make a completion of the names that `list_names` gives for the settings of the call."""

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        logging.disable()  # the command itself will report what is wrong
        try:
            from worker.settings import load

            settings = load(context.find_root().params.get("config"))
        except Exception:
            return []
        names: list[str] = []

        def collect() -> None:
            try:
                matches = [name for name in list_names(settings) if name.startswith(incomplete)]
            except Exception:  # whatever it is: a person is in the middle of a word
                return
            names.extend([name for name in matches if _PLAIN.fullmatch(name)][:_MAX_NAMES])

        # A thread, because no connection has a timeout as short; it may outlive the answer.
        thread = Thread(target=collect, daemon=True)
        thread.start()
        thread.join(TIMEOUT_SECONDS)
        return list(names)

    return complete


@_completion
def folders(settings: "Settings") -> Iterable[str]:
    """Values of `enqueue --source`: drop folders, buckets, and what is enqueued by hand."""
    from worker.settings import MANUAL

    return [*settings.source_names(), MANUAL]


@_completion
def sources(settings: "Settings") -> Iterable[str]:
    """What can be paused: drop folders, feeds, and all polling."""
    from worker.settings import POLLED
    from worker.sources.registry import source_names

    return [*source_names(settings), POLLED]


@_completion
def paused(settings: "Settings") -> Iterable[str]:
    from worker.sources.registry import paused_sources

    return sorted(paused_sources(settings.state_dir))


@_completion
def feeds(settings: "Settings") -> Iterable[str]:
    from worker.feeds.catalog import load_catalog

    return load_catalog(settings).feeds


@_completion
def jobs(settings: "Settings") -> Iterable[str]:
    from worker.store.factory import job_store

    return [state.job.id for state in job_store(settings).list(_MAX_NAMES)]


@_completion
def groups(settings: "Settings") -> Iterable[str]:
    from worker.store.factory import article_store

    return [group.name for group in article_store(settings).get_info().groups]


@_completion
def quarantined(settings: "Settings") -> Iterable[str]:
    from worker.spool.quarantine import Quarantine

    return Quarantine(settings.state_dir).ids()[::-1]


@_completion
def warning_kinds(settings: "Settings") -> Iterable[str]:
    from worker.model.warning import WarningKind

    return list(WarningKind)
