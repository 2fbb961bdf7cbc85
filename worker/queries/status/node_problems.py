"""Problems of nodes: one that is silent, a clock, feeds that differ."""

from collections.abc import Iterator, Sequence

from worker.queries.status.nodes import MAX_CLOCK_SECONDS, NodeStatus
from worker.queries.status.problem import Problem, duration

WORKERS = "/#h-workers"
"""The part of the overview that lists nodes and workers."""


def node_problems(nodes: Sequence[NodeStatus]) -> Iterator[Problem]:
    for node in nodes:
        if node.state != "working" and not node.is_here:
            yield from _silent(node)
        elif abs(node.ahead_seconds) > MAX_CLOCK_SECONDS:
            off = duration(abs(node.ahead_seconds))
            text = f"The clock of the node {node.name} is {off} behind that of Redis."
            if node.ahead_seconds > 0:
                text = f"The clock of the node {node.name} is {off} ahead of that of Redis."
            yield Problem("warn", "clock", text, _SET_CLOCKS, WORKERS)
        if node.has_other_feeds:
            text = f"The node {node.name} has other feeds than those that are polled."
            yield Problem("warn", "other feeds", text, _SAME_FEEDS, WORKERS)


_SET_CLOCKS = (
    "Set the clocks by NTP: the times in its records are wrong. Leases and schedules follow the "
    "clock of Redis."
)
_SAME_FEEDS = "Give all nodes the same feeds.toml, and add feeds by commands on each of them."


def _silent(node: NodeStatus) -> Iterator[Problem]:
    """A node that ended in good order and left nothing is not a problem."""
    if node.state == "ended" and not node.files and not node.pages:
        return
    since = duration(node.silent_seconds)
    yield Problem(
        "warn",
        "silent node",
        f"The node {node.name} has been silent for {since}: {_waiting(node)}.",
        "Start its service again. If it will not come back, take its drop folders over with "
        f"`newsdrop adopt`, and remove it with `newsdrop nodes forget {node.name}`.",
        WORKERS,
    )


def _waiting(node: NodeStatus) -> str:
    if node.batches and node.pages:
        return f"its {node.batches:,} batches and {node.pages:,} pages wait for it"
    if node.batches == 1:
        return "its only batch waits for it"
    if node.batches:
        return f"its {node.batches:,} batches wait for it"
    if node.pages:
        return f"its {node.pages:,} pages wait for it"
    return "nothing waits for it"
