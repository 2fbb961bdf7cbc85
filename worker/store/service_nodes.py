"""The nodes of the service: state directories, each with its own files, that share one stream."""

import time
from dataclasses import dataclass, replace
from typing import Any

import orjson

from worker.model.from_json import checked_from
from worker.store.connection import Client, server_ms
from worker.store.errors import translated, translated_replies
from worker.store.layout import DAY, Layout
from worker.store.workers import ALIVE_SECONDS, silence_ms


@dataclass(frozen=True, slots=True)
class NodeReport:
    """The last report of a node. `id` is that of its state directory, `name` is for people, `boot`
    changes with each start of its machine, `data_format` is that of `health.data_format`.

    `batches` of `files` files wait or are in work there, and `pages` wait to be fetched; it holds
    `leases` of feeds and pages now. Its clock was ahead of the server's by `ahead_ms`.
    `last_seen_ms` is the server's time (Unix). `has_ended`: its last worker ended in good order.
    """

    id: str
    name: str
    host: str
    boot: str
    data_format: int
    version: str = ""
    batches: int = 0
    files: int = 0
    pages: int = 0
    leases: int = 0
    ahead_ms: int = 0
    last_seen_ms: int = 0
    has_ended: bool = False

    def is_silent(self, now_ms: int) -> bool:
        """Whether its last report is so old that the node counts as not running."""
        return self.has_ended or silence_ms(self.last_seen_ms, now_ms) > ALIVE_SECONDS * 1000

    @property
    def has_work(self) -> bool:
        return bool(self.files or self.batches or self.pages)


class NodeStore:
    """The last reports of all nodes. Every method raises Retryable, no error of redis-py."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client: Any = client
        self._nodes = Layout(stream, 1).key("nodes")

    def report(self, report: NodeReport) -> NodeReport:
        """Store a report; returns it with the server's time, and how far ahead our clock is."""
        with translated():
            before = time.time()
            now_ms = server_ms(self._client)
            ahead_ms = int(500 * (before + time.time())) - now_ms
            stored = replace(report, last_seen_ms=now_ms, ahead_ms=ahead_ms)
            self._client.hset(self._nodes, report.id, orjson.dumps(stored))
        return stored

    def get(self, node: str) -> NodeReport | None:
        with translated():
            return _parse(self._client.hget(self._nodes, node))

    def find_working(self, node: str) -> NodeReport | None:
        """The report of a node that is at work; None if it is silent."""
        report = self.get(node)
        with translated():
            is_working = report is not None and not report.is_silent(server_ms(self._client))
        return report if is_working else None

    def list(self) -> tuple[list[NodeReport], int]:
        """(the reports by name, the server's time in Unix ms). Nodes where nothing waits are
        deleted after a day of silence."""
        with translated_replies():
            now_ms = server_ms(self._client)
            stored = [one for one in map(_parse, self._client.hvals(self._nodes)) if one]
        idle = {
            one.id
            for one in stored
            if not one.has_work and silence_ms(one.last_seen_ms, now_ms) > DAY * 1000
        }
        for node in idle:
            self.forget(node)
        reports = [one for one in stored if one.id not in idle]
        return sorted(reports, key=lambda one: (one.name, one.id)), now_ms

    def forget(self, node: str) -> bool:
        """Delete the report of a node; False if there is none. One at work reports again."""
        with translated():
            return bool(self._client.hdel(self._nodes, node))


def _parse(data: bytes | None) -> NodeReport | None:
    """A report; None if there is none, or this version cannot read it."""
    try:
        return checked_from(NodeReport, orjson.loads(data or b"{}"))
    except (ValueError, TypeError, AttributeError):
        return None
