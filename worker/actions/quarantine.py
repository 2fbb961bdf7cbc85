"""Refused inputs removed for good."""

from collections.abc import Iterable
from contextlib import suppress

from worker.errors import UsageError
from worker.settings import Settings
from worker.spool.quarantine import Quarantine


def discard(settings: Settings, ids: Iterable[str]) -> int:
    """Remove the quarantined inputs `ids` with their bytes; how many went.

    Raises UsageError, before anything is removed, where one is not there; SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    chosen = list(dict.fromkeys(ids))
    for refused_id in chosen:
        quarantine.get(refused_id)
    gone = 0
    for refused_id in chosen:
        with suppress(UsageError):  # somebody else was faster
            gone += quarantine.discard(refused_id)
    return gone
