"""Forget a node that will not come back."""

from worker.errors import UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.store.factory import node_store
from worker.store.service_nodes import NodeReport


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
