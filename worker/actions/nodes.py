"""Nodes that will not come back: forget one, and adopt what one left in a drop folder."""

from dataclasses import dataclass
from pathlib import Path

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.spool.layout import SPOOL, Root, register_root, roots, translate_errors
from worker.spool.ownership import ADVICE, living_owner, ownership
from worker.store.factory import node_store
from worker.store.service_nodes import NodeReport
from worker.taskqueue.client import notify_ingest


def forget_node(settings: Settings, name: str) -> NodeReport:
    """Remove a node that will not come back from the list; `name` is its name or the beginning of
    its id. Raises UsageError where it is unknown or still at work, Retryable."""
    store = node_store(settings)
    reports, now_ms = store.list()
    matches = [each for each in reports if each.name == name] or [
        each for each in reports if name and each.id.startswith(name)
    ]
    shown = printable(name, 64)
    if not matches:
        raise UsageError(f"no node is named {shown}: `newsdrop nodes list` has the names")
    if len(matches) > 1:
        raise UsageError(f"{len(matches)} nodes are named {shown}: give the id of one of them")
    node = matches[0]
    if not node.is_silent(now_ms):
        raise UsageError(f"the node {shown} is working: stop its service first")
    store.forget(node.id)
    return node


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
