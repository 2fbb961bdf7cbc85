"""Adopt what a service that is gone left waiting in a drop folder."""

from dataclasses import dataclass
from pathlib import Path

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.spool.layout import SPOOL, Root, register_root, roots, translate_errors
from worker.spool.ownership import ADVICE, living_owner, ownership
from worker.taskqueue.client import notify_ingest


@dataclass(frozen=True, slots=True)
class AdoptResult:
    """The batches that are this state directory's now. `is_watched`: a running service works on
    them at once; in a folder that is not configured, when it starts next."""

    folder: str
    batches: tuple[str, ...]
    is_watched: bool


def adopt(settings: Settings, folder: Path) -> AdoptResult:
    """Take over a drop folder whose owner is gone, with the batches in it.

    Raises UsageError where it is not a drop folder, or its owner's service runs; SpoolUnavailable.
    """
    root = Root(folder.absolute() / SPOOL, None)
    if not root.work.is_dir():
        raise UsageError(
            f"{printable(folder)} is not a drop folder that newsdrop worked in: it has no "
            f"{SPOOL}/work; name the folder itself"
        )
    if other := living_owner(settings.state_dir, root.path):
        raise UsageError(f"{other.refusal(root.path)}: {ADVICE}")
    is_watched = root.path in [known_root.path for known_root in roots(settings)]
    with translate_errors(settings.state_dir):
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        register_root(settings.state_dir, root.path)
    batches = ownership(settings.state_dir).require(root)
    if batches:
        notify_ingest(settings)
    return AdoptResult(str(folder), tuple(batches), is_watched)
