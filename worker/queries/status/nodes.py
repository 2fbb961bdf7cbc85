"""The nodes of the service, each with what it holds."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from worker.escape import printable
from worker.model.times import rfc3339_from_ms
from worker.settings import Settings
from worker.spool.ownership import read_id
from worker.store.service_nodes import NodeReport
from worker.store.workers import WorkerInfo

MAX_CLOCK_SECONDS = 30.0
"""A clock that differs more from Redis' is a problem: its times are in the records."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A node. `is_here`: its state directory is this one. `state` is `ended` where its last worker
    ended in good order. `seen_at` is RFC 3339, UTC, by the clock of Redis; `silent_seconds` count
    from there.

    `batches` of `files` files and `pages` to fetch wait there; it holds `leases` of feeds and
    pages; its clock is ahead of Redis' by `ahead_seconds`. `has_other_feeds`: those of
    another node are polled, and they are not the same.
    """

    id: str
    name: str
    host: str
    is_here: bool
    state: Literal["working", "silent", "ended"]
    seen_at: str
    silent_seconds: float
    batches: int
    files: int
    pages: int
    leases: int
    workers: int
    processes: int
    ahead_seconds: float
    has_other_feeds: bool
    version: str


def list_nodes(
    settings: Settings,
    reports: Iterable[NodeReport],
    workers: Sequence[WorkerInfo],
    differing: Collection[str],
    now_ms: int,
) -> tuple[NodeStatus, ...]:
    """The nodes by name, this one first; `differing` are ids of those whose feeds differ, `now_ms`
    is the server's time (Unix)."""
    own, reports = read_id(settings.state_dir), list(reports)
    names = [printable(report.name, 64) for report in reports]

    def describe(report: NodeReport) -> NodeStatus:
        alive = [worker for worker in workers if worker.node == report.id]
        is_silent, name = report.is_silent(now_ms), printable(report.name, 64)
        return NodeStatus(
            id=report.id,
            name=name if names.count(name) == 1 else f"{name} ({report.id[:8]})",
            host=printable(report.host, 64),
            is_here=report.id == own,
            state="ended" if report.has_ended else "silent" if is_silent else "working",
            seen_at=rfc3339_from_ms(report.last_seen_ms),
            silent_seconds=max(0, now_ms - report.last_seen_ms) / 1000,
            batches=report.batches,
            files=report.files,
            pages=report.pages,
            leases=0 if is_silent else report.leases,
            workers=len(alive),
            processes=sum(worker.processes for worker in alive),
            ahead_seconds=report.ahead_ms / 1000,
            has_other_feeds=report.id in differing and not is_silent,
            version=printable(report.version, 20),
        )

    nodes = [describe(report) for report in reports]
    return tuple(sorted(nodes, key=lambda node: not node.is_here))


def count_elsewhere(nodes: Iterable[NodeStatus]) -> int:
    """The accepted files that wait on other nodes, as those reported last."""
    return sum(node.files for node in nodes if not node.is_here)
