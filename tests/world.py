"""newsdrop in one process for the tests: real folders, a real server, no Celery."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.feeds import managed
from worker.model import Tally
from worker.pipeline.batch.drain import DrainResult, drain
from worker.pipeline.context import Context, open_context
from worker.pipeline.feeds.poll import fetch, poll
from worker.pipeline.scan import scan_folders
from worker.settings import Settings, load
from worker.settings.clock import utc_now
from worker.sources.enqueue import EnqueueOptions, enqueue
from worker.sources.fetch_loop import FetchTotals
from worker.spool.batch import batch_names
from worker.spool.layout import manual_root
from worker.store.feed_state import FeedState

ARTICLE = """
---
title: '{title}'
categories:
 - 金融
author: 新浪财经
comments: false
date: {date}
---

<div>
<p>　　<font cms-style="font-L">{text}</font></p>
</div>
"""


def article(
    title: str = "一条新闻", text: str = "正文第一段。", date: str = "Fri, 26 Nov 2021 12:26:04 GMT"
) -> bytes:
    """A file in the form that the mirror writes."""
    return ARTICLE.format(title=title, text=text, date=date).encode()


class World:
    """One state directory with one drop folder whose files need not settle."""

    def __init__(self, state_dir: Path, redis_url: str, **options: Any) -> None:
        self.drop_dir = state_dir / "drop"
        self.drop_dir.mkdir(parents=True, exist_ok=True)
        folder = {"name": "drop", "path": str(self.drop_dir), "settle_without_event_seconds": 0}
        folder |= options.pop("folder", {})
        given = {"state_dir": str(state_dir), "redis.url": redis_url, "folders": [folder]}
        self.settings: Settings = load(options={"spool.min_free_mb": 1, **given, **options})
        self.context: Context = open_context(self.settings)

    def put(self, name: str, data: bytes | str = b"") -> Path:
        """Rename a file into the drop folder, as a careful writer does."""
        path = self.drop_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.settings.state_dir / "outside"
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        temporary.rename(path)
        return path

    def scan(self, *hints: str) -> None:
        scan_folders(self.context, hints=hints, now=utc_now(), notify=lambda: None)

    def drain(self, seconds: float = 60) -> DrainResult:
        return drain(self.context.roots, self.context.deps, seconds=seconds)

    def run(self) -> None:
        """Claim ready files and ingest all waiting batches."""
        self.scan()
        self.drain()

    def add_feed(self, name: str, url: str, **keys: Any) -> None:
        """Add a feed, or replace the one of that name."""
        with managed.edit_feeds(self.settings.state_dir) as feeds:
            feeds[name] = {"name": name, "url": url, **keys}

    def fetch(self) -> FetchTotals:
        """Fetch what is due, as the scheduler's tick and its task do."""
        poll(self.context, notify=lambda: None)
        fetched = fetch(self.context, notify=lambda: None)
        assert fetched is not None
        return fetched

    def poll(self, *again: str) -> FetchTotals:
        """Fetch what is due and the named feeds, and ingest the answers."""
        self.context.feed_store.make_due(again)
        fetched = self.fetch()
        self.drain()
        return fetched

    def feed(self, name: str) -> FeedState:
        return self.context.feed_store.get_states([name])[0]

    def enqueue(self, *paths: Path, **order: Any) -> int:
        """Enqueue files; returns how many were accepted."""
        root = manual_root(self.settings)
        request = EnqueueOptions(**{"source": "manual", "job": "job-1", **order})
        context = self.context
        claimed = enqueue(
            paths, root, self.settings.spool, context.accepted, request, now=context.deps.now
        )
        return sum(batch.files for batch in claimed)

    def entries(self) -> list[dict[str, Any]]:
        """The stream's entries, oldest first: type, id, revision, and `data` as an object."""
        found = []
        for entry in self.context.articles.read(count=100_000):
            data = json.loads(entry.data)
            found.append(
                {"type": entry.type, "id": entry.id, "revision": entry.revision, "data": data}
            )
        return found

    def totals(self) -> Tally:
        return self.context.counter_store.snapshot([]).totals

    def waiting(self) -> list[str]:
        return [name for root in self.context.roots for name in batch_names(root)]

    def journal(self) -> list[dict[str, Any]]:
        """Every outcome in the archive, as plain objects."""
        return [
            {**{f: getattr(one, f) for f in one.__slots__}}
            for segment in self.context.deps.archive.segments()
            for one in segment.outcomes()
        ]


def in_child(action: Callable[[], object]) -> int:
    """Run `action` in a forked process, which may be killed or kill itself; its exit code."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:  # the child must not come back into the test
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
